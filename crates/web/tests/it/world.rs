//! One of everything that the address of a page can name.

use std::collections::BTreeMap;

use domain::row::Workspace;
use serde_json::{Value, json};
use testkit::{Client, Server, world::oauth_clients::installation_in_world};

/// What stands for each parameter of a path.
pub type Names = BTreeMap<&'static str, String>;

pub async fn made(server: &Server) -> (Workspace, Names) {
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    // Before the run, which locks the workspace.
    let state = state(&owner, &ws).await;
    let run = crate::runs::run(server, &ws).await;
    let mut names = BTreeMap::from([
        ("organization_name", Server::ORGANIZATION.to_owned()),
        ("project_id", ws.project_id.to_string()),
        ("workspace_name", ws.name.clone()),
        ("run_id", run),
        ("state_version_id", state),
        ("variable_id", variable(&owner, &ws, "region", "eu-1", false).await),
        // Of nothing: these pages are for whoever has the address.
        ("secret", "nonsense".to_owned()),
        ("token_id", token(server).await),
        ("site_setting", "plan-timeout".to_owned()),
    ]);
    let new = resource("teams", &json!({ "name": "spare", "visibility": "organization" }));
    names.insert("team_id", owner.post("/organizations/acme/teams", new).await.is_created().id());
    let member = server.member().user().await;
    names.insert("user_id", member.id.to_string());
    let list = format!("/organizations/acme/organization-memberships?q={}", member.username);
    let list = owner.get(list).await;
    let membership = list.is_ok().data()[0]["id"].as_str().unwrap().to_owned();
    names.insert("organization_membership_id", membership);
    let new = resource("policy-replays", &json!({ "files": { "a.sentinel": "main = true" } }));
    let replay = owner.post("/organizations/acme/policy-replays", new).await.is_created().id();
    names.insert("policy_replay_id", replay);
    let new = resource("agent-pools", &json!({ "name": "basement" }));
    let pool = owner.post("/organizations/acme/agent-pools", new).await.is_created().id();
    let new = resource("authentication-tokens", &json!({ "description": "of the basement" }));
    let path = format!("/agent-pools/{pool}/authentication-tokens");
    names.insert("agent_token_id", owner.post(path, new).await.is_created().id());
    names.insert("agent_pool_id", pool);
    let new = json!({
        "service-provider": "github", "oauth-token-string": "ghp_1", "key": "app", "secret": "s",
    });
    let new = resource("oauth-clients", &new);
    let made = owner.post("/organizations/acme/oauth-clients", new).await.is_created();
    let uuid = made.attribute("uuid").as_str().unwrap().to_owned();
    names.insert("oauth_client_uid", uuid);
    names.insert("oauth_client_id", made.id());
    names.extend(installation_in_world(server).await);
    Box::pin(surroundings(server, &owner, &ws, &mut names)).await;
    (ws, names)
}

