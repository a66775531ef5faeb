//! A disk that fills up under a phase: nothing that an apply made is lost, and people are told.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use axum::http::StatusCode;
use protocol::{EngineKind, PhaseResult};

use crate::bench::{Bench, inspect, resource};
use crate::lost_states::{PRIOR, STATE, applied, with_engine};
use crate::recovery::leave_behind;

/// A file system of its own, which really can be filled.
pub struct Small(PathBuf);

impl Small {
    /// `None` where we may not mount anything, which the summary of the tests then says.
    pub fn mount(at: &Path) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=32m,mode=0700", "tmpfs"]).arg(at);
        if mount.output().is_ok_and(|done| done.status.success()) {
            return Some(Self(at.to_owned()));
        }
        let line = "an apply on a disk that is really full: this user may mount no file system";
        if let Some(path) = std::env::var_os("STATEHOUSE_TEST_UNSHOWN") {
            let mut file = File::options().append(true).create(true).open(path).unwrap();
            writeln!(file, "{line}").unwrap();
        }
        eprintln!("{line}");
        None
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Fills it to the last byte.
fn fill(path: &Path) {
    let mut file = File::create(path).unwrap();
    for size in [1 << 16, 1 << 10, 1] {
        let some = vec![b'x'; size];
        while file.write_all(&some).is_ok() {}
    }
}

const MINIMUM: u64 = 8 << 20;
/// In the configuration's folder, which lies on the disk of the job.
const FILL: &str = "head -c 1G /dev/zero > fill 2>/dev/null";

async fn on_a_small_disk() -> Option<(Bench, Small)> {
    let mut bench = Bench::idle().await;
    let disk = Small::mount(&bench.path("work"))?;
    let mut config = bench.config();
    config.min_free_disk = MINIMUM;
    bench.go_with(config);
    Some((bench, disk))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_apply_made_while_it_filled_the_disk_is_with_the_server() {
    for structured in [false, true] {
        let Some((bench, _disk)) = on_a_small_disk().await else { return };
        // It is full before anybody can look: the engine cannot write its state anywhere.
        let main = resource("a", &format!("{FILL}; true"))
            .replace("\"a\" {", "\"a\" {\n input = sensitive(\"hunter2\")")
            + &resource("b", "true")
                .replace("\"b\" {", "\"b\" {\n depends_on = [terraform_data.a]");
        let mut plan = bench.plan(&[("main.tf", &main)]);
        plan.structured_output = structured;
        let (_, applied) = bench.plan_and_apply(&plan).await;
        assert_eq!(applied.outcome().result, PhaseResult::Errored, "{}", applied.text());
        let state = applied.states.last().expect("a state has reached the server");
        assert!(inspect(state).1.contains(&"a".to_owned()));
        assert!(String::from_utf8_lossy(state).contains("hunter2"), "the state is whole");
        assert!(!applied.text().contains("hunter2"), "{}", applied.text());
        assert!(applied.text().ends_with('\u{3}'), "the log is complete");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_is_interrupted_when_the_disk_is_nearly_full() {
    let Some((bench, _disk)) = on_a_small_disk().await else { return };
    let main = resource("quick", "true") + &resource("slow", &format!("{FILL}; sleep 600"));
    let (_, applied) = bench.plan_and_apply(&bench.plan(&[("main.tf", &main)])).await;
    assert_eq!(applied.outcome().result, PhaseResult::Errored);
    let message = applied.outcome().message.as_deref().unwrap();
    assert!(message.contains("disk is nearly full"), "{message}");
    assert!(applied.text().contains("disk is nearly full: interrupting the engine"));
    assert!(applied.text().ends_with('\u{3}'), "the log is complete");
    assert_eq!(inspect(applied.states.last().unwrap()).1, ["quick", "slow"]);
    bench.until_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_nobody_takes_has_room_on_a_disk_that_the_run_has_filled() {
    let Some((bench, _disk)) = on_a_small_disk().await else { return };
    // Something that goes on filling whatever is given up.
    let fill = "(while :; do head -c 64M /dev/zero >> fill 2>/dev/null; done) & sleep 600";
    let main = resource("quick", "true") + &resource("slow", fill);
    let plan = bench.plan(&[("main.tf", &main)]);
    let planned = bench.execute(&plan).await;
    bench.server.world().refuse_states = Some(StatusCode::UNPROCESSABLE_ENTITY);
    let applied = bench.execute(&bench.apply(&plan, &planned, None)).await;
    assert_eq!(applied.outcome().result, PhaseResult::Errored);
    let kept = bench.path("work/errored").join(format!("{}.tfstate", plan.run_id));
    assert_eq!(inspect(&std::fs::read(kept).unwrap()).1, ["quick", "slow"]);
    assert!(applied.text().contains("what lies beside the state is removed"), "{}", applied.text());
    bench.until_clean().await;
}

/// Without a reserve, which a setting can switch off, and with what takes up the room beside the state itself.
#[tokio::test(flavor = "multi_thread")]
async fn what_fills_the_disk_goes_before_the_state_that_nobody_takes_is_kept() {
    let mut disk = None;
    let apply = format!(
        "{WHOLE} > {STATE}; head -c 1G /dev/zero > .statehouse/fill 2>/dev/null; \
         echo 'Apply complete! Resources: 1 added, 0 changed, 0 destroyed.'"
    );
    let bench = crate::lost_states::with_engine_and("Terraform", &apply, "echo '{}'", |config| {
        disk = Small::mount(&config.work_dir);
        config.min_free_disk = 0;
    });
    let bench = bench.await;
    if disk.is_none() {
        return;
    }
    bench.server.world().refuse_states = Some(StatusCode::UNPROCESSABLE_ENTITY);
    let record = applied(&bench, EngineKind::Terraform, None, true).await;
    assert_eq!(record.outcome().result, PhaseResult::Errored);
    let kept = std::fs::read_dir(bench.path("work/errored")).unwrap();
    let kept: Vec<_> = kept.map(|entry| entry.unwrap().path()).collect();
    let states = kept.iter().filter(|path| path.extension().is_some_and(|it| it == "tfstate"));
    let states: Vec<_> = states.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    assert_eq!(states.len(), 1, "{kept:?}");
    assert!(states[0].contains("\"serial\": 8") && states[0].ends_with("}\n"), "{states:?}");
    bench.until_clean().await;
}

/// What lies there may be the only copy.
#[tokio::test(flavor = "multi_thread")]
async fn no_room_is_made_where_the_state_is_not_where_it_belongs() {
    let mut disk = None;
    let apply = format!(
        "{WHOLE} > elsewhere.tfstate; head -c 1G /dev/zero > fill 2>/dev/null; \
         echo 'Apply complete! Resources: 1 added, 0 changed, 0 destroyed.'"
    );
    let bench = crate::lost_states::with_engine_and("Terraform", &apply, "echo '{}'", |config| {
        disk = Small::mount(&config.work_dir);
        config.min_free_disk = 0;
    });
    let bench = bench.await;
    if disk.is_none() {
        return;
    }
    let record = applied(&bench, EngineKind::Terraform, Some(PRIOR), true).await;
    let message = record.outcome().message.as_deref().unwrap();
    assert!(message.contains("its state is not where it belongs"), "{message}");
    let mut jobs = std::fs::read_dir(bench.path("work/jobs")).unwrap();
    let elsewhere = |job: PathBuf| job.join("site/config/elsewhere.tfstate").is_file();
    assert!(jobs.any(|job| elsewhere(job.unwrap().path())));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_successor_makes_room_too() {
    let mut bench = Bench::idle().await;
    let Some(_disk) = Small::mount(&bench.path("work")) else { return };
    let path = leave_behind(&bench, "apply");
    let state = "{\n  \"version\": 4,\n  \"serial\": 4,\n  \"resources\": []\n}\n";
    std::fs::write(&path, state).unwrap();
    std::fs::write(bench.path("work/instance"), "known").unwrap();
    fill(&bench.path("work/jobs/job-lost-x1/site/config/fill"));
    bench.server.world().jobs.entry("job-lost".into()).or_default().log = b"\x02old\n".into();
    bench.server.world().refuse_states = Some(StatusCode::UNPROCESSABLE_ENTITY);
    bench.go();
    bench.server.until("job-lost", |record| record.finished).await;
    let kept = std::fs::read_to_string(bench.path("work/errored/run-lost.tfstate")).unwrap();
    assert_eq!(kept, state);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phase_does_not_begin_on_a_full_disk() {
    let Some((bench, _disk)) = on_a_small_disk().await else { return };
    let plan = bench.plan(&[("main.tf", &resource("a", "true"))]);
    let planned = bench.execute(&plan).await;
    bench.until_clean().await;
    fill(&bench.path("work/filler"));
    let mut again = plan.clone();
    again.id += "-again";
    for job in [again, bench.apply(&plan, &planned, None)] {
        let record = bench.execute(&job).await;
        assert_eq!(record.outcome().result, PhaseResult::Errored);
        for said in [record.outcome().message.as_deref().unwrap(), &record.text()] {
            assert!(said.contains("0 MiB are free, and a phase begins with 8 MiB"), "{said}");
            assert!(said.contains("min_free_disk"), "{said}");
        }
        assert!(record.text().ends_with('\u{3}') && record.states.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_minimum_that_no_disk_has_refuses_every_phase_and_none_refuses_no_phase() {
    for (minimum, result) in [(u64::MAX, PhaseResult::Errored), (0, PhaseResult::Finished)] {
        let mut bench = Bench::idle().await;
        let mut config = bench.config();
        config.min_free_disk = minimum;
        bench.go_with(config);
        let record = bench.execute(&bench.plan(&[("main.tf", "")])).await;
        assert_eq!(record.outcome().result, result, "{}", record.text());
        assert!(record.text().starts_with("\u{2}Terraform v") && record.text().ends_with('\u{3}'));
    }
}

const CUT: &str = "state is empty";
const WHOLE: &str =
    "printf '{\\n  \"version\": 4,\\n  \"serial\": 8,\\n  \"lineage\": \"l\"\\n}\\n'";

/// The engine writes a whole state, and when `gate` is there it cuts it short.
fn cutting(gate: &Path) -> String {
    let wait = format!("while [ ! -e {} ]; do sleep 0.1; done", gate.display());
    format!("{WHOLE} > {STATE}; {wait}; : > {STATE}; exit 1")
}

fn assert_kept(bench: &Bench, message: &str) {
    let jobs = bench.path("work/jobs").canonicalize().unwrap();
    let mut kept = std::fs::read_dir(&jobs).unwrap().map(|entry| entry.unwrap().path());
    assert!(kept.any(|path| message.contains(&path.display().to_string())), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_is_cut_short_does_not_take_the_last_whole_one_along() {
    let gate = tempfile::tempdir().unwrap();
    for refuses in [false, true] {
        let gate = gate.path().join(format!("open-{refuses}"));
        let bench = with_engine_beside("Terraform", &cutting(&gate), &gate).await;
        if refuses {
            bench.server.world().refuse_states = Some(StatusCode::SERVICE_UNAVAILABLE);
        }
        let mut plan = bench.plan(&[]);
        plan.engine.version = "99.0.0".into();
        let planned = bench.execute(&plan).await;
        let apply = bench.apply(&plan, &planned, Some(&PRIOR.into()));
        bench.server.enqueue(apply.clone());
        if refuses {
            until(|| pending(&bench)).await;
            bench.server.world().refuse_states = None;
        } else {
            bench.server.until(&apply.id, |record| !record.states.is_empty()).await;
        }
        std::fs::write(&gate, "").unwrap();
        let record = bench.server.until(&apply.id, |record| record.finished).await;
        assert_eq!(record.outcome().result, PhaseResult::Errored);
        let message = record.outcome().message.as_deref().unwrap();
        assert!(message.contains("left is empty") && message.contains("of serial 8"), "{message}");
        assert!(record.text().contains("of serial 8"));
        let last = String::from_utf8_lossy(record.states.last().unwrap()).into_owned();
        assert!(last.contains("\"serial\": 8"), "{last}");
        assert_kept(&bench, message);
    }
}

/// As [`with_engine`], and the engine may look for the gate.
async fn with_engine_beside(title: &str, apply: &str, gate: &Path) -> Bench {
    let folder = gate.parent().unwrap().to_owned();
    crate::lost_states::with_engine_and(title, apply, "echo '{}'", move |config| {
        config.shared_paths.push(folder);
    })
    .await
}

fn pending(bench: &Bench) -> bool {
    let jobs = std::fs::read_dir(bench.path("work/jobs")).unwrap();
    jobs.filter_map(Result::ok).any(|job| job.path().join("pending.tfstate").is_file())
}

pub async fn until(what: impl Fn() -> bool) {
    let waited = tokio::time::timeout(std::time::Duration::from_mins(1), async {
        while !what() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    });
    waited.await.expect("it comes to it");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_whole_one_is_offered_later_if_nobody_takes_it_now() {
    let gate = tempfile::tempdir().unwrap();
    let gate = gate.path().join("open");
    let bench = with_engine_beside("Terraform", &cutting(&gate), &gate).await;
    bench.server.world().refuse_states = Some(StatusCode::CONFLICT);
    let mut plan = bench.plan(&[]);
    plan.engine.version = "99.0.0".into();
    let planned = bench.execute(&plan).await;
    let apply = bench.apply(&plan, &planned, Some(&PRIOR.into()));
    bench.server.enqueue(apply.clone());
    until(|| pending(&bench)).await;
    std::fs::write(&gate, "").unwrap();
    let record = bench.server.until(&apply.id, |record| record.finished).await;
    let message = record.outcome().message.as_deref().unwrap();
    assert!(message.contains("offered to the server until it has it"), "{message}");
    assert!(record.outcome().state_pending);
    bench.server.world().recovered = Some(StatusCode::OK);
    let record = bench.server.until(&apply.id, |record| !record.recovered.is_empty()).await;
    assert!(String::from_utf8_lossy(&record.recovered[0]).contains("\"serial\": 8"));
    bench.until_delivered().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_was_never_whole_is_said_to_be_lost() {
    for (state, last) in [(Some(PRIOR), "of serial 7"), (None, "No whole one was seen")] {
        for apply in [format!(": > {STATE}"), format!("{WHOLE} | head -c 20 > {STATE}")] {
            let bench = with_engine("Terraform", &format!("{apply}; exit 1")).await;
            let record = applied(&bench, EngineKind::Terraform, state, true).await;
            assert_eq!(record.outcome().result, PhaseResult::Errored);
            let message = record.outcome().message.as_deref().unwrap();
            assert!(message.contains(last), "{message}");
            assert_kept(&bench, message);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_the_engine_could_only_print_is_taken_from_the_log() {
    let apply = format!("echo 'before {CUT}'; {WHOLE}; : > {STATE}; echo after; exit 1");
    let bench = with_engine("Terraform", &apply).await;
    let record = applied(&bench, EngineKind::Terraform, Some(PRIOR), true).await;
    let last = String::from_utf8_lossy(record.states.last().unwrap()).into_owned();
    assert!(last.contains("\"serial\": 8"), "{last}");
    let text = record.text();
    assert!(text.contains("before") && text.contains("after"), "{text}");
    assert!(!text.contains("\"serial\""), "{text}");
    // Of another state, or older: somebody else has printed it.
    for other in ["\"lineage\": \"other\"", "\"serial\": 7"] {
        let key = &other[..other.find(':').unwrap()];
        let whole = WHOLE.replace(
            if key == "\"serial\"" { "\"serial\": 8" } else { "\"lineage\": \"l\"" },
            other,
        );
        let bench = with_engine("Terraform", &format!("{whole}; : > {STATE}; exit 1")).await;
        let record = applied(&bench, EngineKind::Terraform, Some(PRIOR), true).await;
        assert!(record.states.is_empty(), "{other}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_successor_finds_the_last_whole_state() {
    let mut bench = Bench::idle().await;
    std::fs::write(leave_behind(&bench, "apply"), "{\n  \"ver").unwrap();
    let place = bench.path("work/jobs/job-lost-x1");
    let state = "{\n  \"version\": 4,\n  \"serial\": 4,\n  \"resources\": []\n}\n";
    std::fs::write(place.join("pending.tfstate"), state).unwrap();
    std::fs::write(place.join("ballast"), "x").unwrap();
    bench.server.world().jobs.entry("job-lost".into()).or_default().log = b"\x02old\n".into();
    bench.go();
    let record = bench.server.until("job-lost", |record| record.finished).await;
    assert_eq!(inspect(record.states.last().unwrap()).0, 4);
    assert_eq!(record.outcome().result, PhaseResult::Errored);
    let message = record.outcome().message.as_deref().unwrap();
    assert!(message.contains("of serial 4, is with the server"), "{message}");
    assert!(place.is_dir() && !place.join("ballast").exists());
}
