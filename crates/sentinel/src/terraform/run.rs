//! `tfrun`: what is known of the run itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::frozen::Frozen;

/// A run, as its policies may see it. Times are RFC 3339.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Run {
    pub id: String,
    pub created_at: String,
    /// A user's name.
    pub created_by: String,
    pub message: String,
    pub commit_sha: String,
    pub is_destroy: bool,
    pub refresh: bool,
    pub refresh_only: bool,
    pub speculative: bool,
    pub replace_addrs: Option<Vec<String>>,
    pub target_addrs: Option<Vec<String>>,
    pub project_id: String,
    pub project_name: String,
    pub organization_name: String,
    /// Names only; values are nobody's business here.
    pub variables: BTreeMap<String, VariableKind>,
    pub workspace: Workspace,
    /// Policy checks have one, policy evaluations do not.
    pub cost_estimate: Option<CostEstimate>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Category {
    Terraform,
    Env,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariableKind {
    pub category: Category,
    pub sensitive: bool,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Workspace {
    pub id: String,
    pub name: String,
    pub created_at: String,
    pub description: Option<String>,
    pub execution_mode: String,
    pub auto_apply: bool,
    /// With the keys of the bindings.
    pub tags: Vec<String>,
    pub tag_bindings: Vec<TagBinding>,
    pub working_directory: Option<String>,
    pub vcs_repo: Option<VcsRepo>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TagBinding {
    pub key: String,
    pub value: Option<String>,
    pub inherited: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VcsRepo {
    pub identifier: String,
    pub display_identifier: String,
    pub branch: String,
    pub ingress_submodules: bool,
}

/// Decimal numbers, as text.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CostEstimate {
    pub prior_monthly_cost: String,
    pub proposed_monthly_cost: String,
    pub delta_monthly_cost: String,
}

fn text(text: &str) -> Frozen {
    Frozen::text(text)
}

fn or_null(text: Option<&String>) -> Frozen {
    text.map_or(Frozen::Null, |text| Frozen::text(text))
}

fn texts<'t>(texts: impl IntoIterator<Item = &'t String>) -> Frozen {
    Frozen::list(texts.into_iter().map(|text| Frozen::text(text)))
}

impl From<&Run> for Frozen {
    fn from(run: &Run) -> Self {
        let addresses =
            |addresses: &Option<Vec<String>>| addresses.as_ref().map_or(Frozen::Null, texts);
        let all = [
            ("id", text(&run.id)),
            ("created_at", text(&run.created_at)),
            ("created_by", text(&run.created_by)),
            ("message", text(&run.message)),
            ("commit_sha", text(&run.commit_sha)),
            ("is_destroy", Frozen::Bool(run.is_destroy)),
            ("refresh", Frozen::Bool(run.refresh)),
            ("refresh_only", Frozen::Bool(run.refresh_only)),
            ("speculative", Frozen::Bool(run.speculative)),
            ("replace_addrs", addresses(&run.replace_addrs)),
            ("target_addrs", addresses(&run.target_addrs)),
            (
                "project",
                Frozen::object([("id", text(&run.project_id)), ("name", text(&run.project_name))]),
            ),
            ("organization", Frozen::object([("name", text(&run.organization_name))])),
            ("variables", variables(&run.variables)),
            ("workspace", workspace(&run.workspace)),
            ("cost_estimate", run.cost_estimate.as_ref().map_or(Frozen::Undefined, cost)),
        ];
        // Without an estimate there is no such key.
        let known = all.into_iter().filter(|(_, value)| !value.is_undefined());
        Frozen::map(known.map(|(key, value)| (key.as_bytes(), value)))
    }
}

fn variables(variables: &BTreeMap<String, VariableKind>) -> Frozen {
    Frozen::map(variables.iter().map(|(name, kind)| {
        let category = match kind.category {
            Category::Terraform => "terraform",
            Category::Env => "env",
        };
        let entry = Frozen::object([
            ("category", text(category)),
            ("sensitive", Frozen::Bool(kind.sensitive)),
        ]);
        (name.as_bytes(), entry)
    }))
}

fn workspace(workspace: &Workspace) -> Frozen {
    let bindings = workspace.tag_bindings.iter().map(|binding| {
        Frozen::object([
            ("key", text(&binding.key)),
            ("value", or_null(binding.value.as_ref())),
            ("inherited", Frozen::Bool(binding.inherited)),
        ])
    });
    let repo = workspace.vcs_repo.as_ref().map(|repo| {
        Frozen::object([
            ("identifier", text(&repo.identifier)),
            ("display_identifier", text(&repo.display_identifier)),
            ("branch", text(&repo.branch)),
            ("ingress_submodules", Frozen::Bool(repo.ingress_submodules)),
        ])
    });
    Frozen::object([
        ("id", text(&workspace.id)),
        ("name", text(&workspace.name)),
        ("created_at", text(&workspace.created_at)),
        ("description", or_null(workspace.description.as_ref())),
        ("execution_mode", text(&workspace.execution_mode)),
        ("auto_apply", Frozen::Bool(workspace.auto_apply)),
        ("tags", texts(&workspace.tags)),
        ("tag_bindings", Frozen::list(bindings)),
        ("working_directory", or_null(workspace.working_directory.as_ref())),
        ("vcs_repo", repo.unwrap_or(Frozen::Null)),
    ])
}

fn cost(cost: &CostEstimate) -> Frozen {
    Frozen::object([
        ("prior_monthly_cost", text(&cost.prior_monthly_cost)),
        ("proposed_monthly_cost", text(&cost.proposed_monthly_cost)),
        ("delta_monthly_cost", text(&cost.delta_monthly_cost)),
    ])
}
