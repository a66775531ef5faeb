//! The list of an organization's workspaces and its many parameters.

use domain::{
    Order, can,
    entity::run::Status,
    workspaces::{self, Filter, Health, Sort},
};
use jsonapi::{Document, Query};
use serde::Deserialize;

use super::views;
use crate::{
    May, Result,
    includes::INCLUDES,
    paging::paging,
    parameters::{ById, every, parsed, sorted, text},
    tags,
};

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Parameters {
    search: Search,
    filter: Filters,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Search {
    name: Option<String>,
    wildcard_name: Option<String>,
    tags: Vec<String>,
    exclude_tags: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Filters {
    project: ById,
    current_run: CurrentRun,
    tagged: Vec<tags::Tagged>,
    tag_union: bool,
    tag_value_default_null: bool,
    /// Ours: those alone whose last assessment has found something, or failed.
    unhealthy: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CurrentRun {
    status: Vec<String>,
}

pub async fn list(
    organization: May<can::ReadOrganization>,
    query: Query<Parameters>,
) -> Result<Document> {
    let cx = &organization.cx;
    let keys = [
        ("name", Sort::Name),
        ("current-run.created-at", Sort::CurrentRunCreatedAt),
        ("latest-change-at", Sort::LatestChangeAt),
    ];
    let (sort, order) = sorted(&query, &keys)?.unwrap_or((Sort::Name, Order::Ascending));
    let paging = paging(&query);
    let page = workspaces::list(cx, &organization, filter(&query)?, sort, order, paging).await?;
    let views = views(cx, page.items).await?;
    Document::page(&views, page.total, &query, &INCLUDES, cx).await
}

fn filter(query: &Query<Parameters>) -> Result<Filter> {
    let Parameters { search, filter } = &query.own;
    let names =
        |list: &[String]| list.iter().filter(|name| !name.is_empty()).cloned().collect::<Vec<_>>();
    let project = parsed(filter.project.id.as_deref(), "filter[project][id]")?;
    let statuses = &filter.current_run.status;
    let current_run_status = every::<Status>(statuses, "filter[current-run][status]")?;
    Ok(Filter {
        search: text(search.name.as_deref()),
        wildcard: text(search.wildcard_name.as_deref()),
        project,
        tags: names(&search.tags),
        without_tags: names(&search.exclude_tags),
        tagged: tags::filters(&filter.tagged, filter.tag_value_default_null)?,
        any_tagged: filter.tag_union,
        current_run_status,
        run_status: Vec::new(),
        health: filter.unhealthy.then_some(Health::Ill),
    })
}
