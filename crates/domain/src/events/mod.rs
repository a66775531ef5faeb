//! The one outbox. Whatever follows from what happened (messages, triggered runs, pages) is done by readers of the
//! events, each at its own pace; the code that lets things happen knows none of them.
//!
//! A reader's cursor moves in the transaction that does what an event asks for, so that each event is taken once; what
//! is to be done outside the database is left as a task by it. A cursor passes only numbers below which nothing can
//! come any more ([`db::Db::settled_events`]).

mod aside;
mod lag;
mod prune;

use db::{
    Locked,
    entity::{
        event::{self, Happened},
        event_reader,
    },
    sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect},
};
use futures::future::BoxFuture;

pub use aside::take_again;
pub(crate) use lag::behind;
pub use prune::prune;

use crate::{Ctx, Error, Result, Tx, parts::READERS, row::Event};

/// Somebody for whom events are read. Where its cursor begins stands in a migration.
pub(crate) struct Reader {
    /// Its cursor's.
    pub name: &'static str,
    /// What it is told of; the rest is passed over.
    pub wants: fn(Happened) -> bool,
    /// Takes what it wants when events are read anyway: nobody is woken for it.
    pub is_patient: bool,
    pub take: Take,
}

/// Does what follows from events, or leaves it for later.
pub(crate) enum Take {
    Each(for<'a> fn(&'a Tx, &'a Event) -> BoxFuture<'a, Result<()>>),
    /// Some at once, in their order: what it has to ask it asks once for all of them.
    Together(for<'a> fn(&'a Tx, &'a [Event]) -> BoxFuture<'a, Result<()>>),
}

/// Events that are taken in one transaction.
const AT_ONCE: u64 = 100;
/// A cursor is moved past so many events at the latest, even if there was nothing in them for its reader.
const PASSED_OVER: i64 = 1000;

/// Lets everybody take what they have not seen. Safe to repeat, and for several servers at once.
pub async fn read(cx: &Ctx) -> Result<()> {
    let settled = cx.db().settled_events().await?;
    // What goes wrong there goes wrong again where it is seen whose it is.
    let is_all = matches!(Box::pin(take_together(cx, settled)).await, Ok(true));
    for reader in READERS {
        let read = if is_all { Ok(()) } else { Box::pin(read_for(cx, reader, settled)).await };
        cx.troubles().settle("events", reader.name, read, cx.now());
    }
    Ok(())
}

/// Lets one of them take what it has not seen, for whoever is about to read what it makes of that.
pub(crate) async fn read_now(cx: &Ctx, reader: &Reader) -> Result<()> {
    let settled = cx.db().settled_events().await?;
    let read = Box::pin(read_for(cx, reader, settled)).await;
    cx.troubles().settle("events", reader.name, read, cx.now());
    Ok(())
}

/// What everybody has to take, in one transaction: nearly always an event or two that concern most readers. `true` where
/// that was all.
async fn take_together(cx: &Ctx, settled: i64) -> Result<bool> {
    let mut waited_for = Vec::new();
    for reader in READERS {
        match stand(cx, reader, settled).await? {
            Stand::New => return Ok(false),
            Stand::Nothing => {}
            Stand::Unread => waited_for.push(reader),
        }
    }
    if waited_for.is_empty() {
        return Ok(true);
    }
    let tx = cx.write().await?;
    let mut is_all = true;
    for reader in waited_for {
        match take_some(&tx, reader, settled, AT_ONCE).await {
            Ok(more) => is_all &= !more,
            Err(error) => {
                // Whoever takes them one by one needs the cursors.
                tx.roll_back().await;
                return Err(error);
            }
        }
    }
    tx.commit().await?;
    Ok(is_all)
}

/// Where a reader stands.
enum Stand {
    /// Without a cursor.
    New,
    Nothing,
    Unread,
}

