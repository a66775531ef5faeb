//! What a plan changes, boiled down for people: made once from the redacted plan, and stored beside it.
//!
//! It holds no value that the engine or a variable marks as sensitive. Whoever may read a run sees addresses and
//! actions; values are for those who may read the plan's JSON.

mod boil;
mod change;
mod find;
mod store;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use blobs::{Kind, Name};
use db::{entity::phase, id::TaskId};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub use change::{Action, Change, How, Import, Verdict};
pub use find::Wanted;

use crate::{
    Ctx, Error, Granted, In, Result, Tx, assessments, can,
    row::{AssessmentResult, Phase, Run},
    runs::{self, Plan},
    tasks,
};

const TASK: &str = "plan-changes";
/// After so many tries a plan stays without its list.
const TRIES: i64 = 5;
/// Bytes of a redacted plan that are read into memory.
const LIMIT: u64 = 256 << 20;
/// Of the list, among the names of what a phase has left.
pub(crate) const ARTIFACT: &str = "plan-changes";
/// Of what it is made from, in the agent's protocol.
const SOURCE: &str = "json-plan-redacted";

#[derive(Serialize, Deserialize)]
struct Due {
    phase: String,
}

/// To be called where the redacted plan has arrived.
pub(crate) async fn make_later(tx: &Tx, phase: &str) -> Result<()> {
    tx.later(TASK, Due { phase: phase.to_owned() }).await
}

/// Makes the lists that are due. Safe to repeat: the same plan gives the same list.
pub async fn work(cx: &Ctx) -> Result<()> {
    for task in tasks::claim(cx, TASK).await? {
        let outcome = match serde_json::from_value::<Due>(task.payload.0.clone()) {
            Ok(due) => Box::pin(make(cx, &task.id, &due.phase)).await.map_err(|e| e.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if outcome.is_err() {
            tasks::settle(cx, &task, outcome, Some(TRIES)).await?;
        }
    }
    Ok(())
}

async fn make(cx: &Ctx, task: &TaskId, phase: &str) -> Result<()> {
    let source = Name::new(Kind::PlanJsonRedacted, phase)?;
    let document = match cx.blobs().size(&source).await {
        Ok(size) if size > LIMIT => None,
        Ok(_) => Some(cx.blobs().get(&source).await?),
        // The run was deleted meanwhile.
        Err(blobs::Error::NotFound(_)) => {
            let tx = cx.write().await?;
            tasks::strike_off(&tx, task).await?;
            return tx.commit().await;
        }
        Err(error) => return Err(error.into()),
    };
    let list =
        move || store::written(&document.map_or_else(boil::unread, |plan| boil::plan(&plan)));
    let list =
        tokio::task::spawn_blocking(list).await.map_err(|error| Error::Internal(error.into()))?;
    cx.blobs().put(&Name::new(Kind::PlanChanges, phase)?, list.into()).await?;
    let tx = cx.write().await?;
    match phase.parse() {
        Ok(assessment) => assessments::note_artifact(&tx, &assessment, ARTIFACT).await?,
        Err(_) => runs::note_artifact(&tx, phase, ARTIFACT).await?,
    }
    tasks::strike_off(&tx, task).await?;
    tx.commit().await
}

/// Whether there is a list of a plan's changes.
#[derive(Clone, Debug)]
pub enum Known {
    /// The plan is not over, or its list is being made.
    Later,
    Never,
    List(Box<Changes>),
}

/// A list of which the head is read; the rest is read in pieces.
#[derive(Clone, Debug)]
pub struct Changes {
    pub head: Head,
    name: Name,
    /// Bytes of the head, behind which the pieces begin.
    start: u64,
}

/// What is known without reading any change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    pub state: State,
    pub groups: Vec<Group>,
}

/// How much of a plan there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    #[default]
    Whole,
    /// The engine left something for a later run.
    Incomplete,
    /// The plan failed; what it knew by then.
    Failed,
    /// Of a format that came after this server.
    Newer,
    Unreadable,
}

/// The parts of a plan, in the order in which people read them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    Resources,
    /// Left for a later run.
    Deferred,
    /// Actions of providers that run during the apply.
    Invocations,
    Outputs,
    Checks,
    /// What has changed outside of the engine and matters for this plan.
    Drift,
    /// What else has changed there.
    OtherDrift,
}

/// Changes of one part and one module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    pub part: Part,
    /// Empty for the top of the configuration, and where modules make no groups.
    pub module: String,
    pub total: u64,
    pub counts: BTreeMap<Action, u64>,
    pieces: Vec<Piece>,
}

/// Where up to [`PIECE`] changes stand, from the end of the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Piece {
    at: u64,
    len: u64,
}

/// Changes that are read at once.
pub const PIECE: u64 = 100;

impl Head {
    /// How often each action is in a part, the whole of it.
    pub fn counts(&self, part: Part) -> BTreeMap<Action, u64> {
        let mut counts = BTreeMap::new();
        for group in self.groups.iter().filter(|group| group.part == part) {
            for (action, count) in &group.counts {
                *counts.entry(*action).or_default() += count;
            }
        }
        counts
    }
}

/// The list of a run's plan.
///
/// # Errors
/// Damaged if it was there and is gone.
pub async fn of(cx: &Ctx, run: &Granted<can::ReadRun, In<Run>>) -> Result<Known> {
    let plan = runs::plan_of(cx, run).await?;
    known(cx, &plan).await
}

/// The list of a plan.
///
/// # Errors
/// As [`of`].
pub async fn of_plan(cx: &Ctx, plan: &Granted<can::ReadRun, Plan>) -> Result<Known> {
    known(cx, &plan.0).await
}

/// The list of what an assessment's plan would change.
///
/// # Errors
/// As [`of`].
pub async fn of_assessment(
    cx: &Ctx,
    result: &Granted<can::ReadRun, In<AssessmentResult>>,
) -> Result<Known> {
    let id = &result.row.assessment_id;
    if assessments::has_left(cx, id, ARTIFACT).await? {
        let name = Name::new(Kind::PlanChanges, id.as_str())?;
        return Ok(Known::List(Box::new(store::head(cx, name).await?)));
    }
    let is_to_come = tasks::is_due(cx, TASK, &json!({ "phase": id })).await?;
    Ok(if is_to_come { Known::Later } else { Known::Never })
}

async fn known(cx: &Ctx, plan: &Phase) -> Result<Known> {
    if plan.artifacts.has(ARTIFACT) {
        let name = Name::new(Kind::PlanChanges, &plan.id)?;
        return Ok(Known::List(Box::new(store::head(cx, name).await?)));
    }
    let is_to_come = match plan.status {
        phase::Status::Finished if plan.artifacts.has(SOURCE) => {
            tasks::is_due(cx, TASK, &json!({ "phase": plan.id })).await?
        }
        phase::Status::Finished => {
            matches!(runs::artifact(cx, &plan.id, SOURCE).await?, runs::Artifact::Coming)
        }
        phase::Status::Pending | phase::Status::Queued | phase::Status::Running => true,
        _ => false,
    };
    Ok(if is_to_come { Known::Later } else { Known::Never })
}

impl Changes {
    /// One piece of a group, from 0 on; nothing behind the last one.
    ///
    /// # Errors
    /// Damaged if it cannot be read.
    pub async fn piece(&self, cx: &Ctx, group: &Group, number: u64) -> Result<Vec<Change>> {
        let piece = usize::try_from(number).ok().and_then(|number| group.pieces.get(number));
        match piece {
            Some(piece) => store::piece(cx, self, *piece).await,
            None => Ok(Vec::new()),
        }
    }
}
