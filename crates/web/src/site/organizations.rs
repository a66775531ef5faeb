//! Every organization that there is.

use axum::extract::Query;
use domain::{
    can,
    organizations::{self, Counted},
};
use maud::{Markup, html};

use crate::{
    components::{Head, Header, Icon, Search, Table, count, empty, time},
    failure::Result,
    frame::{OnSite, Place, page},
    guard::May,
};

pub const HERE: &str = "/app/site/organizations";

pub async fn show(site: May<can::ManageSite>, Query(asked): Query<Search>) -> Result<Markup> {
    let visitor = &site.visitor;
    let cx = &visitor.cx;
    let search = organizations::Search {
        any: asked.text().map(str::to_owned),
        ..organizations::Search::default()
    };
    let list = organizations::list_of_site(cx, &site, search, asked.paging()).await?;
    let shown = organizations::counted(cx, &site, list.items).await?;
    let heads = [
        Head::new("Organization"),
        Head::new("E-mail"),
        Head::number("Workspaces"),
        Head::number("Members"),
        Head::number("Made"),
    ];
    let rows = shown.iter().map(row).collect();
    let main = html! {
        (Header { title: "Organizations", beside: count(list.total), ..Header::default() })
        (asked.field(HERE, "Find an organization", "Name or e-mail"))
        @if list.total == 0 {
            (empty(Icon::Search, "None found", "No organization has such a name or address.", &html! {}))
        } @else {
            div.panel { (Table { caption: "Organizations", heads: &heads, rows }) }
        }
        (asked.pager(HERE, list.total))
    };
    page(visitor, Place::Site(OnSite::Organizations), "Organizations of the site", &main).await
}

fn row(one: &Counted) -> Vec<Markup> {
    vec![
        html! { a href=(super::organization::path(&one.row)) { (one.row.name) } span.under { code { (one.row.id) } } },
        html! { (one.row.email) },
        html! { (one.workspaces) },
        html! { (one.members) },
        time(one.row.created_at),
    ]
}
