//! What happened to a run: `/runs/:id/run-events`. The command line asks for it after each plan.

use domain::{
    In, Timestamp, can,
    row::{Event, Run},
    runs,
};
use jsonapi::{Document, Relationships, Resource};
use serde::Serialize;

use crate::{May, Result, Routes};

pub fn routes() -> Routes {
    Routes::default().get("/api/v2/runs/{run_id}/run-events", list)
}

struct View(Event);

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
        self.0.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        Attributes {
            // "run_planned" is "planned" here, where everything is about one run.
            action: self.0.action.strip_prefix("run_").unwrap_or(&self.0.action),
            created_at: self.0.at,
            description: self.0.detail.get("comment").and_then(|comment| comment.as_str()),
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        let user = self.0.actor_id.as_ref().filter(|_| self.0.actor_kind == "user");
        to.one("actor", "users", user.map(|id| id as _));
    }

    fn path(&self) -> Option<String> {
        None
    }
}

async fn list(run: May<can::ReadRun, In<Run>>) -> Result<Document> {
    let events = runs::events(&run.cx, &run).await?;
    Ok(Document::list(&events.into_iter().map(View).collect::<Vec<_>>()))
}
