//! `include=`: what is loaded, how often, and what stands in `included`.

use axum::{body::to_bytes, extract::FromRequestParts, response::IntoResponse};
use http::Request;
use serde::Serialize;
use serde_json::{Value, json};
use statehouse_jsonapi::{Document, Includes, Object, Query, Relationships, Resource};
use std::sync::Mutex;

/// Names its neighbours by its own number.
struct Workspace(&'static str);
struct Run(String);
struct User(String);
struct Variable(String);

impl Resource for Workspace {
    const TYPE: &'static str = "workspaces";
    fn id(&self) -> String {
        self.0.into()
    }
    fn attributes(&self) -> impl Serialize {
        json!({})
    }
    fn relationships(&self, to: &mut Relationships) {
        let number = &self.0["ws-".len()..];
        to.one("current-run", "runs", Some(&format!("run-{number}")));
        to.one("locked-by", "users", Some(&"user-0"));
        to.many("watchers", "users", ["user-0", "user-hidden", "user-1"]);
        to.one("agent-pool", "agent-pools", None);
        to.one("project", "projects", Some(&"prj-1"));
        to.link("vars", format!("/api/v2/workspaces/{}/vars", self.0));
    }
}

impl Resource for Run {
    const TYPE: &'static str = "runs";
    fn id(&self) -> String {
        self.0.clone()
    }
    fn attributes(&self) -> impl Serialize {
        json!({})
    }
    fn relationships(&self, to: &mut Relationships) {
        to.one("created-by", "users", Some(&"user-1"));
        to.one("workspace", "workspaces", Some(&self.0.replace("run", "ws")));
    }
}

impl Resource for User {
    const TYPE: &'static str = "users";
    fn id(&self) -> String {
        self.0.clone()
    }
    fn attributes(&self) -> impl Serialize {
        json!({})
    }
}

impl Resource for Variable {
    const TYPE: &'static str = "vars";
    fn id(&self) -> String {
        self.0.clone()
    }
    fn attributes(&self) -> impl Serialize {
        json!({})
    }
    fn relationships(&self, to: &mut Relationships) {
        to.one("author", "users", Some(&"user-2"));
    }
}

/// Notes each load as `type:ids`.
#[derive(Default)]
struct Log(Mutex<Vec<String>>);

impl Log {
    fn note(&self, kind: &str, ids: &[String]) {
        self.0
            .lock()
            .expect("no test panics with the lock")
            .push(format!("{kind}:{}", ids.join(",")));
    }
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().expect("no test panics with the lock"))
    }
}

#[derive(Debug, PartialEq)]
struct Broken;

fn includes() -> Includes<Log, Broken> {
    Includes::default()
        .of("runs", |log: &Log, ids| {
            Box::pin(async move {
                log.note("runs", &ids);
                Ok(ids.into_iter().map(|id| Object::new(&Run(id))).collect())
            })
        })
        .of("users", |log: &Log, ids| {
            Box::pin(async move {
                log.note("users", &ids);
                let visible = ids.into_iter().filter(|id| id != "user-hidden");
                Ok(visible.map(|id| Object::new(&User(id))).collect())
            })
        })
        .of("projects", |_, _| Box::pin(async { Err(Broken) }))
        .relation("workspaces", "vars", |log: &Log, parents| {
            Box::pin(async move {
                log.note("vars of", &parents);
                let of = |id: &String| {
                    vec![
                        Object::new(&Variable(format!("var-{id}"))),
                        Object::new(&Variable("var-0".into())),
                    ]
                };
                Ok(parents
                    .iter()
                    .filter(|id| *id != "ws-2")
                    .map(|id| (id.clone(), of(id)))
                    .collect())
            })
        })
        .relation_to_one("workspaces", "readme", |_, parents| {
            Box::pin(async move {
                let of = |id: &String| vec![Object::new(&Variable(format!("readme-{id}")))];
                Ok(parents
                    .iter()
                    .filter(|id| *id == "ws-1")
                    .map(|id| (id.clone(), of(id)))
                    .collect())
            })
        })
}

async fn query(include: &str) -> Query {
    let request = Request::get(format!("/?include={include}")).body(()).expect("a valid address");
    Query::from_request_parts(&mut request.into_parts().0, &()).await.expect("lenient")
}

async fn sent(document: Document) -> Value {
    let body = to_bytes(document.into_response().into_body(), 1 << 20).await.expect("in memory");
    serde_json::from_slice(&body).expect("a document is JSON")
}

/// The ids in `included`, in their order.
fn included(document: &Value) -> Vec<&str> {
    let objects = document["included"].as_array().map_or(&[][..], Vec::as_slice);
    objects.iter().map(|object| object["id"].as_str().expect("an id is a string")).collect()
}

