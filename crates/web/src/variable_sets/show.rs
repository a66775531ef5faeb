//! One set: its variables, what it is applied to, its end.

use axum::response::{IntoResponse, Redirect, Response};
use domain::{
    Granted, can,
    entity::variable::Category,
    row::Variable,
    variable_sets::{self, Change, Overview, Owner, Set},
    variables::Shown,
};
use maud::{Markup, Render, html};

use super::{
    form::{self, Input},
    list::reach,
    list_path, path,
};
use crate::{
    components::{
        Button, Crumb, Head, Header, Icon, Look, Panel, Table, action, copy_id, count, icon,
        stacked_facts, time,
    },
    failure::{Failure, Result, Wrong},
    forms::{Form, Press},
    frame::{Place, Section, page},
    guard::May,
    variables::form as variable,
    visitor::SignedIn,
};

pub async fn show(set: May<can::ReadVariableSets, Set>) -> Result<Markup> {
    draw(&set.visitor, &set, None, None).await
}

pub async fn save(
    set: May<can::ManageVariableSets, Set>,
    Form(input): Form<Input>,
) -> Result<Response> {
    let visitor = &set.visitor;
    let saved = match input.wanted(visitor, &set.organization_name).await {
        Ok(change) => {
            let change = with_hidden(visitor, &set, change).await?;
            Box::pin(variable_sets::update(&visitor.cx, &set, change)).await
        }
        Err(Failure::Refused(error)) => Err(error),
        Err(other) => return Err(other),
    };
    match saved {
        Ok(set) => Ok(Redirect::to(&path(&set)).into_response()),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let readable = readable(visitor, &set).await?;
            let page = draw(visitor, &readable, Some((&input, &wrong)), None).await?;
            Ok(wrong.shown_in(page))
        }
    }
}

/// A set of a project is applied within it alone, and its form has no choice about that.
async fn with_hidden(visitor: &SignedIn, set: &Set, change: Change) -> Result<Change> {
    let shown = overview(visitor, set).await?;
    // Whoever does not see all that it is applied to cannot say what all of that is to be.
    let hides = shown.workspace_count > shown.workspace_ids.len()
        || shown.project_count > shown.project_ids.len();
    if hides && change.is_global != Some(true) {
        let why = "It is applied to something that you may not see. Let somebody who sees all of it change that.";
        return Err(domain::Error::Forbidden(why.to_owned()).into());
    }
    Ok(change)
}

pub async fn delete(set: May<can::ManageVariableSets, Set>, _: Press) -> Result<Redirect> {
    variable_sets::delete(&set.visitor.cx, &set).await?;
    Ok(Redirect::to(&list_path(&set.organization_name)))
}

pub(super) async fn readable(
    visitor: &SignedIn,
    set: &Set,
) -> Result<Granted<can::ReadVariableSets, Set>> {
    let found = variable_sets::find(&visitor.cx, &set.id).await?;
    Ok(visitor.cx.check::<can::ReadVariableSets, _>(found)?)
}

async fn overview(visitor: &SignedIn, set: &Set) -> Result<Overview> {
    let set = Set { row: set.row.clone(), of: set.of.clone() };
    let mut all = variable_sets::with_contents(&visitor.cx, vec![set]).await?;
    Ok(all.pop().ok_or(domain::Error::NotFound)?)
}

/// `said` is what was refused of the set, `new` what was refused of a new variable.
pub(super) async fn draw(
    visitor: &SignedIn,
    set: &Granted<can::ReadVariableSets, Set>,
    said: Option<(&Input, &Wrong)>,
    new: Option<(&variable::Input, &Wrong)>,
) -> Result<Markup> {
    let cx = &visitor.cx;
    let shown = overview(visitor, set).await?;
    let organization = &set.organization_name;
    let crumbs = [Crumb { label: "Variable sets", href: list_path(organization) }];
    let manages = cx.may::<can::ManageVariableSets>(&set.of);
    let variables = variable_sets::list_variables(cx, set).await?;
    let owner = match &set.of {
        Owner::Organization(name) => name.clone(),
        Owner::Project(project) => format!("the project {}", project.name),
    };
    let facts = [
        ("Id", copy_id(&set.id)),
        ("Whose", html! { (owner) }),
        ("Workspaces", html! { (reach(&shown)) }),
        ("Made", time(set.created_at)),
    ];
    let now = Input::of(visitor, &shown).await?;
    let input = said.map_or(&now, |(input, _)| input);
    let wrong = said.map(|(_, wrong)| wrong);
    let of_project = matches!(set.of, Owner::Project(_));
    let blank = variable::Input::default();
    let main = html! {
        (Header { crumbs: &crumbs, title: &set.name, ..Header::default() })
        div.beside {
            div.stack {
                @if !set.description.is_empty() { p { (set.description) } }
                (table(set, &variables, manages))
                @if manages {
                    (Panel {
                        id: "s-new",
                        title: "Add a variable",
                        content: variable::sheet("new", &format!("{}/variables", path(set)), visitor, new.map_or(&blank, |(input, _)| input), None, new.map(|(_, wrong)| wrong)),
                        ..Panel::default()
                    })
                    (Panel {
                        id: "s-set",
                        title: "Settings of the set",
                        content: form::sheet(visitor, &path(set), input, "Save the set", of_project, wrong),
                        ..Panel::default()
                    })
                    (deletion(visitor, set))
                }
            }
            aside.stack aria-label={ "About " (set.name) } {
                (Panel { id: "s-about", title: "About", content: stacked_facts(&facts), ..Panel::default() })
            }
        }
    };
    page(visitor, Place::In(organization, Section::VariableSets), &set.name, &main).await
}

fn deletion(visitor: &SignedIn, set: &Set) -> Markup {
    let delete = Button {
        label: "Delete the set",
        look: Look::Danger,
        icon: Some(Icon::Trash),
        ..Button::default()
    };
    let content = html! {
        p { "Runs that begin from now on do not get its variables any more." }
        (action(&format!("{}/delete", path(set)), &visitor.form_token(), &delete))
    };
    Panel { id: "s-delete", title: "Delete it", content, is_risk: true, ..Panel::default() }
        .render()
}

fn table(set: &Set, all: &[Shown], manages: bool) -> Markup {
    let heads = [Head::new("Key"), Head::new("Value"), Head::new("Kind"), Head::unseen("Actions")];
    let rows = all.iter().map(|one| row(set, one, manages)).collect();
    let content = if all.is_empty() {
        html! { div.in { p.soft { "It has no variables yet." } } }
    } else {
        Table { caption: "Variables of the set", heads: &heads, rows }.render()
    };
    let beside = count(u64::try_from(all.len()).unwrap_or_default());
    Panel { id: "s-vars", title: "Variables", beside, content, is_table: true, is_risk: false }
        .render()
}

fn row(set: &Set, one: &Shown, manages: bool) -> Vec<Markup> {
    let row: &Variable = &one.row;
    vec![
        html! {
            code { (row.name) }
            @if let Some(text) = &row.description { span.under { (text) } }
        },
        html! {
            @match one.value() {
                Some(value) => code { (value) },
                None => span.sens { (icon(Icon::Lock)) "sensitive" },
            }
            @if row.hcl { " " span.faint { "HCL" } }
        },
        html! {
            @match row.category { Category::Terraform => "for the engine", Category::Environment => "environment" }
        },
        html! {
            @if manages {
                a class="button quiet small" href={ (path(set)) "/variables/" (row.id) } { "Edit" span.unseen { " " (row.name) } }
            }
        },
    ]
}
