//! Whatever happens in whatever order: no run is stuck, none is applied twice or against policies, no state is lost, and
//! the runs of a workspace are applied one at a time and in their order. Crashes are jobs that nobody speaks of any more.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use domain::row::Workspace;
use proptest::{
    collection::vec,
    prelude::*,
    sample::subsequence,
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};
use testkit::{Client, Server};

use crate::{
    agent::Agent,
    policies_in_runs::{AGAINST, FOR, PLAN, attach},
    runs::{run, upload},
    stages::{self, Stage},
};

/// What the policies of a workspace say to each of its plans.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Gate {
    None,
    Open,
    Shut,
    Overridable,
}

fn gate() -> impl Strategy<Value = Gate> {
    prop_oneof![Just(Gate::None), Just(Gate::Open), Just(Gate::Shut), Just(Gate::Overridable)]
}

async fn build(owner: &Client<'_>, workspace: &Workspace, gate: Gate) {
    let code = match gate {
        Gate::None => return,
        Gate::Open => FOR,
        Gate::Shut | Gate::Overridable => AGAINST,
    };
    let set = json!({ "name": workspace.name, "overridable": gate == Gate::Overridable });
    attach(owner, workspace, "mandatory", code, set).await;
}

/// What a workspace's runs go through, beside what its policies say.
#[derive(Clone, Debug)]
struct Course {
    gate: Gate,
    stages: Vec<Stage>,
}

fn course() -> impl Strategy<Value = Course> {
    let others = vec![Stage::PrePlan, Stage::CostEstimation, Stage::PreApply, Stage::PostApply];
    (gate(), subsequence(others, 0..=4)).prop_map(|(gate, stages)| Course { gate, stages })
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Queue {
        workspace: usize,
        auto_apply: bool,
        plan_only: bool,
        save_plan: bool,
    },
    Advance,
    Claim,
    Start(usize),
    SaveState(usize),
    Finish {
        job: usize,
        has_changes: bool,
        brings_plan: bool,
    },
    /// The agent says how it went, and never brings its files.
    Vanish(usize),
    Fail(usize),
    Evaluate,
    /// Something else that a stage asks says what it thinks.
    Answer {
        run: usize,
        agrees: bool,
    },
    /// The worker looks after stages.
    LookAtStages,
    Override(usize),
    Confirm(usize),
    Discard(usize),
    Cancel(usize),
    ForceCancel(usize),
    /// Nobody hears of any agent for a while.
    Silence,
    /// The agent is back after a crash and knows nothing.
    Restart,
}

fn act() -> impl Strategy<Value = Act> {
    let any_run = 0..8_usize;
    prop_oneof![
        3 => (0..2_usize, any::<bool>(), prop::bool::weighted(0.2), prop::bool::weighted(0.2))
            .prop_map(|(workspace, auto_apply, plan_only, save_plan)| Act::Queue {
                workspace, auto_apply, plan_only, save_plan,
            }),
        4 => Just(Act::Advance),
        4 => Just(Act::Claim),
        4 => (0..4_usize).prop_map(Act::Start),
        2 => (0..4_usize).prop_map(Act::SaveState),
        4 => (0..4_usize, any::<bool>(), prop::bool::weighted(0.9))
            .prop_map(|(job, has_changes, brings_plan)| Act::Finish { job, has_changes, brings_plan }),
        1 => (0..4_usize).prop_map(Act::Vanish),
        1 => (0..4_usize).prop_map(Act::Fail),
        3 => Just(Act::Evaluate),
        4 => (any_run.clone(), prop::bool::weighted(0.8))
            .prop_map(|(run, agrees)| Act::Answer { run, agrees }),
        1 => Just(Act::LookAtStages),
        2 => any_run.clone().prop_map(Act::Override),
        3 => any_run.clone().prop_map(Act::Confirm),
        1 => any_run.clone().prop_map(Act::Discard),
        1 => any_run.clone().prop_map(Act::Cancel),
        1 => any_run.prop_map(Act::ForceCancel),
        1 => Just(Act::Silence),
        1 => Just(Act::Restart),
    ]
}

