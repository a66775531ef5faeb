//! `/varsets`: what they hold, whom they belong to, and which value a workspace gets in the end

use domain::row::{Project, Workspace};
use serde_json::{Value, json};
use testkit::{Client, Server};

const SETS: &str = "/organizations/acme/varsets";

fn body(attributes: Value) -> Value {
    json!({ "data": { "type": "varsets", "attributes": attributes } })
}

fn ids<'a>(kind: &str, ids: impl IntoIterator<Item = &'a str>) -> Value {
    let ids = ids.into_iter().map(|id| json!({ "type": kind, "id": id }));
    json!({ "data": ids.collect::<Vec<_>>() })
}

fn related(mut body: Value, name: &str, to: Value) -> Value {
    body["data"]["relationships"][name] = to;
    body
}

fn variable(key: &str, value: &str) -> Value {
    let attributes = json!({ "key": key, "value": value, "category": "terraform" });
    json!({ "data": { "type": "vars", "attributes": attributes } })
}

/// A set with one variable.
async fn set(server: &Server, attributes: Value, key: &str) -> String {
    let value = attributes["name"].as_str().unwrap().to_owned();
    let id = server.owner().post(SETS, body(attributes)).await.is_created().id();
    put(&server.owner(), &id, key, &value).await;
    id
}

async fn put(client: &Client<'_>, set: &str, key: &str, value: &str) -> String {
    let path = format!("/varsets/{set}/relationships/vars");
    client.post(path, variable(key, value)).await.is_created().id()
}

async fn apply(server: &Server, set: &str, kind: &str, id: &str) {
    let path = format!("/varsets/{set}/relationships/{kind}");
    server.owner().post(path, ids(kind, [id])).await.is_no_content();
}

async fn owned_by(server: &Server, project: &Project, attributes: Value, key: &str) -> String {
    let parent = json!({ "data": { "type": "projects", "id": project.id } });
    let name = attributes["name"].as_str().unwrap().to_owned();
    let new = related(body(attributes), "parent", parent);
    let id = server.owner().post(SETS, new).await.is_created().id();
    put(&server.owner(), &id, key, &name).await;
    id
}

/// The value of a key in force in a workspace.
async fn in_force(server: &Server, ws: &Workspace, key: &str) -> Value {
    let all = server.owner().get(format!("/workspaces/{}/all-vars", ws.id)).await.is_ok();
    let all = all.data();
    let mut found = all.as_array().unwrap().iter().filter(|item| item["attributes"]["key"] == key);
    let value = found.next().map_or(Value::Null, |item| item["attributes"]["value"].clone());
    assert!(found.next().is_none(), "{key} is there twice");
    value
}

#[tokio::test]
async fn a_set_is_made_changed_and_deleted() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    let new = related(
        body(json!({ "name": "credentials", "description": "Of all" })),
        "workspaces",
        ids("workspaces", [ws.id.as_str()]),
    );
    let new = related(new, "vars", json!({ "data": [variable("region", "north")["data"]] }));
    let made = owner.post(SETS, new).await.is_created();
    assert!(made.id().starts_with("varset-"));
    assert_eq!(made.attribute("global"), false);
    assert_eq!(made.attribute("priority"), false);
    assert_eq!(made.attribute("var-count"), 1);
    assert_eq!(made.attribute("workspace-count"), 1);
    assert_eq!(made.attribute("permissions")["can-update"], true);
    assert_eq!(made.related("parent"), "acme");
    let one = format!("/varsets/{}", made.id());
    assert_eq!(owner.get(&one).await.is_ok().data(), made.data());

    let change = related(
        body(json!({ "name": "secrets", "priority": true })),
        "workspaces",
        ids("workspaces", []),
    );
    let changed = owner.patch(&one, change).await.is_ok();
    assert_eq!(changed.attribute("name"), "secrets");
    assert_eq!(changed.attribute("description"), "Of all");
    assert_eq!(changed.attribute("priority"), true);
    assert_eq!(changed.attribute("workspace-count"), 0);
    assert_eq!(changed.attribute("var-count"), 1);
    owner.post(&one, body(json!({ "description": "" }))).await.is_ok();

    owner.delete(&one).await.is_no_content();
    owner.get(&one).await.is_not_found();
}

