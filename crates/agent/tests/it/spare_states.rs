//! States that an engine could not write where they belong, and has saved elsewhere.

use protocol::{EngineKind, PhaseResult};

use crate::bench::{Bench, inspect, resource};
use crate::lost_states::{PRIOR, STATE, applied, with_engine};

/// As an engine saves it that could not write the backup of its state: the serial is still that of the one before.
const SPARE: &str = r#"{
  "version": 4,
  "serial": 7,
  "lineage": "l",
  "resources": [{ "mode": "managed", "type": "null_resource", "name": "a", "instances": [{}] }]
}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn one_with_the_serial_of_before_is_brought_with_the_next() {
    let made = "echo 'null_resource.a: Creation complete after 0s'";
    let compact = SPARE.replace(['\n', ' '], "");
    let event =
        format!(r#"{{"@level":"info","@message":"Emergency state dump","state":{compact}}}"#);
    for saved in [
        format!("printf '%s' '{SPARE}' > errored.tfstate"),
        format!("printf '%s' '{SPARE}'"),
        format!("echo '{event}'"),
    ] {
        let bench = with_engine("Terraform", &format!("{made}; {saved}; exit 1")).await;
        let record = applied(&bench, EngineKind::Terraform, Some(PRIOR), true).await;
        assert_eq!(record.outcome().result, PhaseResult::Errored);
        let state = record.states.last().unwrap_or_else(|| panic!("{saved}: {}", record.text()));
        assert_eq!(inspect(state), (8, vec!["a".to_owned()]), "{saved}");
        bench.until_clean().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_have_put_there_is_none() {
    let own = SPARE.replace("\"serial\": 7", "\"serial\": 8");
    let newer = SPARE.replace("\"serial\": 7", "\"serial\": 900");
    for (apply, serials) in [
        // The engine has written its state where it belongs.
        (
            format!(
                "printf '%s' '{own}' > {STATE}; printf '%s' '{SPARE}' > errored.tfstate; exit 1"
            ),
            &[8][..],
        ),
        // And does not say that it could not write a newer one.
        (
            format!(
                "printf '%s' '{own}' > {STATE}; printf '%s' '{newer}' > errored.tfstate; printf '%s' '{newer}'; exit 1"
            ),
            &[8],
        ),
        // Here it does.
        (
            format!(
                "printf '%s' '{own}' > {STATE}; printf '%s' '{newer}' > errored.tfstate; \
                 printf '\\nError: Failed to save state\\n'; exit 1"
            ),
            &[900],
        ),
        // And has ended well, without a change.
        (
            format!(
                "printf '%s' '{SPARE}' > errored.tfstate; echo 'Apply complete! Resources: 0 added, 0 changed, 0 destroyed.'"
            ),
            &[],
        ),
        (format!("sed s/7/6/ > errored.tfstate <<'END'\n{SPARE}\nEND\nexit 1"), &[]),
        (format!("sed s/l\\\"/m\\\"/ > errored.tfstate <<'END'\n{SPARE}\nEND\nexit 1"), &[]),
    ] {
        let bench = with_engine("Terraform", &apply).await;
        let record = applied(&bench, EngineKind::Terraform, Some(PRIOR), false).await;
        let brought: Vec<u64> = record.states.iter().map(|state| inspect(state).0).collect();
        assert_eq!(brought, serials, "{apply}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_cannot_be_found_keeps_the_directory_of_an_apply_that_gave_up() {
    let apply = "echo 'null_resource.a: Creating...'; echo x > saved.json; exit 1";
    let bench = with_engine("Terraform", apply).await;
    let record = applied(&bench, EngineKind::Terraform, Some(PRIOR), true).await;
    assert_eq!(record.outcome().result, PhaseResult::Errored);
    let message = record.outcome().message.as_deref().unwrap();
    assert!(message.contains("its state is not where it belongs"), "{message}");
    let jobs = std::fs::read_dir(bench.path("work/jobs")).unwrap().map(Result::unwrap);
    let kept: Vec<_> =
        jobs.filter(|job| job.path().join("site/config/saved.json").exists()).collect();
    assert_eq!(kept.len(), 1, "{message}");
}

/// The real engine fails to write its backup, and saves what it made elsewhere.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_made_is_kept_whatever_a_program_does_to_the_folders_of_the_state() {
    let bench = Bench::start().await;
    let (_, before) =
        bench.plan_and_apply(&bench.plan(&[("main.tf", &resource("a", "true"))])).await;
    let before = before.states.last().unwrap().clone();
    for command in [
        format!("mkdir {STATE}.backup"),
        "rm -rf .statehouse".into(),
        "rm -rf .statehouse/state/*".into(),
        "mv .statehouse elsewhere".into(),
    ] {
        let main = resource("a", "true") + &resource("b", &command);
        let mut plan = bench.plan(&[("main.tf", &main)]);
        plan.state_url = Some(bench.server.blob(&format!("state-of-{}", plan.id), before.clone()));
        let (_, record) = bench.plan_and_apply(&plan).await;
        let state = record.states.last().unwrap_or_else(|| panic!("{command}: {}", record.text()));
        assert_eq!(inspect(state).1, ["a", "b"], "{command}: {}", record.text());
        assert!(inspect(state).0 > inspect(&before).0, "{command}");
        assert_ne!(record.outcome().result, PhaseResult::Canceled);
        bench.until_clean().await;
    }
}
