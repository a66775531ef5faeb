//! The lock of a workspace: whoever holds it may write state, and nobody else's run may start.

use db::{
    entity::{
        state_version, user,
        workspace::{self, LockKind},
    },
    sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter},
};
use serde_json::json;

use crate::{
    Ctx, Error, Granted, Happened, Result, Tx, accounts, can, free_text, id::RunId, row::Workspace,
    runs, states, teams, workspaces,
};

/// Characters.
const REASON_LIMIT: usize = 1_000;

/// Locks the workspace for the caller.
///
/// # Errors
/// Conflict if it is locked; the command line waits on that and on nothing else.
pub async fn lock(
    cx: &Ctx,
    workspace: &Granted<can::LockWorkspace>,
    reason: Option<String>,
) -> Result<Workspace> {
    free_text::line("reason", reason.as_deref().unwrap_or_default(), REASON_LIMIT)?;
    let (kind, holder) = cx.actor().lock_holder().ok_or(Error::NotFound)?;
    let tx = cx.write().await?;
    let mut row =
        tx.lock::<workspace::Entity>(workspace.id.clone()).await?.ok_or(Error::NotFound)?;
    if row.lock_kind.is_some() {
        return Err(Error::conflict("Unable to lock workspace. The workspace is already locked."));
    }
    row.lock_kind = Some(kind);
    row.lock_holder_id = Some(holder);
    row.lock_reason = reason.filter(|text| !text.is_empty());
    row.locked_at = Some(tx.now());
    row.updated_at = tx.now();
    let workspace = tx.update(row).await?;
    let detail = json!({ "reason": workspace.lock_reason });
    tx.emit(Happened::WorkspaceLocked, workspaces::subject(&workspace), detail).await?;
    tx.commit().await?;
    Ok(workspace)
}

/// Unlocks what the caller has locked.
///
/// # Errors
/// Conflict if it is not locked or locked by somebody else, named as the command line expects; Invalid while a
/// state that was announced has not arrived (the command line tries again on that, CLI protocol 3.10).
pub async fn unlock(cx: &Ctx, workspace: &Granted<can::UnlockWorkspace>) -> Result<Workspace> {
    let (kind, holder) = cx.actor().lock_holder().ok_or(Error::NotFound)?;
    let tx = cx.write().await?;
    let row = tx.lock::<workspace::Entity>(workspace.id.clone()).await?.ok_or(Error::NotFound)?;
    let Some(locked_by) = row.lock_kind else {
        return Err(Error::conflict(
            "Unable to unlock workspace. The workspace is already unlocked.",
        ));
    };
    if (locked_by, row.lock_holder_id.as_deref()) != (kind, Some(holder.as_str())) {
        let who = describe(&tx, &row).await?;
        return Err(Error::conflict(format!(
            "Unable to unlock workspace. The workspace is locked by {who}."
        )));
    }
    let pending = state_version::Entity::find()
        .filter(state_version::Column::WorkspaceId.eq(&row.id))
        .filter(state_version::Column::Status.eq(state_version::Status::Pending))
        .count(tx.db())
        .await?;
    if pending > 0 {
        return Err(Error::Invalid {
            pointer: "/data".into(),
            message: "The workspace's latest state version is still pending.".into(),
        });
    }
    release(tx, row, Happened::WorkspaceUnlocked).await
}

/// Unlocks whatever the lock; states that were announced and never came are given up.
///
/// # Errors
/// Conflict if it is not locked, or while a run holds it: that one is to be canceled.
pub async fn force_unlock(
    cx: &Ctx,
    workspace: &Granted<can::ForceUnlockWorkspace>,
) -> Result<Workspace> {
    let tx = cx.write().await?;
    let row = tx.lock::<workspace::Entity>(workspace.id.clone()).await?.ok_or(Error::NotFound)?;
    match row.lock_kind {
        None => {
            Err(Error::conflict("Unable to unlock workspace. The workspace is already unlocked."))
        }
        Some(LockKind::Run) => {
            let who = describe(&tx, &row).await?;
            Err(Error::conflict(format!(
                "Unable to unlock workspace. The workspace is locked by {who}."
            )))
        }
        Some(_) => {
            states::give_up_pending(&tx, &row.id).await?;
            release(tx, row, Happened::WorkspaceForceUnlocked).await
        }
    }
}

