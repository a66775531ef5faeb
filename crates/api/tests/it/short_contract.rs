//! The short OpenAPI document that describes 38 operations, in its own form: what it sends, what it answers, and which
//! attributes it names. Where the hosted service answers more, that is here as well.

use std::cell::RefCell;

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::{Answer, Server};

use crate::agent::Agent;

/// The document's `Organization`, `Workspace`, … : each attribute and the type it is given. Attributes that may be
/// unset are null then, as in the hosted service.
const SHAPES: &[(&str, &[(&str, &str)])] = &[
    (
        "organizations",
        &[
            ("name", "string"),
            ("email", "string"),
            ("created-at", "string"),
            ("session-timeout", "integer"),
            ("session-remember", "integer"),
            ("collaborator-auth-policy", "string"),
            ("plan-expired", "boolean"),
            ("plan-is-trial", "boolean"),
            ("plan-is-enterprise", "boolean"),
        ],
    ),
    (
        "workspaces",
        &[
            ("name", "string"),
            ("description", "string"),
            ("auto-apply", "boolean"),
            ("locked", "boolean"),
            ("execution-mode", "string"),
            ("terraform-version", "string"),
            ("working-directory", "string"),
            ("created-at", "string"),
            ("updated-at", "string"),
        ],
    ),
    (
        "runs",
        &[
            ("status", "string"),
            ("message", "string"),
            ("is-destroy", "boolean"),
            ("auto-apply", "boolean"),
            ("created-at", "string"),
        ],
    ),
    (
        "state-versions",
        &[
            ("vcs-commit-sha", "string"),
            ("vcs-commit-url", "string"),
            ("created-at", "string"),
            ("serial", "integer"),
            ("size", "integer"),
            ("hosted-state-download-url", "string"),
        ],
    ),
    ("teams", &[("name", "string"), ("users-count", "integer"), ("visibility", "string")]),
    (
        "policies",
        &[
            ("name", "string"),
            ("description", "string"),
            ("enforcement-level", "string"),
            ("kind", "string"),
        ],
    ),
    ("projects", &[("name", "string"), ("description", "string")]),
    (
        "vars",
        &[
            ("key", "string"),
            ("value", "string"),
            ("description", "string"),
            ("category", "string"),
            ("hcl", "boolean"),
            ("sensitive", "boolean"),
        ],
    ),
];

/// What its operations take, as schemas.
const REQUESTS: &str = include_str!("short_contract.json");

/// The schema of what the document's operation of that path takes.
pub fn request(method: &Method, path: &str) -> Option<Value> {
    let all: Value = serde_json::from_str(REQUESTS).unwrap();
    let path = path.strip_prefix("/api/v2")?;
    all.get(format!("{method} {path}")).cloned()
}

/// A caller who keeps account of the operations that it has called.
struct Caller<'s> {
    server: &'s Server,
    called: RefCell<Vec<String>>,
}

impl Caller<'_> {
    /// Calls an operation as the document writes it, with the path's parameter names; `with` has their values, in order.
    async fn call(&self, operation: &str, with: &[&str], body: Value, status: u16) -> Answer {
        self.called.borrow_mut().push(operation.split('?').next().unwrap().to_owned());
        let (method, path) = operation.split_once(' ').unwrap();
        let mut values = with.iter();
        let parts = path.split('/').map(|part| match part.split_once('}') {
            Some((_, rest)) => format!("{}{rest}", values.next().unwrap()),
            None => part.to_owned(),
        });
        let path = parts.collect::<Vec<_>>().join("/");
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let method: Method = method.parse().unwrap();
        let path = format!("/api/v2{path}");
        let answer = self.server.owner().raw(method, path, body).await;
        let answer = answer.has_status(StatusCode::from_u16(status).unwrap());
        if status == 200 || status == 201 {
            follows_the_document(&answer);
        }
        answer
    }
}

