//! Deleting what others live in: workspaces, safely or whatever is still in them, and whole organizations. Their blobs go
//! afterwards, by a task.

use std::sync::Arc;

use blobs::Kind;
use db::{
    entity::{assessment, configuration_version, organization, run, state_version, workspace},
    id::WorkspaceId,
    sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect},
};
use serde_json::json;

use crate::{
    Ctx, Error, Granted, Happened, In, Result, Site, Tx, assessments, can,
    cleanup::{self, Orphan},
    organizations, plan_exports, policies, policy_sets,
    row::{Organization, Workspace},
    runs::{self, unsaved},
    states, workspaces,
};

/// Deletes a workspace that manages nothing.
///
/// # Errors
/// Conflict, in the words that clients look for: it manages resources, or is locked.
pub async fn workspace_safely(cx: &Ctx, workspace: &Granted<can::DestroyWorkspace>) -> Result<()> {
    let tx = cx.write().await?;
    let row = tx.lock::<workspace::Entity>(workspace.id.clone()).await?.ok_or(Error::NotFound)?;
    check_idle(&tx, &row).await?;
    if row.lock_kind.is_some() {
        return Err(Error::conflict(
            "Workspace cannot be safely deleted: it is locked. Unlock it first.",
        ));
    }
    if row.resource_count > 0 {
        return Err(Error::conflict(format!(
            "Workspace cannot be safely deleted: it still manages {} resources. Destroy them \
             first, or force the deletion.",
            row.resource_count
        )));
    }
    let current = match &row.current_state_version_id {
        Some(id) => state_version::Entity::find_by_id(id.clone()).one(tx.db()).await?,
        None => None,
    };
    if current.is_some_and(|current| states::is_encrypted(&current)) {
        return Err(Error::conflict(
            "Workspace cannot be safely deleted: its state is encrypted, so that nobody can say whether it still \
             manages resources. Force the deletion if it does not.",
        ));
    }
    delete(tx, row).await
}

/// Deletes a workspace whatever is in it.
///
/// # Errors
/// Conflict while a run applies: only its agent may know what there is by then.
pub async fn workspace_by_force(
    cx: &Ctx,
    workspace: &Granted<can::ForceDeleteWorkspace, (Workspace, Arc<Organization>)>,
) -> Result<()> {
    whatever_is_in_it(cx, &workspace.0.id).await
}

/// The same for administrators of the site.
///
/// # Errors
/// As [`workspace_by_force`].
pub async fn workspace_of_site(
    cx: &Ctx,
    workspace: &Granted<can::ManageSite, In<Workspace, Site>>,
) -> Result<()> {
    whatever_is_in_it(cx, &workspace.id).await
}

async fn whatever_is_in_it(cx: &Ctx, id: &WorkspaceId) -> Result<()> {
    let tx = cx.write().await?;
    let row = tx.lock::<workspace::Entity>(id.clone()).await?.ok_or(Error::NotFound)?;
    check_idle(&tx, &row).await?;
    delete(tx, row).await
}

async fn check_idle(tx: &Tx, row: &Workspace) -> Result<()> {
    let this = Condition::all().add(workspace::Column::Id.eq(&row.id));
    unsaved::refuse_while_applying(tx, "Workspace", this).await
}

async fn delete(tx: Tx, row: db::Locked<workspace::Entity>) -> Result<()> {
    forget_blobs(&tx, &row.id).await?;
    tx.emit(Happened::WorkspaceDeleted, workspaces::subject(&row), json!({ "name": row.name }))
        .await?;
    tx.delete(row).await?;
    tx.commit().await
}

/// Deletes an organization with all that is in it.
///
/// # Errors
/// Conflict while a run of it applies.
pub async fn organization(
    cx: &Ctx,
    organization: &Granted<can::DestroyOrganization>,
) -> Result<()> {
    with_all_that_is_in_it(cx, &organization.name).await
}

/// The same for administrators of the site.
///
/// # Errors
/// As [`organization`].
pub async fn organization_of_site(
    cx: &Ctx,
    organization: &Granted<can::ManageSite, In<Organization, Site>>,
) -> Result<()> {
    with_all_that_is_in_it(cx, &organization.name).await
}

async fn with_all_that_is_in_it(cx: &Ctx, name: &str) -> Result<()> {
    let tx = cx.write().await?;
    let row = tx.lock::<organization::Entity>(name.to_owned()).await?.ok_or(Error::NotFound)?;
    forget_workspaces(&tx, &row.name).await?;
    let mut orphans = policies::orphans_of(&tx, &row.name).await?;
    orphans.extend(policy_sets::orphans_of(&tx, &row.name).await?);
    cleanup::later(&tx, orphans).await?;
    tx.emit(Happened::OrganizationDeleted, organizations::subject(&row), json!({})).await?;
    tx.delete(row).await?;
    tx.commit().await
}

/// All workspaces of an organization that is about to go.
///
/// # Errors
/// Conflict while a run of one of them applies.
async fn forget_workspaces(tx: &Tx, organization: &str) -> Result<()> {
    let all = Condition::all().add(workspace::Column::OrganizationName.eq(organization));
    // Whatever begins in a workspace locks it first: from here on nothing does.
    let rows = tx
        .lock_all(workspace::Entity::find().filter(all.clone()).order_by_asc(workspace::Column::Id))
        .await?;
    unsaved::refuse_while_applying(tx, "Organization", all).await?;
    for row in &rows {
        forget_blobs(tx, &row.id).await?;
    }
    // Workspaces hold on to their projects, so they go first.
    workspace::Entity::delete_many()
        .filter(workspace::Column::OrganizationName.eq(organization))
        .exec(tx.db())
        .await?;
    Ok(())
}

async fn forget_blobs(tx: &Tx, workspace: &WorkspaceId) -> Result<()> {
    let mut orphans = plan_exports::orphans_of(tx, workspace).await?;
    let configurations: Vec<String> = configuration_version::Entity::find()
        .select_only()
        .column(configuration_version::Column::Id)
        .filter(configuration_version::Column::WorkspaceId.eq(workspace))
        .into_tuple()
        .all(tx.db())
        .await?;
    for id in configurations {
        orphans.push(Orphan::blob(Kind::Configuration, id)?);
    }
    let states: Vec<String> = state_version::Entity::find()
        .select_only()
        .column(state_version::Column::Id)
        .filter(state_version::Column::WorkspaceId.eq(workspace))
        .into_tuple()
        .all(tx.db())
        .await?;
    for id in states {
        orphans.push(Orphan::blob(Kind::State, &id)?);
        orphans.push(Orphan::blob(Kind::JsonState, &id)?);
    }
    let phases: Vec<(String, String)> = run::Entity::find()
        .select_only()
        .columns([run::Column::PlanId, run::Column::ApplyId])
        .filter(run::Column::WorkspaceId.eq(workspace))
        .into_tuple()
        .all(tx.db())
        .await?;
    for (plan, apply) in phases {
        orphans.extend(runs::orphans_of(&plan, &apply)?);
    }
    let assessed: Vec<String> = assessment::Entity::find()
        .select_only()
        .column(assessment::Column::Id)
        .filter(assessment::Column::WorkspaceId.eq(workspace))
        .into_tuple()
        .all(tx.db())
        .await?;
    for id in assessed {
        orphans.extend(assessments::orphans_of(&id)?);
    }
    cleanup::later(tx, orphans).await
}
