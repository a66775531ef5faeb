//! `/agent-pools`, who may use them, and whose runs their agents get

use std::time::Duration;

use domain::row::Workspace;
use serde_json::{Value, json};
use testkit::{Answer, Client, Server};

use crate::{
    agent::Agent,
    runs::{run, upload},
};

const POOLS: &str = "/organizations/acme/agent-pools";

fn body(kind: &str, attributes: &Value) -> Value {
    json!({ "data": { "type": kind, "attributes": attributes } })
}

fn pool_body(attributes: Value, relations: Value) -> Value {
    let mut body = body("agent-pools", &attributes);
    body["data"]["relationships"] = relations;
    body
}

fn workspaces(of: &[&Workspace]) -> Value {
    let data: Vec<_> = of.iter().map(|ws| json!({ "type": "workspaces", "id": ws.id })).collect();
    json!({ "data": data })
}

async fn pool(owner: &Client<'_>, name: &str) -> String {
    owner.post(POOLS, body("agent-pools", &json!({ "name": name }))).await.is_created().id()
}

async fn token(owner: &Client<'_>, pool: &str) -> String {
    let new = body("authentication-tokens", &json!({ "description": "basement" }));
    let path = format!("/agent-pools/{pool}/authentication-tokens");
    let minted = owner.post(path, new).await.is_created();
    minted.attribute("token").as_str().unwrap().to_owned()
}

async fn use_pool(owner: &Client<'_>, ws: &Workspace, pool: &str) -> Answer {
    let change = json!({ "execution-mode": "agent", "agent-pool-id": pool });
    owner.patch(format!("/workspaces/{}", ws.id), body("workspaces", &change)).await
}

#[tokio::test]
async fn a_pool_in_use_is_not_deleted_and_says_by_what() {
    let server = Server::start().await;
    let owner = server.owner();
    let id = pool(&owner, "basement").await;
    let path = format!("/agent-pools/{id}");
    let mut used = Vec::new();
    for number in 0..7 {
        let ws = server.workspace(&format!("ws{number}")).await;
        use_pool(&owner, &ws, &id).await.is_ok();
        used.push(ws);
    }
    let words = owner.delete(&path).await.is_conflict().error();
    assert!(words.contains("the workspaces ws0, ws1, ws2, ws3, ws4 and 2 more"), "{words}");
    for ws in &used {
        let remote = body("workspaces", &json!({ "execution-mode": "remote" }));
        owner.patch(format!("/workspaces/{}", ws.id), remote).await.is_ok();
    }
    let default = json!({ "default-execution-mode": "agent", "default-agent-pool-id": id });
    owner.patch("/organizations/acme", body("organizations", &default)).await.is_ok();
    let words = owner.delete(&path).await.is_conflict().error();
    assert!(words.contains("the organization, as its default"), "{words}");
    let remote = json!({ "default-execution-mode": "remote" });
    owner.patch("/organizations/acme", body("organizations", &remote)).await.is_ok();

    // A run that was planned there is applied there.
    let secret = token(&owner, &id).await;
    let agent = Agent::register_with(&server, &secret).await;
    use_pool(&owner, &used[0], &id).await.is_ok();
    upload(&owner, &used[0], false).await;
    let planned = owner.post("/runs", run(&used[0], json!({}))).await.is_created().id();
    server.advance().await;
    agent.must_claim().await.execute().await;
    let remote = body("workspaces", &json!({ "execution-mode": "remote" }));
    owner.patch(format!("/workspaces/{}", used[0].id), remote).await.is_ok();
    let words = owner.delete(&path).await.is_conflict().error();
    assert!(words.contains(&planned), "{words}");
    owner.post(format!("/runs/{planned}/actions/discard"), json!({})).await.is_accepted();
    owner.delete(&path).await.is_no_content();
}

