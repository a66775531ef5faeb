//! Making, changing and deleting policy sets.

use db::{
    Json,
    entity::{
        policy_set::{Kind, TagSelector, VcsRepo},
        policy_set_member::{self as member, Role},
    },
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter},
};
use serde_json::json;

use super::{CONNECTED_SET, changed, lock, members, selectors, subject, versions};
use crate::{
    Ctx, Error, Granted, Happened, In, Result, can, cleanup,
    connected_repositories::connect_policy_set,
    error::taken,
    oauth_clients,
    policies::{check_line, check_name, check_prose},
    repositories,
    row::{Organization, PolicySet},
    tool_versions::{self, LATEST},
};

/// How many patterns.
const PATTERN_LIMIT: usize = 100;

/// What can be given on create and, but for the kind, changed later.
#[derive(Debug, Default)]
pub struct Change {
    pub name: Option<String>,
    pub description: Option<Option<String>>,
    pub kind: Option<Kind>,
    pub global: Option<bool>,
    pub agent_enabled: Option<bool>,
    pub policy_tool_version: Option<Option<String>>,
    pub overridable: Option<bool>,
    pub policies_path: Option<Option<String>>,
    pub vcs_repo: Option<Option<repositories::Change>>,
    pub policy_update_patterns: Option<Vec<String>>,
    /// All that there are to be.
    pub tag_selectors: Option<Vec<TagSelector>>,
}

