//! What a hook of a plain git server sends: `{"ref", "before", "after"}`.

use serde::Deserialize;

use super::{Contents, Event, Moved, Refusal, json};
use crate::CommitId;

#[derive(Deserialize)]
struct Payload {
    #[serde(rename = "ref")]
    reference: String,
    before: String,
    after: String,
}

pub(super) fn read(body: &[u8]) -> Result<Contents, Refusal> {
    let payload: Payload = json(body)?;
    let moved = Moved {
        before: CommitId::or_none(&payload.before)?,
        after: CommitId::or_none(&payload.after)?,
        ..Moved::default()
    };
    let events = vec![Event::moved(&payload.reference, moved)?];
    Ok(Contents { subject: None, sender: None, installation: None, events })
}
