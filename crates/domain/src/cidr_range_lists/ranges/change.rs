//! Adding ranges to a list, changing them, and taking them away.

use db::{
    Locked,
    entity::{cidr_range, cidr_range_list},
    id::{CidrRangeId, CidrRangeListId},
    sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter},
};
use serde_json::{Value, json};

use super::{Held, HeldList, network};
use crate::{
    Ctx, Error, Granted, Happened, Result, Subject, Timestamp, Tx, accounts, can,
    cidr_range_lists::DESCRIPTION_LIMIT, error::taken, free_text, row::CidrRange,
};

/// Of a list: each request may be compared with all of them.
const LIMIT: u64 = 500;

/// What can be given on create and changed later; absent fields keep their value, `Some(None)` empties.
#[derive(Debug, Default)]
pub struct Change {
    pub range: Option<String>,
    pub description: Option<Option<String>>,
    pub enabled: Option<bool>,
}

impl Change {
    fn apply(self, to: &mut CidrRange, now: Timestamp) -> Result<()> {
        if let Some(range) = self.range {
            to.range = network::checked(&range)?;
        }
        if let Some(description) = self.description {
            let text = description.as_deref().unwrap_or_default();
            free_text::prose("description", text, DESCRIPTION_LIMIT)?;
            to.description = description;
        }
        to.enabled = self.enabled.unwrap_or(to.enabled);
        to.updated_at = now;
        Ok(())
    }
}

/// Adds one to a list.
///
/// # Errors
/// Invalid for what is no network or is in the list already, and beyond 500 of them.
pub async fn create(
    cx: &Ctx,
    list: &Granted<can::ManageCidrRangeLists, HeldList>,
    change: Change,
) -> Result<CidrRange> {
    if change.range.is_none() {
        return Err(Error::invalid("range", "can't be blank"));
    }
    let tx = cx.write().await?;
    hold(&tx, &list.id).await?;
    let others =
        cidr_range::Entity::find().filter(cidr_range::Column::CidrRangeListId.eq(&list.id));
    if others.count(tx.db()).await? >= LIMIT {
        let why = format!("is one too many: a list has at most {LIMIT}");
        return Err(Error::invalid("range", why));
    }
    let mut new = CidrRange {
        id: CidrRangeId::fresh(),
        cidr_range_list_id: list.id.clone(),
        range: String::new(),
        description: None,
        enabled: true,
        created_at: tx.now(),
        updated_at: tx.now(),
    };
    change.apply(&mut new, tx.now())?;
    let row = tx.insert(new).await.map_err(taken("range"))?;
    let subject = subject(&row, &list.organization_name);
    tx.emit(Happened::CidrRangeCreated, subject, detail(&row)).await?;
    tx.commit().await?;
    Ok(row)
}

/// Changes what is given.
///
/// # Errors
/// As [`create`], and where it would shut the caller out.
pub async fn update(
    cx: &Ctx,
    held: &Granted<can::ManageCidrRangeLists, Held>,
    change: Change,
) -> Result<CidrRange> {
    let tx = cx.write().await?;
    let mut row = locked(&tx, held).await?;
    change.apply(&mut row, tx.now())?;
    let row = tx.update(row).await.map_err(taken("range"))?;
    accounts::can_come_back(&tx, "range").await?;
    tx.emit(Happened::CidrRangeUpdated, subject(&row, &held.of.name), detail(&row)).await?;
    tx.commit().await?;
    Ok(row)
}

/// Takes one away.
///
/// # Errors
/// Invalid where it would shut the caller out.
pub async fn delete(cx: &Ctx, held: &Granted<can::ManageCidrRangeLists, Held>) -> Result<()> {
    let tx = cx.write().await?;
    let row = locked(&tx, held).await?;
    tx.emit(Happened::CidrRangeDeleted, subject(&row, &held.of.name), detail(&row)).await?;
    tx.delete(row).await?;
    accounts::can_come_back(&tx, "range").await?;
    tx.commit().await
}

/// Holds a list, so that nobody else changes its ranges meanwhile.
async fn hold(tx: &Tx, list: &CidrRangeListId) -> Result<()> {
    tx.lock::<cidr_range_list::Entity>(list.clone()).await?.map(drop).ok_or(Error::NotFound)
}

async fn locked(tx: &Tx, held: &Held) -> Result<Locked<cidr_range::Entity>> {
    hold(tx, &held.cidr_range_list_id).await?;
    tx.lock::<cidr_range::Entity>(held.id.clone()).await?.ok_or(Error::NotFound)
}

fn subject<'a>(row: &'a CidrRange, organization: &'a str) -> Subject<'a> {
    Subject {
        kind: "cidr-ranges",
        id: row.id.as_str(),
        organization: Some(organization),
        ..Subject::default()
    }
}

fn detail(row: &CidrRange) -> Value {
    json!({
        "cidr_range_list": row.cidr_range_list_id, "range": row.range, "enabled": row.enabled,
    })
}
