//! What policies see: the plan as JSON under `plan`, and under `run` what the public service documents of the run, its
//! workspace and its organization (API documents, "OPA input" and "Terraform run data").

use blobs::{Kind, Name};
use db::{
    entity::{organization, project, user},
    sea_orm::EntityTrait,
};
use serde_json::{Map, Value, json};

use crate::{
    Ctx, Error, Result,
    row::{Run, Workspace},
    runs, tags, variables, workspaces,
};

/// Bytes of a plan as JSON that are read into memory.
const PLAN_LIMIT: u64 = 256 << 20;

/// The input for a run with a plan, as JSON text.
pub(super) async fn of(
    cx: &Ctx,
    workspace: &Workspace,
    run: &Run,
) -> Result<Result<String, String>> {
    let name = Name::new(Kind::PlanJson, run.plan_id.as_str())?;
    if cx.blobs().size(&name).await? > PLAN_LIMIT {
        return Ok(Err(format!("The plan has more than {PLAN_LIMIT} bytes as JSON.")));
    }
    let plan = cx.blobs().get(&name).await?;
    let Ok(plan) = std::str::from_utf8(&plan) else {
        return Ok(Err("The plan is not UTF-8.".into()));
    };
    let run = run_data(cx, workspace, run).await?;
    Ok(Ok(format!("{{\"plan\":{plan},\"run\":{run}}}")))
}

async fn run_data(cx: &Ctx, workspace: &Workspace, run: &Run) -> Result<Value> {
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
    let mut known = Map::new();
    let own = runs::variables_of(cx, run)?;
    for variable in variables::for_run(cx, workspace, own).await? {
        let about = json!({ "category": variable.category, "sensitive": variable.sensitive });
        known.insert(variable.key, about);
    }
    Ok(json!({
        "id": run.id,
        "created_at": run.created_at,
        "created_by": created_by.map(|user| user.username),
        "message": run.message,
        "commit_sha": null,
        "is_destroy": run.is_destroy,
        "refresh": run.refresh,
        "refresh_only": run.refresh_only,
        "replace_addrs": *run.replace_addrs,
        "target_addrs": *run.target_addrs,
        "speculative": run.plan_only,
        "variables": known,
        "project": { "id": project.id, "name": project.name },
        "organization": { "name": organization.name },
        "workspace": workspace_data(cx, workspace).await?,
    }))
}

async fn workspace_data(cx: &Ctx, workspace: &Workspace) -> Result<Value> {
    let mode = workspaces::details_of(cx, workspace.clone()).await?.execution.mode;
    let tags = tags::in_force(cx, workspace).await?;
    let flat: Vec<_> = tags.iter().filter(|tag| tag.row.tag_value.is_empty()).collect();
    let flat: Vec<_> = flat.into_iter().map(|tag| tag.row.tag_key.clone()).collect();
    let bindings: Vec<_> = tags
        .iter()
        .map(|tag| json!({ "key": tag.row.tag_key, "value": tag.row.tag_value }))
        .collect();
    let repo = workspace.vcs_repo.as_ref().map(|repo| {
        json!({
            "identifier": repo.identifier, "display_identifier": repo.identifier,
            "branch": repo.branch, "ingress_submodules": repo.ingress_submodules,
        })
    });
    Ok(json!({
        "id": workspace.id,
        "name": workspace.name,
        "created_at": workspace.created_at,
        "description": workspace.description,
        "execution_mode": mode,
        "auto_apply": workspace.auto_apply,
        "tags": flat,
        "tag_bindings": bindings,
        "working_directory": workspace.working_directory,
        "vcs_repo": repo,
    }))
}
