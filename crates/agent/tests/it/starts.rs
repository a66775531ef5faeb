//! How often an engine is started: for `plan` and one `show`, and for `init` and the schemas only where nothing is kept.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use protocol::{Job, PhaseResult};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use statehouse_agent::Config;

use crate::bench::{Bench, environment};
use crate::server::Record;

const MAIN: &str = "module \"m\" { source = \"./m\" }\nresource \"terraform_data\" \"a\" {}\n";
const FILES: [(&str, &str); 2] = [("main.tf", MAIN), ("m/main.tf", "locals { a = 1 }\n")];

/// A bench whose engines are started by a supervisor that writes down what for.
async fn counted() -> (Bench, Config) {
    let bench = Bench::idle().await;
    let (script, calls) = (bench.path("supervisor"), bench.path("calls"));
    let text = format!(
        "#!/bin/bash\norder=$(cat)\nprintf '%s\\n' \"$order\" >> {}\nexec {} \"$@\" <<< \"$order\"\n",
        calls.display(),
        env!("CARGO_BIN_EXE_engine-exec")
    );
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let config = Config { supervisor: script, concurrency: 1, ..bench.config() };
    (bench, config)
}

/// The commands since the last time, but for those with which an agent finds out about its engines.
fn starts(bench: &Bench) -> Vec<String> {
    let path = bench.path("calls");
    let calls = std::fs::read_to_string(&path).unwrap_or_default();
    std::fs::write(path, "").unwrap();
    let mut commands = Vec::new();
    for order in calls.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        let args = &order["Outside"]["args"];
        match args[0].as_str() {
            Some("version") | None => {}
            Some("providers") => commands.push("schemas".to_owned()),
            Some(command) => commands.push(command.to_owned()),
        }
    }
    commands
}

