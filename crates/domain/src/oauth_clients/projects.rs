//! The projects that may use a connection which is not for the whole organization.

use std::collections::BTreeSet;

use db::{
    entity::{oauth_client, oauth_client_project as for_project},
    id::{OauthClientId, ProjectId},
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter},
};
use serde_json::json;

use super::{Held, subject};
use crate::{Ctx, Error, Granted, Happened, Result, Tx, can};

/// Those of a request, once it is known that they are there for the caller.
pub(super) async fn known(
    cx: &Ctx,
    organization: &str,
    wanted: Option<Vec<ProjectId>>,
) -> Result<Option<BTreeSet<ProjectId>>> {
    let Some(wanted) = wanted else { return Ok(None) };
    match missing(cx, organization, &wanted).await? {
        Some((_, why)) => Err(Error::invalid_relation("projects", why)),
        None => Ok(Some(wanted.into_iter().collect())),
    }
}

/// The place of the first that is not there, and a sentence about it.
async fn missing(
    cx: &Ctx,
    organization: &str,
    wanted: &[ProjectId],
) -> Result<Option<(usize, String)>> {
    let rows = crate::projects::load(cx, wanted).await?;
    let is_there = |id: &ProjectId| {
        rows.iter().any(|row| row.id == *id && row.organization_name == organization)
    };
    let place = wanted.iter().position(|id| !is_there(id));
    Ok(place.map(|place| {
        (place, format!("There is no project {} in this organization.", wanted[place]))
    }))
}

pub(super) async fn insert(
    tx: &Tx,
    client: &OauthClientId,
    projects: BTreeSet<ProjectId>,
) -> Result<()> {
    let rows = projects
        .into_iter()
        .map(|project_id| for_project::Model { oauth_client_id: client.clone(), project_id })
        .collect();
    Ok(db::insert_many::<_, for_project::ActiveModel>(tx, rows).await?)
}

pub(super) async fn clear(tx: &Tx, client: &OauthClientId) -> Result<()> {
    for_project::Entity::delete_many()
        .filter(for_project::Column::OauthClientId.eq(client))
        .exec(tx.db())
        .await?;
    Ok(())
}

/// Adds projects; those that are there already stay.
///
/// # Errors
/// Invalid for one that is not in the organization, and then none is added.
pub async fn add_projects(
    cx: &Ctx,
    held: &Granted<can::ManageVcsSettings, Held>,
    projects: &[ProjectId],
) -> Result<()> {
    if let Some((place, why)) = missing(cx, &held.organization_name, projects).await? {
        return Err(Error::Invalid { pointer: format!("/data/{place}/id"), message: why });
    }
    change(cx, held, projects, true).await
}

/// Takes projects away; those that are not there stay away. Workspaces that use the connection already go on.
pub async fn remove_projects(
    cx: &Ctx,
    held: &Granted<can::ManageVcsSettings, Held>,
    projects: &[ProjectId],
) -> Result<()> {
    change(cx, held, projects, false).await
}

async fn change(cx: &Ctx, held: &Held, projects: &[ProjectId], add: bool) -> Result<()> {
    let tx = cx.write().await?;
    let row = tx.lock::<oauth_client::Entity>(held.id.clone()).await?.ok_or(Error::NotFound)?;
    for_project::Entity::delete_many()
        .filter(for_project::Column::OauthClientId.eq(&row.id))
        .filter(for_project::Column::ProjectId.is_in(projects))
        .exec(tx.db())
        .await?;
    if add {
        insert(&tx, &row.id, projects.iter().cloned().collect()).await?;
    }
    let detail = json!({ "name": row.name });
    tx.emit(Happened::OauthClientUpdated, subject(&row), detail).await?;
    tx.commit().await
}
