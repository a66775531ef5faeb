//! What goes over the wire: resources, documents and errors, member by member.

use axum::{
    body::to_bytes,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header::CONTENT_TYPE};
use serde::Serialize;
use serde_json::{Value, json};
use statehouse_jsonapi::{
    Accepted, Document, Empty, Error, Errors, Links, MEDIA_TYPE, Relationships, Resource,
};

struct Run;

impl Resource for Run {
    const TYPE: &'static str = "runs";

    fn id(&self) -> String {
        "run-1".into()
    }

    fn attributes(&self) -> impl Serialize {
        #[derive(Serialize)]
        #[serde(rename_all = "kebab-case")]
        struct Attributes {
            has_changes: bool,
        }
        Attributes { has_changes: true }
    }

    fn relationships(&self, to: &mut Relationships) {
        to.one("workspace", "workspaces", Some(&"ws-1"));
        to.one("created-by", "users", None);
        to.many("task-stages", "task-stages", ["ts-1", "ts-2"]);
        to.link("run-events", "/api/v2/runs/run-1/run-events");
        to.one_with_link("plan", "plans", Some(&"plan-1"), "/api/v2/runs/run-1/plan");
    }

    fn links(&self, to: &mut Links) {
        to.add("download", "https://example.com/secret");
        to.set("upload", None);
    }
}

struct Capacity;

impl Resource for Capacity {
    const TYPE: &'static str = "organization-capacity";

    fn id(&self) -> String {
        "acme".into()
    }

    fn attributes(&self) -> impl Serialize {
        json!({ "pending": 0 })
    }

    fn path(&self) -> Option<String> {
        None
    }
}

async fn body(response: Response) -> String {
    let bytes = to_bytes(response.into_body(), 1 << 20).await.expect("the body is in memory");
    String::from_utf8(bytes.to_vec()).expect("JSON is UTF-8")
}

async fn sent(response: impl IntoResponse) -> Value {
    serde_json::from_str(&body(response.into_response()).await).expect("a document is JSON")
}

#[tokio::test]
async fn a_resource_shows_its_members_in_a_stable_order() {
    let text = body(Document::one(&Run).into_response()).await;
    let expected = concat!(
        r#"{"data":{"id":"run-1","type":"runs","attributes":{"has-changes":true},"#,
        r#""relationships":{"workspace":{"data":{"id":"ws-1","type":"workspaces"}},"#,
        r#""created-by":{"data":null},"#,
        r#""task-stages":{"data":[{"id":"ts-1","type":"task-stages"},{"id":"ts-2","type":"task-stages"}]},"#,
        r#""run-events":{"links":{"related":"/api/v2/runs/run-1/run-events"}},"#,
        r#""plan":{"data":{"id":"plan-1","type":"plans"},"links":{"related":"/api/v2/runs/run-1/plan"}}},"#,
        r#""links":{"self":"/api/v2/runs/run-1","download":"https://example.com/secret","upload":null}}}"#,
    );
    assert_eq!(text, expected);
}

#[tokio::test]
async fn a_resource_without_an_address_has_no_links() {
    assert_eq!(sent(Document::one(&Capacity)).await["data"].get("links"), None);
}

#[tokio::test]
async fn a_document_carries_its_status_media_type_and_meta() {
    let response = Document::one(&Run).created().meta("warnings", ["slow"]).into_response();
    assert_eq!(response.status(), StatusCode::CREATED);
    assert_eq!(response.headers()[CONTENT_TYPE], MEDIA_TYPE);
    assert_eq!(sent(response).await["meta"], json!({ "warnings": ["slow"] }));

    let accepted = Document::one(&Run).status(StatusCode::ACCEPTED).into_response();
    assert_eq!(accepted.status(), StatusCode::ACCEPTED);
}

#[tokio::test]
async fn an_unpaged_list_is_its_data_and_nothing_else() {
    let document = sent(Document::list(&[Run, Run])).await;
    assert_eq!(document.as_object().unwrap().keys().collect::<Vec<_>>(), ["data"]);
    assert_eq!(document["data"].as_array().unwrap().len(), 2);
    assert_eq!(sent(Document::list::<Run>(&[])).await, json!({ "data": [] }));
}

#[tokio::test]
async fn nothing_to_show_is_an_empty_body() {
    for (response, status) in [
        (Empty.into_response(), StatusCode::NO_CONTENT),
        (Accepted.into_response(), StatusCode::ACCEPTED),
    ] {
        assert_eq!(response.status(), status);
        assert_eq!(body(response).await, "");
    }
}

#[tokio::test]
async fn errors_are_answered_with_the_status_of_the_first() {
    let errors = Errors::one(Error::invalid("name", "Name has already been taken"))
        .and(Error::bad_request("invalid query parameter", "no such page").parameter("page[size]"))
        .and(Error::not_found());
    let response = errors.into_response();
    assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(response.headers()[CONTENT_TYPE], MEDIA_TYPE);
    let expected = json!({ "errors": [
        {
            "status": "422",
            "title": "invalid attribute",
            "detail": "Name has already been taken",
            "source": { "pointer": "/data/attributes/name" },
        },
        {
            "status": "400",
            "title": "invalid query parameter",
            "detail": "no such page",
            "source": { "parameter": "page[size]" },
        },
        { "status": "404", "title": "not found" },
    ] });
    assert_eq!(sent(response).await, expected);
}

#[test]
fn the_short_forms_of_errors_have_the_status_they_say() {
    for (error, status) in [
        (Error::bad_request("a", "b"), 400),
        (Error::unauthorized(), 401),
        (Error::forbidden("a"), 403),
        (Error::not_found(), 404),
        (Error::conflict("a"), 409),
        (Error::unprocessable("/data", "a"), 422),
    ] {
        assert_eq!(Errors::from(error).status().as_u16(), status);
    }
}
