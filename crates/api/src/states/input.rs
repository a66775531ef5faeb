//! What a request may say of a new state version.

use axum::extract::Request;
use domain::{
    Ctx,
    id::RunId,
    states::{Incoming, New},
};
use jsonapi::{Body, Error, File, Limits, ToOne, Typed, Upload};
use serde::Deserialize;

use crate::Result;

/// A state of TF <= 1.5 comes base64-encoded inside the request (CLI protocol, gotcha 32).
const LARGEST: usize = 512 << 20;

const STATE: &str = "state";
const JSON_STATE: &str = "json-state";
/// Says nothing that the state itself does not.
const OUTPUTS: &str = "json-state-outputs";

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Input {
    serial: Option<i64>,
    md5: Option<String>,
    lineage: Option<String>,
    force: Option<bool>,
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

/// Reads a request; its files go to the blobs as they arrive.
pub async fn read(cx: &Ctx, request: Request, incoming: &mut Incoming) -> Result<New> {
    let mut upload = Upload::of::<Input>(request, &[STATE, JSON_STATE, OUTPUTS])?;
    while let Some(file) = upload.next_file().await? {
        if let Err(error) = take(cx, file, incoming).await {
            return Err(upload.failure().map_or(error, Into::into));
        }
    }
    let body: Body<Input, Relations> = upload.document()?;
    new(body.attributes, body.relationships)
}

async fn take(cx: &Ctx, file: File<'_>, incoming: &mut Incoming) -> Result<()> {
    match file.name {
        STATE => incoming.take_state(cx, file.content()).await?,
        JSON_STATE => incoming.take_json_state(cx, file.content()).await?,
        _ => {}
    }
    Ok(())
}

fn new(input: Input, relations: Relations) -> Result<New> {
    let blank = |name| Error::invalid(name, format!("{name} can't be blank"));
    Ok(New {
        serial: input.serial.ok_or_else(|| blank("serial"))?,
        md5: input.md5.ok_or_else(|| blank("md5"))?,
        lineage: input.lineage,
        force: input.force.unwrap_or_default(),
        run_id: match relations.run {
            Some(one) => one.of_kind("runs", "run")?,
            None => None,
        },
    })
}
