//! The pages of organizations: making one, and what their lists show.

use http::StatusCode;
use serde_json::json;

use crate::browser::{Browser, person, server};

#[tokio::test]
async fn an_empty_overview_offers_an_organization_and_its_maker_owns_it() {
    let server = server().await;
    server.let_everybody_create_organizations().await;
    person(&server, "ada").await;
    let mut browser = Browser::signed_in(&server, "ada").await;
    let overview = browser.get("/").await.is_ok().text();
    assert!(overview.contains("href=\"/organizations/new\""), "{overview}");
    let page = browser.get("/organizations/new").await.is_ok();
    let fields = [("name", "widgets"), ("email", "ops@people.example")];
    let made = browser.submit(&page, "/organizations/new", &fields).await;
    assert_eq!(made.redirects(), "/app/widgets/workspaces");
    browser.get("/app/widgets/workspaces").await.is_ok();
    assert!(browser.get("/").await.is_ok().text().contains("widgets"));
}

#[tokio::test]
async fn where_only_administrators_create_organizations_others_are_told_whom_to_ask() {
    let server = server().await;
    person(&server, "ada").await;
    let mut browser = Browser::signed_in(&server, "ada").await;
    let overview = browser.get("/").await.is_ok().text();
    assert!(!overview.contains("href=\"/organizations/new\""), "{overview}");
    assert!(overview.contains("site administrator"), "{overview}");
    browser.get("/organizations/new").await.is_not_found();
}

#[tokio::test]
async fn a_wrong_name_comes_back_with_what_was_typed_and_makes_nothing() {
    let server = server().await;
    server.let_everybody_create_organizations().await;
    person(&server, "ada").await;
    let mut browser = Browser::signed_in(&server, "ada").await;
    let before = server.row_counts().await;
    for (name, word) in [
        ("a b", "name"),
        ("", "name"),
        ("acme", "taken"),
        ("Site", "pages of this server"),
        ("settings", "pages of this server"),
    ] {
        let page = browser.get("/organizations/new").await.is_ok();
        let fields = [("name", name), ("email", "kept@people.example")];
        let answer = browser.submit(&page, "/organizations/new", &fields).await;
        let text = answer.has_status(StatusCode::UNPROCESSABLE_ENTITY).text();
        assert!(text.contains(word) && text.contains("kept@people.example"), "{text}");
    }
    assert_eq!(server.row_counts().await, before);
}

#[tokio::test]
async fn a_plan_only_run_is_seen_in_the_list_of_workspaces() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    let new = json!({ "data": { "type": "configuration-versions",
        "attributes": { "auto-queue-runs": false, "speculative": true } } });
    let path = format!("/workspaces/{}/configuration-versions", ws.id);
    let configuration = owner.post(path, new).await.is_created().id();
    let relation = |kind: &str, id: &str| json!({ "data": { "type": kind, "id": id } });
    let run = json!({ "data": { "type": "runs", "attributes": { "plan-only": true },
        "relationships": {
            "workspace": relation("workspaces", ws.id.as_str()),
            "configuration-version": relation("configuration-versions", &configuration),
        } } });
    let run = owner.post("/runs", run).await.is_created().id();
    let mut browser = Browser::of(&server, &owner).await;
    for page in ["/", "/app/acme/workspaces"] {
        let text = browser.get(page).await.is_ok().text();
        assert!(text.contains("plan only: ") && text.contains(&run), "{page}: {text}");
        assert!(!text.contains("no runs"), "{text}");
    }
    // Where runs are counted, it counts as well.
    let queued = browser.get("/app/acme/workspaces?status=queued").await.is_ok().text();
    assert!(queued.contains(&run), "{queued}");
    assert!(queued.contains("Queued <span class=\"count\">1</span>"), "{queued}");
    let failed = browser.get("/app/acme/workspaces?status=failed").await.is_ok().text();
    assert!(failed.contains("Failed <span class=\"count\">0</span>"), "{failed}");
    assert!(!failed.contains(&run), "{failed}");
    owner
        .post(format!("/runs/{run}/actions/discard"), json!({}))
        .await
        .has_status(StatusCode::ACCEPTED);
    let queued = browser.get("/app/acme/workspaces?status=queued").await.is_ok().text();
    assert!(queued.contains("Queued <span class=\"count\">0</span>"), "{queued}");
}

const SETTINGS: &str = "/app/acme/settings";

#[tokio::test]
async fn tokens_live_as_long_as_the_organization_lets_them() {
    let server = server().await;
    let mut owner = Browser::of(&server, &server.owner()).await;
    let here = format!("{SETTINGS}/lifetimes");
    let page = owner.get(&here).await.is_ok();
    let fields = [("user", "30"), ("team", "x"), ("organization", "90"), ("audit-trails", "400")];
    let text = owner.submit(&page, &here, &fields).await;
    let text = text.has_status(StatusCode::UNPROCESSABLE_ENTITY).text();
    assert!(text.contains("lifetimes-team-wrong") && text.contains("value=\"x\""), "{text}");
    let fields = [
        ("max-ttl-enabled", "true"),
        ("user", "30"),
        ("team", "60"),
        ("organization", "90"),
        ("audit-trails", "400"),
    ];
    owner.submit(&page, &here, &fields).await.redirects();
    let page = owner.get(&here).await.is_ok();
    assert!(page.text().contains("value=\"400\""), "{page}");
    let shown = server.owner().get("/organizations/acme").await.is_ok();
    assert_eq!(shown.attribute("max-ttl-enabled"), true);
    owner.submit(&page, &here, &fields[1..]).await.redirects();
    let shown = server.owner().get("/organizations/acme").await.is_ok();
    assert_eq!(shown.attribute("max-ttl-enabled"), false);
}

