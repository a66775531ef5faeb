//! Applies that nobody had begun when a freeze began: they give back their slot, and wait like those that come later.

use db::{
    entity::{job, phase},
    id::{RunId, WorkspaceId},
    sea_orm::{
        ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, FromQueryResult, QueryFilter,
        Statement,
    },
};

use super::{held::Floor, moves, status::Event};
use crate::{
    Ctx, Result,
    freezes::{self, Closed},
};

/// How failures of this room are reported.
const CHORE: &str = "applies in freezes";

#[derive(FromQueryResult)]
struct Queued {
    run_id: RunId,
    workspace_id: WorkspaceId,
}

/// Applies without an agent where nothing is applied, the oldest first.
pub(crate) fn queued(backend: DbBackend, closed: &Closed) -> Statement {
    let (kind, status) = (job::Kind::Apply, job::Status::Queued);
    let mut values = Vec::new();
    let held_up = closed.holds_up("r", "w", &mut values);
    let sql = format!(
        "SELECT j.run_id, r.workspace_id FROM jobs j JOIN runs r ON r.id = j.run_id \
         JOIN workspaces w ON w.id = r.workspace_id \
         WHERE j.status = '{status}' AND j.kind = '{kind}' AND {held_up} ORDER BY j.created_at LIMIT 200"
    );
    Statement::from_sql_and_values(backend, sql, values)
}

pub(super) async fn put_back(cx: &Ctx, closed: &Closed) -> Result<()> {
    if closed.is_nowhere() {
        return Ok(());
    }
    let query = queued(cx.read().get_database_backend(), closed);
    for found in Queued::find_by_statement(query).all(cx.read()).await? {
        let outcome = Box::pin(put_back_one(cx, &found)).await;
        cx.troubles().settle(CHORE, found.run_id.as_str(), outcome, cx.now());
    }
    Ok(())
}

async fn put_back_one(cx: &Ctx, found: &Queued) -> Result<()> {
    let Some(floor) = Floor::lock_if_free(cx, &found.workspace_id).await? else { return Ok(()) };
    let Some(mut run) = floor.hold_if_free(&found.run_id).await? else { return Ok(()) };
    // An agent may have it by now, or the freeze may be over.
    let queued = job::Entity::find()
        .filter(job::Column::RunId.eq(&found.run_id))
        .filter(job::Column::Kind.eq(job::Kind::Apply))
        .filter(job::Column::Status.eq(job::Status::Queued));
    let tx = run.tx();
    let job = tx.claim(queued).await?.pop();
    let frozen = freezes::holds_up(tx.db(), &run, run.workspace(), tx.now()).await?;
    let (Some(job), Some(_)) = (job, frozen) else {
        run.let_go().await;
        return Ok(());
    };
    tx.delete(job).await?;
    if let Some(mut phase) = moves::phase_of(tx, &found.run_id, phase::Kind::Apply).await? {
        phase.status = phase::Status::Pending;
        phase.status_timestamps.remove("queued-at");
        tx.update(phase).await?;
    }
    run.happen(Event::ApplyPutBack).await?;
    run.commit().await?;
    Ok(())
}
