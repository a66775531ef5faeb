//! How an assessment comes to be: because its time has come, or because somebody wants it; and how it makes way.

use db::{
    Json,
    entity::{assessment, job, organization, run, workspace},
    id::{AssessmentId, WorkspaceId},
    sea_orm::{
        ColumnTrait, Condition, EntityTrait, Order, PaginatorTrait, QueryFilter, QueryOrder,
        QuerySelect, QueryTrait,
        sea_query::{Expr, ExprTrait, NullOrdering, Query, SelectStatement},
    },
};
use serde_json::json;

use super::{UNDER_WAY, conditions, orphans_of, subject};
use crate::{
    Ctx, Error, Granted, Happened, Result, Timestamp, Tx, agent_pools, can, cleanup,
    row::{Assessment, Run, Workspace},
    runs::circumstances::Circumstances,
    site_settings, tool_versions,
    workspaces::{self, Executor},
};

/// How failures of this room are reported.
const CHORE: &str = "assessments";
/// Seconds that one waits for an agent before it is given up until its next turn.
const PATIENCE: i64 = 60 * 60;

/// Begins one now, whatever its time.
///
/// # Errors
/// Conflict where the workspace cannot be assessed as it is.
pub async fn assess(cx: &Ctx, workspace: &Granted<can::ManageAssessments>) -> Result<Assessment> {
    let tx = cx.write().await?;
    let row = tx.lock::<workspace::Entity>(workspace.id.clone()).await?.ok_or(Error::NotFound)?;
    match conditions::fitness(tx.db(), &row).await? {
        Ok((applied, executor)) => {
            let assessment = begin(&tx, &row, &applied, &executor).await?;
            tx.commit().await?;
            Ok(assessment)
        }
        Err(obstacle) => {
            Err(Error::conflict(format!("The workspace cannot be assessed: {obstacle}.")))
        }
    }
}

async fn begin(
    tx: &Tx,
    workspace: &Workspace,
    applied: &Run,
    executor: &Executor,
) -> Result<Assessment> {
    let row = tx
        .insert(Assessment {
            id: AssessmentId::fresh(),
            workspace_id: workspace.id.clone(),
            run_id: applied.id.clone(),
            status: assessment::Status::Queued,
            artifacts: Json::default(),
            created_at: tx.now(),
            started_at: None,
            ended_at: None,
        })
        .await?;
    // Those of earlier ones are over.
    forget_jobs(tx, &workspace.id).await?;
    let job = job::Model::queued(job::Kind::Assessment, &applied.id, &workspace.id, tx.now());
    tx.insert(job::Model { agent_pool_id: executor.pool().cloned(), ..job }).await?;
    let about = subject("assessments", row.id.as_str(), workspace);
    tx.emit(Happened::AssessmentQueued, about, json!({})).await?;
    Ok(row)
}

async fn forget_jobs(tx: &Tx, workspace: &WorkspaceId) -> Result<()> {
    job::Entity::delete_many()
        .filter(job::Column::WorkspaceId.eq(workspace))
        .filter(job::Column::Kind.eq(job::Kind::Assessment))
        .exec(tx.db())
        .await?;
    Ok(())
}

/// Ends what is under way in a locked workspace: a run begins there. Its agent is told that the job is not its own any
/// more.
pub(crate) async fn make_way(tx: &Tx, workspace: &Workspace) -> Result<()> {
    let under_way = assessment::Entity::find()
        .filter(assessment::Column::WorkspaceId.eq(&workspace.id))
        .filter(assessment::Column::Status.is_in(UNDER_WAY));
    for mut row in tx.lock_all(under_way).await? {
        row.status = assessment::Status::Canceled;
        row.ended_at = Some(tx.now());
        cleanup::later(tx, orphans_of(row.id.as_str())?).await?;
        row.artifacts = Json::default();
        let row = tx.update(row).await?;
        forget_jobs(tx, &workspace.id).await?;
        let about = subject("assessments", row.id.as_str(), workspace);
        tx.emit(Happened::AssessmentCanceled, about, json!({})).await?;
    }
    Ok(())
}

/// Begins those whose time has come, those first that have waited longest. Safe to repeat.
pub async fn assess_due(cx: &Ctx) -> Result<()> {
    give_up_waiting(cx).await?;
    let settings = site_settings::current(cx).await?;
    let under_way = assessment::Entity::find()
        .filter(assessment::Column::Status.is_in(UNDER_WAY))
        .count(cx.read())
        .await?;
    let mut free = u64::from(settings.assessments_at_once).saturating_sub(under_way);
    if free == 0 {
        return Ok(());
    }
    let interval = i64::try_from(settings.assessment_interval.seconds()).unwrap_or(i64::MAX / 2000);
    let present = agent_pools::present(cx).await?;
    for id in due(cx, cx.now().plus_seconds(-interval)).await? {
        if free == 0 {
            break;
        }
        let begun = Box::pin(begin_if_due(cx, &id, &present)).await;
        if cx.troubles().settle(CHORE, id.as_str(), begun, cx.now()) == Some(true) {
            free -= 1;
        }
    }
    Ok(())
}

