//! Who belongs to an organization: invited by e-mail, active once they have accepted.

pub(crate) mod invitations;

use std::collections::{BTreeSet, HashMap};

use db::{
    entity::{
        organization,
        organization_membership::{self as membership, Status},
        team, team_membership, user,
    },
    id::{OrganizationMembershipId, TeamId, UserId},
    page,
    sea_orm::{
        ColumnTrait, Condition, ConnectionTrait, EntityTrait, Order as Direction, QueryFilter,
        QueryOrder, QuerySelect, QueryTrait, Select,
        sea_query::{Expr, ExprTrait, Func},
    },
};
use secrecy::SecretString;
use serde_json::json;

pub use crate::access::Membership;
pub use invitations::{Invitation, accept, accept_as_new, find as find_invitation};

use self::invitations::To;
use crate::{
    Ctx, Error, Found, Granted, Happened, Page, Paging, Result, Subject, Tx, accounts, can,
    organizations,
    row::{Organization, OrganizationMembership, Team},
    teams,
};

pub async fn find(cx: &Ctx, id: &OrganizationMembershipId) -> Result<Found<Membership>> {
    organizations::find_in::<membership::Entity>(cx, id, |row| &row.organization_name).await
}

#[derive(Debug, Default)]
pub struct Filter {
    /// Part of the username, or of the e-mail address by which the organization knows them.
    pub search: Option<String>,
    pub statuses: Option<Vec<Status>>,
    /// Exactly one of these, whatever the case.
    pub emails: Option<Vec<String>>,
}

impl Filter {
    fn condition(&self) -> Condition {
        let mut condition = Condition::all();
        let people = |which: Condition| {
            let ids = user::Entity::find().select_only().column(user::Column::Id).filter(which);
            membership::Column::UserId.in_subquery(ids.into_query())
        };
        if let Some(text) = &self.search {
            let named = Condition::all().add(db::contains(user::Column::Username, text));
            let known = counts().add(db::contains(membership::Column::Email, text));
            condition = condition.add(Condition::any().add(people(named)).add(known));
        }
        if let Some(emails) = &self.emails {
            let lower: Vec<_> = emails.iter().map(|email| email.to_lowercase()).collect();
            condition = condition.add(counts().add(known_by().is_in(lower)));
        }
        if let Some(statuses) = &self.statuses {
            condition = condition.add(membership::Column::Status.is_in(statuses));
        }
        condition
    }
}

/// Those of an organization, the oldest first; only one's own for those who may not see everybody's.
pub async fn list(
    cx: &Ctx,
    organization: &Granted<can::ReadOrganization>,
    filter: &Filter,
    paging: Paging,
) -> Result<Page<OrganizationMembership>> {
    let query = seen_in(cx, organization).filter(filter.condition());
    Ok(page(cx.read(), in_order(query), paging).await?)
}

/// Those of a team, by status if so wanted, otherwise the oldest first.
pub async fn list_of_team(
    cx: &Ctx,
    team: &Granted<can::ReadTeam>,
    filter: &Filter,
    by_status: Option<crate::Order>,
    paging: Paging,
) -> Result<Page<OrganizationMembership>> {
    let organization =
        organizations::by_name(cx, &team.organization_name).await?.ok_or(Error::NotFound)?;
    let members = team_membership::Entity::find()
        .select_only()
        .column(team_membership::Column::UserId)
        .filter(team_membership::Column::TeamId.eq(&team.id))
        .into_query();
    let mut query = seen_in(cx, &organization)
        .filter(filter.condition())
        .filter(membership::Column::UserId.in_subquery(members));
    if let Some(order) = by_status {
        query = query.order_by(membership::Column::Status, Direction::from(order));
    }
    Ok(page(cx.read(), in_order(query), paging).await?)
}

/// The caller's own, in whatever organization.
pub async fn own(
    cx: &Ctx,
    _site: &Granted<can::UseAccount>,
    paging: Paging,
) -> Result<Page<OrganizationMembership>> {
    let id = cx.actor().user_id().ok_or(Error::NotFound)?;
    let query = membership::Entity::find().filter(membership::Column::UserId.eq(id));
    Ok(page(cx.read(), in_order(query), paging).await?)
}

fn seen_in(cx: &Ctx, organization: &Organization) -> Select<membership::Entity> {
    let mut query = membership::Entity::find()
        .filter(membership::Column::OrganizationName.eq(&organization.name));
    if !cx.may::<can::ReadMemberships>(organization) {
        let own: Vec<UserId> = cx.actor().user_id().into_iter().collect();
        query = query.filter(membership::Column::UserId.is_in(own));
    }
    query
}

fn in_order(query: Select<membership::Entity>) -> Select<membership::Entity> {
    query.order_by_asc(membership::Column::CreatedAt).order_by_asc(membership::Column::Id)
}

