//! One of the networks of a list.

use sea_orm::entity::prelude::*;

use crate::{
    Timestamp,
    id::{CidrRangeId, CidrRangeListId},
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "cidr_ranges")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CidrRangeId,
    pub cidr_range_list_id: CidrRangeListId,
    /// As networks are written: no bits behind the prefix, IPv6 in small letters, in short.
    pub range: String,
    pub description: Option<String>,
    pub enabled: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

super::standalone!();
