//! The page of a run.

use domain::row::Workspace;
use http::StatusCode;
use serde_json::json;
use testkit::Server;

use crate::browser::{Browser, hidden_fields, person, server};

/// A queued run of a configuration.
pub async fn run(server: &Server, ws: &Workspace) -> String {
    let owner = server.owner();
    // A run leaves the queue once some agent has its engine.
    let agent = json!({ "name": "test", "version": "0", "instance": "one",
        "engines": [{ "kind": "terraform", "version": "1.12.2" }] });
    let token = server.app.embedded_agent_token().expose();
    server.bearer(token).post("/agent/v1/register", agent).await.is_ok();
    let new = json!({ "data": { "type": "configuration-versions",
        "attributes": { "auto-queue-runs": false } } });
    let path = format!("/workspaces/{}/configuration-versions", ws.id);
    let configuration = owner.post(path, new).await.is_created();
    let upload = configuration.attribute("upload-url").as_str().unwrap().to_owned();
    server.nobody().put(upload, &b"\x1f\x8b\x08\0\0\0\0\0\0\0"[..]).await.is_ok();
    let relation = |kind: &str, id: &str| json!({ "data": { "type": kind, "id": id } });
    let run = json!({ "data": { "type": "runs",
        "attributes": { "message": "Widen <the> road" },
        "relationships": {
            "workspace": relation("workspaces", ws.id.as_str()),
            "configuration-version": relation("configuration-versions", &configuration.id()),
        } } });
    let id = owner.post("/runs", run).await.is_created().id();
    server.advance().await;
    id
}

pub async fn set_status(server: &Server, run: &str, status: &str) {
    let sql = format!("UPDATE runs SET status = '{status}' WHERE id = '{run}'");
    server.execute(&sql).await;
}

#[tokio::test]
async fn both_addresses_that_command_lines_print_show_the_run() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let run = run(&server, &ws).await;
    let mut owner = Browser::of(&server, &server.owner()).await;
    for path in [
        format!("/app/acme/networking/runs/{run}"),
        format!("/app/acme/workspaces/networking/runs/{run}"),
        format!("/app/Acme/Networking/runs/{run}"),
    ] {
        let text = owner.get(&path).await.is_ok().text();
        assert!(text.contains(&run) && text.contains("Waits for an agent"), "{text}");
        assert!(text.contains("Widen &lt;the&gt; road") && !text.contains("<the>"));
        // The log is read from wherever the page came from.
        assert!(text.contains("<log-viewer src=\"/_archivist/v1/object/"), "{text}");
    }
    let status = format!("/app/acme/workspaces/networking/runs/{run}/status");
    let fragment = owner.get(&status).await.is_ok().text();
    assert!(fragment.starts_with("<div") && fragment.contains("Waits for an agent"), "{fragment}");
    let list = owner.get("/app/acme/workspaces/networking").await.is_ok().text();
    assert!(list.contains(&run));
}

#[tokio::test]
async fn a_run_is_found_by_its_short_address_in_workspaces_that_are_called_like_pages() {
    let server = server().await;
    let mut owner = Browser::of(&server, &server.owner()).await;
    for name in ["teams", "projects", "agents", "members", "runs", "settings", "new-project"] {
        let ws = server.workspace(name).await;
        let run = run(&server, &ws).await;
        let text = owner.get(&format!("/app/acme/{name}/runs/{run}")).await.is_ok().text();
        assert!(text.contains(&run), "{name}: {text}");
    }
}

#[tokio::test]
async fn strangers_and_wrong_addresses_get_404_and_nobody_signs_in_first() {
    let server = server().await;
    person(&server, "ada").await;
    let ws = server.workspace("networking").await;
    server.workspace("other").await;
    let run = run(&server, &ws).await;
    let path = format!("/app/acme/workspaces/networking/runs/{run}");
    let mut stranger = Browser::signed_in(&server, "ada").await;
    stranger.get(&path).await.is_not_found();
    stranger.get(&format!("{path}/status")).await.is_not_found();
    let mut owner = Browser::of(&server, &server.owner()).await;
    owner.get(&format!("/app/acme/workspaces/other/runs/{run}")).await.is_not_found();
    owner.get("/app/acme/workspaces/networking/runs/run-1111111111111111").await.is_not_found();
    owner.get("/app/acme/workspaces/networking/runs/nonsense").await.is_not_found();
    let to = Browser::new(&server).get(&path).await.redirects();
    assert!(to.starts_with("/session/new?return_to=%2Fapp%2Facme"), "{to}");
}

