//! Connections by a browser, from a page to a provider and back; and what becomes of their tokens.

use std::sync::{Arc, Mutex};

use axum::{Form, Json, Router, extract::Query, routing::get};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{
    id::OauthTokenId,
    vcs_connections::{self, Link},
};
use http::{HeaderMap, StatusCode, header::LINK};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::{collections::BTreeMap, time::Duration};
use testkit::{
    Server,
    vcs_fake::{Fake, Mood, TOKEN},
};
use url::Url;

use crate::{
    browser::{Browser, services},
    world,
};

type Fields = BTreeMap<String, String>;

/// A Forgejo of which each refresh token is good once.
#[derive(Default)]
struct Forge {
    /// What a browser was sent with.
    challenge: String,
    given: u32,
    refreshed: u32,
    /// Takes nobody's token any more.
    is_closed: bool,
}

type Shared = Arc<Mutex<Forge>>;

fn tokens(forge: &mut Forge) -> (StatusCode, Json<Value>) {
    forge.given += 1;
    let (access, refresh) = (format!("a{}", forge.given), format!("r{}", forge.given));
    let made = json!({ "access_token": access, "refresh_token": refresh, "expires_in": 3600 });
    (StatusCode::OK, Json(made))
}

fn exchange(forge: &mut Forge, form: &Fields) -> (StatusCode, Json<Value>) {
    let refused = (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" })));
    if form["client_id"] != "app" || form["client_secret"] != "hunter2" || forge.is_closed {
        return refused;
    }
    if form["grant_type"] == "refresh_token" {
        if form["refresh_token"] != format!("r{}", forge.given) {
            return refused;
        }
        forge.refreshed += 1;
        return tokens(forge);
    }
    let shown = URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"]));
    if form["code"] == "c0de" && shown == forge.challenge { tokens(forge) } else { refused }
}

fn lets_in(forge: &Forge, headers: &HeaderMap) -> bool {
    let shown = headers.get("authorization").and_then(|value| value.to_str().ok());
    shown == Some(&*format!("Bearer a{}", forge.given)) && !forge.is_closed
}

async fn forge() -> (String, Shared) {
    let shared = Shared::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (token, user, repos) = (shared.clone(), shared.clone(), shared.clone());
    let here = url.clone();
    let closed = (StatusCode::UNAUTHORIZED, Json(json!({ "message": "token is revoked" })));
    let other = closed.clone();
    let router = Router::new()
        .route(
            "/login/oauth/access_token",
            axum::routing::post(async move |Form(form): Form<Fields>| {
                exchange(&mut token.lock().unwrap(), &form)
            }),
        )
        .route(
            "/api/v1/user",
            get(async move |headers: HeaderMap| {
                if !lets_in(&user.lock().unwrap(), &headers) {
                    return closed.clone();
                }
                (StatusCode::OK, Json(json!({ "id": 1, "login": "bot" })))
            }),
        )
        .route(
            "/api/v1/user/repos",
            get(async move |headers: HeaderMap, Query(query): Query<Fields>| {
                let mut more = HeaderMap::new();
                if !lets_in(&repos.lock().unwrap(), &headers) {
                    return (other.0, more, other.1.clone());
                }
                let (id, name) = if query["page"] == "1" { (7, "infra") } else { (8, "other") };
                if id == 7 {
                    more.insert(LINK, format!("<{here}/x?page=2>; rel=\"next\"").parse().unwrap());
                }
                let one = json!([{
                    "id": id, "full_name": format!("acme/{name}"), "default_branch": "main",
                    "html_url": "U", "clone_url": "U",
                }]);
                (StatusCode::OK, more, Json(one))
            }),
        );
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, shared)
}