#[tokio::test]
async fn a_pool_is_made_changed_and_deleted() {
    let server = Server::start().await;
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    let made = owner.post(POOLS, body("agent-pools", &json!({ "name": "basement" }))).await;
    let made = made.is_created();
    assert_eq!(made.attribute("organization-scoped"), true);
    assert_eq!(made.attribute("agent-count"), 0);
    assert_eq!(made.data()["relationships"]["workspaces"]["data"], json!([]));

    let path = format!("/agent-pools/{}", made.id());
    let change = pool_body(
        json!({ "name": "cellar", "organization-scoped": false }),
        json!({
            "allowed-workspaces": workspaces(&[&ws]),
            "excluded-workspaces": workspaces(&[&ws]),
            "allowed-projects": { "data": [{ "type": "projects", "id": ws.project_id }] },
        }),
    );
    let changed = owner.patch(&path, change).await.is_ok();
    assert_eq!(changed.attribute("name"), "cellar");
    let related =
        |answer: &Answer, name: &str| answer.data()["relationships"][name]["data"].clone();
    for name in ["allowed-workspaces", "excluded-workspaces"] {
        assert_eq!(related(&changed, name)[0]["id"], ws.id.as_str());
    }
    assert_eq!(related(&changed, "allowed-projects")[0]["id"], ws.project_id.as_str());
    // What is not named stays, and an empty list empties.
    let change = pool_body(json!({}), json!({ "allowed-workspaces": { "data": [] } }));
    let changed = owner.patch(&path, change).await.is_ok();
    assert_eq!(related(&changed, "allowed-workspaces"), json!([]));
    assert_eq!(related(&changed, "excluded-workspaces")[0]["id"], ws.id.as_str());

    owner.delete(&path).await.is_no_content();
    owner.get(&path).await.is_not_found();
}

#[tokio::test]
async fn a_pool_without_a_name_of_its_own_is_refused() {
    let server = Server::start().await;
    let owner = server.owner();
    pool(&owner, "basement").await;
    let long = "x".repeat(256);
    for name in [json!(null), json!(""), json!(" "), json!("BASEMENT"), json!(long)] {
        let refused = owner.post(POOLS, body("agent-pools", &json!({ "name": name }))).await;
        refused.is_unprocessable("/data/attributes/name");
    }
}

#[tokio::test]
async fn a_pool_is_for_workspaces_of_its_own_organization() {
    let server = Server::start().await;
    let owner = server.owner();
    let foreign = "ws-9999999999999999";
    let related =
        json!({ "excluded-workspaces": { "data": [{ "type": "workspaces", "id": foreign }] } });
    let refused = owner.post(POOLS, pool_body(json!({ "name": "a" }), related)).await;
    refused.is_unprocessable("/data/relationships/excluded-workspaces");
    let related = json!({ "allowed-projects": { "data": [{ "type": "projects", "id": "prj-9999999999999999" }] } });
    let refused = owner.post(POOLS, pool_body(json!({ "name": "a" }), related)).await;
    refused.is_unprocessable("/data/relationships/allowed-projects");
    assert_eq!(owner.get(POOLS).await.is_ok().data(), json!([]));
}

