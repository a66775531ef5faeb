//! Policy sets: which policies count, and where. A set has policies of the organization, or those of its newest
//! readable version, which was uploaded or comes from a repository.

mod change;
mod from_repository;
mod list;
mod members;
mod parameters;
mod selectors;
mod versions;

use std::collections::{BTreeSet, HashMap};

use db::{
    Json, Locked, Timestamp,
    entity::policy_set::{self, Kind},
    id::PolicySetId,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter},
};

pub use change::{Change, Relations, create, delete, update};
pub(crate) use from_repository::{
    CONNECTED_SET, FETCH_POLICIES, announce, awaited, fail, is_unread, of_repository, take,
};
pub use list::{Filter, list};
pub use members::{Members, add, members, remove};
pub(crate) use parameters::for_policies as parameters_for_policies;
pub use parameters::{
    Change as ParameterChange, Shown as ShownParameter, create as create_parameter,
    delete as delete_parameter, find as find_parameter, list as list_parameters,
    show as show_parameter, update as update_parameter,
};
pub use selectors::{add as add_selectors, remove as remove_selectors};
pub(crate) use selectors::{exclude, include};
pub(crate) use versions::archive;
pub use versions::{
    create as create_version, find as find_version, list as list_versions, load as load_versions,
    receive as receive_version,
};

use crate::{
    Ctx, Error, Found, Happened, In, Result, Subject, Tx, can,
    cleanup::Orphan,
    error::taken,
    organizations,
    row::{Organization, PolicySet},
};

/// The set, with its organization.
pub async fn find(cx: &Ctx, id: &PolicySetId) -> Result<Found<In<PolicySet, Organization>>> {
    organizations::find_in::<policy_set::Entity>(cx, id, |row| &row.organization_name).await
}

async fn by_id(cx: &Ctx, id: &PolicySetId) -> Result<Option<PolicySet>> {
    Ok(policy_set::Entity::find_by_id(id.clone()).one(cx.read()).await?)
}

/// For includes: those of these whose organization lets the caller see them.
pub async fn load(cx: &Ctx, ids: &[PolicySetId]) -> Result<Vec<PolicySet>> {
    let rows =
        policy_set::Entity::find().filter(policy_set::Column::Id.is_in(ids)).all(cx.read()).await?;
    readable(cx, rows, |row| &row.organization_name).await
}

/// Those of these rows whose organization lets the caller read policies.
pub(crate) async fn readable<T>(
    cx: &Ctx,
    rows: Vec<T>,
    organization: impl Fn(&T) -> &String,
) -> Result<Vec<T>> {
    let names: BTreeSet<_> = rows.iter().map(|row| organization(row).clone()).collect();
    let names: Vec<_> = names.into_iter().collect();
    let found = organizations::load(cx, &names).await?;
    let open: HashMap<_, _> =
        found.iter().map(|of| (&of.name, cx.may::<can::ReadPolicies>(of))).collect();
    Ok(rows.into_iter().filter(|row| open.get(organization(row)) == Some(&true)).collect())
}

/// One without a name and without policies, which counts nowhere.
pub(crate) fn empty(organization: &str, kind: Kind, at: Timestamp) -> PolicySet {
    PolicySet {
        id: PolicySetId::fresh(),
        organization_name: organization.to_owned(),
        name: String::new(),
        description: None,
        kind,
        is_global: false,
        agent_enabled: false,
        policy_tool_version: None,
        overridable: false,
        policies_path: None,
        vcs_repo: None,
        policy_update_patterns: Json::default(),
        tag_selectors: Json::default(),
        current_version_id: None,
        newest_version_id: None,
        repository_id: None,
        created_at: at,
        updated_at: at,
    }
}

async fn lock(tx: &Tx, id: &PolicySetId) -> Result<Locked<policy_set::Entity>> {
    tx.lock::<policy_set::Entity>(id.clone()).await?.ok_or(Error::NotFound)
}

/// Notes that the set is another one now.
async fn changed(tx: &Tx, mut row: Locked<policy_set::Entity>) -> Result<PolicySet> {
    row.updated_at = tx.now();
    let row = tx.update(row).await.map_err(taken("name"))?;
    let detail = serde_json::json!({ "name": row.name });
    tx.emit(Happened::PolicySetUpdated, subject(&row), detail).await?;
    Ok(row)
}

/// The blobs of an organization that is about to go.
pub(crate) async fn orphans_of(tx: &Tx, organization: &str) -> Result<Vec<Orphan>> {
    let rows = policy_set::Entity::find()
        .filter(policy_set::Column::OrganizationName.eq(organization))
        .all(tx.db())
        .await?;
    let ids: Vec<_> = rows.into_iter().map(|row| row.id).collect();
    versions::orphans_of(tx, &ids).await
}

fn subject(row: &PolicySet) -> Subject<'_> {
    Subject {
        kind: "policy-sets",
        id: row.id.as_str(),
        organization: Some(&row.organization_name),
        ..Subject::default()
    }
}
