//! No documented attribute or relationship that can be sent is ignored in silence: each is read, or refused by name.
//! What nobody has documented is ignored, as HCP Terraform does it.

mod documented;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use statehouse_api::Route;
use testkit::{
    Server,
    world::{Sent, World, Worlds},
};

use documented::DOCUMENTED;

/// Nothing takes this, whatever its type; who takes a document with it has not looked.
fn wrong() -> Value {
    json!([[7]])
}

/// A document with another value at a place below `data`.
fn with(mut body: Value, place: &str, value: Value) -> Value {
    let place = match place.split_once('/') {
        Some(("relationships", name)) => format!("relationships/{name}/data"),
        _ => format!("attributes/{place}"),
    };
    let mut at = &mut body["data"];
    for name in place.split('/') {
        at = &mut at[name];
    }
    *at = value;
    body
}

fn route(operation: &str) -> Route {
    let (method, path) = operation.split_once(' ').unwrap();
    let method: Method = method.parse().unwrap();
    let path = format!("/api/v2{path}");
    let mut all = statehouse_api::table().into_iter();
    all.find(|route| route.method == method && route.path == path)
        .unwrap_or_else(|| panic!("no route {operation}"))
}

/// The attributes of an operation that are taken without a look.
async fn silent(world: &World, operation: &str, names: &[&str]) -> Vec<String> {
    let route = route(operation);
    let Sent::Json(valid) = world.body(&route) else { panic!("{operation} takes no document") };
    let mut silent = Vec::new();
    for name in names {
        let sent = with(valid.clone(), name, wrong()).to_string();
        let client = world.allowed(&route);
        let answer = client.raw(route.method.clone(), world.path(&route), sent).await;
        let pointer = if name.starts_with("relationships/") { "" } else { "attributes/" };
        let pointer = format!("/data/{pointer}{name}");
        let said = || answer.json()["errors"][0]["source"]["pointer"].as_str().map(str::to_owned);
        if answer.status != StatusCode::UNPROCESSABLE_ENTITY
            || !said().is_some_and(|said| said.starts_with(&pointer))
        {
            silent.push(format!("{operation}: {name} is answered {answer}"));
        }
    }
    silent
}

