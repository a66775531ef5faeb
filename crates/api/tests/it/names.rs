//! One rule for names, of whatever noun: one line that shows what it is, and does not look like another name.

use http::StatusCode;
use serde_json::{Value, json};
use testkit::{Client, Server};

/// What no name may have in it, however it is named.
const BAD: [&str; 21] = [
    "net\nwork",
    "net\rwork",
    "net\u{7f}work",
    "net\u{2028}work",
    "net\u{200b}work",
    "net\u{feff}work",
    "net\u{202e}work",
    "net\u{2066}work",
    "net\u{ad}work",
    " network",
    "network ",
    "n\u{435}twork",
    "net\0work",
    "net\u{1b}[31mwork",
    "adm\u{131}n",
    "\u{251}dmin",
    "net\u{2010}work",
    "net\u{1c3}work",
    "admi\u{307}n",
    "net\u{378}work",
    "ne\u{301}\u{302}\u{303}\u{304}\u{306}twork",
];

/// A noun with a name: where it is made, of which type, and the attributes but for the name.
struct Noun {
    path: String,
    kind: &'static str,
    attribute: &'static str,
    others: Value,
}

impl Noun {
    fn new(path: impl Into<String>, kind: &'static str, attribute: &'static str) -> Self {
        Self { path: path.into(), kind, attribute, others: json!({}) }
    }

    fn with(self, others: Value) -> Self {
        Self { others, ..self }
    }

    fn body(&self, name: &str) -> Value {
        let mut attributes = self.others.clone();
        attributes[self.attribute] = json!(name);
        json!({ "data": { "type": self.kind, "attributes": attributes } })
    }
}

async fn nouns(server: &Server) -> Vec<Noun> {
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    let make = async |path: &str, kind: &str, name: &str| {
        let body = json!({ "data": { "type": kind, "attributes": { "name": name } } });
        owner.post(format!("/organizations/acme/{path}"), body).await.is_created().id()
    };
    let set = make("varsets", "varsets", "first").await;
    let team = make("teams", "teams", "first").await;
    let user = owner.user().await.id;
    let pool = make("agent-pools", "agent-pools", "first").await;
    let policies = make("policy-sets", "policy-sets", "first").await;
    let acme = |path: &str| format!("/organizations/acme/{path}");
    let variable = json!({ "value": "x", "category": "terraform" });
    let environment = json!({ "value": "x", "category": "env" });
    vec![
        Noun::new("/organizations", "organizations", "name")
            .with(json!({ "email": "a@example.com" })),
        Noun::new(acme("projects"), "projects", "name"),
        Noun::new(acme("workspaces"), "workspaces", "name"),
        Noun::new(acme("teams"), "teams", "name"),
        Noun::new(acme("varsets"), "varsets", "name").with(json!({ "global": false })),
        Noun::new(acme("agent-pools"), "agent-pools", "name"),
        Noun::new(acme("ssh-keys"), "ssh-keys", "name").with(json!({ "value": "-----BEGIN" })),
        Noun::new(acme("policies"), "policies", "name")
            .with(json!({ "kind": "opa", "query": "data.x.deny" })),
        Noun::new(acme("policy-sets"), "policy-sets", "name"),
        Noun::new(acme("reserved-tag-keys"), "reserved-tag-keys", "key"),
        Noun::new(format!("/policy-sets/{policies}/parameters"), "vars", "key")
            .with(json!({ "value": "x", "category": "policy-set" })),
        Noun::new(format!("/workspaces/{}/vars", ws.id), "vars", "key").with(variable.clone()),
        Noun::new(format!("/workspaces/{}/vars", ws.id), "vars", "key").with(environment),
        Noun::new(format!("/varsets/{set}/relationships/vars"), "vars", "key").with(variable),
        Noun::new(
            format!("/workspaces/{}/notification-configurations", ws.id),
            "notification-configurations",
            "name",
        )
        .with(json!({ "destination-type": "email", "enabled": false, "email-addresses": ["a@example.com"] })),
        Noun::new(format!("/users/{user}/authentication-tokens"), "authentication-tokens", "description"),
        Noun::new(format!("/teams/{team}/authentication-tokens"), "authentication-tokens", "description"),
        Noun::new(format!("/agent-pools/{pool}/authentication-tokens"), "authentication-tokens", "description"),
    ]
}

