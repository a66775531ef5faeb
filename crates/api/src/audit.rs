//! `GET /organization/audit-trail`: what happened in the organization whose token asks. Plain JSON, as documented.

use axum::Json;
use domain::{Timestamp, audit, can};
use jsonapi::{Error, Query};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{May, Result, Routes, paging::paging};

pub fn routes() -> Routes {
    Routes::default().get("/api/v2/organization/audit-trail", list)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Since {
    since: Option<String>,
}

#[derive(Serialize)]
struct Trail {
    /// As they were written down.
    data: Vec<Box<RawValue>>,
    pagination: Pagination,
}

#[derive(Serialize)]
struct Pagination {
    current_page: u64,
    prev_page: Option<u64>,
    next_page: Option<u64>,
    total_pages: u64,
    total_count: u64,
}

async fn list(token: May<can::ReadOwnAuditTrail>, query: Query<Since>) -> Result<Json<Trail>> {
    let since = match query.own.since.as_deref().filter(|text| !text.is_empty()) {
        Some(text) => Some(Timestamp::parse(text).ok_or_else(|| {
            let why = "is not a time as in 2026-01-31T12:00:00Z";
            Error::bad_request("invalid query parameter", why).parameter("since")
        })?),
        None => None,
    };
    let page = audit::of_own_organization(&token.cx, &token, since, paging(&query)).await?;
    let (current, total_pages) = (query.page.number, page.total.div_ceil(query.page.size).max(1));
    let data = page.items.into_iter().map(|entry| RawValue::from_string(entry.body));
    Ok(Json(Trail {
        data: data.collect::<Result<_, _>>().map_err(|e| domain::Error::Internal(e.into()))?,
        pagination: Pagination {
            current_page: current,
            prev_page: (current > 1).then(|| current - 1),
            next_page: (current < total_pages).then(|| current + 1),
            total_pages,
            total_count: page.total,
        },
    }))
}
