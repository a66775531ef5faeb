//! Passwords: hashed and compared beside the requests, a few at a time, and guessed only slowly.

use db::entity::user;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use super::users::subject;
use crate::{App, Ctx, Error, Granted, Result, can, row::User};

/// Argon2 takes 19 MiB each time: a crowd at the sign-in page must not take all of the memory.
static AT_ONCE: Semaphore = Semaphore::const_new(4);

/// Attempts without success until one has to wait.
const FREE_ATTEMPTS: i64 = 5;
/// How long one has to wait for the next attempt then.
const WAIT_SECONDS: i64 = 60;
/// After so long without an attempt, the count starts anew.
const FORGIVEN_AFTER_SECONDS: i64 = 15 * 60;

const MIN_CHARACTERS: usize = 10;
/// Nobody types more; hashing it would only cost time.
const MAX_BYTES: usize = 1024;

/// What is kept of a password.
///
/// # Errors
/// Invalid for one that is too short or far too long.
pub(crate) async fn hash_password(password: SecretString) -> Result<String> {
    let text = password.expose_secret();
    if text.chars().count() < MIN_CHARACTERS {
        return Err(Error::invalid("password", "is too short (minimum is 10 characters)"));
    }
    if text.len() > MAX_BYTES {
        return Err(Error::invalid("password", "is too long (maximum is 1024 bytes)"));
    }
    beside(move || crypto::hash_password(password.expose_secret())).await
}

/// The user, if this is the password; counted as an attempt before it is looked at, so that guesses made side by
/// side do not slip through. Takes as long for users who do not exist.
///
/// The caller forgives the attempts with [`forgive`] in the transaction that uses the proof.
pub(super) async fn prove(
    app: &App,
    user: Option<User>,
    password: SecretString,
) -> Result<Option<User>> {
    if password.expose_secret().len() > MAX_BYTES {
        return Ok(None);
    }
    let allowed = match &user {
        Some(user) => attempt(app, user).await?,
        None => false,
    };
    let hash = user.as_ref().filter(|_| allowed).and_then(|user| user.password_hash.clone());
    let right = beside(move || match hash {
        Some(hash) => crypto::verify_password(password.expose_secret(), &hash),
        None => Ok(crypto::verify_nothing(password.expose_secret())),
    })
    .await?;
    Ok(user.filter(|user| right && !user.is_suspended))
}

/// Whether another attempt is allowed now; it is counted.
async fn attempt(app: &App, user: &User) -> Result<bool> {
    let tx = app.anyone().write().await?;
    let Some(mut row) = tx.lock::<user::Entity>(user.id.clone()).await? else { return Ok(false) };
    let since = tx.now().0 - row.sign_in_attempted_at.0;
    if since > FORGIVEN_AFTER_SECONDS * 1000 {
        row.sign_in_attempts = 0;
    }
    if row.sign_in_attempts >= FREE_ATTEMPTS && since < WAIT_SECONDS * 1000 {
        return Ok(false);
    }
    row.sign_in_attempts += 1;
    row.sign_in_attempted_at = tx.now();
    tx.update(row).await?;
    tx.commit().await?;
    Ok(true)
}

/// Forgets the attempts, once one has succeeded.
pub(super) fn forgive(user: &mut User) {
    user.sign_in_attempts = 0;
}

async fn beside<T: Send + 'static>(
    work: impl FnOnce() -> crypto::Result<T> + Send + 'static,
) -> Result<T> {
    let _turn = AT_ONCE.acquire().await.expect("nobody closes this semaphore");
    Ok(tokio::task::spawn_blocking(work).await.map_err(|error| Error::Internal(error.into()))??)
}

/// Changes one's own password; whoever is signed in with the old one has to sign in again.
///
/// # Errors
/// Invalid if the current one is wrong, or has been guessed too often just now.
pub async fn change_password(
    cx: &Ctx,
    _site: &Granted<can::UseAccount>,
    current: SecretString,
    new: SecretString,
) -> Result<User> {
    let id = cx.actor().user_id().ok_or(Error::NotFound)?;
    let user = super::users::by_id(cx, &id).await?;
    if prove(cx.app(), user, current).await?.is_none() {
        return Err(Error::invalid(
            "current-password",
            "is not correct; after several wrong ones, wait a minute",
        ));
    }
    set_password(cx, &id, new).await
}

/// For the site's administrators: a new password for somebody, who is signed out everywhere.
pub async fn reset_password(
    cx: &Ctx,
    _site: &Granted<can::ManageSite>,
    user: &crate::id::UserId,
    new: SecretString,
) -> Result<User> {
    set_password(cx, user, new).await
}

async fn set_password(cx: &Ctx, id: &crate::id::UserId, new: SecretString) -> Result<User> {
    let hash = hash_password(new).await?;
    let tx = cx.write().await?;
    let mut row = tx.lock::<user::Entity>(id.clone()).await?.ok_or(Error::NotFound)?;
    row.password_hash = Some(hash);
    forgive(&mut row);
    let user = tx.update(row).await?;
    super::sessions::end_all_of(&tx, id).await?;
    tx.emit("password_changed", subject(&user), serde_json::json!({})).await?;
    tx.commit().await?;
    Ok(user)
}
