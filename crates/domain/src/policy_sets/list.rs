//! The list of an organization's policy sets.

use db::{
    entity::policy_set::{self, Kind},
    page,
    sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder},
};

use crate::{Ctx, Granted, Page, Paging, Result, can, row::PolicySet};

#[derive(Debug, Default)]
pub struct Filter {
    pub kind: Option<Kind>,
    /// Whether it has its policies from an archive or a repository.
    pub versioned: Option<bool>,
    /// Part of the name.
    pub search: Option<String>,
}

/// Those of an organization, oldest first.
pub async fn list(
    cx: &Ctx,
    organization: &Granted<can::ReadPolicies>,
    filter: Filter,
    paging: Paging,
) -> Result<Page<PolicySet>> {
    let name = filter.search.map(|text| db::contains(policy_set::Column::Name, &text));
    let versioned = filter.versioned.map(|wanted| {
        let own = Condition::any()
            .add(policy_set::Column::VcsRepo.is_not_null())
            .add(policy_set::Column::NewestVersionId.is_not_null());
        if wanted { own } else { own.not() }
    });
    let condition = Condition::all()
        .add(policy_set::Column::OrganizationName.eq(&organization.name))
        .add_option(filter.kind.map(|kind| policy_set::Column::Kind.eq(kind)))
        .add_option(versioned)
        .add_option(name);
    let query = policy_set::Entity::find()
        .filter(condition)
        .order_by_asc(policy_set::Column::CreatedAt)
        .order_by_asc(policy_set::Column::Id);
    Ok(page(cx.read(), query, paging).await?)
}