/// What a workspace has around it.
async fn surroundings(server: &Server, owner: &Client<'_>, ws: &Workspace, names: &mut Names) {
    let other = server.workspace("storage").await;
    names.insert("workspace_id", other.id.to_string());
    let team = resource("teams", &json!({ "name": "crew", "visibility": "organization" }));
    let team = owner.post("/organizations/acme/teams", team).await.is_created().id();
    let new = json!({ "data": { "type": "team-workspaces", "attributes": { "access": "read" },
        "relationships": {
            "team": { "data": { "type": "teams", "id": team } },
            "workspace": { "data": { "type": "workspaces", "id": ws.id } },
        } } });
    names.insert("team_workspace_id", owner.post("/team-workspaces", new).await.is_created().id());
    let new = json!({ "data": { "type": "team-projects", "attributes": { "access": "read" },
        "relationships": {
            "team": { "data": { "type": "teams", "id": team } },
            "project": { "data": { "type": "projects", "id": ws.project_id } },
        } } });
    names.insert("team_project_id", owner.post("/team-projects", new).await.is_created().id());
    let new = json!({ "name": "hook", "destination-type": "generic", "enabled": false,
        "url": "http://127.0.0.1:9/", "triggers": ["run:errored"] });
    let path = format!("/workspaces/{}/notification-configurations", ws.id);
    let new = resource("notification-configurations", &new);
    names.insert("notification_configuration_id", owner.post(path, new).await.is_created().id());
    let new = json!({ "data": { "type": "run-triggers", "relationships": {
        "sourceable": { "data": { "type": "workspaces", "id": other.id } } } } });
    let path = format!("/workspaces/{}/run-triggers", ws.id);
    names.insert("run_trigger_id", owner.post(path, new).await.is_created().id());
    let new = resource("varsets", &json!({ "name": "more" }));
    let path = "/organizations/acme/varsets";
    names.insert("spare_set_id", owner.post(path, new).await.is_created().id());
    let new = json!({ "data": { "type": "varsets", "attributes": { "name": "defaults" },
        "relationships": { "workspaces": { "data": [{ "type": "workspaces", "id": ws.id }] } } } });
    let set = owner.post(path, new).await.is_created().id();
    let new = json!({ "key": "zone", "value": "a", "category": "terraform" });
    let path = format!("/varsets/{set}/relationships/vars");
    let new = resource("vars", &new);
    names.insert("varset_variable_id", owner.post(path, new).await.is_created().id());
    names.insert("varset_id", set);
    let new = resource("policy-sets", &json!({ "name": "basics", "kind": "opa" }));
    let path = "/organizations/acme/policy-sets";
    names.insert("policy_set_id", owner.post(path, new).await.is_created().id());
    let task = |name: &str| {
        resource(
            "tasks",
            &json!({ "name": name, "category": "task",
        "url": "https://example.com/", "enabled": false }),
        )
    };
    let path = "/organizations/acme/tasks";
    names.insert("task_id", owner.post(path, task("scan")).await.is_created().id());
    let attached = owner.post(path, task("attached")).await.is_created().id();
    let new = json!({ "data": { "type": "workspace-tasks",
        "attributes": { "enforcement-level": "advisory" },
        "relationships": { "task": { "data": { "type": "tasks", "id": attached } } } } });
    let path = format!("/workspaces/{}/tasks", ws.id);
    names.insert("workspace_task_id", owner.post(path, new).await.is_created().id());
    let new = resource("run-schedules", &json!({ "kind": "plan", "cron": "0 6 * * mon" }));
    let path = format!("/workspaces/{}/run-schedules", ws.id);
    names.insert("run_schedule_id", owner.post(path, new).await.is_created().id());
    let new = json!({ "name": "the party", "starts-at": "2199-12-31T20:00:00Z",
        "ends-at": "2200-01-01T06:00:00Z" });
    let new = resource("freezes", &new);
    let path = "/organizations/acme/freezes";
    names.insert("freeze_id", owner.post(path, new).await.is_created().id());
    let new = resource("cidr-range-lists", &json!({ "name": "office" }));
    let list = owner.post("/organizations/acme/cidr-range-lists", new).await.is_created().id();
    let new = resource("cidr-ranges", &json!({ "range": "203.0.113.0/24", "enabled": true }));
    let path = format!("/cidr-range-lists/{list}/relationships/cidr-ranges");
    names.insert("cidr_range_id", owner.post(path, new).await.is_created().id());
    names.insert("cidr_range_list_id", list);
    let new = resource("ssh-keys", &json!({ "name": "deploy", "value": "no real key" }));
    let path = "/organizations/acme/ssh-keys";
    names.insert("ssh_key_id", owner.post(path, new).await.is_created().id());
    let new = json!({ "data": [{ "type": "tags", "attributes": { "name": "network" } }] });
    owner.post(format!("/workspaces/{}/relationships/tags", ws.id), new).await;
    let tags = owner.get("/organizations/acme/tags").await.is_ok();
    names.insert("tag_id", tags.data()[0]["id"].as_str().unwrap().to_owned());
}

pub fn resource(kind: &str, attributes: &Value) -> Value {
    json!({ "data": { "type": kind, "attributes": attributes } })
}

/// The member's own.
async fn token(server: &Server) -> String {
    let member = server.member();
    let user = member.user().await.id;
    let new = resource("authentication-tokens", &json!({}));
    member.post(format!("/users/{user}/authentication-tokens"), new).await.is_created().id()
}

/// Serial 1, with the outputs `colour` (blue) and `password` (sensitive: hunter2-secret).
pub async fn state(owner: &Client<'_>, ws: &Workspace) -> String {
    let of_ws = |rest: &str| format!("/workspaces/{}/{rest}", ws.id);
    owner.post(of_ws("actions/lock"), ()).await.is_ok();
    let new = json!({
        "serial": 1, "lineage": "7f9e8d6c-1a2b", "md5": MD5, "state": STATE,
    });
    let made = owner.post(of_ws("state-versions"), resource("state-versions", &new)).await;
    let id = made.is_created().id();
    owner.post(of_ws("actions/unlock"), ()).await.is_ok();
    id
}

const MD5: &str = "53b49f2df6eab6c59c71b07734e1b140";
const STATE: &str = "eyJ2ZXJzaW9uIjo0LCJ0ZXJyYWZvcm1fdmVyc2lvbiI6IjEuOS4wIiwic2VyaWFsIjoxLCJsaW5lYWdlIjoiN2Y5ZThkNmMtMWEyYiIsIm91dHB1dHMiOnsiY29sb3VyIjp7InZhbHVlIjoiYmx1ZSIsInR5cGUiOiJzdHJpbmcifSwicGFzc3dvcmQiOnsidmFsdWUiOiJodW50ZXIyLXNlY3JldCIsInR5cGUiOiJzdHJpbmciLCJzZW5zaXRpdmUiOnRydWV9fSwicmVzb3VyY2VzIjpbXX0=";

pub async fn variable(
    owner: &Client<'_>,
    ws: &Workspace,
    key: &str,
    value: &str,
    sensitive: bool,
) -> String {
    let new =
        json!({ "key": key, "value": value, "category": "terraform", "sensitive": sensitive });
    owner
        .post(format!("/workspaces/{}/vars", ws.id), resource("vars", &new))
        .await
        .is_created()
        .id()
}
