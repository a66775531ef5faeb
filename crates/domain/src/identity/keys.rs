//! The keys that sign: the newest does, and those before it stay published until somebody trims them, so that what they
//! have signed can still be checked.

use crypto::IdentityKey;
use db::{
    entity::identity_key,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder},
};
use serde_json::json;

use crate::{Ctx, Error, Granted, Happened, Result, Subject, Tx, can};

/// Where private keys are sealed; part of what authenticates them.
const SEALED: &str = "identity_keys.private_key";

/// A key that tokens are checked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub kid: String,
    /// As in a JSON Web Key.
    pub n: String,
    pub e: String,
}

impl From<identity_key::Model> for Key {
    fn from(row: identity_key::Model) -> Self {
        Self { kid: row.kid, n: row.n, e: row.e }
    }
}

/// All keys, the newest first; at least one.
pub async fn published(cx: &Ctx) -> Result<Vec<Key>> {
    Ok(all(cx).await?.into_iter().map(Key::from).collect())
}

/// The key that signs now.
pub(super) async fn signing(cx: &Ctx) -> Result<IdentityKey> {
    let newest = all(cx).await?.into_iter().next().ok_or(Error::NotFound)?;
    Ok(IdentityKey::from_der(&cx.keyring().open(SEALED, &newest.kid, &newest.private_key)?)?)
}

/// Makes the first where there is none: of two servers that do so at once, both keys stay, and the newer signs.
async fn all(cx: &Ctx) -> Result<Vec<identity_key::Model>> {
    let rows = newest_first().all(cx.read()).await?;
    if !rows.is_empty() {
        return Ok(rows);
    }
    let key = generate().await?;
    let tx = cx.write().await?;
    add(&tx, &key).await?;
    tx.commit().await?;
    Ok(newest_first().all(cx.read()).await?)
}

fn newest_first() -> db::sea_orm::Select<identity_key::Entity> {
    let query = identity_key::Entity::find().order_by_desc(identity_key::Column::CreatedAt);
    query.order_by_desc(identity_key::Column::Kid)
}

/// A new key signs from now on.
pub async fn rotate(cx: &Ctx, _site: &Granted<can::ManageSite>) -> Result<()> {
    // What was published until now stays so, the first one too.
    all(cx).await?;
    let key = generate().await?;
    let tx = cx.write().await?;
    let kid = add(&tx, &key).await?;
    tx.emit(Happened::IdentityKeyRotated, subject(&kid), json!({})).await?;
    tx.commit().await
}

/// Only the key that signs is left: what others have signed is not believed any more.
pub async fn trim(cx: &Ctx, _site: &Granted<can::ManageSite>) -> Result<()> {
    let tx = cx.write().await?;
    let mut rows = newest_first().all(tx.db()).await?.into_iter();
    if let Some(kept) = rows.next() {
        let old: Vec<String> = rows.map(|row| row.kid).collect();
        identity_key::Entity::delete_many()
            .filter(identity_key::Column::Kid.is_in(&old))
            .exec(tx.db())
            .await?;
        tx.emit(Happened::IdentityKeysTrimmed, subject(&kept.kid), json!({ "removed": old }))
            .await?;
    }
    tx.commit().await
}

/// Apart from everything that waits: it takes a moment of a processor.
async fn generate() -> Result<IdentityKey> {
    let made = tokio::task::spawn_blocking(IdentityKey::generate).await;
    Ok(made.map_err(|error| Error::Internal(error.into()))??)
}

async fn add(tx: &Tx, key: &IdentityKey) -> Result<String> {
    let public = key.public();
    let kid = public.thumbprint();
    let newest = newest_first().one(tx.db()).await?;
    // Newer than all others, whatever the clock says.
    let created_at =
        newest.map_or(tx.now(), |row| tx.now().max(row.created_at.plus_milliseconds(1)));
    tx.insert(identity_key::Model {
        private_key: tx.cx().keyring().seal(SEALED, &kid, &key.to_der()?),
        kid: kid.clone(),
        n: public.n,
        e: public.e,
        created_at,
    })
    .await?;
    Ok(kid)
}

fn subject(kid: &str) -> Subject<'_> {
    Subject { kind: "identity-keys", id: kid, ..Subject::default() }
}
