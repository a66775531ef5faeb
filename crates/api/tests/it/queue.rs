//! Whatever happens in whatever order, at one server or at two: no run is stuck, none is applied twice, against policies,
//! in a freeze or without the people whom it takes, no state is lost, and the runs of a workspace are applied one at a time
//! and in their order. Crashes of agents are jobs that nobody speaks of any more; a server that crashes goes no further.

mod chores;
mod waits;

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
    cost_estimates,
    notifications::{Recipient, loopback},
    policies_in_runs::{AGAINST, FOR, PLAN, attach},
    run_tasks,
    runs::{run, upload},
    stages::{self, Stage},
    task_results,
};

use chores::{Chore, How, chore, killed, steps};
use waits::Another;

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
    others: Others,
    /// Whether two people have to confirm its runs.
    strict: bool,
    /// Whether a run is queued every minute.
    scheduled: bool,
}

/// What is asked in the other stages.
#[derive(Clone, Debug)]
enum Others {
    /// Members that stand in for others, in these stages.
    Made(Vec<Stage>),
    /// A run task in each of its stages, and an estimator.
    Services { mandatory: bool },
}

fn course() -> impl Strategy<Value = Course> {
    let others = vec![Stage::PrePlan, Stage::CostEstimation, Stage::PreApply, Stage::PostApply];
    let others = prop_oneof![
        2 => subsequence(others, 0..=4).prop_map(Others::Made),
        1 => any::<bool>().prop_map(|mandatory| Others::Services { mandatory }),
    ];
    (gate(), others, prop::bool::weighted(0.3), prop::bool::weighted(0.3))
        .prop_map(|(gate, others, strict, scheduled)| Course { gate, others, strict, scheduled })
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Queue {
        workspace: usize,
        auto_apply: bool,
        plan_only: bool,
        save_plan: bool,
    },
    Work(Chore, How),
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
    /// The server is gone while the agent says how it went.
    Break {
        job: usize,
        steps: usize,
    },
    Fail(usize),
    /// Something else that a stage asks says what it thinks.
    Answer {
        run: usize,
        agrees: bool,
    },
    /// A run task comes back, if it was asked about this run.
    Tell {
        run: usize,
        passes: bool,
    },
    Override(usize),
    Confirm(usize),
    /// By another person, if they may.
    ConfirmAsWell(usize),
    /// That person may do so, or may not any more.
    TakeRights,
    GiveRights,
    /// Nothing is applied for a while, which begins now or soon.
    Freeze {
        minutes: i64,
        begins_in: i64,
    },
    /// The last freeze is gone.
    Thaw,
    /// An owner lets a run through.
    BreakFreeze(usize),
    Discard(usize),
    Cancel(usize),
    ForceCancel(usize),
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
        15 => chore().prop_map(|(chore, how)| Act::Work(chore, how)),
        4 => Just(Act::Claim),
        4 => (0..4_usize).prop_map(Act::Start),
        2 => (0..4_usize).prop_map(Act::SaveState),
        4 => (0..4_usize, any::<bool>(), prop::bool::weighted(0.9))
            .prop_map(|(job, has_changes, brings_plan)| Act::Finish { job, has_changes, brings_plan }),
        1 => (0..4_usize).prop_map(Act::Vanish),
        1 => (0..4_usize, steps()).prop_map(|(job, steps)| Act::Break { job, steps }),
        1 => (0..4_usize).prop_map(Act::Fail),
        4 => (any_run.clone(), prop::bool::weighted(0.8))
            .prop_map(|(run, agrees)| Act::Answer { run, agrees }),
        4 => (any_run.clone(), prop::bool::weighted(0.8))
            .prop_map(|(run, passes)| Act::Tell { run, passes }),
        2 => any_run.clone().prop_map(Act::Override),
        3 => any_run.clone().prop_map(Act::Confirm),
        2 => any_run.clone().prop_map(Act::ConfirmAsWell),
        1 => Just(Act::TakeRights),
        1 => Just(Act::GiveRights),
        1 => (1..5_i64, 0..2_i64)
            .prop_map(|(minutes, begins_in)| Act::Freeze { minutes, begins_in }),
        1 => Just(Act::Thaw),
        1 => any_run.clone().prop_map(Act::BreakFreeze),
        1 => any_run.clone().prop_map(Act::Discard),
        1 => any_run.clone().prop_map(Act::Cancel),
        1 => any_run.prop_map(Act::ForceCancel),
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
    /// Runs that an owner has let through.
    let_through: HashSet<String>,
    /// Runs whose other stages have members that stand in.
    made: HashSet<String>,
    /// Runs that something has refused that may.
    refused: HashSet<String>,
    jobs: Vec<Value>,
    /// What run tasks were asked and have not answered, and how much they have heard.
    questions: Vec<Value>,
    heard: usize,
    /// How often an apply of each run began.
    applies: HashMap<String, usize>,
    /// The highest serial that the server has taken, by workspace.
    serials: HashMap<String, u64>,
    next_serial: u64,
}

