//! Policy checks: Sentinel policies that are not evaluated in a task stage but in a stage of their own.

use async_trait::async_trait;
use db::{
    Json, Locked,
    entity::{
        policy_check::{self as check, Status},
        task_stage::Stage,
    },
    id::PolicyCheckId,
    page,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter},
};

use super::{code::Heard, findings, needs};
use crate::{
    Ctx, Error, Found, Granted, In, Page, Paging, Result, Tx, can,
    row::{PolicyCheck, Run, TaskStage},
    runs::{self, held::Held},
    task_stages::{self, Members, Place, Standing},
};

const NOTHING: &str = "No Sentinel policies count for this workspace any more.";

/// Those of a run, in the stage of their own.
#[derive(Debug)]
pub(crate) struct Checks;

#[async_trait]
impl Members for Checks {
    async fn prepare(&self, place: &mut Place<'_>) -> Result<()> {
        let is_here = place.stage == Stage::PolicyCheck && place.run.policy_checks.is_empty();
        if !is_here || !needs(place.tx.cx(), place.workspace).await?.check {
            return Ok(());
        }
        place.row().await?;
        let check = check::Model {
            id: PolicyCheckId::fresh(),
            run_id: place.run.id.clone(),
            status: Status::Pending,
            output: None,
            counts: None,
            said: None,
            status_timestamps: Json::default(),
            created_at: place.tx.now(),
        };
        let check = place.tx.insert(check).await?;
        place.run.policy_checks.push(check.id);
        Ok(())
    }

    async fn begin(&self, held: &Held, stage: &TaskStage) -> Result<()> {
        let is_needed = needs(held.tx().cx(), held.workspace()).await?.check;
        let tx = held.tx();
        for mut row in open(tx, stage, &[Status::Pending]).await? {
            set(tx, &mut row, Status::Queued);
            if !is_needed {
                row.output = Some(NOTHING.to_owned());
                set(tx, &mut row, Status::Passed);
            }
            tx.update(row).await?;
        }
        Ok(())
    }

    async fn standings(&self, tx: &Tx, stage: &TaskStage) -> Result<Vec<Standing>> {
        Ok(of(tx, stage).await?.iter().map(standing).collect())
    }

    async fn overrule(&self, tx: &Tx, stage: &TaskStage) -> Result<()> {
        for mut row in open(tx, stage, &[Status::SoftFailed]).await? {
            set(tx, &mut row, Status::Overridden);
            tx.update(row).await?;
        }
        Ok(())
    }

    async fn end(&self, tx: &Tx, stage: &TaskStage, _is_broken: bool) -> Result<()> {
        for mut row in open(tx, stage, &[Status::Pending, Status::Queued]).await? {
            row.status = Status::Unreachable;
            tx.update(row).await?;
        }
        Ok(())
    }
}

fn standing(row: &PolicyCheck) -> Standing {
    match row.status {
        Status::Pending => Standing::Waits,
        Status::Queued => Standing::UnderWay,
        Status::Passed | Status::Overridden => Standing::Agrees,
        Status::SoftFailed => Standing::Disputes,
        Status::HardFailed => Standing::Refuses,
        Status::Errored | Status::Canceled | Status::Unreachable => Standing::Broken,
    }
}

async fn of(tx: &Tx, stage: &TaskStage) -> Result<Vec<PolicyCheck>> {
    if stage.stage != Stage::PolicyCheck {
        return Ok(Vec::new());
    }
    let query = check::Entity::find().filter(check::Column::RunId.eq(&stage.run_id));
    Ok(query.all(tx.db()).await?)
}

/// Those in one of these statuses, locked.
async fn open(
    tx: &Tx,
    stage: &TaskStage,
    statuses: &[Status],
) -> Result<Vec<Locked<check::Entity>>> {
    let mut locked = Vec::new();
    for found in of(tx, stage).await? {
        if statuses.contains(&found.status) {
            locked.extend(tx.lock::<check::Entity>(found.id).await?);
        }
    }
    Ok(locked)
}

/// Writes down what the policies of a check said.
pub(super) async fn keep(tx: &Tx, stage: &TaskStage, heard: &[Heard]) -> Result<()> {
    for mut row in open(tx, stage, &[Status::Queued]).await? {
        row.counts = Some(Json(findings::counts(heard)));
        row.said = Some(findings::seal(tx, &row, &findings::findings(heard))?);
        set(tx, &mut row, findings::status(heard));
        tx.update(row).await?;
    }
    Ok(())
}

/// Sets the status of a check and notes when.
fn set(tx: &Tx, row: &mut PolicyCheck, status: Status) {
    row.status = status;
    let key = format!("{}-at", status.as_str().replace('_', "-"));
    row.status_timestamps.insert(key, tx.now());
}

/// Whether a check waits for somebody who may decide to go on.
pub fn is_overridable(row: &PolicyCheck) -> bool {
    row.status == Status::SoftFailed
}

/// Lets the run go on.
///
/// # Errors
/// Conflict unless only policies that allow it have failed.
pub async fn override_check(
    cx: &Ctx,
    granted: &Granted<can::OverridePolicies, In<PolicyCheck>>,
    comment: Option<String>,
) -> Result<PolicyCheck> {
    let found = &granted.row;
    task_stages::overrule(cx, &granted.of.id, &found.run_id, Stage::PolicyCheck, comment).await?;
    let row = check::Entity::find_by_id(found.id.clone()).one(cx.read()).await?;
    row.ok_or(Error::NotFound)
}

/// The check, with its workspace.
pub async fn find(cx: &Ctx, id: &PolicyCheckId) -> Result<Found<In<PolicyCheck>>> {
    runs::find_in::<check::Entity>(cx, id, |row| &row.run_id).await
}

/// Those of a run.
pub async fn list(
    cx: &Ctx,
    run: &Granted<can::ReadRun, In<Run>>,
    paging: Paging,
) -> Result<Page<PolicyCheck>> {
    let query = check::Entity::find().filter(check::Column::RunId.eq(&run.id));
    Ok(page(cx.read(), query, paging).await?)
}

/// For includes: those of these that the caller may see.
pub async fn load(cx: &Ctx, ids: &[PolicyCheckId]) -> Result<Vec<In<PolicyCheck>>> {
    let rows = check::Entity::find().filter(check::Column::Id.is_in(ids)).all(cx.read()).await?;
    runs::with_workspaces_of(cx, rows, |row| &row.run_id).await
}
