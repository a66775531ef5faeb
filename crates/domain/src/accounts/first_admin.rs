//! The first start: how an installation without people gets its first administrator, exactly once.

use db::{
    entity::{site_setting, user},
    sea_orm::{EntityTrait, PaginatorTrait},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::{
    sessions,
    tokens::{MintedToken, keep_for_user, mint_for_user},
    users::{self, NewUser},
};
use crate::{App, Ctx, Error, Happened, Result, Tx, row::User};

const PURPOSE: &str = "first-admin";
/// Until the address that the log showed no longer works; a restart shows a new one.
const OFFER_LIFETIME_MS: i64 = 24 * 60 * 60 * 1000;
/// The row that two racing transactions meet at.
const LATCH: &str = "first_admin";

/// Whether there are no people yet.
pub async fn is_empty(app: &App) -> Result<bool> {
    Ok(user::Entity::find().one(app.db().read()).await?.is_none())
}

/// On a database without people: `token` becomes the API token of the site admin `admin`, without an end. Otherwise
/// nothing happens, and the answer is `false`.
pub async fn bootstrap_with_token(app: &App, token: &SecretString) -> Result<bool> {
    if !is_empty(app).await? {
        return Ok(false);
    }
    let cx = app.system("first start");
    let tx = cx.write().await?;
    let admin = NewUser {
        username: "admin".into(),
        email: "admin@localhost".into(),
        password: None,
        is_site_admin: true,
    };
    match insert_first(&tx, admin.prepared().await?).await {
        Ok(user) => {
            let hash = crypto::hash_token(token.expose_secret());
            keep_for_user(&tx, &user.id, Some("STATEHOUSE_ADMIN_TOKEN".into()), None, hash).await?;
            tx.commit().await?;
            Ok(true)
        }
        // Another server was first.
        Err(Error::Conflict(_)) => Ok(false),
        Err(other) => Err(other),
    }
}

/// A path with a secret, where the first administrator can be made; `None` if there are people already.
///
/// The secret is signed rather than kept, so that several servers may each show one; the first use ends all of them.
pub async fn offer_first_admin(app: &App) -> Result<Option<String>> {
    Ok(offer(app).await?.map(|secret| format!("/admin/first/{}", secret.expose_secret())))
}

/// The same secret by itself: Terraform Enterprise's initial admin creation token.
pub async fn offer(app: &App) -> Result<Option<SecretString>> {
    if !is_empty(app).await? {
        return Ok(None);
    }
    let signed = app.signer().sign(PURPOSE, "", app.now().0 + OFFER_LIFETIME_MS);
    Ok(Some(signed.into()))
}

/// Proof that somebody was shown the secret, and that there were no people when it was looked at.
#[derive(Debug)]
pub struct Offer(());

/// # Errors
/// NotFound for a secret that is forged, has expired, or was used.
pub async fn accept_offer(app: &App, secret: &str) -> Result<Offer> {
    app.signer().verify(PURPOSE, secret, app.now().0).map_err(|_| Error::NotFound)?;
    if is_empty(app).await? { Ok(Offer(())) } else { Err(Error::NotFound) }
}

/// Makes the first administrator and signs the browser in; gives its cookie.
///
/// # Errors
/// Conflict for all but the first of those who race.
pub async fn create_first_admin(app: &App, _offer: &Offer, new: NewUser) -> Result<SecretString> {
    let cx = app.system("first admin");
    let prepared = new.prepared().await?;
    let tx = cx.write().await?;
    let user = insert_first(&tx, prepared).await?;
    tx.commit().await?;
    let cx = Ctx::new(app.clone(), super::authentication::person(app, user.clone()).await?);
    sessions::start(&cx, &user.id, None).await
}

/// Makes the first administrator with an API token, as Terraform Enterprise does for scripts.
///
/// # Errors
/// Conflict for all but the first of those who race.
pub async fn create_first_admin_token(
    app: &App,
    _offer: &Offer,
    new: NewUser,
) -> Result<MintedToken> {
    let cx = app.system("initial admin user");
    let prepared = new.prepared().await?;
    let tx = cx.write().await?;
    let user = insert_first(&tx, prepared).await?;
    let description = Some("initial admin user".to_owned());
    let minted = mint_for_user(&tx, &user.id, description, None, crypto::Token::mint()).await?;
    tx.commit().await?;
    Ok(minted)
}

/// Inserts the user if there is none. On PostgreSQL two transactions could both count nobody, so they first meet at
/// one row: the second to insert it fails, the second to lock it waits and then counts the first's user.
async fn insert_first(tx: &Tx, prepared: users::Prepared) -> Result<User> {
    let there_is_one = || Error::conflict("There is an administrator already.");
    if tx.lock::<site_setting::Entity>(LATCH.to_owned()).await?.is_none() {
        let latch = site_setting::Model {
            name: LATCH.into(),
            value: "made".into(),
            changed_at: Some(tx.now()),
            changed_by: None,
        };
        match tx.insert(latch).await {
            Err(db::Error::Taken(_)) => return Err(there_is_one()),
            other => other?,
        };
    }
    if user::Entity::find().count(tx.db()).await? > 0 {
        return Err(there_is_one());
    }
    let user = users::insert(tx, prepared).await?;
    tx.emit(Happened::FirstAdminCreated, users::subject(&user), json!({})).await?;
    Ok(user)
}
