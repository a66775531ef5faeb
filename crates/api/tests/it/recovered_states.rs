//! States that an agent brings after the end of their apply, because nobody could take them in time.

use std::time::Duration;

use domain::entity::workspace;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use testkit::{Answer, Server};

use crate::{
    agent::{Agent, ENGINE, Job},
    runs::{run, upload},
};

fn state(serial: i64, lineage: &str) -> String {
    json!({
        "version": 4, "terraform_version": ENGINE, "serial": serial, "lineage": lineage,
        "outputs": {}, "resources": [],
    })
    .to_string()
}

/// An apply in `networking` that has begun, some time after the state that it begins with.
async fn begun<'a>(server: &Server, agent: &'a Agent<'_>) -> Job<'a> {
    server.stop_clock();
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    push(server, &state(1, "one")).await.is_created();
    server.pass(Duration::from_secs(10));
    upload(&owner, &ws, false).await;
    apply_again(server, agent).await
}

/// The apply of a new run, which has begun.
async fn apply_again<'a>(server: &Server, agent: &'a Agent<'_>) -> Job<'a> {
    let apply = claim_again(server, agent).await;
    assert_eq!(apply.start().await, 204);
    apply
}

async fn claim_again<'a>(server: &Server, agent: &'a Agent<'_>) -> Job<'a> {
    let owner = server.owner();
    let ws = workspace(server).await;
    let new = run(&ws, json!({ "auto-apply": true }));
    owner.post("/runs", new).await.is_created();
    server.advance().await;
    agent.must_claim().await.execute().await;
    server.advance().await;
    // Long enough for whoever watches the plan.
    server.pass(Duration::from_secs(10));
    let apply = agent.must_claim().await;
    assert!(apply.is_apply());
    apply
}

/// When nothing is held up any more for a state that may come; the agent is there.
async fn an_hour_later(server: &Server) -> Agent<'_> {
    server.pass(Duration::from_hours(1));
    Agent::register(server).await
}

/// One that has ended while its state is still with its agent.
async fn ended_without_state<'a>(server: &Server, agent: &'a Agent<'_>) -> Job<'a> {
    let apply = begun(server, agent).await;
    end(server, &apply).await;
    apply
}

async fn end(server: &Server, apply: &Job<'_>) {
    assert_eq!(apply.end_without_state().await, 204);
    assert_eq!(apply.finish().await, 204);
    server.pass(Duration::from_secs(10));
}

async fn workspace(server: &Server) -> domain::row::Workspace {
    let found = server.owner().get("/organizations/acme/workspaces/networking").await.is_ok();
    let id: domain::id::WorkspaceId = found.id().parse().unwrap();
    let tx = server.db.write().await.unwrap();
    let row = tx.lock::<workspace::Entity>(id).await.unwrap().unwrap();
    let workspace = domain::row::Workspace::clone(&row);
    tx.roll_back().await;
    workspace
}

/// A state as a person sends it.
async fn push(server: &Server, content: &str) -> Answer {
    let owner = server.owner();
    let id = owner.get("/organizations/acme/workspaces/networking").await.is_ok().id();
    owner.post(format!("/workspaces/{id}/actions/lock"), ()).await.is_ok();
    let parsed: Value = serde_json::from_str(content).unwrap();
    let body = json!({ "data": { "type": "state-versions", "attributes": {
        "serial": parsed["serial"], "lineage": parsed["lineage"],
        "md5": hex::encode(<md5::Md5 as md5::Digest>::digest(content)),
        "state": base64::Engine::encode(&base64::engine::general_purpose::STANDARD, content),
    } } });
    let made = owner.post(format!("/workspaces/{id}/state-versions"), body).await;
    owner.post(format!("/workspaces/{id}/actions/unlock"), ()).await.is_ok();
    made
}

async fn current(server: &Server) -> String {
    let owner = server.owner();
    let id = owner.get("/organizations/acme/workspaces/networking").await.is_ok().id();
    let version = owner.get(format!("/workspaces/{id}/current-state-version")).await.is_ok().id();
    owner.get(format!("/state-versions/{version}/download")).await.is_ok().text()
}

/// What the API says of the apply, and what its errored state is.
async fn shown(server: &Server, run: &str) -> (String, Option<String>) {
    let owner = server.owner();
    let apply = owner.get(format!("/runs/{run}/apply")).await.is_ok();
    let message = apply.attribute("message").as_str().unwrap_or_default().to_owned();
    let errored = owner.get(format!("/applies/{}/errored-state", apply.id())).await;
    let errored = match errored.status.as_u16() {
        404 => None,
        _ => Some(owner.get(errored.redirects()).await.is_ok().text()),
    };
    (message, errored)
}