async fn server() -> Server {
    Server::start_with(|options| {
        options.router = services;
        options.courier.networks = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await
}

const PAGE: &str = "/app/acme/version-control";

/// Where the browser is sent, and the state that it takes along.
async fn sent(browser: &mut Browser<'_>, uuid: &str) -> (Url, String) {
    let answer = browser.get(&format!("/auth/{uuid}?organization_id=acme")).await;
    let url = Url::parse(&answer.redirects()).unwrap();
    let state = url.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    (url, state)
}

fn back(uuid: &str, code: &str, state: &str) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("code", code), ("state", state)])
        .finish();
    format!("/auth/{uuid}/callback?{query}")
}

#[tokio::test]
async fn a_browser_connects_and_tokens_are_renewed_once_and_told_when_they_are_revoked() {
    let server = server().await;
    let (url, shared) = forge().await;
    let api = server.owner();
    let mut owner = Browser::of(&server, &api).await;
    let page = owner.get(PAGE).await.is_ok();
    let fields = [
        ("service-provider", "forgejo"),
        ("http-url", &url),
        ("key", "app"),
        ("secret", "hunter2"),
    ];
    let here = owner.submit(&page, PAGE, &fields).await.redirects();
    let page = owner.get(&here).await.is_ok().text();
    assert!(page.contains("not connected") && !page.contains("hunter2"), "{page}");
    let clients = api.get("/organizations/acme/oauth-clients").await.is_ok();
    let uuid = clients.data()[0]["attributes"]["uuid"].as_str().unwrap().to_owned();

    // Only what began in this browser ends in it.
    let (to, state) = sent(&mut owner, &uuid).await;
    assert!(to.as_str().starts_with(&format!("{url}/login/oauth/authorize?")), "{to}");
    let challenge = to.query_pairs().find(|(name, _)| name == "code_challenge").unwrap().1;
    shared.lock().unwrap().challenge = challenge.into_owned();
    let mut other = Browser::of(&server, &server.site_admin()).await;
    other.get(&back(&uuid, "c0de", &state)).await.is_not_found();
    let mut again = Browser::of(&server, &api).await;
    let (_, foreign) = sent(&mut again, &uuid).await;
    let mut owner = again;
    for (code, state) in [("c0de", ""), ("c0de", "v1.x"), ("c0de", &*state), ("", &*foreign)] {
        let refused = owner.get(&back(&uuid, code, state)).await;
        refused.has_status(StatusCode::BAD_REQUEST);
    }
    let (to, state) = sent(&mut owner, &uuid).await;
    let challenge = to.query_pairs().find(|(name, _)| name == "code_challenge").unwrap().1;
    shared.lock().unwrap().challenge = challenge.into_owned();
    let denied = format!("/auth/{uuid}/callback?error=access_denied&state={state}");
    assert_eq!(owner.get(&denied).await.redirects(), here);
    owner.get(&back(&uuid, "bad", &state)).await.is_conflict();
    assert_eq!(shared.lock().unwrap().given, 0);
    assert_eq!(owner.get(&back(&uuid, "c0de", &state)).await.redirects(), here);
    assert_eq!(shared.lock().unwrap().given, 1);

    vcs_connections::work(&server.system()).await.unwrap();
    let page = owner.get(&here).await.is_ok().text();
    assert!(page.contains("Connected as") && page.contains("bot"), "{page}");
    let everything = server.everything().await;
    assert!(!everything.contains("hunter2") && !everything.contains("\"a1\""));

    // What can be chosen.
    let list = api.get("/organizations/acme/oauth-tokens").await.is_ok();
    let id = list.data()[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(list.data()[0]["attributes"]["service-provider-user"], "bot");
    let repositories = format!("/oauth-tokens/{id}/authorized-repos");
    let first = api.get(&repositories).await.is_ok();
    assert_eq!(first.data()[0]["id"], "acme/infra");
    assert_eq!(first.json()["meta"]["next-page"], 2);
    let second = api.get(format!("{repositories}?page[number]=2")).await.is_ok();
    assert_eq!(second.data()[0]["attributes"]["display-identifier"], "acme/other");
    assert_eq!(second.json()["meta"]["next-page"], Value::Null);
    let third = api.get(format!("{repositories}?page[number]=3")).await.is_ok();
    assert_eq!(third.data(), json!([]));
    let organizations = api.get(format!("/oauth-tokens/{id}/vcs-organizations")).await.is_ok();
    assert_eq!(organizations.data(), json!([]));

    // Two who need a token that has ended: one renews it, both get the new one.
    let link = Link::Token(id.parse::<OauthTokenId>().unwrap());
    server.stop_clock();
    server.pass(Duration::from_hours(1));
    let cx = server.system();
    let (one, two) =
        tokio::join!(vcs_connections::open(&cx, &link), vcs_connections::open(&cx, &link));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert!(one.provider.user().await.is_ok() && two.provider.user().await.is_ok());
    assert_eq!(shared.lock().unwrap().refreshed, 1);
    // One that the provider forgets is renewed, which it forgets as well: somebody connects again.
    shared.lock().unwrap().given = 7;
    let refused = api.get(&repositories).await.is_conflict();
    assert!(refused.error().contains("connect again"), "{refused}");
    let (to, state) = sent(&mut owner, &uuid).await;
    let asked = to.query_pairs().find(|(name, _)| name == "code_challenge").unwrap().1;
    shared.lock().unwrap().challenge = asked.into_owned();
    owner.get(&back(&uuid, "c0de", &state)).await.redirects();
    let list = api.get("/organizations/acme/oauth-tokens").await.is_ok();
    assert_eq!(list.data()[0]["id"], json!(id), "workspaces stay connected");
    api.get(&repositories).await.is_ok();

    // Revoked: told on the connection and among the events, once in a while.
    server.pass(Duration::from_mins(11));
    shared.lock().unwrap().is_closed = true;
    for _ in 0..3 {
        api.get(&repositories).await.is_conflict();
    }
    let page = owner.get(&here).await.is_ok().text();
    assert!(page.contains("connect again"), "{page}");
    let shown = api.get(format!("/oauth-tokens/{id}")).await.is_ok();
    assert!(shown.attribute("last-error").as_str().unwrap().contains("connect again"));
    let events = api.get("/organizations/acme/vcs-events?filter[levels]=error").await.is_ok();
    assert_eq!(events.data().as_array().unwrap().len(), 2, "{events}");
    assert!(events.data()[0]["attributes"]["message"].as_str().unwrap().contains("connect again"));
    let strange = api.get("/organizations/acme/vcs-events?filter[levels]=loud").await;
    strange.has_status(StatusCode::BAD_REQUEST);
    server.pass(Duration::from_hours(31 * 24));
    domain::vcs_events::prune(&server.system()).await.unwrap();
    assert_eq!(api.get("/organizations/acme/vcs-events").await.is_ok().data(), json!([]));
}

#[tokio::test]
async fn a_connection_is_changed_given_a_key_and_deleted_on_its_page() {
    let server = server().await;
    let mut owner = Browser::of(&server, &server.owner()).await;
    let page = owner.get(PAGE).await.is_ok();
    let bad = [("service-provider", "github"), ("name", "ours")];
    let refused = owner.submit(&page, PAGE, &bad).await;
    let text = refused.has_status(StatusCode::UNPROCESSABLE_ENTITY).text();
    assert!(
        text.contains("connection-oauth-token-string-wrong") && text.contains("ours"),
        "{text}"
    );
    let good = [("service-provider", "github"), ("oauth-token-string", "ghp_hidden")];
    let here = owner.submit(&page, PAGE, &good).await.redirects();
    let page = owner.get(&here).await.is_ok();
    assert!(
        !page.text().contains("ghp_hidden") && !page.text().contains("?organization_id="),
        "{page}"
    );

    let keys = format!("{here}/keys");
    let text = owner.submit(&page, &keys, &[("ssh-key", "abc")]).await;
    let text = text.has_status(StatusCode::UNPROCESSABLE_ENTITY).text();
    assert!(text.contains("Ssh key is invalid"), "{text}");
    let hosts = [("ssh-known-hosts", "h ssh-ed25519 AAAA\r\n")];
    assert_eq!(owner.submit(&page, &keys, &hosts).await.redirects(), here);
    assert!(owner.get(&here).await.is_ok().text().contains("h ssh-ed25519 AAAA"));
    let named = owner.submit(&page, &here, &[("name", "Our repositories")]).await;
    assert_eq!(named.redirects(), here);
    assert!(owner.get(PAGE).await.is_ok().text().contains("Our repositories"));
    let gone = owner.submit(&page, &format!("{here}/delete"), &[]).await;
    assert_eq!(gone.redirects(), PAGE);
    owner.get(&here).await.is_not_found();
}

#[tokio::test]
async fn a_workspace_takes_a_repository_on_its_page_and_gives_it_back() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let api = server.owner();
    let new = json!({ "service-provider": "github", "oauth-token-string": "t", "name": "ours" });
    let new = json!({ "data": { "type": "oauth-clients", "attributes": new } });
    let made = api.post("/organizations/acme/oauth-clients", new).await.is_created();
    let token = made.data()["relationships"]["oauth-tokens"]["data"][0]["id"].clone();
    let token = token.as_str().unwrap();
    let mut owner = Browser::of(&server, &api).await;
    let here = "/app/acme/workspaces/networking/settings/version-control";
    let page = owner.get(here).await.is_ok();
    assert!(page.text().contains("ours (https://github.com)"), "{page}");
    let fields = [
        ("oauth-token-id", token),
        ("identifier", "acme/network"),
        ("branch", "main"),
        ("starts", "patterns"),
        ("trigger-prefixes", "/left/behind"),
        ("trigger-patterns", "/a/**/*.tf\r\n\r\n/b/*"),
        ("speculative-enabled", "true"),
    ];
    assert_eq!(owner.submit(&page, here, &fields).await.redirects(), here);
    let path = format!("/workspaces/{}", ws.id);
    let shown = api.get(&path).await.is_ok();
    assert_eq!(shown.attribute("vcs-repo")["identifier"], "acme/network");
    assert_eq!(shown.attribute("vcs-repo")["oauth-token-id"], token);
    assert_eq!(shown.attribute("trigger-patterns"), json!(["/a/**/*.tf", "/b/*"]));
    assert_eq!(shown.attribute("trigger-prefixes"), json!([]));
    assert_eq!(shown.attribute("file-triggers-enabled"), true);
    let client = owner.get(&format!("{PAGE}/{}", made.id())).await.is_ok().text();
    assert!(client.contains("networking") && client.contains("acme/network"), "{client}");

    let by_tags = [("oauth-token-id", token), ("identifier", "acme/network"), ("starts", "tags")];
    let wrong = owner.submit(&page, here, &by_tags).await;
    let text = wrong.has_status(StatusCode::UNPROCESSABLE_ENTITY).text();
    assert!(text.contains("repository-tags-regex-wrong"), "{text}");
    let strange = [("oauth-token-id", "ot-1"), ("identifier", "acme/network"), ("starts", "all")];
    let wrong = owner.submit(&page, here, &strange).await;
    let text = wrong.has_status(StatusCode::UNPROCESSABLE_ENTITY).text();
    assert!(text.contains("repository-oauth-token-id-wrong"), "{text}");
    let all = [by_tags[0], by_tags[1], ("starts", "tags"), ("tags-regex", "^v")];
    assert_eq!(owner.submit(&page, here, &all).await.redirects(), here);
    assert_eq!(api.get(&path).await.is_ok().attribute("vcs-repo")["tags-regex"], "^v");
    let none = [("oauth-token-id", ""), ("starts", "all")];
    assert_eq!(owner.submit(&page, here, &none).await.redirects(), here);
    assert_eq!(api.get(&path).await.is_ok().attribute("vcs-repo"), Value::Null);
}

