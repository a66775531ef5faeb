//! The variable sets of an organization that the visitor may see, and the form for a new one.

use axum::{
    extract::Query,
    response::{IntoResponse, Redirect, Response},
};
use domain::{
    Granted, Paging, can,
    variable_sets::{self, Filter, Overview, Owner},
};
use maud::{Markup, html};

use super::{
    form::{Input, sheet},
    list_path, path,
};
use crate::{
    components::{Head, Header, Icon, Pager, Panel, Table, Tone, badge, count, empty},
    failure::{Failure, Result, Wrong},
    forms::Form,
    frame::{Place, Section, page},
    guard::{May, Named},
    query::PageNumber,
    visitor::SignedIn,
};

const PAGE_SIZE: u64 = 100;

pub async fn show(
    organization: May<can::ReadOrganization>,
    Query(PageNumber { page }): Query<PageNumber>,
) -> Result<Markup> {
    draw(&organization.visitor, &organization, page, &Input::new(), None).await
}

type ForOrganization = Named<can::ManageVariableSets, Owner, can::ReadOrganization>;

pub async fn create(named: ForOrganization, Form(input): Form<Input>) -> Result<Response> {
    let organization = &named.base;
    let visitor = &organization.visitor;
    let owner = variable_sets::find_owner(&visitor.cx, organization, None).await?;
    let owner = named.check(owner)?;
    let made = match input.wanted(visitor, &organization.name).await {
        Ok(change) => Box::pin(variable_sets::create(&visitor.cx, &owner, change)).await,
        Err(Failure::Refused(error)) => Err(error),
        Err(other) => return Err(other),
    };
    match made {
        Ok(set) => Ok(Redirect::to(&path(&set)).into_response()),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let page = draw(visitor, organization, 1, &input, Some(&wrong)).await?;
            Ok(wrong.shown_in(page))
        }
    }
}

async fn draw(
    visitor: &SignedIn,
    organization: &Granted<can::ReadOrganization>,
    number: u64,
    input: &Input,
    wrong: Option<&Wrong>,
) -> Result<Markup> {
    let cx = &visitor.cx;
    let name = &organization.name;
    let paging = Paging { number, size: PAGE_SIZE };
    let list = variable_sets::list(cx, organization, Filter::default(), paging).await?;
    let sets = variable_sets::with_owners(cx, list.items).await?;
    let sets = variable_sets::with_contents(cx, sets).await?;
    let heads = [
        Head::new("Set"),
        Head::new("Whose"),
        Head::new("Which workspaces have it"),
        Head::number("Variables"),
    ];
    let rows = sets.iter().map(row).collect();
    let manages = cx.may::<can::ManageVariableSets>(&Owner::Organization(name.clone()));
    let here = list_path(name);
    let main = html! {
        (Header { title: "Variable sets", beside: count(list.total), ..Header::default() })
        div.stack {
            @if list.total == 0 {
                (empty(Icon::Sliders, "No variable sets that you may see", "A set gives the same variables to many workspaces: credentials, say, or a region.", &html! {}))
            } @else {
                div.panel { (Table { caption: "Variable sets", heads: &heads, rows }) }
            }
            (Pager { number, size: PAGE_SIZE, total: list.total, path: &here })
            @if manages {
                (Panel { id: "v-set", title: "New set", content: sheet(visitor, &here, input, "Create the set", false, wrong), ..Panel::default() })
            }
        }
    };
    let title = format!("Variable sets of {name}");
    page(visitor, Place::In(name, Section::VariableSets), &title, &main).await
}

pub(super) fn reach(one: &Overview) -> String {
    let many = |count: usize, one: &str, all: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        count => Some(format!("{count} {all}")),
    };
    if one.set.is_global {
        return "every workspace".to_owned();
    }
    let projects = many(one.project_count, "project", "projects");
    let workspaces = many(one.workspace_count, "workspace", "workspaces");
    let all: Vec<String> = [projects, workspaces].into_iter().flatten().collect();
    if all.is_empty() { "none yet".to_owned() } else { all.join(", ") }
}

fn row(one: &Overview) -> Vec<Markup> {
    vec![
        html! {
            a href=(path(&one.set)) { (one.set.name) }
            @if one.set.is_priority { " " (badge(Tone::Neutral, Icon::Up, "priority")) }
            @if !one.set.description.is_empty() { span.under { (one.set.description) } }
        },
        html! {
            @match &one.owner {
                Owner::Organization(_) => "the organization",
                Owner::Project(project) => { "the project " (project.name) },
            }
        },
        html! { (reach(one)) },
        html! { (one.variable_ids.len()) },
    ]
}