/// Nearly always there is nothing, and then nothing is locked.
async fn stand(cx: &Ctx, reader: &Reader, settled: i64) -> Result<Stand> {
    let known = event_reader::Entity::find_by_id(reader.name).one(cx.read()).await?;
    let Some(known) = known else { return Ok(Stand::New) };
    let is_near = settled - known.number < PASSED_OVER;
    if is_near && unread(cx.read(), reader, known.number, settled, 1).await?.is_empty() {
        return Ok(Stand::Nothing);
    }
    Ok(Stand::Unread)
}

async fn read_for(cx: &Ctx, reader: &Reader, settled: i64) -> Result<()> {
    let mut at_once = AT_ONCE;
    loop {
        match step(cx, reader, settled, at_once).await {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            // One after the other shows which one it is.
            Err(_) if at_once > 1 => at_once = 1,
            Err(error) => {
                aside::put(cx, reader, settled, &error).await?;
                at_once = AT_ONCE;
            }
        }
    }
}

/// Takes some events; whether there may be more.
async fn step(cx: &Ctx, reader: &Reader, settled: i64, at_once: u64) -> Result<bool> {
    match stand(cx, reader, settled).await? {
        Stand::New => {
            begin(cx, reader, settled).await?;
            return Ok(false);
        }
        Stand::Nothing => return Ok(false),
        Stand::Unread => {}
    }
    let tx = cx.write().await?;
    match take_some(&tx, reader, settled, at_once).await {
        Ok(more) => {
            tx.commit().await?;
            Ok(more)
        }
        Err(error) => {
            // The next try needs the cursor.
            tx.roll_back().await;
            Err(error)
        }
    }
}

async fn take_some(tx: &Tx, reader: &Reader, settled: i64, at_once: u64) -> Result<bool> {
    // Whoever holds it takes the same events.
    let Some(mut cursor) = claim(tx, reader).await? else { return Ok(false) };
    let numbers = unread(tx.db(), reader, cursor.number, settled, at_once).await?;
    let last = numbers.last().copied().filter(|_| numbers.len() as u64 == at_once);
    cursor.number = last.unwrap_or_else(|| settled.max(cursor.number));
    take(tx, reader, &numbers).await?;
    tx.update(cursor).await?;
    Ok(last.is_some())
}

async fn claim(tx: &Tx, reader: &Reader) -> Result<Option<Locked<event_reader::Entity>>> {
    Ok(tx.claim(event_reader::Entity::find_by_id(reader.name)).await?.pop())
}

/// A reader that has no cursor begins with what happens from now on.
async fn begin(cx: &Ctx, reader: &Reader, settled: i64) -> Result<()> {
    let tx = cx.write().await?;
    let row = event_reader::Model { name: reader.name.to_owned(), number: settled };
    match tx.insert(row).await {
        Ok(_) => tx.commit().await,
        // Another server was faster.
        Err(db::Error::Taken(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The numbers of the first events that are for a reader. Not the events: one that cannot be read must not keep the
/// others from being found.
async fn unread(
    connection: &impl ConnectionTrait,
    reader: &Reader,
    after: i64,
    settled: i64,
    most: u64,
) -> Result<Vec<i64>> {
    let wanted = Happened::ALL.iter().filter(|happened| (reader.wants)(**happened));
    Ok(event::Entity::find()
        .select_only()
        .column(event::Column::Number)
        .filter(event::Column::Number.gt(after))
        .filter(event::Column::Number.lte(settled))
        .filter(event::Column::Action.is_in(wanted))
        .order_by_asc(event::Column::Number)
        .limit(most)
        .into_tuple()
        .all(connection)
        .await?)
}

async fn take(tx: &Tx, reader: &Reader, numbers: &[i64]) -> Result<()> {
    if numbers.is_empty() {
        return Ok(());
    }
    let events = event::Entity::find()
        .filter(event::Column::Number.is_in(numbers.iter().copied()))
        .order_by_asc(event::Column::Number)
        .all(tx.db())
        .await?;
    if events.len() < numbers.len() {
        return Err(Error::NotFound);
    }
    match reader.take {
        Take::Together(take) => take(tx, &events).await,
        Take::Each(take) => {
            for event in &events {
                take(tx, event).await?;
            }
            Ok(())
        }
    }
}
