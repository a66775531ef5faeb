//! `/policy-checks`, `/runs/:id/policy-checks`: Sentinel, which this server has no engine for

use axum::response::{IntoResponse, Response};
use domain::{
    Ctx, In, StatusTimestamps, can,
    entity::policy_check::Status,
    policy_evaluations,
    row::{PolicyCheck, Run},
};
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};
use jsonapi::{Document, Links, Plain, Query, Relationships, Resource};
use serde::{Deserialize, Serialize};

use crate::{May, Result, Routes, includes::INCLUDES, paging::paging};

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/runs/{run_id}/policy-checks", list)
        .get("/api/v2/policy-checks/{policy_check_id}", show)
        .get("/api/v2/policy-checks/{policy_check_id}/output", output)
        .post("/api/v2/policy-checks/{policy_check_id}/actions/override", override_it)
}

/// A check on the wire.
pub struct View {
    check: In<PolicyCheck>,
    can_override: bool,
}

impl View {
    pub fn new(cx: &Ctx, check: In<PolicyCheck>) -> Self {
        Self { can_override: cx.may::<can::OverridePolicies>(&check.of), check }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes<'a> {
    status: Status,
    scope: &'static str,
    status_timestamps: &'a StatusTimestamps,
    result: Option<Counts>,
    actions: Actions,
    permissions: Permissions,
}

/// Nothing was ever asked, so nothing has passed or failed.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Counts {
    result: bool,
    passed: u64,
    total_failed: u64,
    hard_failed: u64,
    soft_failed: u64,
    advisory_failed: u64,
    duration: u64,
    duration_ms: u64,
    sentinel: Option<()>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Actions {
    is_overridable: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Permissions {
    can_override: bool,
}

impl Resource for View {
    const TYPE: &'static str = "policy-checks";

    fn id(&self) -> String {
        self.check.row.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        let row = &self.check.row;
        let result = |result| Counts {
            result,
            passed: 0,
            total_failed: 0,
            hard_failed: 0,
            soft_failed: 0,
            advisory_failed: 0,
            duration: 0,
            duration_ms: 0,
            sentinel: None,
        };
        Attributes {
            status: row.status,
            scope: "organization",
            status_timestamps: &row.status_timestamps,
            result: row.output.as_ref().map(|_| result(row.status == Status::Passed)),
            actions: Actions { is_overridable: policy_evaluations::is_check_overridable(row) },
            permissions: Permissions { can_override: self.can_override },
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        to.one("run", "runs", Some(&self.check.row.run_id));
    }

    fn links(&self, to: &mut Links) {
        to.add("output", format!("/api/v2/policy-checks/{}/output", self.check.row.id));
    }
}

async fn list(run: May<can::ReadRun, In<Run>>, query: Query) -> Result<Document> {
    let cx = &run.cx;
    let page = policy_evaluations::list_checks(cx, &run, paging(&query)).await?;
    let views: Vec<_> = page
        .items
        .into_iter()
        .map(|row| View::new(cx, In { row, of: run.granted.of.clone() }))
        .collect();
    Document::page(&views, page.total, &query, &INCLUDES, cx).await
}

async fn show(check: May<can::ReadRun, In<PolicyCheck>>, query: Query) -> Result<Document> {
    let cx = check.cx;
    let view = View::new(&cx, check.granted.into_inner());
    Document::one_with(&view, &query, &INCLUDES, &cx).await
}

/// What people read in their terminals; 204 until there is something.
async fn output(check: May<can::ReadRun, In<PolicyCheck>>) -> Result<Response> {
    let Some(output) = check.granted.into_inner().row.output else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, output + "\n").into_response())
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Comment {
    #[serde(deserialize_with = "jsonapi::prose")]
    comment: Option<String>,
}

async fn override_it(
    check: May<can::OverridePolicies, In<PolicyCheck>>,
    body: Plain<Comment>,
) -> Result<Document> {
    let cx = &check.cx;
    let row = policy_evaluations::override_check(cx, &check, body.0.comment).await?;
    let of = check.granted.of.clone();
    Ok(Document::one(&View::new(cx, In { row, of })))
}
