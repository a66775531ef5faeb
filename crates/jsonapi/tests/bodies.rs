//! Request bodies as old, new and broken clients send them, and the pointers in refusals.

use axum::{
    body::{Body as Bytes, to_bytes},
    extract::{FromRequest, OptionalFromRequest, Request},
    response::IntoResponse,
};
use futures::stream;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use statehouse_jsonapi::{
    Body, Errors, Field, Identifiers, Plain, ToMany, ToOne, Typed, Unsupported,
};
use std::{collections::BTreeMap, convert::Infallible, fmt::Debug};

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
struct Workspace {
    name: String,
    #[serde(default)]
    auto_apply: Field<bool>,
    max_runs: Option<u16>,
    vcs_repo: Option<Repository>,
    #[serde(default)]
    variables: BTreeMap<String, String>,
    #[serde(default)]
    trigger_patterns: Vec<String>,
    mode: Option<Mode>,
}

impl Typed for Workspace {
    const TYPE: &'static str = "workspaces";
    const UNSUPPORTED: &'static [Unsupported] = &[
        ("attributes/hyok-enabled", "cannot be switched on"),
        ("attributes/vcs-repo/tag-prefix", "cannot be set"),
        ("relationships/stacks", "cannot be set"),
    ];
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
struct Repository {
    oauth_token_id: String,
    ingress_submodules: Option<bool>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Mode {
    Remote,
    Local,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default, rename_all = "kebab-case")]
struct Relations {
    agent_pool: Field<ToOne<String>>,
    project: Option<ToOne<String>>,
    tag_bindings: ToMany<String>,
}

type Create = Body<Workspace, Relations>;

async fn take<X: FromRequest<(), Rejection = Errors>>(body: impl Into<Bytes>) -> Result<X, Errors> {
    X::from_request(Request::new(body.into()), &()).await
}

async fn refused<X: FromRequest<(), Rejection = Errors> + Debug>(body: impl Into<Bytes>) -> Value {
    let errors = take::<X>(body).await.expect_err("the body is refused");
    let body = to_bytes(errors.into_response().into_body(), 1 << 20).await.expect("in memory");
    let mut document: Value = serde_json::from_slice(&body).expect("a document is JSON");
    document["errors"][0].take()
}

async fn create(attributes: Value) -> Create {
    let document = json!({ "data": { "type": "workspaces", "attributes": attributes } });
    take(document.to_string()).await.expect("the body is understood")
}

/// The status and the pointer.
fn about(error: &Value) -> (&str, &str) {
    let text = |value: &'_ Value| value.as_str().map(str::len);
    assert!(text(&error["detail"]).is_some_and(|length| length > 0), "{error}");
    (
        error["status"].as_str().expect("a status is a string"),
        error["source"]["pointer"].as_str().unwrap_or_default(),
    )
}

#[tokio::test]
async fn names_are_read_in_any_spelling_at_every_level() {
    for attributes in [
        json!({ "name": "a", "auto-apply": true, "vcs-repo": { "oauth-token-id": "ot" } }),
        json!({ "name": "a", "auto_apply": true, "vcs_repo": { "oauth_token_id": "ot" } }),
        json!({ "name": "a", "autoApply": true, "vcsRepo": { "oauthTokenId": "ot" } }),
    ] {
        let read = create(attributes).await.attributes;
        assert_eq!(read.auto_apply, Field::Value(true));
        assert_eq!(read.vcs_repo.unwrap().oauth_token_id, "ot");
    }
}

#[tokio::test]
async fn the_exact_spelling_wins_over_another() {
    let read = create(json!({ "name": "a", "maxRuns": 1, "max-runs": 2, "max_runs": 3 })).await;
    assert_eq!(read.attributes.max_runs, Some(2));
}

#[tokio::test]
async fn the_keys_of_a_free_form_map_stay_as_they_are() {
    let variables = json!({ "snake_case": "1", "camelCase": "2", "kebab-case": "3" });
    let read = create(json!({ "name": "a", "variables": variables })).await.attributes.variables;
    assert_eq!(read.keys().collect::<Vec<_>>(), ["camelCase", "kebab-case", "snake_case"]);
}

