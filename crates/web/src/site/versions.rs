//! The versions of engines and of policy tools that the site knows.

use axum::extract::Query;
use domain::{
    Paging, can,
    entity::tool_version::Kind,
    tool_versions::{self, Filter, Used},
};
use maud::{Markup, html};
use serde::Deserialize;

use crate::{
    components::{Head, Header, Icon, Pager, Tab, Table, Tone, badge, count, empty, tabs},
    failure::Result,
    frame::{OnSite, Place, page},
    guard::May,
    query::{self, address},
};

const PAGE_SIZE: u64 = 50;
const HERE: &str = "/app/site/versions";
const KINDS: [(Kind, &str); 4] = [
    (Kind::Terraform, "Terraform"),
    (Kind::Tofu, "OpenTofu"),
    (Kind::Opa, "OPA"),
    (Kind::Sentinel, "Sentinel"),
];

#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    kind: String,
    #[serde(default = "query::first", deserialize_with = "query::number")]
    page: u64,
}

pub async fn show(site: May<can::ManageSite>, Query(asked): Query<Asked>) -> Result<Markup> {
    let visitor = &site.visitor;
    let kind = asked.kind.parse().unwrap_or(Kind::Terraform);
    let paging = Paging { number: asked.page, size: PAGE_SIZE };
    let list = tool_versions::list(&visitor.cx, &site, &[kind], Filter::default(), paging).await?;
    let all: Vec<_> = KINDS
        .iter()
        .map(|(one, label)| Tab {
            label,
            href: address(HERE, &[("kind", one.as_str())]),
            is_here: *one == kind,
            count: None,
        })
        .collect();
    let heads = [Head::new("Version"), Head::new("Is"), Head::number("Used by"), Head::new("From")];
    let rows = list.items.iter().map(row).collect();
    let main = html! {
        (Header { title: "Versions", beside: count(list.total), ..Header::default() })
        (tabs("Kinds of tools", &all))
        @if list.total == 0 {
            (empty(Icon::Layers, "None is known", "An agent names those that it has, and the list of releases is read now and then.", &html! {}))
        } @else {
            div.panel { (Table { caption: "Versions", heads: &heads, rows }) }
        }
        (Pager { number: asked.page, size: PAGE_SIZE, total: list.total, path: &address(HERE, &[("kind", kind.as_str())]) })
    };
    page(visitor, Place::Site(OnSite::Versions), "Versions", &main).await
}

fn row(used: &Used) -> Vec<Markup> {
    let row = &used.row;
    vec![
        html! { (row.version) span.under { code { (row.id) } } },
        html! {
            @if row.dormant { (badge(Tone::Neutral, Icon::StNone, "known, not in use")) }
            @else if row.enabled { (badge(Tone::Good, Icon::StGood, "enabled")) }
            @else { (badge(Tone::Neutral, Icon::StStop, "disabled")) }
            @if row.beta { " " (badge(Tone::Neutral, Icon::Info, "beta")) }
            @if row.deprecated { " " (badge(Tone::Neutral, Icon::Warn, "deprecated")) }
        },
        html! { (used.usage) },
        html! {
            @match used.archive() {
                Some(archive) => code { (archive.url) },
                None => span.faint { "what agents have" },
            }
        },
    ]
}
