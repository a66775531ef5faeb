//! What happened to runs: `/runs/:id/run-events` and `/run-events`. The command line asks for it after each plan.

use domain::{
    In, Timestamp, can,
    row::Run,
    runs::{self, RunEvent},
};
use jsonapi::{Document, Query, Relationships, Resource};
use serde::Serialize;

use crate::{May, Result, Routes, includes::INCLUDES};

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/runs/{run_id}/run-events", list)
        .get("/api/v2/run-events/{run_event_id}", show)
}

/// An event on the wire.
pub struct View(pub RunEvent);

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes<'a> {
    action: &'a str,
    created_at: Timestamp,
    description: Option<&'a str>,
}

impl Resource for View {
    const TYPE: &'static str = "run-events";

    fn id(&self) -> String {
        self.0.event.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        let event = &self.0.event;
        let action = event.action.as_str();
        Attributes {
            // "run_planned" is "planned" here, where everything is about one run.
            action: action.strip_prefix("run_").unwrap_or(action),
            created_at: event.at,
            description: event.detail.get("comment").and_then(|comment| comment.as_str()),
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        let RunEvent { event, comment_id } = &self.0;
        let user = event.actor_id.as_ref().filter(|_| event.actor_kind == "user");
        to.one("actor", "users", user.map(|id| id as _));
        to.one("comment", "comments", comment_id.as_ref().map(|id| id as _));
    }
}

async fn list(run: May<can::ReadRun, In<Run>>, query: Query) -> Result<Document> {
    let events = runs::events(&run.cx, &run).await?;
    let views: Vec<_> = events.into_iter().map(View).collect();
    Document::list_with(&views, &query, &INCLUDES, &run.cx).await
}

async fn show(event: May<can::ReadRun, In<RunEvent>>, query: Query) -> Result<Document> {
    let view = View(event.granted.into_inner().row);
    Document::one_with(&view, &query, &INCLUDES, &event.cx).await
}
