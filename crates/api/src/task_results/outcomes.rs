//! What run tasks have found, and the texts about it

use axum::response::{IntoResponse, Response};
use domain::{
    In, Timestamp, can,
    entity::task_result_outcome::Tag,
    row::{TaskResult, TaskResultOutcome},
    task_results,
};
use http::{
    HeaderValue,
    header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS},
};
use jsonapi::{Document, Links, Query, Relationships, Resource};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use crate::{May, Result, Routes, includes::INCLUDES, paging::paging};

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/task-results/{task_result_id}/outcomes", list)
        .get("/api/v2/task-results/{task_result_id}/body", all_bodies)
        .get("/api/v2/task-result-outcomes/{task_result_outcome_id}", show)
        .get("/api/v2/task-result-outcomes/{task_result_outcome_id}/body", body)
}

/// An outcome on the wire, without its text.
pub struct View(pub TaskResultOutcome);

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes<'a> {
    outcome_id: &'a str,
    description: &'a str,
    url: Option<&'a str>,
    tags: Vec<About<'a>>,
    created_at: Timestamp,
}

/// The words about one thing.
#[derive(Serialize)]
struct About<'a> {
    label: &'a str,
    value: &'a [Tag],
}

impl Resource for View {
    const TYPE: &'static str = "task-result-outcomes";

    fn id(&self) -> String {
        self.0.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        let tags = self.0.tags.iter().map(|(label, value)| About { label, value });
        Attributes {
            outcome_id: &self.0.outcome_id,
            description: &self.0.description,
            url: self.0.url.as_deref(),
            tags: tags.collect(),
            created_at: self.0.created_at,
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        let result = &self.0.task_result_id;
        let related = format!("/api/v2/task-results/{result}");
        to.one_with_link("task-result", "task-results", Some(result), related);
    }

    fn links(&self, to: &mut Links) {
        if self.0.body_size > 0 {
            to.add("body", format!("/api/v2/task-result-outcomes/{}/body", self.0.id));
        }
    }
}

async fn list(result: May<can::ReadRun, In<TaskResult>>, query: Query) -> Result<Document> {
    let cx = &result.cx;
    let page = task_results::outcomes_of(cx, &result, paging(&query)).await?.map(View);
    Document::page(&page.items, page.total, &query, &INCLUDES, cx).await
}

async fn show(outcome: May<can::ReadRun, In<TaskResultOutcome>>, query: Query) -> Result<Document> {
    let view = View(outcome.granted.into_inner().row);
    Document::one_with(&view, &query, &INCLUDES, &outcome.cx).await
}

/// HCP Terraform's own run tasks leave one text; the others leave one for each outcome.
async fn all_bodies(result: May<can::ReadRun, In<TaskResult>>) -> Result<Response> {
    Ok(markdown(&task_results::all_bodies(&result.cx, &result).await?))
}

async fn body(outcome: May<can::ReadRun, In<TaskResultOutcome>>) -> Result<Response> {
    Ok(markdown(&task_results::body(&outcome.cx, &outcome).await?))
}

/// Whoever wrote it wrote it for people; no browser takes it for a page.
fn markdown(text: &SecretString) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/markdown; charset=utf-8")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (headers, text.expose_secret().to_owned()).into_response()
}
