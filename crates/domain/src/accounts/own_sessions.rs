//! The browsers in which one is signed in, to be looked at and ended.

use db::{
    entity::session,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder},
};

use crate::{Ctx, Error, Granted, Result, Timestamp, can};

/// A browser in which the caller is signed in.
#[derive(Clone, Debug)]
pub struct OwnSession {
    /// Names it, and lets nobody in.
    pub key: String,
    pub created_at: Timestamp,
    pub used_at: Timestamp,
    pub expires_at: Timestamp,
    /// The one that asks.
    pub is_this: bool,
}

/// What a session is called on a page; neither the cookie nor what is kept of it can be told from it.
fn key(hash: &str) -> String {
    crypto::hash_token(&format!("name of {hash}")).chars().take(16).collect()
}

/// Where the caller is signed in, the latest first; `cookie` is that of the browser that asks.
pub async fn own_sessions(
    cx: &Ctx,
    _own: &Granted<can::UseAccount>,
    cookie: &str,
) -> Result<Vec<OwnSession>> {
    let user = cx.actor().user_id().ok_or(Error::NotFound)?;
    let this = crypto::hash_token(cookie);
    let rows = session::Entity::find()
        .filter(session::Column::UserId.eq(user))
        .filter(session::Column::ExpiresAt.gt(cx.now()))
        .filter(session::Column::AwaitsCode.eq(false))
        .order_by_desc(session::Column::CreatedAt)
        .order_by_asc(session::Column::Hash)
        .all(cx.read())
        .await?;
    let shown = |row: session::Model| OwnSession {
        key: key(&row.hash),
        created_at: row.created_at,
        used_at: row.used_at,
        expires_at: row.expires_at,
        is_this: row.hash == this,
    };
    Ok(rows.into_iter().map(shown).collect())
}

/// Signs the caller out of one browser.
///
/// # Errors
/// NotFound where there is no such session of the caller's.
pub async fn end_session(cx: &Ctx, _own: &Granted<can::UseAccount>, named: &str) -> Result<()> {
    let user = cx.actor().user_id().ok_or(Error::NotFound)?;
    let tx = cx.write().await?;
    let rows =
        session::Entity::find().filter(session::Column::UserId.eq(user)).all(tx.db()).await?;
    let row = rows.into_iter().find(|row| key(&row.hash) == named).ok_or(Error::NotFound)?;
    session::Entity::delete_by_id(row.hash).exec(tx.db()).await?;
    tx.commit().await
}
