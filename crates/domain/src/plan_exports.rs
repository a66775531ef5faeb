//! Plans in a form for those who write policies: ordered, made by a task, and forgotten an hour later.

use std::collections::HashMap;

use blobs::{Kind, Name};
use bytes::Bytes;
use db::{
    Json, Locked,
    entity::{
        phase,
        plan_export::{self as export, DataType, Status},
        run,
    },
    id::{PlanExportId, PlanId, WorkspaceId},
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    Ctx, Error, Found, Granted, Happened, In, Result, Subject, Tx, can,
    cleanup::{self, Orphan},
    row::{Phase, PlanExport, Workspace},
    runs::{self, Artifact, Plan},
};

/// Of whoever makes them.
pub(crate) const TASK: &str = "plan-export";
/// Seconds from the order on (API documents, "Plan Exports").
const LIFETIME: i64 = 60 * 60;
/// Exports that expire in one go.
const AT_ONCE: u64 = 100;
/// In these there is something to come or to be had; a plan has one at a time.
const LIVE: [Status; 3] = [Status::Pending, Status::Queued, Status::Finished];

#[derive(Serialize, Deserialize)]
pub(crate) struct Due {
    pub export: PlanExportId,
}

/// Whether there is enough of a plan to export it.
pub fn is_exportable(plan: &Phase) -> bool {
    plan.kind == phase::Kind::Plan
        && plan.status == phase::Status::Finished
        && plan.artifacts.has("json-plan")
}

/// Whether there is something to be had of it.
pub fn is_there(row: &PlanExport, cx: &Ctx) -> bool {
    row.status == Status::Finished && row.expires_at > cx.now()
}

/// The export, with the workspace of its plan.
pub async fn find(cx: &Ctx, id: &PlanExportId) -> Result<Found<In<PlanExport>>> {
    let row = by_id(cx, id).await?.ok_or(Error::NotFound)?;
    let of = runs::find_plan(cx, &row.plan_id).await?.into_unchecked().0.of;
    Ok(Found::new(In { row, of }))
}

pub(crate) async fn by_id(cx: &Ctx, id: &PlanExportId) -> Result<Option<PlanExport>> {
    Ok(export::Entity::find_by_id(id.clone()).one(cx.read()).await?)
}

/// Those of these plans, the newest first; of plans whose exports the caller may see.
pub async fn of_plans(cx: &Ctx, plans: &[In<Phase>]) -> Result<HashMap<PlanId, Vec<PlanExport>>> {
    let is_visible = |plan: &&In<Phase>| cx.may::<can::ExportPlan>(&plan.of);
    let ids: Vec<&str> = plans.iter().filter(is_visible).map(|plan| plan.id.as_str()).collect();
    let mut found: HashMap<PlanId, Vec<PlanExport>> = HashMap::new();
    if ids.is_empty() {
        return Ok(found);
    }
    let query = export::Entity::find()
        .filter(export::Column::PlanId.is_in(ids))
        .order_by_desc(export::Column::CreatedAt)
        .order_by_desc(export::Column::Id);
    for row in query.all(cx.read()).await? {
        found.entry(row.plan_id.clone()).or_default().push(row);
    }
    Ok(found)
}

/// For includes: those of these that the caller may see.
pub async fn load(cx: &Ctx, ids: &[PlanExportId]) -> Result<Vec<PlanExport>> {
    let rows = export::Entity::find().filter(export::Column::Id.is_in(ids)).all(cx.read()).await?;
    let plans: Vec<String> = rows.iter().map(|row| row.plan_id.to_string()).collect();
    let plans = runs::load_phases(cx, &plans).await?;
    let is_visible = |row: &PlanExport| {
        let plan = plans.iter().find(|plan| plan.id == row.plan_id.as_str());
        plan.is_some_and(|plan| cx.may::<can::ExportPlan>(&plan.of))
    };
    Ok(rows.into_iter().filter(is_visible).collect())
}

/// Orders one.
///
/// # Errors
/// Invalid for a plan of which there is no JSON, and while there is another export of it.
pub async fn create(
    cx: &Ctx,
    plan: &Granted<can::ExportPlan, Plan>,
    data_type: DataType,
) -> Result<PlanExport> {
    let found = runs::artifact(cx, &plan.0.id, "json-plan").await?;
    if !matches!(found, Artifact::There | Artifact::Coming) {
        return Err(Error::invalid_relation("plan", "has no JSON that could be exported"));
    }
    let tx = cx.write().await?;
    // Two orders at once take turns here.
    tx.lock::<phase::Entity>(plan.0.id.clone()).await?.ok_or(Error::NotFound)?;
    let plan_id: PlanId = plan.0.id.parse().map_err(|_| Error::NotFound)?;
    let live = export::Entity::find()
        .filter(export::Column::PlanId.eq(&plan_id))
        .filter(export::Column::DataType.eq(data_type))
        .filter(export::Column::Status.is_in(LIVE))
        .filter(export::Column::ExpiresAt.gt(tx.now()))
        .one(tx.db())
        .await?;
    if let Some(live) = live {
        let why = format!("has an export of this data type already: {}", live.id);
        return Err(Error::invalid_relation("plan", why));
    }
    let mut row = PlanExport {
        id: PlanExportId::fresh(),
        plan_id,
        data_type,
        status: Status::Queued,
        error_message: None,
        status_timestamps: Json::default(),
        created_at: tx.now(),
        expires_at: tx.now().plus_seconds(LIFETIME),
    };
    row.status_timestamps.insert("queued-at".into(), tx.now());
    let row = tx.insert(row).await?;
    tx.later(TASK, Due { export: row.id.clone() }).await?;
    emit(&tx, Happened::PlanExportCreated, &row, &plan.0.of).await?;
    tx.commit().await?;
    Ok(row)
}

