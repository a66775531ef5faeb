//! From a token to an actor with all its rights: a handful of indexed reads for each request.

use std::{collections::HashMap, sync::Arc};

use db::{
    Timestamp,
    entity::{
        organization::{self, CollaboratorAuthPolicy},
        organization_membership as membership, team, team_membership, team_project, team_workspace,
        token::{self, Kind},
        user,
    },
    id::{TeamId, UserId},
    sea_orm::{
        ActiveModelTrait, ActiveValue, ColumnTrait, EntityTrait, QueryFilter, sea_query::ExprTrait,
    },
};
use futures::future::BoxFuture;

use crate::{
    Actor, App, Ctx, Error, Result,
    access::{Permission, Person, ProjectRights, ShutOut, TeamRights, WorkspaceRights},
    accounts::{engines, lifetimes, run_tasks},
    row::{Organization, Team, Token, User},
    site_settings,
};

/// `last_used_at` is written at most this often, so that reading does not mean writing.
const USE_NOTED_EVERY_MS: i64 = 60_000;

/// The caller behind a bearer token.
///
/// # Errors
/// Unauthorized if the token is unknown, expired or switched off.
///
/// Boxed: all handlers await it, and what they await is compiled into each part of their crates.
pub fn authenticate<'a>(app: &'a App, bearer: &'a str) -> BoxFuture<'a, Result<Ctx>> {
    Box::pin(authenticated(app, bearer))
}

async fn authenticated(app: &App, bearer: &str) -> Result<Ctx> {
    let hash = crypto::hash_token(bearer);
    if crypto::constant_time_eq(hash.as_bytes(), app.embedded_agent_token().hash().as_bytes()) {
        return Ok(Ctx::new(app.clone(), Actor::Agent(None)));
    }
    // From before the rights are read: whatever changes them meanwhile makes it another one.
    let epoch = app.recent_actors().epoch(app).await?;
    if let Some((token, actor)) = app.recent_actors().get(app, &hash, epoch) {
        return Ok(Ctx::bearing(app.clone(), actor, token));
    }
    let token =
        token::Entity::find().filter(token::Column::Hash.eq(&hash)).one(app.db().rights()).await?;
    let Some(token) = token else {
        return match run_tasks::of_token(app, &hash).await? {
            Some(run_task) => Ok(run_task),
            None => engines::of_token(app, &hash).await,
        };
    };
    let ends_at = lifetimes::end(app, &token).await?;
    if ends_at.is_some_and(|at| at <= app.now()) {
        return Err(Error::Unauthorized);
    }
    let actor = Arc::new(actor_of(app, &token).await?);
    if !note_use(app, &token).await? {
        let bearer = (token.id.clone(), actor.clone());
        app.recent_actors().keep(app, hash, epoch, ends_at, bearer);
    }
    Ok(Ctx::bearing(app.clone(), actor, token.id))
}

/// Whoever has this token, with the rights of this moment.
///
/// # Errors
/// Unauthorized if it has ended or its bearer is not let in.
pub(crate) async fn bearer_of(app: &App, token: &Token) -> Result<Ctx> {
    if lifetimes::end(app, token).await?.is_some_and(|at| at <= app.now()) {
        return Err(Error::Unauthorized);
    }
    let actor = Arc::new(actor_of(app, token).await?);
    Ok(Ctx::bearing(app.clone(), actor, token.id.clone()))
}

/// Uploads come without a token: they are done in the name of whoever asked for the address, and with no more
/// rights.
pub(crate) async fn in_name_of(cx: &Ctx, creator: Option<&UserId>) -> Result<Ctx> {
    let Some(id) = creator else { return Ok(cx.clone()) };
    match user::Entity::find_by_id(id.clone()).one(cx.db().rights()).await? {
        Some(user) => Ok(Ctx::new(cx.app().clone(), person(cx.app(), user).await?)),
        None => Ok(cx.clone()),
    }
}

