//! The runs of all organizations that are not over, with what they wait for.

use axum::extract::Query;
use domain::{
    Paging, can,
    runs::{self, OnSite as Run},
};
use maud::{Markup, html};

use crate::{
    components::{
        Head, Header, Icon, Pager, Size, Table, count, empty, run_meaning, run_status, time,
    },
    failure::Result,
    frame::{OnSite, Place, page},
    guard::May,
    query::PageNumber,
};

const PAGE_SIZE: u64 = 25;
const HERE: &str = "/app/site/runs";

pub async fn show(
    site: May<can::ManageSite>,
    Query(PageNumber { page: number }): Query<PageNumber>,
) -> Result<Markup> {
    let visitor = &site.visitor;
    let paging = Paging { number, size: PAGE_SIZE };
    let list = runs::unfinished_of_site(&visitor.cx, &site, paging).await?;
    let heads = [
        Head::new("Run"),
        Head::new("Status"),
        Head::new("Where"),
        Head::new("What it waits for"),
        Head::number("Since"),
    ];
    let rows = list.items.iter().map(row).collect();
    let about = html! { span { "Runs that are not over, those that have waited longest first." } };
    let main = html! {
        (Header { title: "Runs", beside: count(list.total), about, ..Header::default() })
        @if list.total == 0 {
            (empty(Icon::Play, "No run waits or is under way", "What has ended stands in its workspace.", &html! {}))
        } @else {
            div.panel { (Table { caption: "Runs that are not over", heads: &heads, rows }) }
        }
        (Pager { number, size: PAGE_SIZE, total: list.total, path: HERE })
    };
    page(visitor, Place::Site(OnSite::Runs), "Runs of the site", &main).await
}

fn row(run: &Run) -> Vec<Markup> {
    vec![
        html! { code { (run.id) } },
        run_status(run.status, Size::Bare),
        html! { (run.organization) "/" (run.workspace) },
        html! { (run.reason.as_deref().unwrap_or(run_meaning(run.status))) },
        time(run.since),
    ]
}
