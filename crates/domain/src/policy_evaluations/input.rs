//! What policies see: the plan as JSON, and what the public service documents of the run, its workspace and its
//! organization (API documents, "Terraform run data"); that is `input.run` in Rego, and `tfrun` in Sentinel.

use ::policy::{
    Case,
    sentinel::{
        Category, CostEstimate as Costs, Run as RunData, TagBinding, VariableKind, VcsRepo,
        Workspace as WorkspaceData,
    },
};
use blobs::{Kind, Name};
use chrono::DateTime;
use db::{
    entity::{project, user, variable},
    sea_orm::EntityTrait,
};

use super::{code::or_lost, network};
use crate::{
    Ctx, Error, Result, configurations, cost_estimates,
    row::{Run, Workspace},
    runs, tags, variables, workspaces,
};

/// Bytes of a plan as JSON that are read into memory.
pub(super) const PLAN_LIMIT: u64 = 256 << 20;

/// What is to be seen of a run with a plan; or why nothing is.
pub(super) async fn of(
    cx: &Ctx,
    workspace: &Workspace,
    run: &Run,
    limit: u64,
) -> Result<std::result::Result<Case, String>> {
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
    Ok(Ok(Case {
        plan: plan.to_owned(),
        run: run_data(cx, workspace, run).await?,
        at,
        http: network::of(cx, &workspace.organization_name).await?,
    }))
}

async fn run_data(cx: &Ctx, workspace: &Workspace, run: &Run) -> Result<RunData> {
    let created_by = match &run.created_by_id {
        Some(id) => user::Entity::find_by_id(id.clone()).one(cx.read()).await?,
        None => None,
    };
    let project = project::Entity::find_by_id(workspace.project_id.clone()).one(cx.read()).await?;
    let project = project.ok_or(Error::NotFound)?;
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
        organization_name: workspace.organization_name.clone(),
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
