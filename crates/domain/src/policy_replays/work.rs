//! Asking about one plan after the other, beside everything else: each in a transaction of its own, so that a crash or
//! somebody who cancels loses nothing.

use std::time::{Duration, Instant};

use db::{
    entity::{
        policy_replay::{self as replay, Status},
        policy_replay_result::{self as result, Status as Came},
        run,
    },
    id::PolicyReplayId,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder},
};
use serde::{Deserialize, Serialize};

use super::{DRAFT, SAID, Said};
use crate::{
    Ctx, Error, Result, Tx,
    policy_evaluations::{self, Draft, Verdict},
    row::{PolicyReplay, PolicyReplayResult},
    tasks,
};

const TASK: &str = "policy-replay";
/// After so many tries without any progress a replay is given up.
const TRIES: i64 = 5;
/// How long one replay works before another one has its turn.
const TURN: Duration = Duration::from_secs(5);
/// Seconds after which a replay is forgotten.
const KEPT: i64 = 7 * 24 * 60 * 60;

#[derive(Serialize, Deserialize)]
struct Due {
    replay: PolicyReplayId,
}

pub(super) async fn later(tx: &Tx, replay: &PolicyReplayId) -> Result<()> {
    tx.later(TASK, Due { replay: replay.clone() }).await
}

/// Works on those that are due, each for a while.
pub async fn work(cx: &Ctx) -> Result<()> {
    for task in tasks::claim(cx, TASK).await? {
        let turn = match serde_json::from_value::<Due>(task.payload.0.clone()) {
            Ok(due) => Box::pin(take_turn(cx, &due.replay)).await.map_err(|it| it.to_string()),
            Err(error) => Err(error.to_string()),
        };
        match turn {
            Ok(true) => tasks::put_off(cx, &task, 0).await?,
            done => tasks::settle(cx, &task, done.map(drop), Some(TRIES)).await?,
        }
    }
    Ok(())
}

/// Whether there is more to do.
async fn take_turn(cx: &Ctx, id: &PolicyReplayId) -> Result<bool> {
    let until = Instant::now() + TURN;
    let mut draft = None;
    loop {
        let Some(row) = replay::Entity::find_by_id(id.clone()).one(cx.read()).await? else {
            return Ok(false);
        };
        if !super::is_open(&row) {
            return Ok(false);
        }
        let next = result::Entity::find()
            .filter(result::Column::ReplayId.eq(id))
            .filter(result::Column::Status.eq(Came::Pending))
            .order_by_asc(result::Column::Position)
            .one(cx.read())
            .await?;
        let Some(next) = next else {
            finish(cx, id).await?;
            return Ok(false);
        };
        if draft.is_none() {
            draft = Some(open(cx, &row)?);
        }
        if let Some(draft) = &draft {
            let said = Box::pin(ask(cx, draft, &next)).await?;
            keep(cx, id, next, &said).await?;
        }
        if Instant::now() >= until {
            return Ok(true);
        }
    }
}

fn open(cx: &Ctx, row: &PolicyReplay) -> Result<Draft> {
    let opened = cx.keyring().open(DRAFT, row.id.as_str(), &row.draft)?;
    serde_json::from_slice(&opened).map_err(|error| Error::Internal(error.into()))
}

async fn ask(cx: &Ctx, draft: &Draft, of: &PolicyReplayResult) -> Result<Said> {
    let run = run::Entity::find_by_id(of.run_id.clone()).one(cx.read()).await?;
    let Some(run) = run else {
        return Ok(Said { error: Some("The run is gone.".into()), outcomes: Vec::new() });
    };
    Ok(match policy_evaluations::try_on(cx, draft, &run).await? {
        Ok(outcomes) => Said { error: None, outcomes },
        Err(why) => Said { error: Some(why), outcomes: Vec::new() },
    })
}

/// The worst of what policies said.
fn came(said: &Said) -> Came {
    let any = |verdict| said.outcomes.iter().any(|policy| policy.status == verdict);
    if said.error.is_some() || said.outcomes.is_empty() || any(Verdict::Errored) {
        Came::Errored
    } else if any(Verdict::Failed) {
        Came::Failed
    } else {
        Came::Passed
    }
}

async fn keep(cx: &Ctx, id: &PolicyReplayId, of: PolicyReplayResult, said: &Said) -> Result<()> {
    let bytes = serde_json::to_vec(said).map_err(|error| Error::Internal(error.into()))?;
    let tx = cx.write().await?;
    let Some(mut replay) = tx.lock::<replay::Entity>(id.clone()).await? else { return Ok(()) };
    let found = tx.lock::<result::Entity>(of.id.clone()).await?;
    // Another server may have been faster, or somebody may have canceled.
    let Some(mut row) = found.filter(|row| row.status == Came::Pending && super::is_open(&replay))
    else {
        tx.roll_back().await;
        return Ok(());
    };
    let came = came(said);
    match came {
        Came::Passed => replay.counts.0.passed += 1,
        Came::Failed => replay.counts.0.failed += 1,
        Came::Errored | Came::Pending => replay.counts.0.errored += 1,
    }
    replay.status = Status::Running;
    row.status = came;
    row.said = Some(cx.keyring().seal(SAID, of.id.as_str(), &bytes));
    tx.update(row).await?;
    tx.update(replay).await?;
    tx.commit().await
}

async fn finish(cx: &Ctx, id: &PolicyReplayId) -> Result<()> {
    let tx = cx.write().await?;
    if let Some(mut row) = tx.lock::<replay::Entity>(id.clone()).await?
        && super::is_open(&row)
    {
        row.status = Status::Finished;
        row.finished_at = Some(tx.now());
        tx.update(row).await?;
    }
    tx.commit().await
}

/// Forgets what is older than a week.
pub async fn forget_old(cx: &Ctx) -> Result<()> {
    let old = replay::Column::CreatedAt.lt(cx.now().plus_seconds(-KEPT));
    if replay::Entity::find().filter(old.clone()).one(cx.read()).await?.is_none() {
        return Ok(());
    }
    let tx = cx.write().await?;
    replay::Entity::delete_many().filter(old).exec(tx.db()).await?;
    tx.commit().await
}
