//! What policies see: the plan as JSON, and what the public service documents of the run, its workspace and its
//! organization (API documents, "Terraform run data"); that is `input.run` in Rego, and `tfrun` in Sentinel.

use std::cell::OnceCell;

use ::policy::{
    Input,
    sentinel::{
        Category, CostEstimate as Costs, Facts as SentinelFacts, Frozen, Run as RunData,
        TagBinding, VariableKind, VcsRepo, Workspace as WorkspaceData,
    },
};
use blobs::{Kind, Name};
use chrono::{DateTime, Utc};
use db::{
    entity::{organization, project, user, variable},
    sea_orm::EntityTrait,
};
use serde_json::{Value, json};

use super::code::or_lost;
use crate::{
    Ctx, Error, Result, configurations, cost_estimates,
    row::{Run, Workspace},
    runs, tags, variables, workspaces,
};

/// Bytes of a plan as JSON that are read into memory.
pub(super) const PLAN_LIMIT: u64 = 256 << 20;

/// What all policies of a run see.
pub(super) struct Seen {
    pub plan: String,
    pub run: RunData,
    pub at: DateTime<Utc>,
}

/// The same in the form of each language, made when the first policy in it is asked.
pub(super) struct Facts<'s> {
    seen: &'s Seen,
    rego: OnceCell<std::result::Result<Input, String>>,
    sentinel: OnceCell<std::result::Result<SentinelFacts, String>>,
}

impl<'s> Facts<'s> {
    pub fn of(seen: &'s Seen) -> Self {
        Self { seen, rego: OnceCell::new(), sentinel: OnceCell::new() }
    }

    pub fn rego(&self) -> std::result::Result<&Input, &str> {
        let read = || {
            let (plan, mut run) = (&self.seen.plan, Frozen::from(&self.seen.run).to_json());
            for key in ["replace_addrs", "target_addrs"] {
                // Rego has no functions for null.
                if run[key].is_null() {
                    run[key] = json!([]);
                }
            }
            for key in ["created_by", "commit_sha"] {
                // Nobody, and not somebody without a name.
                if run[key] == "" {
                    run[key] = Value::Null;
                }
            }
            let json = format!("{{\"plan\":{plan},\"run\":{run}}}");
            Input::read(&json).map_err(|refusal| refusal.to_string())
        };
        self.rego.get_or_init(read).as_ref().map_err(String::as_str)
    }

    pub fn sentinel(&self) -> std::result::Result<&SentinelFacts, &str> {
        let read = || {
            let Seen { plan, run, at } = self.seen;
            SentinelFacts::read(plan.as_bytes(), run, *at).map_err(|refusal| refusal.to_string())
        };
        self.sentinel.get_or_init(read).as_ref().map_err(String::as_str)
    }
}

/// What is to be seen of a run with a plan; or why nothing is.
pub(super) async fn of(
    cx: &Ctx,
    workspace: &Workspace,
    run: &Run,
    limit: u64,
) -> Result<std::result::Result<Seen, String>> {
    let name = Name::new(Kind::PlanJson, run.plan_id.as_str())?;
    let read = async || {
        let is_small = cx.blobs().size(&name).await? <= limit;
        Ok(if is_small { Some(cx.blobs().get(&name).await?) } else { None })
    };
    let plan = match or_lost(read().await)? {
        Ok(Some(plan)) => plan,
        Ok(None) => return Ok(Err(format!("The plan has more than {limit} bytes as JSON."))),
        Err(why) => return Ok(Err(format!("The plan cannot be read. {why}"))),
    };
    let Ok(plan) = std::str::from_utf8(&plan) else {
        return Ok(Err("The plan is not UTF-8.".into()));
    };
    let at = DateTime::from_timestamp_millis(cx.now().0).unwrap_or_default();
    Ok(Ok(Seen { plan: plan.to_owned(), run: run_data(cx, workspace, run).await?, at }))
}

async fn run_data(cx: &Ctx, workspace: &Workspace, run: &Run) -> Result<RunData> {
    let created_by = match &run.created_by_id {
        Some(id) => user::Entity::find_by_id(id.clone()).one(cx.read()).await?,
        None => None,
    };
    let project = project::Entity::find_by_id(workspace.project_id.clone()).one(cx.read()).await?;
    let project = project.ok_or(Error::NotFound)?;
    let organization = organization::Entity::find_by_id(workspace.organization_name.clone())
        .one(cx.read())
        .await?;
    let organization = organization.ok_or(Error::NotFound)?;
    let commit = match &run.configuration_version_id {
        Some(id) => configurations::ingress(cx, id).await?,
        None => None,
    };
    let own = runs::variables_of(cx, run)?;
    let known = variables::for_run(cx, workspace, own).await?.into_iter().map(|variable| {
        let category = match variable.category {
            variable::Category::Terraform => Category::Terraform,
            variable::Category::Environment => Category::Env,
        };
        (variable.key, VariableKind { category, sensitive: variable.sensitive })
    });
    Ok(RunData {
        id: run.id.to_string(),
        created_at: run.created_at.iso8601(),
        created_by: created_by.map(|user| user.username).unwrap_or_default(),
        message: run.message.clone(),
        commit_sha: commit.map(|of| of.commit_sha).unwrap_or_default(),
        is_destroy: run.is_destroy,
        refresh: run.refresh,
        refresh_only: run.refresh_only,
        replace_addrs: some(&run.replace_addrs),
        target_addrs: some(&run.target_addrs),
        speculative: run.plan_only,
        variables: known.collect(),
        project_id: project.id.to_string(),
        project_name: project.name,
        organization_name: organization.name,
        workspace: workspace_data(cx, workspace).await?,
        cost_estimate: cost_estimates::costs_of(cx, &run.id).await?.map(|costs| Costs {
            prior_monthly_cost: costs.prior,
            proposed_monthly_cost: costs.proposed,
            delta_monthly_cost: costs.delta,
        }),
    })
}

/// Null where nobody has named any.
fn some(addresses: &[String]) -> Option<Vec<String>> {
    Some(addresses.to_vec()).filter(|addresses| !addresses.is_empty())
}

async fn workspace_data(cx: &Ctx, workspace: &Workspace) -> Result<WorkspaceData> {
    let mode = workspaces::details_of(cx, workspace.clone()).await?.execution.mode;
    let tags = tags::in_force(cx, workspace).await?;
    let repo = workspace.vcs_repo.as_ref().map(|repo| VcsRepo {
        identifier: repo.identifier.clone(),
        display_identifier: repo.identifier.clone(),
        branch: repo.branch.clone(),
        ingress_submodules: repo.ingress_submodules,
    });
    let bindings = tags.iter().map(|tag| TagBinding {
        key: tag.row.tag_key.clone(),
        value: Some(tag.row.tag_value.clone()).filter(|value| !value.is_empty()),
        inherited: tag.inherited_from.is_some(),
    });
    Ok(WorkspaceData {
        id: workspace.id.to_string(),
        name: workspace.name.clone(),
        created_at: workspace.created_at.iso8601(),
        description: workspace.description.clone(),
        execution_mode: mode.to_string(),
        auto_apply: workspace.auto_apply,
        tags: tags.iter().map(|tag| tag.row.tag_key.clone()).collect(),
        tag_bindings: bindings.collect(),
        working_directory: Some(workspace.working_directory.clone()),
        vcs_repo: repo,
    })
}
