//! Who is in a team. The last owner of an organization stays one.

use db::{
    entity::{
        organization_membership::{self as membership, Status},
        team, team_membership, user,
    },
    id::{OrganizationMembershipId, TeamId, UserId},
    sea_orm::{
        ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
        QuerySelect, QueryTrait,
        sea_query::{Expr, ExprTrait, Func},
    },
};
use serde_json::json;

use super::subject;
use crate::{Ctx, Error, Granted, Happened, Result, Tx, can, row::Team};

/// How a request names people.
#[derive(Clone, Debug)]
pub enum Members {
    /// Of those who have accepted their invitation.
    Usernames(Vec<String>),
    /// Of the invited ones too.
    Memberships(Vec<OrganizationMembershipId>),
}

/// Adds people of the organization to a team; those who are in it already stay.
///
/// # Errors
/// Bad request, naming the first who is not of the organization; then nobody is added.
pub async fn add_members(
    cx: &Ctx,
    team: &Granted<can::UpdateTeamMembers>,
    members: Members,
) -> Result<()> {
    let tx = cx.write().await?;
    let row = tx.lock::<team::Entity>(team.id.clone()).await?.ok_or(Error::NotFound)?;
    for user in found(&tx, &row, members).await? {
        join(&tx, &row, &user).await?;
    }
    tx.commit().await
}

/// Takes people out of a team; those who are not in it stay out.
///
/// # Errors
/// Bad request, naming the first who is not of the organization; forbidden where no owner would be left.
pub async fn remove_members(
    cx: &Ctx,
    team: &Granted<can::UpdateTeamMembers>,
    members: Members,
) -> Result<()> {
    let tx = cx.write().await?;
    let row = tx.lock::<team::Entity>(team.id.clone()).await?.ok_or(Error::NotFound)?;
    for user in found(&tx, &row, members).await? {
        leave(&tx, &row, &user).await?;
    }
    if row.is_owners() {
        another_owner_stays(&tx, &row.organization_name).await?;
    }
    tx.commit().await
}

async fn found(tx: &Tx, team: &Team, members: Members) -> Result<Vec<UserId>> {
    let rows = membership::Entity::find()
        .filter(membership::Column::OrganizationName.eq(&team.organization_name));
    let mut users = Vec::new();
    match members {
        Members::Memberships(ids) => {
            let rows = rows.filter(membership::Column::Id.is_in(ids.iter())).all(tx.db()).await?;
            for id in ids {
                let row = rows.iter().find(|row| row.id == id).ok_or_else(|| unknown(&id))?;
                users.push(row.user_id.clone());
            }
        }
        Members::Usernames(names) => {
            let lower: Vec<_> = names.iter().map(|name| name.to_lowercase()).collect();
            let username = Expr::expr(Func::lower(Expr::col(user::Column::Username)));
            let members = rows
                .filter(membership::Column::Status.eq(Status::Active))
                .select_only()
                .column(membership::Column::UserId)
                .into_query();
            let rows = user::Entity::find()
                .filter(username.is_in(lower))
                .filter(user::Column::Id.in_subquery(members))
                .all(tx.db())
                .await?;
            for name in names {
                let same = |row: &&user::Model| row.username.eq_ignore_ascii_case(&name);
                users.push(rows.iter().find(same).ok_or_else(|| unknown(&name))?.id.clone());
            }
        }
    }
    Ok(users)
}

fn unknown(who: impl std::fmt::Display) -> Error {
    Error::BadRequest(format!("{who} is not a member of the organization."))
}

/// Puts a person of the organization into the team.
pub(crate) async fn join(tx: &Tx, team: &Team, user: &UserId) -> Result<()> {
    let key = (team.id.clone(), user.clone());
    if team_membership::Entity::find_by_id(key).one(tx.db()).await?.is_some() {
        return Ok(());
    }
    let row = team_membership::Model { team_id: team.id.clone(), user_id: user.clone() };
    tx.insert(row).await?;
    tx.emit(Happened::TeamMemberAdded, subject(team), json!({ "user": user.as_str() })).await
}