/// What was seen, to hold against what must be.
#[derive(Default)]
struct Seen {
    runs: Vec<String>,
    /// The gate that each run has to pass.
    gates: HashMap<String, Gate>,
    /// Runs that go on against policies, because somebody has said so.
    overridden: HashSet<String>,
    /// Runs that something has refused that may.
    refused: HashSet<String>,
    jobs: Vec<Value>,
    /// How often an apply of each run began.
    applies: HashMap<String, usize>,
    /// The highest serial that the server has taken, by workspace.
    serials: HashMap<String, u64>,
    next_serial: u64,
}

async fn play(courses: [Course; 2], acts: Vec<Act>) {
    let server = Server::start_with(|options| options.settings.concurrency = 3).await;
    server.stop_clock();
    let owner = server.owner();
    let workspaces = [server.workspace("one").await, server.workspace("two").await];
    for (workspace, course) in workspaces.iter().zip(&courses) {
        upload(&owner, workspace, false).await;
        build(&owner, workspace, course.gate).await;
    }
    let mut agent = Agent::register(&server).await;
    let mut seen = Seen::default();
    for act in acts {
        step(&server, &mut agent, &workspaces, &courses, &mut seen, act).await;
        check(&server, &workspaces).await;
        server.pass(Duration::from_millis(10));
    }
    drain(&server, &agent, &mut seen).await;
    check(&server, &workspaces).await;
    for (run, times) in &seen.applies {
        assert_eq!(*times, 1, "{run} was applied {times} times");
        assert!(!seen.refused.contains(run), "{run} was applied although it was refused");
        match seen.gates[run] {
            Gate::None | Gate::Open => {}
            Gate::Overridable => assert!(seen.overridden.contains(run), "nobody let {run} pass"),
            Gate::Shut => panic!("{run} was applied against policies"),
        }
    }
    for workspace in &workspaces {
        let path = format!("/workspaces/{}/current-state-version", workspace.id);
        if let Some(serial) = seen.serials.get(workspace.id.as_str()) {
            let state = owner.get(&path).await.is_ok();
            assert_eq!(state.attribute("serial"), *serial, "a state was lost");
            let address = state.attribute("hosted-state-download-url");
            owner.get(address.as_str().unwrap()).await.is_ok();
        }
    }
}

