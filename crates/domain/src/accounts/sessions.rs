//! Browsers: signed in by a password, known by a cookie of which only the hash is kept.

use db::{
    entity::{organization, session, user},
    id::UserId,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::ExprTrait},
};
use futures::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::{
    attempts::{self, Origin, Place},
    authentication::person,
    impersonation, passwords, second_factor, users,
};
use crate::{Actor, App, Ctx, Error, Happened, Result, Timestamp, Tx, row::Session};

/// Seconds until one has to sign in again.
pub const SESSION_LIFETIME_SECONDS: i64 = 14 * 24 * 60 * 60;

/// Seconds in which a code must follow the password.
const CODE_SECONDS: i64 = 10 * 60;

/// How often it is noted that a session is in use, in seconds: where somebody's organization ends idle ones, and else.
const NOTED_EVERY: (i64, i64) = (15, 60 * 60);

/// 256 bits.
const COOKIE_CHARACTERS: usize = 43;

/// A person who has just signed in.
#[derive(Debug)]
pub struct SignedIn {
    /// The cookie of the new session.
    pub session: SecretString,
    /// By which the browser is known the next time: see [`Origin`]. None while a code is still to come, by [`add_code`].
    pub known_browser: Option<SecretString>,
}

/// Whether a request says that somebody is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    ByPerson,
    /// A page that is open reads itself anew.
    ByItself,
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
    if user.second_factor_at.is_some() {
        let tx = cx.write().await?;
        let session = insert(&tx, &user.id, true).await?;
        tx.commit().await?;
        return Ok(SignedIn { session, known_browser: None });
    }
    let session = start(&cx, &user.id, place.as_ref()).await?;
    Ok(SignedIn { session, known_browser: Some(attempts::known_browser(app, &user.id)) })
}

/// Signs in who has given the password, by a code of the second factor; the session is a new one.
///
/// # Errors
/// Invalid for a wrong code; Unauthorized if no password came before, or too long ago.
pub async fn add_code(app: &App, cookie: &str, code: &str, origin: &Origin) -> Result<SignedIn> {
    let half = by_cookie(app, cookie).await?.filter(|session| session.awaits_code);
    let half = half.ok_or(Error::Unauthorized)?;
    let place = origin.place(app, &half.user_id);
    if !second_factor::is_code_of(app, &half.user_id, &place, code).await? {
        let why = "is not right, or was used before; after several wrong ones, wait a minute";
        return Err(Error::invalid("code", why));
    }
    let user = user::Entity::find_by_id(half.user_id).one(app.db().read()).await?;
    let user = user.ok_or(Error::Unauthorized)?;
    let id = user.id.clone();
    let cx = Ctx::new(app.clone(), person(app, user).await?);
    let session = start(&cx, &id, Some(&place)).await?;
    sign_out(app, cookie).await?;
    Ok(SignedIn { session, known_browser: Some(attempts::known_browser(app, &id)) })
}

/// A new session for a person who has proven to be that one, from that place.
pub(super) async fn start(cx: &Ctx, id: &UserId, place: Option<&Place>) -> Result<SecretString> {
    let tx = cx.write().await?;
    let user = tx.lock::<user::Entity>(id.clone()).await?.ok_or(Error::Unauthorized)?.into_inner();
    if let Some(place) = place {
        attempts::forgive(&tx, id, place).await?;
    }
    let cookie = insert(&tx, &user.id, false).await?;
    tx.emit(Happened::SignedIn, users::subject(&user), json!({})).await?;
    tx.commit().await?;
    Ok(cookie)
}

async fn insert(tx: &Tx, user: &UserId, awaits_code: bool) -> Result<SecretString> {
    let cookie = crypto::random_secret(COOKIE_CHARACTERS);
    let now = tx.now();
    session::Entity::delete_many()
        .filter(session::Column::ExpiresAt.lte(now))
        .exec(tx.db())
        .await?;
    let lifetime = if awaits_code { CODE_SECONDS } else { SESSION_LIFETIME_SECONDS };
    tx.insert(Session {
        hash: crypto::hash_token(cookie.expose_secret()),
        user_id: user.clone(),
        created_at: now,
        expires_at: now.plus_seconds(lifetime),
        used_at: now,
        awaits_code,
        impersonated_id: None,
        impersonated_until: None,
        impersonation_reason: None,
    })
    .await?;
    Ok(cookie)
}

