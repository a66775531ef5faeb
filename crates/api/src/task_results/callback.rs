//! By which run tasks come back
//! (<https://developer.hashicorp.com/terraform/cloud-docs/api-docs/run-tasks/run-tasks-integration>)

use std::collections::BTreeMap;

use domain::{
    In, can,
    entity::task_result_outcome::{Level, Tag},
    row::TaskResult,
    task_results::{self, NewOutcome, Said, Saying},
};
use jsonapi::{Body, Document, Error, Limits, Typed};
use serde::Deserialize;

use super::views;
use crate::{May, Result, Routes};

pub fn routes() -> Routes {
    Routes::default().patch("/api/v2/task-results/{task_result_id}/callback", call_back)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Input {
    status: Option<Word>,
    #[serde(deserialize_with = "jsonapi::verbatim")]
    message: Option<String>,
    url: Option<String>,
    /// Where older guides have them.
    outcomes: Option<Vec<Sent>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Running,
    Passed,
    Failed,
}

impl Typed for Input {
    const TYPE: &'static str = "task-results";
    /// With the texts of outcomes.
    const LIMITS: Limits = Limits::with_file(20 << 20);
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Relations {
    outcomes: Option<Outcomes>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Outcomes {
    data: Option<Vec<Sent>>,
}

/// An outcome, whole where others have identifiers only.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Sent {
    attributes: Outcome,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Outcome {
    #[serde(rename = "outcome-id")]
    id: Option<String>,
    #[serde(deserialize_with = "jsonapi::verbatim")]
    description: Option<String>,
    #[serde(deserialize_with = "jsonapi::verbatim")]
    body: Option<String>,
    url: Option<String>,
    tags: Option<BTreeMap<String, Vec<SentTag>>>,
}

#[derive(Deserialize)]
struct SentTag {
    #[serde(deserialize_with = "jsonapi::verbatim")]
    label: String,
    #[serde(default)]
    level: Option<Level>,
}

impl From<Sent> for NewOutcome {
    fn from(Sent { attributes: outcome }: Sent) -> Self {
        let tag = |tag: SentTag| Tag { label: tag.label, level: tag.level.unwrap_or(Level::None) };
        let tags = outcome.tags.unwrap_or_default().into_iter();
        Self {
            outcome_id: outcome.id.unwrap_or_default(),
            description: outcome.description.unwrap_or_default(),
            url: outcome.url,
            tags: tags.map(|(name, all)| (name, all.into_iter().map(tag).collect())).collect(),
            body: outcome.body,
        }
    }
}

async fn call_back(
    result: May<can::CallBack, In<TaskResult>>,
    body: Body<Input, Relations>,
) -> Result<Document> {
    if body.kind() != Some(Input::TYPE) {
        let detail = format!("type must be {}", Input::TYPE);
        return Err(Error::unprocessable("/data/type", detail).into());
    }
    let status = body.attributes.status.ok_or_else(|| {
        Error::unprocessable(
            "/data/attributes/status",
            "status is required: running, passed or failed",
        )
    })?;
    let sent = body.relationships.outcomes.and_then(|outcomes| outcomes.data);
    let sent = sent.into_iter().chain(body.attributes.outcomes).flatten();
    let said = Said {
        status: match status {
            Word::Running => Saying::Running,
            Word::Passed => Saying::Passed,
            Word::Failed => Saying::Failed,
        },
        message: body.attributes.message,
        url: body.attributes.url,
        outcomes: sent.map(Into::into).collect(),
    };
    let row = task_results::call_back(&result.cx, &result, said).await?;
    Ok(Document::one(&views(&result.cx, vec![row]).await?[0]))
}
