//! Browsers: signed in by a password, known by a cookie of which only the hash is kept.

use db::{
    entity::{session, user},
    id::UserId,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::{
    attempts::{self, Origin, Place},
    authentication::person,
    passwords, users,
};
use crate::{App, Ctx, Error, Happened, Result, Tx};

/// Seconds until one has to sign in again.
pub const SESSION_LIFETIME_SECONDS: i64 = 14 * 24 * 60 * 60;

/// 256 bits.
const COOKIE_CHARACTERS: usize = 43;

/// A person who has just signed in.
#[derive(Debug)]
pub struct SignedIn {
    /// The cookie of the new session.
    pub session: SecretString,
    /// By which the browser is known the next time: see [`Origin`].
    pub known_browser: SecretString,
}

/// Signs a person in by username or e-mail.
///
/// # Errors
/// Unauthorized, whatever was wrong: the answer does not tell who has an account here.
pub async fn sign_in(
    app: &App,
    name: &str,
    password: SecretString,
    origin: &Origin,
) -> Result<SignedIn> {
    let user = users::by_name_or_email(app, name).await?;
    let place = user.as_ref().map(|user| origin.place(app, &user.id));
    let user = passwords::prove(app, user, place.as_ref(), password).await?;
    let user = user.ok_or(Error::Unauthorized)?;
    let cx = Ctx::new(app.clone(), person(app, user.clone()).await?);
    let session = start(&cx, &user.id, place.as_ref()).await?;
    Ok(SignedIn { session, known_browser: attempts::known_browser(app, &user.id) })
}

/// A new session for a person who has proven to be that one, from that place.
pub(super) async fn start(cx: &Ctx, id: &UserId, place: Option<&Place>) -> Result<SecretString> {
    let cookie = crypto::random_secret(COOKIE_CHARACTERS);
    let tx = cx.write().await?;
    let user = tx.lock::<user::Entity>(id.clone()).await?.ok_or(Error::Unauthorized)?.into_inner();
    if let Some(place) = place {
        attempts::forgive(&tx, id, place).await?;
    }
    let now = tx.now();
    session::Entity::delete_many()
        .filter(session::Column::ExpiresAt.lte(now))
        .exec(tx.db())
        .await?;
    tx.insert(session::Model {
        hash: crypto::hash_token(cookie.expose_secret()),
        user_id: user.id.clone(),
        created_at: now,
        expires_at: now.plus_seconds(SESSION_LIFETIME_SECONDS),
    })
    .await?;
    tx.emit(Happened::SignedIn, users::subject(&user), json!({})).await?;
    tx.commit().await?;
    Ok(cookie)
}

/// Who is behind a session's cookie.
///
/// # Errors
/// Unauthorized if it is unknown or has ended, or if the person is suspended.
pub async fn person_by_session(app: &App, cookie: &str) -> Result<Ctx> {
    let session = session::Entity::find_by_id(crypto::hash_token(cookie))
        .one(app.db().read())
        .await?
        .filter(|session| session.expires_at > app.now())
        .ok_or(Error::Unauthorized)?;
    let user = user::Entity::find_by_id(session.user_id)
        .one(app.db().read())
        .await?
        .ok_or(Error::Unauthorized)?;
    Ok(Ctx::new(app.clone(), person(app, user).await?))
}

/// Ends a session. One that has already ended is fine.
pub async fn sign_out(app: &App, cookie: &str) -> Result<()> {
    let tx = app.anyone().write().await?;
    session::Entity::delete_by_id(crypto::hash_token(cookie)).exec(tx.db()).await?;
    tx.commit().await
}

/// Signs a person out everywhere.
pub(super) async fn end_all_of(tx: &Tx, user: &UserId) -> Result<()> {
    session::Entity::delete_many().filter(session::Column::UserId.eq(user)).exec(tx.db()).await?;
    Ok(())
}

/// A cookie for a browser that is not signed in, for its forms to be bound to.
pub fn fresh_cookie() -> SecretString {
    crypto::random_secret(COOKIE_CHARACTERS)
}

/// What the forms shown to the bearer of a cookie carry, so that no other site can send them. It does not lead
/// back to the cookie, nor is it what is kept of the cookie.
pub fn form_token(cookie: &str) -> String {
    crypto::hash_token(&format!("form of {cookie}"))
}

/// Whether a form was made for the bearer of this cookie.
pub fn form_token_matches(cookie: &str, token: &str) -> bool {
    crypto::constant_time_eq(form_token(cookie), token)
}