#[tokio::test]
async fn wrong_sets_are_refused() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    owner.post(SETS, body(json!({ "name": "taken" }))).await.is_created();
    for (attributes, culprit) in [
        (json!({}), "name"),
        (json!({ "name": " " }), "name"),
        (json!({ "name": "Taken" }), "name"),
        (json!({ "name": "x".repeat(256) }), "name"),
        (json!({ "name": "x", "description": "x".repeat(513) }), "description"),
    ] {
        let pointer = format!("/data/attributes/{culprit}");
        owner.post(SETS, body(attributes)).await.is_unprocessable(&pointer);
    }
    let wrong_variable = related(
        body(json!({ "name": "x" })),
        "vars",
        json!({ "data": [variable("good", "x")["data"], variable("b a d", "x")["data"]] }),
    );
    let refused = owner.post(SETS, wrong_variable).await;
    refused.is_unprocessable("/data/relationships/vars/data/1/attributes/key");
    for (name, kind) in [("workspaces", "ws"), ("projects", "prj")] {
        let unknown = ids(name, [format!("{kind}-9999999999999999").as_str()]);
        let refused = owner.post(SETS, related(body(json!({ "name": "x" })), name, unknown)).await;
        refused.is_unprocessable(&format!("/data/relationships/{name}/data/0/id"));
    }
    let project = server.project("Storage").await;
    let parent = json!({ "data": { "type": "projects", "id": project.id } });
    let global = body(json!({ "name": "x", "global": true }));
    let refused = owner.post(SETS, related(global, "parent", parent.clone())).await;
    refused.is_unprocessable("/data/attributes/global");
    let elsewhere = related(body(json!({ "name": "x" })), "parent", parent);
    let elsewhere = related(elsewhere, "workspaces", ids("workspaces", [ws.id.as_str()]));
    let refused = owner.post(SETS, elsewhere).await;
    refused.is_unprocessable("/data/relationships/workspaces/data/0/id");
    assert_eq!(owner.get(SETS).await.is_ok().attributes("name"), [json!("taken")]);
}

#[tokio::test]
async fn sets_are_applied_and_removed() {
    let server = Server::start().await;
    let (one, two) = (server.workspace("one").await, server.workspace("two").await);
    let project = server.project("Storage").await;
    let owner = server.owner();
    let set = set(&server, json!({ "name": "credentials" }), "region").await;
    apply(&server, &set, "workspaces", one.id.as_str()).await;
    apply(&server, &set, "workspaces", two.id.as_str()).await;
    apply(&server, &set, "workspaces", one.id.as_str()).await;
    apply(&server, &set, "projects", project.id.as_str()).await;
    let shown = owner.get(format!("/varsets/{set}?include=vars,workspaces,projects")).await.is_ok();
    assert_eq!(shown.attribute("workspace-count"), 2);
    assert_eq!(shown.attribute("project-count"), 1);
    assert_eq!(shown.json()["included"].as_array().unwrap().len(), 4);
    let path = format!("/varsets/{set}/relationships/workspaces");
    owner.delete_with(&path, ids("workspaces", [one.id.as_str()])).await.is_no_content();
    let shown = owner.get(format!("/varsets/{set}")).await.is_ok();
    let left = shown.data()["relationships"]["workspaces"]["data"].clone();
    assert_eq!(left, json!([{ "type": "workspaces", "id": two.id }]));
    let path = format!("/varsets/{set}/relationships/projects");
    owner.delete_with(&path, ids("projects", [project.id.as_str()])).await.is_no_content();
    let shown = owner.get(format!("/varsets/{set}")).await.is_ok();
    assert_eq!(shown.attribute("project-count"), 0);
}

#[tokio::test]
async fn a_global_set_is_everywhere_and_applied_to_nothing() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    let set = set(&server, json!({ "name": "all" }), "region").await;
    apply(&server, &set, "workspaces", ws.id.as_str()).await;
    let global = owner.patch(format!("/varsets/{set}"), body(json!({ "global": true }))).await;
    assert_eq!(global.is_ok().attribute("workspace-count"), 0);
    let path = format!("/varsets/{set}/relationships/workspaces");
    owner.post(path, ids("workspaces", [ws.id.as_str()])).await.is_unprocessable("/data");
    assert_eq!(in_force(&server, &ws, "region").await, "all");
}

