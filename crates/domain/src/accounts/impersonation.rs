//! Looking at the server as somebody else: an administrator of the site, in one browser, for an hour at most, and for a
//! reason. They can do what that person can, apart from what is the person's own account, and whatever is done then is
//! told of both.

use db::{
    entity::{session, user},
    id::UserId,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter},
};
use serde_json::json;

use super::{authentication::person, users::subject};
use crate::{
    Actor, App, Ctx, Error, Granted, Happened, In, Result, Site,
    access::Impersonator,
    can, free_text,
    row::{Session, User},
};

/// After which it ends by itself.
const SECONDS: i64 = 60 * 60;

/// Characters.
const REASON_LIMIT: usize = 500;

/// Begins it in the caller's session.
///
/// # Errors
/// Invalid without a reason; Forbidden for administrators of the site, whose rights are not those of one who has none;
/// Conflict for oneself, for an account that lets nobody in, and for whoever came by a token.
pub async fn impersonate(
    cx: &Ctx,
    user: &Granted<can::ManageSite, In<User, Site>>,
    reason: &str,
) -> Result<()> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(Error::invalid("reason", "can't be blank"));
    }
    free_text::line("reason", reason, REASON_LIMIT)?;
    let session = cx.session().ok_or_else(|| {
        Error::conflict("Somebody else can be impersonated in a browser's session only.")
    })?;
    let tx = cx.write().await?;
    let user = tx.lock::<user::Entity>(user.id.clone()).await?.ok_or(Error::NotFound)?;
    may_be_impersonated(cx, &user)?;
    let mut row =
        tx.lock::<session::Entity>(session.to_owned()).await?.ok_or(Error::Unauthorized)?;
    let until = tx.now().plus_seconds(SECONDS);
    row.impersonated_id = Some(user.id.clone());
    row.impersonated_until = Some(until);
    row.impersonation_reason = Some(reason.to_owned());
    tx.update(row).await?;
    let detail = json!({ "username": user.username, "reason": reason, "until": until });
    tx.emit(Happened::ImpersonationBegun, subject(&user), detail).await?;
    tx.commit().await
}

fn may_be_impersonated(cx: &Ctx, user: &User) -> Result<()> {
    if cx.actor().is_user(&user.id) {
        return Err(Error::conflict("You are this person already."));
    }
    if user.is_site_admin {
        return Err(Error::Forbidden("Administrators of the site cannot be impersonated.".into()));
    }
    if user.is_suspended || user.is_awaited {
        return Err(Error::conflict("This account lets nobody in."));
    }
    Ok(())
}

/// Ends it: the session is the administrator's again.
pub async fn end_impersonation(cx: &Ctx, _site: &Granted<can::EndImpersonation>) -> Result<()> {
    let session = cx.session().ok_or(Error::NotFound)?.to_owned();
    let tx = cx.write().await?;
    let mut row = tx.lock::<session::Entity>(session).await?.ok_or(Error::Unauthorized)?;
    let Some(id) = row.impersonated_id.take() else { return Err(Error::NotFound) };
    row.impersonated_until = None;
    let reason = row.impersonation_reason.take();
    tx.update(row).await?;
    let user = user::Entity::find_by_id(id).one(tx.db()).await?.ok_or(Error::NotFound)?;
    let detail = json!({ "username": user.username, "reason": reason });
    tx.emit(Happened::ImpersonationEnded, subject(&user), detail).await?;
    tx.commit().await
}

/// Whom a session is somebody else's as, if it is: both are looked at anew each time.
pub(super) async fn of_session(app: &App, session: &Session, own: &Actor) -> Result<Option<Actor>> {
    let (Some(id), Some(until), Some(own)) =
        (&session.impersonated_id, session.impersonated_until, own.person())
    else {
        return Ok(None);
    };
    if until <= app.now() || !own.is_site_admin {
        return Ok(None);
    }
    let user = user::Entity::find_by_id(id.clone()).one(app.db().read()).await?;
    let Some(user) = user.filter(|user| !user.is_site_admin) else { return Ok(None) };
    let Actor::User(mut person) = (match person(app, user).await {
        Ok(actor) => actor,
        // It lets nobody in any more.
        Err(Error::Unauthorized) => return Ok(None),
        Err(other) => return Err(other),
    }) else {
        return Ok(None);
    };
    person.impersonated_by = Some(Impersonator {
        id: own.id.clone(),
        username: own.username.clone(),
        reason: session.impersonation_reason.clone().unwrap_or_default(),
        until,
    });
    Ok(Some(Actor::User(person)))
}

/// Somebody as somebody else, for what was asked for then.
///
/// # Errors
/// Unauthorized once it is over.
pub(super) async fn while_it_lasts(app: &App, who: &UserId, by: &UserId) -> Result<Ctx> {
    let db = app.db().read();
    let sessions = session::Entity::find()
        .filter(session::Column::UserId.eq(by))
        .filter(session::Column::ImpersonatedId.eq(who))
        .filter(session::Column::ExpiresAt.gt(app.now()))
        .all(db)
        .await?;
    let own = user::Entity::find_by_id(by.clone()).one(db).await?.ok_or(Error::Unauthorized)?;
    let own = person(app, own).await?;
    for session in sessions {
        if let Some(actor) = of_session(app, &session, &own).await? {
            return Ok(Ctx::in_session(app.clone(), actor, &session.hash));
        }
    }
    Err(Error::Unauthorized)
}
