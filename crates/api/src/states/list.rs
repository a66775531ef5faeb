//! The state versions of a workspace, by its id or by the names that clients know.

use domain::{Ctx, Granted, can, entity::state_version::Status, states, workspaces};
use jsonapi::{Document, Error, Query};
use serde::Deserialize;

use super::views;
use crate::{
    May, Named, Result,
    includes::INCLUDES,
    paging::paging,
    parameters::{ByName, Filtered},
};

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Filters {
    workspace: ByName,
    organization: ByName,
    status: Option<String>,
}

pub async fn of_workspace(
    workspace: May<can::ReadState>,
    query: Query<Filtered<Filters>>,
) -> Result<Document> {
    page(&workspace.cx, &workspace, &query).await
}

pub async fn by_name(
    caller: Named<can::ReadState>,
    query: Query<Filtered<Filters>>,
) -> Result<Document> {
    let required = |named: &ByName, parameter: &str| {
        named.name.clone().filter(|name| !name.is_empty()).ok_or_else(|| {
            Error::bad_request("invalid query parameter", format!("{parameter} is required"))
                .parameter(parameter)
        })
    };
    let filter = &query.own.filter;
    let organization = required(&filter.organization, "filter[organization][name]")?;
    let workspace = required(&filter.workspace, "filter[workspace][name]")?;
    let cx = &caller.cx;
    let found = workspaces::find_by_name(cx, &organization, &workspace).await?;
    page(cx, &caller.check(found)?, &query).await
}

async fn page(
    cx: &Ctx,
    workspace: &Granted<can::ReadState>,
    query: &Query<Filtered<Filters>>,
) -> Result<Document> {
    let status = match query.own.filter.status.as_deref().filter(|word| !word.is_empty()) {
        Some(word) => Some(word.parse::<Status>().map_err(|reason| {
            Error::bad_request("invalid query parameter", reason).parameter("filter[status]")
        })?),
        None => None,
    };
    let paging = paging(query);
    let page = states::list(cx, workspace, status, paging).await?;
    let views = views(cx, page.items).await?;
    Document::page(&views, page.total, query, &INCLUDES, cx).await
}
