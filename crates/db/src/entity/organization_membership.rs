//! Who belongs to an organization.

use sea_orm::entity::prelude::*;

use crate::{
    Timestamp,
    column::words,
    id::{OrganizationMembershipId, UserId},
};

words! {
    Status { Invited = "invited", Active = "active", Inactive = "inactive" }
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "organization_memberships")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OrganizationMembershipId,
    pub organization_name: String,
    pub user_id: UserId,
    pub status: Status,
    pub created_at: Timestamp,
    /// How the organization knows the member: by which it invited them, or what they have confirmed.
    pub email: Option<String>,
    /// The address was shown to be the member's. Until then it counts for their invitation alone.
    pub is_proven: bool,
    /// How often they were invited: only the newest address that accepts is good.
    pub invitations: i64,
}

super::standalone!();
