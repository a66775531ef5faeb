//! What belongs to a set: its policies, and the workspaces and projects where it counts or does not. One mechanism
//! for all five.

use std::collections::{BTreeSet, HashMap};

use db::{
    entity::policy_set_member::{self as member, Role},
    id::{PolicyId, PolicySetId, ProjectId, WorkspaceId},
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect},
};

use super::{changed, lock};
use crate::{
    Ctx, Error, Granted, In, Result, Timestamp, Tx, can,
    row::{Organization, PolicySet},
};

/// The ids of what belongs to one set, by role.
#[derive(Clone, Debug, Default)]
pub struct Members(HashMap<Role, Vec<String>>);

impl Members {
    pub fn of(&self, role: Role) -> &[String] {
        self.0.get(&role).map(Vec::as_slice).unwrap_or_default()
    }
}

/// What belongs to each of these sets, in the order in which it was added.
pub async fn members(cx: &Ctx, sets: &[PolicySet]) -> Result<HashMap<PolicySetId, Members>> {
    let rows = member::Entity::find()
        .filter(member::Column::PolicySetId.is_in(sets.iter().map(|set| &set.id)))
        .order_by_asc(member::Column::CreatedAt)
        .order_by_asc(member::Column::MemberId)
        .all(cx.read())
        .await?;
    let mut found: HashMap<PolicySetId, Members> = HashMap::new();
    for row in rows {
        let of = found.entry(row.policy_set_id).or_default();
        of.0.entry(row.role).or_default().push(row.member_id);
    }
    Ok(found)
}

/// Adds to a set; what belongs to it already is passed over.
///
/// # Errors
/// Invalid for what the organization does not have, or what does not go with the rest of the set.
pub async fn add(
    cx: &Ctx,
    set: &Granted<can::ManagePolicies, In<PolicySet, Organization>>,
    role: Role,
    ids: Vec<String>,
) -> Result<()> {
    let wanted = known(cx, &set.row, role, &ids).await.map_err(|at| at.within("/data"))?;
    let tx = cx.write().await?;
    let row = lock(&tx, &set.id).await?;
    if let Some(message) = conflict(&row, role).filter(|_| !wanted.is_empty()) {
        return Err(Error::Invalid { pointer: "/data".into(), message: message.into() });
    }
    let present: BTreeSet<String> = member::Entity::find()
        .select_only()
        .column(member::Column::MemberId)
        .filter(member::Column::PolicySetId.eq(&row.id))
        .filter(member::Column::Role.eq(role))
        .into_tuple()
        .all(tx.db())
        .await?
        .into_iter()
        .collect();
    let new = wanted.into_iter().filter(|id| !present.contains(id));
    insert(&tx, &row.id, role, new).await?;
    changed(&tx, row).await?;
    tx.commit().await
}

/// Takes from a set; what does not belong to it is passed over.
pub async fn remove(
    cx: &Ctx,
    set: &Granted<can::ManagePolicies, In<PolicySet, Organization>>,
    role: Role,
    ids: Vec<String>,
) -> Result<()> {
    let tx = cx.write().await?;
    let row = lock(&tx, &set.id).await?;
    member::Entity::delete_many()
        .filter(member::Column::PolicySetId.eq(&row.id))
        .filter(member::Column::Role.eq(role))
        .filter(member::Column::MemberId.is_in(ids))
        .exec(tx.db())
        .await?;
    changed(&tx, row).await?;
    tx.commit().await
}

/// Why a set cannot have anything in this role.
pub(super) fn conflict(set: &PolicySet, role: Role) -> Option<&'static str> {
    let is_scope = matches!(role, Role::Workspace | Role::Project);
    if role == Role::Policy && (set.vcs_repo.is_some() || set.newest_version_id.is_some()) {
        Some("A versioned policy set has the policies of its versions, and no others.")
    } else if is_scope && set.is_global {
        Some("A global policy set counts everywhere: it cannot name workspaces or projects.")
    } else if role != Role::Policy && !set.tag_selectors.is_empty() {
        Some("A policy set with tag selectors cannot name workspaces or projects.")
    } else {
        None
    }
}