/// A fake whose repository the workspace takes its files from, and which lets nobody make a hook.
#[tokio::test]
async fn a_hook_is_made_by_hand_by_those_who_manage_connections_and_the_last_commits_are_previewed()
{
    let server = server().await;
    let fake = Fake::new("github_enterprise".parse().unwrap()).await;
    fake.is(Mood::Unhooked);
    let api = server.owner();
    let new = json!({
        "service-provider": "github_enterprise", "http-url": fake.url,
        "api-url": format!("{}/api/v3", fake.url), "oauth-token-string": TOKEN,
    });
    let new = json!({ "data": { "type": "oauth-clients", "attributes": new } });
    let made = api.post("/organizations/acme/oauth-clients", new).await.is_created();
    let token = made.data()["relationships"]["oauth-tokens"]["data"][0]["id"].clone();
    for (name, folder) in [("networking", ""), ("elsewhere", "far/away")] {
        let repo = json!({ "identifier": "acme/infra", "oauth-token-id": token });
        let attributes = json!({ "name": name, "working-directory": folder, "vcs-repo": repo });
        let new = json!({ "data": { "type": "workspaces", "attributes": attributes } });
        api.post("/organizations/acme/workspaces", new).await.is_created();
    }
    domain::ingress::work(&server.system()).await.unwrap();
    domain::ingress::work(&server.system()).await.unwrap();
    let mut owner = Browser::of(&server, &api).await;
    let here = format!("{PAGE}/{}", made.id());
    let page = owner.get(&here).await.is_ok().text();
    assert!(
        page.contains("Webhooks to be made by hand") && page.contains("/webhooks/vcs/"),
        "{page}"
    );
    let below = "/app/acme/workspaces/elsewhere/settings/version-control";
    let page = owner.get(below).await.is_ok().text();
    assert!(page.contains("lets this server make no webhook"), "{page}");
    assert!(page.contains("What the last ten commits would have started"), "{page}");

    fake.origin.write("far/away/main.tf", "b");
    fake.origin.push("Something <b>far</b> away");
    let page = owner.get(&format!("{below}/preview")).await.is_ok().text();
    assert!(page.contains("Something &lt;b&gt;far&lt;/b&gt; away"), "{page}");
    assert!(page.contains("a message") && page.contains("runs: "), "{page}");
    assert!(page.contains("/app/acme/workspaces/networking"), "{page}");

    // What stands at the provider is decided beside.
    let page = owner.get(PAGE).await.is_ok();
    let fields = [("passing", "true"), ("comments", "true")];
    assert_eq!(owner.submit(&page, &format!("{PAGE}/told"), &fields).await.redirects(), PAGE);
    let shown = api.get("/organizations/acme").await.is_ok();
    for (name, is_on) in [
        ("aggregated-commit-status-enabled", false),
        ("send-passing-statuses-for-untriggered-speculative-plans", true),
        ("speculative-plan-management-enabled", false),
        ("pull-request-comments-enabled", true),
    ] {
        assert_eq!(shown.attribute(name), is_on, "{name}");
    }

    // Who only chooses connections sees no secret.
    let ws = server.workspace("other").await;
    let admin = server.admin_of(&ws);
    let mut chooser = Browser::of(&server, &admin).await;
    let page = chooser.get(&here).await.is_ok().text();
    assert!(!page.contains("Webhooks to be made by hand"), "{page}");
}