async fn begin_if_due(cx: &Ctx, id: &WorkspaceId, present: &agent_pools::Present) -> Result<bool> {
    // What is unfit stays so for long, and first in line: nothing is locked for it.
    let seen = workspaces::by_id(cx, id).await?;
    let Some(seen) = seen else { return Ok(false) };
    if conditions::fitness(cx.read(), &seen).await?.is_err() {
        return Ok(false);
    }
    let tx = cx.write().await?;
    let Some(row) = tx.lock::<workspace::Entity>(id.clone()).await? else { return Ok(false) };
    let Ok((applied, executor)) = conditions::fitness(tx.db(), &row).await? else {
        return Ok(false);
    };
    if conditions::due_at(cx, &row, &applied).await? > tx.now()
        || !is_at_hand(cx, &applied, &executor, present).await?
    {
        return Ok(false);
    }
    begin(&tx, &row, &applied, &executor).await?;
    tx.commit().await?;
    Ok(true)
}

/// Whether somebody is there who could do it: what nobody takes would be in the way of others.
async fn is_at_hand(
    cx: &Ctx,
    applied: &Run,
    executor: &Executor,
    present: &agent_pools::Present,
) -> Result<bool> {
    let Some(version) = &applied.terraform_version else { return Ok(false) };
    let wish = tool_versions::Wish { version, engine: applied.engine };
    let Some(tool) = tool_versions::given(cx, wish).await? else { return Ok(false) };
    let there = present.get(&executor.pool().cloned());
    Ok(there.is_some_and(|there| there.iter().any(|able| able.can(job::Kind::Assessment, &tool))))
}

/// Workspaces that may be due, as far as one question to the database can tell.
async fn due(cx: &Ctx, before: Timestamp) -> Result<Vec<WorkspaceId>> {
    use workspace::Column as W;
    let enforced = organization::Entity::find()
        .select_only()
        .column(organization::Column::Name)
        .filter(organization::Column::AssessmentsEnforced.eq(true))
        .into_query();
    let of_run = |condition: Condition| -> SelectStatement {
        Query::select()
            .expr(Expr::val(1))
            .from(run::Entity)
            .and_where(
                Expr::col((run::Entity, run::Column::WorkspaceId))
                    .equals((workspace::Entity, W::Id)),
            )
            .cond_where(condition)
            .take()
    };
    let applied = run::Column::Status.eq(run::Status::Applied);
    let at_work = Condition::any().add(run::Column::IsFinal.eq(false));
    let fresh = applied.clone().and(run::Column::UpdatedAt.gt(before));
    let under_way = assessment::Entity::find()
        .select_only()
        .column(assessment::Column::WorkspaceId)
        .filter(assessment::Column::Status.is_in(UNDER_WAY))
        .into_query();
    Ok(workspace::Entity::find()
        .select_only()
        .column(W::Id)
        .filter(W::AssessmentsEnabled.eq(true).or(W::OrganizationName.in_subquery(enforced)))
        .filter(W::ResourceCount.gt(0))
        .filter(W::Id.not_in_subquery(under_way))
        .filter(W::LastAssessmentResultAt.is_null().or(W::LastAssessmentResultAt.lte(before)))
        .filter(Expr::exists(of_run(Condition::all().add(applied))))
        .filter(Expr::exists(of_run(at_work)).not())
        .filter(Expr::exists(of_run(Condition::all().add(fresh))).not())
        .order_by_with_nulls(W::LastAssessmentResultAt, Order::Asc, NullOrdering::First)
        .order_by_asc(W::Id)
        .into_tuple()
        .all(cx.read())
        .await?)
}

/// Those that no agent has taken for long make room for others.
async fn give_up_waiting(cx: &Ctx) -> Result<()> {
    let waiting: Vec<WorkspaceId> = assessment::Entity::find()
        .select_only()
        .column(assessment::Column::WorkspaceId)
        .filter(assessment::Column::Status.eq(assessment::Status::Queued))
        .filter(assessment::Column::CreatedAt.lt(cx.now().plus_seconds(-PATIENCE)))
        .into_tuple()
        .all(cx.read())
        .await?;
    for id in waiting {
        let tx = cx.write().await?;
        if let Some(row) = tx.lock::<workspace::Entity>(id).await? {
            make_way(&tx, &row).await?;
            tx.commit().await?;
        }
    }
    Ok(())
}

/// The run that was applied, as if it were planned once more and whole.
pub(crate) fn planned_again(applied: Run) -> Run {
    Run {
        is_destroy: false,
        refresh: true,
        refresh_only: false,
        plan_only: true,
        allow_empty_apply: false,
        allow_config_generation: false,
        debugging_mode: false,
        target_addrs: Json::default(),
        replace_addrs: Json::default(),
        invoke_action_addrs: Json::default(),
        ..applied
    }
}

/// What its engine gets to see: the workspace as it is now.
pub(crate) async fn circumstances(cx: &Ctx, workspace: &Workspace) -> Result<Circumstances> {
    Circumstances::without_run(cx, workspace).await
}