async fn actor_of(app: &App, token: &Token) -> Result<Actor> {
    let db = app.db().rights();
    match token.kind {
        Kind::User => {
            let id = token.user_id.clone().ok_or(Error::Unauthorized)?;
            let user = user::Entity::find_by_id(id).one(db).await?.ok_or(Error::Unauthorized)?;
            Ok(Actor::User(by_token(app, token.created_at, user).await?))
        }
        Kind::Team => {
            let id = token.team_id.clone().ok_or(Error::Unauthorized)?;
            let team = team::Entity::find_by_id(id).one(db).await?.ok_or(Error::Unauthorized)?;
            if token.is_members && !is_still_members(app, token, &team).await? {
                return Err(Error::Unauthorized);
            }
            let rights = rights_of(app, vec![team]).await?;
            rights.into_iter().next().map(Actor::Team).ok_or(Error::Unauthorized)
        }
        Kind::Organization => {
            token.organization_name.clone().map(Actor::Organization).ok_or(Error::Unauthorized)
        }
        Kind::AuditTrails => {
            token.organization_name.clone().map(Actor::AuditTrails).ok_or(Error::Unauthorized)
        }
        Kind::Agent => Ok(Actor::Agent(token.agent_pool_id.clone())),
    }
}

/// Whether whoever minted a team's token, who could as its member only, is one still.
async fn is_still_members(app: &App, token: &Token, team: &Team) -> Result<bool> {
    if site_settings::current(app).await?.team_tokens_outlive_members {
        return Ok(true);
    }
    let Some(id) = &token.created_by_id else { return Ok(false) };
    let db = app.db().rights();
    let user = user::Entity::find_by_id(id.clone()).one(db).await?;
    let belongs = membership::Entity::find()
        .filter(membership::Column::OrganizationName.eq(&team.organization_name))
        .filter(membership::Column::UserId.eq(id))
        .filter(membership::Column::Status.eq(membership::Status::Active))
        .one(db)
        .await?;
    let in_team =
        team_membership::Entity::find_by_id((team.id.clone(), id.clone())).one(db).await?;
    Ok(user.is_some_and(|user| !user.is_suspended) && belongs.is_some() && in_team.is_some())
}

/// A person without what may not be done by tokens of people.
async fn by_token(app: &App, made_at: Timestamp, user: User) -> Result<Person> {
    let mut person = with_all_rights(app, user).await?;
    let db = app.db().rights();
    let taking_none = organization::Column::UserTokensEnabled.eq(false);
    let strict: Vec<Organization> = organization::Entity::find()
        .filter(organization::Column::Name.is_in(&person.organizations))
        .filter(taking_none.or(organization::Column::MaxTtlEnabled.eq(true)))
        .all(db)
        .await?;
    let too_old = lifetimes::too_old_for(db, made_at, &strict, app.now()).await?;
    person.token_made_at = Some(made_at);
    let not_taking = strict.into_iter();
    let not_taking =
        not_taking.filter(|row| !row.user_tokens_enabled || too_old.contains(&row.name));
    person.shut_out(not_taking.map(|row| row.name).collect(), ShutOut::Proof);
    Ok(person)
}

/// A person who comes by no token: in a session, or by a signed address of theirs.
///
/// # Errors
/// Unauthorized for suspended people, and for accounts that nobody has yet.
pub(crate) async fn person(app: &App, user: User) -> Result<Actor> {
    Ok(Actor::User(with_all_rights(app, user).await?))
}

/// Those of these people who have this right now, in their order.
pub(crate) async fn who_may<P: Permission>(
    cx: &Ctx,
    people: Vec<UserId>,
    on: &P::On,
) -> Result<Vec<UserId>> {
    let query = user::Entity::find().filter(user::Column::Id.is_in(&people));
    let mut able = Vec::new();
    for user in query
        .all(cx.db().rights())
        .await?
        .into_iter()
        .filter(|user| !user.is_suspended && !user.is_awaited)
    {
        let id = user.id.clone();
        if P::allowed(&person(cx.app(), user).await?, on) {
            able.push(id);
        }
    }
    Ok(people.into_iter().filter(|id| able.contains(id)).collect())
}