#[tokio::test]
async fn a_key_is_written_once_and_a_tag_is_taken_from_all() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let api = server.owner();
    let mut owner = Browser::of(&server, &api).await;
    let here = format!("{SETTINGS}/ssh-keys");
    let page = owner.get(&here).await.is_ok();
    let text = owner.submit(&page, &here, &[("name", "<k>"), ("value", " ")]).await;
    let text = text.has_status(StatusCode::UNPROCESSABLE_ENTITY).text();
    assert!(text.contains("key-value-wrong") && text.contains("&lt;k&gt;"), "{text}");
    let fields = [("name", "deploy"), ("value", "-----BEGIN\r\nhunter2\r\n-----END")];
    owner.submit(&page, &here, &fields).await.redirects();
    let page = owner.get(&here).await.is_ok();
    assert!(page.text().contains("deploy") && !page.text().contains("hunter2"), "{page}");
    let delete = page.text();
    let delete = delete.split("action=\"").find(|part| part.contains("/sshkey-")).unwrap();
    let delete = delete.split('"').next().unwrap();
    owner.submit(&page, delete, &[]).await.redirects();
    assert!(owner.get(&here).await.is_ok().text().contains("No SSH keys yet"));

    let new = serde_json::json!({ "data": [{ "type": "tags", "attributes": { "name": "net" } }] });
    api.post(format!("/workspaces/{}/relationships/tags", ws.id), new).await;
    let here = format!("{SETTINGS}/tags");
    let page = owner.get(&here).await.is_ok();
    let id =
        page.text().split("value=\"tag-").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let fields = [("tag", format!("tag-{id}"))];
    let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
    owner.submit(&page, &format!("{here}/delete"), &fields).await.redirects();
    assert!(owner.get(&here).await.is_ok().text().contains("No tags yet"));
    let mut member = Browser::of(&server, &server.member()).await;
    let page = member.get(&here).await.is_ok().text();
    assert!(!page.contains("ssh-keys") && !page.contains("/retention"), "{page}");
}

#[tokio::test]
async fn what_the_organization_says_of_old_states_holds_where_a_workspace_says_nothing() {
    let server = server().await;
    server.workspace("networking").await;
    let mut owner = Browser::of(&server, &server.owner()).await;
    let here = format!("{SETTINGS}/retention");
    let page = owner.get(&here).await.is_ok();
    let fields = [("rule", "delete"), ("delete-older-than-n-days", "0")];
    owner.submit(&page, &here, &fields).await.has_status(StatusCode::UNPROCESSABLE_ENTITY);
    let fields = [("rule", "delete"), ("delete-older-than-n-days", "45")];
    owner.submit(&page, &here, &fields).await.redirects();
    let of_workspace = "/app/acme/workspaces/networking/settings/retention";
    let text = owner.get(of_workspace).await.is_ok().text();
    assert!(
        text.contains("As the organization says: what is older than 45 days is deleted"),
        "{text}"
    );
    for _ in 0..2 {
        owner.submit(&page, &here, &[("rule", "")]).await.redirects();
    }
}

#[tokio::test]
async fn the_audit_log_says_who_did_what_to_owners_and_finds_it() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let api = server.owner();
    api.post(format!("/workspaces/{}/actions/lock", ws.id), ()).await.is_ok();
    domain::events::read(&server.system()).await.unwrap();
    let name = api.user().await.username;
    let mut owner = Browser::of(&server, &api).await;
    let page = owner.get("/app/acme/audit").await.is_ok().text();
    assert!(page.contains("<code>workspace.lock</code>") && page.contains(&name), "{page}");
    assert!(page.contains(ws.id.as_str()), "{page}");
    let page = owner.get("/app/acme/audit?q=WORKSPACE_nothing").await.is_ok().text();
    assert!(page.contains("No entry has that in it") && !page.contains("workspace.lock"), "{page}");
    let page = owner.get(&format!("/app/acme/audit?q={}", ws.id)).await.is_ok().text();
    assert!(page.contains("workspace.lock"), "{page}");
    let mut writer = Browser::of(&server, &server.writer(&ws)).await;
    writer.get("/app/acme/audit").await.is_not_found();
    // What concerns an organization is its own; the site has the rest.
    let mut admin = Browser::of(&server, &server.site_admin()).await;
    let page = admin.get("/app/site/audit").await.is_ok().text();
    assert!(!page.contains("workspace.lock"), "{page}");
    assert!(page.contains("user."), "{page}");
}

#[tokio::test]
async fn what_runs_may_use_is_set_among_the_settings() {
    let server = server().await;
    let api = server.owner();
    let mut owner = Browser::of(&server, &api).await;
    let page = owner.get(SETTINGS).await.is_ok();
    let all = |time| {
        [
            ("email", "ops@people.example"),
            ("default-execution-mode", "remote"),
            // Without it, the owner who asks below would be let in no more.
            ("user-tokens-enabled", "true"),
            ("run-disk-bytes", "2G"),
            ("apply-timeout", time),
        ]
    };
    let wrong = owner.submit(&page, SETTINGS, &all("soon")).await;
    let text = wrong.has_status(StatusCode::UNPROCESSABLE_ENTITY).text();
    assert!(
        text.contains("general-apply-timeout-wrong") && text.contains("value=\"soon\""),
        "{text}"
    );
    owner.submit(&page, SETTINGS, &all("2h")).await.redirects();
    let shown = api.get("/organizations/acme").await.is_ok();
    assert_eq!(shown.attribute("run-disk-bytes"), 2_u64 << 30);
    assert_eq!(shown.attribute("apply-timeout"), "2h");
    let text = owner.get(SETTINGS).await.is_ok().text();
    assert!(text.contains("value=\"2G\"") && text.contains("value=\"2h\""), "{text}");
}