#[tokio::test]
async fn buttons_are_there_for_whoever_may_press_them() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let run = run(&server, &ws).await;
    let path = format!("/app/acme/workspaces/networking/runs/{run}");
    let mut owner = Browser::of(&server, &server.owner()).await;
    let mut reader = Browser::of(&server, &server.reader(&ws)).await;
    let page = owner.get(&path).await.is_ok().text();
    assert!(page.contains("Cancel run") && !page.contains("Confirm and apply"));
    set_status(&server, &run, "planned").await;
    let page = owner.get(&path).await.is_ok();
    assert!(page.text().contains("Confirm and apply") && page.text().contains("Discard run"));
    let read = reader.get(&path).await.is_ok().text();
    assert!(!read.contains("Confirm and apply") && !read.contains("Discard run"));

    // And pressing what was not shown does nothing.
    let token: std::collections::BTreeMap<_, _> =
        hidden_fields(&read, "/session/delete").into_iter().collect();
    for verb in ["apply", "discard", "cancel"] {
        reader.post(&format!("{path}/{verb}"), &token).await.is_not_found();
        owner.post(&format!("{path}/{verb}"), &token).await.is_forbidden();
    }
    let shown = server.owner().get(format!("/runs/{run}")).await;
    assert_eq!(shown.attribute("status"), "planned");
}

#[tokio::test]
async fn a_run_is_confirmed_once() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let run = run(&server, &ws).await;
    set_status(&server, &run, "planned").await;
    let path = format!("/app/acme/workspaces/networking/runs/{run}");
    let mut owner = Browser::of(&server, &server.owner()).await;
    let page = owner.get(&path).await.is_ok();
    let to = owner.submit(&page, &format!("{path}/apply"), &[]).await;
    assert_eq!(to.has_status(StatusCode::SEE_OTHER).redirects(), path);
    owner.submit(&page, &format!("{path}/apply"), &[]).await.is_conflict();
    owner.submit(&page, &format!("{path}/discard"), &[]).await.is_conflict();
}

#[tokio::test]
async fn a_discarded_run_says_it_is_over() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let run = run(&server, &ws).await;
    set_status(&server, &run, "planned").await;
    let path = format!("/app/acme/workspaces/networking/runs/{run}");
    let mut owner = Browser::of(&server, &server.owner()).await;
    let page = owner.get(&path).await.is_ok();
    assert!(!page.text().contains("data-final"));
    owner.submit(&page, &format!("{path}/discard"), &[]).await.redirects();
    let page = owner.get(&path).await.is_ok().text();
    assert!(page.contains("data-final") && page.contains("Discarded"), "{page}");
}

#[tokio::test]
async fn a_run_shows_what_it_used_and_what_kept_it_apart() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let run = run(&server, &ws).await;
    let peaks = json!({ "memory_bytes": 3_u64 << 29, "processes": 1, "disk_bytes": 5 << 20, "cpu_milliseconds": 12_340 });
    let layers = json!(["files", "landlock", "moat"]);
    let sql = format!(
        "UPDATE phases SET peaks = '{peaks}', layers = '{layers}' WHERE run_id = '{run}' AND kind = 'plan'"
    );
    server.execute(&sql).await;
    let mut owner = Browser::of(&server, &server.owner()).await;
    let page =
        owner.get(&format!("/app/acme/workspaces/networking/runs/{run}")).await.is_ok().text();
    assert!(page.contains("Plan used"), "{page}");
    assert!(
        page.contains("1.5 GiB of memory, 1 process, 5.0 MiB of disk, 12.3 s of the processor"),
        "{page}"
    );
    assert!(
        page.contains("a file system of its own, Landlock, moat; the network is the machine's"),
        "{page}"
    );
    assert!(!page.contains("Apply used"), "{page}");
}

