//! Every organization that there is.

use axum::extract::Query;
use domain::{
    Paging, can,
    organizations::{self, Counted},
};
use maud::{Markup, html};
use serde::Deserialize;

use crate::{
    components::{Head, Header, Icon, Pager, Table, count, empty, icon, time},
    failure::Result,
    frame::{OnSite, Place, page},
    guard::May,
    query::{self, address},
};

const PAGE_SIZE: u64 = 50;
const HERE: &str = "/app/site/organizations";

#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default = "query::first", deserialize_with = "query::number")]
    page: u64,
}

pub async fn show(site: May<can::ManageSite>, Query(asked): Query<Asked>) -> Result<Markup> {
    let visitor = &site.visitor;
    let paging = Paging { number: asked.page, size: PAGE_SIZE };
    let text = Some(asked.q.trim()).filter(|text| !text.is_empty());
    let list = organizations::list_of_site(&visitor.cx, &site, text, paging).await?;
    let heads = [
        Head::new("Organization"),
        Head::new("E-mail"),
        Head::number("Workspaces"),
        Head::number("Members"),
        Head::number("Made"),
    ];
    let rows = list.items.iter().map(row).collect();
    let main = html! {
        (Header { title: "Organizations", beside: count(list.total), ..Header::default() })
        form.filters method="get" action=(HERE) {
            span.search {
                (icon(Icon::Search))
                input type="search" name="q" value=(asked.q) data-find aria-label="Find an organization" placeholder="Name";
            }
            button type="submit" class="plain small" { "Find" }
        }
        @if list.total == 0 {
            (empty(Icon::Search, "None found", "No organization has such a name.", &html! {}))
        } @else {
            div.panel { (Table { caption: "Organizations", heads: &heads, rows }) }
        }
        (Pager { number: asked.page, size: PAGE_SIZE, total: list.total, path: &address(HERE, &[("q", &asked.q)]) })
    };
    page(visitor, Place::Site(OnSite::Organizations), "Organizations of the site", &main).await
}

fn row(one: &Counted) -> Vec<Markup> {
    vec![
        html! { (one.row.name) span.under { code { (one.row.id) } } },
        html! { (one.row.email) },
        html! { (one.workspaces) },
        html! { (one.members) },
        time(one.row.created_at),
    ]
}
