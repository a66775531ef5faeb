//! What a variable set is applied to: `/varsets/:id/relationships/workspaces` and `…/projects`

use domain::{
    can,
    variable_sets::{self, Scope, Set},
};
use jsonapi::{Empty, Identifiers};

use crate::{May, Result, Routes};

pub fn routes() -> Routes {
    let workspaces = "/api/v2/varsets/{varset_id}/relationships/workspaces";
    let projects = "/api/v2/varsets/{varset_id}/relationships/projects";
    Routes::default()
        .post(workspaces, apply_to_workspaces)
        .delete(workspaces, remove_from_workspaces)
        .post(projects, apply_to_projects)
        .delete(projects, remove_from_projects)
}

fn workspaces(body: Identifiers) -> Result<Vec<Scope>> {
    Ok(body.parsed("workspaces")?.into_iter().map(Scope::Workspace).collect())
}

fn projects(body: Identifiers) -> Result<Vec<Scope>> {
    Ok(body.parsed("projects")?.into_iter().map(Scope::Project).collect())
}

async fn apply_to_workspaces(
    set: May<can::ManageVariableSets, Set>,
    body: Identifiers,
) -> Result<Empty> {
    variable_sets::add_scopes(&set.cx, &set, workspaces(body)?).await?;
    Ok(Empty)
}

async fn remove_from_workspaces(
    set: May<can::ManageVariableSets, Set>,
    body: Identifiers,
) -> Result<Empty> {
    variable_sets::remove_scopes(&set.cx, &set, workspaces(body)?).await?;
    Ok(Empty)
}

async fn apply_to_projects(
    set: May<can::ManageVariableSets, Set>,
    body: Identifiers,
) -> Result<Empty> {
    variable_sets::add_scopes(&set.cx, &set, projects(body)?).await?;
    Ok(Empty)
}

async fn remove_from_projects(
    set: May<can::ManageVariableSets, Set>,
    body: Identifiers,
) -> Result<Empty> {
    variable_sets::remove_scopes(&set.cx, &set, projects(body)?).await?;
    Ok(Empty)
}
