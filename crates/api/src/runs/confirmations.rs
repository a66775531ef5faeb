//! `/runs/:id/confirmations`: who has confirmed a run that needs several people's yes, and who is missing. Ours: HCP
//! Terraform asks one person.

use domain::{
    In, Timestamp, can,
    row::{Run, RunConfirmation},
    runs,
};
use jsonapi::{Document, Query, Relationships, Resource};
use serde::Serialize;
use serde_json::json;

use crate::{May, Result, Routes, includes::INCLUDES, paging::paging};

pub fn routes() -> Routes {
    Routes::default().get("/api/v2/runs/{run_id}/confirmations", list)
}

struct View(RunConfirmation);

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes {
    created_at: Timestamp,
}

impl Resource for View {
    const TYPE: &'static str = "run-confirmations";

    fn id(&self) -> String {
        self.0.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        Attributes { created_at: self.0.created_at }
    }

    fn relationships(&self, to: &mut Relationships) {
        to.one("run", "runs", Some(&self.0.run_id));
        to.one("user", "users", Some(&self.0.user_id));
    }

    fn path(&self) -> Option<String> {
        None
    }
}

async fn list(run: May<can::ReadRun, In<Run>>, query: Query) -> Result<Document> {
    let (page, found) = runs::confirmations(&run.cx, &run, paging(&query)).await?;
    let views: Vec<_> = page.items.into_iter().map(View).collect();
    let document = Document::page(&views, page.total, &query, &INCLUDES, &run.cx).await?;
    Ok(document.meta(
        "confirmations",
        json!({
            "required": found.rule.required, "by-others": found.rule.by_others,
            "missing": found.missing.count, "another-is-missing": found.missing.another,
        }),
    ))
}