fn is_kept(answer: Answer, content: &str, is_current: bool) {
    let kept = answer.is_ok().json();
    assert_eq!(kept["sha256"], hex::encode(Sha256::digest(content)));
    assert_eq!(kept["is_current"], is_current);
}

#[tokio::test]
async fn a_state_that_comes_late_is_the_current_one_if_nothing_has_happened_since() {
    let server = Server::start().await;
    let agent = Agent::register(&server).await;
    let apply = ended_without_state(&server, &agent).await;
    assert_eq!(current(&server).await, state(1, "one"));
    let late = state(4, "one");
    is_kept(apply.recover(&late).await, &late, true);
    assert_eq!(current(&server).await, late);
    let (message, errored) = shown(&server, apply.run()).await;
    let said = "The state could not be saved. Its agent has brought the state since: it is the workspace's current one.";
    assert_eq!((message.as_str(), errored), (said, None));
    // The answer was lost on its way.
    is_kept(apply.recover(&late).await, &late, true);
    assert_eq!(shown(&server, apply.run()).await.0, said);
    let ws = workspace(&server).await.id;
    let all = server.owner().get(format!("/workspaces/{ws}/state-versions")).await.is_ok();
    assert_eq!(all.attributes("serial"), [4, 1]);
    // And once more when others have gone on from there.
    push(&server, &state(5, "one")).await.is_created();
    is_kept(apply.recover(&late).await, &late, false);
    assert_eq!(current(&server).await, state(5, "one"));
}

#[tokio::test]
async fn so_is_the_first_one_and_one_that_follows_on_what_the_run_had_saved() {
    let server = Server::start().await;
    let agent = Agent::register(&server).await;
    let apply = begun(&server, &agent).await;
    assert_eq!(apply.save_state(2, 1).await, 200);
    end(&server, &apply).await;
    let late = state(3, "one");
    is_kept(apply.recover(&late).await, &late, true);

    let server = Server::start().await;
    server.stop_clock();
    let agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    upload(&server.owner(), &ws, false).await;
    let apply = apply_again(&server, &agent).await;
    end(&server, &apply).await;
    is_kept(apply.recover(&late).await, &late, true);
    assert_eq!(current(&server).await, late);
}

#[tokio::test]
async fn one_that_others_have_overtaken_is_kept_beside_whatever_its_serial_is() {
    for (theirs, late) in [
        // Serial and lineage would fit, but somebody else has gone on from the same state.
        (state(2, "one"), state(9, "one")),
        (state(9, "one"), state(2, "one")),
    ] {
        let server = Server::start().await;
        let agent = Agent::register(&server).await;
        let apply = ended_without_state(&server, &agent).await;
        push(&server, &theirs).await.is_created();
        for _ in 0..2 {
            is_kept(apply.recover(&late).await, &late, false);
            let (message, errored) = shown(&server, apply.run()).await;
            assert!(message.ends_with("is kept as the run's errored state."), "{message}");
            assert_eq!(message.matches("since").count(), 1, "{message}");
            assert_eq!(errored.as_deref(), Some(late.as_str()));
        }
        assert_eq!(current(&server).await, theirs);
        // Nothing replaces it that does not follow on it.
        for other in [state(1, "one") + " ", state(99, "two")] {
            apply.recover(&other).await.is_unprocessable("/data/attributes/state");
            assert_eq!(shown(&server, apply.run()).await.1.as_deref(), Some(late.as_str()));
        }
        let newer = state(99, "one");
        is_kept(apply.recover(&newer).await, &newer, false);
        assert_eq!(shown(&server, apply.run()).await.1, Some(newer));
    }
    let server = Server::start().await;
    let agent = Agent::register(&server).await;
    let apply = ended_without_state(&server, &agent).await;
    let foreign = state(7, "two");
    is_kept(apply.recover(&foreign).await, &foreign, false);
    assert_eq!(current(&server).await, state(1, "one"));
}

#[tokio::test]
async fn it_waits_for_whoever_is_at_work_in_the_workspace() {
    let server = Server::start().await;
    let agent = Agent::register(&server).await;
    let apply = begun(&server, &agent).await;
    let late = state(4, "one");
    // The run itself, first.
    apply.recover(&late).await.is_conflict();
    end(&server, &apply).await;
    let ws = workspace(&server).await.id;
    let owner = server.owner();
    owner.post(format!("/workspaces/{ws}/actions/lock"), ()).await.is_ok();
    apply.recover(&late).await.is_conflict();
    owner.post(format!("/workspaces/{ws}/actions/unlock"), ()).await.is_ok();

    let agent = an_hour_later(&server).await;
    let other = claim_again(&server, &agent).await;
    apply.recover(&late).await.is_conflict();
    assert_eq!(other.start().await, 204);
    apply.recover(&late).await.is_conflict();
    assert_eq!(current(&server).await, state(1, "one"));
    assert_eq!(shown(&server, apply.run()).await.0, "The state could not be saved.");
    // It changes nothing.
    assert_eq!(other.outcome("finished", false).await, 204);
    is_kept(apply.recover(&late).await, &late, true);
    assert_eq!(current(&server).await, late);
}

