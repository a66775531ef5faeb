//! Data retention: how long the data of old configurations and states is kept, and what becomes of it then.
//!
//! What is too old is first made unreadable, and can be restored; a while later it is deleted for good. The rows stay.

mod backing_data;
mod due;

use std::collections::{BTreeSet, HashMap};

use db::{
    entity::data_retention_policy as policy,
    id::DataRetentionPolicyId,
    sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter},
};
use serde_json::json;

pub use backing_data::{Wish, change_configuration, change_state};
pub(crate) use backing_data::{is_needed, is_unreadable};
pub use due::delete_due;

use crate::{
    Ctx, Error, Granted, Happened, Result, Subject, can,
    row::{DataRetentionPolicy, Organization, Workspace},
};

impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::DeleteOlderThan(1) => f.write_str("Deleted after 1 day"),
            Self::DeleteOlderThan(days) => write!(f, "Deleted after {days} days"),
            Self::DontDelete => f.write_str("Never deleted"),
        }
    }
}

/// A century is as good as for ever, which can be said as well.
const DAYS_LIMIT: i64 = 36_500;

/// What a policy says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Days.
    DeleteOlderThan(i64),
    DontDelete,
}

impl Rule {
    pub fn of(policy: &DataRetentionPolicy) -> Self {
        policy.delete_after_days.map_or(Self::DontDelete, Self::DeleteOlderThan)
    }

    fn days(self) -> Result<Option<i64>> {
        match self {
            Self::DontDelete => Ok(None),
            Self::DeleteOlderThan(days) if (1..=DAYS_LIMIT).contains(&days) => Ok(Some(days)),
            Self::DeleteOlderThan(_) => Err(Error::invalid(
                "delete-older-than-n-days",
                format!("must be between 1 and {DAYS_LIMIT}"),
            )),
        }
    }
}

pub async fn of_organization(
    cx: &Ctx,
    organization: &Granted<can::ReadOrganization>,
) -> Result<DataRetentionPolicy> {
    let names = [organization.name.clone()];
    of_organizations(cx, &names).await?.remove(&organization.name).ok_or(Error::NotFound)
}

/// The workspace's own, not what it inherits.
pub async fn of_workspace(
    cx: &Ctx,
    workspace: &Granted<can::ReadWorkspace>,
) -> Result<DataRetentionPolicy> {
    let policies = around(cx, std::slice::from_ref(&**workspace)).await?;
    policies.of_workspace(workspace).cloned().ok_or(Error::NotFound)
}

/// Those that these organizations have, by name.
pub async fn of_organizations(
    cx: &Ctx,
    names: &[String],
) -> Result<HashMap<String, DataRetentionPolicy>> {
    let rows = policy::Entity::find()
        .filter(policy::Column::OrganizationName.is_in(names))
        .all(cx.read())
        .await?;
    Ok(rows.into_iter().filter_map(|row| Some((row.organization_name.clone()?, row))).collect())
}

/// The policies of some workspaces and of their organizations.
pub(crate) struct Policies(Vec<DataRetentionPolicy>);

impl Policies {
    /// Its own.
    pub fn of_workspace(&self, workspace: &Workspace) -> Option<&DataRetentionPolicy> {
        self.0.iter().find(|policy| policy.workspace_id.as_ref() == Some(&workspace.id))
    }

    /// What it inherits where it has none.
    pub fn of_organization(&self, workspace: &Workspace) -> Option<&DataRetentionPolicy> {
        let name = Some(&workspace.organization_name);
        self.0.iter().find(|policy| policy.organization_name.as_ref() == name)
    }
}

/// One query, however many workspaces there are.
pub(crate) async fn around(cx: &Ctx, workspaces: &[Workspace]) -> Result<Policies> {
    let ids = workspaces.iter().map(|row| &row.id);
    let names: BTreeSet<_> = workspaces.iter().map(|row| row.organization_name.as_str()).collect();
    let any = Condition::any()
        .add(policy::Column::WorkspaceId.is_in(ids))
        .add(policy::Column::OrganizationName.is_in(names));
    Ok(Policies(policy::Entity::find().filter(any).all(cx.read()).await?))
}