fn caller<'s>(server: &'s Server, noun: &Noun) -> Client<'s> {
    if noun.path == "/organizations" { server.site_admin() } else { server.owner() }
}

#[tokio::test]
async fn no_noun_takes_a_name_that_hides_or_disguises_something() {
    let server = Server::start().await;
    let nouns = nouns(&server).await;
    server.site_admin().token().await;
    let before = server.row_counts().await;
    for noun in &nouns {
        let client = caller(&server, noun);
        // Descriptions of tokens are lines, but need not be names.
        let is_line = noun.attribute == "description";
        for bad in BAD {
            let looks_like_another =
                bad.contains(['\u{435}', '\u{131}', '\u{251}', '\u{2010}', '\u{1c3}', '\u{307}']);
            let harmless_in_a_line = bad.trim() != bad || looks_like_another;
            if (is_line && harmless_in_a_line) || (noun.kind == "vars" && bad.trim() != bad) {
                continue;
            }
            let answer = client.post(&noun.path, noun.body(bad)).await;
            let answer = answer.is_unprocessable(&format!("/data/attributes/{}", noun.attribute));
            assert!(!answer.error().is_empty(), "{}: {bad:?}", noun.path);
        }
    }
    assert_eq!(server.row_counts().await, before, "nothing may have been stored");
}

#[tokio::test]
async fn every_noun_takes_a_plain_name() {
    let server = Server::start().await;
    for (index, noun) in nouns(&server).await.iter().enumerate() {
        let client = caller(&server, noun);
        let name = format!("network{index}");
        let answer = client.post(&noun.path, noun.body(&name)).await;
        assert!(answer.status.is_success(), "{answer}");
        assert_ne!(answer.status, StatusCode::NO_CONTENT);
    }
}

#[tokio::test]
async fn names_that_people_read_may_be_of_any_language() {
    let server = Server::start().await;
    let owner = server.owner();
    for (path, kind) in [("varsets", "varsets"), ("agent-pools", "agent-pools")] {
        for name in ["Überblick", "Команда EU", "東京チーム", "l’équipe réseau"] {
            let body = json!({ "data": { "type": kind, "attributes": { "name": name } } });
            let made = owner.post(format!("/organizations/acme/{path}"), body).await.is_created();
            assert_eq!(made.attribute("name"), name);
        }
    }
}

#[tokio::test]
async fn a_name_is_not_changed_to_a_bad_one_either() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let project = server.project("Networks").await;
    let owner = server.owner();
    for (path, kind) in [
        (format!("/workspaces/{}", ws.id), "workspaces"),
        (format!("/projects/{}", project.id), "projects"),
        ("/organizations/acme".to_owned(), "organizations"),
    ] {
        for bad in BAD {
            let body = json!({ "data": { "type": kind, "attributes": { "name": bad } } });
            owner.patch(&path, body).await.is_unprocessable("/data/attributes/name");
        }
    }
}

#[tokio::test]
async fn tags_are_named_as_everything_else() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    let before = server.row_counts().await;
    let path = format!("/workspaces/{}/relationships/tags", ws.id);
    for bad in BAD {
        let body = json!({ "data": [{ "type": "tags", "attributes": { "name": bad } }] });
        let answer = owner.post(&path, body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad:?}: {answer}");
    }
    let path = format!("/workspaces/{}/tag-bindings", ws.id);
    for bad in ["x\ny", "x\u{202e}y", "x\u{200b}y"] {
        let attributes = json!({ "key": "env", "value": bad });
        let body = json!({ "data": [{ "type": "tag-bindings", "attributes": attributes }] });
        let answer = owner.patch(&path, body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad:?}: {answer}");
    }
    assert_eq!(server.row_counts().await, before);
}
