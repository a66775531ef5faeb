//! Which of several servers keeps house, which is to do what only one should: for as long as it is heard of, and then
//! another one.

use db::{entity::lease, sea_orm::EntityTrait};

use crate::{App, Ctx, Result, Timestamp};

const NAME: &str = "house";
/// How long a server that is not heard of keeps house. It says so more often.
const SECONDS: i64 = 30;

/// Until when this server knows that it keeps house.
#[derive(Debug, Default)]
pub(crate) struct Kept(std::sync::atomic::AtomicI64);

/// Whether this server is the one. Of a database in a file there is no other.
pub fn is_here(app: &App) -> bool {
    use std::sync::atomic::Ordering;
    !app.db().is_postgres() || app.now() < Timestamp(app.kept().0.load(Ordering::Acquire))
}

/// Goes on keeping house, or begins to when nobody does.
pub async fn renew(cx: &Ctx) -> Result<()> {
    if !cx.db().is_postgres() {
        return Ok(());
    }
    // Known to be ours for no longer than others believe it: from before it was asked.
    let until = cx.now().plus_seconds(SECONDS);
    let tx = cx.write().await?;
    let Some(mut row) = tx.claim(lease::Entity::find_by_id(NAME)).await?.pop() else {
        return Ok(());
    };
    let own = Some(cx.server().clone());
    if row.server != own {
        if tx.now() < row.until {
            note(cx, Timestamp::default());
            // Whoever keeps house must not find the row taken.
            tx.roll_back().await;
            return Ok(());
        }
        tracing::info!("this server keeps house now");
    }
    row.server = own;
    row.until = until;
    tx.update(row).await?;
    tx.commit().await?;
    note(cx, until);
    Ok(())
}

/// Leaves it to the next one, at once.
pub async fn leave(cx: &Ctx) -> Result<()> {
    if !cx.db().is_postgres() {
        return Ok(());
    }
    note(cx, Timestamp::default());
    let tx = cx.write().await?;
    if let Some(mut row) = tx.lock::<lease::Entity>(NAME.to_owned()).await?
        && row.server.as_ref() == Some(cx.server())
    {
        row.until = tx.now();
        tx.update(row).await?;
        tx.commit().await?;
    }
    Ok(())
}

fn note(app: &App, until: Timestamp) {
    app.kept().0.store(until.0, std::sync::atomic::Ordering::Release);
}
