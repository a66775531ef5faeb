//! A phase that uses too much of the machine: interrupted in good order, its state kept, and people told why.

use protocol::{Limit, Limits, PhaseResult};
use statehouse_agent::Budget;

use crate::bench::{Bench, inspect, resource};
use crate::server::Record;

async fn applied(budget: Budget, limits: Limits, command: &str) -> (Bench, Record) {
    let mut bench = Bench::idle().await;
    let mut config = bench.config();
    config.budget = budget;
    bench.go_with(config);
    let second = resource("second", command)
        .replace("\"second\" {", "\"second\" {\n depends_on = [terraform_data.first]");
    let mut plan = bench.plan(&[("main.tf", &(resource("first", "true") + &second))]);
    plan.limits = limits;
    let (planned, applied) = bench.plan_and_apply(&plan).await;
    assert_eq!(planned.outcome().result, PhaseResult::Finished, "{}", planned.text());
    (bench, applied)
}

/// What is there of an apply that was ended by a limit.
fn ended(record: &Record, said: &[&str]) {
    assert_eq!(record.outcome().result, PhaseResult::Errored, "{}", record.text());
    let message = record.outcome().message.as_deref().unwrap();
    for text in said {
        assert!(message.contains(text), "{message}");
        assert!(record.text().contains(text), "{}", record.text());
    }
    let state = record.states.last().expect("the state has reached the server");
    assert_eq!(inspect(state).1, ["first", "second"]);
}

fn none() -> Budget {
    Budget { memory_bytes: 0, processes: 0, disk_bytes: 0 }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_that_uses_too_much_memory_is_ended_and_its_state_kept() {
    let budget = Budget { memory_bytes: 400 << 20, ..none() };
    // What has no line is held until its end. With the engine it is between our limit and the kernel's.
    let hold = "(head -c 400M /dev/zero; sleep 600) | tail > /dev/null";
    let (_bench, record) = applied(budget, Limits::default(), hold).await;
    ended(
        &record,
        &[
            "memory, and may use 400.0 MiB",
            "while it worked on terraform_data.second",
            "the setting run_memory of the agent",
        ],
    );
    assert!(record.text().contains("more memory than it may: interrupting"), "{}", record.text());
    let outcome = record.outcome();
    let peaks = outcome.peaks.expect("what it has used is told");
    assert!(peaks.memory_bytes > 400 << 20, "{peaks:?}");
    assert!(peaks.processes > 3 && peaks.disk_bytes > 0 && peaks.cpu_milliseconds > 0, "{peaks:?}");
    assert!(outcome.layers.as_ref().is_some_and(|layers| layers.contains(&"system-calls".into())));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_grows_faster_than_anybody_looks_is_ended_too() {
    let budget = Budget { memory_bytes: 400 << 20, ..none() };
    let much = "head -c 4G /dev/zero | tail > /dev/null";
    let (_bench, record) = applied(budget, Limits::default(), much).await;
    ended(&record, &["memory, and may use 400.0 MiB", "run_memory"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_that_fills_its_directory_is_ended_by_the_lower_limit_of_its_organization() {
    let most = Limit { most: 40 << 20, set_by: "run-disk of the organization acme".into() };
    let limits = Limits { disk_bytes: Some(most), ..Limits::default() };
    let fill = "head -c 60M /dev/zero > fill; sleep 600";
    let (_bench, record) = applied(Budget::default(), limits, fill).await;
    let said = "of disk, and may use 40.0 MiB, while it worked on terraform_data.second. \
                To change that, see run-disk of the organization acme.";
    ended(&record, &[said]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_with_too_many_processes_is_ended_and_its_state_kept() {
    let budget = Budget { processes: 60, ..none() };
    let many = "for i in $(seq 80); do sleep 600 & done; wait";
    let (_bench, record) = applied(budget, Limits::default(), many).await;
    ended(&record, &["of processes, and may use 60", "run_processes"]);
}
