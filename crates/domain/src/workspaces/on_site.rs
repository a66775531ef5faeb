//! Every workspace that there is, for administrators of the site.

use db::{
    Order, contains,
    entity::{run::Status, workspace},
    id::WorkspaceId,
    page,
    sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder},
};

use super::list::{Sort, in_order};
use crate::{Ctx, Error, Found, Granted, In, Page, Paging, Result, Site, can, row::Workspace};

/// What administrators look for: every workspace, where nothing is said.
#[derive(Clone, Debug, Default)]
pub struct SoughtOnSite {
    /// Part of its name or of that of its organization.
    pub text: Option<String>,
    /// Of the current run: one of these.
    pub statuses: Vec<Status>,
}

pub async fn find_on_site(cx: &Ctx, id: &WorkspaceId) -> Result<Found<In<Workspace, Site>>> {
    let row = super::by_id(cx, id).await?.ok_or(Error::NotFound)?;
    Ok(Found::new(In { row, of: Site }))
}

pub async fn list_of_site(
    cx: &Ctx,
    _site: &Granted<can::ManageSite>,
    sought: SoughtOnSite,
    (sort, order): (Sort, Order),
    paging: Paging,
) -> Result<Page<Workspace>> {
    use workspace::Column as C;
    let named = |text: String| {
        Condition::any().add(contains(C::Name, &text)).add(contains(C::OrganizationName, &text))
    };
    let statuses = Some(sought.statuses).filter(|statuses| !statuses.is_empty());
    let all = Condition::all()
        .add_option(sought.text.map(named))
        .add_option(statuses.map(|statuses| C::CurrentRunStatus.is_in(statuses)));
    // Names are those of one organization only.
    let query = in_order(workspace::Entity::find().filter(all), sort, order).order_by_asc(C::Id);
    Ok(page(cx.read(), query, paging).await?)
}

/// For includes.
pub async fn load_of_site(
    cx: &Ctx,
    _site: &Granted<can::ManageSite>,
    ids: &[WorkspaceId],
) -> Result<Vec<Workspace>> {
    Ok(workspace::Entity::find().filter(workspace::Column::Id.is_in(ids)).all(cx.read()).await?)
}
