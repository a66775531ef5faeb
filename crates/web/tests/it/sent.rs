//! What the forms are sent with where every one of them is sent.

use std::collections::BTreeMap;

use crate::world::Names;

/// The fields of the form that leads to this path, beside its token.
#[expect(clippy::too_many_lines, reason = "a table")]
pub fn with(path: &str, names: &Names) -> BTreeMap<String, String> {
    let below = path
        .strip_prefix("/app/{organization_name}/workspaces/{workspace_name}/")
        .or_else(|| path.strip_prefix("/app/{organization_name}/"))
        .unwrap_or(path);
    let fields: &[(&str, &str)] = match below {
        "/organizations/new" => &[("name", "widgets"), ("email", "ops@people.example")],
        "/app/settings/second-factor/confirm" | "/session/code" => &[("code", "000000")],
        "/app/settings/second-factor/remove" => &[("password", "wrong")],
        "/app/settings/password" => &[
            ("current_password", "wrong"),
            ("password", "correct horse battery"),
            ("password_confirmation", "correct horse battery"),
        ],
        "/app/settings/sessions/end" => &[("session", "nobody's")],
        "/app/site/github-app/link" | "/app/site/github-app/unlink" => {
            &[("installation", &names["github_app_installation_id"]), ("organization", "acme")]
        }
        site if site.starts_with("/app/site/") => of_site(site),
        "/app/settings/theme" => &[("theme", "dark")],
        "new-workspace" => &[("name", "spare"), ("project", &names["project_id"])],
        "new-project" | "projects/{project_id}" | "teams" => &[("name", "another one")],
        "runs/{run_id}/comments" => &[("body", "Looks right.")],
        "policy-replays" => &[("files", "main = true"), ("plans", "3")],
        "start-run" => &[("kind", "plan")],
        "variables" => &[("key", "size"), ("value", "3"), ("category", "terraform")],
        "paste-variables" => &[("format", "tfvars"), ("text", "size = 3")],
        "variable-sets" if path.contains("{workspace_name}") => &[("set", &names["spare_set_id"])],
        "variable-sets/remove" => &[("set", &names["varset_id"])],
        "variable-sets" | "policies/{policy_set_id}" => &[("name", "spare")],
        "variable-sets/{varset_id}" => &[("name", "defaults"), ("global", "false")],
        "variable-sets/{varset_id}/variables" => {
            &[("key", "size"), ("value", "3"), ("category", "terraform")]
        }
        "variable-sets/{varset_id}/variables/{varset_variable_id}" => {
            &[("key", "zone"), ("value", "b"), ("category", "terraform")]
        }
        "variables/{variable_id}" => {
            &[("key", "region"), ("value", "eu-2"), ("category", "terraform")]
        }
        "settings" if path.contains("{workspace_name}") => {
            &[("name", "networking"), ("terraform-version", "1.12.2")]
        }
        "settings/lifetimes" => {
            &[("user", "30"), ("team", "30"), ("organization", "30"), ("audit-trails", "30")]
        }
        "settings/cidr-range-lists" | "settings/cidr-range-lists/{cidr_range_list_id}" => {
            &[("name", "basement"), ("enforcement-scope", "all_agent_pools")]
        }
        "settings/cidr-range-lists/{cidr_range_list_id}/ranges" => &[("range", "2001:db8::/32")],
        "settings/cidr-range-lists/{cidr_range_list_id}/agent-pools"
        | "settings/cidr-range-lists/{cidr_range_list_id}/agent-pools/delete" => {
            &[("agent-pool", &names["agent_pool_id"])]
        }
        "settings/cidr-ranges/{cidr_range_id}" => &[("enabled", "false")],
        "settings/ssh-keys" => &[("name", "spare"), ("value", "no real key")],
        "settings/tags/delete" => &[("tag", &names["tag_id"])],
        "settings" => &[("email", "ops@people.example"), ("default-execution-mode", "remote")],
        "move" => &[("project", &names["project_id"])],
        "settings/tags" => &[("tags", "network")],
        "settings/access" | "projects/{project_id}/access" => {
            &[("team", &names["team_id"]), ("access", "read")]
        }
        "projects/{project_id}/access/{team_project_id}" => &[("access", "write")],
        "settings/access/{team_workspace_id}" => &[("access", "plan")],
        "settings/notifications" => {
            &[("name", "chat"), ("destination-type", "email"), ("run:errored", "true")]
        }
        "settings/notifications/{notification_configuration_id}" => &[("name", "hook")],
        "settings/run-tasks" if path.contains("{workspace_name}") => {
            &[("task", &names["task_id"]), ("pre_plan", "true"), ("enforcement-level", "advisory")]
        }
        "settings/run-tasks/{workspace_task_id}" => {
            &[("post_apply", "true"), ("enforcement-level", "mandatory")]
        }
        "settings/schedules" | "settings/schedules/{run_schedule_id}" => {
            &[("kind", "plan"), ("cron", "0 6 * * *"), ("time-zone", "UTC")]
        }
        "settings/freezes" | "settings/freezes/{freeze_id}" => &[
            ("name", "nights"),
            ("cron", "0 22 * * *"),
            ("duration-minutes", "480"),
            ("time-zone", "UTC"),
        ],
        "runs/{run_id}/break-freeze" => &[("comment", "the house is on fire")],
        "settings/run-tasks" => &[("name", "another"), ("url", "https://example.com/")],
        "settings/run-tasks/{task_id}" => &[("name", "scanner"), ("url", "https://example.com/")],
        "settings/run-triggers" => &[("sourceable", "networking")],
        "settings/state-sharing" => &[("shared", "project")],
        "settings/state-sharing/consumers" => &[("consumer", "storage")],
        "settings/state-sharing/consumers/remove" => &[("id", &names["workspace_id"])],
        "settings/retention" => &[("rule", "keep")],
        "settings/destruction" => &[("when", "never")],
        "settings/version-control" => &[("starts", "all")],
        "lock" => &[("reason", "a window")],
        "health/switch" => &[("enabled", "true")],
        "force-unlock" => &[("confirm", "networking")],
        "delete" => &[("confirm", "acme/networking"), ("force", "true")],
        "teams/{team_id}/add" | "teams/{team_id}/remove" => &[("username", "member")],
        "members" => &[("email", "somebody@people.example")],
        "agents" | "agents/{agent_pool_id}" => {
            &[("name", "another one"), ("organization-scoped", "true")]
        }
        "version-control" => {
            &[("service-provider", "gitlab_hosted"), ("oauth-token-string", "glpat-1")]
        }
        "version-control/{oauth_client_id}" => &[("name", "another one"), ("key", "app")],
        "version-control/{oauth_client_id}/keys" => &[("ssh-known-hosts", "h ssh-ed25519 AAAA")],
        "agents/{agent_pool_id}/tokens" => &[("description", "of the attic")],
        _ => &[],
    };
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn of_site(path: &str) -> &'static [(&'static str, &'static str)] {
    match path {
        "/app/site/organizations/{organization_name}" => &[("workspace-limit", "40")],
        "/app/site/organizations/{organization_name}/delete" => &[("confirm", "acme")],
        "/app/site/settings/{site_setting}" => &[("value", "3h")],
        "/app/site/users/{user_id}" => &[("standing", "suspend")],
        "/app/site/users/{user_id}/impersonate" => &[("reason", "a question")],
        _ => &[],
    }
}