#[tokio::test]
async fn global_sets_have_no_variable_in_common() {
    let server = Server::start().await;
    let owner = server.owner();
    set(&server, json!({ "name": "one", "global": true }), "region").await;
    let other = set(&server, json!({ "name": "two" }), "region").await;
    let path = format!("/varsets/{other}");
    let global = body(json!({ "global": true }));
    owner.patch(&path, &global).await.is_unprocessable("/data/attributes/global");
    assert_eq!(owner.get(&path).await.is_ok().attribute("global"), false);
    let third = set(&server, json!({ "name": "three", "global": true }), "zone").await;
    let vars = format!("/varsets/{third}/relationships/vars");
    let refused = owner.post(&vars, variable("region", "x")).await;
    refused.is_unprocessable("/data/attributes/key");
    let mut environment = variable("region", "x");
    environment["data"]["attributes"]["category"] = json!("env");
    owner.post(&vars, environment).await.is_created();
}

#[tokio::test]
async fn the_variables_of_a_set_are_managed_and_their_secrets_kept() {
    let server = Server::start().await;
    let owner = server.owner();
    let set = set(&server, json!({ "name": "credentials" }), "region").await;
    let all = format!("/varsets/{set}/relationships/vars");
    let mut secret = variable("password", "hunter2");
    secret["data"]["attributes"]["sensitive"] = json!(true);
    let made = owner.post(&all, &secret).await.is_created();
    assert_eq!(made.attribute("value"), Value::Null);
    assert_eq!(made.related("varset"), set.as_str());
    assert_eq!(owner.get(&all).await.is_ok().attributes("key"), ["password", "region"]);
    let one = format!("{all}/{}", made.id());
    assert_eq!(owner.get(&one).await.is_ok().data(), made.data());
    let change = json!({ "data": { "type": "vars", "attributes": { "value": "hunter3" } } });
    let changed = owner.patch(&one, change).await.is_ok();
    assert_ne!(changed.attribute("version-id"), made.attribute("version-id"));
    assert!(!server.everything().await.contains("hunter"));
    owner.post(&all, &secret).await.is_unprocessable("/data/attributes/key");
    // It is no variable of a workspace.
    owner.patch(format!("/vars/{}", made.id()), &secret).await.is_not_found();
    owner.delete(&one).await.is_no_content();
    owner.get(&one).await.is_not_found();
    assert_eq!(owner.get(format!("/varsets/{set}")).await.is_ok().attribute("var-count"), 1);
}

#[tokio::test]
async fn the_closer_set_wins_and_the_workspace_over_all_of_them() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let project = server.owner().get(format!("/projects/{}", ws.project_id)).await.is_ok();
    let project = Project { id: project.id().parse().unwrap(), ..server.project("Other").await };
    let (ws_id, project_id) = (ws.id.as_str(), ws.project_id.as_str());
    // From the weakest on: each beats those before.
    set(&server, json!({ "name": "global", "global": true }), "key").await;
    assert_eq!(in_force(&server, &ws, "key").await, "global");
    let to_project = set(&server, json!({ "name": "to project" }), "key").await;
    apply(&server, &to_project, "projects", project_id).await;
    assert_eq!(in_force(&server, &ws, "key").await, "to project");
    let to_ws = set(&server, json!({ "name": "b to workspace" }), "key").await;
    apply(&server, &to_ws, "workspaces", ws_id).await;
    assert_eq!(in_force(&server, &ws, "key").await, "b to workspace");
    let tie = set(&server, json!({ "name": "a to workspace" }), "key").await;
    apply(&server, &tie, "workspaces", ws_id).await;
    assert_eq!(in_force(&server, &ws, "key").await, "a to workspace");
    let own = owned_by(&server, &project, json!({ "name": "own to project" }), "key").await;
    apply(&server, &own, "projects", project_id).await;
    assert_eq!(in_force(&server, &ws, "key").await, "own to project");
    let own = owned_by(&server, &project, json!({ "name": "own to workspace" }), "key").await;
    apply(&server, &own, "workspaces", ws_id).await;
    assert_eq!(in_force(&server, &ws, "key").await, "own to workspace");
    let vars = format!("/workspaces/{ws_id}/vars");
    server.owner().post(vars, variable("key", "workspace")).await.is_created();
    assert_eq!(in_force(&server, &ws, "key").await, "workspace");

    // Priority turns it around: the wider set wins.
    let priority = |name: &str| json!({ "name": name, "priority": true });
    let forced = owned_by(&server, &project, priority("p own to workspace"), "key").await;
    apply(&server, &forced, "workspaces", ws_id).await;
    assert_eq!(in_force(&server, &ws, "key").await, "p own to workspace");
    let forced = owned_by(&server, &project, priority("p own to project"), "key").await;
    apply(&server, &forced, "projects", project_id).await;
    assert_eq!(in_force(&server, &ws, "key").await, "p own to project");
    let forced = set(&server, priority("p to workspace"), "key").await;
    apply(&server, &forced, "workspaces", ws_id).await;
    assert_eq!(in_force(&server, &ws, "key").await, "p to workspace");
    let forced = set(&server, priority("p to project"), "key").await;
    apply(&server, &forced, "projects", project_id).await;
    assert_eq!(in_force(&server, &ws, "key").await, "p to project");
}