async fn finished(bench: &Bench, job: &Job) -> Record {
    let record = bench.execute(job).await;
    assert_eq!(record.outcome().result, PhaseResult::Finished, "{}", record.text());
    record
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_of_a_workspace_starts_its_engine_for_plan_and_show_alone() {
    let (mut bench, config) = counted().await;
    bench.go_with(config);
    let first = finished(&bench, &bench.plan(&FILES)).await;
    assert_eq!(starts(&bench), ["init", "plan", "show", "schemas"]);
    let second = finished(&bench, &bench.plan(&FILES)).await;
    assert_eq!(starts(&bench), ["plan", "show"]);
    for artifact in ["json-plan-redacted", "provider-schemas"] {
        assert_eq!(second.artifacts[artifact], first.artifacts[artifact], "{artifact}");
    }
    // Its apply, too.
    let (planned, applied) = bench.plan_and_apply(&bench.plan(&FILES)).await;
    assert_eq!(applied.outcome().result, PhaseResult::Finished, "{}", applied.text());
    assert!(planned.outcome().has_changes);
    assert_eq!(starts(&bench), ["plan", "show", "apply", "show"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_init_goes_by_makes_it_run_again() {
    let (mut bench, config) = counted().await;
    bench.go_with(config);
    let first = bench.plan(&FILES);
    finished(&bench, &first).await;
    starts(&bench);
    let state = r#"{"version":4,"terraform_version":"1.0.0","serial":1,"lineage":"x","outputs":{},
        "resources":[{"mode":"managed","type":"terraform_data","name":"a",
        "provider":"provider[\"terraform.io/builtin/terraform\"]","instances":[]}]}"#;
    let mut others = Vec::new();
    let other = |change: &dyn Fn(&mut Job)| {
        let mut job = bench.plan(&FILES);
        change(&mut job);
        job
    };
    others.push(("module", bench.plan(&[FILES[0], ("m/main.tf", "locals { a = 2 }\n")])));
    others.push(("file", bench.plan(&[FILES[0], FILES[1], ("notes.txt", "x")])));
    others.push(("variable", other(&|job| job.variables = vec![environment("TF_LOG", "OFF")])));
    others.push(("workspace", other(&|job| job.workspace_id = "ws-2".into())));
    others.push(("organization", other(&|job| job.organization = "other".into())));
    others.push(("state", other(&|job| job.state_url = Some(bench.server.blob("state", state)))));
    let back = bench.plan(&FILES);
    for (what, job) in others {
        finished(&bench, &job).await;
        let starts = starts(&bench);
        assert_eq!(starts.first().map(String::as_str), Some("init"), "{what}: {starts:?}");
    }
    // Another workspace and another organization have not displaced what was kept of ours, but its own other runs have.
    finished(&bench, &back).await;
    assert_eq!(starts(&bench)[0], "init");
    finished(&bench, &bench.plan(&FILES)).await;
    assert_eq!(starts(&bench)[0], "plan");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_makes_init_run_each_time() {
    let (mut bench, config) = counted().await;
    bench.go_with(Config { keep_init: false, ..config });
    for _ in 0..2 {
        finished(&bench, &bench.plan(&FILES)).await;
        assert_eq!(starts(&bench)[0], "init");
    }
    assert!(!bench.path("cache/inits").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_and_no_longer_readable_makes_init_run() {
    let (mut bench, config) = counted().await;
    bench.go_with(config);
    finished(&bench, &bench.plan(&FILES)).await;
    starts(&bench);
    for content in ["", "{}", "nonsense"] {
        let kept = only_file_below(&bench.path("cache/inits"));
        std::fs::write(kept, content).unwrap();
        finished(&bench, &bench.plan(&FILES)).await;
        assert_eq!(starts(&bench)[0], "init", "{content}");
    }
    for content in ["", "nonsense"] {
        std::fs::write(only_file_below(&bench.path("cache/schemas")), content).unwrap();
        let record = finished(&bench, &bench.plan(&FILES)).await;
        assert_eq!(starts(&bench).last().map(String::as_str), Some("schemas"));
        assert!(record.artifacts["provider-schemas"].starts_with(b"{"));
    }
}

/// The record of a workspace: a line with the digest of the rest, which is JSON.
fn spoil(kept: &Path, spoil: impl FnOnce(&mut Value), with_digest: bool) {
    let text = std::fs::read_to_string(kept).unwrap();
    let (digest, record) = text.split_once('\n').unwrap();
    let mut record: Value = serde_json::from_str(record).unwrap();
    spoil(&mut record);
    let record = record.to_string();
    let new = hex::encode(Sha256::digest(&record));
    let digest = if with_digest { &new } else { digest };
    std::fs::write(kept, format!("{digest}\n{record}")).unwrap();
}

type Spoil<'a> = &'a dyn Fn(&mut Value);

/// The last of them fits in all that can be told beforehand: the engine finds no module, and the next run is well.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_record_of_init_heals_by_itself() {
    let (mut bench, config) = counted().await;
    bench.go_with(config);
    finished(&bench, &bench.plan(&FILES)).await;
    starts(&bench);
    let path = |record: &mut Value| {
        let backend = record["backend"].as_str().unwrap();
        record["backend"] = backend.replace("default.tfstate", "other.tfstate").into();
    };
    let package = |record: &mut Value| {
        record["packages"] = serde_json::json!(["example.com/a/b/1.0.0/linux_amd64"]);
    };
    let modules = |record: &mut Value| record["modules"] = Value::Null;
    let backend = |record: &mut Value| record["backend"] = "{}".into();
    let spoils: [(&str, Spoil<'_>); 4] =
        [("path", &path), ("package", &package), ("backend", &backend), ("modules", &modules)];
    for (what, change) in spoils {
        for with_digest in [false, true] {
            let kept = only_file_below(&bench.path("cache/inits"));
            spoil(&kept, change, with_digest);
            if (what, with_digest) == ("modules", true) {
                let record = bench.execute(&bench.plan(&FILES)).await;
                assert_eq!(record.outcome().result, PhaseResult::Errored);
                assert_eq!(starts(&bench), ["plan"]);
            }
            finished(&bench, &bench.plan(&FILES)).await;
            assert_eq!(starts(&bench)[0], "init", "{what}, {with_digest}");
            finished(&bench, &bench.plan(&FILES)).await;
            assert_eq!(starts(&bench)[0], "plan", "{what}, {with_digest}");
        }
    }
}

fn only_file_below(folder: &Path) -> PathBuf {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                found.push(entry.path());
            }
        }
    }
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

/// `show` looks at the configuration's folder as a run's code has left it: nothing of that is kept for others.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_puts_a_provider_of_its_own_there_changes_nothing_for_the_next() {
    let (mut bench, config) = counted().await;
    bench.go_with(config);
    let script = "mkdir -p .terraform/providers/example.com/a/b/1.0.0/linux_amd64; \
                  chmod u+w .terraform/terraform.tfstate; echo > .terraform/terraform.tfstate; echo '{}'";
    let main = format!(
        "{MAIN}resource \"terraform_data\" \"b\" {{\n  provisioner \"local-exec\" {{\n    command = {script:?}\n  }}\n}}\n"
    );
    let files = [("main.tf", main.as_str()), FILES[1]];
    let (_, applied) = bench.plan_and_apply(&bench.plan(&files)).await;
    assert_eq!(applied.outcome().result, PhaseResult::Finished, "{}", applied.text());
    starts(&bench);
    let (_, applied) = bench.plan_and_apply(&bench.plan(&files)).await;
    assert_eq!(applied.outcome().result, PhaseResult::Finished, "{}", applied.text());
    assert_eq!(starts(&bench), ["plan", "show", "apply", "show"]);
}