async fn two(include: &str) -> (Value, Vec<String>) {
    let log = Log::default();
    let items = [Workspace("ws-1"), Workspace("ws-2")];
    let document = Document::page(&items, 2, &query(include).await, &includes(), &log).await;
    (sent(document.expect("no loader fails")).await, log.take())
}

#[tokio::test]
async fn nothing_is_loaded_unless_it_is_asked_for() {
    let (document, loads) = two("").await;
    assert!(loads.is_empty());
    assert_eq!(document.get("included"), None);
}

#[tokio::test]
async fn one_load_per_step_and_type_however_many_rows_and_relations() {
    let (document, loads) =
        two("current_run.created_by%2Clocked-by,watchers,current-run,currentRun.createdBy").await;
    assert_eq!(loads, ["runs:run-1,run-2", "users:user-0,user-hidden,user-1"]);
    assert_eq!(included(&document), ["run-1", "run-2", "user-0", "user-1"]);
}

#[tokio::test]
async fn what_lies_in_the_middle_of_a_path_is_included_too() {
    let (document, loads) = two("current_run.created_by").await;
    assert_eq!(loads, ["runs:run-1,run-2", "users:user-1"]);
    assert_eq!(included(&document), ["run-1", "run-2", "user-1"]);
}

#[tokio::test]
async fn primary_data_is_walked_through_but_never_included() {
    let (document, loads) = two("current_run.workspace.locked_by").await;
    assert_eq!(loads, ["runs:run-1,run-2", "users:user-0"]);
    assert_eq!(included(&document), ["run-1", "run-2", "user-0"]);
}

#[tokio::test]
async fn names_that_lead_nowhere_are_ignored() {
    let (document, loads) = two("nope,locked_by.nope.deeper,agent_pool,..,.,locked_by").await;
    assert_eq!(loads, ["users:user-0"]);
    assert_eq!(included(&document), ["user-0"]);
}

#[tokio::test]
async fn a_relation_without_identifiers_is_loaded_by_parents_and_then_shown() {
    let (document, loads) = two("vars.author").await;
    assert_eq!(loads, ["vars of:ws-1,ws-2", "users:user-2"]);
    assert_eq!(included(&document), ["var-ws-1", "var-0", "user-2"]);
    let vars = |row: usize| document["data"][row]["relationships"]["vars"].clone();
    let expected = json!({
        "data": [{ "id": "var-ws-1", "type": "vars" }, { "id": "var-0", "type": "vars" }],
        "links": { "related": "/api/v2/workspaces/ws-1/vars" },
    });
    assert_eq!(vars(0), expected);
    assert_eq!(vars(1)["data"], json!([]));
}

#[tokio::test]
async fn a_to_one_relation_without_identifiers_shows_null_for_none() {
    let (document, _) = two("readme").await;
    assert_eq!(included(&document), ["readme-ws-1"]);
    let data = |row: usize| document["data"][row]["relationships"]["readme"]["data"].clone();
    assert_eq!(data(0), json!({ "id": "readme-ws-1", "type": "vars" }));
    assert_eq!(data(1), Value::Null);
}

#[tokio::test]
async fn a_relation_that_was_not_asked_for_shows_only_its_link() {
    let (document, _) = two("locked_by").await;
    assert_eq!(document["data"][0]["relationships"]["vars"].get("data"), None);
}

#[tokio::test]
async fn one_resource_and_an_unpaged_list_include_as_a_page_does() {
    let (log, query) = (Log::default(), query("locked_by").await);
    let one = Document::one_with(&Workspace("ws-1"), &query, &includes(), &log).await.unwrap();
    assert_eq!(included(&sent(one).await), ["user-0"]);
    let list = Document::list_with(&[Workspace("ws-1")], &query, &includes(), &log).await.unwrap();
    let list = sent(list).await;
    assert_eq!(included(&list), ["user-0"]);
    assert_eq!((list.get("links"), list.get("meta")), (None, None));
}

#[tokio::test]
async fn a_failing_loader_fails_the_document() {
    let query = query("project").await;
    let answer = Document::one_with(&Workspace("ws-1"), &query, &includes(), &Log::default()).await;
    assert_eq!(answer.unwrap_err(), Broken);
}

#[tokio::test]
async fn endless_paths_and_lists_end() {
    let endless = vec!["current_run.workspace"; 500].join(".");
    let (document, loads) = two(&endless).await;
    assert_eq!(loads, ["runs:run-1,run-2"]);
    assert_eq!(included(&document), ["run-1", "run-2"]);
    let many: Vec<_> = (0..2000).map(|n| format!("n{n}")).collect();
    assert_eq!(included(&two(&many.join(",")).await.0), Vec::<&str>::new());
}

#[test]
fn answers_can_be_built_on_any_thread() {
    fn is_send(_: impl Send) {}
    let (query, includes, log) = (Query::<()>::default(), includes(), Log::default());
    is_send(Document::one_with(&Workspace("ws-1"), &query, &includes, &log));
}
