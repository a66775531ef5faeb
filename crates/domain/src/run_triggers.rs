//! Run triggers: a successful apply in one workspace queues a run in others.

use std::collections::{BTreeSet, HashMap};

use db::{
    entity::{
        run::{self, Source},
        run_trigger, workspace,
    },
    id::{RunId, RunTriggerId, WorkspaceId},
    page,
    sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    Ctx, Error, Found, Granted, Happened, In, Page, Paging, Result, Subject, Tx,
    access::{Ends, Within},
    can,
    events::{Reader, Take},
    row::{Event, Run, RunTrigger, Workspace},
    runs::{self, New, TriggeredBy},
    tasks, workspaces,
};

const TASK: &str = "trigger_run";
/// <https://developer.hashicorp.com/terraform/cloud-docs/workspaces/settings/run-triggers>
const SOURCES_LIMIT: u64 = 20;
/// Runs that may trigger each other without anybody's doing.
const CHAIN_LIMIT: usize = 20;

pub type Trigger = In<RunTrigger, Ends>;

impl Within<Workspace> for Trigger {
    fn on(&self) -> &Workspace {
        &self.of.workspace
    }
}

pub async fn find(cx: &Ctx, id: &RunTriggerId) -> Result<Found<Trigger>> {
    let row = run_trigger::Entity::find_by_id(id.clone()).one(cx.read()).await?;
    let trigger = with_ends(cx, row.into_iter().collect()).await?.pop();
    trigger.map(Found::new).ok_or(Error::NotFound)
}

/// Puts triggers and what they connect together with one query.
async fn with_ends(cx: &Ctx, rows: Vec<RunTrigger>) -> Result<Vec<Trigger>> {
    let ids: BTreeSet<_> =
        rows.iter().flat_map(|row| [&row.workspace_id, &row.source_id]).collect();
    let ends: HashMap<_, _> = workspace::Entity::find()
        .filter(workspace::Column::Id.is_in(ids))
        .all(cx.read())
        .await?
        .into_iter()
        .map(|row| (row.id.clone(), row))
        .collect();
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            let workspace = ends.get(&row.workspace_id)?.clone();
            let source = ends.get(&row.source_id)?.clone();
            Some(In { row, of: Ends { workspace, source } })
        })
        .collect())
}

/// Which triggers of a workspace are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Those that queue runs in it.
    Inbound,
    /// Those that queue runs in others.
    Outbound,
}

/// The triggers of a workspace, the oldest first.
pub async fn list(
    cx: &Ctx,
    workspace: &Granted<can::ReadRun>,
    direction: Direction,
    paging: Paging,
) -> Result<Page<Trigger>> {
    let end = match direction {
        Direction::Inbound => run_trigger::Column::WorkspaceId,
        Direction::Outbound => run_trigger::Column::SourceId,
    };
    let query = run_trigger::Entity::find()
        .filter(end.eq(&workspace.id))
        .order_by_asc(run_trigger::Column::CreatedAt)
        .order_by_asc(run_trigger::Column::Id);
    let Page { items, total } = page(cx.read(), query, paging).await?;
    Ok(Page { items: with_ends(cx, items).await?, total })
}

/// Lets applies of `source` queue runs in the workspace.
///
/// # Errors
/// Invalid for the workspace itself, for a source that it has already, and for more than 20 of them.
pub async fn create(
    cx: &Ctx,
    workspace: &Granted<can::UpdateWorkspace>,
    source: &Granted<can::ReadRun>,
) -> Result<Trigger> {
    let refused = |message: &str| Error::invalid_relation("sourceable", message);
    if source.organization_name != workspace.organization_name {
        return Err(Error::NotFound);
    }
    if source.id == workspace.id {
        return Err(refused("A workspace cannot be its own source."));
    }
    let tx = cx.write().await?;
    // Held, so that the count is still true when the row is in.
    tx.lock::<workspace::Entity>(workspace.id.clone()).await?.ok_or(Error::NotFound)?;
    let own =
        run_trigger::Entity::find().filter(run_trigger::Column::WorkspaceId.eq(&workspace.id));
    if own.clone().count(tx.db()).await? >= SOURCES_LIMIT {
        return Err(refused(&format!("A workspace has at most {SOURCES_LIMIT} sources.")));
    }
    if own.filter(run_trigger::Column::SourceId.eq(&source.id)).one(tx.db()).await?.is_some() {
        return Err(refused("Sourceable has already been taken"));
    }
    let row = RunTrigger {
        id: RunTriggerId::fresh(),
        workspace_id: workspace.id.clone(),
        source_id: source.id.clone(),
        created_at: tx.now(),
    };
    let row = tx.insert(row).await?;
    let detail = json!({ "source": source.name });
    tx.emit(Happened::RunTriggerCreated, subject(workspace, &row), detail).await?;
    tx.commit().await?;
    let of = Ends { workspace: (**workspace).clone(), source: (**source).clone() };
    Ok(In { row, of })
}