/// What a set is made with: ids by role, with the name of the relation that has them.
pub type Relations = Vec<(&'static str, Role, Vec<String>)>;

impl Change {
    /// Refuses a version that is not known of the set's tool.
    async fn check_tool(&self, cx: &Ctx, kind: Kind) -> Result<()> {
        match self.policy_tool_version.iter().flatten().next() {
            Some(version) => tool_versions::check_policy_tool(cx, kind, version).await,
            None => Ok(()),
        }
    }

    /// Refuses a connection that may not be used.
    async fn check_connection(
        &self,
        cx: &Ctx,
        organization: &str,
        before: Option<&VcsRepo>,
    ) -> Result<()> {
        let Some(Some(repo)) = &self.vcs_repo else { return Ok(()) };
        let after = repo.clone().apply(before)?;
        oauth_clients::choose(cx, after.as_ref(), before, organization, None).await
    }

    fn apply(self, to: &mut PolicySet) -> Result<()> {
        if let Some(name) = self.name {
            check_name(&name)?;
            to.name = name;
        }
        if let Some(description) = self.description {
            check_prose("description", description.as_deref().unwrap_or_default())?;
            to.description = description;
        }
        if let Some(global) = self.global {
            to.is_global = global;
        }
        if let Some(enabled) = self.agent_enabled {
            // OPA knows no other way, and only remembers what was said.
            to.agent_enabled = enabled;
        }
        if self.overridable == Some(true) && to.kind == Kind::Sentinel && !to.agent_enabled {
            // Policy checks have levels that say so of each policy.
            let why = "can only be true for policies of the kind opa, or with agent-enabled";
            return Err(Error::invalid("overridable", why));
        }
        if let Some(overridable) = self.overridable {
            to.overridable = overridable;
        }
        if let Some(version) = self.policy_tool_version {
            to.policy_tool_version = version;
        }
        if to.kind == Kind::Sentinel && !to.agent_enabled {
            // Policy checks know neither. A version that is sent along is passed over (acceptance suite of the API's Go
            // client, which names one and wants none back).
            to.policy_tool_version = None;
            to.overridable = false;
        } else {
            to.policy_tool_version.get_or_insert_with(|| LATEST.into());
        }
        if let Some(path) = self.policies_path {
            check_line("policies-path", path.as_deref().unwrap_or_default())?;
            to.policies_path = path;
        }
        if let Some(repo) = self.vcs_repo {
            let before = to.vcs_repo.take();
            let after = repo.map(|change| change.apply(before.as_deref())).transpose()?;
            to.vcs_repo = after.flatten().map(Json);
        }
        if let Some(patterns) = self.policy_update_patterns {
            if patterns.len() > PATTERN_LIMIT {
                let message = format!("has at most {PATTERN_LIMIT} patterns");
                return Err(Error::invalid("policy-update-patterns", message));
            }
            for pattern in &patterns {
                check_line("policy-update-patterns", pattern)?;
            }
            to.policy_update_patterns = Json(patterns);
        }
        if let Some(selectors) = self.tag_selectors {
            selectors::check(&selectors, "/data/attributes/tag-selectors")?;
            to.tag_selectors = Json(selectors);
        }
        match selectors::conflict(to) {
            Some(message) => Err(Error::invalid("tag-selectors", message)),
            None => Ok(()),
        }
    }
}

pub async fn create(
    cx: &Ctx,
    organization: &Granted<can::ManagePolicies>,
    change: Change,
    relations: Relations,
) -> Result<PolicySet> {
    let now = cx.now();
    let mut new = super::empty(&organization.name, change.kind.unwrap_or(Kind::Sentinel), now);
    if change.name.is_none() {
        return Err(Error::invalid("name", "can't be blank"));
    }
    change.check_tool(cx, new.kind).await?;
    change.check_connection(cx, &new.organization_name, None).await?;
    change.apply(&mut new)?;
    let mut belonging = Vec::new();
    for (name, role, ids) in relations {
        let pointer = format!("/data/relationships/{name}/data");
        let ids = members::known(cx, &new, role, &ids).await.map_err(|at| at.within(&pointer))?;
        if let Some(message) = members::conflict(&new, role).filter(|_| !ids.is_empty()) {
            return Err(Error::invalid_relation(name, message));
        }
        belonging.push((role, ids));
    }
    let tx = cx.write().await?;
    connect_policy_set(&tx, &mut new, CONNECTED_SET).await?;
    let row = tx.insert(new).await.map_err(taken("name"))?;
    for (role, ids) in belonging {
        members::insert(&tx, &row.id, role, ids).await?;
    }
    tx.emit(Happened::PolicySetCreated, subject(&row), json!({ "name": row.name })).await?;
    tx.commit().await?;
    Ok(row)
}

/// # Errors
/// Invalid where the set would not go with what belongs to it.
pub async fn update(
    cx: &Ctx,
    set: &Granted<can::ManagePolicies, In<PolicySet, Organization>>,
    change: Change,
) -> Result<PolicySet> {
    change.check_tool(cx, set.kind).await?;
    change.check_connection(cx, &set.organization_name, set.vcs_repo.as_deref()).await?;
    let tx = cx.write().await?;
    let mut row = lock(&tx, &set.id).await?;
    Error::unless_same("kind", change.kind.as_ref(), &row.kind)?;
    change.apply(&mut row)?;
    let roles = Role::ALL.iter().copied().filter(|role| members::conflict(&row, *role).is_some());
    let first = member::Entity::find()
        .filter(member::Column::PolicySetId.eq(&row.id))
        .filter(member::Column::Role.is_in(roles))
        .one(tx.db())
        .await?;
    if let Some(role) = first.map(|found| found.role)
        && let Some(message) = members::conflict(&row, role)
    {
        let attribute = match role {
            Role::Policy => "vcs-repo",
            Role::Workspace | Role::Project if row.is_global => "global",
            _ => "tag-selectors",
        };
        let message = format!("does not go with what belongs to the set. {message}");
        return Err(Error::invalid(attribute, message));
    }
    connect_policy_set(&tx, &mut row, CONNECTED_SET).await?;
    let row = changed(&tx, row).await?;
    tx.commit().await?;
    Ok(row)
}

pub async fn delete(
    cx: &Ctx,
    set: &Granted<can::ManagePolicies, In<PolicySet, Organization>>,
) -> Result<()> {
    let tx = cx.write().await?;
    let row = lock(&tx, &set.id).await?;
    cleanup::later(&tx, versions::orphans_of(&tx, std::slice::from_ref(&row.id)).await?).await?;
    tx.emit(Happened::PolicySetDeleted, subject(&row), json!({ "name": row.name })).await?;
    tx.delete(row).await?;
    tx.commit().await
}