async fn with_all_rights(app: &App, user: User) -> Result<Person> {
    if user.is_suspended || user.is_awaited {
        return Err(Error::Unauthorized);
    }
    let db = app.db().rights();
    let organizations = membership::Entity::find()
        .filter(membership::Column::UserId.eq(&user.id))
        .filter(membership::Column::Status.eq(membership::Status::Active))
        .all(db)
        .await?
        .into_iter()
        .map(|membership| membership.organization_name)
        .collect::<Vec<_>>();
    let ids: Vec<TeamId> = team_membership::Entity::find()
        .filter(team_membership::Column::UserId.eq(&user.id))
        .all(db)
        .await?
        .into_iter()
        .map(|membership| membership.team_id)
        .collect();
    let teams = if ids.is_empty() {
        Vec::new()
    } else {
        team::Entity::find()
            .filter(team::Column::Id.is_in(ids))
            // Teams count only for those who have accepted their invitation.
            .filter(team::Column::OrganizationName.is_in(&organizations))
            .all(db)
            .await?
    };
    let limited = site_settings::current(app).await?.limit_user_organization_creation;
    let has_second_factor = user.second_factor_at.is_some();
    let mut person = Person {
        id: user.id,
        username: user.username,
        is_site_admin: user.is_site_admin,
        creates_organizations: user.is_site_admin || !limited,
        organizations,
        token_made_at: None,
        shut_out_of: Vec::new(),
        teams: rights_of(app, teams).await?,
        impersonated_by: None,
    };
    if !has_second_factor {
        let mandatory = CollaboratorAuthPolicy::TwoFactorMandatory;
        let asking = organization::Entity::find()
            .filter(organization::Column::Name.is_in(&person.organizations))
            .filter(organization::Column::CollaboratorAuthPolicy.eq(mandatory))
            .all(db)
            .await?;
        person.shut_out(asking.into_iter().map(|row| row.name).collect(), ShutOut::Proof);
    }
    Ok(person)
}

async fn rights_of(app: &App, teams: Vec<Team>) -> Result<Vec<TeamRights>> {
    let db = app.db().rights();
    // Owners may do everything, whatever rows there are.
    let ids: Vec<_> =
        teams.iter().filter(|team| !team.is_owners()).map(|team| team.id.clone()).collect();
    let mut projects: HashMap<TeamId, HashMap<_, _>> = HashMap::new();
    let mut workspaces: HashMap<TeamId, HashMap<_, _>> = HashMap::new();
    if !ids.is_empty() {
        for access in team_project::Entity::find()
            .filter(team_project::Column::TeamId.is_in(&ids))
            .all(db)
            .await?
        {
            let rights = ProjectRights::of_team(&access);
            projects.entry(access.team_id).or_default().insert(access.project_id, rights);
        }
        for access in team_workspace::Entity::find()
            .filter(team_workspace::Column::TeamId.is_in(&ids))
            .all(db)
            .await?
        {
            let rights = WorkspaceRights::of_team(&access);
            workspaces.entry(access.team_id).or_default().insert(access.workspace_id, rights);
        }
    }
    Ok(teams
        .into_iter()
        .map(|team| TeamRights {
            is_owners: team.is_owners(),
            projects: projects.remove(&team.id).unwrap_or_default(),
            workspaces: workspaces.remove(&team.id).unwrap_or_default(),
            access: team.organization_access.0,
            organization: team.organization_name,
            id: team.id,
        })
        .collect())
}

/// Says whether it was time to write it down.
async fn note_use(app: &App, token: &Token) -> Result<bool> {
    let now = app.now();
    if token.last_used_at.is_some_and(|at| now.0 - at.0 < USE_NOTED_EVERY_MS) {
        return Ok(false);
    }
    let tx = app.db().write().await?;
    let used = token::ActiveModel {
        id: ActiveValue::Unchanged(token.id.clone()),
        last_used_at: ActiveValue::Set(Some(now)),
        ..Default::default()
    };
    // The token may have been revoked a moment ago; then there is nothing to note.
    if let Err(error) = used.update(&*tx).await
        && !matches!(error, db::sea_orm::DbErr::RecordNotUpdated)
    {
        return Err(error.into());
    }
    tx.commit().await?;
    Ok(true)
}