#[tokio::test]
async fn every_documented_attribute_is_read_or_refused() {
    let world = Worlds::new().await.world().await;
    let rows = world.server.row_counts().await;
    let mut all = Vec::new();
    for (operations, names) in DOCUMENTED {
        for operation in *operations {
            all.extend(Box::pin(silent(&world, operation, names)).await);
        }
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
    let mut after = world.server.row_counts().await;
    for made_by_callers in ["tokens", "users", "sessions"] {
        after.remove(made_by_callers);
    }
    assert!(after.iter().all(|(table, count)| rows.get(table) == Some(count)), "{after:?}");
}

/// Where one is needed, none is not enough; but then the relation is what is missing, and not its `data`.
#[tokio::test]
async fn every_relation_may_be_an_empty_object_or_null() {
    let world = Worlds::new().await.world().await;
    let mut refused = Vec::new();
    for (operations, names) in DOCUMENTED {
        for (operation, name) in
            operations.iter().flat_map(|one| names.iter().map(move |n| (one, n)))
        {
            let Some(relation) = name.strip_prefix("relationships/") else { continue };
            let route = route(operation);
            let Sent::Json(valid) = world.body(&route) else { panic!("{operation}") };
            for none in [json!({}), json!({ "data": null }), json!(null)] {
                let mut sent = valid.clone();
                sent["data"]["relationships"][relation] = none.clone();
                let client = world.allowed(&route);
                let path = world.path(&route);
                let answer = client.raw(route.method.clone(), path, sent.to_string()).await;
                let inside = format!("/data/relationships/{relation}/");
                if answer.text().contains(&inside) || answer.status.is_server_error() {
                    refused.push(format!("{operation}: {relation} {none} is answered {answer}"));
                }
            }
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

#[tokio::test]
async fn every_operation_that_takes_attributes_is_looked_at() {
    let world = Worlds::new().await.world().await;
    let is_known = |route: &Route| {
        let path = route.path.strip_prefix("/api/v2").unwrap_or(route.path);
        let operation = format!("{} {path}", route.method);
        DOCUMENTED.iter().any(|(operations, _)| operations.contains(&operation.as_str()))
    };
    let unknown: Vec<_> = statehouse_api::table()
        .into_iter()
        .filter(|route| route.path.starts_with("/api/v2/") && !is_known(route))
        .filter(|route| {
            let Sent::Json(body) = world.body(route) else { return false };
            body.pointer("/data/attributes").is_some()
        })
        .map(|route| format!("{} {}", route.method, route.path))
        .collect();
    assert_eq!(unknown, Vec::<String>::new());
}

#[tokio::test]
async fn whoever_asks_for_nothing_gets_what_is_not_supported() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    let path = format!("/workspaces/{}", ws.id);
    let send =
        |attributes: Value| json!({ "data": { "type": "workspaces", "attributes": attributes } });
    for nothing in [json!(null), json!(false), json!(""), json!([]), json!({})] {
        let sent = send(json!({ "hyok-enabled": nothing, "migration_environment": nothing }));
        owner.patch(&path, sent).await.is_ok();
    }
    for (spelled, value) in [("hyok-enabled", json!(true)), ("hyokEnabled", json!("yes"))] {
        let refused = owner.patch(&path, send(json!({ spelled: value }))).await;
        let refused = refused.is_unprocessable("/data/attributes/hyok-enabled");
        assert!(refused.error().contains("hyok-enabled cannot"), "{refused}");
    }
    owner.patch(&path, send(json!({ "colour": true }))).await.is_ok();
}

#[tokio::test]
async fn the_tags_of_a_new_workspace_are_not_lost_where_they_are_only_shown() {
    let server = Server::start().await;
    let owner = server.owner();
    let attributes = |attributes: Value| json!({ "data": { "attributes": attributes } });
    let new = attributes(json!({ "name": "tagged", "tag-names": ["prod"] }));
    let refused = owner.post("/organizations/acme/workspaces", new).await;
    let refused = refused.is_unprocessable("/data/attributes/tag-names");
    assert!(refused.error().contains("relationships/tags"), "{refused}");
    // Whoever changes what they were shown sends it back whole.
    let path = format!("/workspaces/{}", server.workspace("networking").await.id);
    let shown = owner.get(&path).await.is_ok();
    let mut back = attributes(shown.data()["attributes"].clone());
    // Says the same as the execution mode, and never both are taken.
    back["data"]["attributes"].as_object_mut().unwrap().remove("operations");
    owner.patch(&path, back.clone()).await.is_ok();
    back["data"]["attributes"]["tag-names"] = json!(["prod"]);
    let refused = owner.patch(&path, back).await;
    refused.is_unprocessable("/data/attributes/tag-names");
    let tags = json!({ "data": [{ "type": "tags", "attributes": { "name": "prod" } }] });
    owner.post(format!("{path}/relationships/tags"), tags).await.is_no_content();
    owner.patch(&path, attributes(json!({ "tag-names": ["prod"] }))).await.is_ok();
    let none = attributes(json!({ "tag-names": [] }));
    owner.patch(&path, none).await.is_unprocessable("/data/attributes/tag-names");
}

#[tokio::test]
async fn whoever_has_no_second_factor_cannot_ask_others_for_one() {
    let server = Server::start().await;
    let owner = server.owner();
    let policy =
        |policy: &str| json!({ "data": { "attributes": { "collaborator-auth-policy": policy } } });
    owner.patch("/organizations/acme", policy("password")).await.is_ok();
    let refused = owner.patch("/organizations/acme", policy("two_factor_mandatory")).await;
    let refused = refused.is_unprocessable("/data/attributes/collaborator-auth-policy");
    assert!(refused.error().contains("before you have a second factor of your own"), "{refused}");
    let shown = owner.get("/organizations/acme").await.is_ok();
    assert_eq!(shown.attribute("collaborator-auth-policy"), "password");
}

#[tokio::test]
async fn only_mail_has_recipients() {
    let server = Server::start().await;
    let owner = server.owner();
    let all = format!(
        "/workspaces/{}/notification-configurations",
        server.workspace("networking").await.id
    );
    let hook = json!({
        "name": "n", "destination-type": "generic", "enabled": false, "url": "http://example.com",
    });
    let with = |name: &str, value: Value| {
        let mut attributes = hook.clone();
        attributes[name] = value;
        json!({ "data": { "attributes": attributes } })
    };
    let users = |mut body: Value, id: &str| {
        body["data"]["relationships"]["users"]["data"] = json!([{ "type": "users", "id": id }]);
        body
    };
    let me = owner.get("/account/details").await.is_ok().id();
    let made = owner.post(&all, with("email-addresses", json!([]))).await.is_created();
    let one = format!("/notification-configurations/{}", made.id());
    let mails = with("email-addresses", json!(["a@example.com"]));
    let named = users(with("name", json!("n")), &me);
    for (sent, pointer) in
        [(mails, "/data/attributes/email-addresses"), (named, "/data/relationships/users")]
    {
        owner.post(&all, sent.clone()).await.is_unprocessable(pointer);
        owner.patch(&one, sent).await.is_unprocessable(pointer);
    }
}

#[tokio::test]
async fn what_is_said_once_is_not_changed_in_silence() {
    let server = Server::start().await;
    let owner = server.owner();
    let send = |attributes: &Value| json!({ "data": { "attributes": attributes } });
    let made = async |path: &str, attributes: &Value| {
        owner.post(path, send(attributes)).await.is_created().id()
    };
    let of = |noun: &str| format!("/organizations/acme/{noun}");
    let ws =
        json!({ "name": "a", "source-name": "portal", "source-url": "https://portal.example" });
    let ws = made(&of("workspaces"), &ws).await;
    let policy = json!({
        "name": "ports", "kind": "opa", "query": "data.a.b", "enforcement-level": "advisory",
    });
    let policy = made(&of("policies"), &policy).await;
    let set = made(&of("policy-sets"), &json!({ "name": "set", "kind": "opa" })).await;
    let key = made(&of("ssh-keys"), &json!({ "name": "deploy", "value": "KEY" })).await;
    let notified = json!({ "name": "n", "destination-type": "email", "enabled": false });
    let notified = made(&format!("/workspaces/{ws}/notification-configurations"), &notified).await;
    for (path, name, same, other) in [
        (format!("/workspaces/{ws}"), "source-name", json!("portal"), json!("other")),
        (format!("/workspaces/{ws}"), "source-url", json!("https://portal.example"), json!("x:y")),
        (format!("/policies/{policy}"), "name", json!("ports"), json!("disks")),
        (format!("/policies/{policy}"), "kind", json!("opa"), json!("sentinel")),
        (format!("/policy-sets/{set}"), "kind", json!("opa"), json!("sentinel")),
        (format!("/ssh-keys/{key}"), "value", json!(""), json!("ANOTHER")),
        (
            format!("/notification-configurations/{notified}"),
            "destination-type",
            json!("email"),
            json!("slack"),
        ),
    ] {
        owner.patch(&path, send(&json!({ name: same }))).await.is_ok();
        let refused = owner.patch(&path, send(&json!({ name: other }))).await;
        let refused = refused.is_unprocessable(&format!("/data/attributes/{name}"));
        assert!(refused.error().contains("can't be changed"), "{refused}");
    }
}

#[tokio::test]
async fn what_only_the_other_kind_of_policies_has_is_refused() {
    let server = Server::start().await;
    let owner = server.owner();
    let send = |attributes: &Value| json!({ "data": { "attributes": attributes } });
    for (noun, attributes, name) in [
        ("policies", json!({ "query": "data.a.b", "enforcement-level": "advisory" }), "query"),
        ("policy-sets", json!({ "overridable": true }), "overridable"),
    ] {
        let mut new = json!({ "name": "a", "kind": "sentinel" });
        new.as_object_mut().unwrap().extend(attributes.as_object().unwrap().clone());
        let refused = owner.post(format!("/organizations/acme/{noun}"), send(&new)).await;
        refused.is_unprocessable(&format!("/data/attributes/{name}"));
    }
    // HashiCorp's suite names a version here, and wants none back.
    let new = json!({ "name": "a", "kind": "sentinel", "policy-tool-version": "latest" });
    let made = owner.post("/organizations/acme/policy-sets", send(&new)).await.is_created();
    assert_eq!(made.attribute("policy-tool-version"), Value::Null);
}
