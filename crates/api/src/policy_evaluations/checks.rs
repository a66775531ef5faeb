//! `/policy-checks`, `/runs/:id/policy-checks`: what Sentinel policies say outside of task stages

use axum::response::{IntoResponse, Response};
use domain::{
    Ctx, In, StatusTimestamps, can,
    entity::policy_check::Status,
    policy_evaluations::{self, Findings},
    row::{PolicyCheck, Run},
};
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};
use jsonapi::{Document, Links, Plain, Query, Relationships, Resource};
use serde::Serialize;
use serde_json::Value;

use super::Actions;
use crate::{May, Result, Routes, includes::INCLUDES, paging::paging, runs::comments::Said};

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
    findings: Option<Findings>,
    can_override: bool,
}

impl View {
    pub fn new(cx: &Ctx, check: In<PolicyCheck>) -> Result<Self> {
        Ok(Self {
            can_override: cx.may::<can::OverridePolicies>(&check.of),
            findings: policy_evaluations::findings_of(cx, &check.row)?,
            check,
        })
    }

    /// Absent until there is one.
    fn result(&self) -> Option<Counts<'_>> {
        let row = &self.check.row;
        if row.counts.is_none() && row.output.is_none() {
            return None;
        }
        let counts = row.counts.as_ref().map(|counts| counts.0).unwrap_or_default();
        let mandatory = counts.soft_failed + counts.hard_failed;
        Some(Counts {
            result: match row.counts {
                Some(_) => mandatory == 0 && row.status != Status::Errored,
                None => row.status == Status::Passed,
            },
            passed: counts.passed,
            total_failed: counts.advisory_failed + mandatory,
            hard_failed: counts.hard_failed,
            soft_failed: counts.soft_failed,
            advisory_failed: counts.advisory_failed,
            duration: counts.duration_ms,
            duration_ms: counts.duration_ms,
            sentinel: self.findings.as_ref().map(|findings| &findings.sentinel),
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes<'a> {
    status: Status,
    scope: &'static str,
    status_timestamps: &'a StatusTimestamps,
    result: Option<Counts<'a>>,
    actions: Actions,
    permissions: Permissions,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Counts<'a> {
    result: bool,
    passed: u64,
    total_failed: u64,
    hard_failed: u64,
    soft_failed: u64,
    advisory_failed: u64,
    duration: u64,
    duration_ms: u64,
    sentinel: Option<&'a Value>,
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
        Attributes {
            status: row.status,
            scope: "organization",
            status_timestamps: &row.status_timestamps,
            result: self.result(),
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
    let views: Result<Vec<_>> = page
        .items
        .into_iter()
        .map(|row| View::new(cx, In { row, of: run.granted.of.clone() }))
        .collect();
    let views = views?;
    Document::page(&views, page.total, &query, &INCLUDES, cx).await
}

async fn show(check: May<can::ReadRun, In<PolicyCheck>>, query: Query) -> Result<Document> {
    let cx = check.cx;
    let view = View::new(&cx, check.granted.into_inner())?;
    Document::one_with(&view, &query, &INCLUDES, &cx).await
}

/// What people read in their terminals; 204 until there is something.
async fn output(check: May<can::ReadRun, In<PolicyCheck>>) -> Result<Response> {
    let row = check.granted.into_inner().row;
    let log = policy_evaluations::findings_of(&check.cx, &row)?.map(|findings| findings.log);
    let Some(output) = log.or(row.output.map(|output| output + "\n")) else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, output).into_response())
}

async fn override_it(
    check: May<can::OverridePolicies, In<PolicyCheck>>,
    body: Plain<Said>,
) -> Result<Document> {
    let cx = &check.cx;
    let row = policy_evaluations::override_check(cx, &check, body.0.comment).await?;
    let of = check.granted.of.clone();
    Ok(Document::one(&View::new(cx, In { row, of })?))
}
