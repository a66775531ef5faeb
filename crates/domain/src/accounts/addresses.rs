//! Addresses of people. One counts (in lookups, for signing in, for mail) once it is confirmed: by whoever reads its
//! mail, or by a site administrator. What somebody claims is kept apart, and nothing is found by it.

use db::{
    entity::{organization_membership as membership, user},
    id::UserId,
    sea_orm::{
        ColumnTrait, EntityTrait, QueryFilter,
        sea_query::{Expr, ExprTrait},
    },
};
use secrecy::SecretString;
use serde_json::json;

use super::users::{free, subject};
use crate::{
    App, Ctx, Error, Granted, Happened, Result, Tx, can, error::taken, letters, names, row::User,
    site_settings,
};

const PURPOSE: &str = "confirm-address";
const LIFETIME_MS: i64 = 3 * 24 * 60 * 60 * 1000;

pub(crate) fn check_email(email: &str) -> Result<()> {
    let parts = email.split_once('@');
    if email.contains(char::is_whitespace)
        || names::unclear(email, 254).is_some()
        || parts.is_none_or(|(name, host)| name.is_empty() || host.is_empty())
    {
        return Err(Error::invalid("email", "is not an e-mail address"));
    }
    Ok(())
}

/// Takes an address that somebody says is theirs. That of a site administrator counts at once; others are asked by mail.
pub(super) async fn claim(tx: &Tx, to: &mut User, email: &str) -> Result<()> {
    if to.email.as_deref() == Some(email) {
        to.unconfirmed_email = None;
        return Ok(());
    }
    if to.is_site_admin {
        return set_confirmed(tx, to, email).await;
    }
    to.unconfirmed_email = Some(email.to_owned());
    if site_settings::has_mail(tx.cx()).await? {
        letters::confirm(tx, &to.id, email).await?;
    }
    Ok(())
}

/// Organizations that knew somebody by the old address know them by the new one.
async fn set_confirmed(tx: &Tx, to: &mut User, email: &str) -> Result<()> {
    let known_by = membership::Column::Email;
    let known = match &to.email {
        Some(old) => known_by.eq(old).or(known_by.is_null()),
        None => known_by.is_null(),
    };
    membership::Entity::update_many()
        .col_expr(known_by, Expr::value(email.to_owned()))
        .filter(membership::Column::UserId.eq(&to.id))
        .filter(known)
        .exec(tx.db())
        .await?;
    to.email = Some(email.to_owned());
    to.unconfirmed_email = None;
    Ok(())
}

async fn confirm(tx: &Tx, id: &UserId, email: &str) -> Result<User> {
    let mut row = tx.lock::<user::Entity>(id.clone()).await?.ok_or(Error::NotFound)?;
    free(tx, None, Some(email), Some(id)).await?;
    set_confirmed(tx, &mut row, email).await?;
    let user = tx.update(row).await.map_err(taken("email"))?;
    tx.emit(Happened::EmailConfirmed, subject(&user), json!({ "email": email })).await?;
    Ok(user)
}

/// Somebody has shown, by a secret that was mailed there, that they read the mail of an address. It becomes theirs if
/// they claim it or have none, and if it is nobody else's.
pub(crate) async fn confirm_read_address(tx: &Tx, id: &UserId, email: &str) -> Result<()> {
    let row = user::Entity::find_by_id(id.clone()).one(tx.db()).await?.ok_or(Error::NotFound)?;
    let same = |own: &str| own.eq_ignore_ascii_case(email);
    let theirs = match &row.unconfirmed_email {
        Some(claimed) => same(claimed),
        None => row.email.is_none(),
    };
    if !theirs {
        return Ok(());
    }
    match free(tx, None, Some(email), Some(id)).await {
        Ok(()) => confirm(tx, id, email).await.map(drop),
        Err(Error::Taken { .. }) => Ok(()),
        Err(other) => Err(other),
    }
}

/// A site administrator says that the address that somebody claims is theirs.
///
/// # Errors
/// Conflict where nothing is claimed; taken where somebody else has the address.
pub async fn confirm_email(
    cx: &Ctx,
    _site: &Granted<can::ManageSite>,
    id: &UserId,
) -> Result<User> {
    let tx = cx.write().await?;
    let row = user::Entity::find_by_id(id.clone()).one(tx.db()).await?.ok_or(Error::NotFound)?;
    let Some(email) = row.unconfirmed_email else {
        return Err(Error::conflict("There is no address to be confirmed."));
    };
    let user = confirm(&tx, id, &email).await?;
    tx.commit().await?;
    Ok(user)
}

/// What is mailed to an address that somebody claims.
pub(crate) fn confirmation_link(app: &App, id: &UserId, email: &str) -> SecretString {
    let payload = format!("{id}:{email}");
    let secret = app.signer().sign(PURPOSE, &payload, app.now().0 + LIFETIME_MS);
    app.url(format_args!("/account/confirm-email/{secret}")).into()
}

/// The address that a mailed secret is about, for the person who claims it.
///
/// # Errors
/// NotFound for a secret that is forged, has expired, is for another account, or for what is claimed no more.
pub async fn claimed(cx: &Ctx, own: &Granted<can::UseAccount>, secret: &str) -> Result<String> {
    let app = cx.app();
    let payload = app.signer().verify(PURPOSE, secret, app.now().0).map_err(|_| Error::NotFound)?;
    let (id, email) = payload.split_once(':').ok_or(Error::NotFound)?;
    let user = super::users::own(cx, own).await?;
    if user.id.as_str() != id || user.unconfirmed_email.as_deref() != Some(email) {
        return Err(Error::NotFound);
    }
    Ok(email.to_owned())
}

/// Whoever claims an address, and reads its mail, has it.
///
/// # Errors
/// As [`claimed`]; taken where somebody else has the address by now.
pub async fn confirm_own_email(
    cx: &Ctx,
    own: &Granted<can::UseAccount>,
    secret: &str,
) -> Result<User> {
    let email = claimed(cx, own, secret).await?;
    let id = cx.actor().user_id().ok_or(Error::NotFound)?;
    let tx = cx.write().await?;
    let user = confirm(&tx, &id, &email).await?;
    tx.commit().await?;
    Ok(user)
}
