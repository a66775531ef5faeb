//! A variable of a set: made, changed, deleted.

use axum::response::{IntoResponse, Redirect, Response};
use domain::{
    can,
    variable_sets::{self, OfSet, Set},
};
use maud::{Markup, html};

use super::{list_path, path, show};
use crate::{
    components::{Button, Crumb, Header, Icon, Look, Panel, action},
    failure::{Result, Wrong},
    forms::{Form, Press},
    frame::{Place, Section, page},
    guard::May,
    variables::form::{Input, sheet},
};

pub async fn create(
    set: May<can::ManageVariableSets, Set>,
    Form(input): Form<Input>,
) -> Result<Response> {
    let visitor = &set.visitor;
    match variable_sets::create_variable(&visitor.cx, &set, input.wanted(None)).await {
        Ok(_) => Ok(Redirect::to(&path(&set)).into_response()),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let readable = show::readable(visitor, &set).await?;
            let page = show::draw(visitor, &readable, None, Some((&input, &wrong))).await?;
            Ok(wrong.shown_in(page))
        }
    }
}

type Variable = May<can::ManageVariableSets, OfSet>;

pub async fn edit(variable: Variable) -> Result<Markup> {
    let cx = &variable.visitor.cx;
    let set = &variable.of;
    let found = variable_sets::find_variable(cx, &set.id, &variable.id).await?;
    let shown = variable_sets::show_variable(cx, cx.check::<can::ReadVariableSets, _>(found)?)?;
    draw(&variable, &Input::of(&shown), None).await
}

pub async fn update(variable: Variable, Form(input): Form<Input>) -> Result<Response> {
    let wanted = input.wanted(Some(&variable.row));
    match variable_sets::update_variable(&variable.visitor.cx, &variable, wanted).await {
        Ok(_) => Ok(Redirect::to(&path(&variable.of)).into_response()),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            Ok(wrong.shown_in(draw(&variable, &input, Some(&wrong)).await?))
        }
    }
}

pub async fn delete(variable: Variable, _: Press) -> Result<Redirect> {
    variable_sets::delete_variable(&variable.visitor.cx, &variable).await?;
    Ok(Redirect::to(&path(&variable.of)))
}

async fn draw(variable: &Variable, input: &Input, wrong: Option<&Wrong>) -> Result<Markup> {
    let visitor = &variable.visitor;
    let set = &variable.of;
    let here = format!("{}/variables/{}", path(set), variable.id);
    let crumbs = [
        Crumb { label: "Variable sets", href: list_path(&set.organization_name) },
        Crumb { label: &set.name, href: path(set) },
    ];
    let delete = Button {
        label: "Delete the variable",
        look: Look::Danger,
        icon: Some(Icon::Trash),
        ..Button::default()
    };
    let sheet = sheet("variable", &here, visitor, input, Some(&variable.row), wrong);
    let main = html! {
        (Header { crumbs: &crumbs, title: &variable.name, ..Header::default() })
        div.stack {
            (Panel { id: "v-edit", title: "The variable", content: sheet, ..Panel::default() })
            (Panel {
                id: "v-delete",
                title: "Delete it",
                content: html! {
                    p { "Runs that begin from now on do not get it from this set any more." }
                    (action(&format!("{here}/delete"), &visitor.form_token(), &delete))
                },
                is_risk: true,
                ..Panel::default()
            })
        }
    };
    let title = format!("Variable {} of {}", variable.name, set.name);
    page(visitor, Place::In(&set.organization_name, Section::VariableSets), &title, &main).await
}