#[tokio::test]
async fn what_can_never_be_taken_is_refused_for_good_and_the_run_says_so() {
    let server = Server::start().await;
    let agent = Agent::register(&server).await;
    let apply = ended_without_state(&server, &agent).await;
    for no_state in [&state(4, "one")[..20], "", "[]", r#"{"version":4,"lineage":"one"}"#] {
        assert_eq!(apply.recover(no_state).await.status.as_u16(), 422, "{no_state}");
    }
    let (message, errored) = shown(&server, apply.run()).await;
    assert!(message.contains("it stays with the agent"), "{message}");
    assert_eq!((errored, current(&server).await), (None, state(1, "one")));
    // Nobody waits for it any more.
    let path = "/organizations/acme/workspaces/networking";
    server.owner().delete(path).await.is_no_content();
    assert_eq!(apply.recover(&state(4, "one")).await.status.as_u16(), 410);
}

#[tokio::test]
async fn only_the_agents_that_had_begun_the_apply_are_heard() {
    let server = Server::start().await;
    let agent = Agent::register(&server).await;
    let apply = ended_without_state(&server, &agent).await;
    let owner = server.owner();
    let body = json!({ "data": { "type": "agent-pools", "attributes": { "name": "pool" } } });
    let pool = owner.post("/organizations/acme/agent-pools", body).await.is_created().id();
    let body = json!({ "data": { "type": "authentication-tokens", "attributes": { "description": "x" } } });
    let path = format!("/agent-pools/{pool}/authentication-tokens");
    let token = owner.post(path, body).await.is_created().attribute("token");
    let stranger = Agent::register_with(&server, token.as_str().unwrap()).await;
    let theirs = stranger.old_job(apply.json.clone());
    // No word for good: the agent may have shown a wrong token.
    theirs.recover(&state(4, "one")).await.is_conflict();
    let unknown = agent.old_job(json!({ "id": "job-1111111111111111" }));
    assert_eq!(unknown.recover(&state(4, "one")).await.status.as_u16(), 410);
    // An apply that nobody has begun has left nothing.
    let agent = an_hour_later(&server).await;
    let waiting = claim_again(&server, &agent).await;
    assert_eq!(waiting.recover(&state(4, "one")).await.status.as_u16(), 410);
    assert_eq!(current(&server).await, state(1, "one"));
}

#[tokio::test]
async fn a_workspace_is_kept_for_a_state_that_may_come_for_an_hour() {
    let path = "/organizations/acme/workspaces/networking";
    let server = Server::start().await;
    let agent = Agent::register(&server).await;
    let apply = ended_without_state(&server, &agent).await;
    for path in [path, "/organizations/acme"] {
        let said = server.owner().delete(path).await.is_conflict().error();
        assert!(said.contains(apply.run()) && said.contains("ended without its state"), "{said}");
    }
    server.pass(Duration::from_hours(1));
    server.owner().delete(path).await.is_no_content();

    let server = Server::start().await;
    let agent = Agent::register(&server).await;
    let apply = ended_without_state(&server, &agent).await;
    server.owner().delete(path).await.is_conflict();
    apply.recover(&state(4, "one")).await.is_ok();
    server.owner().delete(path).await.is_no_content();
}

#[tokio::test]
async fn the_state_of_an_agent_that_was_lost_may_come_when_it_is_back() {
    let path = "/organizations/acme/workspaces/networking";
    let server = Server::start().await;
    let agent = Agent::register(&server).await;
    let apply = begun(&server, &agent).await;
    server.pass(Duration::from_mins(2));
    domain::agents::sweep(&server.system()).await.unwrap();
    let (message, _) = shown(&server, apply.run()).await;
    assert!(message.contains("it brings when it is back"), "{message}");
    server.owner().delete(path).await.is_conflict();
    let late = state(4, "one");
    is_kept(apply.recover(&late).await, &late, true);
    assert_eq!(current(&server).await, late);
    server.owner().delete(path).await.is_no_content();
}

