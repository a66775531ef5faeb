//! What happens by itself: the queue moves on, policies are evaluated, lost agents are noticed, blobs without rows are
//! deleted.

use std::time::{Duration, Instant};

use domain::{App, Ctx, Result, Site, can, cleanup};
use tokio_util::sync::CancellationToken;

/// The truth behind the bell: nothing waits longer than this for its turn.
const TICK: Duration = Duration::from_secs(1);
/// How often the slower chores are done.
const CHORES: Duration = Duration::from_secs(5);
/// How often there is a look at what is old.
const HOUSEKEEPING: Duration = Duration::from_hours(1);
/// How often the list of the engines' releases is read, where the operator wants that.
const VERSIONS: Duration = Duration::from_hours(24);

/// Works until it is told to stop. A failure is logged and tried again with the next tick.
pub async fn run(app: App, stop: CancellationToken) {
    // Recipients may take their time; nothing else waits for them.
    tokio::join!(
        Box::pin(upkeep(&app, &stop)),
        Box::pin(deliveries(&app, &stop)),
        Box::pin(versions(&app, &stop))
    );
}

async fn versions(app: &App, stop: &CancellationToken) {
    let cx = app.system("worker");
    while app.settings().version_sync && !stop.is_cancelled() {
        tokio::select! {
            outcome = read_releases(&cx) => match outcome {
                Ok(problems) if problems.is_empty() => {}
                Ok(problems) => tracing::warn!("{}", problems.join("; ")),
                Err(error) => report::<()>("the list of releases", Err(error)),
            },
            () = stop.cancelled() => break,
        }
        tokio::select! {
            () = tokio::time::sleep(VERSIONS) => {}
            () = stop.cancelled() => {}
        }
    }
}

async fn read_releases(cx: &Ctx) -> Result<Vec<String>> {
    let site = cx.check::<can::ManageSite, _>(Site::found())?;
    let outcome = domain::tool_versions::synchronise(cx, &site).await?;
    for added in outcome.added {
        tracing::info!("{added} was released and can be used");
    }
    Ok(outcome.problems)
}

async fn deliveries(app: &App, stop: &CancellationToken) {
    let cx = app.system("worker");
    while !stop.is_cancelled() {
        report("notifications", domain::notifications::work(&cx).await);
        report("letters", domain::letters::work(&cx).await);
        tokio::select! {
            () = tokio::time::sleep(TICK) => {}
            () = stop.cancelled() => {}
        }
    }
}

async fn upkeep(app: &App, stop: &CancellationToken) {
    let cx = app.system("worker");
    tokio::join!(queue(&cx, stop), policies(&cx, stop));
}

/// Beside the queue, which does not wait for anybody's policies.
async fn policies(cx: &Ctx, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        report("policies", domain::policy_evaluations::evaluate_waiting(cx).await);
        tokio::select! {
            () = cx.bell().work(TICK) => {}
            () = stop.cancelled() => {}
        }
    }
}

async fn queue(cx: &Ctx, stop: &CancellationToken) {
    let mut chores_due = Instant::now();
    let mut housekeeping_due = Instant::now();
    while !stop.is_cancelled() {
        report("run triggers", domain::run_triggers::work(cx).await);
        report("the queue", domain::runs::advance_all(cx).await);
        if chores_due <= Instant::now() {
            chores(cx).await;
            chores_due = Instant::now() + CHORES;
        }
        if housekeeping_due <= Instant::now() {
            housekeeping(cx).await;
            housekeeping_due = Instant::now() + HOUSEKEEPING;
        }
        tokio::select! {
            () = cx.bell().work(TICK) => {}
            () = stop.cancelled() => {}
        }
    }
}

async fn chores(cx: &Ctx) {
    report("scheduled destructions", domain::workspaces::destroy_due(cx).await);
    report("reminders of destructions", domain::workspaces::remind_due(cx).await);
    report("lost jobs", domain::agents::sweep(cx).await);
    report("orphaned blobs", cleanup::work(cx).await);
}

/// What need not be done the moment it is due.
async fn housekeeping(cx: &Ctx) {
    report("old data", domain::retention::delete_due(cx).await);
    report("unfinished uploads", cleanup::sweep_unfinished(cx, cleanup::SETTLED).await);
    report("blobs without rows", cleanup::sweep_orphans(cx, cleanup::SETTLED).await);
}

fn report<T>(what: &str, outcome: Result<T>) {
    if let Err(error) = outcome {
        let chain = match &error {
            domain::Error::Internal(inner) => format!("{inner:#}"),
            other => other.to_string(),
        };
        tracing::error!(chore = what, error = chain, "a chore failed and will be tried again");
    }
}
