//! A policy set on the wire.

use std::collections::HashMap;

use domain::{
    Ctx, Timestamp,
    connected_repositories::{self, Shown},
    entity::{
        policy_set::{Kind, TagSelector},
        policy_set_member::Role,
    },
    policy_sets::{self, Members},
    row::PolicySet,
};
use jsonapi::{Relationships, Resource};
use serde::Serialize;

use crate::{Result, repositories};

pub struct View {
    row: PolicySet,
    /// Where its policies come from.
    repository: Option<Shown>,
    members: Members,
    /// Of its version, if it has one.
    declared: usize,
}

/// With all that belongs to them, read at once.
pub async fn views(cx: &Ctx, rows: Vec<PolicySet>) -> Result<Vec<View>> {
    let mut members = policy_sets::members(cx, &rows).await?;
    let versions: Vec<_> = rows.iter().filter_map(|row| row.current_version_id.clone()).collect();
    let versions = policy_sets::load_versions(cx, &versions).await?;
    let declared: HashMap<_, _> =
        versions.into_iter().map(|row| (row.policy_set_id, row.policies.len())).collect();
    let ids = rows.iter().filter_map(|row| row.repository_id.as_ref());
    let known = connected_repositories::shown(cx, ids).await?;
    Ok(rows
        .into_iter()
        .map(|row| View {
            repository: row.repository_id.as_ref().and_then(|id| known.get(id)).cloned(),
            members: members.remove(&row.id).unwrap_or_default(),
            declared: declared.get(&row.id).copied().unwrap_or_default(),
            row,
        })
        .collect())
}

pub async fn view(cx: &Ctx, row: PolicySet) -> Result<View> {
    Ok(views(cx, vec![row]).await?.swap_remove(0))
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes<'a> {
    name: &'a str,
    description: Option<&'a str>,
    kind: Kind,
    global: bool,
    agent_enabled: bool,
    policy_tool_version: Option<&'a str>,
    /// Absent where the kind knows no such thing.
    overridable: Option<bool>,
    versioned: bool,
    policy_count: usize,
    workspace_count: usize,
    project_count: usize,
    policies_path: Option<&'a str>,
    vcs_repo: Option<repositories::View<'a>>,
    policy_update_patterns: &'a [String],
    tag_selectors: &'a [TagSelector],
    scoping_type: &'static str,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl Resource for View {
    const TYPE: &'static str = "policy-sets";

    fn id(&self) -> String {
        self.row.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        let row = &self.row;
        let is_check = row.kind == Kind::Sentinel && !row.agent_enabled;
        Attributes {
            name: &row.name,
            description: row.description.as_deref(),
            kind: row.kind,
            global: row.is_global,
            agent_enabled: row.agent_enabled,
            policy_tool_version: row.policy_tool_version.as_deref(),
            overridable: (!is_check).then_some(row.overridable),
            versioned: row.vcs_repo.is_some() || row.newest_version_id.is_some(),
            policy_count: self.declared + self.members.of(Role::Policy).len(),
            workspace_count: self.members.of(Role::Workspace).len(),
            project_count: self.members.of(Role::Project).len(),
            policies_path: row.policies_path.as_deref(),
            vcs_repo: row
                .vcs_repo
                .as_ref()
                .map(|repo| repositories::View::new(repo, self.repository.as_ref())),
            policy_update_patterns: &row.policy_update_patterns,
            tag_selectors: &row.tag_selectors,
            scoping_type: if row.tag_selectors.is_empty() { "explicit" } else { "tag" },
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        let row = &self.row;
        let organization = &row.organization_name;
        let related = format!("/api/v2/organizations/{organization}");
        to.one_with_link("organization", "organizations", Some(organization), related);
        for (name, kind, role) in [
            ("policies", "policies", Role::Policy),
            ("workspaces", "workspaces", Role::Workspace),
            ("projects", "projects", Role::Project),
            ("workspace-exclusions", "workspaces", Role::WorkspaceExclusion),
            ("project-exclusions", "projects", Role::ProjectExclusion),
        ] {
            to.many(name, kind, self.members.of(role));
        }
        for (name, id) in [
            ("current-version", &row.current_version_id),
            ("newest-version", &row.newest_version_id),
        ] {
            if let Some(id) = id {
                let related = format!("/api/v2/policy-set-versions/{id}");
                to.one_with_link(name, "policy-set-versions", Some(id), related);
            }
        }
    }
}
