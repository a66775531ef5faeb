//! The directory of a job is taken away while its engine works: moved, deleted, or unmounted.

use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use protocol::{Job, PhaseResult};

use crate::bench::{Bench, inspect, resource};
use crate::full_disks::{Small, until};
use crate::lost_states::{STATE, with_engine};
use crate::server::Record;

/// Says that it has begun, and waits until it may go on or its folder is gone.
const WAIT: &str = "touch begun; until [ -e go ] || [ ! -e begun ]; do sleep 0.02; done";

/// One resource is made while everything is in its place, one while nothing is, one after that.
fn main() -> String {
    let after = |name: &str, other: &str, command: &str| {
        resource(name, command).replace(
            &format!("\"{name}\" {{"),
            &format!("\"{name}\" {{\n depends_on = [terraform_data.{other}]"),
        )
    };
    resource("a", "true") + &after("b", "a", WAIT) + &after("c", "b", "true")
}

fn places(bench: &Bench) -> Vec<PathBuf> {
    let jobs = std::fs::read_dir(bench.path("work/jobs")).into_iter().flatten();
    jobs.filter_map(Result::ok).map(|job| job.path()).collect()
}

/// The place of a job whose engine waits.
async fn waiting(bench: &Bench) -> PathBuf {
    let begun = |place: &PathBuf| place.join("site/config/begun").exists();
    until(|| places(bench).iter().any(begun)).await;
    places(bench).into_iter().find(begun).unwrap()
}

async fn applied(bench: &Bench, job: &Job, take_away: impl AsyncFnOnce(&Path)) -> Record {
    bench.server.enqueue(job.clone());
    let place = waiting(bench).await;
    // Reached through this, wherever it is put.
    let open = File::open(&place).unwrap();
    take_away(&place).await;
    let go = format!("/proc/self/fd/{}/site/config/go", open.as_raw_fd());
    // Of a deleted one the engine notices by itself.
    let _ = std::fs::write(go, "");
    bench.server.until(&job.id, |record| record.finished).await
}

async fn planned(bench: &Bench) -> Job {
    let plan = bench.plan(&[("main.tf", &main())]);
    let planned = bench.execute(&plan).await;
    bench.until_clean().await;
    bench.apply(&plan, &planned, None)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_is_found_wherever_its_directory_was_moved() {
    let bench = Bench::start().await;
    let job = planned(&bench).await;
    let moved = bench.path("moved");
    let record = applied(&bench, &job, async |place: &Path| {
        std::fs::rename(place, &moved).unwrap();
        // Somebody else's, which is not ours to remove.
        std::fs::create_dir(place).unwrap();
        std::fs::write(place.join("theirs"), "").unwrap();
    })
    .await;
    assert_eq!(inspect(record.states.last().unwrap()).1, ["a", "b", "c"], "{}", record.text());
    assert!(record.text().ends_with('\u{3}'), "the log is complete");
    assert!(places(&bench).iter().any(|place| place.join("theirs").exists()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_outlives_its_deleted_directory() {
    let bench = Bench::start().await;
    let job = planned(&bench).await;
    let record = applied(&bench, &job, async |place: &Path| {
        // Its engine and its agent may write into it meanwhile.
        until(|| std::fs::remove_dir_all(place).is_ok()).await;
    })
    .await;
    let made = inspect(record.states.last().expect("a state has come")).1;
    assert!(made.contains(&"a".to_owned()) && made.contains(&"b".to_owned()), "{made:?}");
    assert!(record.text().ends_with('\u{3}'), "the log is complete");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_is_found_on_a_file_system_that_was_unmounted() {
    let mut bench = Bench::idle().await;
    let work = bench.path("work");
    let Some(_disk) = Small::mount(&work) else { return };
    let mut config = bench.config();
    config.min_free_disk = 0;
    bench.go_with(config);
    let job = planned(&bench).await;
    let record = applied(&bench, &job, async |_: &Path| {
        assert!(Command::new("umount").arg("-l").arg(&work).status().unwrap().success());
    })
    .await;
    assert_eq!(inspect(record.states.last().unwrap()).1, ["a", "b", "c"], "{}", record.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_where_it_was_is_not_said_to_be_kept() {
    // Half a state, and nothing else.
    let apply = format!(
        "printf '{{ \"version\"' > {STATE}; touch begun; until [ -e go ]; do sleep 0.02; done; exit 1"
    );
    let bench = with_engine("Terraform", &apply).await;
    let mut plan = bench.plan(&[]);
    plan.engine.version = "99.0.0".into();
    let planned = bench.execute(&plan).await;
    bench.until_clean().await;
    let job = bench.apply(&plan, &planned, None);
    let moved = bench.path("moved");
    let record =
        applied(&bench, &job, async |place: &Path| std::fs::rename(place, &moved).unwrap()).await;
    assert_eq!(record.outcome().result, PhaseResult::Errored);
    let message = record.outcome().message.as_deref().unwrap();
    assert!(message.contains("is not there any more"), "{message}");
    assert!(!message.contains("is kept."), "{message}");
    assert!(moved.join("own.tfstate").exists());
}
