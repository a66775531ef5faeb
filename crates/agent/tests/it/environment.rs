//! What an engine can see: its own environment and files, and nothing of the agent's.

use std::collections::BTreeMap;

use protocol::{Access, PhaseResult, Secret};

use crate::bench::{Bench, environment, inspect, resource};
use crate::server::Record;

#[tokio::test(flavor = "multi_thread")]
async fn the_environment_is_the_workspaces_and_not_the_agents() {
    let bench = Bench::start().await;
    let mut plan = bench.plan(&[("main.tf", &resource("a", "env"))]);
    plan.variables = vec![
        environment("AWS_REGION", "eu-central-1"),
        environment("TF_WORKSPACE", "stolen"),
        environment("TF_DATA_DIR", "/tmp/elsewhere"),
        environment("LC_ALL", "C.UTF-8"),
    ];
    let (_, applied) = bench.plan_and_apply(&plan).await;
    let lines = applied.printed();
    let env: BTreeMap<&str, &str> = lines.iter().filter_map(|line| line.split_once('=')).collect();
    // Cargo has set these for the test, which is the agent's process.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    let foreign: Vec<_> = env.keys().filter(|name| name.starts_with("CARGO")).collect();
    assert!(foreign.is_empty(), "{foreign:?}");
    assert!(!env.values().any(|value| value.contains(crate::server::TOKEN)));
    assert_eq!(env["AWS_REGION"], "eu-central-1");
    assert_eq!(env["LC_ALL"], "C.UTF-8");
    assert_eq!(env["TF_WORKSPACE"], "networking");
    assert!(!env.contains_key(&"TF_DATA_DIR"));
    assert_eq!(env["TFC_RUN_ID"], plan.run_id.as_str());
    assert_eq!(env["TFC_WORKSPACE_SLUG"], "acme/networking");
    assert_eq!(env["TFC_PROJECT_NAME"], "Default Project");
    let work = bench.path("work").canonicalize().unwrap();
    assert!(env["HOME"].starts_with(work.to_str().unwrap()));
    assert!(env["TMPDIR"].starts_with(work.to_str().unwrap()));
}