#[tokio::test]
async fn a_repository_is_picked_from_those_that_a_connection_reaches() {
    let server = server().await;
    let fake = Fake::new("github_enterprise".parse().unwrap()).await;
    server.workspace("networking").await;
    let api = server.owner();
    let new = json!({
        "service-provider": "github_enterprise", "http-url": fake.url,
        "api-url": format!("{}/api/v3", fake.url), "oauth-token-string": TOKEN,
    });
    let new = json!({ "data": { "type": "oauth-clients", "attributes": new } });
    let made = api.post("/organizations/acme/oauth-clients", new).await.is_created();
    let token = made.data()["relationships"]["oauth-tokens"]["data"][0]["id"].clone();
    let token = token.as_str().unwrap();
    let mut owner = Browser::of(&server, &api).await;
    let form = "/app/acme/workspaces/networking/settings/version-control";
    let list = format!("{form}/repositories?connection={token}");
    let page = owner.get(form).await.is_ok().text();
    assert!(page.contains(&format!("<option value=\"{token}\"")), "{page}");
    let page = owner.get(&list).await.is_ok().text();
    let picked = format!("{form}?connection={token}&amp;identifier=acme%2Finfra");
    assert!(page.contains(&picked), "{page}");
    assert!(page.contains(&format!("connection={token}&amp;page=2")), "{page}");
    let page = owner.get(&format!("{list}&page=2")).await.is_ok().text();
    assert!(page.contains("acme/other") && !page.contains("page=3"), "{page}");
    let page = owner.get(&picked.replace("&amp;", "&")).await.is_ok();
    assert!(page.text().contains("value=\"acme/infra\""), "{page}");
    let shown = api.get("/organizations/acme/workspaces/networking").await.is_ok();
    assert_eq!(shown.attribute("vcs-repo"), Value::Null, "picked is not saved");

    fake.is(Mood::Revoked);
    let page = owner.get(&list).await.is_ok().text();
    assert!(page.contains("connect again"), "{page}");
    owner.get(&format!("{form}/repositories?connection=ot-nothing")).await.is_not_found();
    // Of an organization that the caller cannot see, though by a workspace that is theirs.
    let foreign = server.foreigner();
    let new = json!({ "service-provider": "github", "oauth-token-string": "t" });
    let new = json!({ "data": { "type": "oauth-clients", "attributes": new } });
    let other = foreign.post("/organizations/elsewhere/oauth-clients", new).await.is_created();
    let other = &other.data()["relationships"]["oauth-tokens"]["data"][0]["id"];
    let list = format!("{form}/repositories?connection={}", other.as_str().unwrap());
    owner.get(&list).await.is_not_found();
}

