//! The variable sets that a workspace has, and those that it can be given.

use axum::response::Redirect;
use domain::{
    Granted, Paging, can,
    id::VariableSetId,
    row::Workspace,
    variable_sets::{self, Overview, Scope, Set},
};
use maud::{Markup, Render, html};
use serde::Deserialize;

use super::path;
use crate::{
    components::{About, Button, Choice, Icon, Look, Panel, Select, Sheet, action, count},
    failure::Result,
    forms::Form,
    guard::Named,
    variable_sets::path as path_of_set,
    visitor::SignedIn,
    workspaces,
};

const MOST: u64 = 500;

#[derive(Deserialize)]
pub struct Which {
    set: VariableSetId,
}

type Chosen = Named<can::ManageVariableSets, Set, can::ReadVariables>;

pub async fn add(named: Chosen, Form(Which { set }): Form<Which>) -> Result<Redirect> {
    let cx = &named.base.visitor.cx;
    let set = named.check(variable_sets::find(cx, &set).await?)?;
    let scope = Scope::Workspace(named.base.id.clone());
    variable_sets::add_scopes(cx, &set, vec![scope]).await?;
    Ok(Redirect::to(&path(&named.base)))
}

pub async fn remove(named: Chosen, Form(Which { set }): Form<Which>) -> Result<Redirect> {
    let cx = &named.base.visitor.cx;
    let set = named.check(variable_sets::find(cx, &set).await?)?;
    let scope = Scope::Workspace(named.base.id.clone());
    variable_sets::remove_scopes(cx, &set, vec![scope]).await?;
    Ok(Redirect::to(&path(&named.base)))
}

fn here(workspace: &Workspace) -> String {
    format!("{}/variable-sets", workspaces::path(workspace))
}

pub async fn panel(visitor: &SignedIn, workspace: &Granted<can::ReadVariables>) -> Result<Markup> {
    let cx = &visitor.cx;
    let paging = Paging { number: 1, size: MOST };
    let has = variable_sets::list_of_workspace(cx, workspace, None, paging).await?;
    let sets = variable_sets::with_owners(cx, has.items).await?;
    let sets = variable_sets::with_contents(cx, sets).await?;
    let free = variable_sets::list_applicable(cx, workspace, None, paging).await?;
    let free = variable_sets::with_owners(cx, free.items).await?;
    let choices: Vec<Choice<'_>> = free
        .iter()
        .filter(|set| cx.may::<can::ManageVariableSets>(&set.of))
        .map(|set| (set.row.id.as_str(), set.row.name.as_str()))
        .collect();
    let which = Select {
        about: About { name: "set", label: "Another set", ..About::default() },
        choices: &choices,
        value: "",
    };
    let form = Sheet {
        id: "give",
        action: &here(workspace),
        token: &visitor.form_token(),
        wrong: None,
        hidden: &[],
        controls: &[&which],
        send: Button {
            label: "Give it this set",
            look: Look::Plain,
            icon: Some(Icon::Plus),
            ..Button::default()
        },
    };
    let content = html! {
        @if sets.is_empty() { p.soft { "No set reaches it." } }
        ul.ladder { @for one in &sets { li { (line(visitor, workspace, one)) } } }
        @if !choices.is_empty() { (form) }
    };
    let beside = count(has.total);
    Ok(Panel { id: "v-sets", title: "Variable sets", beside, content, ..Panel::default() }.render())
}

fn line(visitor: &SignedIn, workspace: &Workspace, one: &Overview) -> Markup {
    let cx = &visitor.cx;
    let name = one.set.name.as_str();
    let remove = Button {
        label: "Take away",
        look: Look::Danger,
        small: true,
        sends: Some(("set", one.set.id.as_str())),
        about: Some(name),
        ..Button::default()
    };
    let of_its_own = one.workspace_ids.contains(&workspace.id);
    html! {
        span {
            @if cx.may::<can::ReadVariableSets>(&one.owner) { a href=(path_of_set(&one.set)) { (name) } }
            @else { (name) }
        }
        @if of_its_own && cx.may::<can::ManageVariableSets>(&one.owner) {
            (action(&format!("{}/remove", here(workspace)), &visitor.form_token(), &remove))
        }
    }
}
