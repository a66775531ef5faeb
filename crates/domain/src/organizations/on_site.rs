//! Every organization that there is, for administrators of the site: what it is called, who owns it and what it may take,
//! and nothing of what is in it.

use std::collections::HashMap;

use db::{
    entity::{
        organization, organization_membership as membership, team, team_membership, workspace,
    },
    id::{TeamId, UserId},
    page,
    sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect},
};

use super::{Search, by_name, save};
use crate::{
    Ctx, Error, Found, Granted, In, Page, Paging, Result, Site, Tx, can, row::Organization,
    run_limits,
};

/// An organization, and how much is in it.
#[derive(Clone, Debug)]
pub struct Counted {
    pub row: Organization,
    pub workspaces: u64,
    pub members: u64,
}

pub async fn find_on_site(cx: &Ctx, name: &str) -> Result<Found<In<Organization, Site>>> {
    let row = by_name(cx, name).await?.ok_or(Error::NotFound)?;
    Ok(Found::new(In { row, of: Site }))
}

/// By name.
pub async fn list_of_site(
    cx: &Ctx,
    _site: &Granted<can::ManageSite>,
    search: Search,
    paging: Paging,
) -> Result<Page<Organization>> {
    let query = organization::Entity::find().filter(search.condition());
    Ok(page(cx.read(), query.order_by_asc(organization::Column::Name), paging).await?)
}

pub async fn counted(
    cx: &Ctx,
    _site: &Granted<can::ManageSite>,
    rows: Vec<Organization>,
) -> Result<Vec<Counted>> {
    let mut all = Vec::new();
    for row in rows {
        let of_workspaces = workspace::Column::OrganizationName.eq(&row.name);
        let of_members = membership::Column::OrganizationName.eq(&row.name);
        let workspaces = workspace::Entity::find().filter(of_workspaces);
        let members = membership::Entity::find().filter(of_members);
        all.push(Counted {
            workspaces: workspaces.count(cx.read()).await?,
            members: members.count(cx.read()).await?,
            row,
        });
    }
    Ok(all)
}

/// For includes.
pub async fn load_of_site(
    cx: &Ctx,
    _site: &Granted<can::ManageSite>,
    names: &[String],
) -> Result<Vec<Organization>> {
    let named = organization::Column::Name.is_in(names);
    Ok(organization::Entity::find().filter(named).all(cx.read()).await?)
}

/// Who owns these organizations, by their names.
pub async fn owners(
    cx: &Ctx,
    _site: &Granted<can::ManageSite>,
    rows: &[Organization],
) -> Result<HashMap<String, Vec<UserId>>> {
    let names = rows.iter().map(|row| row.name.as_str());
    let teams: Vec<(TeamId, String)> = team::Entity::find()
        .select_only()
        .columns([team::Column::Id, team::Column::OrganizationName])
        .filter(team::Column::OrganizationName.is_in(names))
        .filter(team::Column::Name.eq(team::OWNERS))
        .into_tuple()
        .all(cx.read())
        .await?;
    let members = team_membership::Entity::find()
        .filter(team_membership::Column::TeamId.is_in(teams.iter().map(|(id, _)| id)))
        .order_by_asc(team_membership::Column::UserId)
        .all(cx.read())
        .await?;
    let teams: HashMap<TeamId, String> = teams.into_iter().collect();
    let mut owners = HashMap::<String, Vec<UserId>>::new();
    for member in members {
        if let Some(name) = teams.get(&member.team_id) {
            owners.entry(name.clone()).or_default().push(member.user_id);
        }
    }
    Ok(owners)
}

/// What the site allows an organization.
#[derive(Debug, Default)]
pub struct Allowed {
    pub run_limits: run_limits::Change,
    /// Of 0 there is none.
    pub workspace_limit: Option<Option<u32>>,
}

pub async fn allow(
    cx: &Ctx,
    organization: &Granted<can::ManageSite, In<Organization, Site>>,
    allowed: Allowed,
) -> Result<Organization> {
    let applied = |to: &mut Organization| {
        to.run_limits.0 = allowed.run_limits.applied_to(to.run_limits.0)?;
        if let Some(limit) = allowed.workspace_limit {
            to.workspace_limit = limit.map(i64::from);
        }
        Ok(())
    };
    save(cx, &organization.name, applied).await
}

/// Whether an organization may have one workspace more. Those who ask at once wait for each other.
///
/// # Errors
/// Conflict where the site has set a limit that is reached.
pub(crate) async fn has_room_for_workspace(tx: &Tx, name: &str) -> Result<()> {
    let row = organization::Entity::find_by_id(name).one(tx.db()).await?.ok_or(Error::NotFound)?;
    if row.workspace_limit.is_none_or(|limit| limit == 0) {
        return Ok(());
    }
    let row = tx.lock::<organization::Entity>(name.to_owned()).await?.ok_or(Error::NotFound)?;
    let limit = row.workspace_limit.unwrap_or_default();
    let there = workspace::Entity::find()
        .filter(workspace::Column::OrganizationName.eq(name))
        .count(tx.db())
        .await?;
    if limit > 0 && there >= limit.unsigned_abs() {
        return Err(Error::conflict(format!(
            "This organization has {there} workspaces, and an administrator of the site has allowed {limit}.",
        )));
    }
    Ok(())
}
