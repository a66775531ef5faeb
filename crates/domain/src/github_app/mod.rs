//! The GitHub App that this site is: who has installed it, and which organizations may use that. Whose an installation is
//! only GitHub knows, so that administrators of the site say it.

mod refresh;
mod webhook;

use db::{
    entity::{
        github_app_installation as installation, github_app_installation::Status,
        github_app_link as link, organization, repository,
    },
    id::GithubAppInstallationId,
    sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, Select},
};
use serde_json::json;

pub use crate::access::Installed;
pub use refresh::{refresh, work};
pub use webhook::receive;

use crate::{
    Ctx, Error, Found, Granted, Happened, In, Page, Paging, Result, Subject, can,
    row::{GithubAppInstallation, Organization},
    vcs_connections::{Choices, Link, installation_by_id, pickers},
};

/// An installation as an organization has it that may or may not use it.
pub type OfOrganization = In<GithubAppInstallation, Organization>;

pub async fn find(cx: &Ctx, id: &GithubAppInstallationId) -> Result<Found<Installed>> {
    let row = installation_by_id(cx, id).await?.ok_or(Error::NotFound)?;
    Ok(Found::new(with_organizations(cx, vec![row]).await?.swap_remove(0)))
}

/// As the organization of an address has it.
pub async fn find_of(
    cx: &Ctx,
    organization: &str,
    id: &GithubAppInstallationId,
) -> Result<Found<OfOrganization>> {
    let row = installation_by_id(cx, id).await?.ok_or(Error::NotFound)?;
    let of = crate::organizations::by_name(cx, organization).await?.ok_or(Error::NotFound)?;
    Ok(Found::new(In { row, of }))
}

async fn with_organizations(cx: &Ctx, rows: Vec<GithubAppInstallation>) -> Result<Vec<Installed>> {
    let ids: Vec<_> = rows.iter().map(|row| row.id.clone()).collect();
    let links = link::Entity::find()
        .filter(link::Column::GithubAppInstallationId.is_in(ids))
        .all(cx.read())
        .await?;
    let names: Vec<_> = links.iter().map(|link| link.organization_name.clone()).collect();
    let organizations = organization::Entity::find()
        .filter(organization::Column::Name.is_in(names))
        .all(cx.read())
        .await?;
    let of = |row: &GithubAppInstallation| {
        let mine = links.iter().filter(|link| link.github_app_installation_id == row.id);
        mine.filter_map(|link| organizations.iter().find(|one| one.name == link.organization_name))
            .cloned()
            .collect()
    };
    Ok(rows.into_iter().map(|row| Installed { organizations: of(&row), row }).collect())
}

/// Parts of what installations are to have; each narrows the list further.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of the account.
    pub name: Option<String>,
    /// GitHub's own.
    pub number: Option<i64>,
}

/// Those that are there and that the caller may see, by account. Few have installed one app.
pub async fn list(
    cx: &Ctx,
    _caller: &Granted<can::UseToken>,
    filter: Filter,
    paging: Paging,
) -> Result<Page<GithubAppInstallation>> {
    let mut query = there();
    if let Some(name) = &filter.name {
        query = query.filter(installation::Column::Account.eq(name));
    }
    if let Some(number) = filter.number {
        query = query.filter(installation::Column::Number.eq(number));
    }
    let mut all = with_organizations(cx, query.all(cx.read()).await?).await?;
    all.retain(|one| cx.may::<can::ReadInstallation>(one));
    Ok(Page::of(all, paging).map(|one| one.row))
}

/// All that are there, each with those who may use it.
pub async fn all(cx: &Ctx, _site: &Granted<can::ManageSite>) -> Result<Vec<Installed>> {
    let rows = there().all(cx.read()).await?;
    with_organizations(cx, rows).await
}

/// Those that are there, by account.
fn there() -> Select<installation::Entity> {
    installation::Entity::find()
        .filter(installation::Column::Status.ne(Status::Removed))
        .order_by_asc(installation::Column::Account)
        .order_by_asc(installation::Column::Id)
}

/// Those that an organization may use, by account.
pub async fn of_organization(
    cx: &Ctx,
    organization: &Granted<can::ReadOauthClients>,
) -> Result<Vec<GithubAppInstallation>> {
    let links = link::Entity::find()
        .filter(link::Column::OrganizationName.eq(&organization.name))
        .all(cx.read())
        .await?;
    let ids = links.into_iter().map(|link| link.github_app_installation_id);
    Ok(there().filter(installation::Column::Id.is_in(ids)).all(cx.read()).await?)
}

/// A page of the repositories that an installation reaches.
///
/// # Errors
/// Conflict with what GitHub says.
pub async fn repositories(
    cx: &Ctx,
    installed: &Granted<can::ReadInstallation, Installed>,
    page: u64,
) -> Result<Choices> {
    pickers::page_of(cx, &Link::Installation(installed.row.id.clone()), page).await
}

/// The same for an organization.
///
/// # Errors
/// NotFound if it may not use the installation; otherwise as [`repositories`].
pub async fn repositories_of(
    cx: &Ctx,
    held: &Granted<can::ReadOauthClients, OfOrganization>,
    page: u64,
) -> Result<Choices> {
    if !is_linked(cx, held).await? {
        return Err(Error::NotFound);
    }
    pickers::page_of(cx, &Link::Installation(held.row.id.clone()), page).await
}

async fn is_linked(cx: &Ctx, held: &OfOrganization) -> Result<bool> {
    let key = (held.row.id.clone(), held.of.name.clone());
    Ok(link::Entity::find_by_id(key).one(cx.read()).await?.is_some())
}

/// Lets an organization use an installation. What may be already may afterwards.
pub async fn link(cx: &Ctx, held: &Granted<can::LinkInstallation, OfOrganization>) -> Result<()> {
    let tx = cx.write().await?;
    let key = (held.row.id.clone(), held.of.name.clone());
    if link::Entity::find_by_id(key).one(tx.db()).await?.is_some() {
        tx.roll_back().await;
        return Ok(());
    }
    let (id, organization_name) = (held.row.id.clone(), held.of.name.clone());
    tx.insert(link::Model { github_app_installation_id: id, organization_name }).await?;
    let detail = json!({ "account": held.row.account });
    tx.emit(Happened::GithubAppLinked, subject(held), detail).await?;
    tx.commit().await
}

/// Takes it away again.
///
/// # Errors
/// Conflict while workspaces or policy sets of the organization take files through it.
pub async fn unlink(cx: &Ctx, held: &Granted<can::LinkInstallation, OfOrganization>) -> Result<()> {
    let tx = cx.write().await?;
    let used = repository::Entity::find()
        .filter(repository::Column::OrganizationName.eq(&held.of.name))
        .filter(repository::Column::Connection.eq(&held.row.id))
        .count(tx.db())
        .await?;
    if used > 0 {
        tx.roll_back().await;
        let why = "Workspaces or policy sets take files through it.";
        return Err(Error::Conflict(why.into()));
    }
    link::Entity::delete_many()
        .filter(link::Column::GithubAppInstallationId.eq(&held.row.id))
        .filter(link::Column::OrganizationName.eq(&held.of.name))
        .exec(tx.db())
        .await?;
    let detail = json!({ "account": held.row.account });
    tx.emit(Happened::GithubAppUnlinked, subject(held), detail).await?;
    tx.commit().await
}

fn subject(held: &OfOrganization) -> Subject<'_> {
    Subject {
        kind: "github-app-installations",
        id: held.row.id.as_str(),
        organization: Some(&held.of.name),
        ..Subject::default()
    }
}