/// What a history happens in.
struct World<'s> {
    server: &'s Server,
    services: Services,
    /// Who confirms beside the owner.
    another: Another<'s>,
    workspaces: [Workspace; 2],
    courses: [Course; 2],
}

async fn play(courses: [Course; 2], acts: Vec<Act>) {
    let server = Server::start_with(|options| {
        options.settings.concurrency = 3;
        loopback(options);
    })
    .await;
    server.stop_clock();
    let owner = server.owner();
    let services = Services::of(&server, &courses).await;
    let workspaces = [server.workspace("one").await, server.workspace("two").await];
    for (workspace, course) in workspaces.iter().zip(&courses) {
        upload(&owner, workspace, false).await;
        build(&owner, workspace, course.gate).await;
        waits::prepare(&owner, workspace, course.strict, course.scheduled).await;
        services.attach(&owner, workspace, &course.others).await;
    }
    let another = Another::of(&server, &workspaces).await;
    let world = World { server: &server, services, another, workspaces, courses };
    let mut agent = Agent::register(&server).await;
    let mut seen = Seen::default();
    for act in acts {
        Box::pin(step(&world, &mut agent, &mut seen, act)).await;
        check(&world).await;
        server.pass(Duration::from_millis(10));
    }
    Box::pin(drain(&world, &agent, &mut seen)).await;
    check(&world).await;
    for (run, times) in &seen.applies {
        assert_eq!(*times, 1, "{run} was applied {times} times");
        assert!(!seen.refused.contains(run), "{run} was applied although it was refused");
        match seen.gates[run] {
            Gate::None | Gate::Open => {}
            Gate::Overridable => assert!(seen.overridden.contains(run), "nobody let {run} pass"),
            Gate::Shut => panic!("{run} was applied against policies"),
        }
    }
    for workspace in &world.workspaces {
        waits::each_time_came_once(&owner, workspace).await;
        let path = format!("/workspaces/{}/current-state-version", workspace.id);
        if let Some(serial) = seen.serials.get(workspace.id.as_str()) {
            let state = owner.get(&path).await.is_ok();
            assert_eq!(state.attribute("serial"), *serial, "a state was lost");
            let address = state.attribute("hosted-state-download-url");
            owner.get(address.as_str().unwrap()).await.is_ok();
        }
    }
}

/// Who is asked from outside: one run task for both workspaces, and the estimator, which fails at first.
struct Services {
    task: Option<String>,
    asked: Recipient,
}

impl Services {
    async fn of(server: &Server, courses: &[Course; 2]) -> Self {
        let asked = Recipient::new().await;
        let is_there = |course: &Course| matches!(course.others, Others::Services { .. });
        if !courses.iter().any(is_there) {
            return Self { task: None, asked };
        }
        let new = run_tasks::task("scan", &asked.url);
        let task = server.owner().post("/organizations/acme/tasks", new).await.is_created().id();
        let answers = vec![(500, "down".to_owned()), (200, cost_estimates::ANSWER.to_owned())];
        cost_estimates::switch_on(server, &Recipient::saying(answers).await).await;
        Self { task: Some(task), asked }
    }

