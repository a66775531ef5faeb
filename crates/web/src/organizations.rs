//! `/` and `/app/{organization}`: the organizations of the visitor, each with what changed last.

mod create;
mod settings;
pub use settings::run_tasks;

use axum::{extract::Query, response::Redirect};
use domain::{
    Order, Page, Paging, Site, can, organizations,
    row::{Organization, Workspace},
    workspaces::{self, Filter, Sort},
};
use maud::{Markup, html};

use crate::{
    Routes,
    components::{Header, Icon, Look, Pager, Panel, count, empty, link_button},
    failure::Result,
    frame::{Place, page},
    guard::May,
    query::PageNumber,
    visitor::SignedIn,
    workspaces::rows,
};

pub use create::NEW;

pub fn routes() -> Routes {
    Routes::default()
        .merge(create::routes())
        .merge(settings::routes())
        .get("/", overview)
        .get("/app", home)
        .get("/app/{organization_name}", show)
}

async fn home(_: May<can::BePerson>) -> Redirect {
    Redirect::to("/")
}

async fn show(organization: May<can::ReadOrganization>) -> Redirect {
    Redirect::to(&path(&organization.name))
}

/// Organizations and workspaces shown at once: each organization costs a query.
const OVERVIEW_SIZE: u64 = 10;

pub fn path(organization: &str) -> String {
    format!("/app/{organization}/workspaces")
}

async fn overview(
    account: May<can::UseToken>,
    Query(PageNumber { page: number }): Query<PageNumber>,
) -> Result<Markup> {
    let visitor = &account.visitor;
    let cx = &visitor.cx;
    let paging = Paging { number, size: OVERVIEW_SIZE };
    let organizations =
        organizations::list(cx, &account, organizations::Search::default(), paging).await?;
    let mut panels = Vec::new();
    for organization in &organizations.items {
        panels.push(panel(visitor, organization).await?);
    }
    let may_create = cx.may::<can::CreateOrganization>(&Site);
    let new = html! {
        (link_button(Look::Quiet, Icon::Book, "First steps", "/first-steps"))
        @if may_create { (link_button(Look::Main, Icon::Plus, "New organization", NEW)) }
    };
    let main = html! {
        (Header {
            title: "Organizations",
            beside: count(organizations.total),
            actions: new,
            ..Header::default()
        })
        div.stack {
            @if panels.is_empty() { (nothing(may_create)) }
            @for panel in &panels { (panel) }
        }
        (Pager { number, size: OVERVIEW_SIZE, total: organizations.total, path: "/" })
    };
    page(visitor, Place::Top, "Organizations", &main).await
}

fn nothing(may_create: bool) -> Markup {
    let text = if may_create {
        "Workspaces, teams and variables belong to an organization. Make the first one."
    } else {
        "Ask an owner of one for an invitation, or a site administrator for one of your own."
    };
    empty(Icon::Boxes, "You are in no organization yet", text, &html! {})
}

/// What changed last in an organization.
async fn panel(visitor: &SignedIn, organization: &Organization) -> Result<Markup> {
    let cx = &visitor.cx;
    let name = &organization.name;
    let granted = visitor.organization::<can::ReadOrganization>(name).await?;
    let recent = Paging { number: 1, size: OVERVIEW_SIZE };
    let (sort, order) = (Sort::LatestChangeAt, Order::Descending);
    let list: Page<Workspace> =
        workspaces::list(cx, &granted, Filter::default(), sort, order, recent).await?;
    let total = list.total;
    let beside = html! {
        (count(total))
        a.push href=(path(name)) { "All workspaces" span.unseen { " of " (name) } }
    };
    let content = if list.items.is_empty() {
        let text = "A workspace is one configuration with its variables, its state and its runs.";
        html! { div.in { (empty(Icon::Boxes, "No workspaces that you may see", text, &html! {})) } }
    } else {
        rows::table(visitor, list.items, &rows::Heads::plain()).await?
    };
    let id = format!("o-{name}");
    let panel = Panel { id: &id, title: name, beside, content, is_table: true, is_risk: false };
    Ok(html! { (panel) })
}
