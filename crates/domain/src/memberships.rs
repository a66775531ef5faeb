//! Who belongs to an organization: invited by e-mail, active from their next sign-in on.

use std::collections::{BTreeSet, HashMap};

use db::{
    entity::{
        organization_membership::{self as membership, Status},
        team, team_membership, user,
    },
    id::{OrganizationMembershipId, TeamId, UserId},
    page,
    sea_orm::{
        ColumnTrait, Condition, EntityTrait, Order as Direction, QueryFilter, QueryOrder,
        QuerySelect, QueryTrait, Select,
        sea_query::{Expr, ExprTrait, Func},
    },
};
use serde_json::json;

use crate::{
    Ctx, Error, Found, Granted, In, Page, Paging, Result, Subject, Tx,
    access::Within,
    accounts, can, organizations,
    row::{Organization, OrganizationMembership, Team},
    teams,
};

/// A membership with the organization that it is about.
pub type Membership = In<OrganizationMembership, Organization>;

impl Within<Self> for Membership {
    fn on(&self) -> &Self {
        self
    }
}

pub async fn find(cx: &Ctx, id: &OrganizationMembershipId) -> Result<Found<Membership>> {
    let row =
        membership::Entity::find_by_id(id.clone()).one(cx.read()).await?.ok_or(Error::NotFound)?;
    let of = organizations::by_name(cx, &row.organization_name).await?.ok_or(Error::NotFound)?;
    Ok(Found::new(In { row, of }))
}

#[derive(Debug, Default)]
pub struct Filter {
    /// Part of the username or the e-mail address.
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
            condition = condition.add(people(
                Condition::any()
                    .add(db::contains(user::Column::Username, text))
                    .add(db::contains(user::Column::Email, text)),
            ));
        }
        if let Some(emails) = &self.emails {
            let lower: Vec<_> = emails.iter().map(|email| email.to_lowercase()).collect();
            let email = Expr::expr(Func::lower(Expr::col(user::Column::Email)));
            condition = condition.add(people(Condition::all().add(email.is_in(lower))));
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
    let visible = |row: &OrganizationMembership| {
        cx.actor().is_user(&row.user_id) || seen.contains(&row.organization_name)
    };
    Ok(rows.into_iter().filter(visible).collect())
}

/// A membership as people see it.
#[derive(Clone, Debug)]
pub struct Details {
    pub membership: OrganizationMembership,
    pub email: String,
    /// Those of the member's teams that the caller sees.
    pub teams: Vec<TeamId>,
}

/// Three queries, however many memberships there are.
pub async fn details(cx: &Ctx, rows: Vec<OrganizationMembership>) -> Result<Vec<Details>> {
    let users: BTreeSet<_> = rows.iter().map(|row| &row.user_id).collect();
    let emails: HashMap<UserId, String> = user::Entity::find()
        .filter(user::Column::Id.is_in(users.iter().copied()))
        .all(cx.read())
        .await?
        .into_iter()
        .map(|user| (user.id, user.email))
        .collect();
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
            email: emails.get(&membership.user_id).cloned().unwrap_or_default(),
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

/// Invites somebody by e-mail, into teams if some are named. Nothing is sent: whoever signs in has accepted.
/// An address that nobody has gets an account without a password.
pub async fn invite(
    cx: &Ctx,
    organization: &Granted<can::ManageMembership, Organization>,
    email: &str,
    team_ids: &[TeamId],
) -> Result<OrganizationMembership> {
    let into = teams_to_join(cx, organization, team_ids).await?;
    let tx = cx.write().await?;
    let user = accounts::invited(&tx, email).await?;
    let there = membership::Entity::find()
        .filter(membership::Column::OrganizationName.eq(&organization.name))
        .filter(membership::Column::UserId.eq(&user.id))
        .one(tx.db())
        .await?;
    if there.is_some() {
        return Err(Error::invalid("email", "is already that of a member of the organization"));
    }
    let row = OrganizationMembership {
        id: OrganizationMembershipId::fresh(),
        organization_name: organization.name.clone(),
        user_id: user.id.clone(),
        status: Status::Invited,
        created_at: tx.now(),
    };
    let row = tx.insert(row).await.map_err(crate::error::taken("email"))?;
    // Whoever comes back is in no team but those named now.
    teams::leave_all(&tx, &organization.name, &user.id).await?;
    for team in &into {
        teams::join(&tx, team, &user.id).await?;
    }
    tx.emit("member_invited", subject(&row), json!({ "user": user.id.as_str() })).await?;
    tx.commit().await?;
    Ok(row)
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
    if was_owner && cx.actor().is_user(&row.user_id) {
        return Err(Error::Forbidden(
            "You cannot remove yourself from an organization that you own.".into(),
        ));
    }
    if was_owner && !cx.actor().owns(organization) {
        return Err(Error::Forbidden("Only owners can remove an owner.".into()));
    }
    teams::leave_all(&tx, &organization.name, &row.user_id).await?;
    tx.emit("member_removed", subject(&row), json!({ "user": row.user_id.as_str() })).await?;
    tx.delete(row).await?;
    if was_owner {
        teams::another_owner_stays(&tx, &organization.name).await?;
    }
    tx.commit().await
}

/// Accepts all invitations of a person who has signed in.
pub(crate) async fn accept_all(tx: &Tx, user: &UserId) -> Result<()> {
    let invitations = membership::Entity::find()
        .filter(membership::Column::UserId.eq(user))
        .filter(membership::Column::Status.eq(Status::Invited))
        .all(tx.db())
        .await?;
    for invitation in invitations {
        let Some(mut row) = tx.lock::<membership::Entity>(invitation.id).await? else { continue };
        row.status = Status::Active;
        let row = tx.update(row).await?;
        tx.emit("member_joined", subject(&row), json!({ "user": user.as_str() })).await?;
    }
    Ok(())
}

fn subject(row: &OrganizationMembership) -> Subject<'_> {
    Subject {
        kind: "organization-memberships",
        id: row.id.as_str(),
        organization: Some(&row.organization_name),
        ..Subject::default()
    }
}