async fn leave(tx: &Tx, team: &Team, user: &UserId) -> Result<()> {
    let key = (team.id.clone(), user.clone());
    if let Some(row) = tx.lock::<team_membership::Entity>(key).await? {
        tx.delete(row).await?;
        tx.emit(Happened::TeamMemberRemoved, subject(team), json!({ "user": user.as_str() }))
            .await?;
    }
    Ok(())
}

/// Takes a person out of all teams of an organization; the caller holds the owners team if they are in it.
pub(crate) async fn leave_all(tx: &Tx, organization: &str, user: &UserId) -> Result<()> {
    for team in of_member(tx.db(), organization, user).await? {
        leave(tx, &team, user).await?;
    }
    Ok(())
}

/// The teams of an organization that somebody is in.
pub(crate) async fn of_member(
    db: &impl ConnectionTrait,
    organization: &str,
    user: &UserId,
) -> Result<Vec<Team>> {
    let own = team_membership::Entity::find()
        .select_only()
        .column(team_membership::Column::TeamId)
        .filter(team_membership::Column::UserId.eq(user))
        .into_query();
    Ok(team::Entity::find()
        .filter(team::Column::OrganizationName.eq(organization))
        .filter(team::Column::Id.in_subquery(own))
        .all(db)
        .await?)
}

/// What one person was in of an organization's teams, another one is in instead.
pub(crate) async fn move_all(
    tx: &Tx,
    organization: &str,
    from: &UserId,
    to: &UserId,
) -> Result<()> {
    for team in of_member(tx.db(), organization, from).await? {
        leave(tx, &team, from).await?;
        join(tx, &team, to).await?;
    }
    Ok(())
}

/// To be asked after somebody left, while the owners team is locked.
///
/// # Errors
/// Forbidden if nobody is left who owns the organization.
pub(crate) async fn another_owner_stays(tx: &Tx, organization: &str) -> Result<()> {
    let owners = team_membership::Entity::find()
        .select_only()
        .column(team_membership::Column::UserId)
        .filter(team_membership::Column::TeamId.in_subquery(owners_team(organization)))
        .into_query();
    let left = membership::Entity::find()
        .filter(membership::Column::OrganizationName.eq(organization))
        .filter(membership::Column::Status.eq(Status::Active))
        .filter(membership::Column::UserId.in_subquery(owners))
        .count(tx.db())
        .await?;
    if left == 0 {
        return Err(Error::Forbidden(
            "The last owner of an organization cannot be removed.".into(),
        ));
    }
    Ok(())
}

fn owners_team(organization: &str) -> db::sea_orm::sea_query::SelectStatement {
    team::Entity::find()
        .select_only()
        .column(team::Column::Id)
        .filter(team::Column::OrganizationName.eq(organization))
        .filter(team::Column::Name.eq(team::OWNERS))
        .into_query()
}

/// Locks the owners team of an organization, if this person is in it.
pub(crate) async fn lock_if_owner(tx: &Tx, organization: &str, user: &UserId) -> Result<bool> {
    let owners = team::Entity::find()
        .filter(team::Column::OrganizationName.eq(organization))
        .filter(team::Column::Name.eq(team::OWNERS))
        .one(tx.db())
        .await?;
    let Some(owners) = owners else { return Ok(false) };
    let id: TeamId = owners.id;
    tx.lock::<team::Entity>(id.clone()).await?;
    let key = (id, user.clone());
    Ok(team_membership::Entity::find_by_id(key).one(tx.db()).await?.is_some())
}

/// The names of those who own an organization, in the order of the alphabet.
pub(crate) async fn owners_of(cx: &Ctx, organization: &str) -> Result<Vec<String>> {
    let owners = team::Entity::find()
        .select_only()
        .column(team::Column::Id)
        .filter(team::Column::OrganizationName.eq(organization))
        .filter(team::Column::Name.eq(team::OWNERS))
        .into_query();
    let members = team_membership::Entity::find()
        .select_only()
        .column(team_membership::Column::UserId)
        .filter(team_membership::Column::TeamId.in_subquery(owners))
        .into_query();
    Ok(user::Entity::find()
        .select_only()
        .column(user::Column::Username)
        .filter(user::Column::Id.in_subquery(members))
        .order_by_asc(user::Column::Username)
        .into_tuple()
        .all(cx.read())
        .await?)
}
