//! The variables of a set: `/varsets/:id/relationships/vars`, and how a workspace gets them.

use domain::{
    In, can,
    row::Variable,
    variable_sets::{self, Applied, OfSet, Set},
    variables as values,
};
use jsonapi::{Body, Document, Empty};

use crate::{
    May, Result, Routes,
    variables::{Input, View, listed},
};

pub fn routes() -> Routes {
    let all = "/api/v2/varsets/{varset_id}/relationships/vars";
    let one = "/api/v2/varsets/{varset_id}/relationships/vars/{varset_variable_id}";
    Routes::default()
        .get(all, list)
        .post(all, create)
        .get(one, show)
        .patch(one, update)
        .delete(one, delete)
        .get(
            "/api/v2/workspaces/{workspace_id}/varsets/{varset_id}/relationships/vars",
            list_in_workspace,
        )
        .get(
            "/api/v2/workspaces/{workspace_id}/varsets/{varset_id}/relationships/vars/{varset_variable_id}",
            show_in_workspace,
        )
}

async fn list(set: May<can::ReadVariableSets, Set>) -> Result<Document> {
    Ok(listed(variable_sets::list_variables(&set.cx, &set).await?))
}

async fn create(set: May<can::ManageVariableSets, Set>, body: Body<Input>) -> Result<Document> {
    let shown = variable_sets::create_variable(&set.cx, &set, body.attributes.into()).await?;
    Ok(Document::one(&View::from(shown)).created())
}

async fn show(variable: May<can::ReadVariableSets, OfSet>) -> Result<Document> {
    let shown = variable_sets::show_variable(&variable.cx, variable.granted)?;
    Ok(Document::one(&View::from(shown)))
}

async fn update(
    variable: May<can::ManageVariableSets, OfSet>,
    body: Body<Input>,
) -> Result<Document> {
    let change = body.attributes.into();
    let shown = variable_sets::update_variable(&variable.cx, &variable, change).await?;
    Ok(Document::one(&View::from(shown)))
}

async fn delete(variable: May<can::ManageVariableSets, OfSet>) -> Result<Empty> {
    variable_sets::delete_variable(&variable.cx, &variable).await?;
    Ok(Empty)
}

async fn list_in_workspace(applied: May<can::ReadVariables, Applied>) -> Result<Document> {
    Ok(listed(values::list_in_context(&applied.cx, &applied).await?))
}

async fn show_in_workspace(
    variable: May<can::ReadVariables, In<Variable, Applied>>,
) -> Result<Document> {
    let weighed = values::show_in_context(&variable.cx, &variable).await?;
    Ok(Document::one(&View::from(weighed)))
}