#[tokio::test]
async fn whatever_the_type_is_the_address_says_what_is_meant() {
    for kind in [json!(null), json!(""), json!("workspaces"), json!("runs")] {
        let document = json!({ "data": { "type": kind, "attributes": { "name": "a" } } });
        let body = take::<Create>(document.to_string()).await.unwrap();
        assert_eq!(body.kind(), kind.as_str().filter(|kind| !kind.is_empty()), "{document}");
    }
    let body: Create = take(r#"{"data":{"attributes":{"name":"a"},"id":"ws-1"}}"#).await.unwrap();
    assert_eq!((body.kind(), body.id.as_deref()), (None, Some("ws-1")));
    let document = json!({ "data": { "type": 7, "attributes": { "name": "a" } } });
    let error = refused::<Create>(document.to_string()).await;
    assert_eq!(about(&error), ("422", "/data/type"));
}

#[tokio::test]
async fn what_is_documented_and_not_supported_is_refused_by_name() {
    let sent = |place: &str, value: &Value| {
        let mut document = json!({ "data": { "attributes": {
            "name": "a", "vcs-repo": { "oauth-token-id": "ot" },
        } } });
        *document
            .pointer_mut("/data")
            .and_then(|data| place.split('/').try_fold(data, |at, name| Some(&mut at[name])))
            .unwrap() = value.clone();
        document.to_string()
    };
    for (place, pointer, named) in [
        ("attributes/hyok-enabled", "attributes/hyok-enabled", "hyok-enabled cannot"),
        ("attributes/hyok_enabled", "attributes/hyok-enabled", "hyok-enabled cannot"),
        ("attributes/vcs-repo/tagPrefix", "attributes/vcs-repo/tag-prefix", "vcs-repo.tag-prefix"),
        ("relationships/stacks", "relationships/stacks", "stacks cannot"),
    ] {
        for asks in [json!(true), json!("x"), json!(0), json!([null]), json!({ "data": [{}, 1] })] {
            let error = refused::<Create>(sent(place, &asks)).await;
            assert_eq!(about(&error), ("422", format!("/data/{pointer}").as_str()), "{asks}");
            assert!(error["detail"].as_str().unwrap().starts_with(named), "{error}");
        }
        for nothing in [json!(null), json!(false), json!(""), json!([]), json!({ "data": [] })] {
            take::<Create>(sent(place, &nothing)).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_document_that_may_be_left_out_may_be_empty() {
    for nothing in ["", " \n", "{}", "null", r#"{"data":null}"#] {
        let request = Request::new(Bytes::from(nothing));
        let read = <Create as OptionalFromRequest<()>>::from_request(request, &()).await;
        assert!(read.unwrap().is_none(), "{nothing}");
    }
    let document = json!({ "data": { "attributes": { "name": "a" } } }).to_string();
    let read =
        <Create as OptionalFromRequest<()>>::from_request(Request::new(Bytes::from(document)), &());
    assert_eq!(read.await.unwrap().unwrap().attributes.name, "a");
    for wrong in ["[]", r#"{"comment":"x"}"#] {
        let request = Request::new(Bytes::from(wrong));
        let read = <Create as OptionalFromRequest<()>>::from_request(request, &()).await;
        assert_eq!(read.unwrap_err().status().as_u16(), 422, "{wrong}");
    }
}

#[tokio::test]
async fn what_is_no_document_is_refused_with_a_pointer_to_data() {
    for document in ["", "{}", "[]", "7", "null", r#""x""#, r#"{"data":null}"#, r#"{"data":[]}"#] {
        assert_eq!(about(&refused::<Create>(document).await), ("422", "/data"), "{document}");
    }
}

#[tokio::test]
async fn what_is_no_json_is_refused_with_the_place_where_it_breaks() {
    for bytes in [&b"{"[..], b"{\"data\":\n nope}", b"{\"data\": \"\xff\xfe\"}"] {
        let error = refused::<Create>(bytes.to_vec()).await;
        assert_eq!(about(&error), ("400", ""));
        assert!(error["detail"].as_str().unwrap().contains("line"), "{error}");
    }
}

#[tokio::test]
async fn a_wrong_attribute_is_pointed_at_by_its_name_on_the_wire() {
    for (attributes, pointer) in [
        (json!({}), "/name"),
        (json!({ "name": 5 }), "/name"),
        (json!({ "name": null }), "/name"),
        (json!({ "name": "nul \u{0}" }), "/name"),
        (json!({ "name": "a", "auto_apply": "true" }), "/auto-apply"),
        (json!({ "name": "a", "maxRuns": "5" }), "/max-runs"),
        (json!({ "name": "a", "max-runs": 70000 }), "/max-runs"),
        (json!({ "name": "a", "max-runs": 1.5 }), "/max-runs"),
        (json!({ "name": "a", "mode": "cloud" }), "/mode"),
        (json!({ "name": "a", "mode": { "remote": null } }), "/mode"),
        (json!({ "name": "a", "vcs_repo": {} }), "/vcs-repo/oauth-token-id"),
        (json!({ "name": "a", "vcs-repo": ["ot", true] }), "/vcs-repo"),
        (json!({ "name": "a", "trigger-patterns": ["a", 1] }), "/trigger-patterns/1"),
        (json!({ "name": "a", "trigger-patterns": "a" }), "/trigger-patterns"),
        (json!({ "name": "a", "variables": { "a_b/c~d": 1 } }), "/variables/a_b~1c~0d"),
        (json!([]), ""),
        (json!("x"), ""),
    ] {
        let document = json!({ "data": { "attributes": attributes } });
        let error = refused::<Create>(document.to_string()).await;
        let expected = format!("/data/attributes{pointer}");
        assert_eq!(about(&error), ("422", expected.as_str()), "{document}");
    }
}

#[tokio::test]
async fn a_refusal_says_what_is_wanted_but_never_repeats_the_value() {
    for (attributes, detail) in [
        (json!({}), "name is required"),
        (json!({ "name": 123_456 }), "name must be a string, not a number"),
        (
            json!({ "name": "a", "auto-apply": "s3cret" }),
            "auto-apply must be a boolean, not a string",
        ),
        (json!({ "name": "a", "mode": "s3cret" }), "mode must be one of remote, local"),
        (json!({ "name": "a", "vcs-repo": 1 }), "vcs-repo must be an object, not a number"),
        (json!({ "name": "a", "vcs-repo": {} }), "vcs-repo.oauth-token-id is required"),
    ] {
        let document = json!({ "data": { "attributes": attributes } });
        assert_eq!(refused::<Create>(document.to_string()).await["detail"], detail);
    }
}

#[tokio::test]
async fn unknown_members_are_ignored_whatever_they_hold() {
    let document = json!({
        "data": {
            "attributes": { "name": "a", "nope": { "x": [1, "\u{0}"] } },
            "relationships": { "nope": 5 },
            "links": {},
        },
        "included": 7,
    });
    let body: Create = take(document.to_string()).await.unwrap();
    assert_eq!(body.attributes, Workspace { name: "a".into(), ..Workspace::default() });
    assert_eq!(body.relationships, Relations::default());
}

async fn related(relationships: Value) -> Result<Relations, Errors> {
    let data = json!({ "attributes": { "name": "a" }, "relationships": relationships });
    take::<Create>(json!({ "data": data }).to_string()).await.map(|body| body.relationships)
}

#[tokio::test]
async fn a_to_one_relation_is_absent_null_or_an_id() {
    let read = related(json!({ "agent_pool": { "data": null } })).await.unwrap();
    assert_eq!(read.project, None);
    assert_eq!(read.agent_pool.into_option().unwrap().into_id(), None);
    // What clients send that know no null.
    for none in [json!({}), json!({ "id": "" }), json!({ "type": "agent-pools", "id": "" })] {
        let read = related(json!({ "agent_pool": { "data": none } })).await.unwrap();
        assert_eq!(read.agent_pool.into_option().unwrap().into_id(), None, "{none}");
    }
    let read = related(json!({ "agent_pool": {}, "project": {} })).await.unwrap();
    assert_eq!(read.agent_pool.into_option().unwrap().into_id(), None);
    assert_eq!(read.project.unwrap().into_id(), None);

    let data = json!({ "type": "projects", "id": "prj-1" });
    let read = related(json!({ "project": { "data": data } })).await.unwrap();
    assert_eq!(read.agent_pool, Field::Absent);
    assert_eq!(read.project.unwrap().id().unwrap(), "prj-1");
}

#[tokio::test]
async fn a_to_many_relation_names_resources_by_id_or_by_attributes() {
    let data = json!([
        { "type": "tag-bindings", "attributes": { "key": "env", "value": "prod" } },
        { "type": "tag-bindings", "id": "tb-1" },
    ]);
    let read = related(json!({ "tagBindings": { "data": data } })).await.unwrap();
    let bindings = read.tag_bindings.0.unwrap();
    assert_eq!(bindings[0].attributes["key"], "env");
    assert_eq!((&bindings[0].id, bindings[1].id.as_deref()), (&None, Some("tb-1")));
}

/// Taken for an empty list, it would remove everything.
#[tokio::test]
async fn only_a_list_says_something_of_a_to_many_relation() {
    for nothing in [json!(null), json!({}), json!({ "data": null })] {
        let read = related(json!({ "tag_bindings": nothing })).await.unwrap();
        assert_eq!(read.tag_bindings, ToMany(None), "{nothing}");
    }
    let read = related(json!({ "tag_bindings": { "data": [] } })).await.unwrap();
    assert_eq!(read.tag_bindings, ToMany(Some(Vec::new())));
}

#[tokio::test]
async fn a_broken_relation_is_pointed_at() {
    for (relationships, pointer) in [
        (json!({ "agent_pool": { "links": {} } }), "/agent-pool/data"),
        (json!({ "project": { "data": [] } }), "/project/data"),
        (json!({ "project": { "data": { "type": "projects" } } }), "/project/data/id"),
        (json!({ "project": { "data": { "id": 1 } } }), "/project/data/id"),
        (json!({ "project": 5 }), "/project"),
        (json!({ "tag_bindings": { "links": {} } }), "/tag-bindings/data"),
        (json!({ "tag_bindings": { "data": {} } }), "/tag-bindings/data"),
        (json!({ "tag_bindings": [] }), "/tag-bindings"),
        (json!({ "tag_bindings": { "data": [{ "id": 5 }] } }), "/tag-bindings/data/0/id"),
        (json!([]), ""),
    ] {
        let data = json!({ "attributes": { "name": "a" }, "relationships": relationships });
        let error = refused::<Create>(json!({ "data": data }).to_string()).await;
        let expected = format!("/data/relationships{pointer}");
        assert_eq!(about(&error), ("422", expected.as_str()), "{relationships}");
    }
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_413_whether_or_not_its_length_is_known() {
    let text = json!({ "data": { "attributes": { "name": "a" } } }).to_string();
    for (length, fits) in [(1 << 20, true), ((1 << 20) + 1, false)] {
        let padded = text.clone() + &" ".repeat(length - text.len());
        let chunks: Vec<_> =
            padded.as_bytes().chunks(1000).map(|some| Ok::<_, Infallible>(some.to_vec())).collect();
        for body in [Bytes::from(padded.clone()), Bytes::from_stream(stream::iter(chunks))] {
            let read = <Create as FromRequest<()>>::from_request(Request::new(body), &()).await;
            let status = read.err().map(|e| e.status().as_u16());
            assert_eq!(status, (!fits).then_some(413));
        }
    }
}

/// Two bytes of such a document are thirty-two in memory, or a level of the stack.
#[tokio::test]
async fn what_is_small_on_the_wire_and_large_in_memory_is_refused() {
    let with =
        |value: &str| format!(r#"{{"data": {{"attributes": {{"name": "a", "more": {value}}}}}}}"#);
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    let members = |count: usize| {
        let members: Vec<_> = (0..count).map(|number| format!("\"{number}\":0")).collect();
        format!("{{{}}}", members.join(","))
    };
    let quotes = |count: usize| format!("\"{}\"", "\\\"[{,".repeat(count));
    for (value, status) in [
        (nested(60), None),
        (nested(70), Some("400")),
        (nested(100_000), Some("400")),
        (format!("[{}0]", "0,".repeat(90_000)), None),
        (format!("[{}0]", "0,".repeat(110_000)), Some("413")),
        (format!("[{}0]", "{},".repeat(60_000)), Some("413")),
        (members(50_000), None),
        (members(80_000), None),
        // Inside a string nothing is counted but its length.
        (quotes(90_000), None),
        (format!("\"{}\"", "x".repeat(520_000)), None),
        (format!("\"{}\"", "x".repeat(530_000)), Some("413")),
        (format!("{{\"{}\": 0}}", "x".repeat(530_000)), Some("413")),
    ] {
        match status {
            None => assert!(take::<Create>(with(&value)).await.is_ok(), "{}", &value[..40]),
            Some(status) => assert_eq!(refused::<Create>(with(&value)).await["status"], status),
        }
    }
    let lists =
        [format!(r#"{{"data": {}}}"#, nested(100)), format!(r#"{{"comment": {}}}"#, nested(100))];
    assert_eq!(refused::<Identifiers>(lists[0].clone()).await["status"], "400");
    assert_eq!(refused::<Plain<Action>>(lists[1].clone()).await["status"], "400");
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
struct Action {
    comment: Option<String>,
    reason: Option<String>,
}

#[tokio::test]
async fn an_action_takes_every_shape_that_clients_send() {
    let with = |comment: Option<&str>, reason: Option<&str>| Action {
        comment: comment.map(Into::into),
        reason: reason.map(Into::into),
    };
    for (body, expected) in [
        ("", with(None, None)),
        (" \n", with(None, None)),
        ("{}", with(None, None)),
        (r#"{"comment":"ok"}"#, with(Some("ok"), None)),
        (r#"{"reason":"why"}"#, with(None, Some("why"))),
        (r#"{"data":{"type":""}}"#, with(None, None)),
        (r#"{"data":{"type":"","attributes":{"reason":"why"}}}"#, with(None, Some("why"))),
        (r#"{"data":null,"comment":"ok"}"#, with(Some("ok"), None)),
        (r#"{"data":[1],"reason":"why"}"#, with(None, Some("why"))),
        (r#"{"data":{"attributes":7},"comment":"ok"}"#, with(Some("ok"), None)),
        (r#"{"comment":null,"other":[[]]}"#, with(None, None)),
    ] {
        assert_eq!(take::<Plain<Action>>(body).await.unwrap().0, expected, "{body}");
    }
}

#[tokio::test]
async fn what_an_action_cannot_read_is_refused_where_it_stands() {
    for (body, pointer) in [
        (r#"{"comment":5,"reason":"why"}"#, "/comment"),
        (r#"{"data":{"attributes":{"comment":{"a":1}}}}"#, "/data/attributes/comment"),
    ] {
        let error = refused::<Plain<Action>>(body).await;
        assert_eq!(about(&error), ("422", pointer), "{body}");
    }
}

#[tokio::test]
async fn an_action_body_that_is_no_object_is_refused() {
    for body in ["[]", "5", "{", r#""x""#] {
        assert_eq!(refused::<Plain<Action>>(body).await["status"], "400", "{body}");
    }
}

#[tokio::test]
async fn relationship_endpoints_take_identifiers() {
    let body = json!({ "data": [
        { "type": "tags", "id": "tag-1" },
        { "type": "tags", "attributes": { "name": "prod" } },
        {},
    ] });
    let Identifiers(read) = take(body.to_string()).await.unwrap();
    assert_eq!((read[0].kind.as_str(), read[0].id.as_deref()), ("tags", Some("tag-1")));
    assert_eq!((read[1].id.as_ref(), &read[1].attributes["name"]), (None, &json!("prod")));
    assert_eq!((read[2].kind.as_str(), &read[2].attributes), ("", &Map::new()));
}

#[tokio::test]
async fn identifiers_that_are_none_are_pointed_at() {
    for (body, pointer) in [
        (json!({}), "/data"),
        (json!({ "data": null }), "/data"),
        (json!({ "data": { "type": "tags", "id": "tag-1" } }), "/data"),
        (json!({ "data": [5] }), "/data/0"),
        (json!({ "data": [{}, { "id": 5 }] }), "/data/1/id"),
        (json!({ "data": [{ "attributes": [] }] }), "/data/0/attributes"),
    ] {
        let error = refused::<Identifiers>(body.to_string()).await;
        assert_eq!(about(&error), ("422", pointer), "{body}");
    }
}

#[tokio::test]
async fn ids_of_one_type_are_checked_one_by_one() {
    let ids = |data: Value| async move {
        take::<Identifiers>(json!({ "data": data }).to_string()).await.unwrap().ids("teams")
    };
    let good = json!([{ "type": "teams", "id": "team-1" }, { "id": "team-2" }]);
    assert_eq!(ids(good).await.unwrap(), ["team-1", "team-2"]);
    for bad in [json!([{ "type": "users", "id": "user-1" }]), json!([{ "type": "teams" }])] {
        assert_eq!(ids(bad).await.unwrap_err().status().as_u16(), 422);
    }
}