#[tokio::test]
async fn a_site_administrator_says_who_may_use_an_installation_of_the_github_app() {
    let server = server().await;
    let (_, names) = Box::pin(world::made(&server)).await;
    let id = names["github_app_installation_id"].as_str();
    let mut owner = Browser::of(&server, &server.owner()).await;
    let mut admin = Browser::of(&server, &server.site_admin()).await;
    let here = "/app/site/github-app";
    owner.get(here).await.is_not_found();
    let page = admin.get(here).await.is_ok();
    let text = page.text();
    assert!(
        text.contains("/webhooks/github-app") && text.contains("github-app-private-key"),
        "{text}"
    );
    let may_use = async |browser: &mut Browser<'_>| {
        let page = browser.get(PAGE).await.is_ok().text();
        page.contains("Installations of the GitHub App") && page.contains(id)
    };
    assert!(may_use(&mut owner).await);
    let (link, unlink) = (format!("{here}/link"), format!("{here}/unlink"));
    let fields = [("installation", id), ("organization", "acme")];
    for (path, may) in [(&unlink, false), (&unlink, false), (&link, true), (&link, true)] {
        assert_eq!(admin.submit(&page, path, &fields).await.redirects(), here);
        assert_eq!(may_use(&mut owner).await, may, "{path}");
    }
    for wrong in
        [[("installation", id), ("organization", "nowhere")], [("installation", "x"), fields[1]]]
    {
        let text = admin.submit(&page, &link, &wrong).await;
        let text = text.has_status(StatusCode::UNPROCESSABLE_ENTITY).text();
        assert!(text.contains("link-organization-wrong"), "{text}");
    }
}