/// What was made of it goes, too.
pub async fn delete(cx: &Ctx, export: &Granted<can::ExportPlan, In<PlanExport>>) -> Result<()> {
    let tx = cx.write().await?;
    let row = tx.lock::<export::Entity>(export.row.id.clone()).await?.ok_or(Error::NotFound)?;
    cleanup::later(&tx, orphans(&row)?).await?;
    emit(&tx, Happened::PlanExportDeleted, &row, &export.of).await?;
    tx.delete(row).await?;
    tx.commit().await
}

/// Keeps what was made, or why nothing was; nothing for one that nobody waits for any more.
pub(crate) async fn finish(
    cx: &Ctx,
    id: &PlanExportId,
    made: std::result::Result<Bytes, String>,
) -> Result<()> {
    if by_id(cx, id).await?.is_none() {
        return Ok(());
    }
    // The blob is there before a row says so.
    let made = match made {
        Ok(bundle) => {
            cx.blobs().put(&Name::new(Kind::PlanExport, id.as_str())?, bundle).await?;
            Ok(())
        }
        Err(why) => Err(why),
    };
    let tx = cx.write().await?;
    match tx.lock::<export::Entity>(id.clone()).await? {
        Some(mut row) if row.status == Status::Queued => {
            let status = if made.is_ok() { Status::Finished } else { Status::Errored };
            row.error_message = made.err();
            set(&tx, &mut row, status);
            tx.update(row).await?;
        }
        Some(_) => {}
        None => cleanup::later(&tx, vec![Orphan::blob(Kind::PlanExport, id)?]).await?,
    }
    tx.commit().await
}

/// Forgets what is older than an hour; returns how many those were.
pub async fn expire_due(cx: &Ctx) -> Result<usize> {
    let query = export::Entity::find()
        .filter(export::Column::Status.is_in(LIVE))
        .filter(export::Column::ExpiresAt.lte(cx.now()))
        .limit(AT_ONCE);
    if query.clone().one(cx.read()).await?.is_none() {
        return Ok(0);
    }
    let tx = cx.write().await?;
    let due = tx.claim(query).await?;
    let count = due.len();
    for mut row in due {
        if row.status == Status::Finished {
            cleanup::later(&tx, orphans(&row)?).await?;
            set(&tx, &mut row, Status::Expired);
        } else {
            row.error_message = Some("The export was not made in time.".into());
            set(&tx, &mut row, Status::Errored);
        }
        tx.update(row).await?;
    }
    tx.commit().await?;
    Ok(count)
}

fn set(tx: &Tx, row: &mut Locked<export::Entity>, status: Status) {
    row.status = status;
    row.status_timestamps.insert(format!("{status}-at"), tx.now());
}

fn orphans(row: &PlanExport) -> Result<Vec<Orphan>> {
    Ok(vec![Orphan::blob(Kind::PlanExport, &row.id)?])
}

/// The blobs of a workspace that is about to go.
pub(crate) async fn orphans_of(tx: &Tx, workspace: &WorkspaceId) -> Result<Vec<Orphan>> {
    let plans = run::Entity::find()
        .select_only()
        .column(run::Column::PlanId)
        .filter(run::Column::WorkspaceId.eq(workspace));
    let rows = export::Entity::find()
        .filter(export::Column::PlanId.in_subquery(plans.into_query()))
        .filter(export::Column::Status.eq(Status::Finished));
    let each: Result<Vec<_>> = rows.all(tx.db()).await?.iter().map(orphans).collect();
    Ok(each?.into_iter().flatten().collect())
}

async fn emit(tx: &Tx, what: Happened, row: &PlanExport, of: &Workspace) -> Result<()> {
    let plan = phase::Entity::find_by_id(row.plan_id.as_str()).one(tx.db()).await?;
    let subject = Subject {
        kind: "plan-exports",
        id: row.id.as_str(),
        organization: Some(&of.organization_name),
        workspace: Some(&of.id),
        run: plan.as_ref().map(|plan| &plan.run_id),
    };
    tx.emit(what, subject, json!({ "data-type": row.data_type })).await
}