    async fn attach(&self, owner: &Client<'_>, workspace: &Workspace, others: &Others) {
        if let (Others::Services { mandatory }, Some(task)) = (others, &self.task) {
            let stages = ["pre_plan", "post_plan", "pre_apply", "post_apply"];
            let level = if *mandatory { "mandatory" } else { "advisory" };
            run_tasks::attach(owner, workspace, task, &stages, level).await;
        }
    }

    async fn hear(&self, seen: &mut Seen) {
        let heard = self.asked.heard().await;
        let new = heard.iter().skip(seen.heard).map(crate::notifications::Heard::json);
        seen.questions.extend(new.filter(|question| question["stage"] != "test"));
        seen.heard = heard.len();
    }
}

/// The run task comes back about a run.
async fn tell(server: &Server, seen: &mut Seen, at: usize, passes: bool) {
    let Some(id) = seen.runs.get(at).cloned() else { return };
    let is_about = |question: &Value| question["run_id"] == json!(id);
    let Some(at) = seen.questions.iter().position(is_about) else { return };
    let question = seen.questions.remove(at);
    let said = task_results::said(if passes { "passed" } else { "failed" });
    let answer = task_results::answer(server, &question, said).await;
    assert!([200, 401, 404, 409, 422].contains(&answer.status.as_u16()), "{answer}");
    let counts = question["task_result_enforcement_level"] == "mandatory"
        && question["stage"] != "post_apply";
    if answer.status == 200 && !passes && counts {
        seen.refused.insert(id);
    }
}

/// A run of a workspace is there, whoever has queued it.
async fn take_up(world: &World<'_>, seen: &mut Seen, workspace: usize, id: String) {
    if let Others::Made(stages) = &world.courses[workspace].others {
        // Of an estimator that is there for the other workspace, all runs have this stage.
        let is_estimated = |course: &Course| matches!(course.others, Others::Services { .. });
        let estimated = world.courses.iter().any(is_estimated);
        let is_new = |stage: &&Stage| !(estimated && **stage == Stage::CostEstimation);
        for stage in stages.iter().filter(is_new) {
            stages::add(world.server, &id, *stage).await;
        }
        seen.made.insert(id.clone());
    }
    seen.gates.insert(id.clone(), world.courses[workspace].gate);
    seen.runs.push(id);
}

async fn take_up_scheduled(world: &World<'_>, seen: &mut Seen) {
    for (at, workspace) in world.workspaces.iter().enumerate() {
        for id in waits::scheduled(&world.server.owner(), workspace).await {
            if !seen.runs.contains(&id) {
                take_up(world, seen, at, id).await;
            }
        }
    }
}

