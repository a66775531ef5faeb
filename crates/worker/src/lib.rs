//! What happens by itself: the queue moves on, policies are evaluated, lost agents are noticed, blobs without rows are
//! deleted. Each chore has a loop of its own, so that none waits for another, and none keeps another from its turn.

use std::time::Duration;

use domain::{
    App, Ctx, Result, Site, agents, can, cleanup, letters, notifications::Deliveries,
    policy_evaluations, retention, run_triggers, runs, task_stages, tool_versions, workspaces,
};
use futures::future::{BoxFuture, join_all};
use tokio_util::sync::CancellationToken;

/// The truth behind the bell: nothing waits longer than this for its turn.
const TICK: Duration = Duration::from_secs(1);
/// How often the slower chores are done.
const CHORES: Duration = Duration::from_secs(5);
/// How often there is a look at what is old.
const HOUSEKEEPING: Duration = Duration::from_hours(1);
/// How often the list of the engines' releases is read, where the operator wants that.
const VERSIONS: Duration = Duration::from_hours(24);

/// When a chore is done again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rhythm {
    /// When the bell rings, and once a tick.
    Bell,
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
    "the queue", Rhythm::Bell, runs::advance_all;
    "policies", Rhythm::Bell, policy_evaluations::evaluate_waiting;
    "stages", Rhythm::Every(CHORES), task_stages::advance_all;
    "run triggers", Rhythm::Bell, run_triggers::work;
    "lost jobs", Rhythm::Every(CHORES), agents::sweep;
    "runs without a configuration", Rhythm::Every(CHORES), runs::end_hopeless;
    "scheduled destructions", Rhythm::Every(CHORES), workspaces::destroy_due;
    "reminders of destructions", Rhythm::Every(CHORES), workspaces::remind_due;
    "letters", Rhythm::Every(TICK), letters::work;
    "orphaned blobs", Rhythm::Every(CHORES), cleanup::work;
    "old data", Rhythm::Every(HOUSEKEEPING), retention::delete_due;
    "unfinished uploads", Rhythm::Every(HOUSEKEEPING), unfinished_uploads;
    "blobs without rows", Rhythm::Every(HOUSEKEEPING), blobs_without_rows;
    "the list of releases", Rhythm::Every(VERSIONS), read_releases;
};

/// Works until it is told to stop. A failure is reported and tried again in its rhythm.
pub async fn run(app: App, stop: CancellationToken) {
    let cx = app.system("worker");
    let loops = ALL.iter().map(|chore| repeat(chore, &cx, &stop));
    tokio::join!(join_all(loops), deliveries(&cx, &stop));
}

async fn repeat(chore: &Chore, cx: &Ctx, stop: &CancellationToken) {
    let mut bell = cx.bell().listen();
    while !stop.is_cancelled() {
        let outcome = tokio::select! {
            outcome = (chore.work)(cx) => outcome,
            // What only reads from far away is not waited for.
            () = stop.cancelled(), if chore.rhythm == Rhythm::Every(VERSIONS) => break,
        };
        cx.troubles().settle(chore.name, "", outcome, cx.now());
        let pause = async {
            match chore.rhythm {
                Rhythm::Bell => bell.wait(TICK).await,
                Rhythm::Every(time) => tokio::time::sleep(time).await,
            }
        };
        tokio::select! {
            () = pause => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Recipients may take their time; nothing else waits for them, and none of them for another.
async fn deliveries(cx: &Ctx, stop: &CancellationToken) {
    let mut under_way = Deliveries::default();
    while !stop.is_cancelled() {
        let begun = under_way.begin(cx).await;
        cx.troubles().settle("notifications", "", begun, cx.now());
        tokio::select! {
            () = tokio::time::sleep(TICK) => {}
            () = stop.cancelled() => {}
        }
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
