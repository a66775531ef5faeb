//! What a run has left in the background, a provisioner's program perhaps, can write into the state as the engine can.

use protocol::{EngineKind, PhaseResult};
use serde_json::{Value, json};

use crate::bench::{Bench, inspect, resource};
use crate::full_disks::until;
use crate::lost_states::{PRIOR, STATE, applied, with_engine, with_engine_and};
use crate::server::Record;

/// Of the lineage of the one before.
fn state(serial: u64, objects: &[(&str, &str)]) -> String {
    let resources: Vec<Value> = objects
        .iter()
        .map(|(name, id)| {
            json!({
                "mode": "managed", "type": "null_resource", "name": name,
                "instances": [{ "attributes": { "id": id } }],
            })
        })
        .collect();
    json!({ "version": 4, "serial": serial, "lineage": "l", "resources": resources }).to_string()
}

fn event(kind: &str, action: &str, address: &str, id: &str) -> String {
    json!({
        "@level": "info", "type": kind,
        "hook": { "action": action, "resource": { "addr": address }, "id_key": "id", "id_value": id },
    })
    .to_string()
}

/// The end of an apply that says this and leaves that.
async fn ended(said: &[String], left: &str, status: u8) -> Record {
    let said = said.join("\n");
    let apply = format!("echo '{said}'; printf '%s' '{left}' > {STATE}; exit {status}");
    let bench = with_engine("Terraform", &apply).await;
    let before = state(7, &[("a", "1"), ("b", "2")]);
    applied(&bench, EngineKind::Terraform, Some(&before), true).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_does_not_follow_is_not_taken_for_the_engines() {
    let added = "echo 'Apply complete! Resources: 1 added, 0 changed, 0 destroyed.'";
    let foreign = r#"{"serial":99,"lineage":"zz","resources":[]}"#;
    for overwrite in
        [format!("cat {STATE} > x; cat x > {STATE}"), format!("echo '{foreign}' > {STATE}")]
    {
        let bench = with_engine("Terraform", &format!("{overwrite}; {added}")).await;
        let record = applied(&bench, EngineKind::Terraform, Some(PRIOR), true).await;
        assert_eq!(record.outcome().result, PhaseResult::Errored, "{overwrite}");
        let message = record.outcome().message.as_deref().unwrap();
        assert!(message.contains("does not follow on the one before"), "{message}");
        assert!(record.states.is_empty(), "{overwrite}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_is_one_that_says_otherwise_than_the_engine_said() {
    let added = "Apply complete! Resources: 1 added, 0 changed, 0 destroyed.".to_owned();
    let removed = "Apply complete! Resources: 0 added, 0 changed, 1 destroyed.".to_owned();
    let line = |text: &str| text.to_owned();
    for (said, left, why) in [
        (
            vec![line("null_resource.c: Creation complete after 0s [id=3]"), added.clone()],
            state(9, &[("a", "1"), ("b", "2")]),
            "“null_resource.c” was created",
        ),
        (
            vec![event("apply_complete", "create", "null_resource.c", "3")],
            state(9, &[("a", "1"), ("b", "2")]),
            "“null_resource.c” was created",
        ),
        // One that was replaced, as it was before.
        (
            vec![line("null_resource.b: Creation complete after 0s [id=3]"), added],
            state(9, &[("a", "1"), ("b", "2")]),
            "another object",
        ),
        (
            vec![
                line("null_resource.b: Destroying... [id=2]"),
                line("null_resource.b: Destruction complete after 0s"),
                removed,
            ],
            state(9, &[("a", "1"), ("b", "2")]),
            "“null_resource.b” was destroyed",
        ),
        (
            vec![
                event("apply_start", "delete", "null_resource.b", "2"),
                event("apply_complete", "delete", "null_resource.b", ""),
            ],
            state(9, &[("a", "1"), ("b", "2")]),
            "“null_resource.b” was destroyed",
        ),
    ] {
        let record = ended(&said, &left, 0).await;
        assert_eq!(record.outcome().result, PhaseResult::Errored, "{said:?}");
        let message = record.outcome().message.as_deref().unwrap();
        assert!(message.contains(why) && message.contains("overwritten"), "{message}");
        assert!(record.states.is_empty(), "{said:?}");
        assert_eq!(record.artifacts["errored-state"], left, "nothing is thrown away");
        // An engine that was killed may not have come so far: there is nothing better.
        let record = ended(&said, &left, 1).await;
        assert_eq!(*record.states.last().unwrap(), left);
        let message = record.outcome().message.as_deref().unwrap();
        assert!(message.contains(why) && message.contains("look after it"), "{message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_is_what_no_such_engine_writes() {
    let added = "null_resource.c: Creation complete after 0s [id=3]".to_owned();
    let sealed =
        r#"{"serial":9,"lineage":"l","encrypted_data":"eHh4","meta":{},"encryption_version":"v0"}"#;
    for left in [sealed, r#"{"version":4,"serial":9,"lineage":"l"}"#] {
        let record = ended(std::slice::from_ref(&added), left, 0).await;
        assert_eq!(record.outcome().result, PhaseResult::Errored, "{left}");
        assert!(record.states.is_empty(), "{left}");
        assert_eq!(record.artifacts["errored-state"], left);
    }
}

/// What a program has written meanwhile was brought as a snapshot, with a serial that the engine does not come to.
#[tokio::test(flavor = "multi_thread")]
async fn the_engines_last_state_stands_above_whatever_came_before_it() {
    let (forged, last) =
        (state(50, &[("a", "1")]), state(8, &[("a", "1"), ("b", "2"), ("c", "3")]));
    let gate = tempfile::tempdir().unwrap();
    let gate = gate.path().join("open");
    let apply = format!(
        "printf '%s' '{forged}' > {STATE}; until [ -e {} ]; do sleep 0.1; done; printf '%s' '{last}' > {STATE}; \
         echo 'null_resource.c: Creation complete after 0s [id=3]'",
        gate.display()
    );
    let bench = with_engine_and("Terraform", &apply, "echo '{}'", |config| {
        config.sandbox = statehouse_agent::Sandbox::Off;
    })
    .await;
    let work = async {
        let before = state(7, &[("a", "1"), ("b", "2")]);
        applied(&bench, EngineKind::Terraform, Some(&before), true).await
    };
    let open = until(|| {
        let jobs = &bench.server.world().jobs;
        let is_there = jobs.values().any(|job| !job.states.is_empty());
        if is_there {
            std::fs::write(&gate, "").unwrap();
        }
        is_there
    });
    let (record, ()) = tokio::join!(work, open);
    let message = record.outcome().message.as_deref().unwrap();
    assert!(message.contains("beside the engine"), "{message}");
    let brought: serde_json::Value = serde_json::from_slice(record.states.last().unwrap()).unwrap();
    assert_eq!(brought["serial"], 51);
    assert_eq!(brought["resources"].as_array().unwrap().len(), 3);
}

/// What it says is right, and the engine's own additions stand in it; what was changed in place does not, nor an output,
/// nor what the engine has not touched.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_takes_a_state_for_the_engines_alone_that_another_one_had_open() {
    let own = state(8, &[("a", "1"), ("b", "2"), ("c", "3")]);
    let before = state(7, &[("a", "1"), ("b", "2")]);
    let created = "echo 'null_resource.c: Creation complete after 0s [id=3]'";
    let modified = "echo 'null_resource.a: Modifications complete after 0s [id=1]'";
    let other = state(9, &[("b", "2"), ("c", "3")]);
    let changed = own.replace("\"1\"", "\"5\"");
    let older = before.replace("\"serial\":7", "\"serial\":8");
    let background = "(setsid sh -c \"sleep 0.1; cat new >&8; sleep 100\" 9>&- > /dev/null 2>&1 &)";
    for (said, others, brought) in [
        (created, format!("printf '%s' '{other}' > {STATE}"), Some(&other)),
        // By one that has had it open all the time, and one that is killed at the end.
        (
            created,
            format!("exec 8<>{STATE}; exec 9>&-; printf '%s' '{changed}' >&8"),
            Some(&changed),
        ),
        (
            created,
            format!(
                "printf '%s' '{changed}' > new; exec 8<>{STATE}; {background}; exec 9>&-; sleep 1"
            ),
            Some(&changed),
        ),
        (modified, format!("printf '%s' '{before}' > {STATE}"), None),
        (modified, format!("printf '%s' '{older}' > {STATE}"), Some(&older)),
    ] {
        let apply = format!(
            "exec 9<>{STATE}; printf '%s' '{own}' >&9; {said}; {others}; sleep 0.2; exit 0"
        );
        let bench = with_engine("Terraform", &apply).await;
        let record = applied(&bench, EngineKind::Terraform, Some(&before), true).await;
        assert_eq!(record.outcome().result, PhaseResult::Errored, "{apply}: {}", record.text());
        let message = record.outcome().message.as_deref().unwrap();
        assert!(message.contains("beside the engine"), "{apply}: {message}");
        assert!(record.text().contains("beside the engine"));
        assert_eq!(
            record.states.last().map(|it| &it[..]),
            brought.map(String::as_bytes),
            "{apply}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_the_state_meanwhile_is_everybodys_right() {
    let bench = Bench::start().await;
    let read = format!("for n in 1 2 3; do cat {STATE} | tail -1 & done; wait; sleep 0.1");
    let main = resource("a", &read) + &resource("b", &read);
    let (_, record) = bench.plan_and_apply(&bench.plan(&[("main.tf", &main)])).await;
    assert_eq!(record.outcome().result, PhaseResult::Finished, "{}", record.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_of_the_run_that_holds_the_state_back_is_found_out() {
    let bench = Bench::start().await;
    let after = |name: &str, other: &str| {
        resource(name, "true").replace(
            &format!("\"{name}\" {{"),
            &format!("\"{name}\" {{\n depends_on = [terraform_data.{other}]"),
        )
    };
    let both = resource("a", "true") + &after("b", "a");
    let (_, before) = bench.plan_and_apply(&bench.plan(&[("main.tf", &both)])).await;
    let before = before.states.last().unwrap().clone();
    // From the moment in which the state holds no `b`, or a `c`, it is what it was, with a higher serial.
    let hold_back = format!(
        "sed 's/\"serial\": .*/\"serial\": 90,/' {STATE} > was; (setsid sh -c 'while :; do if ! grep -q \\\"b\\\" {STATE} \
         || grep -q \\\"c\\\" {STATE}; then cat was > {STATE}; fi; done' > /dev/null 2>&1 &)"
    );
    let holder = resource("x", &hold_back);
    for (main, expected) in [
        (both.clone() + &holder + &after("c", "x"), &["a", "b", "c", "x"][..]),
        (resource("a", "true") + &holder, &["a", "x"]),
    ] {
        let mut plan = bench.plan(&[("main.tf", &main)]);
        plan.state_url = Some(bench.server.blob(&format!("state-of-{}", plan.id), before.clone()));
        let (_, record) = bench.plan_and_apply(&plan).await;
        let held = record.states.last().map(|state| inspect(state).1);
        if record.outcome().result == PhaseResult::Finished {
            assert_eq!(held.unwrap(), expected, "{}", record.text());
        } else {
            // Or half of one, where it is written as the engine ends.
            let message = record.outcome().message.as_deref().unwrap();
            assert!(message.contains("state"), "{message}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_sets_the_time_of_a_state_back_does_not_hide_it() {
    let left = state(8, &[("a", "1"), ("b", "2"), ("c", "3")]);
    let apply = format!(
        "printf '%s' '{left}' > {STATE}; touch -h -d @1 {STATE}; \
         echo 'Apply complete! Resources: 1 added, 0 changed, 0 destroyed.'"
    );
    let bench = with_engine("Terraform", &apply).await;
    let before = state(7, &[("a", "1"), ("b", "2")]);
    let record = applied(&bench, EngineKind::Terraform, Some(&before), true).await;
    assert_eq!(record.outcome().result, PhaseResult::Finished, "{:?}", record.outcome().message);
    let state = record.states.last().expect("it is brought");
    assert_eq!(inspect(state).0, 8);
}