async fn release(
    tx: Tx,
    mut row: db::Locked<workspace::Entity>,
    action: Happened,
) -> Result<Workspace> {
    free(&mut row);
    row.updated_at = tx.now();
    let workspace = tx.update(row).await?;
    tx.emit(action, workspaces::subject(&workspace), json!({})).await?;
    tx.commit().await?;
    Ok(workspace)
}

fn free(row: &mut Workspace) {
    row.lock_kind = None;
    row.lock_holder_id = None;
    row.lock_reason = None;
    row.locked_at = None;
}

/// A run takes the lock when it leaves the queue.
pub(crate) fn give_to_run(tx: &Tx, workspace: &mut Workspace, run: &RunId) {
    workspace.lock_kind = Some(LockKind::Run);
    workspace.lock_holder_id = Some(run.to_string());
    workspace.lock_reason = Some(format!("Locked by run {run}"));
    workspace.locked_at = Some(tx.now());
}

/// A run that is over gives the lock back; the lock of anybody else stays.
pub(crate) fn take_from_run(workspace: &mut Workspace, run: &RunId) {
    if is_held_by_run(workspace, run) {
        free(workspace);
    }
}

pub(crate) fn is_held_by_run(workspace: &Workspace, run: &RunId) -> bool {
    workspace.lock_kind == Some(LockKind::Run)
        && workspace.lock_holder_id.as_deref() == Some(run.as_str())
}

/// Who holds the lock, for those who may see the workspace: a person, a team or an organization by name, a run by its
/// message.
pub async fn holder_of(cx: &Ctx, workspace: &Workspace) -> Result<Option<String>> {
    let Some(kind) = workspace.lock_kind else { return Ok(None) };
    let id = workspace.lock_holder_id.clone().unwrap_or_default();
    let known = match kind {
        LockKind::User => match id.parse::<crate::id::UserId>() {
            Ok(id) => accounts::load(cx, &[id]).await?.pop().map(|user| user.username),
            Err(_) => None,
        },
        LockKind::Team => match id.parse::<crate::id::TeamId>() {
            Ok(id) => {
                teams::load(cx, &[id]).await?.pop().map(|team| format!("The team {}", team.name))
            }
            Err(_) => None,
        },
        LockKind::Run => match id.parse::<RunId>() {
            Ok(id) => {
                runs::load(cx, &[id]).await?.pop().map(|run| format!("The run “{}”", run.message))
            }
            Err(_) => None,
        },
        LockKind::Organization => Some(format!("The organization {id}")),
    };
    Ok(Some(known.unwrap_or_else(|| match kind {
        LockKind::User => "Somebody".to_owned(),
        LockKind::Team => "A team".to_owned(),
        LockKind::Run => "A run".to_owned(),
        LockKind::Organization => "The organization".to_owned(),
    })))
}

/// Who holds the lock, in words that the client looks for (CLI protocol 3.1, "409 mapping").
async fn describe(tx: &Tx, row: &Workspace) -> Result<String> {
    let id = row.lock_holder_id.clone().unwrap_or_default();
    Ok(match row.lock_kind {
        Some(LockKind::User) => {
            let name = match id.parse::<crate::id::UserId>() {
                Ok(id) => {
                    user::Entity::find_by_id(id).one(tx.db()).await?.map(|user| user.username)
                }
                Err(_) => None,
            };
            format!("User {}", name.unwrap_or(id))
        }
        Some(LockKind::Team) => format!("Team {id}"),
        Some(LockKind::Run) => format!("Run {id}"),
        Some(LockKind::Organization) => format!("Organization {id}"),
        None => "nobody".into(),
    })
}