/// Whose policy it is.
#[derive(Clone, Copy)]
enum Target<'a> {
    Organization(&'a Organization),
    Workspace(&'a Workspace),
}

impl<'a> Target<'a> {
    fn condition(self) -> Condition {
        Condition::all().add(match self {
            Self::Organization(row) => policy::Column::OrganizationName.eq(&row.name),
            Self::Workspace(row) => policy::Column::WorkspaceId.eq(&row.id),
        })
    }

    fn subject(self, id: &'a DataRetentionPolicyId) -> Subject<'a> {
        let of = match self {
            Self::Organization(row) => {
                Subject { organization: Some(&row.name), ..Subject::default() }
            }
            Self::Workspace(row) => crate::workspaces::subject(row),
        };
        Subject { kind: "data-retention-policies", id: id.as_str(), ..of }
    }
}

/// Sets or changes the organization's policy.
pub async fn set_for_organization(
    cx: &Ctx,
    organization: &Granted<can::UpdateOrganization>,
    rule: Rule,
) -> Result<DataRetentionPolicy> {
    set(cx, Target::Organization(organization), rule).await
}

/// Sets or changes the workspace's policy, which stands above the organization's.
pub async fn set_for_workspace(
    cx: &Ctx,
    workspace: &Granted<can::ManageRetention>,
    rule: Rule,
) -> Result<DataRetentionPolicy> {
    set(cx, Target::Workspace(workspace), rule).await
}

async fn set(cx: &Ctx, target: Target<'_>, rule: Rule) -> Result<DataRetentionPolicy> {
    let days = rule.days()?;
    let tx = cx.write().await?;
    let known = policy::Entity::find().filter(target.condition()).one(tx.db()).await?;
    let row = if let Some(known) = known {
        let mut row = tx.lock::<policy::Entity>(known.id).await?.ok_or(Error::NotFound)?;
        row.delete_after_days = days;
        row.updated_at = tx.now();
        tx.update(row).await?
    } else {
        let (organization, workspace) = match target {
            Target::Organization(row) => (Some(row.name.clone()), None),
            Target::Workspace(row) => (None, Some(row.id.clone())),
        };
        let new = DataRetentionPolicy {
            id: DataRetentionPolicyId::fresh(),
            organization_name: organization,
            workspace_id: workspace,
            delete_after_days: days,
            created_at: tx.now(),
            updated_at: tx.now(),
        };
        tx.insert(new)
            .await
            .map_err(|_| Error::conflict("The policy was set by somebody else just now."))?
    };
    let detail = json!({ "delete_after_days": days });
    tx.emit(Happened::DataRetentionPolicySet, target.subject(&row.id), detail).await?;
    tx.commit().await?;
    Ok(row)
}

pub async fn remove_from_organization(
    cx: &Ctx,
    organization: &Granted<can::UpdateOrganization>,
) -> Result<()> {
    remove(cx, Target::Organization(organization)).await
}

/// The workspace inherits the organization's afterwards.
pub async fn remove_from_workspace(
    cx: &Ctx,
    workspace: &Granted<can::ManageRetention>,
) -> Result<()> {
    remove(cx, Target::Workspace(workspace)).await
}

async fn remove(cx: &Ctx, target: Target<'_>) -> Result<()> {
    let tx = cx.write().await?;
    let known = policy::Entity::find().filter(target.condition()).one(tx.db()).await?;
    let id = known.ok_or(Error::NotFound)?.id;
    let row = tx.lock::<policy::Entity>(id).await?.ok_or(Error::NotFound)?;
    tx.emit(Happened::DataRetentionPolicyRemoved, target.subject(&row.id), json!({})).await?;
    tx.delete(row).await?;
    tx.commit().await
}