fn follows_the_document(answer: &Answer) {
    let data = answer.data();
    let is_list = data.is_array();
    let items = if is_list { data.as_array().unwrap().clone() } else { vec![data] };
    for item in &items {
        assert!(item["id"].is_string(), "an id in {answer}");
        let kind = item["type"].as_str().unwrap();
        let (_, shape) = SHAPES.iter().find(|(name, _)| *name == kind).unwrap();
        for (name, expected) in *shape {
            let value = &item["attributes"][name];
            let fits = match *expected {
                "string" => value.is_string(),
                "integer" => value.is_i64(),
                _ => value.is_boolean(),
            };
            assert!(item["attributes"].get(name).is_some(), "{name} in {answer}");
            assert!(fits || value.is_null(), "{name} is {expected} in {answer}");
        }
    }
    let counts = &answer.json()["meta"]["pagination"];
    if is_list && !counts.is_null() {
        for name in ["current-page", "last-page", "total-count"] {
            assert!(counts[name].is_u64(), "{name} in {answer}");
        }
        for name in ["prev-page", "next-page"] {
            assert!(counts.get(name).is_some(), "{name} in {answer}");
        }
    }
}

fn document(kind: &str, attributes: &Value) -> Value {
    json!({ "data": { "type": kind, "attributes": attributes } })
}

/// The document has no type in what it sends to change projects and variables.
fn untyped(attributes: &Value) -> Value {
    json!({ "data": { "attributes": attributes } })
}

async fn names(caller: &Caller<'_>, operation: &str, with: &[&str]) -> Vec<Value> {
    caller.call(operation, with, Value::Null, 200).await.attributes("name")
}

async fn organizations(caller: &Caller<'_>) {
    let wanted = document("organizations", &json!({ "name": "globex", "email": "a@example.com" }));
    caller.call("POST /organizations", &[], wanted, 201).await;
    assert_eq!(names(caller, "GET /organizations?q=globe", &[]).await, ["globex"]);
    assert_eq!(names(caller, "GET /organizations?page[number]=2&page[size]=1", &[]).await.len(), 1);
    caller.call("GET /organizations/{organization_name}", &["globex"], Value::Null, 200).await;
    let change =
        document("organizations", &json!({ "email": "b@example.com", "session-timeout": 60 }));
    let path = "PATCH /organizations/{organization_name}";
    let changed = caller.call(path, &["globex"], change, 200).await;
    assert_eq!(changed.attribute("email"), "b@example.com");
    assert_eq!(changed.attribute("session-timeout"), 60);
    let path = "DELETE /organizations/{organization_name}";
    caller.call(path, &["globex"], Value::Null, 204).await;
}

async fn projects(caller: &Caller<'_>) -> String {
    let wanted = json!({ "name": "Network", "description": "Cables" });
    let path = "POST /organizations/{organization_name}/projects";
    let made = caller.call(path, &["acme"], document("projects", &wanted), 201).await.id();
    for filter in ["filter[name]=Network", "filter[names]=Network", "q=net"] {
        let list = format!("GET /organizations/{{organization_name}}/projects?{filter}");
        assert_eq!(names(caller, &list, &["acme"]).await, ["Network"], "{filter}");
    }
    caller.call("GET /projects/{project_id}", &[&made], Value::Null, 200).await;
    let change = untyped(&json!({ "description": "Wires" }));
    let changed = caller.call("PATCH /projects/{project_id}", &[&made], change, 200).await;
    assert_eq!(changed.attribute("description"), "Wires");
    made
}

