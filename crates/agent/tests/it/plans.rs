//! Plans: their outcome, what they leave behind, and what they are asked with.

use protocol::{Counts, PhaseResult};
use serde_json::Value;

use crate::bench::{Bench, environment, inspect, resource, variable};

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_with_changes_leaves_all_that_its_apply_needs() {
    let bench = Bench::start().await;
    let main = "terraform {\n  cloud {\n    organization = \"acme\"\n    workspaces {\n      \
                name = \"networking\"\n    }\n  }\n}\nresource \"terraform_data\" \"a\" {}\n";
    let record = bench.execute(&bench.plan(&[("main.tf", main)])).await;
    let outcome = record.outcome();
    assert_eq!(outcome.result, PhaseResult::Finished, "{}", record.text());
    assert!(outcome.has_changes);
    assert_eq!(outcome.counts, Counts { additions: 1, ..Counts::default() });
    let at = |call| record.called(call).unwrap_or_else(|| panic!("no {call}: {:?}", record.calls));
    assert!(at("start") < at("log"));
    assert!(at("plan-file") < at("outcome"));
    assert!(at("outcome") < at("json-plan"));
    assert!(at("outcome") < at("json-plan-redacted"));
    assert!(at("json-plan-redacted") < at("provider-schemas"));
    assert!(at("provider-schemas") < at("finish"));
    bench.until_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_without_changes_says_so() {
    let bench = Bench::start().await;
    let record = bench.execute(&bench.plan(&[("main.tf", "locals { a = 1 }\n")])).await;
    assert_eq!(record.outcome().result, PhaseResult::Finished);
    assert!(!record.outcome().has_changes);
    assert_eq!(record.outcome().counts, Counts::default());
    assert!(record.artifacts.contains_key("plan-file"), "allow-empty-apply may want it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_without_changes_that_ends_its_run_leaves_no_plan_file() {
    let bench = Bench::start().await;
    let mut job = bench.plan(&[("main.tf", "locals { a = 1 }\n")]);
    job.options.ends_if_empty = true;
    let record = bench.execute(&job).await;
    assert_eq!(record.outcome().result, PhaseResult::Finished);
    assert!(!record.artifacts.contains_key("plan-file"));
    assert!(record.artifacts.contains_key("json-plan"));
    let mut job = bench.plan(&[("main.tf", "resource \"terraform_data\" \"a\" {}\n")]);
    job.options.ends_if_empty = true;
    let record = bench.execute(&job).await;
    assert!(record.artifacts.contains_key("plan-file"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_fails_says_why() {
    let bench = Bench::start().await;
    let broken = "output \"x\" { value = terraform_data.missing.id }\n";
    let record = bench.execute(&bench.plan(&[("main.tf", broken)])).await;
    assert_eq!(record.outcome().result, PhaseResult::Errored);
    let message = record.outcome().message.as_deref().unwrap();
    assert!(message.contains("Reference to undeclared resource"), "{message}");
    assert!(record.text().contains("terraform_data.missing"));
    assert!(!record.artifacts.contains_key("plan-file"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_init_shows_its_output() {
    let bench = Bench::start().await;
    let broken = "module \"x\" { source = \"./not-there\" }\n";
    let record = bench.execute(&bench.plan(&[("main.tf", broken)])).await;
    assert_eq!(record.outcome().result, PhaseResult::Errored);
    assert!(record.text().contains("not-there"), "{}", record.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_only_run_stores_no_plan_file() {
    let bench = Bench::start().await;
    let mut job = bench.plan(&[("main.tf", "resource \"terraform_data\" \"a\" {}\n")]);
    job.options.plan_only = true;
    let record = bench.execute(&job).await;
    assert!(record.outcome().has_changes);
    assert!(!record.artifacts.contains_key("plan-file"));
    assert!(record.artifacts.contains_key("json-plan"));
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_arrive_unchanged_and_win_over_the_archive() {
    let bench = Bench::start().await;
    let main = "variable \"text\" {}\nvariable \"map\" { type = map(list(number)) }\n\
                variable \"auto\" {}\nvariable \"file\" {}\n\
                output \"all\" { value = [var.text, var.map, var.auto, var.file] }\n";
    let nasty = "a \"quote\" ${not} %{this} $${nor} $$${that} \\ back\nnext\tline ü €";
    let mut job = bench.plan(&[
        ("main.tf", main),
        ("terraform.tfvars", "file = \"archive\"\ntext = \"archive\"\n"),
        ("z.auto.tfvars", "auto = \"archive\"\n"),
    ]);
    job.variables = vec![
        variable("text", nasty, false),
        variable("map", "{\n  a = [1, 2]\n}", true),
        variable("auto", "workspace", false),
        variable("never_declared", "x", false),
        variable("not a name", "x", false),
    ];
    let record = bench.execute(&job).await;
    assert_eq!(record.outcome().result, PhaseResult::Finished, "{}", record.text());
    let plan: Value = serde_json::from_slice(&record.artifacts["json-plan"]).unwrap();
    let all = &plan["planned_values"]["outputs"]["all"]["value"];
    assert_eq!(*all, serde_json::json!([nasty, { "a": [1, 2] }, "workspace", "archive"]));
    assert!(record.text().contains("“not a name” is left out"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_workspace_has_its_name_in_every_kind_of_configuration() {
    let bench = Bench::start().await;
    let output = "output \"name\" { value = terraform.workspace }\n";
    let json = r#"{"terraform":{"backend":{"remote":{"organization":"acme","workspaces":
        {"name":"networking"}}}},"output":{"name":{"value":"${terraform.workspace}"}}}"#;
    let cloud = format!("terraform {{\n  cloud {{\n    organization = \"x\"\n  }}\n}}\n{output}");
    let named = "resource \"terraform_data\" \"b\" {}\n".to_owned() + output;
    let files: [(&[(&str, &str)], &str); 4] = [
        (&[("main.tf.json", json)], "networking"),
        (&[("main.tf", &cloud)], "networking"),
        (&[("main.tf", &named)], "default"),
        // What somebody's working copy may carry along.
        (
            &[
                ("main.tf", output),
                ("terraform.tfstate", "{}"),
                (".terraform/environment", "other"),
            ],
            "networking",
        ),
    ];
    for (files, name) in files {
        let mut job = bench.plan(files);
        job.workspace = name.to_owned();
        let record = bench.execute(&job).await;
        assert_eq!(record.outcome().result, PhaseResult::Finished, "{}", record.text());
        let plan: Value = serde_json::from_slice(&record.artifacts["json-plan"]).unwrap();
        assert_eq!(plan["planned_values"]["outputs"]["name"]["value"], name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_override_with_the_name_of_ours_is_read() {
    let bench = Bench::start().await;
    let main = "output \"whose\" { value = \"main\" }\n";
    let own = "output \"whose\" { value = \"own\" }\n";
    let files = [("main.tf", main), ("zz_statehouse_override.tf", own)];
    let record = bench.execute(&bench.plan(&files)).await;
    assert_eq!(record.outcome().result, PhaseResult::Finished, "{}", record.text());
    let plan: Value = serde_json::from_slice(&record.artifacts["json-plan"]).unwrap();
    assert_eq!(plan["planned_values"]["outputs"]["whose"]["value"], "own");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_engine_starts_in_the_working_directory() {
    let bench = Bench::start().await;
    let files = [("a/b/main.tf", "module \"m\" { source = \"../m\" }\n"), ("a/m/main.tf", "")];
    let mut job = bench.plan(&files);
    job.working_directory = "a/b".into();
    assert_eq!(bench.execute(&job).await.outcome().result, PhaseResult::Finished);
    for (directory, complaint) in [("a/c", "does not exist"), ("../..", "leaves")] {
        let mut job = bench.plan(&files);
        job.working_directory = directory.into();
        let record = bench.execute(&job).await;
        assert_eq!(record.outcome().result, PhaseResult::Errored);
        assert!(record.text().contains(complaint), "{}", record.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn targets_and_replacements_reach_the_engine() {
    let bench = Bench::start().await;
    let main = resource("a", "true") + &resource("b", "true");
    let plan = bench.plan(&[("main.tf", &main)]);
    let (_, applied) = bench.plan_and_apply(&plan).await;
    let state = applied.states.last().unwrap();
    let mut job = bench.plan(&[("main.tf", &main)]);
    job.state_url = Some(bench.server.blob("state-of-both", state.clone()));
    job.options.replace = vec!["terraform_data.a".into()];
    job.options.refresh = false;
    let record = bench.execute(&job).await;
    assert_eq!(
        record.outcome().counts,
        Counts { additions: 1, destructions: 1, ..Counts::default() },
    );
    job.id += "-target";
    job.options.replace.clear();
    job.options.destroy = true;
    job.options.targets = vec!["terraform_data.b".into()];
    let record = bench.execute(&job).await;
    assert_eq!(record.outcome().counts, Counts { destructions: 1, ..Counts::default() });
}

#[tokio::test(flavor = "multi_thread")]
async fn sensitive_values_are_only_in_the_full_plan() {
    let bench = Bench::start().await;
    let main = "variable \"secret\" {\n  sensitive = true\n}\n\
                resource \"terraform_data\" \"a\" { input = var.secret }\n\
                output \"o\" {\n  value     = var.secret\n  sensitive = true\n}\n";
    let mut job = bench.plan(&[("main.tf", main)]);
    job.variables = vec![variable("secret", "hunter2", false)];
    let record = bench.execute(&job).await;
    let text = |name: &str| String::from_utf8(record.artifacts[name].to_vec()).unwrap();
    assert!(text("json-plan").contains("hunter2"));
    let redacted = text("json-plan-redacted");
    assert!(!redacted.contains("hunter2"));
    assert!(!record.text().contains("hunter2"));
    let redacted: Value = serde_json::from_str(&redacted).unwrap();
    assert_eq!(redacted["resource_changes"][0]["change"]["after_sensitive"]["input"], true);
    let schemas = redacted["provider_schemas"].as_object().unwrap();
    assert!(schemas.contains_key("terraform.io/builtin/terraform"));
    let listed: Value = serde_json::from_str(&text("provider-schemas")).unwrap();
    assert_eq!(listed["provider_schemas"], redacted["provider_schemas"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn structured_plans_have_a_log_of_json_and_a_document_that_delays_nothing() {
    let bench = Bench::start().await;
    let mut job = bench.plan(&[("main.tf", "resource \"terraform_data\" \"a\" {}\n")]);
    job.structured_output = true;
    let record = bench.execute(&job).await;
    assert_eq!(record.outcome().counts.additions, 1);
    assert!(record.called("outcome") < record.called("json-plan-redacted"));
    let text = record.text();
    let json = text.lines().skip(3).find(|line| line.starts_with('{')).unwrap();
    assert_eq!(serde_json::from_str::<Value>(json).unwrap()["type"], "version");
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_that_the_run_waits_for_are_there_before_its_plan_is_over() {
    let bench = Bench::start().await;
    let mut job = bench.plan(&[("main.tf", "resource \"terraform_data\" \"a\" {}\n")]);
    job.options.documents_first = true;
    let record = bench.execute(&job).await;
    assert_eq!(record.outcome().result, PhaseResult::Finished, "{}", record.text());
    for document in ["json-plan", "json-plan-redacted", "provider-schemas"] {
        let calls = record.calls.iter().filter(|call| *call == document).count();
        assert_eq!(calls, 1, "{document}: once");
        assert!(record.called(document) < record.called("outcome"), "{document}");
    }
    bench.until_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_that_cannot_be_made_cost_no_outcome() {
    let bench = Bench::start().await;
    let mut job = bench.plan(&[("main.tf", "resource \"terraform_data\" \"a\" {}\n")]);
    job.options.documents_first = true;
    bench.server.world().refuse_artifacts = Some("json-plan");
    let record = bench.execute(&job).await;
    assert_eq!(record.outcome().result, PhaseResult::Finished, "{}", record.text());
    assert!(!record.artifacts.contains_key("json-plan"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_of_which_the_engine_reads_nothing_destroys_nothing() {
    let bench = Bench::start().await;
    let plan = bench.plan(&[("main.tf", &resource("a", "true"))]);
    let (_, applied) = bench.plan_and_apply(&plan).await;
    let state = applied.states.last().unwrap();
    for (folder, files) in [
        ("", vec![("README.md", "")]),
        ("", vec![("x.auto.tfvars", "a = 1\n"), ("modules/a/main.tf", "")]),
        ("", vec![("x.tofu", "")]),
        ("envs", vec![("main.tf", ""), ("envs/README.md", "")]),
    ] {
        let mut plan = bench.plan(&files);
        plan.working_directory = folder.into();
        plan.state_url = Some(bench.server.blob("state-to-keep", state.clone()));
        let planned = bench.execute(&plan).await;
        let outcome = planned.outcome();
        assert_eq!(outcome.result, PhaseResult::Errored, "{files:?}: {}", planned.text());
        let message = outcome.message.as_deref().unwrap();
        assert!(message.contains("mark everything for destruction"), "{message}");
        assert!(planned.text().contains(message) && !planned.artifacts.contains_key("plan-file"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destroy_needs_no_configuration() {
    let bench = Bench::start().await;
    let plan = bench.plan(&[("main.tf", &resource("a", "true"))]);
    let (_, applied) = bench.plan_and_apply(&plan).await;
    let state = applied.states.last().unwrap();
    let mut destroy = bench.plan(&[]);
    destroy.configuration_url = None;
    destroy.working_directory = "some/where".into();
    destroy.options.destroy = true;
    destroy.state_url = Some(bench.server.blob("state-to-destroy", state.clone()));
    let (planned, destroyed) = bench.plan_and_apply(&destroy).await;
    assert_eq!(planned.outcome().counts.destructions, 1, "{}", planned.text());
    assert_eq!(destroyed.outcome().result, PhaseResult::Finished, "{}", destroyed.text());
    assert_eq!(destroyed.outcome().counts.destructions, 1);
    assert_eq!(inspect(destroyed.states.last().unwrap()).1, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_for_the_engine_do_not_change_what_it_is_asked() {
    let bench = Bench::start().await;
    let mut job = bench.plan(&[("main.tf", "resource \"terraform_data\" \"a\" {}\n")]);
    // Which `show` and `providers schema` do not know.
    job.variables = vec![environment("TF_CLI_ARGS", "-lock-timeout=5s")];
    let record = bench.execute(&job).await;
    assert_eq!(record.outcome().result, PhaseResult::Finished, "{}", record.text());
    assert!(record.artifacts.contains_key("json-plan"));
    assert!(record.artifacts.contains_key("provider-schemas"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_was_saved_before_it_was_refused_defines_nothing_else() {
    let bench = Bench::start().await;
    let main = "variable \"a\" {}\nvariable \"region\" {}\n";
    let mut job = bench.plan(&[("main.tf", main)]);
    job.variables =
        vec![variable("region", "here", false), variable("a", "1\nregion = \"EVIL\"", true)];
    let record = bench.execute(&job).await;
    assert_eq!(record.outcome().result, PhaseResult::Errored);
    let message = record.outcome().message.as_deref().unwrap();
    assert!(message.contains("“a” is not one HCL expression"), "{message}");
    assert!(!record.text().contains("EVIL"), "{}", record.text());
}
