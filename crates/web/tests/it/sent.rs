//! What the forms are sent with where every one of them is sent.

use std::collections::BTreeMap;

use crate::world::Names;

/// The fields of the form that leads to this path, beside its token.
pub fn with(path: &str, names: &Names) -> BTreeMap<String, String> {
    let fields: &[(&str, &str)] = match path {
        "/organizations/new" => &[("name", "widgets"), ("email", "ops@people.example")],
        "/app/settings/password" => &[
            ("current_password", "wrong"),
            ("password", "correct horse battery"),
            ("password_confirmation", "correct horse battery"),
        ],
        "/app/{organization_name}/new-workspace" => {
            &[("name", "spare"), ("project", &names["project_id"])]
        }
        path if path.ends_with("/comments") => &[("body", "Looks right.")],
        _ => &[],
    };
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
