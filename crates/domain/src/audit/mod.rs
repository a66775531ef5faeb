//! The audit trail: who did what to which object, from where. Each event becomes an entry, chained to the one before it
//! by its hash, by whoever reads events for it: never in the transaction that changes something.

mod entry;
mod export;
mod verify;

use std::collections::{BTreeSet, HashMap};

use db::{
    entity::{audit_entry as entries, organization},
    id::OrganizationId,
    page,
    sea_orm::{
        ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
        sea_query::{Expr, ExprTrait, Func, SimpleExpr},
    },
};

pub use export::{line, tell};
pub use verify::{Verdict, verify};

use crate::{
    Ctx, Error, Granted, Page, Paging, Result, Timestamp, Tx, can,
    events::{self, Reader, Take},
    organizations,
    row::{AuditEntry, Event},
};

pub(crate) const READER: Reader = Reader {
    name: "audit",
    wants: |_| true,
    is_patient: true,
    take: Take::Together(|tx, events| Box::pin(take(tx, events))),
};

/// Hex, before the first entry.
const BEGINNING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

async fn take(tx: &Tx, events: &[Event]) -> Result<()> {
    // Whoever takes events has the reader's cursor for itself, so nobody else adds to the chain.
    let last = entries::Entity::find().order_by_desc(entries::Column::Number).one(tx.db()).await?;
    let (mut number, mut before) = match last {
        Some(last) => (last.number, last.hash),
        None => (0, BEGINNING.to_owned()),
    };
    let organizations = organizations(tx, events).await?;
    let names = entry::names(tx, events).await?;
    let mut new = Vec::with_capacity(events.len());
    for event in events {
        let organization = event.organization_name.as_ref();
        let organization = organization.and_then(|name| organizations.get(&name.to_lowercase()));
        let body = entry::body(event, organization, &names);
        number += 1;
        before = verify::hash(&before, number, &body);
        new.push(AuditEntry {
            number,
            event_id: event.id.clone(),
            at: event.at,
            organization_id: organization.cloned(),
            hash: before.clone(),
            body,
        });
    }
    Ok(db::insert_many::<_, entries::ActiveModel>(tx, new).await?)
}

/// Those that events name, by their names in small letters.
async fn organizations(tx: &Tx, events: &[Event]) -> Result<HashMap<String, OrganizationId>> {
    let named = events.iter().filter_map(|event| event.organization_name.as_ref());
    let named: BTreeSet<String> = named.map(|name| name.to_lowercase()).collect();
    let name = Expr::expr(Func::lower(Expr::col(organization::Column::Name)));
    let rows: Vec<(String, OrganizationId)> = organization::Entity::find()
        .select_only()
        .columns([organization::Column::Name, organization::Column::Id])
        .filter(name.is_in(named))
        .into_tuple()
        .all(tx.db())
        .await?;
    Ok(rows.into_iter().map(|(name, id)| (name.to_lowercase(), id)).collect())
}

/// Entries of the caller's organization after a moment, the newest first.
pub async fn of_own_organization(
    cx: &Ctx,
    _token: &Granted<can::ReadOwnAuditTrail>,
    since: Option<Timestamp>,
    paging: Paging,
) -> Result<Page<AuditEntry>> {
    let name = cx.actor().audit_scope().ok_or(Error::NotFound)?;
    events::read_now(cx, &READER).await?;
    let organization = organizations::by_name(cx, name).await?.ok_or(Error::NotFound)?;
    let mut query = entries::Entity::find()
        .filter(entries::Column::OrganizationId.eq(organization.id))
        .order_by_desc(entries::Column::At)
        .order_by_desc(entries::Column::Number);
    if let Some(since) = since {
        query = query.filter(entries::Column::At.gt(since));
    }
    Ok(page(cx.read(), query, paging).await?)
}

/// Entries of an organization in which this stands, the newest first; all of them without it.
pub async fn of_organization(
    cx: &Ctx,
    organization: &Granted<can::ReadAuditTrail>,
    text: Option<&str>,
    paging: Paging,
) -> Result<Page<AuditEntry>> {
    let own = entries::Column::OrganizationId.eq(&organization.id);
    newest(cx, own, text, paging).await
}

/// The same of what concerns no organization.
pub async fn of_site(
    cx: &Ctx,
    _site: &Granted<can::ManageSite>,
    text: Option<&str>,
    paging: Paging,
) -> Result<Page<AuditEntry>> {
    newest(cx, entries::Column::OrganizationId.is_null(), text, paging).await
}

async fn newest(
    cx: &Ctx,
    of: SimpleExpr,
    text: Option<&str>,
    paging: Paging,
) -> Result<Page<AuditEntry>> {
    events::read_now(cx, &READER).await?;
    let mut query = entries::Entity::find()
        .filter(of)
        .order_by_desc(entries::Column::At)
        .order_by_desc(entries::Column::Number);
    if let Some(text) = text {
        query = query.filter(db::contains(entries::Column::Body, text));
    }
    Ok(page(cx.read(), query, paging).await?)
}

/// Some entries behind a number, in their order; for the operator.
pub async fn after(cx: &Ctx, number: i64, most: u64) -> Result<Vec<AuditEntry>> {
    let query = entries::Entity::find().filter(entries::Column::Number.gt(number));
    let query = query.order_by_asc(entries::Column::Number).limit(most);
    Ok(query.all(cx.read()).await?)
}
