//! What the forms are sent with where every one of them is sent.

use std::collections::BTreeMap;

use crate::world::Names;

/// The fields of the form that leads to this path, beside its token.
pub fn with(path: &str, _names: &Names) -> BTreeMap<String, String> {
    let fields: &[(&str, &str)] = match path {
        "/organizations/new" => &[("name", "widgets"), ("email", "ops@people.example")],
        "/app/settings/password" => &[
            ("current_password", "wrong"),
            ("password", "correct horse battery"),
            ("password_confirmation", "correct horse battery"),
        ],
        _ => &[],
    };
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
