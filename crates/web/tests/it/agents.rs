//! Agent pools.

use http::StatusCode;
use serde_json::json;

use crate::browser::{Browser, server};

#[tokio::test]
async fn a_pool_is_made_its_token_lets_an_agent_in_and_is_shown_once() {
    let server = server().await;
    let mut owner = Browser::of(&server, &server.owner()).await;
    let page = owner.get("/app/acme/agents").await.is_ok();
    let fields = [("name", "basement"), ("organization-scoped", "true")];
    let here = owner.submit(&page, "/app/acme/agents", &fields).await.redirects();
    let page = owner.get(&here).await.is_ok();
    let tokens = format!("{here}/tokens");
    let wrong = owner.submit(&page, &tokens, &[("description", " ")]).await;
    let text = wrong.has_status(StatusCode::UNPROCESSABLE_ENTITY).text();
    assert!(text.contains("token-description-wrong"), "{text}");
    let made = owner.submit(&page, &tokens, &[("description", "rack 7")]).await.is_ok().text();
    let secret = made.split("<code>").find(|part| part.contains(".atlasv1.")).unwrap();
    let secret = secret.split('<').next().unwrap().to_owned();
    let agent = json!({ "name": "rack-7", "version": "0", "instance": "two",
        "engines": [{ "kind": "terraform", "version": "1.12.2" }] });
    server.bearer(&secret).post("/agent/v1/register", agent).await.is_ok();
    let page = owner.get(&here).await.is_ok();
    let text = page.text();
    assert!(text.contains("rack-7") && text.contains("idle") && !text.contains(&secret), "{text}");

    let revoke = text.split("action=\"").find(|part| part.contains("/revoke")).unwrap();
    let revoke = revoke.split('"').next().unwrap().to_owned();
    assert_eq!(owner.submit(&page, &revoke, &[]).await.redirects(), here);
    assert!(!owner.get(&here).await.is_ok().text().contains("rack 7"));
}

#[tokio::test]
async fn a_pool_that_is_used_is_not_deleted_and_says_by_whom() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let api = server.owner();
    let new = json!({ "data": { "type": "agent-pools", "attributes": { "name": "basement" } } });
    let pool = api.post("/organizations/acme/agent-pools", new).await.is_created().id();
    let change = json!({ "data": { "type": "workspaces", "attributes": {
        "execution-mode": "agent", "agent-pool-id": pool } } });
    api.patch(format!("/workspaces/{}", ws.id), change).await.is_ok();
    let mut owner = Browser::of(&server, &api).await;
    let here = format!("/app/acme/agents/{pool}");
    let page = owner.get(&here).await.is_ok();
    let answer = owner.submit(&page, &format!("{here}/delete"), &[]).await.is_conflict();
    assert!(answer.text().contains("in use by"), "{answer}");
    owner.get(&here).await.is_ok();
}

#[tokio::test]
async fn what_its_runs_may_use_is_set_on_its_page_as_people_write_it() {
    let server = server().await;
    let api = server.owner();
    let new = json!({ "data": { "type": "agent-pools", "attributes": { "name": "basement" } } });
    let pool = api.post("/organizations/acme/agent-pools", new).await.is_created().id();
    let mut owner = Browser::of(&server, &api).await;
    let here = format!("/app/acme/agents/{pool}");
    let page = owner.get(&here).await.is_ok();
    let all = |memory| {
        [
            ("name", "basement"),
            ("run-memory-bytes", memory),
            ("run-processes", "100"),
            ("plan-timeout", "90m"),
        ]
    };
    for memory in ["much", "1K", "1.5G", "-1", "99999999999G"] {
        let wrong = owner.submit(&page, &here, &all(memory)).await;
        let text = wrong.has_status(StatusCode::UNPROCESSABLE_ENTITY).text();
        assert!(text.contains("settings-run-memory-bytes-wrong"), "{text}");
    }
    assert_eq!(owner.submit(&page, &here, &all("1536M")).await.redirects(), here);
    let shown = api.get(format!("/agent-pools/{pool}")).await.is_ok();
    for (name, is) in [
        ("run-memory-bytes", json!(1536_u64 << 20)),
        ("run-processes", json!(100)),
        ("run-disk-bytes", json!(null)),
        ("plan-timeout", json!("1h30m")),
        ("apply-timeout", json!(null)),
    ] {
        assert_eq!(shown.attribute(name), is, "{name}");
    }
    for size in ["1536M", "2G", "65537K", "67108865"] {
        owner.submit(&page, &here, &all(size)).await.redirects();
        let shown = owner.get(&here).await.is_ok();
        assert!(shown.text().contains(&format!("value=\"{size}\"")), "{shown}");
    }
    owner.submit(&page, &here, &[("name", "basement")]).await.redirects();
    let shown = api.get(format!("/agent-pools/{pool}")).await.is_ok();
    assert_eq!(shown.attribute("run-memory-bytes"), json!(null));
}
