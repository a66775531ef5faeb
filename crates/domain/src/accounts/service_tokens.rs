//! Tokens that are no person's: of teams, of organizations and of agents.

use db::{
    Timestamp,
    entity::{
        agent_pool, organization, team,
        token::{self, Kind},
    },
    id::{AgentPoolId, TeamId, TokenId},
    page,
    sea_orm::{
        ColumnTrait, Condition, EntityTrait, JoinType, Order as Direction, QueryFilter, QueryOrder,
        QuerySelect, Select,
    },
};
use serde_json::json;

use super::{
    lifetimes,
    tokens::{MintedToken, NewToken, subject},
};
use crate::{
    Ctx, Error, Granted, Happened, In, Order, Page, Paging, Result, Tx, can,
    row::{AgentPool, Organization, Team, Token},
};

const DAY_SECONDS: i64 = 24 * 60 * 60;

/// Which of an organization's two tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrganizationTokenKind {
    /// Manages teams, workspaces and variables.
    Full,
    /// Reads the audit trail.
    AuditTrails,
}

impl From<OrganizationTokenKind> for Kind {
    fn from(kind: OrganizationTokenKind) -> Self {
        match kind {
            OrganizationTokenKind::Full => Self::Organization,
            OrganizationTokenKind::AuditTrails => Self::AuditTrails,
        }
    }
}

/// For whom a token is.
struct Owner<'a> {
    kind: Kind,
    team: Option<&'a TeamId>,
    pool: Option<&'a AgentPoolId>,
    organization: &'a str,
    /// See [`Token::is_members`].
    is_members: bool,
}

async fn mint(tx: &Tx, cx: &Ctx, owner: Owner<'_>, new: NewToken) -> Result<MintedToken> {
    let secret = crypto::Token::mint();
    let row = tx
        .insert(Token {
            id: TokenId::fresh(),
            hash: secret.hash(),
            kind: owner.kind,
            user_id: None,
            team_id: owner.team.cloned(),
            organization_name: Some(owner.organization.to_owned()),
            agent_pool_id: owner.pool.cloned(),
            description: new.description,
            created_by_id: cx.actor().user_id(),
            created_at: tx.now(),
            last_used_at: None,
            expires_at: lifetimes::of_new(tx, owner.kind, owner.organization, new.expires_at)
                .await?,
            is_members: owner.is_members,
        })
        .await?;
    let detail = json!({ "kind": row.kind.as_str(), "team": owner.team.map(TeamId::as_str) });
    tx.emit(Happened::TokenCreated, subject(&row), detail).await?;
    Ok(MintedToken { row, secret })
}

pub(super) async fn revoke(tx: &Tx, id: TokenId) -> Result<()> {
    if let Some(row) = tx.lock::<token::Entity>(id).await? {
        tx.emit(Happened::TokenDeleted, subject(&row), json!({})).await?;
        tx.delete(row).await?;
    }
    Ok(())
}

fn of_team(team: &Team) -> Select<token::Entity> {
    token::Entity::find()
        .filter(token::Column::Kind.eq(Kind::Team))
        .filter(token::Column::TeamId.eq(&team.id))
}

/// The one without a description, which teams have had from the beginning.
fn legacy(team: &Team) -> Select<token::Entity> {
    of_team(team).filter(token::Column::Description.is_null())
}

pub async fn team_token(cx: &Ctx, team: &Granted<can::ManageTeamTokens, Team>) -> Result<Token> {
    legacy(team).one(cx.read()).await?.ok_or(Error::NotFound)
}

/// Makes the token without a description anew; the one before it is revoked.
pub async fn replace_team_token(
    cx: &Ctx,
    team: &Granted<can::ManageTeamTokens, Team>,
    new: NewToken,
) -> Result<MintedToken> {
    let new = NewToken { description: None, ..new.checked(cx)? };
    let tx = cx.write().await?;
    // Whoever makes one for this team at the same time waits here.
    tx.lock::<team::Entity>(team.id.clone()).await?.ok_or(Error::NotFound)?;
    for old in legacy(team).all(tx.db()).await? {
        revoke(&tx, old.id).await?;
    }
    let minted = mint(&tx, cx, owned_by(cx, team), new).await?;
    tx.commit().await?;
    Ok(minted)
}