/// For includes: those of these that the caller may see.
pub async fn load(
    cx: &Ctx,
    ids: &[OrganizationMembershipId],
) -> Result<Vec<OrganizationMembership>> {
    let rows =
        membership::Entity::find().filter(membership::Column::Id.is_in(ids)).all(cx.read()).await?;
    let names: Vec<String> = rows.iter().map(|row| row.organization_name.clone()).collect();
    let seen: BTreeSet<String> = organizations::load(cx, &names)
        .await?
        .into_iter()
        .filter(|organization| cx.may::<can::ReadMemberships>(organization))
        .map(|organization| organization.name)
        .collect();
    let own = cx.actor().user_id();
    let visible = |row: &OrganizationMembership| {
        own.as_ref() == Some(&row.user_id) || seen.contains(&row.organization_name)
    };
    Ok(rows.into_iter().filter(visible).collect())
}

/// Those of these people whose addresses the caller sees, as members of organizations whose memberships one may read;
/// with the address that each was invited by.
pub async fn known_by_email(
    cx: &Ctx,
    people: &[UserId],
) -> Result<HashMap<UserId, Option<String>>> {
    let ids = membership::Entity::find()
        .select_only()
        .column(membership::Column::Id)
        .filter(membership::Column::UserId.is_in(people))
        .into_tuple::<OrganizationMembershipId>()
        .all(cx.read())
        .await?;
    let mut known: HashMap<UserId, Option<String>> = HashMap::new();
    for row in load(cx, &ids).await? {
        let address = known.entry(row.user_id).or_default();
        let counts = row.is_proven || row.status == Status::Invited;
        *address = address.take().or(row.email.filter(|_| counts));
    }
    Ok(known)
}

/// A membership as people see it.
#[derive(Clone, Debug)]
pub struct Details {
    pub membership: OrganizationMembership,
    pub email: String,
    /// Those of the member's teams that the caller sees.
    pub teams: Vec<TeamId>,
}

/// Two queries, however many memberships there are.
pub async fn details(cx: &Ctx, rows: Vec<OrganizationMembership>) -> Result<Vec<Details>> {
    let users: BTreeSet<_> = rows.iter().map(|row| &row.user_id).collect();
    let links = team_membership::Entity::find()
        .filter(team_membership::Column::UserId.is_in(users))
        .order_by_asc(team_membership::Column::TeamId)
        .all(cx.read())
        .await?;
    let teams: HashMap<TeamId, Team> = team::Entity::find()
        .filter(team::Column::Id.is_in(links.iter().map(|link| &link.team_id)))
        .all(cx.read())
        .await?
        .into_iter()
        .filter(|team| cx.may::<can::ReadTeam>(team))
        .map(|team| (team.id.clone(), team))
        .collect();
    let of = |row: &OrganizationMembership| {
        let own = links.iter().filter(|link| link.user_id == row.user_id);
        own.filter_map(|link| teams.get(&link.team_id))
            .filter(|team| team.organization_name == row.organization_name)
            .map(|team| team.id.clone())
            .collect()
    };
    let teams: Vec<Vec<TeamId>> = rows.iter().map(of).collect();
    Ok(rows
        .into_iter()
        .zip(teams)
        .map(|(membership, teams)| Details {
            email: membership.email.clone().unwrap_or_default(),
            teams,
            membership,
        })
        .collect())
}

/// The same for one.
pub async fn details_of(cx: &Ctx, row: OrganizationMembership) -> Result<Details> {
    let mut all = details(cx, vec![row]).await?;
    Ok(all.swap_remove(0))
}

/// An invitation that was just made.
#[derive(Debug)]
pub struct Invited {
    pub membership: OrganizationMembership,
    /// Where whoever is invited accepts, if they are not told by mail; to be seen this once.
    pub link: Option<SecretString>,
}

/// Invites somebody by e-mail, into teams if some are named. An address that nobody has confirmed gets an account of its
/// own, without a password, that waits for whoever accepts.
pub async fn invite(
    cx: &Ctx,
    organization: &Granted<can::ManageMembership, Organization>,
    email: &str,
    team_ids: &[TeamId],
) -> Result<Invited> {
    let into = teams_to_join(cx, organization, team_ids).await?;
    let member = || Error::invalid("email", "is already that of a member of the organization");
    let name = &organization.name;
    let tx = cx.write().await?;
    // Whoever invites the same address at the same time waits here.
    tx.lock::<organization::Entity>(name.clone()).await?.ok_or(Error::NotFound)?;
    let known = membership::Entity::find()
        .filter(membership::Column::OrganizationName.eq(name))
        .filter(counts().add(known_by().eq(email.to_lowercase())));
    if known.one(tx.db()).await?.is_some() {
        return Err(member());
    }
    let user = accounts::invited(&tx, email).await?;
    if of_user(&tx, name, &user.id).await?.is_some() {
        return Err(member());
    }
    let row = OrganizationMembership {
        id: OrganizationMembershipId::fresh(),
        organization_name: name.clone(),
        user_id: user.id.clone(),
        status: Status::Invited,
        created_at: tx.now(),
        email: Some(email.to_owned()),
        is_proven: false,
        invitations: 1,
    };
    let row = tx.insert(row).await.map_err(crate::error::taken("email"))?;
    // Whoever comes back is in no team but those named now.
    teams::leave_all(&tx, name, &user.id).await?;
    for team in &into {
        teams::join(&tx, team, &user.id).await?;
    }
    deliver(tx, row, email).await
}