#[tokio::test]
async fn a_workspace_shows_what_overwrites_what() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    let weak = owner.post(SETS, body(json!({ "name": "weak", "global": true }))).await;
    let weak = weak.is_created().id();
    let beaten = put(&owner, &weak, "region", "weak").await;
    let strong = owner.post(SETS, body(json!({ "name": "strong" }))).await.is_created().id();
    let winner = put(&owner, &strong, "region", "strong").await;
    let context = |set: &str| format!("/workspaces/{}/varsets/{set}/relationships/vars", ws.id);
    owner.get(context(&strong)).await.is_not_found();
    apply(&server, &strong, "workspaces", ws.id.as_str()).await;
    let of_winner = owner.get(format!("{}/{winner}", context(&strong))).await.is_ok();
    assert_eq!(of_winner.related("overwriter"), Value::Null);
    let overwritten = &of_winner.data()["relationships"]["overwritten"]["data"];
    assert_eq!(overwritten, &json!([{ "type": "vars", "id": beaten }]));
    let list = owner.get(context(&weak)).await.is_ok().data();
    assert_eq!(list[0]["relationships"]["overwriter"]["data"]["id"], winner.as_str());
}

#[tokio::test]
async fn lists_show_what_applies_and_what_could() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let other = server.project("Other").await;
    let owner = server.owner();
    set(&server, json!({ "name": "global", "global": true }), "a").await;
    let applied = set(&server, json!({ "name": "applied" }), "b").await;
    apply(&server, &applied, "workspaces", ws.id.as_str()).await;
    let projects = set(&server, json!({ "name": "projects" }), "c").await;
    apply(&server, &projects, "projects", ws.project_id.as_str()).await;
    set(&server, json!({ "name": "spare" }), "d").await;
    owned_by(&server, &other, json!({ "name": "theirs" }), "e").await;
    let names = async |path: String| owner.get(path).await.is_ok().attributes("name");
    let of_ws = |what: &str| format!("/workspaces/{}/{what}", ws.id);
    assert_eq!(names(of_ws("varsets")).await, ["applied", "global", "projects"]);
    assert_eq!(names(of_ws("varsets?q=APPL")).await, ["applied"]);
    assert_eq!(names(of_ws("applicable-varsets")).await, ["spare"]);
    let of_project = |query: &str| format!("/projects/{}/varsets{query}", ws.project_id);
    assert_eq!(names(of_project("")).await, ["global", "projects"]);
    let of_other = |query: &str| format!("/projects/{}/varsets{query}", other.id);
    assert_eq!(names(of_other("")).await, ["global", "theirs"]);
    assert_eq!(names(of_other("?scope=owned")).await, ["theirs"]);
    assert_eq!(names(of_other("?scope=applied")).await, ["global"]);
    assert_eq!(names(of_other("?scope=shared")).await, ["global"]);
    owner.get(of_other("?scope=fish")).await.is_bad_request();
    assert_eq!(names(format!("{SETS}?filter[global]=true")).await, ["global"]);
    assert_eq!(
        names(format!("{SETS}?scope=owned")).await,
        ["applied", "global", "projects", "spare"]
    );
    assert_eq!(names(format!("{SETS}?q=heir")).await, ["theirs"]);
    let far = owner.get(format!("{SETS}?page[number]=9&include=vars")).await.is_ok();
    assert_eq!(far.json()["meta"]["pagination"]["total-count"], 5);
    assert_eq!(far.data(), json!([]));
}