/// One more token, told from the others by its description.
pub async fn create_team_token(
    cx: &Ctx,
    team: &Granted<can::ManageTeamTokens, Team>,
    new: NewToken,
) -> Result<MintedToken> {
    let new = new.checked(cx)?;
    let Some(description) = &new.description else {
        return Err(Error::invalid("description", "can't be blank"));
    };
    let tx = cx.write().await?;
    tx.lock::<team::Entity>(team.id.clone()).await?.ok_or(Error::NotFound)?;
    let same = of_team(team).filter(token::Column::Description.eq(description));
    if same.one(tx.db()).await?.is_some() {
        return Err(Error::taken("description"));
    }
    let minted = mint(&tx, cx, owned_by(cx, team), new).await?;
    tx.commit().await?;
    Ok(minted)
}

fn owned_by<'a>(cx: &Ctx, team: &'a Team) -> Owner<'a> {
    Owner {
        is_members: !cx.may::<can::UpdateTeamSettings>(team),
        kind: Kind::Team,
        team: Some(&team.id),
        pool: None,
        organization: &team.organization_name,
    }
}

/// Revokes the token without a description.
pub async fn delete_team_token(
    cx: &Ctx,
    team: &Granted<can::ManageTeamTokens, Team>,
) -> Result<()> {
    let tx = cx.write().await?;
    let row = legacy(team).one(tx.db()).await?.ok_or(Error::NotFound)?;
    revoke(&tx, row.id).await?;
    tx.commit().await
}

/// All tokens of a team, the newest first.
pub async fn team_tokens(
    cx: &Ctx,
    team: &Granted<can::ManageTeamTokens, Team>,
    paging: Paging,
) -> Result<Page<Token>> {
    let query =
        of_team(team).order_by_desc(token::Column::CreatedAt).order_by_desc(token::Column::Id);
    Ok(page(cx.read(), query, paging).await?)
}

/// How near the end of a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    Active,
    InSevenDays,
    InThirtyDays,
    Expired,
    Never,
}

