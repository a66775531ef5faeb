//! States that nobody takes at the end of their apply: they are offered until somebody does, by whichever agent.

use std::time::Duration;

use axum::http::StatusCode;
use protocol::PhaseResult;

use crate::bench::{Bench, inspect, resource};
use crate::recovery::leave_behind;

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_nobody_takes_for_long_is_brought_by_the_next_agent() {
    let mut bench = Bench::idle().await;
    let config =
        statehouse_agent::Config { patience: Duration::from_millis(100), ..bench.config() };
    bench.go_with(config);
    let plan = bench.plan(&[("main.tf", &resource("a", "true"))]);
    let planned = bench.execute(&plan).await;
    // A store that is full, say.
    bench.server.world().refuse_states = Some(StatusCode::SERVICE_UNAVAILABLE);
    bench.server.world().recovered = Some(StatusCode::SERVICE_UNAVAILABLE);
    let apply = bench.apply(&plan, &planned, None);
    let applied = bench.execute(&apply).await;
    assert_eq!(applied.outcome().result, PhaseResult::Errored);
    assert!(applied.outcome().state_pending, "the server is told that it is still to come");
    let message = applied.outcome().message.clone().unwrap();
    assert!(message.contains("offered to the server until it has it"), "{message}");
    assert!(applied.text().contains("offered to the server until it has it"));
    bench.until_clean().await;
    let file = bench.path("work/errored").join(format!("{}.tfstate", plan.run_id));
    let kept = std::fs::read(&file).unwrap();
    let note = std::fs::read(file.with_extension("tfstate.job")).unwrap();
    let note: serde_json::Value = serde_json::from_slice(&note).unwrap();
    assert_eq!((&note["job"], &note["run"]), (&apply.id.into(), &plan.run_id.into()));

    let job = note["job"].as_str().unwrap().to_owned();
    bench.server.until(&job, |record| record.offers > 0).await;
    bench.restart().await;
    // The server is an older one for a while.
    bench.server.world().recovered = None;
    let offers = bench.server.record(&job).offers;
    bench.server.until(&job, |record| record.offers > offers).await;
    assert!(bench.server.record(&job).recovered.is_empty() && file.exists());
    bench.server.world().recovered = Some(StatusCode::OK);
    let record = bench.server.until(&job, |record| !record.recovered.is_empty()).await;
    assert_eq!(record.recovered, std::slice::from_ref(&kept));
    assert_eq!(inspect(&kept).1, ["a"]);
    bench.until_delivered().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn so_is_what_an_orphaned_engine_has_left_when_its_run_is_over() {
    let mut bench = Bench::idle().await;
    bench.server.world().jobs.entry("job-lost".into()).or_default().gone = true;
    bench.server.world().refuse_states = Some(StatusCode::GONE);
    bench.server.world().recovered = Some(StatusCode::OK);
    let state = "{\n  \"version\": 4,\n  \"serial\": 5,\n  \"resources\": []\n}\n";
    std::fs::write(leave_behind(&bench, "apply"), state).unwrap();
    bench.go();
    let record = bench.server.until("job-lost", |record| !record.recovered.is_empty()).await;
    assert_eq!(record.recovered, [state]);
    bench.until_clean().await;
    bench.until_delivered().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_will_never_take_stays_and_is_offered_once() {
    let mut bench = Bench::idle().await;
    bench.server.world().jobs.entry("job-lost".into()).or_default().gone = true;
    bench.server.world().refuse_states = Some(StatusCode::GONE);
    bench.server.world().recovered = Some(StatusCode::UNPROCESSABLE_ENTITY);
    let state = "{\n  \"version\": 4,\n  \"serial\": 5,\n  \"resources\": []\n}\n";
    std::fs::write(leave_behind(&bench, "apply"), state).unwrap();
    bench.go();
    bench.server.until("job-lost", |record| record.offers > 0).await;
    bench.until_clean().await;
    let kept = bench.path("work/errored/run-lost.tfstate");
    let note = bench.path("work/errored/run-lost.tfstate.job");
    let over = async {
        while note.exists() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), over).await.expect("nobody waits for it any more");
    bench.restart().await;
    // The next job is claimed when all that was found has been looked at.
    bench.execute(&bench.plan(&[("main.tf", "")])).await;
    assert_eq!(std::fs::read_to_string(kept).unwrap(), state);
    assert_eq!(bench.server.record("job-lost").offers, 1);
}