async fn workspaces(caller: &Caller<'_>, project: &str) -> String {
    let wanted = json!({
        "name": "networking", "description": "Cables", "auto-apply": true,
        "execution-mode": "remote", "terraform-version": crate::agent::ENGINE,
    });
    let path = "POST /organizations/{organization_name}/workspaces";
    let made = caller.call(path, &["acme"], document("workspaces", &wanted), 201).await;
    for (name, value) in wanted.as_object().unwrap() {
        assert_eq!(made.attribute(name), *value, "{name}");
    }
    let id = made.id();
    for (filter, found) in [
        ("search[name]=network".to_owned(), 1),
        ("search[tags]=blue".to_owned(), 0),
        (format!("filter[project][id]={project}"), 0),
        ("page[number]=1&page[size]=5".to_owned(), 1),
    ] {
        let list = format!("GET /organizations/{{organization_name}}/workspaces?{filter}");
        assert_eq!(names(caller, &list, &["acme"]).await.len(), found, "{filter}");
    }
    caller.call("GET /workspaces/{workspace_id}", &[&id], Value::Null, 200).await;
    let change = document("workspaces", &json!({ "auto-apply": false }));
    let changed = caller.call("PATCH /workspaces/{workspace_id}", &[&id], change, 200).await;
    assert_eq!(changed.attribute("auto-apply"), false);
    id
}

async fn variables(caller: &Caller<'_>, ws: &str) {
    let path = "POST /workspaces/{workspace_id}/vars";
    let wanted = json!({
        "key": "region", "value": "north", "description": "Where", "category": "terraform",
        "hcl": false, "sensitive": false,
    });
    let made = caller.call(path, &[ws], document("vars", &wanted), 201).await.id();
    let list = caller.call("GET /workspaces/{workspace_id}/vars", &[ws], Value::Null, 200).await;
    assert_eq!(list.attributes("key"), ["region"]);
    let path = "PATCH /workspaces/{workspace_id}/vars/{variable_id}";
    let changed = caller.call(path, &[ws, &made], untyped(&json!({ "value": "south" })), 200).await;
    assert_eq!(changed.attribute("value"), "south");
    let path = "DELETE /workspaces/{workspace_id}/vars/{variable_id}";
    caller.call(path, &[ws, &made], Value::Null, 204).await;
}

async fn states(caller: &Caller<'_>, ws: &str) {
    let lock = json!({ "reason": "an upgrade" });
    let path = "POST /workspaces/{workspace_id}/actions/lock";
    let locked = caller.call(path, &[ws], lock, 200).await;
    assert_eq!(locked.attribute("locked"), true);
    let content = r#"{ "version": 4, "terraform_version": "1.15.5", "serial": 1, "lineage": "l-1",
        "outputs": {}, "resources": [] }"#;
    let wanted = json!({
        "serial": 1, "md5": hex::encode(<md5::Md5 as md5::Digest>::digest(content)),
        "state": STANDARD.encode(content),
    });
    // The hosted service answers 201, which clients accept; the document's 200 they would accept as well.
    let path = "POST /workspaces/{workspace_id}/state-versions";
    let made = caller.call(path, &[ws], document("state-versions", &wanted), 201).await.id();
    let path = "GET /workspaces/{workspace_id}/state-versions";
    let list = caller.call(path, &[ws], Value::Null, 200).await;
    assert_eq!(list.attributes("serial"), [1]);
    let path = "GET /state-versions/{state_version_id}";
    let shown = caller.call(path, &[&made], Value::Null, 200).await;
    assert_eq!(shown.attribute("size"), content.len());
    assert!(shown.attribute("hosted-state-download-url").is_string());
    let path = "POST /workspaces/{workspace_id}/actions/unlock";
    let free = caller.call(path, &[ws], Value::Null, 200).await;
    assert_eq!(free.attribute("locked"), false);
}

/// A new run whose plan is there and waits for somebody's word.
async fn planned(caller: &Caller<'_>, agent: &Agent<'_>, ws: &str) -> String {
    let mut wanted = document(
        "runs",
        &json!({
            "message": "go", "is-destroy": false, "auto-apply": false,
        }),
    );
    wanted["data"]["relationships"] =
        json!({ "workspace": { "data": { "type": "workspaces", "id": ws } } });
    let made = caller.call("POST /runs", &[], wanted, 201).await;
    assert_eq!(made.attribute("message"), "go");
    caller.server.advance().await;
    let plan = agent.must_claim().await;
    plan.start().await;
    plan.outcome("finished", true).await;
    plan.finish().await;
    made.id()
}

