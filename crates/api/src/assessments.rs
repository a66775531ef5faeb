//! `/assessment-results`, `/workspaces/:id/current-assessment-result`, `/workspaces/:id/actions/assess`

use axum::response::{IntoResponse, Redirect, Response};
use domain::{
    Ctx, In, Timestamp,
    archivist::{self, Content},
    assessments::{self, Log},
    can,
    row::AssessmentResult,
};
use http::{HeaderMap, header};
use jsonapi::{Document, Links, Query, Relationships, Resource};
use serde::{Deserialize, Serialize};

use crate::{May, Result, Routes, includes::INCLUDES, workspaces};

pub fn routes() -> Routes {
    let result = "/api/v2/assessment-results/{assessment_result_id}";
    Routes::default()
        .get(result, show)
        .get("/api/v2/assessment-results/{assessment_result_id}/json-output", json_output)
        .get("/api/v2/assessment-results/{assessment_result_id}/json-schema", json_schema)
        .get("/api/v2/assessment-results/{assessment_result_id}/log-output", log_output)
        .get("/api/v2/workspaces/{workspace_id}/current-assessment-result", current)
        .post("/api/v2/workspaces/{workspace_id}/actions/assess", assess)
}

/// A result on the wire.
pub struct View(pub AssessmentResult);

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes<'a> {
    succeeded: bool,
    drifted: bool,
    all_checks_succeeded: bool,
    resources_drifted: Option<i64>,
    resources_undrifted: Option<i64>,
    checks_passed: Option<i64>,
    checks_failed: Option<i64>,
    checks_errored: Option<i64>,
    checks_unknown: Option<i64>,
    error_message: Option<&'a str>,
    created_at: Timestamp,
}

impl Resource for View {
    const TYPE: &'static str = "assessment-results";

    fn id(&self) -> String {
        self.0.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        let row = &self.0;
        Attributes {
            succeeded: row.succeeded,
            drifted: row.drifted,
            all_checks_succeeded: row.all_checks_succeeded,
            resources_drifted: row.resources_drifted,
            resources_undrifted: row.resources_undrifted,
            checks_passed: row.checks_passed,
            checks_failed: row.checks_failed,
            checks_errored: row.checks_errored,
            checks_unknown: row.checks_unknown,
            error_message: row.error_message.as_deref(),
            created_at: row.created_at,
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        let id = &self.0.workspace_id;
        let here = format!("/api/v2/workspaces/{id}");
        to.one_with_link("workspace", "workspaces", Some(id), here);
        to.one("source", "assessments", Some(&self.0.assessment_id));
    }

    fn path(&self) -> Option<String> {
        Some(format!("/api/v2/assessment-results/{}", self.0.id))
    }

    fn links(&self, to: &mut Links) {
        let here = format!("/api/v2/assessment-results/{}", self.0.id);
        for output in ["json-output", "json-schema", "log-output"] {
            to.add(output, format!("{here}/{output}"));
        }
    }
}

async fn show(
    result: May<can::ReadWorkspace, In<AssessmentResult>>,
    query: Query,
) -> Result<Document> {
    let cx = result.cx;
    let view = View(result.granted.into_inner().row);
    Document::one_with(&view, &query, &INCLUDES, &cx).await
}

async fn current(workspace: May<can::ReadWorkspace>, query: Query) -> Result<Document> {
    let found = assessments::current(&workspace.cx, &workspace).await?;
    let view = View(found.ok_or(domain::Error::NotFound)?);
    Document::one_with(&view, &query, &INCLUDES, &workspace.cx).await
}

/// Begins one now. Answered with the workspace, as HCP Terraform does it.
async fn assess(workspace: May<can::ManageAssessments>) -> Result<Document> {
    assessments::assess(&workspace.cx, &workspace).await?;
    let view = workspaces::view(&workspace.cx, (**workspace).clone()).await?;
    Ok(Document::one(&view))
}

type Output = May<can::ReadAssessmentOutput, In<AssessmentResult>>;

/// Contains sensitive values.
async fn json_output(result: Output) -> Result<Response> {
    redirect(&result.cx, &result, assessments::JSON, Content::AssessmentJson).await
}

async fn json_schema(result: Output) -> Result<Response> {
    redirect(&result.cx, &result, assessments::SCHEMAS, Content::AssessmentSchemas).await
}

async fn redirect(
    cx: &Ctx,
    result: &In<AssessmentResult>,
    name: &str,
    content: Content,
) -> Result<Response> {
    if !assessments::has_document(cx, result, name).await? {
        return Err(domain::Error::NotFound.into());
    }
    let address = archivist::address(cx, content, &result.row.assessment_id);
    Ok(Redirect::temporary(&address).into_response())
}

/// Which bytes of a log are wanted.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Piece {
    offset: usize,
    limit: Option<usize>,
    /// The last bytes instead of the first ones.
    tail: bool,
}

impl Piece {
    fn of(&self, log: &[u8]) -> Vec<u8> {
        let limit = self.limit.unwrap_or(usize::MAX);
        if self.tail {
            let end = log.len().saturating_sub(self.offset);
            return log[end.saturating_sub(limit)..end].to_vec();
        }
        let start = self.offset.min(log.len());
        log[start..start.saturating_add(limit).min(log.len())].to_vec()
    }
}

/// Lines of JSON, or what they say for whoever accepts plain text.
async fn log_output(result: Output, query: Query<Piece>, headers: HeaderMap) -> Result<Response> {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let (form, kind) = if accepted.is_some_and(|accepted| accepted.contains("text/plain")) {
        (Log::Text, "text/plain; charset=utf-8")
    } else {
        (Log::Json, "application/jsonl; charset=utf-8")
    };
    let log = assessments::log(&result.cx, &result, form).await?;
    Ok(([(header::CONTENT_TYPE, kind)], query.own.of(&log)).into_response())
}
