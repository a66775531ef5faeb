//! What agents can do: each is handed what it can read and execute, and what nobody can do hides nothing behind it.

use domain::{Timestamp, entity::job, id::JobId};
use serde_json::{Value, json};
use testkit::Server;

use crate::{
    agent::{Agent, ENGINE},
    runs::{run, upload},
};

async fn queue(server: &Server, name: &str) -> String {
    let (owner, ws) = (server.owner(), server.workspace(name).await);
    upload(&owner, &ws, false).await;
    owner.post("/runs", run(&ws, json!({ "auto-apply": true }))).await.is_created().id()
}

async fn status(server: &Server, run: &str) -> Value {
    server.owner().get(format!("/runs/{run}")).await.is_ok().attribute("status")
}

/// What people are told who wonder why a run waits.
async fn why(server: &Server, run: &str) -> Option<String> {
    let cx = server.system();
    let found = domain::runs::find(&cx, &run.parse().unwrap()).await.unwrap();
    let run = cx.check::<domain::can::ReadRun, _>(found).unwrap();
    domain::runs::waits_for(&cx, &run).await.unwrap()
}

fn with(abilities: &Value) -> Value {
    json!({ "engines": [{ "kind": "terraform", "version": ENGINE }], "abilities": abilities })
}

#[tokio::test]
async fn an_agent_that_cannot_apply_plans_and_hides_nothing() {
    let server = Server::start().await;
    let planner = with(&json!({ "protocol": 1, "jobs": ["plan"] }));
    let planner = Agent::register_with_abilities(&server, "planner", &planner).await;
    let first = queue(&server, "first").await;
    server.advance().await;
    planner.must_claim().await.execute().await;
    server.advance().await;
    assert_eq!(status(&server, &first).await, "confirmed", "nobody there can apply it");
    let second = queue(&server, "second").await;
    server.advance().await;
    assert_eq!(planner.must_claim().await.run(), second);
    let able = Agent::register_as(&server, "able").await;
    server.advance().await;
    assert!(planner.claim().await.is_none(), "the apply is not for it");
    let apply = able.must_claim().await;
    assert!(apply.is_apply() && apply.run() == first);
}

#[tokio::test]
async fn words_that_the_server_does_not_know_mean_nothing_to_it() {
    let server = Server::start().await;
    let newer = with(&json!({
        "protocol": 7, "jobs": ["plan", "apply", "brew_tea"], "engines": ["terraform", "pulumi"],
        "os": "linux", "arch": "amd64", "colour": "blue",
    }));
    let newer = Agent::register_with_abilities(&server, "newer", &newer).await;
    let id = queue(&server, "first").await;
    server.advance().await;
    assert_eq!(newer.must_claim().await.run(), id);
}

#[tokio::test]
async fn an_agent_that_speaks_no_protocol_we_know_is_handed_nothing() {
    let server = Server::start().await;
    let older = with(&json!({ "protocol": 0 }));
    let older = Agent::register_with_abilities(&server, "older", &older).await;
    let id = queue(&server, "first").await;
    server.advance().await;
    assert_eq!(status(&server, &id).await, "pending");
    assert!(older.claim().await.is_none());
}

#[tokio::test]
async fn each_agent_gets_the_archive_for_its_own_platform() {
    let server = Server::start().await;
    let archive = |arch: &str| {
        let url = format!("https://releases.example.com/terraform_1.2.3_linux_{arch}.zip");
        json!({ "url": url, "sha": "a".repeat(64), "os": "linux", "arch": arch })
    };
    let version = json!({ "data": { "type": "terraform-versions", "attributes": {
        "version": "1.2.3", "archs": [archive("amd64"), archive("arm64")],
    } } });
    server.site_admin().post("/admin/terraform-versions", version).await.is_created();
    for arch in ["riscv64", "arm64", "amd64"] {
        let agent = json!({ "abilities": { "arch": arch } });
        let agent = Agent::register_with_abilities(&server, arch, &agent).await;
        let id = queue(&server, arch).await;
        server.advance().await;
        if arch == "riscv64" {
            assert!(agent.claim().await.is_none(), "there is none for it");
            assert!(why(&server, &id).await.unwrap().contains("none has Terraform 1.2.3"));
            server.owner().post(format!("/runs/{id}/actions/cancel"), ()).await.is_accepted();
            continue;
        }
        let job = agent.must_claim().await;
        let url = job.json["engine"]["url"].as_str().unwrap();
        assert!(url.ends_with(&format!("_{arch}.zip")), "{url}");
    }
}

#[tokio::test]
async fn a_job_that_nobody_can_do_hides_none_behind_it() {
    let server = Server::start().await;
    let agent = Agent::register(&server).await;
    let tx = server.db.write().await.unwrap();
    tx.insert(job::Model {
        id: JobId::fresh(),
        kind: job::Kind::ModuleTest,
        run_id: None,
        workspace_id: None,
        status: job::Status::Queued,
        agent_pool_id: None,
        agent_id: None,
        leased_until: None,
        attempts: 0,
        token_hash: None,
        created_at: Timestamp(0),
        started_at: None,
    })
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let id = queue(&server, "first").await;
    server.advance().await;
    assert_eq!(agent.must_claim().await.run(), id);
    assert!(agent.claim().await.is_none());
    domain::agents::sweep(&server.system()).await.unwrap();
}

#[tokio::test]
async fn an_agent_cannot_fill_its_row() {
    let server = Server::start().await;
    let client = server.bearer(server.app.embedded_agent_token().expose());
    for abilities in [
        json!({ "jobs": vec!["plan"; 65] }),
        json!({ "engines": ["x".repeat(256)] }),
        json!({ "arch": "x".repeat(256) }),
    ] {
        let body = json!({
            "name": "a", "version": "0", "instance": "a", "engines": [], "abilities": abilities,
        });
        let answer = client.post("/agent/v1/register", body).await;
        assert_eq!(answer.status, 400, "{answer}");
    }
}
