//! What an agent finds after a crash.

use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

use axum::http::StatusCode;

use protocol::PhaseResult;

use crate::bench::{Bench, inspect};

fn state(serial: u64) -> String {
    let resources = r#"[{"mode": "managed", "type": "x", "name": "y", "instances": [{}]}]"#;
    format!("{{\n  \"version\": 4,\n  \"serial\": {serial},\n  \"resources\": {resources}\n}}\n")
}

/// A job directory as a killed agent leaves it; answers the path of its state.
pub fn leave_behind(bench: &Bench, phase: &str) -> PathBuf {
    let place = bench.path("work/jobs/job-lost-x1");
    let state = "site/config/.statehouse/state/networking/terraform.tfstate";
    std::fs::create_dir_all(place.join(state).parent().unwrap()).unwrap();
    let manifest = serde_json::json!({
        "job_id": "job-lost", "run_id": "run-lost", "phase": phase, "log_offset": 5,
        "state": state,
    });
    std::fs::write(place.join("job.json"), manifest.to_string()).unwrap();
    std::fs::write(place.join("secrets.json"), r#"["hunter2-s3cret"]"#).unwrap();
    place.join(state)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_of_an_orphaned_engine_is_brought_to_the_server() {
    let mut bench = Bench::idle().await;
    let path = leave_behind(&bench, "apply");
    std::fs::write(&path, state(1)).unwrap();
    // It is still busy when the new agent comes, and saves a later state.
    let mut orphan = Command::new("sh")
        .args(["-c", &format!("sleep 2; printf '%s' '{}' > terraform.tfstate", state(2))])
        // By which keepers are known.
        .arg("engine-exec")
        .current_dir(path.parent().unwrap())
        .process_group(0)
        .spawn()
        .unwrap();
    // Its parent is this test, which must bury it.
    std::thread::spawn(move || orphan.wait());
    // The server has seen a part of its log.
    std::fs::write(
        bench.path("work/jobs/job-lost-x1/log"),
        "x.y: Creation complete after 0s\nhunter2-s3cret\n",
    )
    .unwrap();
    bench.server.world().jobs.entry("job-lost".into()).or_default().log = b"\x02old\nx.y: ".into();
    bench.go();
    bench.until_clean().await;
    let record = bench.server.record("job-lost");
    assert_eq!(inspect(record.states.last().unwrap()).0, 2);
    assert_eq!(record.outcome().result, PhaseResult::Errored);
    assert_eq!(record.outcome().counts.additions, 1);
    assert!(record.finished);
    let text = record.text();
    assert!(text.starts_with(
        "\u{2}old\nx.y: Creation complete after 0s\n(sensitive value)\n\nError: The agent was lost"
    ));
    assert!(text.ends_with("is saved.\n\u{3}"), "{text}");
    assert!(record.called("state") < record.called("outcome"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_that_had_not_begun_is_ended_at_once() {
    let mut bench = Bench::idle().await;
    let place = bench.path("work/jobs/x1");
    std::fs::create_dir_all(&place).unwrap();
    let manifest = serde_json::json!({
        "job_id": "job-lost", "run_id": "run-lost", "phase": "apply", "log_offset": 0,
    });
    std::fs::write(place.join("job.json"), manifest.to_string()).unwrap();
    std::fs::write(place.join("secrets.json"), "[]").unwrap();
    bench.go();
    bench.until_clean().await;
    let record = bench.server.record("job-lost");
    assert_eq!(record.outcome().result, PhaseResult::Errored);
    assert!(record.text().contains("nothing was changed"), "{}", record.text());
    assert!(record.raw().ends_with('\u{3}'));
    assert!(record.states.is_empty() && record.finished);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_nobody_wants_is_put_aside() {
    for refusal in [StatusCode::GONE, StatusCode::CONFLICT, StatusCode::NOT_FOUND] {
        let mut bench = Bench::idle().await;
        bench.server.world().refuse_states = Some(refusal);
        bench.server.world().jobs.entry("job-lost".into()).or_default().gone = true;
        std::fs::write(leave_behind(&bench, "apply"), state(5)).unwrap();
        bench.go();
        bench.until_clean().await;
        let kept = std::fs::read(bench.path("work/errored/run-lost.tfstate")).unwrap();
        assert_eq!(inspect(&kept).0, 5);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_that_only_missed_its_report_counts_as_finished() {
    let mut bench = Bench::idle().await;
    std::fs::write(leave_behind(&bench, "apply"), state(3)).unwrap();
    let log = "Apply complete! Resources: 2 added, 0 changed, 0 destroyed.\n";
    std::fs::write(bench.path("work/jobs/job-lost-x1/log"), log).unwrap();
    bench.server.world().jobs.entry("job-lost".into()).or_default().log = b"\x02old\n".into();
    bench.go();
    bench.until_clean().await;
    let record = bench.server.record("job-lost");
    assert_eq!(record.outcome().result, PhaseResult::Finished);
    assert_eq!(record.outcome().counts.additions, 2);
    assert_eq!(inspect(record.states.last().unwrap()).0, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_whose_state_is_nowhere_is_no_success_and_keeps_its_directory() {
    let mut bench = Bench::idle().await;
    leave_behind(&bench, "apply");
    let log = "Apply complete! Resources: 2 added, 0 changed, 0 destroyed.\n";
    std::fs::write(bench.path("work/jobs/job-lost-x1/log"), log).unwrap();
    bench.server.world().jobs.entry("job-lost".into()).or_default().log = b"\x02old\n".into();
    bench.go();
    let record = bench.server.until("job-lost", |record| record.finished).await;
    assert_eq!(record.outcome().result, PhaseResult::Errored);
    let message = record.outcome().message.as_deref().unwrap();
    assert!(message.contains("its state is not where it belongs"), "{message}");
    // The next job is claimed when all of this is over.
    bench.execute(&bench.plan(&[])).await;
    assert!(bench.path("work/jobs/job-lost-x1").is_dir());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_plan_left_is_only_removed() {
    let mut bench = Bench::idle().await;
    std::fs::write(leave_behind(&bench, "plan"), state(1)).unwrap();
    bench.go();
    bench.until_clean().await;
    assert!(bench.server.record("job-lost").calls.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_agents_cannot_share_a_work_directory() {
    let mut bench = Bench::start().await;
    bench.execute(&bench.plan(&[])).await;
    let second = statehouse_agent::run(bench.config(), bench.shutdown.clone()).await;
    assert!(second.unwrap_err().to_string().contains("another agent works in"));
    bench.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_that_had_ended_is_reported_as_it_ended_and_its_state_is_not_sent_again() {
    let mut bench = Bench::idle().await;
    std::fs::write(leave_behind(&bench, "apply"), state(3)).unwrap();
    let place = bench.path("work/jobs/job-lost-x1");
    let manifest = std::fs::read(place.join("job.json")).unwrap();
    let mut manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    manifest["ended"] = serde_json::json!({
        "result": "finished", "message": null, "has_changes": false,
        "counts": { "additions": 4 }, "generated_configuration": false,
    });
    std::fs::write(place.join("job.json"), manifest.to_string()).unwrap();
    bench.server.world().jobs.entry("job-lost".into()).or_default().log = b"\x02old\n".into();
    // The run has gone on: its workspace is somebody else's by now.
    bench.server.world().refuse_states = Some(StatusCode::CONFLICT);
    // A question about its state that never came to an answer.
    let mut orphan = Command::new("sh")
        .args(["-c", "trap '' TERM; mkfifo p; read x < p", "engine-exec"])
        .current_dir(&place)
        .spawn()
        .unwrap();
    bench.go();
    bench.until_clean().await;
    let record = bench.server.record("job-lost");
    assert_eq!(record.outcome().result, PhaseResult::Finished);
    assert_eq!(record.outcome().counts.additions, 4);
    assert!(!record.text().contains("could not be saved"), "{}", record.text());
    assert!(record.states.is_empty() && record.finished);
    assert!(!bench.path("work/errored/run-lost.tfstate").exists());
    assert!(!orphan.wait().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_of_which_nobody_knows_whose_it_is_stays_and_holds_nothing_up() {
    let mut bench = Bench::idle().await;
    let kept = bench.path("work/jobs/damaged");
    let empty = bench.path("work/jobs/empty");
    for place in [&kept, &empty] {
        std::fs::create_dir_all(place).unwrap();
        std::fs::write(place.join("job.json"), "{").unwrap();
    }
    std::fs::write(kept.join("own.tfstate"), state(3)).unwrap();
    std::os::unix::fs::symlink("nowhere", bench.path("work/jobs/dangling")).unwrap();
    bench.go();
    // The first job is claimed when all of this is over.
    let record = bench.execute(&bench.plan(&[])).await;
    assert_eq!(record.outcome().result, PhaseResult::Finished, "{}", record.text());
    assert_eq!(std::fs::read_to_string(kept.join("own.tfstate")).unwrap(), state(3));
    assert!(!empty.exists());
}
