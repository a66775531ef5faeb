//! What can be said of a policy set.

use domain::{
    entity::{
        policy_set::{Kind, TagSelector},
        policy_set_member::Role,
    },
    policy_sets::{self, Change},
};
use jsonapi::{Field, ToMany, Typed, Unsupported};
use serde::Deserialize;

use crate::{Result, repositories};

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Input {
    name: Option<String>,
    #[serde(deserialize_with = "jsonapi::prose")]
    description: Field<String>,
    kind: Option<Kind>,
    global: Option<bool>,
    agent_enabled: Option<bool>,
    policy_tool_version: Field<String>,
    overridable: Option<bool>,
    policies_path: Field<String>,
    vcs_repo: Field<repositories::Input>,
    policy_update_patterns: Option<Vec<String>>,
    tag_selectors: Option<Vec<Selector>>,
}

impl Typed for Input {
    const TYPE: &'static str = "policy-sets";
    const UNSUPPORTED: &'static [Unsupported] = &[
        (
            "attributes/vcs-repo/source-directory",
            "cannot be set: only modules of a registry have it, and this server has none",
        ),
        (
            "attributes/vcs-repo/tag-prefix",
            "cannot be set: only modules of a registry have it, and this server has none",
        ),
    ];
}

/// As attributes and as items.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Selector {
    tag_key: String,
    #[serde(default)]
    tag_value: Option<String>,
    #[serde(default)]
    is_exclude: bool,
}

impl From<Selector> for TagSelector {
    fn from(given: Selector) -> Self {
        let Selector { tag_key, tag_value, is_exclude } = given;
        Self { tag_key, tag_value, is_exclude }
    }
}

impl From<Input> for Change {
    fn from(input: Input) -> Self {
        Self {
            name: input.name,
            description: input.description.into_change(),
            kind: input.kind,
            global: input.global,
            agent_enabled: input.agent_enabled,
            policy_tool_version: input.policy_tool_version.into_change(),
            overridable: input.overridable,
            policies_path: input.policies_path.into_change(),
            vcs_repo: input.vcs_repo.map(Into::into).into_change(),
            policy_update_patterns: input.policy_update_patterns,
            tag_selectors: input
                .tag_selectors
                .map(|all| all.into_iter().map(TagSelector::from).collect()),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Relations {
    policies: ToMany<String>,
    workspaces: ToMany<String>,
    projects: ToMany<String>,
    workspace_exclusions: ToMany<String>,
    project_exclusions: ToMany<String>,
}

impl Relations {
    /// # Errors
    /// 422 for what is of another type than the relation, or has no id.
    pub fn read(self) -> Result<policy_sets::Relations> {
        [
            ("policies", "policies", Role::Policy, self.policies),
            ("workspaces", "workspaces", Role::Workspace, self.workspaces),
            ("projects", "projects", Role::Project, self.projects),
            (
                "workspace-exclusions",
                "workspaces",
                Role::WorkspaceExclusion,
                self.workspace_exclusions,
            ),
            ("project-exclusions", "projects", Role::ProjectExclusion, self.project_exclusions),
        ]
        .into_iter()
        .filter_map(|(name, kind, role, given)| {
            let ids = given.of_kind(kind, name).transpose()?;
            Some(ids.map(|ids| (name, role, ids)))
        })
        .map(|read| Ok(read?))
        .collect()
    }
}
