//! Connections to those who keep repositories, as HashiCorp's clients make them, and what else may be sent.

use domain::{
    id::OauthTokenId,
    vcs_connections::{self, Link},
};
use serde_json::{Value, json};
use testkit::{
    Answer, Client, Server,
    world::{related, resource},
};

const PATH: &str = "/organizations/acme/oauth-clients";
/// From the acceptance suite of HashiCorp's Go client.
const SSH_KEY: &str = "-----BEGIN RSA PRIVATE KEY-----
MIICXgIBAAKBgQDIF0s2yX7dSQQL1grdTbai1Mb7sEco6RIOz8iqrHTGqmESpu5n
rPd12/5WKvJ0buykvbIpAkEA5Uy3T8xQJkDGbp0+xA0yThoOYiB09lAok8I7Sv/5
-----END RSA PRIVATE KEY-----";
const PUBLIC_KEY: &str = "\n-----BEGIN PUBLIC KEY-----\nMIIBIjANBg\n-----END PUBLIC KEY-----\n";

fn github() -> Value {
    json!({
        "service-provider": "github", "http-url": "https://github.com",
        "api-url": "https://api.github.com", "oauth-token-string": "ghp_secret",
    })
}

fn with(mut attributes: Value, more: &Value) -> Value {
    let more = more.as_object().unwrap().clone();
    attributes.as_object_mut().unwrap().extend(more);
    attributes
}

async fn create(owner: &Client<'_>, attributes: Value) -> Answer {
    owner.post(PATH, resource("oauth-clients", &attributes)).await
}