async fn step(
    server: &Server,
    agent: &mut Agent<'_>,
    workspaces: &[Workspace; 2],
    courses: &[Course; 2],
    seen: &mut Seen,
    act: Act,
) {
    let owner = server.owner();
    let job = |seen: &Seen, at: usize| seen.jobs.get(at).cloned();
    match act {
        Act::Queue { workspace, auto_apply, plan_only, save_plan } => {
            let attributes = json!({
                "auto-apply": auto_apply && !plan_only && !save_plan,
                "plan-only": plan_only, "save-plan": save_plan && !plan_only,
            });
            let made = owner.post("/runs", run(&workspaces[workspace], attributes)).await;
            let id = made.is_created().id();
            for stage in &courses[workspace].stages {
                stages::add(server, &id, *stage).await;
            }
            seen.gates.insert(id.clone(), courses[workspace].gate);
            seen.runs.push(id);
        }
        Act::Advance => server.advance().await,
        Act::Claim => {
            if let Some(job) = agent.claim().await {
                seen.jobs.insert(0, job.json);
            }
        }
        Act::Start(at) => {
            if let Some(json) = job(seen, at) {
                start(agent, seen, json).await;
            }
        }
        Act::SaveState(at) => {
            if let Some(json) = job(seen, at) {
                save(agent, seen, json).await;
            }
        }
        Act::Finish { job: at, has_changes, brings_plan } => {
            if let Some(json) = job(seen, at) {
                start(agent, seen, json.clone()).await;
                finish(agent, json, has_changes, brings_plan).await;
            }
        }
        Act::Vanish(at) => {
            if let Some(json) = job(seen, at) {
                start(agent, seen, json.clone()).await;
                agent.old_job(json).outcome("finished", true).await;
            }
        }
        Act::Fail(at) => {
            if let Some(json) = job(seen, at) {
                agent.old_job(json).outcome("errored", false).await;
            }
        }
        Act::Evaluate => evaluate(server).await,
        Act::Answer { run, agrees } => answer(server, seen, run, agrees).await,
        Act::LookAtStages => {
            domain::task_stages::advance_all(&server.system()).await.unwrap();
        }
        Act::Override(at) => overrule(server, seen, at).await,
        Act::Confirm(at) => act_on(server, seen, at, "apply").await,
        Act::Discard(at) => act_on(server, seen, at, "discard").await,
        Act::Cancel(at) => act_on(server, seen, at, "cancel").await,
        Act::ForceCancel(at) => act_on(server, seen, at, "force-cancel").await,
        Act::Silence => {
            server.pass(Duration::from_secs(61));
            domain::agents::sweep(&server.system()).await.unwrap();
        }
        Act::Restart => {
            agent.introduce().await;
            seen.jobs.clear();
        }
    }
}

async fn start(agent: &Agent<'_>, seen: &mut Seen, json: Value) {
    let job = agent.old_job(json);
    let was_claimed = job.json["begun"] != true;
    if was_claimed && job.start().await == 204 {
        if job.is_apply() {
            *seen.applies.entry(job.run().to_owned()).or_default() += 1;
        }
        let id = job.json["id"].clone();
        for known in &mut seen.jobs {
            if known["id"] == id {
                known["begun"] = json!(true);
            }
        }
    }
}

async fn finish(agent: &Agent<'_>, json: Value, has_changes: bool, brings_plan: bool) {
    let job = agent.old_job(json);
    job.outcome("finished", has_changes).await;
    if brings_plan && !job.is_apply() {
        job.artifact("json-plan", PLAN).await;
    }
    job.finish().await;
}

async fn evaluate(server: &Server) {
    domain::policy_evaluations::evaluate_waiting(&server.system()).await.unwrap();
}

async fn answer(server: &Server, seen: &mut Seen, at: usize, agrees: bool) {
    let Some(id) = seen.runs.get(at).cloned() else { return };
    let asked = stages::answer(server, &id, agrees).await;
    if !agrees && matches!(asked, Some(Stage::PrePlan | Stage::PreApply)) {
        seen.refused.insert(id);
    }
}

async fn overrule(server: &Server, seen: &mut Seen, at: usize) {
    let Some(id) = seen.runs.get(at).cloned() else { return };
    let stages = owner_stages(server, &id).await;
    let shown = |stage: &&Value| stage["attributes"]["stage"] == "post_plan";
    let Some(stage) = stages.iter().find(shown).and_then(|stage| stage["id"].as_str()) else {
        return;
    };
    let path = format!("/task-stages/{stage}/actions/override");
    let answer = server.owner().post(path, json!({})).await;
    match answer.status.as_u16() {
        200 => seen.overridden.insert(id),
        409 => false,
        _ => panic!("override: {answer}"),
    };
}

async fn owner_stages(server: &Server, run: &str) -> Vec<Value> {
    let stages = server.owner().get(format!("/runs/{run}/task-stages")).await.is_ok();
    stages.data().as_array().unwrap().clone()
}

async fn save(agent: &Agent<'_>, seen: &mut Seen, json: Value) {
    let job = agent.old_job(json);
    if job.is_apply() {
        seen.next_serial += 1;
        if job.save_state(seen.next_serial, 1).await == 200 {
            let workspace = job.json["workspace_id"].as_str().unwrap().to_owned();
            seen.serials.insert(workspace, seen.next_serial);
        }
    }
}

