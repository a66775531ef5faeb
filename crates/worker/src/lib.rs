//! What happens by itself: the queue moves on, events are read, policies are evaluated, lost agents are noticed, blobs
//! without rows are deleted. Each chore has a loop of its own, so that none waits for another, and none keeps another
//! from its turn. Several servers may work on one database.

use std::time::{Duration, Instant};

use domain::{
    App, Ctx, Deliveries, Result, Site, agents, assessments, audit,
    bell::{self, Topic},
    can, cleanup, commit_statuses, connected_repositories, cost_estimates, destructions, events,
    github_app, ingress, keeper, letters, notifications, plan_changes, plan_exports,
    policy_evaluations, policy_replays, retention, run_schedules, run_triggers, runs, states,
    stores, task_results, task_stages, tool_versions, vcs_connections, vcs_events,
};
use futures::future::{BoxFuture, join_all};
use tokio_util::sync::CancellationToken;

/// The truth behind the bell: nothing waits longer than this for its turn.
const TICK: Duration = Duration::from_secs(1);
/// How often the slower chores are done.
const CHORES: Duration = Duration::from_secs(5);
/// How often there is a look for runs that nobody can execute.
const TELLING: Duration = Duration::from_secs(30);
/// How often there is a look for workspaces whose health is to be assessed.
const ASSESSING: Duration = Duration::from_mins(5);
/// How often there is a look at what is old.
const HOUSEKEEPING: Duration = Duration::from_hours(1);
/// How often the list of the engines' releases is read, where the operator wants that.
const VERSIONS: Duration = Duration::from_hours(24);
/// How often the server that keeps house says so, and the others ask whether one still does.
const KEEPING: Duration = Duration::from_secs(10);

/// When a chore is done again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rhythm {
    /// When the bell rings, and once a tick. By every server: they share the work by claiming it.
    On(Topic),
    /// By the one server that keeps house.
    Every(Duration),
}

/// Something that is done again and again.
struct Chore {
    /// Names it where it fails.
    name: &'static str,
    rhythm: Rhythm,
    work: fn(&Ctx) -> BoxFuture<'_, Result<()>>,
}

macro_rules! chores {
    ($($name:literal, $rhythm:expr, $work:expr;)+) => {
        &[$(Chore {
            name: $name,
            rhythm: $rhythm,
            work: |cx| Box::pin(async move {
                $work(cx).await?;
                Ok(())
            }),
        }),+]
    };
}

const ALL: &[Chore] = chores! {
    "the queue", Rhythm::On(Topic::Queue), runs::advance_all;
    "policies", Rhythm::On(Topic::Queue), policy_evaluations::evaluate_waiting;
    "events", Rhythm::On(Topic::Events), events::read;
    "events set aside", Rhythm::On(Topic::Tasks), events::take_again;
    "run triggers", Rhythm::On(Topic::Tasks), run_triggers::work;
    "outputs of states", Rhythm::On(Topic::Tasks), states::keep_late_outputs;
    "lists of changes", Rhythm::On(Topic::Tasks), plan_changes::work;
    "plan exports", Rhythm::On(Topic::Tasks), policy_evaluations::make_exports;
    "new connections", Rhythm::On(Topic::Tasks), vcs_connections::work;
    "new installations", Rhythm::On(Topic::Tasks), github_app::work;
    "installations of the GitHub App", Rhythm::Every(ASSESSING), github_app::refresh;
    "policy replays", Rhythm::On(Topic::Tasks), policy_replays::work;
    "letters", Rhythm::On(Topic::Tasks), letters::work;
    "orphaned blobs", Rhythm::Every(CHORES), cleanup::work;
    "old plan exports", Rhythm::Every(CHORES), plan_exports::expire_due;
    "the audit trail's address", Rhythm::Every(CHORES), audit::tell;
    "silent run tasks", Rhythm::Every(TICK), task_results::give_up_silent;
    "commit statuses", Rhythm::Every(TICK), commit_statuses::work;
    "repositories without users", Rhythm::Every(CHORES), connected_repositories::drop_unused;
    "looking at repositories", Rhythm::Every(CHORES), ingress::look;
    "stages", Rhythm::Every(CHORES), task_stages::advance_all;
    "confirmed runs", Rhythm::Every(CHORES), runs::go_on_with_enough;
    "waiting runs", Rhythm::Every(TELLING), runs::tell_what_runs_wait_for;
    "lost jobs", Rhythm::Every(CHORES), agents::sweep;
    "runs without a configuration", Rhythm::Every(CHORES), runs::end_hopeless;
    "scheduled destructions", Rhythm::Every(CHORES), destructions::destroy_due;
    "reminders of destructions", Rhythm::Every(CHORES), destructions::remind_due;
    "assessments", Rhythm::Every(ASSESSING), assessments::assess_due;
    "scheduled runs", Rhythm::Every(CHORES), run_schedules::queue_due;
    "old data", Rhythm::Every(HOUSEKEEPING), retention::delete_due;
    "old policy replays", Rhythm::Every(HOUSEKEEPING), policy_replays::forget_old;
    "old events of version control", Rhythm::Every(HOUSEKEEPING), vcs_events::prune;
    "old events", Rhythm::Every(HOUSEKEEPING), events::prune;
    "old webhook deliveries", Rhythm::Every(HOUSEKEEPING), connected_repositories::forget_deliveries;
    "unfinished uploads", Rhythm::Every(HOUSEKEEPING), unfinished_uploads;
    "blobs without rows", Rhythm::Every(HOUSEKEEPING), blobs_without_rows;
    "counting what is kept", Rhythm::Every(HOUSEKEEPING), stores::count;
    "the list of releases", Rhythm::Every(VERSIONS), read_releases;
};