fn token_of(client: &Answer) -> String {
    let tokens = &client.data()["relationships"]["oauth-tokens"]["data"];
    assert_eq!(tokens.as_array().map(Vec::len), Some(1), "{tokens}");
    tokens[0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_connection_by_a_token_is_made_shown_changed_and_deleted() {
    let server = Server::start().await;
    let owner = server.owner();
    let made = create(&owner, github()).await.is_created();
    assert_eq!(made.attribute("name"), Value::Null);
    assert_eq!(made.attribute("http-url"), "https://github.com");
    assert_eq!(made.attribute("service-provider-display-name"), "GitHub");
    assert_eq!(made.attribute("organization-scoped"), true);
    let callback = made.attribute("callback-url");
    let uuid = made.attribute("uuid");
    assert_eq!(
        callback,
        format!("https://statehouse.test/auth/{}/callback", uuid.as_str().unwrap())
    );
    assert_eq!(made.data()["relationships"]["organization"]["data"]["id"], "acme");
    let token = token_of(&made);

    let path = format!("/oauth-clients/{}", made.id());
    assert_eq!(owner.get(&path).await.is_ok().data(), made.data());
    let listed = owner.get(format!("{PATH}?include=oauth_tokens")).await.is_ok();
    assert_eq!(listed.data()[0]["id"], json!(made.id()));
    assert_eq!(listed.json()["included"][0]["id"], json!(token));
    let change =
        json!({ "name": "ours", "oauth-token-string": "ghp_other", "key": "k", "secret": "s" });
    let changed = owner.patch(&path, resource("oauth-clients", &change)).await.is_ok();
    assert_eq!(changed.attribute("name"), "ours");
    assert_eq!(changed.attribute("secret"), Value::Null);
    assert_eq!(token_of(&changed), token);

    let tokens = owner.get("/organizations/acme/oauth-tokens").await.is_ok();
    assert_eq!(tokens.data()[0]["id"], json!(token));
    let other = "/organizations/acme/oauth-tokens?filter[provider]=gitea";
    assert_eq!(owner.get(other).await.is_ok().data(), json!([]));
    assert_eq!(owner.get(format!("{path}/oauth-tokens")).await.is_ok().data(), tokens.data());

    let everything = server.everything().await;
    for secret in ["ghp_secret", "ghp_other", "\"s\""] {
        assert!(!everything.contains(secret), "{secret} is not sealed");
    }
    owner.delete(&path).await.is_no_content();
    owner.get(&path).await.is_not_found();
    owner.get(format!("/oauth-tokens/{token}")).await.is_not_found();
}

#[tokio::test]
async fn what_can_be_no_connection_is_refused_and_nothing_is_kept() {
    let server = Server::start().await;
    let owner = server.owner();
    let rows = server.row_counts().await;
    for (change, pointer) in [
        (json!({ "service-provider": null }), "service-provider"),
        (json!({ "service-provider": "subversion" }), "service-provider"),
        (json!({ "service-provider": "bitbucket_server_legacy" }), "service-provider"),
        (json!({ "service-provider": "gitea", "http-url": null }), "http-url"),
        (json!({ "http-url": "github.com" }), "http-url"),
        (json!({ "http-url": "https://me:secret@github.com" }), "http-url"),
        (json!({ "api-url": "file:///etc/passwd" }), "api-url"),
        (json!({ "api-url": "https://api.github.com/?x" }), "api-url"),
        (json!({ "service-provider": "git", "http-url": "file:///srv/x" }), "http-url"),
        (json!({ "service-provider": "git", "http-url": "ext::sh -c id" }), "http-url"),
        (json!({ "service-provider": "git", "http-url": "https://h/a/b" }), "oauth-token-string"),
        (json!({ "oauth-token-string": null }), "oauth-token-string"),
        (json!({ "oauth-token-string": " " }), "oauth-token-string"),
        (json!({ "oauth-token-string": "a\nb" }), "oauth-token-string"),
        (json!({ "oauth-token-string": null, "key": "k" }), "oauth-token-string"),
        (
            json!({ "service-provider": "ado_server", "oauth-token-string": null, "key": "k", "secret": "s" }),
            "oauth-token-string",
        ),
        (json!({ "private-key": SSH_KEY }), "private-key"),
        (json!({ "service-provider": "ado_server", "private-key": "NOTHING" }), "private-key"),
        (json!({ "rsa-public-key": PUBLIC_KEY }), "rsa-public-key"),
        (json!({ "ado-entra-tenant-id": "t" }), "ado-entra-tenant-id"),
        (
            json!({ "service-provider": "ado_services", "ado-entra-tenant-id": "a/b" }),
            "ado-entra-tenant-id",
        ),
        (json!({ "key": "two\nlines" }), "key"),
        (json!({ "name": "two\nlines" }), "name"),
    ] {
        let refused = create(&owner, with(github(), &change)).await;
        refused.is_unprocessable(&format!("/data/attributes/{pointer}"));
    }
    for (name, data) in [
        ("projects", json!([{ "type": "projects", "id": "prj-nowhere" }])),
        ("agent-pool", json!({ "type": "agent-pools", "id": "apool-1" })),
    ] {
        let body =
            related(resource("oauth-clients", &github()), &json!({ name: { "data": data } }));
        let refused = owner.post(PATH, body).await;
        refused.is_unprocessable(&format!("/data/relationships/{name}"));
    }
    assert_eq!(server.row_counts().await, rows);
}

#[tokio::test]
async fn who_is_elsewhere_stays_there() {
    let server = Server::start().await;
    let owner = server.owner();
    let made = create(&owner, github()).await.is_created();
    let path = format!("/oauth-clients/{}", made.id());
    let same = json!({ "http-url": "https://github.com", "service-provider": "github" });
    owner.patch(&path, resource("oauth-clients", &same)).await.is_ok();
    for name in ["service-provider", "http-url", "api-url", "private-key"] {
        let change = resource("oauth-clients", &json!({ name: "https://other.example" }));
        let refused = owner.patch(&path, change).await;
        refused.is_unprocessable(&format!("/data/attributes/{name}"));
    }
}

#[tokio::test]
async fn a_consumer_of_bitbucket_is_set_up_on_both_sides_in_turn() {
    let server = Server::start().await;
    let owner = server.owner();
    let bare = json!({
        "service-provider": "bitbucket_data_center", "http-url": "https://bbdc.com",
        "api-url": "https://bbdc.com",
    });
    let made = create(&owner, bare.clone()).await.is_created();
    assert_eq!(made.data()["relationships"]["oauth-tokens"]["data"], json!([]));
    let keys = json!({ "key": "consumer", "secret": SSH_KEY, "rsa-public-key": PUBLIC_KEY });
    let made = create(&owner, with(bare, &keys)).await.is_created();
    assert_eq!(made.attribute("rsa-public-key"), PUBLIC_KEY);
    let path = format!("/oauth-clients/{}", made.id());
    let change = |key: &str| resource("oauth-clients", &json!({ "key": key }));
    let changed = owner.patch(&path, change("other")).await.is_ok();
    assert_eq!(changed.attribute("key"), "other");
    assert_eq!(changed.attribute("rsa-public-key"), PUBLIC_KEY);
    let refused = owner.patch(&path, change("")).await.is_unprocessable("/data/attributes/key");
    let said =
        "The Consumer Key for Bitbucket Data Center must be present. Please add a value for `key`.";
    assert!(refused.error().contains(said), "{refused}");
}

#[tokio::test]
async fn a_connection_for_some_projects_is_for_their_workspaces_only() {
    let server = Server::start().await;
    let owner = server.owner();
    let new = |name: &str| resource("projects", &json!({ "name": name }));
    let projects = "/organizations/acme/projects";
    let inside = owner.post(projects, new("inside")).await.is_created().id();
    let outside = owner.post(projects, new("outside")).await.is_created().id();
    let one = |id: &str| json!([{ "type": "projects", "id": id }]);
    let body = resource("oauth-clients", &with(github(), &json!({ "organization-scoped": false })));
    let body = related(body, &json!({ "projects": { "data": one(&inside) } }));
    let made = owner.post(PATH, body).await.is_created();
    let path = format!("/oauth-clients/{}", made.id());
    assert_eq!(made.data()["relationships"]["projects"]["data"], one(&inside));

    let repo = json!({ "identifier": "acme/network", "oauth-token-id": token_of(&made) });
    let connect = async |name: &str, project: &str| {
        let ws = resource("workspaces", &json!({ "name": name, "vcs-repo": repo }));
        let of = json!({ "project": { "data": { "type": "projects", "id": project } } });
        owner.post("/organizations/acme/workspaces", related(ws, &of)).await
    };
    let pointer = "/data/attributes/vcs-repo/oauth-token-id";
    connect("far", &outside).await.is_unprocessable(pointer);
    let near = connect("near", &inside).await.is_created();
    let set = resource("policy-sets", &json!({ "name": "set", "vcs-repo": repo }));
    let sets = "/organizations/acme/policy-sets";
    owner.post(sets, set.clone()).await.is_unprocessable(pointer);

    // Nor does it come along to where it may not be used.
    let move_out = json!({ "project": { "data": { "type": "projects", "id": outside } } });
    let move_out = related(resource("workspaces", &json!({})), &move_out);
    let refused = owner.patch(format!("/workspaces/{}", near.id()), move_out).await;
    refused.is_unprocessable("/data/relationships/project");
    let all = json!({ "data": [{ "type": "workspaces", "id": near.id() }] });
    let refused = owner.post(format!("/projects/{outside}/relationships/workspaces"), all).await;
    assert!(refused.is_unprocessable("/data/0/id").error().contains("may not use the connection"));

    let relation = format!("{path}/relationships/projects");
    let both = json!({ "data": [one(&inside)[0], one(&outside)[0]] });
    owner.post(&relation, both.clone()).await.is_no_content();
    connect("far", &outside).await.is_created();
    let strange = json!({ "data": one("prj-nowhere") });
    owner.post(&relation, strange).await.is_unprocessable("/data/0/id");
    owner.delete_with(&relation, both).await.is_no_content();
    assert_eq!(
        owner.get(&path).await.is_ok().data()["relationships"]["projects"]["data"],
        json!([])
    );
    // Who uses it goes on; nobody else begins.
    let near = format!("/workspaces/{}", near.id());
    let kept = resource("workspaces", &json!({ "vcs-repo": { "branch": "next" } }));
    owner.patch(&near, kept).await.is_ok();
    connect("late", &inside).await.is_unprocessable(pointer);
    let change = resource("oauth-clients", &json!({ "organization-scoped": true }));
    owner.patch(&path, change).await.is_ok();
    connect("late", &outside).await.is_created();
    owner.post(sets, set).await.is_created();

    let shown = owner.get(format!("{path}?show_affected_workspaces=true")).await.is_ok();
    assert_eq!(shown.attribute("affected-workspaces"), json!(["far", "late", "near"]));
    assert_eq!(shown.attribute("affected-workspaces-count"), 3);
    let listed = owner.get(format!("{PATH}?show_affected_workspaces=true")).await.is_ok().data();
    assert_eq!(listed[0]["attributes"]["affected-workspaces-count"], 3);
    let plain = owner.get(PATH).await.is_ok().data();
    assert_eq!(plain[0]["attributes"]["affected-workspaces-count"], Value::Null);
    owner.delete(&path).await.is_no_content();
    assert_eq!(owner.get(&near).await.is_ok().attribute("vcs-repo"), Value::Null);
    assert_eq!(owner.get(sets).await.is_ok().data()[0]["attributes"]["vcs-repo"], Value::Null);
}

#[tokio::test]
async fn another_organizations_connection_is_none() {
    let server = Server::start().await;
    let owner = server.owner();
    let made = create(&owner, github()).await.is_created();
    let repo = json!({ "identifier": "acme/network", "oauth-token-id": token_of(&made) });
    let ws = resource("workspaces", &json!({ "name": "far", "vcs-repo": repo }));
    let elsewhere = server.foreigner();
    let path = format!("/oauth-clients/{}", made.id());
    elsewhere.get(&path).await.is_not_found();
    let new = json!({ "name": "umbrella", "email": "umbrella@example.com" });
    let admin = server.site_admin();
    admin.post("/organizations", resource("organizations", &new)).await.is_created();
    let refused = admin.post("/organizations/umbrella/workspaces", ws).await;
    refused.is_unprocessable("/data/attributes/vcs-repo/oauth-token-id");
}

#[tokio::test]
async fn a_token_has_a_key_for_ssh_once_it_is_given_one() {
    let server = Server::start().await;
    let owner = server.owner();
    let made = create(&owner, github()).await.is_created();
    let path = format!("/oauth-tokens/{}", token_of(&made));
    let change =
        async |attributes: Value| owner.patch(&path, resource("oauth-tokens", &attributes)).await;
    assert_eq!(change(json!({})).await.is_ok().attribute("has-ssh-key"), false);
    let refused = change(json!({ "ssh-key": "abc" })).await;
    let refused = refused.is_unprocessable("/data/attributes/ssh-key");
    assert!(refused.error().contains("Ssh key is invalid"), "{refused}");
    let hosts = "h ssh-ed25519 AAAA\nk ssh-ed25519 BBBB\n";
    let given = change(json!({ "ssh-key": SSH_KEY, "ssh-known-hosts": hosts })).await.is_ok();
    assert_eq!(given.attribute("has-ssh-key"), true);
    assert_eq!(given.attribute("ssh-known-hosts"), hosts);
    assert!(!server.everything().await.contains("MIICXgIBAAKB"));
    assert_eq!(change(json!({ "ssh-key": "" })).await.is_ok().attribute("has-ssh-key"), false);

    owner.delete(&path).await.is_no_content();
    let client = owner.get(format!("/oauth-clients/{}", made.id())).await.is_ok();
    assert_eq!(client.data()["relationships"]["oauth-tokens"]["data"], json!([]));
}

#[tokio::test]
async fn each_provider_is_opened_as_it_wants_to_be() {
    let server = Server::start().await;
    let owner = server.owner();
    for (provider, http, token, expected, api) in [
        ("github", "", "t", r#"Basic { user: "x-access-token""#, "https://api.github.com/"),
        ("github_enterprise", "https://h", "t", "x-access-token", "https://h/api/v3"),
        ("gitlab_hosted", "", "t", "oauth2", "https://gitlab.com/api/v4"),
        ("gitlab_community_edition", "https://h", "t", "oauth2", "https://h/api/v4"),
        ("gitlab_enterprise_edition", "https://h", "t", "oauth2", "https://h/api/v4"),
        ("bitbucket_hosted", "", "t", "x-token-auth", "https://api.bitbucket.org/2.0"),
        ("bitbucket_hosted", "", "me:t", r#"user: "me""#, "https://api.bitbucket.org/2.0"),
        ("bitbucket_server", "https://h", "t", "Bearer", "https://h/"),
        ("bitbucket_data_center", "https://h", "t", "Bearer", "https://h/"),
        ("ado_services", "https://h/acme", "t", r#"user: """#, "https://h/acme"),
        ("ado_server", "https://h/acme", "t", r#"user: """#, "https://h/acme"),
        ("forgejo", "https://h", "t", "oauth2", "https://h/api/v1"),
        ("gitea", "https://h", "t", "oauth2", "https://h/api/v1"),
        ("git", "https://h/a/b.git", "me:t", r#"user: "me""#, "https://h/a/b.git"),
        ("git", "git@h:a/b.git", "", "None", "ssh://git@h/a/b.git"),
    ] {
        let attributes = json!({
            "service-provider": provider, "http-url": http, "oauth-token-string": token,
        });
        let made = create(&owner, attributes).await.is_created();
        let id: OauthTokenId = token_of(&made).parse().unwrap();
        let opened = vcs_connections::open(&server.system(), &Link::Token(id)).await.unwrap();
        let access = format!("{:?}", opened.connection.access());
        assert!(access.contains(expected), "{provider}: {access}");
        assert_eq!(opened.connection.api_url.as_str(), api);
        assert_eq!(opened.service_provider.as_str(), provider);
    }
}