async fn runs(caller: &Caller<'_>, agent: &Agent<'_>, ws: &str) {
    crate::runs::upload_to(&caller.server.owner(), ws, false).await;
    let comment = json!({ "comment": "as agreed" });

    let unwanted = planned(caller, agent, ws).await;
    let path = "POST /runs/{run_id}/actions/discard";
    caller.call(path, &[&unwanted], comment.clone(), 202).await;

    let wanted = planned(caller, agent, ws).await;
    caller.call("POST /runs/{run_id}/actions/apply", &[&wanted], comment.clone(), 202).await;
    caller.server.advance().await;
    let apply = agent.must_claim().await;
    apply.start().await;
    caller.call("POST /runs/{run_id}/actions/cancel", &[&wanted], comment, 202).await;
    apply.outcome("finished", true).await;
    apply.finish().await;

    for (id, status) in [(&unwanted, "discarded"), (&wanted, "applied")] {
        let shown = caller.call("GET /runs/{run_id}", &[id], Value::Null, 200).await;
        assert_eq!(shown.attribute("status"), status);
        let list = format!("GET /workspaces/{{workspace_id}}/runs?filter[status]={status}");
        let list = caller.call(&list, &[ws], Value::Null, 200).await;
        assert_eq!(list.data().as_array().unwrap().len(), 1, "{status}");
        assert_eq!(list.data()[0]["id"], **id);
    }
}

async fn teams(caller: &Caller<'_>) {
    let path = "POST /organizations/{organization_name}/teams";
    let wanted = document("teams", &json!({ "name": "ops", "visibility": "organization" }));
    let made = caller.call(path, &["acme"], wanted, 201).await.id();
    let path = "GET /organizations/{organization_name}/teams?page[size]=100";
    assert!(names(caller, path, &["acme"]).await.contains(&json!("ops")));
    caller.call("GET /teams/{team_id}", &[&made], Value::Null, 200).await;
    caller.call("DELETE /teams/{team_id}", &[&made], Value::Null, 204).await;
}

async fn policies(caller: &Caller<'_>) {
    let path = "POST /organizations/{organization_name}/policies";
    let wanted = json!({
        "name": "cables", "description": "All of them", "kind": "sentinel",
        "enforcement-level": "soft-mandatory",
    });
    let made = caller.call(path, &["acme"], document("policies", &wanted), 201).await.id();
    let path = "GET /organizations/{organization_name}/policies?page[number]=1&page[size]=5";
    assert_eq!(names(caller, path, &["acme"]).await, ["cables"]);
    let shown = caller.call("GET /policies/{policy_id}", &[&made], Value::Null, 200).await;
    assert_eq!(shown.attribute("enforcement-level"), "soft-mandatory");
    caller.call("DELETE /policies/{policy_id}", &[&made], Value::Null, 204).await;
}

#[test]
fn each_schema_is_that_of_a_route() {
    let all: Value = serde_json::from_str(REQUESTS).unwrap();
    let routes = statehouse_api::table();
    let known = routes.iter().filter(|route| request(&route.method, route.path).is_some());
    assert_eq!(known.count(), all.as_object().unwrap().len());
}

#[tokio::test]
async fn each_operation_takes_and_answers_what_the_short_document_says() {
    let server = Server::start().await;
    server.let_everybody_create_organizations().await;
    let agent = Agent::register(&server).await;
    let caller = Caller { server: &server, called: RefCell::default() };
    organizations(&caller).await;
    let project = projects(&caller).await;
    let ws = workspaces(&caller, &project).await;
    variables(&caller, &ws).await;
    states(&caller, &ws).await;
    runs(&caller, &agent, &ws).await;
    teams(&caller).await;
    policies(&caller).await;
    caller.call("DELETE /workspaces/{workspace_id}", &[&ws], Value::Null, 204).await;
    caller.call("DELETE /projects/{project_id}", &[&project], Value::Null, 204).await;

    let mut called = caller.called.into_inner();
    called.sort();
    called.dedup();
    assert_eq!(called.len(), 38, "{called:#?}");
}
