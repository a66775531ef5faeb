//! What lists and single things are documented to include is included, wherever there is such a thing here.

use http::Method;
use serde_json::json;
use statehouse_api::Route;
use testkit::world::{World, Worlds};

const WS: &str = "/api/v2/workspaces/{workspace_id}";
const RUN: &str = "/api/v2/runs/{run_id}";
const SET: &str = "/api/v2/policy-sets/{policy_set_id}";
const STATE: &str = "/api/v2/state-versions/{state_version_id}";
const STAGE: &str = "/api/v2/task-stages/{task_stage_id}";

/// Path, `include`, and the type of what comes.
const DOCUMENTED: &[(&str, &str, &str)] = &[
    ("/api/v2/agent-pools/{agent_pool_id}", "workspaces", "workspaces"),
    ("/api/v2/organizations/{organization_name}/agent-pools", "workspaces", "workspaces"),
    ("/api/v2/configuration-versions/{configuration_version_id}", "run", "runs"),
    ("/api/v2/workspaces/{workspace_id}/configuration-versions", "run", "runs"),
    ("/api/v2/organization-memberships", "user", "users"),
    ("/api/v2/organization-memberships", "teams", "teams"),
    ("/api/v2/organization-memberships", "organization", "organizations"),
    ("/api/v2/organization-memberships/{organization_membership_id}", "user", "users"),
    ("/api/v2/organizations/{organization_name}/organization-memberships", "teams", "teams"),
    ("/api/v2/organizations/{organization_name}", "default-project", "projects"),
    ("/api/v2/organizations/{organization_name}", "entitlement_set", "entitlement-sets"),
    ("/api/v2/organizations", "entitlement_set", "entitlement-sets"),
    ("/api/v2/organizations", "subscription", "subscriptions"),
    ("/api/v2/organizations/{organization_name}", "subscription", "subscriptions"),
    ("/api/v2/organizations/{organization_name}/subscription", "organization", "organizations"),
    ("/api/v2/subscriptions/{subscription_id}", "feature_set", "feature-sets"),
    (SET, "policies", "policies"),
    (SET, "workspaces", "workspaces"),
    (SET, "projects", "projects"),
    (SET, "workspace_exclusions", "workspaces"),
    (SET, "project_exclusions", "projects"),
    (
        "/api/v2/organizations/{organization_name}/policy-sets",
        "newest_version",
        "policy-set-versions",
    ),
    (
        "/api/v2/organizations/{organization_name}/projects",
        "effective_tag_bindings",
        "effective-tag-bindings",
    ),
    ("/api/v2/projects/{project_id}", "effective_tag_bindings", "effective-tag-bindings"),
    (RUN, "plan", "plans"),
    (RUN, "apply", "applies"),
    (RUN, "created_by", "users"),
    (RUN, "configuration_version", "configuration-versions"),
    (RUN, "workspace", "workspaces"),
    ("/api/v2/organizations/{organization_name}/runs", "task_stages", "task-stages"),
    ("/api/v2/workspaces/{workspace_id}/runs", "plan", "plans"),
    ("/api/v2/run-events/{run_event_id}", "actor", "users"),
    ("/api/v2/runs/{run_id}/run-events", "comment", "comments"),
    ("/api/v2/run-triggers/{run_trigger_id}", "workspace", "workspaces"),
    ("/api/v2/run-triggers/{run_trigger_id}", "sourceable", "workspaces"),
    (STATE, "created_by", "users"),
    (STATE, "outputs", "state-version-outputs"),
    ("/api/v2/workspaces/{workspace_id}/current-state-version", "created_by", "users"),
    (STAGE, "run", "runs"),
    (STAGE, "run.workspace", "workspaces"),
    (STAGE, "policy_evaluations", "policy-evaluations"),
    ("/api/v2/policy-checks/{policy_check_id}", "run.workspace", "workspaces"),
    ("/api/v2/teams/{team_id}", "users", "users"),
    ("/api/v2/teams/{team_id}", "organization-memberships", "organization-memberships"),
    ("/api/v2/organizations/{organization_name}/teams", "users", "users"),
    ("/api/v2/varsets/{varset_id}", "workspaces", "workspaces"),
    ("/api/v2/varsets/{varset_id}", "vars", "vars"),
    ("/api/v2/organizations/{organization_name}/varsets", "vars", "vars"),
    (WS, "organization", "organizations"),
    (WS, "project", "projects"),
    (WS, "vars", "vars"),
    (WS, "latest_run", "runs"),
    (WS, "latest_run.plan", "plans"),
    (WS, "current_configuration_version", "configuration-versions"),
    (WS, "current_state_version", "state-versions"),
    (WS, "outputs", "workspace-outputs"),
    (WS, "locked_by", "users"),
    (WS, "effective_tag_bindings", "effective-tag-bindings"),
    ("/api/v2/organizations/{organization_name}/workspaces", "project", "projects"),
];

/// What the world of all routes does not have.
async fn complete(world: &World) {
    let owner = world.server.owner();
    let ws = format!("/workspaces/{}", world.ws.id);
    let text = |path: &str| {
        let route = Route { method: Method::GET, path: leak(path), guard: "" };
        world.path(&route)
    };
    owner.post(format!("{ws}/actions/lock"), ()).await;
    let pool = text("{agent_pool_id}");
    let neighbour = owner.get("/organizations/acme/workspaces/neighbour").await.is_ok().id();
    let remote = json!({ "data": { "type": "workspaces", "attributes": {
        "execution-mode": "agent", "agent-pool-id": pool } } });
    owner.patch(format!("/workspaces/{neighbour}"), remote).await.is_ok();
    let set = text("/policy-sets/{policy_set_id}");
    let one = |kind: &str, id: String| json!({ "data": [{ "type": kind, "id": id }] });
    for (relation, kind, id) in [
        ("policies", "policies", text("{policy_id}")),
        ("workspaces", "workspaces", world.ws.id.to_string()),
        ("projects", "projects", world.ws.project_id.to_string()),
        ("workspace-exclusions", "workspaces", neighbour),
        ("project-exclusions", "projects", world.ws.project_id.to_string()),
    ] {
        owner.post(format!("{set}/relationships/{relation}"), one(kind, id)).await.is_no_content();
    }
    let tags =
        json!({ "data": [{ "type": "tag-bindings", "attributes": { "key": "a", "value": "b" } }] });
    owner.patch(format!("/projects/{}/tag-bindings", world.ws.project_id), tags).await.is_ok();
    let members = text("/teams/{team_id}/relationships/users");
    let member =
        json!({ "data": [{ "type": "users", "id": world.server.member().user().await.username }] });
    owner.post(members, member).await;
    let varset = text("/varsets/{varset_id}/relationships/workspaces");
    owner.post(varset, one("workspaces", world.ws.id.to_string())).await.is_no_content();
}

fn leak(path: &str) -> &'static str {
    Box::leak(path.to_owned().into_boxed_str())
}

#[tokio::test]
async fn every_documented_include_comes() {
    let world = Worlds::new().await.world().await;
    Box::pin(complete(&world)).await;
    let mut missing = Vec::new();
    for (path, include, kind) in DOCUMENTED {
        let route = Route { method: Method::GET, path, guard: "" };
        let address = format!("{}?include={include}", world.path(&route));
        let answer = world.server.owner().get(address).await.is_ok();
        let included = answer.json()["included"].as_array().cloned().unwrap_or_default();
        let kinds: Vec<_> = included.iter().map(|item| item["type"].clone()).collect();
        if !kinds.contains(&json!(kind)) {
            missing.push((path, include, kinds));
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}