#[tokio::test]
async fn the_list_is_searched_sorted_and_narrowed_to_what_a_workspace_may_use() {
    let server = Server::start().await;
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    let project = json!({ "data": [{ "type": "projects", "id": ws.project_id }] });
    for (name, scoped, related) in [
        ("for all", true, json!({})),
        ("for others", true, json!({ "excluded-workspaces": workspaces(&[&ws]) })),
        ("for it", false, json!({ "allowed-workspaces": workspaces(&[&ws]) })),
        ("for its project", false, json!({ "allowed-projects": project })),
        ("for nobody", false, json!({})),
    ] {
        let new = pool_body(json!({ "name": name, "organization-scoped": scoped }), related);
        owner.post(POOLS, new).await.is_created();
    }
    let names =
        async |query: &str| owner.get(format!("{POOLS}?{query}")).await.is_ok().attributes("name");
    assert_eq!(
        names("filter[allowed_workspaces][name]=networking&sort=name").await,
        ["for all", "for it", "for its project"]
    );
    assert_eq!(
        names("filter[allowed_projects][name]=default%20project&sort=-name").await,
        ["for others", "for its project", "for all"]
    );
    assert_eq!(names("q=FOR%20IT&sort=name").await, ["for it", "for its project"]);
    assert_eq!(names("sort=created-at").await[0], "for all");
    assert_eq!(names("sort=-created-at").await.len(), 5);
    owner.get(format!("{POOLS}?sort=colour")).await.has_status(http::StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn tokens_are_shown_once_and_taken_back() {
    let server = Server::start().await;
    let owner = server.owner();
    let id = pool(&owner, "basement").await;
    let path = format!("/agent-pools/{id}/authentication-tokens");
    for wrong in [json!({}), json!({ "description": " " })] {
        let refused = owner.post(&path, body("authentication-tokens", &wrong)).await;
        refused.is_unprocessable("/data/attributes/description");
    }
    let secret = token(&owner, &id).await;
    let agent = Agent::register_with(&server, &secret).await;
    let listed = owner.get(&path).await.is_ok();
    assert_eq!(listed.attributes("description"), ["basement"]);
    assert_eq!(listed.attributes("token"), [Value::Null]);
    // Nobody sits before an agent to renew it.
    assert_eq!(listed.attributes("expired-at"), [Value::Null]);

    let token = format!("/authentication-tokens/{}", listed.data()[0]["id"].as_str().unwrap());
    owner.get(&token).await.is_ok();
    server.member().get(&token).await.is_not_found();
    server.member().delete(&token).await.is_not_found();
    owner.delete(&token).await.is_no_content();
    assert_eq!(agent.status_of_claim().await, 401);
}

#[tokio::test]
async fn agents_are_idle_busy_unknown_and_gone() {
    let server = Server::start().await;
    server.stop_clock();
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    let id = pool(&owner, "basement").await;
    let secret = token(&owner, &id).await;
    use_pool(&owner, &ws, &id).await.is_ok();
    let agent = Agent::register_with(&server, &secret).await;
    let agents = format!("/agent-pools/{id}/agents");
    let of = async |status: &str| {
        let listed = owner.get(&agents).await.is_ok();
        assert_eq!(listed.attributes("status"), [status]);
        listed.data()[0]["id"].as_str().unwrap().to_owned()
    };
    let agent_id = of("idle").await;
    let path = format!("/agents/{agent_id}");
    assert_eq!(owner.get(&path).await.is_ok().attribute("ip-address"), "10.1.2.3");
    owner.delete(&path).await.has_status(http::StatusCode::PRECONDITION_FAILED);

    upload(&owner, &ws, false).await;
    owner.post("/runs", run(&ws, json!({}))).await.is_created();
    server.advance().await;
    let job = agent.must_claim().await;
    of("busy").await;
    let used = owner.delete(format!("/agent-pools/{id}")).await.is_conflict();
    let words = used.error();
    assert!(words.contains("the workspace networking") && words.contains(job.run()), "{words}");
    job.execute().await;
    of("idle").await;
    assert_eq!(owner.get(format!("/agent-pools/{id}")).await.is_ok().attribute("agent-count"), 1);

    server.pass(Duration::from_secs(100));
    of("unknown").await;
    assert!(agent.claim().await.is_none());
    of("idle").await;
    agent.leave().await;
    of("exited").await;
    assert_eq!(owner.get(format!("/agent-pools/{id}")).await.is_ok().attribute("agent-count"), 0);
    owner.delete(&path).await.is_no_content();
    assert_eq!(owner.get(&agents).await.is_ok().data(), json!([]));
    assert_eq!(agent.status_of_claim().await, 404);
}

#[tokio::test]
async fn a_pools_runs_are_its_agents_alone() {
    let server = Server::start().await;
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    let (own, other) = (pool(&owner, "own").await, pool(&owner, "other").await);
    use_pool(&owner, &ws, &own).await.is_ok();
    let site = Agent::register(&server).await;
    let (secret, others) = (token(&owner, &own).await, token(&owner, &other).await);
    let stranger = Agent::register_with(&server, &others).await;
    upload(&owner, &ws, false).await;
    let id = owner.post("/runs", run(&ws, json!({}))).await.is_created().id();
    let status = async || owner.get(format!("/runs/{id}")).await.is_ok().attribute("status");

    // Nobody of the pool is there.
    server.advance().await;
    assert_eq!(status().await, "pending");
    let agent = Agent::register_with(&server, &secret).await;
    server.advance().await;
    assert_eq!(status().await, "plan_queued");
    assert!(site.claim().await.is_none());
    assert!(stranger.claim().await.is_none());
    let plan = agent.must_claim().await;
    // Nor does its id help anybody else.
    assert_eq!(stranger.old_job(plan.json.clone()).start().await, 410);
    assert_eq!(site.old_job(plan.json.clone()).start().await, 410);
    plan.execute().await;
    let planned = owner.get(format!("/runs/{id}/plan")).await.is_ok();
    let details = planned.attribute("execution-details");
    assert_eq!(details["mode"], "agent");
    assert_eq!(details["agent-name"], "test");
    assert_eq!(details["agent-pool-id"], own.as_str());
    assert_eq!(details["agent-pool-name"], "own");
    let named = |pool: &str| format!("/organizations/acme/runs?filter[agent_pool_names]={pool}");
    assert_eq!(owner.get(named("own")).await.is_ok().data().as_array().unwrap().len(), 1);
    assert_eq!(owner.get(named("other")).await.is_ok().data(), json!([]));
}

#[tokio::test]
async fn runs_of_the_site_do_not_wait_for_those_of_pools() {
    let server = Server::start_with(|options| options.settings.concurrency = 1).await;
    let owner = server.owner();
    let (ws, far) = (server.workspace("networking").await, server.workspace("far").await);
    let id = pool(&owner, "basement").await;
    use_pool(&owner, &far, &id).await.is_ok();
    let secret = token(&owner, &id).await;
    let _agent = Agent::register_with(&server, &secret).await;
    let site = Agent::register(&server).await;
    for ws in [&far, &ws] {
        upload(&owner, ws, false).await;
        owner.post("/runs", run(ws, json!({}))).await.is_created();
    }
    server.advance().await;
    let job = site.must_claim().await;
    assert_eq!(job.json["workspace"], "networking");
}

#[tokio::test]
async fn a_workspace_uses_the_pools_that_it_may_use() {
    let server = Server::start().await;
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    let pointer = "/data/attributes/agent-pool-id";
    let new = pool_body(json!({ "name": "closed", "organization-scoped": false }), json!({}));
    let closed = owner.post(POOLS, new).await.is_created().id();
    use_pool(&owner, &ws, &closed).await.is_unprocessable(pointer);
    let open = pool(&owner, "open").await;
    let used = use_pool(&owner, &ws, &open).await.is_ok();
    assert_eq!(used.attribute("execution-mode"), "agent");
    assert_eq!(used.related("agent-pool"), open.as_str());
    assert_eq!(used.attribute("setting-overwrites")["agent-pool"], true);
    let listed = owner.get(format!("/agent-pools/{open}?include=workspaces")).await.is_ok();
    assert_eq!(listed.json()["included"][0]["id"], ws.id.as_str());

    // Whoever may not use it any more does not run there.
    let change = pool_body(json!({}), json!({ "excluded-workspaces": workspaces(&[&ws]) }));
    owner.patch(format!("/agent-pools/{open}"), change).await.is_ok();
    let secret = token(&owner, &open).await;
    let agent = Agent::register_with(&server, &secret).await;
    upload(&owner, &ws, false).await;
    owner.post("/runs", run(&ws, json!({}))).await.is_created();
    server.advance().await;
    assert!(agent.claim().await.is_none());

    let remote = body("workspaces", &json!({ "execution-mode": "remote" }));
    let remote = owner.patch(format!("/workspaces/{}", ws.id), remote).await.is_ok();
    assert_eq!(remote.related("agent-pool"), Value::Null);
}

#[tokio::test]
async fn projects_and_organizations_have_a_default_pool() {
    let server = Server::start().await;
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    let id = pool(&owner, "basement").await;
    let organization = async |attributes: Value| {
        let mut body = body("organizations", &attributes);
        body["data"]["relationships"] = json!({ "default-agent-pool": {
            "data": { "type": "agent-pools", "id": id } } });
        owner.patch("/organizations/acme", body).await
    };
    let refused = organization(json!({ "default-execution-mode": "remote" })).await;
    assert!(refused.error().contains("must not be specified unless using 'agent' execution mode"));
    let set = organization(json!({ "default-execution-mode": "agent" })).await.is_ok();
    assert_eq!(set.related("default-agent-pool"), id.as_str());
    let shown = owner.get(format!("/workspaces/{}", ws.id)).await.is_ok();
    assert_eq!(shown.attribute("execution-mode"), "agent");
    assert_eq!(shown.related("agent-pool"), id.as_str());
    assert_eq!(shown.attribute("setting-overwrites")["agent-pool"], false);

    let project = async |attributes: Value| {
        let path = format!("/projects/{}", ws.project_id);
        owner.patch(path, body("projects", &attributes)).await
    };
    let refused = project(json!({ "default-execution-mode": "agent" })).await;
    assert!(refused.error().contains("must be specified when using 'agent' execution mode"));
    let refused = project(json!({ "default-agent-pool-id": id })).await;
    assert!(refused.error().contains("must not be specified unless using 'agent' execution mode"));
    let differing = json!({ "setting-overwrites": {
        "default-execution-mode": true, "default-agent-pool": false } });
    let refused = project(differing).await.is_unprocessable("/data/attributes/setting-overwrites");
    let words = "If agent-pool and execution-mode are both included in setting-overwrites, their \
                 values must be the same.";
    assert!(refused.error().contains(words));
    let unknown = json!({ "default-execution-mode": "agent",
        "default-agent-pool-id": "apool-9999999999999999" });
    project(unknown).await.is_unprocessable("/data/attributes/default-agent-pool-id");
    project(json!({ "default-execution-mode": "remote" })).await.is_ok();
    let shown = owner.get(format!("/workspaces/{}", ws.id)).await.is_ok();
    assert_eq!(shown.attribute("execution-mode"), "remote");
    project(json!({ "default-execution-mode": "agent", "default-agent-pool-id": id }))
        .await
        .is_ok();
    let back = json!({ "setting-overwrites": { "default-execution-mode": false } });
    let back = project(back).await.is_ok();
    assert_eq!(back.attribute("setting-overwrites")["default-execution-mode"], false);
    assert_eq!(back.attribute("default-execution-mode"), "agent");

    // A pool that is used stays; whatever becomes of it, nothing runs elsewhere because of that.
    let used = owner.delete(format!("/agent-pools/{id}")).await.is_conflict().error();
    assert!(used.contains("by the organization, as its default"), "{used}");
    server.execute(&format!("DELETE FROM agent_pools WHERE id = '{id}'")).await;
    let shown = owner.get(format!("/workspaces/{}", ws.id)).await.is_ok();
    assert_eq!(shown.attribute("execution-mode"), "agent");
    let site = Agent::register(&server).await;
    upload(&owner, &ws, false).await;
    owner.post("/runs", run(&ws, json!({}))).await.is_created();
    server.advance().await;
    assert!(site.claim().await.is_none());
}

#[tokio::test]
async fn those_who_administer_workspaces_see_pools_and_do_not_change_them() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let id = pool(&server.owner(), "basement").await;
    let path = format!("/agent-pools/{id}");
    let admin = server.admin_of(&ws);
    admin.get(POOLS).await.is_ok();
    admin.get(&path).await.is_ok();
    use_pool(&admin, &ws, &id).await.is_ok();
    admin.patch(&path, body("agent-pools", &json!({ "name": "mine" }))).await.is_not_found();
    admin.get(format!("{path}/authentication-tokens")).await.is_not_found();
    admin.delete(&path).await.is_not_found();
    server.reader(&ws).get(&path).await.is_not_found();
    server.member().get(POOLS).await.is_not_found();
}