async fn by_cookie(app: &App, cookie: &str) -> Result<Option<Session>> {
    by_hash(app, crypto::hash_token(cookie)).await
}

async fn by_hash(app: &App, hash: String) -> Result<Option<Session>> {
    let found = session::Entity::find_by_id(hash).one(app.db().read()).await?;
    Ok(found.filter(|session| session.expires_at > app.now()))
}

/// Who is behind a session's cookie.
///
/// # Errors
/// Unauthorized if it is unknown, waits for a code or has ended, by itself or by the rules of an organization that the
/// person belongs to; or if the person is suspended.
///
/// Boxed, as all pages await it.
pub fn person_by_session<'a>(app: &'a App, cookie: &'a str, by: Use) -> BoxFuture<'a, Result<Ctx>> {
    Box::pin(found_by_session(app, cookie, by))
}

async fn found_by_session(app: &App, cookie: &str, by: Use) -> Result<Ctx> {
    let (cx, session, limits) = going_on(app, by_cookie(app, cookie).await?).await?;
    if by == Use::ByPerson {
        note_use(app, session, limits).await?;
    }
    Ok(cx)
}

/// Who is in a session now, by the hash of its cookie.
///
/// # Errors
/// As [`person_by_session`].
pub(super) async fn of_hash(app: &App, hash: &str) -> Result<Ctx> {
    let (cx, ..) = going_on(app, by_hash(app, hash.to_owned()).await?).await?;
    Ok(cx)
}

async fn going_on(app: &App, session: Option<Session>) -> Result<(Ctx, Session, Limits)> {
    let session = session.filter(|session| !session.awaits_code).ok_or(Error::Unauthorized)?;
    let user = user::Entity::find_by_id(session.user_id.clone())
        .one(app.db().read())
        .await?
        .ok_or(Error::Unauthorized)?;
    let actor = person(app, user).await?;
    let limits = Limits::of(app, &actor).await?;
    if limits.ended(&session, app.now()) {
        return Err(Error::Unauthorized);
    }
    let actor = impersonation::of_session(app, &session, &actor).await?.unwrap_or(actor);
    Ok((Ctx::in_session(app.clone(), actor, &session.hash), session, limits))
}

/// What the organizations of a person say about their sessions, in seconds: the shortest of each counts.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// Without being used.
    idle: Option<i64>,
    /// In all.
    whole: Option<i64>,
}

impl Limits {
    async fn of(app: &App, actor: &Actor) -> Result<Self> {
        use organization::Column as C;
        let belongs_to = actor.person().into_iter().flat_map(|person| {
            let shut_out = person.shut_out_of.iter().map(|(name, _)| name);
            person.organizations.iter().chain(shut_out).map(String::as_str)
        });
        let limited = C::SessionTimeout.is_not_null().or(C::SessionRemember.is_not_null());
        let strict = organization::Entity::find()
            .filter(C::Name.is_in(belongs_to))
            .filter(limited)
            .all(app.db().read())
            .await?;
        let seconds = |minutes: Option<i64>| minutes.map(|minutes| minutes.saturating_mul(60));
        Ok(Self {
            idle: strict.iter().filter_map(|row| seconds(row.session_timeout)).min(),
            whole: strict.iter().filter_map(|row| seconds(row.session_remember)).min(),
        })
    }

    fn ended(self, session: &Session, now: Timestamp) -> bool {
        let since = |at: Timestamp| (now.0 - at.0) / 1000;
        self.idle.is_some_and(|idle| since(session.used_at) >= idle)
            || self.whole.is_some_and(|whole| since(session.created_at) >= whole)
    }
}

async fn note_use(app: &App, session: Session, limits: Limits) -> Result<()> {
    let every = if limits.idle.is_some() { NOTED_EVERY.0 } else { NOTED_EVERY.1 };
    if session.used_at.plus_seconds(every) > app.now() {
        return Ok(());
    }
    let tx = app.anyone().write().await?;
    if let Some(mut row) = tx.lock::<session::Entity>(session.hash).await? {
        row.used_at = tx.now();
        tx.update(row).await?;
        tx.commit().await?;
    }
    Ok(())
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
