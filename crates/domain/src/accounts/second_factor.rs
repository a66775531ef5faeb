//! A second factor: codes of an authenticator (TOTP, RFC 6238), and for the day on which it is lost codes to recover with.

use db::{
    entity::{recovery_code, second_factor, user},
    id::UserId,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use totp_rs::{Builder, Totp};

use super::{
    attempts::{self, Place},
    passwords::prove,
    users::subject,
};
use crate::{App, Ctx, Error, Granted, Happened, Result, Timestamp, Tx, can, row::User};

const SEALED: &str = "second_factors.secret";
/// Characters of 62: 142 bits.
const SECRET_CHARACTERS: usize = 24;
const RECOVERY_CODES: usize = 10;
/// 71 bits each.
const RECOVERY_CHARACTERS: usize = 12;

/// What is given to an authenticator.
#[derive(Debug)]
pub struct Offer {
    /// As people type it.
    pub secret: SecretString,
    /// `otpauth://…`
    pub address: SecretString,
}

/// Offers a second factor to oneself; it counts once a code of it was shown. An offer before this one is void.
///
/// # Errors
/// Conflict for whoever has one already.
pub async fn offer_second_factor(cx: &Ctx, own: &Granted<can::UseAccount>) -> Result<Offer> {
    let user = super::users::own(cx, own).await?;
    let tx = cx.write().await?;
    let user = tx.lock::<user::Entity>(user.id).await?.ok_or(Error::NotFound)?.into_inner();
    if user.second_factor_at.is_some() {
        return Err(Error::conflict("You have a second factor. Remove it first."));
    }
    second_factor::Entity::delete_by_id(user.id.clone()).exec(tx.db()).await?;
    let secret = crypto::random_secret(SECRET_CHARACTERS);
    let sealed = cx.keyring().seal(SEALED, user.id.as_str(), secret.expose_secret().as_bytes());
    let offer = offer_of(cx, &user, &secret)?;
    let row = second_factor::Model {
        user_id: user.id,
        secret: sealed,
        used_step: 0,
        created_at: tx.now(),
    };
    tx.insert(row).await?;
    tx.commit().await?;
    Ok(offer)
}

/// The offer that waits for its first code, if there is one.
pub async fn offered_second_factor(
    cx: &Ctx,
    own: &Granted<can::UseAccount>,
) -> Result<Option<Offer>> {
    let user = super::users::own(cx, own).await?;
    if user.second_factor_at.is_some() {
        return Ok(None);
    }
    let row = second_factor::Entity::find_by_id(user.id.clone()).one(cx.read()).await?;
    let Some(row) = row else { return Ok(None) };
    let secret = cx.keyring().open_text(SEALED, user.id.as_str(), &row.secret)?;
    offer_of(cx, &user, &secret).map(Some)
}

/// Takes the offer up, by a first code of it; from here on signing in asks for one. Answers the codes to recover with,
/// this once.
///
/// # Errors
/// Invalid for a wrong code; Conflict if nothing was offered.
pub async fn confirm_second_factor(
    cx: &Ctx,
    own: &Granted<can::UseAccount>,
    code: &str,
) -> Result<Vec<SecretString>> {
    let user = super::users::own(cx, own).await?;
    let tx = cx.write().await?;
    let mut user = tx.lock::<user::Entity>(user.id).await?.ok_or(Error::NotFound)?;
    let offered = tx.lock::<second_factor::Entity>(user.id.clone()).await?;
    let Some(mut row) = offered.filter(|_| user.second_factor_at.is_none()) else {
        return Err(Error::conflict("No second factor was offered to you. Begin anew."));
    };
    let Some(step) = step_of(cx, &row, code, tx.now())? else {
        return Err(Error::invalid("code", "is not the one that the authenticator shows now"));
    };
    row.used_step = step;
    tx.update(row).await?;
    user.second_factor_at = Some(tx.now());
    let user = tx.update(user).await?;
    let codes = new_recovery_codes(&tx, &user.id).await?;
    tx.emit(Happened::SecondFactorAdded, subject(&user), json!({})).await?;
    tx.commit().await?;
    Ok(codes)
}

/// Signs in by the password alone again.
///
/// # Errors
/// Invalid if the password is wrong.
pub async fn remove_second_factor(
    cx: &Ctx,
    own: &Granted<can::UseAccount>,
    password: SecretString,
) -> Result<User> {
    let user = super::users::own(cx, own).await?;
    let id = user.id.clone();
    if prove(cx.app(), Some(user), Some(&Place::Oneself), password).await?.is_none() {
        let why = "is not correct; after several wrong ones, wait a minute";
        return Err(Error::invalid("password", why));
    }
    remove(cx, &id, Some(&Place::Oneself)).await
}

/// For the site's administrators: somebody has lost authenticator and codes.
///
/// # Errors
/// BadRequest for who has none.
pub async fn take_second_factor(
    cx: &Ctx,
    _site: &Granted<can::ManageSite>,
    id: &UserId,
) -> Result<User> {
    remove(cx, id, None).await
}

async fn remove(cx: &Ctx, id: &UserId, proven_at: Option<&Place>) -> Result<User> {
    let tx = cx.write().await?;
    let mut row = tx.lock::<user::Entity>(id.clone()).await?.ok_or(Error::NotFound)?;
    if row.second_factor_at.take().is_none() {
        return Err(Error::BadRequest("There is no second factor.".into()));
    }
    if let Some(place) = proven_at {
        attempts::forgive(&tx, id, place).await?;
    }
    let user = tx.update(row).await?;
    second_factor::Entity::delete_by_id(id.clone()).exec(tx.db()).await?;
    forget_recovery_codes(&tx, id).await?;
    tx.emit(Happened::SecondFactorRemoved, subject(&user), json!({})).await?;
    tx.commit().await?;
    Ok(user)
}

/// How many codes to recover with somebody has left.
pub async fn recovery_codes_left(cx: &Ctx, own: &Granted<can::UseAccount>) -> Result<u64> {
    use db::sea_orm::PaginatorTrait;
    let user = super::users::own(cx, own).await?;
    let left = recovery_code::Entity::find().filter(recovery_code::Column::UserId.eq(&user.id));
    Ok(left.count(cx.read()).await?)
}

/// Whether this is a code of theirs: of the authenticator, or one to recover with. Each is good once, and an attempt is
/// counted before it is looked at. The caller forgives the attempts when it uses the proof.
pub(super) async fn is_code_of(app: &App, id: &UserId, place: &Place, code: &str) -> Result<bool> {
    if !attempts::begin(app, id, place).await? {
        return Ok(false);
    }
    let tx = app.anyone().write().await?;
    let Some(user) = tx.lock::<user::Entity>(id.clone()).await? else { return Ok(false) };
    let Some(mut row) = tx.lock::<second_factor::Entity>(id.clone()).await? else {
        return Ok(false);
    };
    if let Some(step) = step_of(app, &row, code, tx.now())? {
        if step <= row.used_step {
            return Ok(false);
        }
        row.used_step = step;
        tx.update(row).await?;
        tx.commit().await?;
        return Ok(true);
    }
    let hash = crypto::hash_token(&plain(code));
    let spent = recovery_code::Entity::delete_by_id(hash)
        .filter(recovery_code::Column::UserId.eq(id))
        .exec(tx.db())
        .await?;
    if spent.rows_affected == 0 {
        return Ok(false);
    }
    tx.emit(Happened::RecoveryCodeUsed, subject(&user), json!({})).await?;
    tx.commit().await?;
    Ok(true)
}

async fn new_recovery_codes(tx: &Tx, id: &UserId) -> Result<Vec<SecretString>> {
    forget_recovery_codes(tx, id).await?;
    let mut codes = Vec::new();
    for _ in 0..RECOVERY_CODES {
        let code = crypto::random_secret(RECOVERY_CHARACTERS);
        let text = code.expose_secret();
        let hash = crypto::hash_token(text);
        tx.insert(recovery_code::Model { hash, user_id: id.clone() }).await?;
        codes.push(format!("{}-{}-{}", &text[..4], &text[4..8], &text[8..]).into());
    }
    Ok(codes)
}

async fn forget_recovery_codes(tx: &Tx, id: &UserId) -> Result<()> {
    let own = recovery_code::Entity::delete_many().filter(recovery_code::Column::UserId.eq(id));
    own.exec(tx.db()).await?;
    Ok(())
}

/// As people type it: in groups or not.
fn plain(code: &str) -> String {
    code.chars().filter(|c| !c.is_whitespace() && *c != '-').collect()
}

/// The half minute whose code this is, a neighbour of the present one at most.
fn step_of(
    app: &App,
    row: &second_factor::Model,
    code: &str,
    now: Timestamp,
) -> Result<Option<i64>> {
    let secret = app.keyring().open_text(SEALED, row.user_id.as_str(), &row.secret)?;
    let seconds = u64::try_from(now.0 / 1000).unwrap_or_default();
    let step = authenticator(&secret, None)?.check(&plain(code), seconds);
    Ok(step.and_then(|step| i64::try_from(step).ok()))
}

fn offer_of(app: &App, user: &User, secret: &SecretString) -> Result<Offer> {
    let issuer = app.settings().public_url.split("://").last().unwrap_or_default();
    let issuer = issuer.split([':', '/']).next().unwrap_or_default();
    let totp = authenticator(secret, Some((issuer, &user.username)))?;
    let address = totp.to_url().map_err(|error| Error::Internal(anyhow::anyhow!("{error}")))?;
    Ok(Offer { secret: totp.secret().to_base32().into(), address: address.into() })
}

/// With what all authenticators understand: SHA-1, six digits, half a minute.
fn authenticator(secret: &SecretString, names: Option<(&str, &str)>) -> Result<Totp> {
    let mut builder = Builder::new().with_secret(secret.expose_secret().as_bytes().to_vec());
    if let Some((issuer, account)) = names {
        builder = builder.with_issuer(Some(issuer)).with_account_name(account);
    }
    builder.build().map_err(|error| Error::Internal(anyhow::anyhow!("{error}")))
}
