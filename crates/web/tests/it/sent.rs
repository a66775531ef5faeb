//! What the forms are sent with where every one of them is sent.

use std::collections::BTreeMap;

use crate::world::Names;

/// The fields of the form that leads to this path, beside its token.
pub fn with(path: &str, names: &Names) -> BTreeMap<String, String> {
    let below = path
        .strip_prefix("/app/{organization_name}/workspaces/{workspace_name}/")
        .or_else(|| path.strip_prefix("/app/{organization_name}/"))
        .unwrap_or(path);
    let fields: &[(&str, &str)] = match below {
        "/organizations/new" => &[("name", "widgets"), ("email", "ops@people.example")],
        "/app/settings/password" => &[
            ("current_password", "wrong"),
            ("password", "correct horse battery"),
            ("password_confirmation", "correct horse battery"),
        ],
        "new-workspace" => &[("name", "spare"), ("project", &names["project_id"])],
        "new-project" | "projects/{project_id}" | "teams" => &[("name", "another one")],
        "runs/{run_id}/comments" => &[("body", "Looks right.")],
        "start-run" => &[("kind", "plan")],
        "variables" => &[("key", "size"), ("value", "3"), ("category", "terraform")],
        "variables/{variable_id}" => {
            &[("key", "region"), ("value", "eu-2"), ("category", "terraform")]
        }
        "settings" if path.contains("{workspace_name}") => {
            &[("name", "networking"), ("terraform-version", "1.12.2")]
        }
        "settings" => &[("email", "ops@people.example"), ("default-execution-mode", "remote")],
        "lock" => &[("reason", "a window")],
        "force-unlock" => &[("confirm", "networking")],
        "delete" => &[("confirm", "acme/networking"), ("force", "true")],
        "teams/{team_id}/add" | "teams/{team_id}/remove" => &[("username", "member")],
        "members" => &[("email", "somebody@people.example")],
        "agents" | "agents/{agent_pool_id}" => {
            &[("name", "another one"), ("organization-scoped", "true")]
        }
        "agents/{agent_pool_id}/tokens" => &[("description", "of the attic")],
        _ => &[],
    };
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
