//! Applies: the state reaches the server in every case.

use std::time::Duration;

use axum::http::StatusCode;
use protocol::{Cancel, Counts, PhaseResult};

use crate::bench::{Bench, inspect, resource, variable};
use crate::server::Record;

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_ends_with_the_state_at_the_server() {
    let bench = Bench::start().await;
    let main = resource("a", "echo made it");
    let (_, applied) = bench.plan_and_apply(&bench.plan(&[("main.tf", &main)])).await;
    assert_eq!(applied.outcome().result, PhaseResult::Finished, "{}", applied.text());
    assert_eq!(applied.outcome().counts, Counts { additions: 1, ..Counts::default() });
    assert!(applied.text().contains("made it"));
    assert_eq!(inspect(applied.states.last().unwrap()).1, ["a"]);
    let last_state = applied.calls.iter().rposition(|call| call == "state");
    assert!(last_state < applied.called("outcome"));
    assert!(applied.called("outcome") < applied.called("json-state"));
    let state: serde_json::Value =
        serde_json::from_slice(&applied.artifacts["json-state"]).unwrap();
    assert_eq!(state["values"]["root_module"]["resources"][0]["address"], "terraform_data.a");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_that_fails_half_way_keeps_what_was_made() {
    let bench = Bench::start().await;
    let second =
        resource("b", "exit 3").replace("\"b\" {", "\"b\" {\n depends_on = [terraform_data.a]");
    let main = resource("a", "true") + &second;
    let (_, applied) = bench.plan_and_apply(&bench.plan(&[("main.tf", &main)])).await;
    assert_eq!(applied.outcome().result, PhaseResult::Errored);
    assert_eq!(applied.outcome().counts.additions, 1);
    let message = applied.outcome().message.as_deref().unwrap();
    assert!(message.contains("local-exec provisioner error"), "{message}");
    // What failed is there as well, tainted.
    assert_eq!(inspect(applied.states.last().unwrap()).1, ["a", "b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_travels_while_the_apply_goes_on() {
    let bench = Bench::start().await;
    let gate = bench.path("open/gate");
    let wait = format!("while [ ! -e {} ]; do sleep 0.1; done", gate.display());
    let last = resource("last", "true")
        .replace("\"last\" {", "\"last\" {\n depends_on = [terraform_data.slow]");
    let main = resource("quick", "true") + &resource("slow", &wait) + &last;
    let plan = bench.plan(&[("main.tf", &main)]);
    let planned = bench.execute(&plan).await;
    let apply = bench.apply(&plan, &planned, None);
    bench.server.enqueue(apply.clone());
    let during = bench.server.until(&apply.id, |record| !record.states.is_empty()).await;
    assert!(during.outcome.is_none());
    let (serial, names) = inspect(&during.states[0]);
    assert!(!names.contains(&"last".to_owned()), "{names:?}");
    std::fs::write(gate, "").unwrap();
    let applied = bench.server.until(&apply.id, |record| record.finished).await;
    let (last, names) = inspect(applied.states.last().unwrap());
    assert!(last > serial);
    assert_eq!(names, ["last", "quick", "slow"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_graceful_cancel_saves_the_state() {
    let bench = Bench::start().await;
    let main = resource("quick", "true") + &resource("slow", "sleep 600");
    let plan = bench.plan(&[("main.tf", &main)]);
    let planned = bench.execute(&plan).await;
    let apply = bench.apply(&plan, &planned, None);
    bench.server.enqueue(apply.clone());
    let running = |record: &Record| record.text().contains("quick: Creation complete");
    bench.server.until(&apply.id, running).await;
    bench.server.world().jobs.get_mut(&apply.id).unwrap().cancel = Cancel::Graceful;
    let applied = bench.server.until(&apply.id, |record| record.finished).await;
    assert_eq!(applied.outcome().result, PhaseResult::Canceled);
    assert!(applied.text().contains("The run was canceled"));
    assert!(applied.text().contains("Interrupt received"), "the engine ended by itself");
    assert!(inspect(applied.states.last().unwrap()).1.contains(&"quick".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forced_cancel_kills_an_engine_that_does_not_listen() {
    let bench = Bench::start().await;
    let slow = resource("slow", "trap '' INT TERM; echo deaf; while :; do sleep 1; done");
    let main = resource("quick", "true") + &slow;
    let plan = bench.plan(&[("main.tf", &main)]);
    let planned = bench.execute(&plan).await;
    let apply = bench.apply(&plan, &planned, None);
    bench.server.enqueue(apply.clone());
    let running = |record: &Record| {
        record.text().contains("deaf") && record.text().contains("quick: Creation complete")
    };
    bench.server.until(&apply.id, running).await;
    bench.server.world().jobs.get_mut(&apply.id).unwrap().cancel = Cancel::Force;
    let applied = bench.server.until(&apply.id, |record| record.finished).await;
    assert_eq!(applied.outcome().result, PhaseResult::Canceled);
    assert!(applied.text().ends_with('\u{3}'));
    // The engine notes a resource before its provisioners run.
    assert_eq!(inspect(applied.states.last().unwrap()).1, ["quick", "slow"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phase_that_takes_too_long_is_an_error() {
    let bench = Bench::start().await;
    let plan = bench.plan(&[("main.tf", &resource("slow", "sleep 600"))]);
    let planned = bench.execute(&plan).await;
    let mut apply = bench.apply(&plan, &planned, None);
    apply.timeout_seconds = 3;
    apply.limits.timeout_set_by = Some("apply-timeout of the site".into());
    let applied = bench.execute(&apply).await;
    assert_eq!(applied.outcome().result, PhaseResult::Errored);
    let message = applied.outcome().message.as_deref().unwrap();
    assert!(message.contains("longer than allowed"), "{message}");
    let why = "The apply took 3 s, and may take no more, while it worked on terraform_data.slow. \
               To change that, see apply-timeout of the site.";
    assert!(message.contains(why), "{message}");
    assert_eq!(inspect(applied.states.last().unwrap()).1, ["slow"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_the_server_refuses_is_kept() {
    let bench = Bench::start().await;
    let plan = bench.plan(&[("main.tf", &resource("a", "true"))]);
    let planned = bench.execute(&plan).await;
    bench.server.world().refuse_states = Some(StatusCode::UNPROCESSABLE_ENTITY);
    let applied = bench.execute(&bench.apply(&plan, &planned, None)).await;
    assert_eq!(applied.outcome().result, PhaseResult::Errored);
    let kept = bench.path("work/errored").join(format!("{}.tfstate", plan.run_id));
    assert_eq!(inspect(&std::fs::read(&kept).unwrap()).1, ["a"]);
    assert_eq!(inspect(&applied.artifacts["errored-state"]).1, ["a"]);
    assert!(applied.text().contains(&kept.display().to_string()), "{}", applied.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_gone_is_stopped_and_its_state_put_aside() {
    let bench = Bench::start().await;
    let main = resource("quick", "true") + &resource("slow", "sleep 600");
    let plan = bench.plan(&[("main.tf", &main)]);
    let planned = bench.execute(&plan).await;
    let apply = bench.apply(&plan, &planned, None);
    bench.server.enqueue(apply.clone());
    let running = |record: &Record| record.text().contains("quick: Creation complete");
    bench.server.until(&apply.id, running).await;
    bench.server.world().jobs.get_mut(&apply.id).unwrap().gone = true;
    let kept = bench.path("work/errored").join(format!("{}.tfstate", plan.run_id));
    bench.until_clean().await;
    assert!(inspect(&std::fs::read(kept).unwrap()).1.contains(&"quick".to_owned()));
    assert!(bench.server.record(&apply.id).outcome.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn values_of_ephemeral_variables_are_given_to_the_apply_again() {
    let bench = Bench::start().await;
    let main = "variable \"token\" {\n  ephemeral = true\n}\nvariable \"plain\" {}\n\
                resource \"terraform_data\" \"a\" { input = var.plain }\n";
    let mut plan = bench.plan(&[("main.tf", main)]);
    plan.variables = vec![variable("token", "hunter2", false), variable("plain", "7", false)];
    let (_, applied) = bench.plan_and_apply(&plan).await;
    assert_eq!(applied.outcome().result, PhaseResult::Finished, "{}", applied.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_interrupts_what_does_not_end_and_reports_it() {
    let mut bench = Bench::idle().await;
    let mut config = bench.config();
    config.grace = Duration::from_secs(2);
    bench.go_with(config);
    let plan = bench.plan(&[("main.tf", &resource("slow", "echo begun; sleep 600"))]);
    let planned = bench.execute(&plan).await;
    let apply = bench.apply(&plan, &planned, None);
    bench.server.enqueue(apply.clone());
    bench.server.until(&apply.id, |record| record.text().contains("begun")).await;
    bench.stop().await.unwrap();
    let applied = bench.server.record(&apply.id);
    assert_eq!(applied.outcome().result, PhaseResult::Errored);
    assert!(applied.outcome().message.as_deref().unwrap().contains("shut down"));
    assert_eq!(inspect(applied.states.last().unwrap()).1, ["slow"]);
}