#[tokio::test]
async fn a_set_of_a_project_stays_behind_when_a_workspace_leaves() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let project = server.project("Storage").await;
    let here = Project { id: ws.project_id.clone(), ..project.clone() };
    let set = owned_by(&server, &here, json!({ "name": "ours" }), "key").await;
    apply(&server, &set, "workspaces", ws.id.as_str()).await;
    assert_eq!(in_force(&server, &ws, "key").await, "ours");
    let there = json!({ "data": { "type": "workspaces", "relationships": {
        "project": { "data": { "type": "projects", "id": project.id } } } } });
    server.owner().patch(format!("/workspaces/{}", ws.id), there).await.is_ok();
    assert_eq!(in_force(&server, &ws, "key").await, Value::Null);
}

#[tokio::test]
async fn whoever_reads_variables_sees_sets_and_whoever_manages_workspaces_changes_them() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let set = set(&server, json!({ "name": "credentials" }), "region").await;
    let one = format!("/varsets/{set}");
    for reader in [server.reader(&ws), server.writer(&ws), server.admin_of(&ws)] {
        let shown = reader.get(&one).await.is_ok();
        assert_eq!(shown.attribute("permissions")["can-update"], false);
        assert_eq!(reader.get(SETS).await.is_ok().attributes("name"), ["credentials"]);
        reader.patch(&one, body(json!({ "name": "mine" }))).await.is_not_found();
        reader.post(SETS, body(json!({ "name": "mine" }))).await.is_not_found();
        reader.delete(&one).await.is_not_found();
    }
    // In no team: there are no variables for them.
    server.member().get(&one).await.is_not_found();
    assert_eq!(server.member().get(SETS).await.is_ok().data(), json!([]));
    let changed = body(json!({ "name": "of the organization" }));
    server.organization_token().patch(&one, changed).await.is_ok();
}

#[tokio::test]
async fn teams_with_write_on_a_project_manage_its_own_sets_only() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    let writer = server.reader(&ws);
    let me = writer.get("/account/details").await.is_ok();
    let team = json!({ "data": { "type": "teams", "attributes": { "name": "storage" } } });
    let team = owner.post("/organizations/acme/teams", team).await.is_created().id();
    let name = me.attribute("username");
    let members = json!({ "data": [{ "type": "users", "id": name }] });
    owner.post(format!("/teams/{team}/relationships/users"), members).await.is_no_content();
    let project = server.project("Storage").await;
    let access = |access: &str| {
        json!({ "data": { "type": "team-projects", "attributes": { "access": access },
        "relationships": {
            "team": { "data": { "type": "teams", "id": team } },
            "project": { "data": { "type": "projects", "id": project.id } } } } })
    };
    let held = owner.post("/team-projects", access("read")).await.is_created().id();
    let parent = json!({ "data": { "type": "projects", "id": project.id } });
    let new = related(body(json!({ "name": "ours" })), "parent", parent);
    writer.post(SETS, &new).await.is_not_found();
    owner.patch(format!("/team-projects/{held}"), access("write")).await.is_ok();
    let made = writer.post(SETS, &new).await.is_created();
    assert_eq!(made.related("parent"), project.id.as_str());
    put(&writer, &made.id(), "region", "x").await;
    writer.post(SETS, body(json!({ "name": "everybody's" }))).await.is_not_found();
}

#[tokio::test]
async fn several_variables_of_a_workspace_change_at_once_or_not_at_all() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let writer = server.writer(&ws);
    let vars = format!("/workspaces/{}/vars", ws.id);
    let one = writer.post(&vars, variable("one", "1")).await.is_created().id();
    let two = writer.post(&vars, variable("two", "2")).await.is_created().id();
    let batch = format!("/workspaces/{}/relationships/vars", ws.id);
    let change =
        |id: &str, attributes: Value| json!({ "type": "vars", "id": id, "attributes": attributes });
    let both = [change(&one, json!({ "value": "11" })), change(&two, json!({ "sensitive": true }))];
    writer.patch(&batch, json!({ "data": both })).await.is_no_content();
    assert_eq!(in_force(&server, &ws, "one").await, "11");
    assert_eq!(in_force(&server, &ws, "two").await, Value::Null);
    let bad = [change(&one, json!({ "value": "111" })), change(&two, json!({ "key": "" }))];
    let refused = writer.patch(&batch, json!({ "data": bad })).await;
    refused.is_unprocessable("/data/1/attributes/key");
    let unknown = [change("var-9999999999999999", json!({}))];
    let refused = writer.patch(&batch, json!({ "data": unknown })).await;
    refused.is_unprocessable("/data/0/id");
    assert_eq!(in_force(&server, &ws, "one").await, "11");
    server.reader(&ws).patch(&batch, json!({ "data": [] })).await.is_not_found();
}
