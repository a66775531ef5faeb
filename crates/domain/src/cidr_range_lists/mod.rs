//! From where organizations and their agent pools are reached: what pages call IP allow lists, and the API CIDR range
//! lists. Whom they keep out is decided where callers are let in (`accounts/fences.rs`).

mod agent_pools;
mod create;
mod delete;
mod details;
mod list;
pub mod ranges;
mod update;

use db::{
    entity::{
        cidr_range_list::{self, EnforcementScope},
        cidr_range_list_agent_pool as assignment, organization,
    },
    id::CidrRangeListId,
    sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter},
};
use serde_json::{Value, json};

pub use agent_pools::{assign, unassign};
pub use create::create;
pub use delete::delete;
pub use details::{Details, details};
pub use list::{list, load};
pub use ranges::load as load_ranges;
pub use update::update;

use crate::{
    Ctx, Error, Found, In, Result, Subject, Timestamp, Tx, free_text, names, organizations,
    row::{CidrRangeList, Organization},
};

/// Of an organization.
const LIMIT: u64 = 100;
/// Characters.
const NAME_LIMIT: usize = 255;
const DESCRIPTION_LIMIT: usize = 512;

/// A list, with its organization.
pub type Held = In<CidrRangeList, Organization>;

/// What can be given on create and changed later; absent fields keep their value.
#[derive(Debug, Default)]
pub struct Change {
    pub name: Option<String>,
    pub description: Option<String>,
    pub enforcement_scope: Option<EnforcementScope>,
}

impl Change {
    fn apply(self, to: &mut CidrRangeList, now: Timestamp) -> Result<()> {
        if let Some(name) = self.name {
            names::check_change("name", &name, &to.name, NAME_LIMIT)?;
            to.name = name;
        }
        if let Some(description) = self.description {
            free_text::prose("description", &description, DESCRIPTION_LIMIT)?;
            to.description = description;
        }
        to.enforcement_scope = self.enforcement_scope.unwrap_or(to.enforcement_scope);
        to.updated_at = now;
        Ok(())
    }
}

/// One, with its organization.
pub async fn find(cx: &Ctx, id: &CidrRangeListId) -> Result<Found<Held>> {
    organizations::find_in::<cidr_range_list::Entity>(cx, id, |row| &row.organization_name).await
}

/// Holds all lists of an organization, so that what was counted of them is still true when another row is in.
async fn hold_all(tx: &Tx, organization: &str) -> Result<()> {
    let name = organization.to_owned();
    tx.lock::<organization::Entity>(name).await?.map(drop).ok_or(Error::NotFound)
}

/// One list of an organization holds for all of it, as on HCP Terraform; of the others there may be several.
///
/// # Errors
/// Invalid for a second one.
async fn is_only_one(tx: &Tx, row: &CidrRangeList) -> Result<()> {
    use cidr_range_list::Column as C;
    if row.enforcement_scope != EnforcementScope::Organization {
        return Ok(());
    }
    let others = cidr_range_list::Entity::find()
        .filter(C::OrganizationName.eq(&row.organization_name))
        .filter(C::EnforcementScope.eq(EnforcementScope::Organization))
        .filter(C::Id.ne(&row.id));
    if others.count(tx.db()).await? > 0 {
        let why = "is taken: an organization has one list that holds for all of it";
        return Err(Error::invalid("enforcement-scope", why));
    }
    Ok(())
}

async fn unassign_all(tx: &Tx, list: &CidrRangeListId) -> Result<()> {
    assignment::Entity::delete_many()
        .filter(assignment::Column::CidrRangeListId.eq(list))
        .exec(tx.db())
        .await?;
    Ok(())
}

fn subject(row: &CidrRangeList) -> Subject<'_> {
    Subject {
        kind: "cidr-range-lists",
        id: row.id.as_str(),
        organization: Some(&row.organization_name),
        ..Subject::default()
    }
}

fn detail(row: &CidrRangeList) -> Value {
    json!({ "name": row.name, "enforcement_scope": row.enforcement_scope })
}
