//! Whose turn it is in a workspace: the runs that could change something go one after the other, in their order, and the
//! first of them is the workspace's current one. Runs that only plan go beside them.

use db::{
    entity::{
        configuration_version::Status as Configuration,
        run::{self, Status},
    },
    id::RunId,
    sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Statement, Value},
};

use super::moves;
use crate::{
    Result, Timestamp, Tx,
    row::{Run, Workspace},
};

/// Where a saved plan that somebody has confirmed may be until its end.
const CONFIRMED: [Status; 6] = [
    Status::Confirmed,
    Status::PreApplyRunning,
    Status::PreApplyCompleted,
    Status::ApplyQueued,
    Status::Applying,
    Status::PostApplyRunning,
];

/// Saved plans wait aside until they are confirmed; then they take their turn like any other.
pub(super) fn takes_turn(run: &Run) -> bool {
    !run.plan_only && (!run.save_plan || CONFIRMED.contains(&run.status))
}

/// The same rule in SQL, about a run called `r`.
pub(super) fn taking_turn(r: &str) -> String {
    let confirmed = CONFIRMED.map(|status| format!("'{status}'")).join(", ");
    format!("({r}.plan_only = FALSE AND ({r}.save_plan = FALSE OR {r}.status IN ({confirmed})))")
}

/// In SQL, whether the configuration of a pending run called `r` is not there: then it holds up nobody.
pub(super) fn without_configuration(r: &str) -> String {
    let (pending, uploaded) = (Status::Pending, Configuration::Uploaded);
    format!(
        "({r}.status = '{pending}' AND EXISTS (SELECT 1 FROM configuration_versions c \
         WHERE c.id = {r}.configuration_version_id AND c.status <> '{uploaded}'))"
    )
}

/// In SQL, whether a run of its workspace has its turn before the one called `r`; `unreadable` ones have none.
pub(super) fn is_behind_another(r: &str, unreadable: &[RunId]) -> String {
    let (turn, waits) = (taking_turn("e"), without_configuration("e"));
    let mut passed_over = String::new();
    if !unreadable.is_empty() {
        // Ids are letters and digits, whoever made them.
        let ids: Vec<_> = unreadable.iter().map(|id| format!("'{id}'")).collect();
        passed_over = format!(" AND e.id NOT IN ({})", ids.join(", "));
    }
    format!(
        "EXISTS (SELECT 1 FROM runs e WHERE e.workspace_id = {r}.workspace_id \
         AND e.is_final = FALSE AND e.number < {r}.number AND {turn} AND NOT {waits}{passed_over})"
    )
}

/// Whether a run of the workspace has its turn before this one.
pub(super) async fn is_behind(tx: &Tx, run: &RunId, unreadable: &[RunId]) -> Result<bool> {
    let behind = is_behind_another("r", unreadable);
    let sql = format!("SELECT 1 FROM runs r WHERE r.id = $1 AND {behind}");
    let backend = tx.db().get_database_backend();
    let statement = Statement::from_sql_and_values(backend, sql, [Value::from(run)]);
    Ok(tx.db().query_one_raw(statement).await?.is_some())
}

#[derive(FromQueryResult)]
struct First {
    id: RunId,
    number: i64,
    status: Status,
    created_at: Timestamp,
}

/// Makes the run whose turn it is the workspace's current one, even while it cannot start: where the current run is
/// pending, the command line says what it waits for. `moved` is a run that is not written yet as it is now.
pub(crate) async fn settle(tx: &Tx, workspace: &mut Workspace, moved: Option<&Run>) -> Result<()> {
    let (turn, waits) = (taking_turn("r"), without_configuration("r"));
    let sql = format!(
        "SELECT r.id, r.number, r.status, r.created_at FROM runs r WHERE r.workspace_id = $1 \
         AND r.is_final = FALSE AND r.id <> $2 AND {turn} AND NOT {waits} ORDER BY r.number LIMIT 1"
    );
    let itself = moved.map_or("", |run| run.id.as_str());
    let values = [Value::from(&workspace.id), Value::from(itself)];
    let backend = tx.db().get_database_backend();
    let statement = Statement::from_sql_and_values(backend, sql, values);
    let first = First::find_by_statement(statement).one(tx.db()).await?;
    let own = moved.filter(|run| !run.is_final && takes_turn(run));
    match (first, own) {
        (Some(first), own) if own.is_none_or(|own| first.number < own.number) => {
            workspace.current_run_id = Some(first.id);
            workspace.current_run_status = Some(first.status);
            workspace.current_run_created_at = Some(first.created_at);
        }
        (_, Some(own)) => moves::make_current(workspace, own),
        (_, None) => {}
    }
    Ok(())
}

/// A run that the queue may have to do with, read as narrowly as can be, so that nothing else in its row matters.
#[derive(Clone, Debug, FromQueryResult)]
pub(super) struct Waiting {
    pub id: RunId,
}

/// Pending runs whose configuration is not there and will not be: it failed, is gone, or did not come in time.
pub(crate) fn hopeless(backend: DbBackend, created_before: Timestamp) -> Statement {
    use Configuration as C;
    let (pending, uploaded) = (Status::Pending, C::Uploaded);
    let sql = format!(
        "SELECT r.id FROM runs r \
         JOIN configuration_versions c ON c.id = r.configuration_version_id \
         WHERE r.status = '{pending}' AND c.status <> '{uploaded}' \
         AND (c.status NOT IN ('{}', '{}') OR r.created_at < $1) ORDER BY r.created_at LIMIT 100",
        C::Pending,
        C::Fetching
    );
    Statement::from_sql_and_values(backend, sql, [Value::from(created_before)])
}

/// Runs in one of these statuses, the oldest first.
pub(crate) fn in_statuses(
    statuses: impl IntoIterator<Item = Status>,
    limit: u64,
) -> db::sea_orm::Select<run::Entity> {
    use db::sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
    run::Entity::find()
        .select_only()
        .column(run::Column::Id)
        .filter(run::Column::Status.is_in(statuses))
        .order_by_asc(run::Column::CreatedAt)
        .limit(limit)
}