async fn act_on(server: &Server, seen: &Seen, at: usize, action: &str) {
    if let Some(id) = seen.runs.get(at) {
        let answer = server.owner().post(format!("/runs/{id}/actions/{action}"), json!({})).await;
        assert!([202, 409].contains(&answer.status.as_u16()), "{action}: {}", answer.text());
    }
}

/// At every moment: one run at most holds a workspace, and nothing else of it that could change anything is at work.
async fn check(server: &Server, workspaces: &[Workspace; 2]) {
    for workspace in workspaces {
        let path = format!("/workspaces/{}/runs?page[size]=100", workspace.id);
        let runs = server.owner().get(path).await.is_ok();
        let at_work: Vec<_> = runs
            .data()
            .as_array()
            .unwrap()
            .iter()
            .filter(|run| {
                let status = run["attributes"]["status"].as_str().unwrap();
                let saved = run["attributes"]["save-plan"] == true;
                let planned_only = run["attributes"]["plan-only"] == true;
                let to_apply = status.starts_with("pre_apply") || status.starts_with("post_apply");
                let to_plan =
                    ["pre_plan", "post_plan", "cost_"].iter().any(|s| status.starts_with(s));
                to_apply
                    || matches!(status, "applying" | "apply_queued")
                    || (!saved
                        && !planned_only
                        && (to_plan || matches!(status, "plan_queued" | "planning" | "planned")))
            })
            .map(|run| run["id"].clone())
            .collect();
        assert!(at_work.len() <= 1, "{at_work:?} are at work at once");
        let shown = server.owner().get(format!("/workspaces/{}", workspace.id)).await.is_ok();
        if let Some(run) = at_work.first() {
            assert_eq!(&shown.related("locked-by"), run);
        }
    }
}

/// Agents that work, and people who give up what waits for them: then everything ends.
async fn drain(server: &Server, agent: &Agent<'_>, seen: &mut Seen) {
    for _ in 0..200 {
        server.pass(Duration::from_secs(61));
        domain::agents::sweep(&server.system()).await.unwrap();
        server.advance().await;
        while let Some(job) = agent.claim().await {
            let json = job.json.clone();
            start(agent, seen, json.clone()).await;
            save(agent, seen, json.clone()).await;
            finish(agent, json, true, true).await;
        }
        evaluate(server).await;
        let mut open = 0;
        for (at, id) in seen.runs.clone().iter().enumerate() {
            answer(server, seen, at, true).await;
            let run = server.owner().get(format!("/runs/{id}")).await.is_ok();
            if run.attribute("status") == "post_plan_awaiting_decision" {
                overrule(server, seen, at).await;
            } else if run.attribute("actions")["is-confirmable"] == true {
                act_on(server, seen, at, "discard").await;
            }
            let run = server.owner().get(format!("/runs/{id}")).await.is_ok();
            let actions = run.attribute("actions");
            let unfinished = actions["is-cancelable"] == true
                || actions["is-discardable"] == true
                || ["planning", "applying"].contains(&run.attribute("status").as_str().unwrap());
            open += usize::from(unfinished);
        }
        if open == 0 {
            return;
        }
    }
    panic!("a run is stuck");
}

/// The number of histories that are played; more with `PROPTEST_CASES`.
const HISTORIES: u32 = 24;

#[test]
fn no_order_of_events_and_crashes_leaves_a_run_stuck_or_applies_it_twice() {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok());
    let config = Config {
        cases: cases.unwrap_or(HISTORIES),
        failure_persistence: None,
        ..Config::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    TestRunner::new(config)
        .run(&([course(), course()], vec(act(), 1..80)), |(courses, acts)| {
            runtime.block_on(play(courses, acts));
            Ok(())
        })
        .unwrap();
}
