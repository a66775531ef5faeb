//! `/app/{organization}/health`: the workspaces that somebody should look at, or all that were assessed.

use std::collections::HashMap;

use axum::extract::Query;
use domain::{
    Order, Paging, assessments, can,
    row::AssessmentResult,
    workspaces::{self, Filter, Health, Sort},
};
use maud::{Markup, html};
use serde::Deserialize;

use super::{badge_of, drifted};
use crate::{
    components::{Head, Header, Icon, Pager, Table, count, empty, time},
    failure::Result,
    frame::{Place, Section, page},
    guard::May,
    query::{self, address},
};

const PAGE_SIZE: u64 = 50;

#[derive(Deserialize)]
pub struct Asked {
    /// `all`, or those that are ill.
    #[serde(default)]
    show: String,
    #[serde(default = "query::first", deserialize_with = "query::number")]
    page: u64,
}

pub async fn show(
    organization: May<can::ReadOrganization>,
    Query(asked): Query<Asked>,
) -> Result<Markup> {
    let visitor = &organization.visitor;
    let cx = &visitor.cx;
    let is_all = asked.show == "all";
    let of = |health| Filter { health: Some(health), ..Filter::default() };
    let ill = workspaces::count(cx, &organization, of(Health::Ill)).await?;
    let all = workspaces::count(cx, &organization, of(Health::Known)).await?;
    let wanted = of(if is_all { Health::Known } else { Health::Ill });
    let paging = Paging { number: asked.page, size: PAGE_SIZE };
    let found =
        workspaces::list(cx, &organization, wanted, Sort::Name, Order::Ascending, paging).await?;
    let results = assessments::results_of(cx, &found.items).await?;
    let results: HashMap<_, _> =
        results.into_iter().map(|result| (result.workspace_id.clone(), result)).collect();
    let heads = [
        Head::new("Workspace"),
        Head::new("Health"),
        Head::number("Drifted"),
        Head::number("Checks failed"),
        Head::number("Assessed"),
    ];
    let rows = found.items.iter().map(|workspace| {
        let link = format!("{}/health", crate::workspaces::path(workspace));
        let mut row = vec![html! { a href=(link) { (workspace.name) } }];
        row.extend(results.get(&workspace.id).map_or_else(Vec::new, cells));
        row
    });
    let table = Table { caption: "Health of workspaces", heads: &heads, rows: rows.collect() };
    let here = format!("/app/{}/health", organization.name);
    let main = html! {
        (Header { title: "Health", beside: count(ill), ..Header::default() })
        div.filters {
            a.chip href=(here) aria-current=[(!is_all).then_some("true")] { "Warnings " (count(ill)) }
            a.chip href=(address(&here, &[("show", "all")])) aria-current=[is_all.then_some("true")] { "All that were assessed " (count(all)) }
        }
        @if found.total == 0 { (nothing(is_all)) } @else { div.panel { (table) } }
        (Pager { number: asked.page, size: PAGE_SIZE, total: found.total, path: &address(&here, &[("show", &asked.show)]) })
    };
    let name = &organization.name;
    page(visitor, Place::In(name, Section::Health), &format!("Health of {name}"), &main).await
}

fn cells(result: &AssessmentResult) -> Vec<Markup> {
    let failed = result.checks_failed.unwrap_or(0) + result.checks_errored.unwrap_or(0);
    vec![badge_of(result), html! { (drifted(result)) }, html! { (failed) }, time(result.created_at)]
}

fn nothing(is_all: bool) -> Markup {
    if is_all {
        let text = "A workspace is assessed when its page of health or its organization says so, and a run has been applied.";
        empty(Icon::Heart, "Nothing was assessed yet", text, &html! {})
    } else {
        empty(
            Icon::StGood,
            "No warnings",
            "No assessment has found drift or failing checks.",
            &html! {},
        )
    }
}