async fn deliver(tx: Tx, row: OrganizationMembership, email: &str) -> Result<Invited> {
    tx.emit(Happened::MemberInvited, subject(&row), json!({ "user": row.user_id.as_str() }))
        .await?;
    let to = To::Organization(row.id.clone());
    let link = invitations::deliver(&tx, &to, row.invitations, email).await?;
    tx.commit().await?;
    Ok(Invited { membership: row, link })
}

/// Invites once more: the address that was sent or shown may have expired, be lost, or be in wrong hands. It ends.
///
/// # Errors
/// Conflict for those who have accepted. Forbidden where the invitation is to teams into which the caller could not
/// invite: whoever is shown the new address could accept it.
pub async fn invite_again(
    cx: &Ctx,
    membership: &Granted<can::ManageMembership, Membership>,
) -> Result<Invited> {
    let tx = cx.write().await?;
    let mut row =
        tx.lock::<membership::Entity>(membership.id.clone()).await?.ok_or(Error::NotFound)?;
    if row.status != Status::Invited {
        return Err(Error::conflict("The invitation has been accepted."));
    }
    if !may_invite_into_all(cx, tx.db(), &row).await? {
        return Err(Error::Forbidden("This invitation is to teams that you cannot change.".into()));
    }
    row.invitations += 1;
    let row = tx.update(row).await?;
    let email = row.email.clone().unwrap_or_default();
    deliver(tx, row, &email).await
}

/// Whether somebody may let others into all the teams that this invitation is to.
async fn may_invite_into_all(
    cx: &Ctx,
    db: &impl ConnectionTrait,
    row: &OrganizationMembership,
) -> Result<bool> {
    let teams = teams::of_member(db, &row.organization_name, &row.user_id).await?;
    Ok(teams.iter().all(|team| cx.may::<can::UpdateTeamMembers>(team)))
}

async fn of_user(
    tx: &Tx,
    organization: &str,
    user: &UserId,
) -> Result<Option<OrganizationMembership>> {
    Ok(membership::Entity::find()
        .filter(membership::Column::OrganizationName.eq(organization))
        .filter(membership::Column::UserId.eq(user))
        .one(tx.db())
        .await?)
}

/// Where the address by which the organization knows somebody says who they are.
fn counts() -> Condition {
    let proven = membership::Column::IsProven.eq(true);
    Condition::all().add(proven.or(membership::Column::Status.eq(Status::Invited)))
}

/// The address by which the organization knows somebody, whatever its case.
fn known_by() -> Expr {
    Expr::expr(Func::lower(Expr::col((membership::Entity, membership::Column::Email))))
}

async fn teams_to_join(cx: &Ctx, organization: &Organization, ids: &[TeamId]) -> Result<Vec<Team>> {
    let rows = team::Entity::find().filter(team::Column::Id.is_in(ids)).all(cx.read()).await?;
    let allowed = |row: &Team| {
        row.organization_name == organization.name && cx.may::<can::UpdateTeamMembers>(row)
    };
    let unique: BTreeSet<_> = ids.iter().collect();
    if rows.len() < unique.len() || !rows.iter().all(allowed) {
        return Err(Error::invalid_relation("teams", "There is no such team to invite into."));
    }
    Ok(rows)
}

/// Removes somebody, oneself perhaps, from an organization and all its teams.
///
/// # Errors
/// Forbidden: owners are removed by other owners, never by themselves, and never the last.
pub async fn delete(cx: &Ctx, membership: &Granted<can::DestroyMembership>) -> Result<()> {
    let tx = cx.write().await?;
    let row = tx.lock::<membership::Entity>(membership.id.clone()).await?.ok_or(Error::NotFound)?;
    let organization = &membership.of;
    let was_owner = teams::lock_if_owner(&tx, &organization.name, &row.user_id).await?;
    if was_owner && !cx.may::<can::DestroyOwnership>(membership) {
        return Err(Error::Forbidden(
            "Owners are removed by other owners, never by themselves.".into(),
        ));
    }
    teams::leave_all(&tx, &organization.name, &row.user_id).await?;
    tell_removed(&tx, &row).await?;
    let user = row.user_id.clone();
    tx.delete(row).await?;
    accounts::forget_awaited(&tx, &user).await?;
    if was_owner {
        teams::another_owner_stays(&tx, &organization.name).await?;
    }
    tx.commit().await
}

pub(crate) async fn tell_removed(tx: &Tx, row: &OrganizationMembership) -> Result<()> {
    let detail = json!({ "user": row.user_id.as_str() });
    tx.emit(Happened::MemberRemoved, subject(row), detail).await
}

fn subject(row: &OrganizationMembership) -> Subject<'_> {
    Subject {
        kind: "organization-memberships",
        id: row.id.as_str(),
        organization: Some(&row.organization_name),
        ..Subject::default()
    }
}
