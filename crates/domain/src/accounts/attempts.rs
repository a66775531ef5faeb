//! Guessing is slow: wrong passwords are counted for an account and where they come from. So nobody shuts out the person
//! whose account it is, who comes from elsewhere, or with a browser that has signed in before.

use std::net::IpAddr;

use db::{
    entity::{sign_in_attempt as attempt, user},
    id::UserId,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter},
};
use secrecy::{ExposeSecret, SecretString};

use crate::{App, Result, Tx};

/// Attempts without success, from one place, until one has to wait.
const FREE_ATTEMPTS: i64 = 5;
/// How long one has to wait for the next attempt then.
const WAIT_SECONDS: i64 = 60;
/// After so long without an attempt, the count starts anew.
const FORGIVEN_AFTER_SECONDS: i64 = 15 * 60;
/// Attempts from all places together, after which only browsers that are known may try.
const FREE_ATTEMPTS_OF_ALL: i64 = 100;

const PURPOSE: &str = "known-browser";
/// Seconds that a browser stays known after it has signed in.
pub const KNOWN_BROWSER_SECONDS: i64 = 90 * 24 * 60 * 60;

/// Where a password comes from.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    pub address: Option<IpAddr>,
    /// What [`known_browser`] gave to the browser when it signed in.
    pub known_browser: Option<String>,
}

/// A place from which the passwords of one account are tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Somebody signed in, who proves once more to be that person.
    Oneself,
    KnownBrowser(String),
    /// A provider gives each of its customers a whole network of the sixth version.
    Network(Option<IpAddr>),
}

impl Origin {
    pub(super) fn place(&self, app: &App, user: &UserId) -> Place {
        let known = self.known_browser.as_deref().and_then(|signed| {
            let payload = app.signer().verify(PURPOSE, signed, app.now().0).ok()?;
            let (id, browser) = payload.split_once(':')?;
            (id == user.as_str()).then(|| browser.to_owned())
        });
        match known {
            Some(browser) => Place::KnownBrowser(browser),
            None => Place::Network(self.address.map(network)),
        }
    }
}

/// Whose address it is: all of a network of the sixth version are one customer's.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            std::net::Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

impl Place {
    fn key(&self) -> String {
        match self {
            Self::Oneself => "oneself".to_owned(),
            Self::KnownBrowser(browser) => format!("browser {browser}"),
            Self::Network(Some(network)) => format!("network {network}"),
            Self::Network(None) => "network unknown".to_owned(),
        }
    }
}

/// For the browser that somebody has just signed in with, to be known by the next time.
pub fn known_browser(app: &App, user: &UserId) -> SecretString {
    let browser = crypto::random_secret(22);
    let payload = format!("{user}:{}", browser.expose_secret());
    app.signer().sign(PURPOSE, &payload, app.now().0 + KNOWN_BROWSER_SECONDS * 1000).into()
}

/// Whether another attempt is allowed now; it is counted, before the password is looked at, so that guesses made side by
/// side do not slip through.
pub(super) async fn begin(app: &App, id: &UserId, place: &Place) -> Result<bool> {
    let tx = app.anyone().write().await?;
    // Attempts made at the same time wait here.
    if tx.lock::<user::Entity>(id.clone()).await?.is_none() {
        return Ok(false);
    }
    let now = tx.now();
    let forgiven = now.plus_seconds(-FORGIVEN_AFTER_SECONDS);
    attempt::Entity::delete_many()
        .filter(attempt::Column::UserId.eq(id))
        .filter(attempt::Column::AttemptedAt.lt(forgiven))
        .exec(tx.db())
        .await?;
    let rows = attempt::Entity::find().filter(attempt::Column::UserId.eq(id)).all(tx.db()).await?;
    let key = place.key();
    let own = rows.iter().find(|row| row.origin == key);
    if own.is_some_and(|row| {
        row.attempts >= FREE_ATTEMPTS && row.attempted_at.plus_seconds(WAIT_SECONDS) > now
    }) {
        return Ok(false);
    }
    let of_networks = rows.iter().filter(|row| row.origin.starts_with("network "));
    let of_all: i64 = of_networks.map(|row| row.attempts).sum();
    if matches!(place, Place::Network(_)) && of_all >= FREE_ATTEMPTS_OF_ALL {
        return Ok(false);
    }
    if let Some(mut row) = tx.lock::<attempt::Entity>((id.clone(), key.clone())).await? {
        row.attempts += 1;
        row.attempted_at = now;
        tx.update(row).await?;
    } else {
        let user_id = id.clone();
        tx.insert(attempt::Model { user_id, origin: key, attempts: 1, attempted_at: now }).await?;
    }
    tx.commit().await?;
    Ok(true)
}

/// Forgets the attempts from a place, once one has succeeded.
pub(super) async fn forgive(tx: &Tx, id: &UserId, place: &Place) -> Result<()> {
    attempt::Entity::delete_by_id((id.clone(), place.key())).exec(tx.db()).await?;
    Ok(())
}

/// Forgets all of them: whoever guessed, guessed another password.
pub(super) async fn forget(tx: &Tx, id: &UserId) -> Result<()> {
    attempt::Entity::delete_many().filter(attempt::Column::UserId.eq(id)).exec(tx.db()).await?;
    Ok(())
}
