//! Policy checks: Sentinel policies that are not evaluated in a task stage. There is no engine for them here, so a run
//! that needs one stops.

use db::{
    entity::{
        policy_check::{self as check, Status},
        run,
    },
    id::PolicyCheckId,
    page,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter},
};
use serde_json::json;

use crate::{
    Ctx, Error, Found, Granted, Happened, In, Page, Paging, Result, Tx, can,
    row::{PolicyCheck, Run},
    runs::{self, comments, gates, held::Floor, moves},
};

/// What people read who wonder why their run stops.
pub(super) const NO_ENGINE: &str = "This server has no engine for Sentinel policies, so it cannot \
    know what they say. The run stops. Write the policies for OPA, or take the policy sets of \
    kind sentinel from this workspace.";
const NOTHING: &str = "No Sentinel policies count for this workspace any more.";

/// Ends a run's check at once; says whether the run may go on.
pub(crate) async fn conclude(tx: &Tx, run: &Run, is_needed: bool) -> Result<bool> {
    for id in run.policy_checks.iter() {
        let Some(mut row) = tx.lock::<check::Entity>(id.clone()).await? else { continue };
        let (status, output) =
            if is_needed { (Status::Errored, NO_ENGINE) } else { (Status::Passed, NOTHING) };
        row.status = status;
        row.output = Some(output.to_owned());
        for key in ["queued-at".to_owned(), format!("{status}-at")] {
            row.status_timestamps.insert(key, tx.now());
        }
        tx.update(row).await?;
    }
    Ok(!is_needed)
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
    let comment = comments::with_action(comment)?;
    let mut run = Floor::lock(cx, &granted.of.id).await?.hold(&granted.run_id).await?;
    let tx = run.tx();
    let row = tx.lock::<check::Entity>(granted.row.id.clone()).await?;
    let mut row = row.ok_or(Error::NotFound)?;
    if !is_overridable(&row) || run.status != run::Status::PolicyOverride {
        return Err(Error::conflict(format!(
            "transition not allowed: the policy check is {} and waits for no override",
            row.status
        )));
    }
    row.status = Status::Overridden;
    row.status_timestamps.insert("overridden-at".into(), tx.now());
    let row = tx.update(row).await?;
    tx.emit(Happened::RunPoliciesOverridden, moves::subject(&run), json!({})).await?;
    if let Some(body) = comment {
        comments::write(tx, &run, body).await?;
    }
    Box::pin(gates::checks_passed(&mut run)).await?;
    run.commit().await?;
    Ok(row)
}

/// The check, with its workspace.
pub async fn find(cx: &Ctx, id: &PolicyCheckId) -> Result<Found<In<PolicyCheck>>> {
    let row = check::Entity::find_by_id(id.clone()).one(cx.read()).await?;
    let row = row.ok_or(Error::NotFound)?;
    let of = runs::find(cx, &row.run_id).await?.into_unchecked().of;
    Ok(Found::new(In { row, of }))
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
    super::read::in_workspaces(cx, rows, |row| &row.run_id).await
}