#[tokio::test]
async fn a_run_says_that_its_pool_has_no_agent() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    let new = json!({ "data": { "type": "agent-pools", "attributes": { "name": "basement" } } });
    let pool = owner.post("/organizations/acme/agent-pools", new).await.is_created().id();
    let change = json!({ "data": { "type": "workspaces", "attributes": {
        "execution-mode": "agent", "agent-pool-id": pool } } });
    owner.patch(format!("/workspaces/{}", ws.id), change).await.is_ok();
    let run = run(&server, &ws).await;
    let mut browser = Browser::of(&server, &owner).await;
    let page = format!("/app/acme/workspaces/networking/runs/{run}");
    let text = browser.get(&page).await.is_ok().text();
    assert!(text.contains("No agent of the agent pool “basement” is there."), "{text}");

    let new = json!({ "data": { "type": "authentication-tokens", "attributes": {
        "description": "basement" } } });
    let path = format!("/agent-pools/{pool}/authentication-tokens");
    let token = owner.post(path, new).await.is_created().attribute("token");
    let agent = json!({ "name": "test", "version": "0", "instance": "two",
        "engines": [{ "kind": "terraform", "version": "1.12.2" }] });
    server.bearer(token.as_str().unwrap()).post("/agent/v1/register", agent).await.is_ok();
    let text = browser.get(&page).await.is_ok().text();
    assert!(!text.contains("No agent of the agent pool"), "{text}");
}

#[tokio::test]
async fn what_destroys_more_than_the_organization_lets_pass_asks_for_the_name() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let run = run(&server, &ws).await;
    let path = format!("/app/acme/workspaces/networking/runs/{run}");
    let mut owner = Browser::of(&server, &server.owner()).await;
    let settings = "/app/acme/settings";
    let page = owner.get(settings).await.is_ok();
    let of = |above: &'static str| {
        [
            ("email", "ops@people.example"),
            ("default-execution-mode", "remote"),
            ("user-tokens-enabled", "true"),
            ("ask-name-above", above),
        ]
    };
    let wrong = owner.submit(&page, settings, &of("few")).await;
    let text = wrong.has_status(StatusCode::UNPROCESSABLE_ENTITY).text();
    assert!(text.contains("general-ask-name-above-wrong"), "{text}");
    owner.submit(&page, settings, &of("2")).await.redirects();
    set_status(&server, &run, "planned").await;
    server.execute("UPDATE phases SET resource_destructions = 2").await;
    let page = owner.get(&path).await.is_ok().text();
    assert!(page.contains("destroying 2 resources") && !page.contains("to confirm"), "{page}");

    server.execute("UPDATE phases SET resource_destructions = 3").await;
    let page = owner.get(&path).await.is_ok();
    assert!(page.text().contains("Type networking to confirm"), "{page}");
    let apply = format!("{path}/apply");
    for name in ["", "storage"] {
        let fields = [("comment", "On <purpose>"), ("name", name)];
        let text = owner.submit(&page, &apply, &fields).await;
        let text = text.has_status(StatusCode::UNPROCESSABLE_ENTITY).text();
        assert!(
            text.contains("decision-name-wrong") && text.contains("On &lt;purpose&gt;"),
            "{text}"
        );
        let shown = server.owner().get(format!("/runs/{run}")).await.is_ok();
        assert_eq!(shown.attribute("status"), "planned");
    }
    let fields = [("comment", ""), ("name", "networking")];
    assert_eq!(owner.submit(&page, &apply, &fields).await.redirects(), path);
    let shown = server.owner().get(format!("/runs/{run}")).await.is_ok();
    assert_eq!(shown.attribute("status"), "confirmed");
    // Whoever discards names nothing.
    set_status(&server, &run, "planned").await;
    owner.submit(&page, &format!("{path}/discard"), &[]).await.redirects();
}
