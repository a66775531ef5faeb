//! Applies whose newest state may be nowhere but at their agent: what they write must not be deleted beneath them.

use db::{
    entity::{
        job, phase,
        run::{self, Status},
        workspace,
    },
    id::{RunId, WorkspaceId},
    sea_orm::{
        ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
        QueryTrait, sea_query::Expr,
    },
};

use crate::{Error, Result, Timestamp, Tx};

/// Refuses to go on while an apply is under way in any of these workspaces, which the caller has locked: an apply that
/// has not begun cannot begin any more then.
///
/// # Errors
/// Conflict, naming the run and what is `kept` for its sake.
pub(crate) async fn refuse_while_applying(
    tx: &Tx,
    kept: &str,
    workspaces: Condition,
) -> Result<()> {
    let ids = workspace::Entity::find()
        .select_only()
        .column(workspace::Column::Id)
        .filter(workspaces)
        .into_query();
    let runs = run::Entity::find()
        .select_only()
        .column(run::Column::Id)
        .column(run::Column::WorkspaceId)
        .filter(run::Column::WorkspaceId.in_subquery(ids))
        .order_by_asc(run::Column::Id);
    let under_way: Option<(RunId, WorkspaceId)> = runs
        .clone()
        .filter(
            Condition::any()
                .add(
                    run::Column::Id
                        .in_subquery(applies([job::Status::Claimed, job::Status::Started])),
                )
                // Of one that went well the state is here; of others it may still come.
                .add(
                    Condition::all()
                        .add(run::Column::Status.is_in([Status::Errored, Status::Canceled]))
                        .add(run::Column::Id.in_subquery(applies([job::Status::Concluded]))),
                ),
        )
        .into_tuple()
        .one(tx.db())
        .await?;
    if let Some((run, workspace)) = under_way {
        let name = name_of(tx, workspace).await?;
        return Err(Error::conflict(format!(
            "{kept} cannot be deleted: {name} is locked by the run {run}, whose apply is under way, and what it has \
             changed may be known to its agent only. Wait until it is over, or cancel it.",
        )));
    }
    let awaited: Option<(RunId, WorkspaceId)> = runs
        .filter(run::Column::Id.in_subquery(awaiting(tx.now())))
        .into_tuple()
        .one(tx.db())
        .await?;
    let Some((run, workspace)) = awaited else { return Ok(()) };
    let name = name_of(tx, workspace).await?;
    Err(Error::conflict(format!(
        "{kept} cannot be deleted: the run {run} of {name} has ended without its state, which its agent may still \
         bring. It is waited for until an hour after the end of the run.",
    )))
}

/// The run of a workspace whose state may still come, and until when it is waited for: what would be planned meanwhile
/// does not know what is there, and its apply would make it again.
pub(super) async fn awaited_in(
    db: &impl ConnectionTrait,
    workspace: &WorkspaceId,
    now: Timestamp,
) -> Result<Option<(RunId, Timestamp)>> {
    let of_workspace = run::Entity::find()
        .select_only()
        .column(run::Column::Id)
        .filter(run::Column::WorkspaceId.eq(workspace))
        .into_query();
    Ok(phase::Entity::find()
        .select_only()
        .columns([phase::Column::RunId, phase::Column::StateAwaitedUntil])
        .filter(phase::Column::StateAwaitedUntil.gt(now))
        .filter(phase::Column::RunId.in_subquery(of_workspace))
        .order_by_desc(phase::Column::StateAwaitedUntil)
        .into_tuple()
        .one(db)
        .await?)
}

/// Somebody has said what there is: no apply of the workspace is asked for it any more.
pub(crate) async fn await_no_more(tx: &Tx, workspace: &WorkspaceId) -> Result<()> {
    let of_workspace = run::Entity::find()
        .select_only()
        .column(run::Column::Id)
        .filter(run::Column::WorkspaceId.eq(workspace))
        .into_query();
    phase::Entity::update_many()
        .col_expr(phase::Column::StateAwaitedUntil, Expr::value(None::<i64>))
        .filter(phase::Column::StateAwaitedUntil.is_not_null())
        .filter(phase::Column::RunId.in_subquery(of_workspace))
        .exec(tx.db())
        .await
        .map_err(db::Error::from)?;
    Ok(())
}

async fn name_of(tx: &Tx, workspace: WorkspaceId) -> Result<String> {
    let name: Option<String> = workspace::Entity::find_by_id(workspace)
        .select_only()
        .column(workspace::Column::Name)
        .into_tuple()
        .one(tx.db())
        .await?;
    Ok(name.unwrap_or_default())
}

/// The runs whose state may still come.
fn awaiting(now: Timestamp) -> db::sea_orm::sea_query::SelectStatement {
    phase::Entity::find()
        .select_only()
        .column(phase::Column::RunId)
        .filter(phase::Column::StateAwaitedUntil.gt(now))
        .into_query()
}

/// The runs of which an agent has the apply in one of these ways.
fn applies<const N: usize>(statuses: [job::Status; N]) -> db::sea_orm::sea_query::SelectStatement {
    job::Entity::find()
        .select_only()
        .column(job::Column::RunId)
        .filter(job::Column::Kind.eq(job::Kind::Apply))
        .filter(job::Column::Status.is_in(statuses))
        .filter(job::Column::RunId.is_not_null())
        .into_query()
}
