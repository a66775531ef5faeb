//! What people say about runs: `/runs/:id/comments` and `/comments`

use std::collections::HashMap;

use domain::{
    In, can,
    id::RunId,
    row::{Comment, Run},
    runs,
};
use jsonapi::{Body, Document, Object, Query, Relationships, Resource, Typed};
use serde::{Deserialize, Serialize};

use crate::{May, Result, Routes, includes::INCLUDES, paging::paging};

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/runs/{run_id}/comments", list)
        .post("/api/v2/runs/{run_id}/comments", create)
        .get("/api/v2/comments/{comment_id}", show)
}

/// What somebody says with an action: about a run, or a decision on it.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Said {
    #[serde(deserialize_with = "jsonapi::prose")]
    pub comment: Option<String>,
}

/// A comment on the wire.
pub struct View(pub Comment);

impl Resource for View {
    const TYPE: &'static str = "comments";

    fn id(&self) -> String {
        self.0.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        #[derive(Serialize)]
        struct Attributes<'a> {
            body: &'a str,
        }
        Attributes { body: &self.0.body }
    }

    fn relationships(&self, to: &mut Relationships) {
        let event = &self.0.event_id;
        let related = format!("/api/v2/run-events/{event}");
        to.one_with_link("run-event", "run-events", Some(event), related);
    }
}

/// For includes: what is said, beside the id of its run.
pub fn by_run(found: HashMap<RunId, Vec<Comment>>) -> Vec<(String, Vec<Object>)> {
    let objects = |rows: Vec<Comment>| rows.into_iter().map(|row| Object::new(&View(row)));
    found.into_iter().map(|(id, rows)| (id.to_string(), objects(rows).collect())).collect()
}

async fn list(run: May<can::ReadRun, In<Run>>, query: Query) -> Result<Document> {
    let page = runs::comments(&run.cx, &run, paging(&query)).await?;
    let views: Vec<_> = page.items.into_iter().map(View).collect();
    Document::page(&views, page.total, &query, &INCLUDES, &run.cx).await
}

async fn show(comment: May<can::ReadRun, In<Comment>>, query: Query) -> Result<Document> {
    let view = View(comment.granted.into_inner().row);
    Document::one_with(&view, &query, &INCLUDES, &comment.cx).await
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Input {
    #[serde(deserialize_with = "jsonapi::prose")]
    body: String,
}

impl Typed for Input {
    const TYPE: &'static str = "comments";
}

async fn create(run: May<can::CommentOnRun, In<Run>>, body: Body<Input>) -> Result<Document> {
    let comment = runs::comment(&run.cx, &run, body.attributes.body).await?;
    Ok(Document::one(&View(comment)).created())
}
