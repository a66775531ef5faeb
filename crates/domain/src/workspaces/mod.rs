//! Workspaces: one configuration with its variables, its state and its runs.

pub(crate) mod auto_destroy;
mod change;
mod confirmations;
mod details;
mod execution;
pub(crate) mod list;
mod on_site;
mod relocation;
mod state_sharing;
mod triggers;

use std::sync::Arc;

use db::{
    entity::workspace,
    id::WorkspaceId,
    sea_orm::{
        ColumnTrait, EntityTrait, QueryFilter,
        sea_query::{Expr, ExprTrait, Func},
    },
};

pub use change::{Change, create, destination, update};
pub use confirmations::ConfirmationRule;
pub(crate) use details::output_ids_of;
pub use details::{Details, details, details_of};
pub use execution::Execution;
pub(crate) use execution::{Executor, executed_by, executor, executor_again, pool_for};
pub(crate) use list::visible;
pub use list::{Filter, Health, Sort, count, list};
pub use on_site::{SoughtOnSite, find_on_site, list_of_site, load_of_site};
pub use relocation::move_into;
pub use state_sharing::{add_consumers, consumers, engine_of, remove_consumers, replace_consumers};

use crate::{
    Ctx, Error, Found, In, Result, Subject, can,
    context::Key,
    row::{Organization, Workspace},
};

pub async fn find(cx: &Ctx, id: &WorkspaceId) -> Result<Found<Workspace>> {
    by_id(cx, id).await?.map(Found::new).ok_or(Error::NotFound)
}

pub(crate) async fn by_id(cx: &Ctx, id: &WorkspaceId) -> Result<Option<Workspace>> {
    Ok(workspace::Entity::find_by_id(id.clone()).one(cx.read()).await?)
}

/// The row of this id, with the workspace that it names.
pub(crate) async fn find_in<E: EntityTrait>(
    cx: &Ctx,
    id: &Key<E>,
    workspace: fn(&E::Model) -> &WorkspaceId,
) -> Result<Found<In<E::Model>>>
where
    Key<E>: Clone,
{
    let row = cx.row::<E>(id).await?;
    let of = by_id(cx, workspace(&row)).await?.ok_or(Error::NotFound)?;
    Ok(Found::new(In { row, of }))
}

/// By the names of the organization and of the workspace, whatever their case.
pub async fn find_by_name(cx: &Ctx, organization: &str, name: &str) -> Result<Found<Workspace>> {
    let organization =
        crate::organizations::by_name(cx, organization).await?.ok_or(Error::NotFound)?;
    let column = Expr::expr(Func::lower(Expr::col(workspace::Column::Name)));
    let row = workspace::Entity::find()
        .filter(workspace::Column::OrganizationName.eq(organization.name))
        .filter(column.eq(name.to_lowercase()))
        .one(cx.read())
        .await?;
    row.map(Found::new).ok_or(Error::NotFound)
}

/// The workspace with its organization, which some rules look at together.
pub async fn with_organization(
    cx: &Ctx,
    workspace: Found<Workspace>,
) -> Result<Found<(Workspace, Arc<Organization>)>> {
    let workspace = workspace.into_unchecked();
    let organization = crate::organizations::by_name(cx, &workspace.organization_name)
        .await?
        .ok_or(Error::NotFound)?;
    Ok(Found::new((workspace, Arc::new(organization))))
}

impl crate::access::Within<Self> for (Workspace, Arc<Organization>) {
    fn on(&self) -> &Self {
        self
    }
}

/// For includes: those of these that the caller may see.
pub async fn load(cx: &Ctx, ids: &[WorkspaceId]) -> Result<Vec<Workspace>> {
    let rows =
        workspace::Entity::find().filter(workspace::Column::Id.is_in(ids)).all(cx.read()).await?;
    Ok(rows.into_iter().filter(|row| cx.may::<can::ReadWorkspace>(row)).collect())
}

pub(crate) fn subject(workspace: &Workspace) -> Subject<'_> {
    Subject {
        kind: "workspaces",
        id: workspace.id.as_str(),
        organization: Some(&workspace.organization_name),
        workspace: Some(&workspace.id),
        run: None,
    }
}
