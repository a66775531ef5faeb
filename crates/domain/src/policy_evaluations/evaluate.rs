//! The evaluation itself: a step of a run that is derived from rows, can be repeated after any crash, and writes what
//! it found in one transaction with the next status of the run.

use std::time::{Duration, Instant};

use ::policy::{Case, Panel};
use db::{
    entity::{policy::Kind, policy_evaluation as evaluation, run, task_stage as stage},
    id::RunId,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait, Select},
};
use futures::{StreamExt, stream};

use super::{
    code::{Heard, SetCode},
    forum::Forum,
    input, needs,
};
use crate::{
    Ctx, Error, Result,
    row::{PolicySet, Run, TaskStage},
    runs::{self, Artifact, held::Held, stages::Part},
    task_stages, workspaces,
};

/// How long all policies of a run may take together.
const RUN_TIME: Duration = Duration::from_secs(30);
/// How long nobody else begins what somebody has begun; longer than it can take.
const LEASE_SECONDS: i64 = 45;
/// An evaluation that has taken this many servers with it is not tried again.
const ATTEMPTS: i64 = 3;
/// How many runs are looked at in one go; the rest comes with the next.
const LOOKED_AT: u64 = 1000;
/// How failures of this room are reported.
const CHORE: &str = "policies";

/// Evaluates what waits for it, some at once; returns how many runs have moved on.
pub async fn evaluate_waiting(cx: &Ctx) -> Result<usize> {
    let waiting = runs::turns::in_statuses(Forum::statuses(), LOOKED_AT);
    let waiting: Vec<RunId> = waiting.into_tuple().all(cx.read()).await?;
    let done: Vec<_> = stream::iter(waiting)
        .map(|id| async move {
            let evaluated = Box::pin(evaluate_one(cx, &id)).await;
            cx.troubles().settle(CHORE, id.as_str(), evaluated, cx.now()) == Some(true)
        })
        .buffer_unordered(cx.settings().policy_concurrency.max(1))
        .collect()
        .await;
    Ok(done.into_iter().filter(|moved| *moved).count())
}

async fn evaluate_one(cx: &Ctx, id: &RunId) -> Result<bool> {
    let Some(run) = run::Entity::find_by_id(id.clone()).one(cx.read()).await? else {
        return Ok(false);
    };
    match Forum::at(run.status) {
        Some(forum) => evaluate(cx, &run, forum).await,
        None => Ok(false),
    }
}

async fn evaluate(cx: &Ctx, run: &Run, forum: Forum) -> Result<bool> {
    if forum == Forum::Evaluation && !waits(cx, run).await? {
        return Ok(false);
    }
    // The agent says that the plan is done before it has brought all of it.
    let artifact = runs::artifact(cx, run.plan_id.as_str(), "json-plan").await?;
    if matches!(artifact, Artifact::Early | Artifact::Coming) {
        return Ok(false);
    }
    let Some(begun) = begin(cx, run, forum).await? else { return Ok(false) };
    let heard = if begun.attempts > ATTEMPTS {
        let why = "The evaluation was begun several times and never came to an end.";
        let sets = match read(cx, run, forum).await {
            Ok(sets) => sets,
            // This may be why it had none.
            Err(error) => {
                cx.troubles().note(CHORE, run.id.as_str(), &error, cx.now());
                of_forum(cx, run, forum).await?.into_iter().map(SetCode::unread).collect()
            }
        };
        sets.into_iter().map(|set| set.unasked(why)).collect()
    } else {
        ask(cx, run, forum, artifact).await?
    };
    conclude(cx, run, forum, &begun, &heard).await
}

/// Whether it is the turn of policies: run tasks may take an hour before, and nothing is locked meanwhile.
async fn waits(cx: &Ctx, run: &Run) -> Result<bool> {
    use evaluation::Status as S;
    let waiting =
        evaluations_of(&run.id).filter(evaluation::Column::Status.is_in([S::Queued, S::Running]));
    Ok(waiting.one(cx.read()).await?.is_some())
}

/// Those in the task stage of a run.
fn evaluations_of(run: &RunId) -> Select<evaluation::Entity> {
    let stages = stage::Entity::find()
        .select_only()
        .column(stage::Column::Id)
        .filter(stage::Column::RunId.eq(run))
        .filter(stage::Column::Stage.eq(Forum::Evaluation.stage()));
    evaluation::Entity::find()
        .filter(evaluation::Column::TaskStageId.in_subquery(stages.into_query()))
}

/// Whether policies of Sentinel were asked in the task stage of a run.
async fn has_heard_sentinel(cx: &Ctx, run: &RunId) -> Result<bool> {
    let heard = evaluations_of(run).filter(evaluation::Column::Kind.eq(Kind::Sentinel));
    Ok(heard.one(cx.read()).await?.is_some())
}

