//! Events that a reader cannot take now: set aside, and tried again by themselves, so that nothing waits behind them.

use db::{entity::task, id::TaskId};
use serde::{Deserialize, Serialize};

use super::{Reader, claim, take, unread};
use crate::{Ctx, Error, Result, parts::READERS, tasks};

pub(super) const TASK: &str = "event";

/// What is still to be taken, and by whom.
#[derive(Serialize, Deserialize)]
struct Aside {
    reader: String,
    number: i64,
}

/// Sets the first event aside that a reader has not passed.
pub(super) async fn put(cx: &Ctx, reader: &Reader, settled: i64, why: &Error) -> Result<()> {
    let tx = cx.write().await?;
    let Some(mut cursor) = claim(&tx, reader).await? else { return Ok(()) };
    let first = unread(tx.db(), reader, cursor.number, settled, 1).await?;
    let Some(number) = first.first().copied() else { return Ok(()) };
    tracing::warn!(reader = reader.name, number, "an event is set aside: {}", why.chain());
    tx.later(TASK, Aside { reader: reader.name.to_owned(), number }).await?;
    cursor.number = number;
    tx.update(cursor).await?;
    tx.commit().await
}

/// The number of an event that was set aside.
pub(super) fn number_of(task: &task::Model) -> Option<i64> {
    task.payload["number"].as_i64()
}

/// Tries again what was set aside.
pub async fn take_again(cx: &Ctx) -> Result<()> {
    for task in tasks::claim(cx, TASK).await? {
        let taken = match serde_json::from_value::<Aside>(task.payload.0.clone()) {
            Ok(aside) => Box::pin(again(cx, &task.id, aside)).await.map_err(|error| error.chain()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(why) = taken {
            tasks::settle(cx, &task, Err(why), None).await?;
        }
    }
    Ok(())
}

/// In one transaction with its task, so that it is taken once.
async fn again(cx: &Ctx, task: &TaskId, aside: Aside) -> Result<()> {
    let tx = cx.write().await?;
    if tasks::strike_off(&tx, task).await?
        && let Some(reader) = READERS.iter().find(|reader| reader.name == aside.reader)
    {
        take(&tx, reader, &[aside.number]).await?;
    }
    tx.commit().await
}
