//! The audit trail: who did what to which object, from where. Each event becomes an entry, chained to the one before it
//! by its hash, by whoever reads events for it: never in the transaction that changes something.

mod entry;
mod export;
mod verify;

use db::{
    entity::audit_entry as entries,
    page,
    sea_orm::{
        ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::SimpleExpr,
    },
};

pub use export::{line, tell};
pub use verify::{Verdict, verify};

use crate::{
    Ctx, Error, Granted, Page, Paging, Result, Timestamp, Tx, can,
    events::{self, Reader},
    organizations,
    row::{AuditEntry, Event},
};

pub(crate) const READER: Reader = Reader {
    name: "audit",
    wants: |_| true,
    is_patient: true,
    take: |tx, event| Box::pin(take(tx, event)),
};

/// Hex, before the first entry.
const BEGINNING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

async fn take(tx: &Tx, event: &Event) -> Result<()> {
    // Whoever takes events has the reader's cursor for itself, so nobody else adds to the chain.
    let last = entries::Entity::find().order_by_desc(entries::Column::Number).one(tx.db()).await?;
    let (number, before) = match &last {
        Some(last) => (last.number + 1, last.hash.as_str()),
        None => (1, BEGINNING),
    };
    let organization = match &event.organization_name {
        Some(name) => organizations::by_name(tx.cx(), name).await?.map(|row| row.id),
        None => None,
    };
    let body = entry::body(tx, event, organization.as_ref()).await?;
    tx.insert(AuditEntry {
        number,
        event_id: event.id.clone(),
        at: event.at,
        organization_id: organization,
        hash: verify::hash(before, number, &body),
        body,
    })
    .await?;
    Ok(())
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