pub(super) async fn insert(
    tx: &Tx,
    set: &PolicySetId,
    role: Role,
    ids: impl IntoIterator<Item = String>,
) -> Result<()> {
    let rows = ids.into_iter().map(|id| row(set, role, id, tx.now())).collect();
    Ok(db::insert_many::<_, member::ActiveModel>(tx, rows).await?)
}

fn row(set: &PolicySetId, role: Role, id: String, now: Timestamp) -> member::Model {
    let is_policy = role == Role::Policy;
    let is_workspace = matches!(role, Role::Workspace | Role::WorkspaceExclusion);
    let is_project = matches!(role, Role::Project | Role::ProjectExclusion);
    member::Model {
        policy_set_id: set.clone(),
        role,
        policy_id: id.parse().ok().filter(|_| is_policy),
        workspace_id: id.parse().ok().filter(|_| is_workspace),
        project_id: id.parse().ok().filter(|_| is_project),
        member_id: id,
        created_at: now,
    }
}

/// What is wrong with one of many ids.
pub(super) struct Unknown {
    index: usize,
    message: String,
    failure: Option<Error>,
}

impl Unknown {
    /// The refusal, for ids that stand at `pointer`.
    pub(super) fn within(self, pointer: &str) -> Error {
        let pointer = format!("{pointer}/{}/id", self.index);
        self.failure.unwrap_or(Error::Invalid { pointer, message: self.message })
    }
}

impl From<Error> for Unknown {
    fn from(failure: Error) -> Self {
        Self { index: 0, message: String::new(), failure: Some(failure) }
    }
}

/// The ids, each once, if the organization has all of them and the caller may see them.
pub(super) async fn known(
    cx: &Ctx,
    set: &PolicySet,
    role: Role,
    ids: &[String],
) -> Result<BTreeSet<String>, Unknown> {
    let (noun, found) = match role {
        Role::Policy => ("policy of this kind", policies(cx, set, ids).await?),
        Role::Workspace | Role::WorkspaceExclusion => {
            ("workspace", workspaces(cx, set, ids).await?)
        }
        Role::Project | Role::ProjectExclusion => ("project", projects(cx, set, ids).await?),
    };
    for (index, id) in ids.iter().enumerate() {
        if !found.contains(id) {
            let message = format!("There is no {noun} {id} in this organization.");
            return Err(Unknown { index, message, failure: None });
        }
    }
    Ok(found)
}

async fn policies(cx: &Ctx, set: &PolicySet, ids: &[String]) -> Result<BTreeSet<String>> {
    let ids: Vec<PolicyId> = ids.iter().filter_map(|id| id.parse().ok()).collect();
    let rows = crate::policies::load(cx, &ids).await?.into_iter();
    let own = |row: &crate::row::Policy| {
        row.organization_name == set.organization_name && row.kind == set.kind
    };
    Ok(rows.filter(own).map(|row| row.id.to_string()).collect())
}

async fn workspaces(cx: &Ctx, set: &PolicySet, ids: &[String]) -> Result<BTreeSet<String>> {
    let ids: Vec<WorkspaceId> = ids.iter().filter_map(|id| id.parse().ok()).collect();
    let rows = crate::workspaces::load(cx, &ids).await?.into_iter();
    let own = rows.filter(|row| row.organization_name == set.organization_name);
    Ok(own.map(|row| row.id.to_string()).collect())
}

async fn projects(cx: &Ctx, set: &PolicySet, ids: &[String]) -> Result<BTreeSet<String>> {
    let ids: Vec<ProjectId> = ids.iter().filter_map(|id| id.parse().ok()).collect();
    let rows = crate::projects::load(cx, &ids).await?.into_iter();
    let own = rows.filter(|row| row.organization_name == set.organization_name);
    Ok(own.map(|row| row.id.to_string()).collect())
}
