//! Logs: framed, complete to the byte, whatever happens on the way.

use crate::bench::{Bench, ENGINE, resource};
use crate::server::Record;

const LINES: &str = "i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo line $i of many; done";

fn assert_complete(record: &Record) {
    let text = record.raw();
    assert_eq!(text.matches('\u{2}').count(), 1);
    assert_eq!(text.matches('\u{3}').count(), 1);
    assert!(text.starts_with('\u{2}') && text.ends_with('\u{3}'));
    let expected: Vec<String> = (1..=3000).map(|number| format!("line {number} of many")).collect();
    let lines: Vec<String> =
        record.printed().into_iter().filter(|line| line.starts_with("line")).collect();
    assert_eq!(lines.len(), expected.len());
    assert!(lines == expected, "a line is damaged");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_framed_and_begins_with_three_lines() {
    let bench = Bench::start().await;
    let (planned, applied) =
        bench.plan_and_apply(&bench.plan(&[("main.tf", &resource("a", LINES))])).await;
    let version = &ENGINE.1;
    for record in [&planned, &applied] {
        let text = record.raw();
        let mut lines = text.lines();
        assert_eq!(lines.next().unwrap(), format!("\u{2}Terraform v{version}"));
        assert!(lines.next().unwrap().starts_with("on linux_"));
        assert_eq!(lines.next().unwrap(), "Initializing plugins and modules...");
        assert!(!text.contains("Initializing the backend"), "init is not shown");
        assert!(text.contains("\u{1b}["), "colours are kept");
        assert!(record.calls.iter().rposition(|call| call == "log") < record.called("outcome"));
    }
    assert_complete(&applied);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_costs_no_byte() {
    let bench = Bench::start().await;
    let plan = bench.plan(&[("main.tf", &resource("a", LINES))]);
    let planned = bench.execute(&plan).await;
    bench.server.world().torn_appends = 3;
    let applied = bench.execute(&bench.apply(&plan, &planned, None)).await;
    assert_eq!(bench.server.world().torn_appends, 0);
    assert_complete(&applied);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_lost_bytes_gets_them_again() {
    let bench = Bench::start().await;
    let plan = bench.plan(&[("main.tf", &resource("a", LINES))]);
    let planned = bench.execute(&plan).await;
    bench.server.world().forgotten_log = Some(17);
    let applied = bench.execute(&bench.apply(&plan, &planned, None)).await;
    assert_eq!(bench.server.world().forgotten_log, None);
    assert_complete(&applied);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_agent_goes_on_where_the_first_one_ended() {
    let bench = Bench::start().await;
    let mut plan = bench.plan(&[("main.tf", "")]);
    let earlier = b"\x02Terraform v0\non x\nInit";
    plan.log_offset = earlier.len() as u64;
    bench.server.world().jobs.entry(plan.id.clone()).or_default().log = earlier.to_vec();
    let text = bench.execute(&plan).await.text();
    assert!(text.starts_with("\u{2}Terraform v0\non x\nInit\nThe agent was lost"), "{text}");
    assert_eq!(text.matches('\u{2}').count(), 1);
    assert!(text.ends_with('\u{3}'));
}