/// Takes the stage for a while; `None` if somebody else has it, or it waits for nobody any more.
async fn begin(cx: &Ctx, run: &Run, forum: Forum) -> Result<Option<TaskStage>> {
    let run = Held::lock(cx, run).await?;
    let tx = run.tx();
    let Some(found) = task_stages::of(tx, &run.id, forum.stage()).await? else {
        return Ok(None);
    };
    let Some(mut row) = tx.lock::<stage::Entity>(found.id).await? else { return Ok(None) };
    let is_taken = row.leased_until.is_some_and(|until| until > tx.now());
    if run.status != forum.status() || is_taken || !forum.begin(tx, &row).await? {
        return Ok(None);
    }
    row.leased_until = Some(tx.now().plus_seconds(LEASE_SECONDS));
    row.attempts += 1;
    let row = tx.update(row).await?;
    run.commit().await?;
    Ok(Some(row))
}

async fn of_forum(cx: &Ctx, run: &Run, forum: Forum) -> Result<Vec<PolicySet>> {
    let workspace = workspaces::by_id(cx, &run.workspace_id).await?.ok_or(Error::NotFound)?;
    let is_last = forum == Forum::Check && !has_heard_sentinel(cx, &run.id).await?;
    // One that was moved to task stages when this run had passed its own is asked nevertheless.
    let is_asked =
        |set: &PolicySet| Forum::of(set) == forum || (is_last && set.kind == Kind::Sentinel);
    Ok(needs::in_force(cx, &workspace).await?.into_iter().filter(is_asked).collect())
}

async fn read(cx: &Ctx, run: &Run, forum: Forum) -> Result<Vec<SetCode>> {
    let mut sets = Vec::new();
    for set in of_forum(cx, run, forum).await? {
        sets.push(SetCode::read(cx, set).await?);
    }
    Ok(sets)
}

async fn ask(cx: &Ctx, run: &Run, forum: Forum, artifact: Artifact) -> Result<Vec<Heard>> {
    let sets = read(cx, run, forum).await?;
    let workspace = workspaces::by_id(cx, &run.workspace_id).await?.ok_or(Error::NotFound)?;
    let seen = match artifact {
        Artifact::There => input::of(cx, &workspace, run, input::PLAN_LIMIT).await?,
        Artifact::Early | Artifact::Coming | Artifact::Never => {
            Err("The agent has brought no plan as JSON, which policies could look at.".to_owned())
        }
    };
    match put_to(cx, sets, seen).await {
        Ok(heard) => Ok(heard),
        Err(why) => Ok(read(cx, run, forum).await?.into_iter().map(|it| it.unasked(why)).collect()),
    }
}

/// Asks sets off the threads that others wait for; or says why nobody knows what they say.
pub(super) async fn put_to(
    cx: &Ctx,
    sets: Vec<SetCode>,
    seen: std::result::Result<Case, String>,
) -> std::result::Result<Vec<Heard>, &'static str> {
    let program = cx.settings().policy_program.clone();
    let asking = tokio::task::spawn_blocking(move || {
        let until = Instant::now() + RUN_TIME;
        let mut panel = seen.as_ref().map(|case| Panel::of(case, program.as_deref()));
        let each = |set: SetCode| match &mut panel {
            Ok(panel) => set.ask(panel, until),
            Err(why) => set.unasked(why),
        };
        sets.into_iter().map(each).collect::<Vec<_>>()
    });
    // Whatever a policy does, the run does not wait for ever: then its thread is left to itself.
    match tokio::time::timeout(RUN_TIME + Duration::from_secs(5), asking).await {
        Ok(Ok(heard)) => Ok(heard),
        Ok(Err(_)) => Err("The evaluation broke down."),
        Err(_) => Err("The policies of this run took too long."),
    }
}

/// Writes down what was said, and moves the run.
async fn conclude(
    cx: &Ctx,
    run: &Run,
    forum: Forum,
    begun: &TaskStage,
    heard: &[Heard],
) -> Result<bool> {
    let mut run = Held::lock(cx, run).await?;
    let tx = run.tx();
    let row = tx.lock::<stage::Entity>(begun.id.clone()).await?;
    let mut row = row.ok_or(Error::NotFound)?;
    if run.status != forum.status() || row.attempts != begun.attempts {
        return Ok(false);
    }
    forum.keep(tx, &row, heard).await?;
    // Where somebody came late, the next look at the run need not wait.
    row.leased_until = None;
    tx.update(row).await?;
    if forum == Forum::Evaluation {
        // A set may have been moved to policy checks meanwhile, before anybody asked it here.
        task_stages::prepare(&mut run, &[Part::Plan]).await?;
    }
    task_stages::settle(&mut run).await?;
    run.commit().await?;
    Ok(true)
}