/// Works until it is told to stop. A failure is reported and tried again in its rhythm.
pub async fn run(app: App, stop: CancellationToken) {
    Box::pin(run_at(app, TICK, stop)).await;
}

/// The same with another tick, for tests.
pub async fn run_at(app: App, tick: Duration, stop: CancellationToken) {
    let cx = app.system("worker");
    for chore in ALL {
        let every = match chore.rhythm {
            Rhythm::On(_) => None,
            Rhythm::Every(time) => Some(time),
        };
        cx.chores().expect(chore.name, every);
    }
    keep_house(&cx).await;
    let loops = ALL.iter().map(|chore| repeat(chore, &cx, tick, &stop));
    let work = async {
        tokio::join!(
            join_all(loops),
            deliver(notifications::deliveries(), &cx, tick, &stop),
            deliver(task_results::deliveries(), &cx, tick, &stop),
            deliver(cost_estimates::deliveries(), &cx, tick, &stop),
            Box::pin(repositories(&cx, tick, &stop)),
        )
    };
    let keeping = async {
        loop {
            tokio::time::sleep(KEEPING).await;
            keep_house(&cx).await;
        }
    };
    // Only work ends.
    tokio::select! {
        _ = work => {}
        () = keeping => {}
        () = bell::with_others(&app) => {}
    }
    let left = keeper::leave(&cx).await;
    cx.troubles().settle("keeping house", "", left, cx.now());
}

async fn keep_house(cx: &Ctx) {
    let renewed = keeper::renew(cx).await;
    cx.troubles().settle("keeping house", "", renewed, cx.now());
}

async fn repeat(chore: &Chore, cx: &Ctx, tick: Duration, stop: &CancellationToken) {
    match chore.rhythm {
        Rhythm::On(topic) => {
            let mut bell = cx.bell().listen(topic);
            while !stop.is_cancelled() {
                work(chore, cx).await;
                until(bell.wait(tick), stop).await;
            }
        }
        Rhythm::Every(time) => {
            while !stop.is_cancelled() {
                let mut pause = time.min(KEEPING);
                if keeper::is_here(cx) {
                    tokio::select! {
                        () = work(chore, cx) => pause = time,
                        // What only reads from far away is not waited for.
                        () = stop.cancelled(), if time == VERSIONS => break,
                    }
                }
                until(tokio::time::sleep(pause), stop).await;
            }
        }
    }
}

async fn work(chore: &Chore, cx: &Ctx) {
    cx.chores().begun(chore.name, cx.now());
    let outcome = (chore.work)(cx).await;
    cx.chores().done(chore.name, &outcome, cx.now());
    cx.troubles().settle(chore.name, "", outcome, cx.now());
}

async fn until(pause: impl Future<Output = ()>, stop: &CancellationToken) {
    tokio::select! {
        () = pause => {}
        () = stop.cancelled() => {}
    }
}

/// Recipients may take their time; nothing else waits for them, and none of them for another.
async fn deliver(mut under_way: Deliveries, cx: &Ctx, tick: Duration, stop: &CancellationToken) {
    let mut bell = cx.bell().listen(Topic::Tasks);
    while !stop.is_cancelled() {
        let begun = under_way.begin(cx).await;
        cx.troubles().settle(under_way.name(), "", begun, cx.now());
        until(bell.wait(tick), stop).await;
    }
}

/// Neither do those who keep repositories hold up each other.
async fn repositories(cx: &Ctx, tick: Duration, stop: &CancellationToken) {
    let mut bell = cx.bell().listen(Topic::Tasks);
    let mut under_way = ingress::Work::default();
    let mut swept: Option<Instant> = None;
    while !stop.is_cancelled() {
        // On each server, as each has a disk of its own.
        if swept.is_none_or(|at| at.elapsed() >= HOUSEKEEPING) {
            swept = Some(Instant::now());
            let forgotten = connected_repositories::forget_caches(cx).await;
            cx.troubles().settle("histories without repositories", "", forgotten, cx.now());
        }
        let begun = under_way.begin(cx).await;
        cx.troubles().settle("repositories", "", begun, cx.now());
        until(bell.wait(tick), stop).await;
    }
}

async fn unfinished_uploads(cx: &Ctx) -> Result<u64> {
    cleanup::sweep_unfinished(cx, cleanup::SETTLED).await
}

async fn blobs_without_rows(cx: &Ctx) -> Result<u64> {
    cleanup::sweep_orphans(cx, cleanup::SETTLED).await
}

async fn read_releases(cx: &Ctx) -> Result<()> {
    if !cx.settings().version_sync {
        return Ok(());
    }
    let site = cx.check::<can::ManageSite, _>(Site::found())?;
    let outcome = tool_versions::synchronise(cx, &site).await?;
    for added in outcome.added {
        tracing::info!("{added} was released and can be used");
    }
    if !outcome.problems.is_empty() {
        tracing::warn!("{}", outcome.problems.join("; "));
    }
    Ok(())
}
