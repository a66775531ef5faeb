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

use super::{
    awaited::has_come,
    users::{free, subject},
};
use crate::{
    App, Ctx, Error, Granted, Happened, Result, Tx, can, error::taken, letters, row::User,
    site_settings,
};

const PURPOSE: &str = "confirm-address";
const LIFETIME_MS: i64 = 3 * 24 * 60 * 60 * 1000;

pub(crate) fn check_email(email: &str) -> Result<()> {
    check_address("email", email)
}

/// Refuses an attribute, named as on the wire, that is no address. Letters outside of ASCII are none: they look like
/// others, and mail servers that take them are few. A host's name has a form in ASCII (`xn--`).
pub(crate) fn check_address(attribute: &str, email: &str) -> Result<()> {
    if !email.is_ascii() {
        let why = "can only have ASCII letters (a host of others has a name that begins with xn--)";
        return Err(Error::invalid(attribute, why));
    }
    let is_address = email.len() <= 254
        && email.rsplit_once('@').is_some_and(|(name, host)| is_local_part(name) && is_host(host));
    if is_address { Ok(()) } else { Err(Error::invalid(attribute, "is not an e-mail address")) }
}

/// A dot-atom of RFC 5322, as everybody has it; what would have to be quoted nobody has.
fn is_local_part(name: &str) -> bool {
    let atom = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    name.len() <= 64 && name.split('.').all(|part| !part.is_empty() && part.bytes().all(atom))
}

fn is_host(host: &str) -> bool {
    let label = |label: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        (1..=63).contains(&label.len())
            && label.bytes().all(plain)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    host.split('.').all(label)
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

/// Organizations that knew somebody by the old address, or by none that was shown to be theirs, know them by the new one.
async fn set_confirmed(tx: &Tx, to: &mut User, email: &str) -> Result<()> {
    let known_by = membership::Column::Email;
    let unproven = known_by.is_null().or(membership::Column::IsProven.eq(false));
    let known = match &to.email {
        Some(old) => known_by.eq(old).or(unproven),
        None => unproven,
    };
    membership::Entity::update_many()
        .col_expr(known_by, Expr::value(email.to_owned()))
        .col_expr(membership::Column::IsProven, Expr::value(true))
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
    has_come(&row)?;
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
/// Conflict where nothing is claimed, and while the account waits for somebody; taken where somebody else has the address.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_mail_can_reach_and_people_can_read_is_an_address() {
        for good in [
            "ada@example.com",
            "a.b+c@x-y.example",
            "o'neill@mail.example",
            "admin@localhost",
            "x@xn--e1afmkfd.xn--p1ai",
        ] {
            assert!(check_email(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "nowhere",
            "@example.com",
            "ada@",
            "ada@@example.com",
            "a@b@example.com",
            "ada @example.com",
            "ada@exam ple.com",
            "ada@example..com",
            "ada@-x.example",
            ".ada@example.com",
            "ada.@example.com",
            "a..b@example.com",
            "ada@example.com\n",
            "ada\0@example.com",
            "\"a b\"@example.com",
            "ada@example.com,eve@example.com",
            "Ada <ada@example.com>",
            "\u{430}da@example.com",
            "ada@ex\u{430}mple.com",
            "adm\u{131}n@example.com",
            "ada\u{200b}@example.com",
        ] {
            let Err(Error::Invalid { pointer, .. }) = check_email(bad) else {
                panic!("{bad:?} is no address");
            };
            assert_eq!(pointer, "/data/attributes/email");
        }
        assert!(check_email(&format!("{}@example.com", "a".repeat(65))).is_err());
        assert!(check_email(&format!("a@{}", "example.".repeat(40) + "com")).is_err());
    }
}
