//! `/cost-estimates`: what a run would cost a month

use axum::response::{IntoResponse, Response};
use domain::{
    In, StatusTimestamps, can, cost_estimates,
    entity::{cost_estimate::Status, cost_estimate_resource::Resources},
    row::CostEstimate,
};
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};
use jsonapi::{Document, Links, Query, Relationships, Resource};
use serde::Serialize;

use crate::{May, Result, Routes, includes::INCLUDES};

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/cost-estimates/{cost_estimate_id}", show)
        .get("/api/v2/cost-estimates/{cost_estimate_id}/output", output)
}

/// An estimate on the wire; one alone with all of its resources.
pub struct View {
    row: CostEstimate,
    resources: Option<Resources>,
}

impl From<In<CostEstimate>> for View {
    fn from(found: In<CostEstimate>) -> Self {
        Self { row: found.row, resources: None }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes<'a> {
    status: Status,
    status_timestamps: &'a StatusTimestamps,
    error_message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resources: Option<&'a Resources>,
    resources_count: i64,
    matched_resources_count: i64,
    unmatched_resources_count: i64,
    prior_monthly_cost: Option<&'a str>,
    proposed_monthly_cost: Option<&'a str>,
    delta_monthly_cost: Option<&'a str>,
}

impl Resource for View {
    const TYPE: &'static str = "cost-estimates";

    fn id(&self) -> String {
        self.row.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        let row = &self.row;
        Attributes {
            status: row.status,
            status_timestamps: &row.status_timestamps,
            error_message: row.error_message.as_deref(),
            resources: self.resources.as_ref(),
            resources_count: row.matched + row.unmatched,
            matched_resources_count: row.matched,
            unmatched_resources_count: row.unmatched,
            prior_monthly_cost: row.prior_monthly_cost.as_deref(),
            proposed_monthly_cost: row.proposed_monthly_cost.as_deref(),
            delta_monthly_cost: row.delta_monthly_cost.as_deref(),
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        to.one("run", "runs", Some(&self.row.run_id));
    }

    fn links(&self, to: &mut Links) {
        to.add("output", format!("/api/v2/cost-estimates/{}/output", self.row.id));
    }

    fn path(&self) -> Option<String> {
        Some(format!("/api/v2/cost-estimates/{}", self.row.id))
    }
}

async fn show(estimate: May<can::ReadRun, In<CostEstimate>>, query: Query) -> Result<Document> {
    let cx = estimate.cx;
    let resources = cost_estimates::resources_of(&cx, &estimate.granted).await?;
    let view = View { resources, row: estimate.granted.into_inner().row };
    Document::one_with(&view, &query, &INCLUDES, &cx).await
}

/// What people read in their terminals; 204 until there is something.
async fn output(estimate: May<can::ReadRun, In<CostEstimate>>) -> Result<Response> {
    let Some(output) = cost_estimates::output(&estimate.cx, &estimate).await? else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, output).into_response())
}
