//! Every operation that writes, with every kind of wrong body: refused with the place of what is wrong, or junk that is
//! rightly ignored; never an error of the server's, and nothing is stored.

use std::{collections::BTreeMap, fmt::Write};

use futures::{StreamExt, stream};
use http::Method;
use serde_json::{Value, json};
use statehouse_api::Route;
use testkit::{
    Answer, TestDatabase,
    world::{Sent, World, Worlds, parameters},
};

/// Something wrong to send, with a name for the reader of a failure.
struct Wrong {
    what: String,
    body: Vec<u8>,
}

impl Wrong {
    fn is_text(&self) -> bool {
        self.what.contains("null character") || self.what.contains("other letters")
    }
}

fn wrong(what: impl Into<String>, body: impl Into<Vec<u8>>) -> Wrong {
    Wrong { what: what.into(), body: body.into() }
}

/// Wrong for whatever takes JSON.
fn no_json() -> Vec<Wrong> {
    let deep = "[".repeat(100_000);
    vec![
        wrong("nothing", ""),
        wrong("broken JSON", r#"{"data":{"attributes":{"name":"#),
        wrong("two documents", "{}{}"),
        wrong("invalid UTF-8", &b"{\"data\":{\"attributes\":{\"name\":\"\xff\xfe\"}}}"[..]),
        wrong("half a surrogate", r#"{"data":{"attributes":{"name":"\ud800"}}}"#),
        wrong("null", "null"),
        wrong("a string", "\"data\""),
        wrong("an array", "[]"),
        wrong("an empty object", "{}"),
        wrong("endless nesting", deep),
    ]
}

/// Wrong for whatever takes a document of JSON:API.
fn no_documents() -> Vec<Wrong> {
    vec![
        wrong("null as data", r#"{"data":null}"#),
        wrong("a string as data", r#"{"data":"x"}"#),
        wrong("an array of numbers as data", r#"{"data":[1,2]}"#),
        wrong("an array of empty objects as data", r#"{"data":[{}]}"#),
        wrong("an empty object as data", r#"{"data":{}}"#),
        wrong("another type", r#"{"data":{"type":"fish","attributes":{}}}"#),
        wrong("a number as type", r#"{"data":{"type":1}}"#),
        wrong("an object as id", r#"{"data":{"id":{}}}"#),
        wrong("attributes as array", r#"{"data":{"attributes":[]}}"#),
        wrong("attributes as string", r#"{"data":{"attributes":"x"}}"#),
        wrong("relationships as array", r#"{"data":{"relationships":[]}}"#),
    ]
}

/// The valid body with one value after the other replaced.
fn spoiled(valid: &Value) -> Vec<Wrong> {
    let junk = [
        ("null", Value::Null),
        ("a number", json!(-1)),
        ("true", json!(true)),
        ("a blank string", json!("")),
        ("a string with a null character", json!("a\0b")),
        ("a huge string", json!("x".repeat(300_000))),
        ("a string of other letters", json!("\u{202e}🙈 ../..")),
        ("an array", json!([{}, null, "x"])),
        ("an object", json!({ "x": 1 })),
    ];
    let unknown = ("an unknown id", json!("ws-9999999999999999"));
    let mut all = Vec::new();
    for pointer in pointers(valid) {
        let unknown = pointer.ends_with("/id").then_some(&unknown);
        for (name, value) in junk.iter().chain(unknown) {
            let mut body = valid.clone();
            *body.pointer_mut(&pointer).unwrap() = value.clone();
            if body != *valid {
                all.push(wrong(format!("{name} at {pointer}"), body.to_string()));
            }
        }
    }
    all
}

/// Where the values of a document are, but for its outermost object.
fn pointers(value: &Value) -> Vec<String> {
    let members: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(k, v)| (k.clone(), v)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(i, v)| (i.to_string(), v)).collect(),
        _ => Vec::new(),
    };
    members
        .into_iter()
        .flat_map(|(name, member)| {
            let inner = pointers(member).into_iter().map({
                let name = name.clone();
                move |rest| format!("/{name}{rest}")
            });
            std::iter::once(format!("/{name}")).chain(inner).collect::<Vec<_>>()
        })
        .collect()
}

/// What was taken all the same.
/// All but the wrong passwords that were tried, which are counted.
async fn stored(world: &World) -> BTreeMap<String, i64> {
    let mut rows = world.server.row_counts().await;
    rows.remove("sign_in_attempts");
    rows
}

async fn taken(route: &Route, worlds: &Worlds) -> Vec<String> {
    let mut world = worlds.world().await;
    let mut taken = Vec::new();
    let mut before = None;
    for Wrong { what, body } in wrongs(&world, route).unwrap_or_default() {
        let client = world.allowed(route);
        // Makes the caller before the rows are counted.
        client.token().await;
        let rows = match before.take() {
            Some(rows) => rows,
            None => stored(&world).await,
        };
        let answer = client.raw(route.method.clone(), world.path(route), body.clone()).await;
        assert!(!answer.status.is_server_error(), "{what}: {answer}");
        if answer.status.is_success() {
            taken.push(what.clone());
            if !matches!(route.method, Method::PATCH | Method::PUT) {
                world = worlds.world().await;
            }
        } else {
            says_what_is_wrong(route, &what, &answer);
            assert_eq!(stored(&world).await, rows, "{what}: {answer}");
            before = Some(rows);
        }
    }
    taken
}

/// All that is wrong to send there; nothing for what takes no JSON.
fn wrongs(world: &World, route: &Route) -> Option<Vec<Wrong>> {
    let Sent::Json(valid) = world.body(route) else { return None };
    if world.server.db.is_postgres() {
        // The same code reads the same document; only texts may be more than this database takes.
        return Some(spoiled(&valid).into_iter().filter(Wrong::is_text).collect());
    }
    let documents = if valid.get("data").is_some() { no_documents() } else { Vec::new() };
    Some(no_json().into_iter().chain(documents).chain(spoiled(&valid)).collect())
}

fn says_what_is_wrong(route: &Route, what: &str, answer: &Answer) {
    if !route.path.starts_with("/api/v2/") {
        return;
    }
    let document = answer.json();
    let error = &document["errors"][0];
    assert_eq!(error["status"], answer.status.as_str(), "{what}: {answer}");
    assert!(error["title"].is_string(), "{what}: {answer}");
    if answer.status.as_u16() == 422 {
        assert!(error["source"]["pointer"].is_string(), "{what}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_bodies_are_refused_and_leave_nothing_behind() {
    let mut routes = statehouse_api::table();
    routes.retain(|route| route.method != Method::GET);
    routes.sort_by_key(|route| (route.path, route.method.to_string()));
    let worlds = Worlds::new().await;
    let all: Vec<_> = stream::iter(routes)
        .map(|route| {
            let worlds = worlds.clone();
            tokio::spawn(async move { (Box::pin(taken(&route, &worlds)).await, route) })
        })
        .buffered(4)
        .map(|done| done.expect("see the failure above"))
        .collect()
        .await;
    if TestDatabase::is_postgres() {
        return;
    }
    let mut table = String::new();
    for (taken, route) in all.iter().filter(|(taken, _)| !taken.is_empty()) {
        writeln!(table, "{} {}", route.method, route.path).unwrap();
        for what in taken {
            writeln!(table, "  {what}").unwrap();
        }
    }
    // What is ignored or means something: read the difference before accepting it.
    insta::assert_snapshot!(table);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_paths_and_parameters_are_refused_without_a_failure_of_the_server() {
    let world = Worlds::new().await.world().await;
    let wrong_parts = [
        "%00",
        "a%00b",
        "%FF%FE",
        "..",
        "%2e%2e%2f%2e%2e",
        "'%3B%20DROP%20TABLE%20runs",
        "ws-9999999999999999",
        "run-1",
        "%F0%9F%99%88",
    ];
    let queries = [
        "page[number]=-1&page[size]=x",
        "page[number]=99999999999999999999",
        "search[name]=%00&q=%00&filter[names]=%00&search[tags]=%00&search[basic]=%00",
        "search[wildcard-name]=%00&filter[tagged][0][key]=%00&filter[project][id]=%00",
        "filter[workspace][name]=%00&filter[organization][name]=%00",
        "filter[current-run][status]=fish&filter[status]=fish&filter[operation]=fish",
        "include=%00,,..,a.b.c.d.e.f.g.h.i.j.k&sort=%00,-",
        "%FF=%FE&[=]&a[b=c&a]b[=c",
        "q=%25_%5C'%22",
    ];
    for route in statehouse_api::table().iter().filter(|route| route.method == Method::GET) {
        let client = world.allowed(route);
        let right = world.path(route);
        for query in queries {
            let path = format!("{right}{}{query}", if right.contains('?') { '&' } else { '?' });
            let answer = client.raw(Method::GET, path, "").await;
            assert!(!answer.status.is_server_error(), "{answer}");
        }
        for parameter in parameters(route.path) {
            for part in wrong_parts {
                let path = world.path_with(route, parameter, part);
                let answer = client.raw(Method::GET, path, "").await;
                assert!(answer.status.is_client_error(), "{answer}");
            }
        }
    }
}