impl Expiry {
    fn condition(self, now: Timestamp) -> Condition {
        let at = token::Column::ExpiresAt;
        let within = |days: i64| {
            Condition::all().add(at.gt(now)).add(at.lte(now.plus_seconds(days * DAY_SECONDS)))
        };
        match self {
            Self::Active => Condition::any().add(at.is_null()).add(at.gt(now)),
            Self::InSevenDays => within(7),
            Self::InThirtyDays => within(30),
            Self::Expired => Condition::all().add(at.lte(now)),
            Self::Never => Condition::all().add(at.is_null()),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TeamTokenOrder {
    TeamName,
    CreatedBy,
    CreatedAt,
    ExpiresAt,
}

/// Which tokens of an organization's teams, and in which order.
#[derive(Debug, Default)]
pub struct TeamTokens {
    /// Part of the team's name.
    pub search: Option<String>,
    /// Any of these.
    pub expiry: Option<Vec<Expiry>>,
    pub sort: Option<(TeamTokenOrder, Order)>,
}

/// The tokens of those teams whose tokens the caller manages, the newest first unless said otherwise.
pub async fn tokens_of_teams(
    cx: &Ctx,
    organization: &Granted<can::ReadOrganization>,
    which: TeamTokens,
    paging: Paging,
) -> Result<Page<Token>> {
    let mut teams = crate::teams::visible(cx, &organization.name);
    if let Some(text) = &which.search {
        teams = teams.add(db::contains(team::Column::Name, text));
    }
    let managed: Vec<TeamId> = team::Entity::find()
        .filter(teams)
        .all(cx.read())
        .await?
        .into_iter()
        .filter(|team| cx.may::<can::ManageTeamTokens>(team))
        .map(|team| team.id)
        .collect();
    let mut query = token::Entity::find()
        .filter(token::Column::Kind.eq(Kind::Team))
        .filter(token::Column::TeamId.is_in(managed));
    if let Some(expiry) = which.expiry {
        let now = cx.now();
        let any = expiry.into_iter().map(|expiry| expiry.condition(now));
        query = query.filter(any.fold(Condition::any(), Condition::add));
    }
    let (key, order) = which.sort.unwrap_or((TeamTokenOrder::CreatedAt, Order::Descending));
    let direction = Direction::from(order);
    query = match key {
        TeamTokenOrder::TeamName => {
            let of_team = token::Entity::belongs_to(team::Entity)
                .from(token::Column::TeamId)
                .to(team::Column::Id)
                .into();
            let joined = query.join(JoinType::InnerJoin, of_team);
            joined.order_by(team::Column::Name, order.into())
        }
        TeamTokenOrder::CreatedBy => query.order_by(token::Column::CreatedById, direction),
        TeamTokenOrder::CreatedAt => query.order_by(token::Column::CreatedAt, direction),
        TeamTokenOrder::ExpiresAt => query.order_by(token::Column::ExpiresAt, direction),
    };
    Ok(page(cx.read(), query.order_by_desc(token::Column::Id), paging).await?)
}

/// Revokes tokens of an organization's teams: all of these or, if one may not be, none.
pub async fn delete_team_tokens(
    cx: &Ctx,
    organization: &Granted<can::ReadOrganization>,
    ids: Vec<TokenId>,
) -> Result<()> {
    let tx = cx.write().await?;
    for id in ids {
        let row = token::Entity::find_by_id(id.clone()).one(tx.db()).await?;
        let team_id = row.and_then(|row| row.team_id).ok_or(Error::NotFound)?;
        let team = team::Entity::find_by_id(team_id).one(tx.db()).await?.ok_or(Error::NotFound)?;
        if team.organization_name != organization.name || !cx.may::<can::ManageTeamTokens>(&team) {
            return Err(Error::NotFound);
        }
        revoke(&tx, id).await?;
    }
    tx.commit().await
}

fn of_organization(
    organization: &Organization,
    kind: OrganizationTokenKind,
) -> Select<token::Entity> {
    token::Entity::find()
        .filter(token::Column::Kind.eq(Kind::from(kind)))
        .filter(token::Column::OrganizationName.eq(&organization.name))
}

pub async fn organization_token(
    cx: &Ctx,
    organization: &Granted<can::ManageOrganizationToken, Organization>,
    kind: OrganizationTokenKind,
) -> Result<Token> {
    of_organization(organization, kind).one(cx.read()).await?.ok_or(Error::NotFound)
}

/// Makes the organization's token anew; the one before it is revoked.
pub async fn create_organization_token(
    cx: &Ctx,
    organization: &Granted<can::ManageOrganizationToken, Organization>,
    kind: OrganizationTokenKind,
    new: NewToken,
) -> Result<MintedToken> {
    let new = new.checked(cx)?;
    let tx = cx.write().await?;
    tx.lock::<organization::Entity>(organization.name.clone()).await?.ok_or(Error::NotFound)?;
    for old in of_organization(organization, kind).all(tx.db()).await? {
        revoke(&tx, old.id).await?;
    }
    let owner = Owner {
        kind: kind.into(),
        team: None,
        pool: None,
        organization: &organization.name,
        is_members: false,
    };
    let minted = mint(&tx, cx, owner, new).await?;
    tx.commit().await?;
    Ok(minted)
}

pub async fn delete_organization_token(
    cx: &Ctx,
    organization: &Granted<can::ManageOrganizationToken, Organization>,
    kind: OrganizationTokenKind,
) -> Result<()> {
    let tx = cx.write().await?;
    let row = of_organization(organization, kind).one(tx.db()).await?.ok_or(Error::NotFound)?;
    revoke(&tx, row.id).await?;
    tx.commit().await
}

/// The tokens of a pool's agents, the newest first.
pub async fn agent_tokens(
    cx: &Ctx,
    pool: &Granted<can::ManageAgentPools, In<AgentPool, Organization>>,
    paging: Paging,
) -> Result<Page<Token>> {
    let query = token::Entity::find()
        .filter(token::Column::Kind.eq(Kind::Agent))
        .filter(token::Column::AgentPoolId.eq(&pool.id))
        .order_by_desc(token::Column::CreatedAt)
        .order_by_desc(token::Column::Id);
    Ok(page(cx.read(), query, paging).await?)
}

/// One more token, which lets agents work for the pool until it is taken back.
pub async fn create_agent_token(
    cx: &Ctx,
    pool: &Granted<can::ManageAgentPools, In<AgentPool, Organization>>,
    new: NewToken,
) -> Result<MintedToken> {
    let new = new.checked(cx)?;
    if new.description.as_ref().is_none_or(|text| text.trim().is_empty()) {
        return Err(Error::invalid("description", "can't be blank"));
    }
    let tx = cx.write().await?;
    // A pool that is deleted at the same time takes its tokens with it.
    tx.lock::<agent_pool::Entity>(pool.id.clone()).await?.ok_or(Error::NotFound)?;
    let organization = &pool.organization_name;
    let owner = Owner {
        kind: Kind::Agent,
        team: None,
        pool: Some(&pool.id),
        organization,
        is_members: false,
    };
    let minted = mint(&tx, cx, owner, new).await?;
    tx.commit().await?;
    Ok(minted)
}
