//! Moving workspaces into a project, all or none.

use db::{entity::workspace, id::WorkspaceId};
use serde_json::json;

use super::{auto_destroy, subject};
use crate::{Ctx, Error, Granted, Happened, Result, can, oauth_clients};

/// Those that are there already are passed over.
///
/// # Errors
/// Invalid for one that the caller may not see or that is in another organization; Forbidden for one that the caller
/// may not move.
pub async fn move_into(
    cx: &Ctx,
    project: &Granted<can::MoveWorkspaceInto>,
    ids: &[WorkspaceId],
) -> Result<()> {
    let rows = super::load(cx, ids).await?;
    for (index, id) in ids.iter().enumerate() {
        let found = rows.iter().find(|row| row.id == *id);
        let Some(row) = found.filter(|row| row.organization_name == project.organization_name)
        else {
            return Err(Error::Invalid {
                pointer: format!("/data/{index}/id"),
                message: format!("There is no workspace {id} in this organization."),
            });
        };
        if row.project_id != project.id && !cx.may::<can::MoveWorkspace>(row) {
            let why = format!("You are not allowed to move the workspace {}.", row.name);
            return Err(Error::Forbidden(why));
        }
        if row.project_id != project.id {
            let (repo, of) = (row.vcs_repo.as_deref(), &row.organization_name);
            let goes = oauth_clients::go_along(cx, repo, of, &project.id).await;
            goes.map_err(|error| match error {
                Error::Invalid { message, .. } => {
                    let message = format!("The project {message}: {}.", row.name);
                    Error::Invalid { pointer: format!("/data/{index}/id"), message }
                }
                other => other,
            })?;
        }
    }
    let tx = cx.write().await?;
    for id in ids {
        let mut row = tx.lock::<workspace::Entity>(id.clone()).await?.ok_or(Error::NotFound)?;
        if row.project_id == project.id {
            continue;
        }
        row.project_id = project.id.clone();
        if row.inherits_project_auto_destroy {
            let duration = project.auto_destroy_activity_duration.clone();
            let at = auto_destroy::after(duration.as_deref(), tx.now());
            auto_destroy::schedule(&mut row, at, tx.now());
            row.auto_destroy_activity_duration = duration;
        }
        row.updated_at = tx.now();
        let row = tx.update(row).await?;
        tx.emit(Happened::WorkspaceMoved, subject(&row), json!({ "project": project.id.as_str() }))
            .await?;
    }
    tx.commit().await
}
