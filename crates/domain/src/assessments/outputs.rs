//! What an assessment has left: the JSON of its plan, the schemas that it is read with, and its log.

use blobs::{Kind, LogId};
use db::{entity::assessment, id::AssessmentId, sea_orm::EntityTrait};
use serde::Deserialize;

use crate::{Ctx, Error, Granted, In, Result, can, cleanup::Orphan, row::AssessmentResult};

/// Of documents, among the names of what an assessment has left.
pub const JSON: &str = "json-plan";
pub const SCHEMAS: &str = "provider-schemas";
pub const LOG: &str = "log";

/// All that may lie outside the database.
pub(crate) fn orphans_of(id: &str) -> Result<Vec<Orphan>> {
    let kinds = [Kind::PlanJson, Kind::PlanJsonRedacted, Kind::PlanChanges, Kind::ProviderSchemas];
    let blobs = kinds.into_iter().map(|kind| Orphan::blob(kind, id));
    let mut all = blobs.collect::<Result<Vec<_>>>()?;
    all.push(Orphan::Log(id.to_owned()));
    Ok(all)
}

/// Whether an assessment has left this.
pub(crate) async fn has_left(cx: &Ctx, id: &AssessmentId, name: &str) -> Result<bool> {
    let row = assessment::Entity::find_by_id(id.clone()).one(cx.read()).await?;
    Ok(row.is_some_and(|row| row.artifacts.has(name)))
}

/// Whether there is such a document, for those who may read it.
pub async fn has_document(cx: &Ctx, result: &In<AssessmentResult>, name: &str) -> Result<bool> {
    has_left(cx, &result.row.assessment_id, name).await
}

/// The form in which a log is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Log {
    /// As the engine has written it: an event in each line.
    Json,
    /// What these events say.
    Text,
}

/// Bytes of a log that are looked at; the end of a longer one is left out.
const LIMIT: usize = 64 << 20;
/// Bytes that are read at once.
const PIECE: usize = 256 << 10;

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "@message")]
    message: String,
}

/// What an assessment has printed, without what its agent says around it.
///
/// # Errors
/// NotFound where there is none (any more).
pub async fn log(
    cx: &Ctx,
    result: &Granted<can::ReadAssessmentOutput, In<AssessmentResult>>,
    form: Log,
) -> Result<Vec<u8>> {
    let id = &result.row.assessment_id;
    if !has_left(cx, id, LOG).await? {
        return Err(Error::NotFound);
    }
    let log = LogId::new(id.as_str())?;
    let mut all = Vec::new();
    while all.len() < LIMIT {
        let piece = cx.blobs().read_log(&log, all.len() as u64, PIECE).await?;
        if piece.is_empty() {
            break;
        }
        all.extend_from_slice(&piece);
    }
    Ok(written(&all, form))
}

fn written(log: &[u8], form: Log) -> Vec<u8> {
    let lines = log.split(|byte| *byte == b'\n');
    let events = lines.filter_map(|line| {
        let event: Event = serde_json::from_slice(line).ok()?;
        Some(match form {
            Log::Json => line.to_vec(),
            Log::Text => event.message.into_bytes(),
        })
    });
    let mut all = Vec::new();
    for event in events {
        all.extend_from_slice(&event);
        all.push(b'\n');
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_has_events_or_what_they_say() {
        let event = r#"{"@level":"info","@message":"No changes.","type":"change_summary"}"#;
        let log = format!("\u{2}Terraform v1.15.5\n{event}\nnot an event\n{{\"a\":1}}\n\u{3}");
        assert_eq!(written(log.as_bytes(), Log::Json), format!("{event}\n").as_bytes());
        assert_eq!(written(log.as_bytes(), Log::Text), b"No changes.\n");
    }
}