/// What an attacker would try from inside an apply: each of it says what it got or that it got nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_sees_what_it_needs_and_nothing_else() {
    let mut bench = Bench::idle().await;
    std::fs::create_dir_all(bench.path("open/closed")).unwrap();
    std::fs::create_dir(bench.path("hidden")).unwrap();
    std::fs::write(bench.path("hidden/key"), "the key").unwrap();
    std::fs::write(bench.path("open/closed/key"), "the key").unwrap();
    std::fs::write(bench.path("open/file"), "an open file").unwrap();
    std::fs::write(bench.path("beside"), "the key").unwrap();
    bench.go();
    let folder = bench.folder.path().display().to_string();
    let agent = std::process::id();
    let engine = crate::bench::ENGINE.0.display().to_string();
    let command = [
        format!("cat {folder}/open/file; echo"),
        "echo x > $TMPDIR/x && echo own files".to_owned(),
        "echo x > /tmp/y && ls $TMPDIR/y && echo own tmp".to_owned(),
        format!("cat {folder}/beside || echo nothing beside it"),
        format!("cat {folder}/hidden/key || echo no key"),
        format!("cat {folder}/open/closed/key || echo no closed key"),
        format!("ls {folder}/work/jobs | wc -l | grep -x 1 && echo no other jobs"),
        format!("(echo x > {folder}/hidden/new) || echo no new"),
        format!("(echo x > {folder}/open/new) || echo no new beside it"),
        "(: >> /etc/hosts) || echo no change of the system".to_owned(),
        format!("(: >> {engine}) || echo no change of the engine"),
        "(: > $TF_PLUGIN_CACHE_DIR/new) || echo no change of the cache".to_owned(),
        format!("cat /proc/{agent}/environ || echo no environ"),
        format!("kill -0 {agent} || echo no signal"),
        "ls /dev/vda /dev/sda /dev/kmsg || echo no raw devices".to_owned(),
        "grep -q 'CapEff:.0000000000000000' /proc/self/status && echo no capabilities".to_owned(),
    ]
    .join("; ");
    let plan = bench.plan(&[("main.tf", &resource("a", &command))]);
    let (_, applied) = bench.plan_and_apply(&plan).await;
    assert_eq!(applied.outcome().result, PhaseResult::Finished, "{}", applied.text());
    let lines = applied.printed();
    let says = |text: &str| lines.iter().any(|line| line == text);
    for expected in [
        "an open file",
        "own files",
        "own tmp",
        "nothing beside it",
        "no key",
        "no closed key",
        "no other jobs",
        "no new",
        "no new beside it",
        "no change of the system",
        "no change of the engine",
        "no change of the cache",
        "no environ",
        "no signal",
        "no raw devices",
        "no capabilities",
    ] {
        assert!(says(expected), "{expected}: {lines:?}");
    }
    assert!(!says("the key"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_run_leaves_running_ends_with_it() {
    let bench = Bench::start().await;
    // It goes on writing into a file that the whole job can see, until it is ended.
    let daemon = "setsid sh -c 'trap \"\" TERM HUP INT; echo $$ > daemon; sleep 1000' \
                  > /dev/null 2>&1 & while [ ! -s daemon ]; do sleep 0.05; done";
    let plan = bench.plan(&[("main.tf", &resource("a", daemon))]);
    let (_, applied) = bench.plan_and_apply(&plan).await;
    assert_eq!(applied.outcome().result, PhaseResult::Finished, "{}", applied.text());
    bench.until_clean().await;
    let theirs = bench.folder.path().canonicalize().unwrap();
    let ours = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok).filter(|entry| {
        std::fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(&theirs))
    });
    assert_eq!(ours.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_that_the_operator_names_can_be_read() {
    let mut bench = Bench::idle().await;
    let mirror = bench.path("mirror");
    std::fs::create_dir(&mirror).unwrap();
    std::fs::write(mirror.join("here"), "").unwrap();
    let text =
        format!("provider_installation {{\n filesystem_mirror {{\n path = {mirror:?}\n }}\n}}\n");
    std::fs::write(bench.path("cli.tfrc"), text).unwrap();
    let config = statehouse_agent::Config {
        cli_config_file: Some(bench.path("cli.tfrc")),
        ..bench.config()
    };
    bench.go_with(config);
    let look = format!("ls {}", mirror.display());
    let plan = bench.plan(&[("main.tf", &resource("a", &look))]);
    let (_, applied) = bench.plan_and_apply(&plan).await;
    assert!(applied.printed().iter().any(|line| line == "here"), "{}", applied.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn links_planted_by_the_engine_lead_nowhere() {
    let bench = Bench::start().await;
    let secret = bench.path("secret");
    std::fs::write(&secret, r#"{"serial": 99, "lineage": "", "secret": "the key"}"#).unwrap();
    // The engine goes on writing into the file that it has open.
    let plant =
        format!("ln -sf {} .statehouse/state/networking/terraform.tfstate", secret.display());
    let plan = bench.plan(&[("main.tf", &resource("a", &plant))]);
    let (_, applied) = bench.plan_and_apply(&plan).await;
    assert_eq!(applied.outcome().result, PhaseResult::Finished, "{}", applied.text());
    assert_eq!(inspect(applied.states.last().unwrap()).1, ["a"]);
    let all: Vec<_> = applied.states.iter().chain(applied.artifacts.values()).collect();
    assert!(!all.iter().any(|bytes| bytes.windows(7).any(|part| part == b"the key")));
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_and_sizes_with_which_no_engine_can_work_are_named_before_it_starts() {
    let bench = Bench::start().await;
    let large = "v".repeat(100_000);
    let mut many: Vec<_> = (0..20).map(|n| environment(&format!("LARGE_{n}"), &large)).collect();
    many.push(environment("LARGEST", &"v".repeat(100_100)));
    for (variables, complaint) in [
        (
            vec![environment("TF_CLI_ARGS_apply", "'-state'=x")],
            "TF_CLI_ARGS_apply gives the engine the argument -state",
        ),
        (
            vec![environment("TF_CLI_ARGS", "--destroy")],
            "TF_CLI_ARGS gives the engine the argument -destroy",
        ),
        (vec![environment("BIG", &"v".repeat(200_000))], "BIG has 200005 bytes"),
        (many, "LARGEST is one too many"),
    ] {
        let mut job = bench.plan(&[("main.tf", "locals { a = 1 }\n")]);
        job.variables = variables;
        let record = bench.execute(&job).await;
        assert_eq!(record.outcome().result, PhaseResult::Errored);
        let message = record.outcome().message.as_deref().unwrap();
        assert!(message.contains(complaint), "{message}");
        assert!(record.text().contains(complaint), "{}", record.text());
        assert!(!record.artifacts.contains_key("plan-file"));
    }
    let mut job = bench.plan(&[("main.tf", "locals { a = 1 }\n")]);
    job.variables = vec![
        environment("TF_CLI_ARGS_plan", "-parallelism=3 -refresh=false"),
        environment("LARGE", &"v".repeat(131_000)),
        environment("TF_DATA_DIR", "elsewhere"),
    ];
    let record = bench.execute(&job).await;
    assert_eq!(record.outcome().result, PhaseResult::Finished, "{}", record.text());
    assert!(record.text().contains("The environment variable TF_DATA_DIR is left out"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_engine_is_let_in_by_a_file_that_nobody_else_can_read() {
    let bench = Bench::start().await;
    let look = "stat -c 'mode %a' $TF_CLI_CONFIG_FILE; grep -c atlasv1 $TF_CLI_CONFIG_FILE; \
                env | grep atlasv1 || echo nothing in the environment";
    let mut plan = bench.plan(&[("main.tf", &resource("a", look))]);
    plan.access = Some(Access {
        host: "statehouse.test".into(),
        token: Secret("one.atlasv1.two".into()),
        services: BTreeMap::from([("tfe.v2".into(), "http://127.0.0.1:1/api/v2/".into())]),
    });
    let (planned, applied) = bench.plan_and_apply(&plan).await;
    assert_eq!(applied.outcome().result, PhaseResult::Finished, "{}", applied.text());
    // Before them stands the command itself.
    assert_eq!(applied.printed()[1..], ["mode 600", "1", "nothing in the environment"]);
    for record in [planned, applied] {
        let all = record.states.iter().chain(record.artifacts.values());
        assert!(
            !all.into_iter().any(|bytes| String::from_utf8_lossy(bytes).contains("one.atlasv1"))
        );
        assert!(!record.raw().contains("one.atlasv1"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn gits_key_is_there_while_the_phase_lasts() {
    let bench = Bench::start().await;
    // Turned by thirteen letters: as it is, the log would not show it.
    let turned = "tr a-zA-Z n-za-mN-ZA-M < $KEY";
    let look = format!("stat -c 'mode %a' $KEY; {turned}; echo $GIT_SSH_COMMAND");
    let look = format!("KEY=$(echo $GIT_SSH_COMMAND | cut -d \\' -f 2); {look}; echo at $KEY");
    let mut plan = bench.plan(&[("main.tf", &resource("a", &look))]);
    plan.ssh_key = Some(Secret("-----BEGIN KEY-----\r\nopen sesame\r\n-----END KEY-----".into()));
    let (_, applied) = bench.plan_and_apply(&plan).await;
    let lines = applied.printed();
    assert_eq!(
        &lines[1..5],
        ["mode 600", "-----ORTVA XRL-----", "bcra frfnzr", "-----RAQ XRL-----"],
        "{}",
        applied.text()
    );
    assert!(lines[5].starts_with("ssh -i "), "{lines:?}");
    bench.until_clean().await;
    let path = lines.last().unwrap().strip_prefix("at ").unwrap();
    assert!(path.starts_with('/') && !std::path::Path::new(path).exists(), "{path}");
}

#[tokio::test(flavor = "multi_thread")]
async fn modules_are_fetched_with_the_key() {
    let bench = Bench::start().await;
    // Nobody listens there, but Git has to get as far as asking SSH, which says what it was told.
    let main = "module \"m\" { source = \"git::ssh://git@127.0.0.1:1/modules.git\" }\n";
    let mut plan = bench.plan(&[("main.tf", main)]);
    plan.ssh_key = Some(Secret("no key at all".into()));
    plan.variables = vec![environment("GIT_TRACE", "1")];
    let record = bench.execute(&plan).await;
    assert_eq!(record.outcome().result, PhaseResult::Errored);
    let text = record.text();
    assert!(text.contains("IdentitiesOnly=yes"), "{text}");
    assert!(!text.contains("no key at all"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_trusts_its_cache_shares_it_with_its_own_workspace_only() {
    let bench = Bench::start().await;
    let cache = |record: &Record| {
        let lines = record.printed();
        let line = lines.iter().find_map(|line| line.strip_prefix("cache ")).unwrap();
        std::path::Path::new(line).file_name().unwrap().to_str().unwrap().to_owned()
    };
    let look = resource("a", "echo cache $TF_PLUGIN_CACHE_DIR");
    let plan = bench.plan(&[("main.tf", &look)]);
    assert_eq!(cache(&bench.plan_and_apply(&plan).await.1), "acme");
    let mut plan = bench.plan(&[("main.tf", &look)]);
    plan.variables = vec![environment("TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE", "true")];
    assert_eq!(cache(&bench.plan_and_apply(&plan).await.1), "acme.networking");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_required_sandbox_that_is_not_there_starts_no_agent() {
    let bench = Bench::idle().await;
    let config = statehouse_agent::Config {
        supervisor: "/bin/false".into(),
        sandbox: statehouse_agent::Sandbox::Required,
        ..bench.config()
    };
    let error = statehouse_agent::run(config, bench.shutdown.clone()).await.unwrap_err();
    let error = error.to_string();
    assert!(error.contains("the sandbox is required"), "{error}");
    for layer in ["a file system of its own", "processes of its own", "Landlock", "system calls"] {
        assert!(error.contains(layer), "{error}");
    }
}