async fn step(world: &World<'_>, agent: &mut Agent<'_>, seen: &mut Seen, act: Act) {
    let (server, courses) = (world.server, &world.courses);
    let owner = server.owner();
    let job = |seen: &Seen, at: usize| seen.jobs.get(at).cloned();
    match act {
        Act::Queue { workspace, auto_apply, plan_only, save_plan } => {
            let attributes = json!({
                "auto-apply": auto_apply && !plan_only && !save_plan && !courses[workspace].strict,
                "plan-only": plan_only, "save-plan": save_plan && !plan_only,
            });
            let made = owner.post("/runs", run(&world.workspaces[workspace], attributes)).await;
            let id = made.is_created().id();
            take_up(world, seen, workspace, id).await;
        }
        Act::Work(chore, how) => work(world, seen, chore, how).await,
        Act::Claim => {
            if let Some(job) = agent.claim().await {
                waits::may_begin(server, &job, &seen.let_through).await;
                seen.jobs.insert(0, job.json);
            }
        }
        Act::Freeze { minutes, begins_in } => {
            waits::freeze(server, minutes, begins_in).await;
        }
        Act::Thaw => waits::thaw(server).await,
        Act::BreakFreeze(at) => {
            if let Some(id) = seen.runs.get(at).cloned()
                && waits::let_through(server, &id).await
            {
                seen.let_through.insert(id);
            }
        }
        Act::ConfirmAsWell(at) => world.another.confirm(seen.runs.get(at)).await,
        Act::TakeRights => world.another.take_rights().await,
        Act::GiveRights => world.another.give_rights().await,
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
        Act::Break { job: at, steps } => {
            if let Some(json) = job(seen, at) {
                start(agent, seen, json.clone()).await;
                let job = agent.old_job(json);
                Box::pin(killed(world, steps, job.outcome("finished", true))).await;
            }
        }
        Act::Fail(at) => {
            if let Some(json) = job(seen, at) {
                agent.old_job(json).outcome("errored", false).await;
            }
        }
        Act::Answer { run, agrees } => answer(server, seen, run, agrees).await,
        Act::Tell { run, passes } => tell(server, seen, run, passes).await,
        Act::Override(at) => overrule(server, seen, at).await,
        Act::Confirm(at) => act_on(server, seen, at, "apply").await,
        Act::Discard(at) => act_on(server, seen, at, "discard").await,
        Act::Cancel(at) => act_on(server, seen, at, "cancel").await,
        Act::ForceCancel(at) => act_on(server, seen, at, "force-cancel").await,
        Act::Restart => {
            agent.introduce().await;
            seen.jobs.clear();
        }
    }
}

/// What happens by itself happens, and queues no apply that people have not confirmed.
async fn work(world: &World<'_>, seen: &mut Seen, chore: Chore, how: How) {
    let server = world.server;
    server.pass(chore.after());
    let mut before = Vec::new();
    for id in &seen.runs {
        before.push(waits::status(server, id).await);
    }
    let [one, two] = server.systems();
    match how {
        How::AtOne => Box::pin(chore.done(&one)).await,
        How::AtBoth => {
            tokio::join!(Box::pin(chore.done(&one)), Box::pin(chore.done(&two)));
        }
        How::Killed(steps) => Box::pin(killed(world, steps, chore.done(&one))).await,
        How::Beside(deed) => {
            let (run, action) = deed.request();
            tokio::join!(Box::pin(chore.done(&one)), Box::pin(act_on(server, seen, run, action)));
        }
    }
    for (id, before) in seen.runs.iter().zip(before) {
        let now = waits::status(server, id).await;
        if now == "apply_queued" && now != before {
            waits::is_confirmed(server, id).await;
        }
    }
    match chore {
        Chore::Ask => world.services.hear(seen).await,
        Chore::LookAtCalendar => take_up_scheduled(world, seen).await,
        _ => {}
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
        job.artifact("json-plan-redacted", cost_estimates::REDACTED).await;
    }
    job.finish().await;
}

async fn answer(server: &Server, seen: &mut Seen, at: usize, agrees: bool) {
    let Some(id) = seen.runs.get(at).cloned().filter(|id| seen.made.contains(id)) else { return };
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
async fn check(world: &World<'_>) {
    let server = world.server;
    for workspace in &world.workspaces {
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
async fn drain(world: &World<'_>, agent: &Agent<'_>, seen: &mut Seen) {
    let server = world.server;
    for _ in 0..200 {
        for chore in [Chore::Sweep, Chore::Advance] {
            work(world, seen, chore, How::AtOne).await;
        }
        while let Some(job) = agent.claim().await {
            waits::may_begin(server, &job, &seen.let_through).await;
            let json = job.json.clone();
            start(agent, seen, json.clone()).await;
            save(agent, seen, json.clone()).await;
            finish(agent, json, true, true).await;
        }
        work(world, seen, Chore::Ask, How::AtOne).await;
        for at in 0..seen.runs.len() {
            tell(server, seen, at, true).await;
        }
        // Those who will not speak any more.
        Chore::GiveUp.done(&server.system()).await;
        work(world, seen, Chore::Evaluate, How::AtOne).await;
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
