//! `/app/{organization}/workspaces/{workspace}/variables`: what a run gets, which value wins and why; and the
//! workspace's own, to be changed. A secret is never shown again.

pub mod form;
mod list;
mod paste;
mod sets;

use axum::response::{IntoResponse, Redirect, Response};
use domain::{In, can, row::Variable, row::Workspace, variables};
use maud::Markup;

use self::form::Input;
use crate::{
    Routes,
    failure::{Result, Wrong},
    forms::{Form, Press},
    guard::May,
    workspaces,
};

pub fn routes() -> Routes {
    const ALL: &str = "/app/{organization_name}/workspaces/{workspace_name}/variables";
    const ONE: &str =
        "/app/{organization_name}/workspaces/{workspace_name}/variables/{variable_id}";
    const DELETE: &str =
        "/app/{organization_name}/workspaces/{workspace_name}/variables/{variable_id}/delete";
    const PASTE: &str = "/app/{organization_name}/workspaces/{workspace_name}/paste-variables";
    const SAVE: &str = "/app/{organization_name}/workspaces/{workspace_name}/paste-variables/save";
    const SETS: &str = "/app/{organization_name}/workspaces/{workspace_name}/variable-sets";
    const UNSET: &str = "/app/{organization_name}/workspaces/{workspace_name}/variable-sets/remove";
    Routes::default()
        .get(ALL, show)
        .get("/app/{organization_name}/{workspace_name}/variables", show)
        .post(ALL, create)
        .get(ONE, edit)
        .post(ONE, update)
        .post(DELETE, delete)
        .get(PASTE, paste::show)
        .post(PASTE, paste::preview)
        .post(SAVE, paste::save)
        .post(SETS, sets::add)
        .post(UNSET, sets::remove)
}

pub fn path(workspace: &Workspace) -> String {
    format!("{}/variables", workspaces::path(workspace))
}

async fn show(workspace: May<can::ReadVariables>) -> Result<Markup> {
    list::draw(&workspace.visitor, &workspace, &Input::default(), None).await
}

async fn create(
    workspace: May<can::UpdateVariables>,
    Form(input): Form<Input>,
) -> Result<Response> {
    let cx = &workspace.visitor.cx;
    match variables::create(cx, &workspace, input.wanted(None)).await {
        Ok(_) => Ok(Redirect::to(&path(&workspace)).into_response()),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            // Whoever may write variables may read them.
            let found = domain::workspaces::find(cx, &workspace.id).await?;
            let readable = cx.check::<can::ReadVariables, _>(found)?;
            let page = list::draw(&workspace.visitor, &readable, &input, Some(&wrong)).await?;
            Ok(wrong.shown_in(page))
        }
    }
}

async fn edit(variable: May<can::UpdateVariables, In<Variable>>) -> Result<Markup> {
    let cx = &variable.visitor.cx;
    let found = variables::find(cx, &variable.id).await?;
    let shown = variables::show(cx, cx.check::<can::ReadVariables, _>(found)?)?;
    form::edit_page(&variable.visitor, &variable, &Input::of(&shown), None).await
}

async fn update(
    variable: May<can::UpdateVariables, In<Variable>>,
    Form(input): Form<Input>,
) -> Result<Response> {
    let wanted = input.wanted(Some(&variable.row));
    match variables::update(&variable.visitor.cx, &variable, wanted).await {
        Ok(_) => Ok(Redirect::to(&path(&variable.of)).into_response()),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let page = form::edit_page(&variable.visitor, &variable, &input, Some(&wrong)).await?;
            Ok(wrong.shown_in(page))
        }
    }
}

async fn delete(variable: May<can::UpdateVariables, In<Variable>>, _: Press) -> Result<Redirect> {
    variables::delete(&variable.visitor.cx, &variable).await?;
    Ok(Redirect::to(&path(&variable.of)))
}
