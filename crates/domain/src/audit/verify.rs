//! Whether the chain is whole: an entry that was changed, taken out or put in is found.

use db::{
    entity::{audit_entry as entries, event, event_reader},
    sea_orm::{
        ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter,
        sea_query::{Expr, ExprTrait, Query},
    },
};
use sha2::{Digest as _, Sha256};

use super::{BEGINNING, READER, after};
use crate::{Ctx, Result, row::AuditEntry};

/// Entries that are read at once.
const AT_ONCE: u64 = 1000;

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Entries that follow on each other from the first one on.
    pub whole: u64,
    /// The hash of the last of them. Noted outside, it shows later whether the end was cut off.
    pub head: String,
    /// The number of the first entry that does not follow, and why.
    pub broken: Option<(i64, &'static str)>,
    /// Events that should have an entry and have none.
    pub missing: u64,
}

impl Verdict {
    pub fn is_whole(&self) -> bool {
        self.broken.is_none() && self.missing == 0
    }
}

pub(super) fn hash(before: &str, number: i64, body: &str) -> String {
    hex::encode(Sha256::digest(format!("{before}\n{number}\n{body}")))
}

/// Reads all of it.
pub async fn verify(cx: &Ctx) -> Result<Verdict> {
    let (mut whole, mut number, mut head) = (0, 0, BEGINNING.to_owned());
    let mut broken = None;
    'chain: loop {
        let some = after(cx, number, AT_ONCE).await?;
        if some.is_empty() {
            break;
        }
        for entry in some {
            broken = fault(&entry, number, &head).map(|why| (entry.number, why));
            if broken.is_some() {
                break 'chain;
            }
            (whole, number, head) = (whole + 1, entry.number, entry.hash);
        }
    }
    Ok(Verdict { whole, head, broken, missing: missing(cx).await? })
}

fn fault(entry: &AuditEntry, before: i64, head: &str) -> Option<&'static str> {
    if entry.number != before + 1 {
        return Some("an entry before it is missing");
    }
    (entry.hash != hash(head, entry.number, &entry.body))
        .then_some("it is not what was written, or what stands before it is not")
}

/// Of the events that are still kept, and that the trail has passed.
async fn missing(cx: &Ctx) -> Result<u64> {
    let cursor = event_reader::Entity::find_by_id(READER.name).one(cx.read()).await?;
    let Some(cursor) = cursor else { return Ok(0) };
    let entry = Query::select()
        .expr(Expr::val(1))
        .from(entries::Entity)
        .and_where(
            Expr::col((entries::Entity, entries::Column::EventId))
                .equals((event::Entity, event::Column::Id)),
        )
        .to_owned();
    let events = event::Entity::find().filter(event::Column::Number.lte(cursor.number));
    Ok(events.filter(Expr::exists(entry).not()).count(cx.read()).await?)
}
