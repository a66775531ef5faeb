//! What stands in the way of an agent pool's end: whoever would wait for its agents.

use db::{
    entity::{job, organization, project, run, workspace},
    id::AgentPoolId,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait},
};

use crate::{Ctx, Result, Tx, can, row::Workspace};

/// Names that are told; of more there is only the number.
const NAMED: usize = 5;

/// All that uses the pool, in words; `None` if nothing does.
pub(super) async fn of(tx: &Tx, pool: &AgentPoolId) -> Result<Option<String>> {
    let own = workspace::Entity::find()
        .filter(workspace::Column::AgentPoolId.eq(pool))
        .order_by_asc(workspace::Column::Name)
        .all(tx.db())
        .await?;
    let projects: Vec<String> = project::Entity::find()
        .select_only()
        .column(project::Column::Name)
        .filter(project::Column::DefaultAgentPoolId.eq(pool))
        .order_by_asc(project::Column::Name)
        .into_tuple()
        .all(tx.db())
        .await?;
    let organizations: Vec<String> = organization::Entity::find()
        .select_only()
        .column(organization::Column::Name)
        .filter(organization::Column::DefaultAgentPoolId.eq(pool))
        .into_tuple()
        .all(tx.db())
        .await?;
    let runs = unfinished(tx, pool).await?;
    let users = [
        named("the workspace", "the workspaces", &visible(tx.cx(), own)),
        named("the project", "the projects", &projects),
        organizations.first().map(|_| "the organization, as its default".to_owned()),
        named("the run", "the runs", &runs),
    ];
    let users: Vec<_> = users.into_iter().flatten().collect();
    Ok((!users.is_empty()).then(|| users.join(", and by ")))
}

/// Runs that were planned by its agents, or are to be: an apply stays where its plan was made.
async fn unfinished(tx: &Tx, pool: &AgentPoolId) -> Result<Vec<String>> {
    let held = job::Entity::find()
        .select_only()
        .column(job::Column::RunId)
        .filter(job::Column::AgentPoolId.eq(pool))
        .into_query();
    let mut unfinished: Vec<String> = run::Entity::find()
        .select_only()
        .column(run::Column::Id)
        .filter(run::Column::IsFinal.eq(false))
        .filter(run::Column::Id.in_subquery(held))
        .order_by_asc(run::Column::CreatedAt)
        .into_tuple()
        .all(tx.db())
        .await?;
    let closing = job::Entity::find()
        .select_only()
        .column(job::Column::RunId)
        .filter(job::Column::AgentPoolId.eq(pool))
        .filter(job::Column::RunId.is_not_null())
        .filter(job::Column::Status.ne(job::Status::Finished));
    let closing: Vec<String> = closing.into_tuple().all(tx.db()).await?;
    for run in closing {
        if !unfinished.contains(&run) {
            unfinished.push(run);
        }
    }
    Ok(unfinished)
}

/// Names, without those that the caller may not see.
fn visible(cx: &Ctx, workspaces: Vec<Workspace>) -> Vec<String> {
    let name = |row: Workspace| {
        if cx.may::<can::ReadWorkspace>(&row) {
            row.name
        } else {
            "one that you may not see".into()
        }
    };
    workspaces.into_iter().map(name).collect()
}

fn named(one: &str, several: &str, names: &[String]) -> Option<String> {
    let (first, rest) = names.split_at(names.len().min(NAMED));
    match (first, rest.len()) {
        ([], _) => None,
        ([name], _) => Some(format!("{one} {name}")),
        (names, 0) => Some(format!("{several} {}", names.join(", "))),
        (names, more) => Some(format!("{several} {} and {more} more", names.join(", "))),
    }
}
