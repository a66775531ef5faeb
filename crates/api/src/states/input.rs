//! What a request may say of a new state version.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use domain::{id::RunId, states::New};
use jsonapi::{Error, Limits, ToOne, Typed};
use serde::Deserialize;

use crate::Result;

/// A state of TF <= 1.5 comes base64-encoded inside the request (CLI protocol, gotcha 32).
const LARGEST: usize = 512 << 20;

/// `json-state-outputs` comes too, and says nothing that the state itself does not.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Input {
    serial: Option<i64>,
    md5: Option<String>,
    lineage: Option<String>,
    force: Option<bool>,
    /// Base64.
    #[serde(deserialize_with = "jsonapi::verbatim")]
    state: Option<String>,
    /// Base64.
    #[serde(deserialize_with = "jsonapi::verbatim")]
    json_state: Option<String>,
}

impl Typed for Input {
    const TYPE: &'static str = "state-versions";
    const LIMITS: Limits = Limits::with_file(LARGEST);
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Relations {
    run: Option<ToOne<RunId>>,
}

pub fn new(input: Input, relations: Relations) -> Result<New> {
    let blank = |name| Error::invalid(name, format!("{name} can't be blank"));
    Ok(New {
        serial: input.serial.ok_or_else(|| blank("serial"))?,
        md5: input.md5.ok_or_else(|| blank("md5"))?,
        lineage: input.lineage,
        force: input.force.unwrap_or_default(),
        state: decoded("state", input.state)?,
        json_state: decoded("json-state", input.json_state)?,
        run_id: match relations.run {
            Some(one) => one.of_kind("runs", "run")?,
            None => None,
        },
    })
}

/// Takes the text, so that it does not stay beside its content. An empty one is like none.
fn decoded(name: &str, text: Option<String>) -> Result<Option<Bytes>> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    match STANDARD.decode(text) {
        Ok(content) => Ok(Some(content.into())),
        Err(_) => Err(Error::invalid(name, format!("{name} is not base64")).into()),
    }
}
