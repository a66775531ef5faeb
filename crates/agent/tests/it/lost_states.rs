//! States that would be lost: moved elsewhere, deleted meanwhile, or taken by a server that does not keep them.

use std::os::unix::fs::PermissionsExt as _;

use protocol::{EngineKind, Job, PhaseResult};

use crate::bench::{Bench, ENGINE, inspect, resource};
use crate::server::Record;

/// Keeps its state elsewhere, in the words of each kind of file.
const ELSEWHERE: &str = "terraform {\n  backend \"local\" {\n    path          = \"other.tfstate\"\n    \
                         workspace_dir = \"elsewhere\"\n  }\n}\n";
const ELSEWHERE_JSON: &str =
    r#"{"terraform":{"backend":{"local":{"path":"other.tfstate","workspace_dir":"elsewhere"}}}}"#;
const CLOUD: &str = "terraform {\n  cloud {\n    organization = \"x\"\n    workspaces {\n      \
                     name = \"y\"\n    }\n  }\n}\n";

#[tokio::test(flavor = "multi_thread")]
async fn no_override_file_moves_the_state_elsewhere() {
    let bench = Bench::start().await;
    let main = "output \"o\" { value = 1 }\n";
    for (name, text) in [
        ("zzz_override.tf", ELSEWHERE),
        ("~_override.tf.json", ELSEWHERE_JSON),
        ("\u{10ffff}_override.tf", ELSEWHERE),
        ("zz_statehouse_override.tf", ELSEWHERE),
        ("zz_statehouse_override.tf.json", ELSEWHERE_JSON),
        ("zzz_override.tf", CLOUD),
        ("override.tf", ELSEWHERE),
        ("backend.tf", ELSEWHERE),
    ] {
        for folder in ["", "a/b/"] {
            let files = [(format!("{folder}main.tf"), main), (format!("{folder}{name}"), text)];
            let files: Vec<(&str, &str)> = files.iter().map(|(n, t)| (&**n, *t)).collect();
            let mut plan = bench.plan(&files);
            plan.working_directory = folder.into();
            let (_, applied) = bench.plan_and_apply(&plan).await;
            assert_eq!(applied.outcome().result, PhaseResult::Finished, "{}", applied.text());
            assert_eq!(applied.states.len(), 1, "{folder}{name}: {}", applied.text());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_deletes_or_replaces_the_state_meanwhile_changes_nothing() {
    let bench = Bench::start().await;
    for command in [
        "rm -rf .statehouse",
        "rm .statehouse/state/networking/terraform.tfstate",
        "mv .statehouse .old",
        "chmod 0 .statehouse/state/networking/terraform.tfstate",
        "find . -delete; true",
        "cd .statehouse/state/networking && cp terraform.tfstate x && mv x terraform.tfstate",
        "echo '{\"version\": 4, \"serial\": 99, \"lineage\": \"other\"}' > errored.tfstate",
        "sed 's/\"serial\": .*/\"serial\": 0,/' .statehouse/state/networking/terraform.tfstate > errored.tfstate",
        // Of the right lineage and newer, by somebody who knows; but the engine ended well.
        "sed 's/\"serial\": .*/\"serial\": 50,/' .statehouse/state/networking/terraform.tfstate > errored.tfstate",
    ] {
        let main = resource("a", command)
            + &resource("b", "true")
                .replace("\"b\" {", "\"b\" {\n depends_on = [terraform_data.a]");
        let (_, applied) = bench.plan_and_apply(&bench.plan(&[("main.tf", &main)])).await;
        assert_eq!(applied.outcome().result, PhaseResult::Finished, "{}", applied.text());
        assert_eq!(inspect(applied.states.last().unwrap()).1, ["a", "b"], "{command}");
        let shown: serde_json::Value =
            serde_json::from_slice(&applied.artifacts["json-state"]).unwrap();
        let shown = shown["values"]["root_module"]["resources"].as_array().map(Vec::len);
        assert_eq!(shown, Some(2), "{command}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_the_server_cannot_read_back_is_kept() {
    let bench = Bench::start().await;
    let plan = bench.plan(&[("main.tf", &resource("a", "true"))]);
    let planned = bench.execute(&plan).await;
    bench.server.world().forgets_states = true;
    let applied = bench.execute(&bench.apply(&plan, &planned, None)).await;
    assert_eq!(applied.outcome().result, PhaseResult::Errored);
    let message = applied.outcome().message.as_deref().unwrap();
    assert!(message.contains("holds another state than it was given"), "{message}");
    let kept = bench.path("work/errored").join(format!("{}.tfstate", plan.run_id));
    assert_eq!(inspect(&std::fs::read(kept).unwrap()).1, ["a"]);
}

pub const STATE: &str = ".statehouse/state/networking/terraform.tfstate";

/// An engine of which only the apply matters.
pub async fn with_engine(title: &str, apply: &str) -> Bench {
    with_answers(title, apply, "echo '{}'").await
}

/// One of which it also matters how it answers questions.
async fn with_answers(title: &str, apply: &str, answer: &str) -> Bench {
    with_engine_and(title, apply, answer, |_| {}).await
}

pub async fn with_engine_and(
    title: &str,
    apply: &str,
    answer: &str,
    change: impl FnOnce(&mut statehouse_agent::Config),
) -> Bench {
    let mut bench = Bench::idle().await;
    let noted = r#"{"backend":{"type":"local","config":{"path":".statehouse/default.tfstate","workspace_dir":".statehouse/state"}}}"#;
    let script = format!(
        "#!/bin/sh\ncase $1 in\n\
         version) echo '{title} v99.0.0' ;;\n\
         init) mkdir -p .terraform; echo '{noted}' > .terraform/terraform.tfstate ;;\n\
         plan) for word; do case $word in -out=*) echo x > ${{word#-out=}} ;; esac; done; \
         echo 'Plan: 1 to add, 0 to change, 0 to destroy.'; exit 2 ;;\n\
         apply) {apply} ;;\n\
         *) {answer} ;;\nesac\n"
    );
    let path = bench.path("engine");
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut config = bench.config();
    config.engines = vec![path, ENGINE.0.clone()];
    config.answer = std::time::Duration::from_secs(1);
    change(&mut config);
    bench.go_with(config);
    bench
}

pub async fn applied(
    bench: &Bench,
    kind: EngineKind,
    state: Option<&str>,
    changes: bool,
) -> Record {
    let mut plan: Job = bench.plan(&[]);
    plan.engine.kind = kind;
    plan.engine.version = "99.0.0".into();
    let planned = bench.execute(&plan).await;
    let state = state.map(|state| state.to_owned().into());
    let mut apply = bench.apply(&plan, &planned, state.as_ref());
    apply.has_changes = changes;
    bench.execute(&apply).await
}

pub const PRIOR: &str = "{\n  \"version\": 4,\n  \"serial\": 7,\n  \"lineage\": \"l\"\n}\n";

fn complete(changed: u32) -> String {
    format!("echo 'Apply complete! Resources: 0 added, {changed} changed, 0 destroyed.'")
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_without_a_newer_state_are_an_error_and_keep_the_directory() {
    let older = format!("printf '{{\"serial\":7,\"lineage\":\"l\"}}' > x; mv x {STATE}");
    for (apply, state, changes) in [
        (complete(1), Some(PRIOR), true),
        (complete(1), None, false),
        // An output only, which no number counts.
        (complete(0), Some(PRIOR), true),
        (complete(0), None, true),
        (format!("{}; rm {STATE}", complete(1)), Some(PRIOR), true),
        (format!("{}; {older}", complete(1)), Some(PRIOR), true),
        ("echo 'a.b: Creation complete after 0s'; exit 1".into(), Some(PRIOR), true),
        // It prints how it is used, and ends well.
        ("echo 'Usage: terraform apply'".into(), Some(PRIOR), true),
    ] {
        let bench = with_engine("Terraform", &apply).await;
        let record = applied(&bench, EngineKind::Terraform, state, changes).await;
        assert_eq!(record.outcome().result, PhaseResult::Errored, "{apply}: {}", record.text());
        let message = record.outcome().message.as_deref().unwrap();
        assert!(message.contains("its state is not where it belongs"), "{apply}: {message}");
        assert!(record.text().contains("its state is not where it belongs"));
        let jobs = bench.path("work/jobs").canonicalize().unwrap();
        let kept = std::fs::read_dir(&jobs).unwrap().map(|entry| entry.unwrap().path());
        let kept: Vec<_> =
            kept.filter(|path| message.contains(&path.display().to_string())).collect();
        assert_eq!(kept.len(), 1, "{message}");
        assert!(record.states.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_that_changed_nothing_needs_no_newer_state() {
    let again = format!("cat {STATE} > x; cat x > {STATE}");
    for (apply, state, changes) in [
        (complete(0), Some(PRIOR), false),
        (complete(0), None, false),
        (format!("{again}; {}", complete(0)), Some(PRIOR), true),
        // A provider that finds everything as it was after its change.
        (format!("{again}; {}", complete(1)), Some(PRIOR), true),
    ] {
        let bench = with_engine("Terraform", &apply).await;
        let record = applied(&bench, EngineKind::Terraform, state, changes).await;
        assert_eq!(record.outcome().result, PhaseResult::Finished, "{apply}: {}", record.text());
        assert!(record.states.is_empty());
        bench.until_clean().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_state_is_brought_as_it_is_and_not_shown_in_the_clear() {
    let sealed = |serial: u64, data: &str| {
        format!(
            r#"{{"serial":{serial},"lineage":"l","meta":{{}},"encrypted_data":"{data}","encryption_version":"v0"}}"#
        )
    };
    let apply = format!("printf '%s' '{}' > {STATE}; {}", sealed(8, "new"), complete(1));
    let bench = with_engine("OpenTofu", &apply).await;
    let record = applied(&bench, EngineKind::Tofu, Some(&sealed(7, "old")), true).await;
    assert_eq!(record.outcome().result, PhaseResult::Finished, "{}", record.text());
    assert_eq!(*record.states.last().unwrap(), sealed(8, "new"));
    assert!(!record.artifacts.contains_key("json-state"));
    // By another key, perhaps: who has given up the old one must find what was written last.
    let apply = format!("printf '%s' '{}' > {STATE}; {}", sealed(7, "again"), complete(0));
    let bench = with_engine("OpenTofu", &apply).await;
    let record = applied(&bench, EngineKind::Tofu, Some(&sealed(7, "old")), false).await;
    assert_eq!(record.outcome().result, PhaseResult::Finished, "{}", record.text());
    assert_eq!(*record.states.last().unwrap(), sealed(7, "again"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_is_never_answered_ends_and_what_was_asked_too() {
    // As a run leaves it that puts a pipe where the engine looks for its lock file.
    let hang = "trap '' TERM INT; rm -f .terraform.lock.hcl; mkfifo .terraform.lock.hcl; \
                cat .terraform.lock.hcl";
    let bench = with_answers("Terraform", &complete(0), hang).await;
    let mut plan = bench.plan(&[]);
    plan.engine.version = "99.0.0".into();
    plan.options.plan_only = true;
    let record = bench.execute(&plan).await;
    assert_eq!(record.outcome().result, PhaseResult::Finished, "{}", record.text());
    assert!(!record.artifacts.contains_key("json-plan"));
    bench.until_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_an_apply_is_noted_before_anybody_is_asked_about_its_state() {
    // The engine sees the whole directory of its job.
    let look = "test $1 = show && grep -q '\"ended\":{\"result\":\"finished\"' \"$HOME/../../job.json\" \
                && echo '{\"noted\":true}'";
    let bench = with_answers("Terraform", &complete(0), look).await;
    let record = applied(&bench, EngineKind::Terraform, Some(PRIOR), false).await;
    assert_eq!(record.outcome().result, PhaseResult::Finished, "{}", record.text());
    assert_eq!(record.artifacts["json-state"], "{\"noted\":true}\n");
}
