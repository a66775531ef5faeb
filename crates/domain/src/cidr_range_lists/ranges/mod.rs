//! The networks of a list. Those that are switched off let nobody in.

mod change;
mod list;
mod network;

use db::{
    entity::{cidr_range, cidr_range_list},
    id::CidrRangeId,
};

pub use change::{Change, create, delete, update};
pub use list::{list, load};

use super::Held as HeldList;
use crate::{
    Ctx, Error, Found, In, Result, organizations,
    row::{CidrRange, Organization},
};

/// A range, with its organization.
pub type Held = In<CidrRange, Organization>;

/// One, with its organization.
pub async fn find(cx: &Ctx, id: &CidrRangeId) -> Result<Found<Held>> {
    let row = cx.row::<cidr_range::Entity>(id).await?;
    let list = cx.row::<cidr_range_list::Entity>(&row.cidr_range_list_id).await?;
    let of = organizations::by_name(cx, &list.organization_name).await?;
    Ok(Found::new(In { row, of: of.ok_or(Error::NotFound)? }))
}
