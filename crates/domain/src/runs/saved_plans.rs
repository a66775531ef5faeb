//! Saved plans wait without a lock, so a state may come in between: then they are worth nothing and are discarded, as
//! the engine would refuse them.

use db::{
    entity::run::{self, Status},
    id::RunId,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect},
};

use super::{circumstances, comments, moves, status::Event};
use crate::{
    Result, Tx,
    row::{Run, Workspace},
};

const WHY: &str =
    "The state of the workspace has changed since this plan was made, so it was discarded.";

/// The workspace has a new state, in this transaction: nobody can apply what was planned on an older one.
pub(crate) async fn outdate(tx: &mut Tx, workspace: &mut Workspace) -> Result<()> {
    let waiting: Vec<RunId> = run::Entity::find()
        .select_only()
        .column(run::Column::Id)
        .filter(run::Column::WorkspaceId.eq(&workspace.id))
        .filter(run::Column::IsFinal.eq(false))
        .filter(run::Column::SavePlan.eq(true))
        .filter(run::Column::Status.is_in([Status::PlannedAndSaved, Status::Confirmed]))
        .into_tuple()
        .all(tx.db())
        .await?;
    for id in waiting {
        if let Some(mut run) = tx.lock::<run::Entity>(id).await? {
            discard(tx, workspace, &mut run).await?;
            tx.update(run).await?;
        }
    }
    Ok(())
}

/// A plan is saved just now: perhaps on a state that is not the current one any more.
pub(super) async fn saved(tx: &mut Tx, workspace: &mut Workspace, run: &mut Run) -> Result<()> {
    if circumstances::is_outdated(tx, &run.id, workspace).await? {
        discard(tx, workspace, run).await?;
    }
    Ok(())
}

async fn discard(tx: &mut Tx, workspace: &mut Workspace, run: &mut Run) -> Result<()> {
    comments::write(tx, run, WHY.to_owned()).await?;
    moves::happen(tx, workspace, run, Event::Outdated).await
}