#[tokio::test]
async fn no_run_waits_for_a_log_that_cannot_be_written() {
    let server = Server::start().await;
    let agent = Agent::register(&server).await;
    let apply = begun(&server, &agent).await;
    let other = server.beside_without_blobs().await;
    server.pass(Duration::from_mins(2));
    other.stop_clock(server.app.now());
    domain::agents::sweep(&other.system("test")).await.unwrap();
    let run = server.owner().get(format!("/runs/{}", apply.run())).await.is_ok();
    assert_eq!(run.attribute("status"), "errored");
    assert!(shown(&server, apply.run()).await.0.contains("was lost"));
}

#[tokio::test]
async fn nothing_is_planned_or_applied_before_it_is_known_what_there_is() {
    let server = Server::start().await;
    let agent = Agent::register(&server).await;
    let apply = ended_without_state(&server, &agent).await;
    let owner = server.owner();
    let ws = workspace(&server).await;
    let next = owner.post("/runs", run(&ws, json!({}))).await.is_created().id();
    let looking = owner.post("/runs", run(&ws, json!({ "plan-only": true }))).await.is_created();
    server.advance().await;
    let status = async |id: &str| {
        let run = owner.get(format!("/runs/{id}")).await.is_ok();
        let why = &run.data()["attributes"]["waiting-reason"];
        (run.attribute("status").as_str().unwrap().to_owned(), why.as_str().map(str::to_owned))
    };
    let (waits, why) = status(&next).await;
    assert_eq!(waits, "pending");
    let why = why.unwrap();
    assert!(why.contains("has ended without its state") && why.contains(apply.run()), "{why}");
    // Whoever only looks changes nothing.
    assert_eq!(status(&looking.id()).await.0, "plan_queued");
    is_kept(apply.recover(&state(2, "one")).await, &state(2, "one"), true);
    server.advance().await;
    assert_eq!(status(&next).await.0, "plan_queued");
}

#[tokio::test]
async fn a_state_that_never_comes_is_not_waited_for_without_end() {
    let server = Server::start().await;
    let agent = Agent::register(&server).await;
    ended_without_state(&server, &agent).await;
    let owner = server.owner();
    let next = run(&workspace(&server).await, json!({}));
    let next = owner.post("/runs", next).await.is_created().id();
    server.advance().await;
    let status = async || owner.get(format!("/runs/{next}")).await.is_ok().attribute("status");
    assert_eq!(status().await, "pending");
    an_hour_later(&server).await;
    server.advance().await;
    assert_eq!(status().await, "plan_queued");
}

#[tokio::test]
async fn a_state_that_somebody_uploads_ends_the_waiting() {
    let server = Server::start().await;
    let agent = Agent::register(&server).await;
    let apply = ended_without_state(&server, &agent).await;
    let owner = server.owner();
    let next = run(&workspace(&server).await, json!({}));
    let next = owner.post("/runs", next).await.is_created().id();
    server.advance().await;
    let status = async || owner.get(format!("/runs/{next}")).await.is_ok().attribute("status");
    assert_eq!(status().await, "pending");
    push(&server, &state(2, "one")).await.is_created();
    server.advance().await;
    assert_eq!(status().await, "plan_queued");
    // What comes all the same is kept beside it.
    is_kept(apply.recover(&state(3, "one")).await, &state(3, "one"), false);
    assert_eq!(current(&server).await, state(2, "one"));
}

#[tokio::test]
async fn no_pool_is_deleted_whose_agent_may_still_bring_a_state() {
    let server = Server::start().await;
    let agent = Agent::register(&server).await;
    let apply = ended_without_state(&server, &agent).await;
    let owner = server.owner();
    let body = json!({ "data": { "type": "agent-pools", "attributes": { "name": "pool" } } });
    let pool = owner.post("/organizations/acme/agent-pools", body).await.is_created().id();
    // As if an agent of the pool had done it.
    let tx = server.db.write().await.unwrap();
    let id: domain::id::JobId = apply.json["id"].as_str().unwrap().parse().unwrap();
    let mut job = tx.lock::<domain::entity::job::Entity>(id).await.unwrap().unwrap();
    job.agent_pool_id = Some(pool.parse().unwrap());
    tx.update(job).await.unwrap();
    tx.commit().await.unwrap();
    let path = format!("/agent-pools/{pool}");
    let said = owner.delete(&path).await.is_conflict().error();
    assert!(said.contains(apply.run()), "{said}");
    server.pass(Duration::from_hours(1));
    owner.delete(&path).await.is_no_content();
}

#[tokio::test]
async fn a_serial_from_which_no_engine_can_go_on_is_refused() {
    let server = Server::start().await;
    server.workspace("networking").await;
    push(&server, &state(i64::MAX, "one")).await.is_unprocessable("/data/attributes/serial");
    push(&server, &state(1 << 53, "one")).await.is_unprocessable("/data/attributes/serial");
    push(&server, &state((1 << 53) - 1, "one")).await.is_created();
}