pub async fn delete(cx: &Ctx, trigger: &Granted<can::UpdateWorkspace, Trigger>) -> Result<()> {
    let tx = cx.write().await?;
    let row = tx.lock::<run_trigger::Entity>(trigger.id.clone()).await?.ok_or(Error::NotFound)?;
    let detail = json!({ "source": trigger.of.source.name });
    tx.emit(Happened::RunTriggerDeleted, subject(&trigger.of.workspace, &row), detail).await?;
    tx.delete(row).await?;
    tx.commit().await
}

fn subject<'a>(workspace: &'a Workspace, row: &'a RunTrigger) -> Subject<'a> {
    Subject { kind: "run-triggers", id: row.id.as_str(), ..workspaces::subject(workspace) }
}

/// A run that is to be queued because another one was applied.
#[derive(Serialize, Deserialize)]
struct Due {
    run: RunId,
    workspace: WorkspaceId,
}

pub(crate) const READER: Reader = Reader {
    name: "run triggers",
    wants: |happened| happened == Happened::RunApplied,
    is_patient: false,
    take: Take::Each(|tx, event| Box::pin(applied(tx, event))),
};

/// A run was applied: what it triggers is written down, so that none is forgotten.
async fn applied(tx: &Tx, event: &Event) -> Result<()> {
    let (Some(run), Some(source)) = (&event.run_id, &event.workspace_id) else { return Ok(()) };
    let targets: Vec<WorkspaceId> = run_trigger::Entity::find()
        .select_only()
        .column(run_trigger::Column::WorkspaceId)
        .filter(run_trigger::Column::SourceId.eq(source))
        .into_tuple()
        .all(tx.db())
        .await?;
    for workspace in targets {
        tx.later(TASK, Due { run: run.clone(), workspace }).await?;
    }
    Ok(())
}

/// Queues the runs that are due. Safe to repeat: what a crash left half done is found and not done again.
pub async fn work(cx: &Ctx) -> Result<()> {
    for task in tasks::claim(cx, TASK).await? {
        let outcome = match serde_json::from_value::<Due>(task.payload.0.clone()) {
            Ok(due) => Box::pin(queue(cx, due)).await.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        tasks::settle(cx, &task, outcome, None).await?;
    }
    Ok(())
}

/// Why the runs that follow each other may never come to an end by themselves, if that is so.
async fn endless(cx: &Ctx, cause: &Run, target: &Workspace) -> Result<Option<&'static str>> {
    let (mut workspace, mut before) = (cause.workspace_id.clone(), cause.triggered_by_id.clone());
    for _ in 0..CHAIN_LIMIT {
        if workspace == target.id {
            return Ok(Some("the runs that trigger each other have come back to this workspace"));
        }
        let Some(id) = before else { return Ok(None) };
        let found: Option<(WorkspaceId, Option<RunId>)> = run::Entity::find_by_id(id)
            .select_only()
            .columns([run::Column::WorkspaceId, run::Column::TriggeredById])
            .into_tuple()
            .one(cx.read())
            .await?;
        let Some(found) = found else { return Ok(None) };
        (workspace, before) = found;
    }
    Ok(Some("it is at the end of a chain of more than 20 runs that trigger each other"))
}

async fn queue(cx: &Ctx, due: Due) -> Result<()> {
    let cause = run::Entity::find_by_id(due.run).one(cx.read()).await?;
    let target = workspaces::by_id(cx, &due.workspace).await?;
    // Whatever is gone by now triggers nothing.
    let (Some(cause), Some(target)) = (cause, target) else { return Ok(()) };
    let Some(source) = workspaces::by_id(cx, &cause.workspace_id).await? else { return Ok(()) };
    let queued = run::Entity::find()
        .filter(run::Column::TriggeredById.eq(&cause.id))
        .filter(run::Column::WorkspaceId.eq(&target.id))
        .one(cx.read())
        .await?;
    if queued.is_some() {
        return Ok(());
    }
    let granted = cx.check::<can::QueueRun, _>(Found::new(target.clone()))?;
    let mut message = format!("Triggered automatically by an apply in {}", source.name);
    let endless =
        if target.auto_apply_run_trigger { endless(cx, &cause, &target).await? } else { None };
    if let Some(why) = endless {
        message = format!("{message}. It waits for somebody to confirm it, because {why}.");
    }
    let new = New {
        message: Some(message),
        auto_apply: Some(target.auto_apply_run_trigger && endless.is_none()),
        source: Some(Source::RunTrigger),
        trigger_reason: Some("run_trigger".into()),
        triggered_by: Some(TriggeredBy { run: cause.id.clone(), workspace: source }),
        ..New::default()
    };
    match runs::create(cx, &granted, new).await {
        Ok(_) => Ok(()),
        Err(error) if !error.is_refusal() => Err(error),
        Err(refusal) => {
            // Without a configuration, say. Trying again would not help.
            let tx = cx.write().await?;
            let detail = json!({ "run": cause.id, "reason": refusal.to_string() });
            tx.emit(Happened::RunTriggerFailed, workspaces::subject(&target), detail).await?;
            tx.commit().await
        }
    }
}
