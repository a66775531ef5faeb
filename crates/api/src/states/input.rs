//! What a request may say of a new state version.

use axum::extract::Request;
use domain::{
    Timestamp,
    id::RunId,
    states::{Incoming, New},
};
use jsonapi::{Body, Error, File, Limits, ToOne, Typed, Upload};
use serde::{Deserialize, de::DeserializeOwned};

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
#[serde(default, rename_all = "kebab-case")]
struct Past {
    serial: Option<i64>,
    md5: Option<String>,
    lineage: Option<String>,
    created_at: Option<Timestamp>,
}

impl Typed for Past {
    const TYPE: &'static str = "state-versions";
    const LIMITS: Limits = Limits::with_file(LARGEST);
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Relations {
    run: Option<ToOne<RunId>>,
}

/// Reads a request; its files go to the blobs as they arrive.
pub async fn read(request: Request, incoming: &mut Incoming) -> Result<New> {
    let body: Body<Input, Relations> = read_as(request, incoming).await?;
    new(body.attributes, body.relationships)
}

/// Reads a state that the workspace had on another server, and when it was made there.
pub async fn read_past(request: Request, incoming: &mut Incoming) -> Result<(New, Timestamp)> {
    let Past { serial, md5, lineage, created_at } =
        read_as::<Past, Relations>(request, incoming).await?.attributes;
    let created_at = created_at.ok_or_else(|| Error::invalid("created-at", "can't be blank"))?;
    let input = Input { serial, md5, lineage, force: None };
    Ok((new(input, Relations::default())?, created_at))
}

async fn read_as<A, R>(request: Request, incoming: &mut Incoming) -> Result<Body<A, R>>
where
    A: Typed + DeserializeOwned,
    R: DeserializeOwned,
{
    let mut upload = Upload::of::<A>(request, &[STATE, JSON_STATE, OUTPUTS])?;
    while let Some(file) = upload.next_file().await? {
        if let Err(error) = take(file, incoming).await {
            return Err(upload.failure().map_or(error, Into::into));
        }
    }
    Ok(upload.document()?)
}

async fn take(file: File<'_>, incoming: &mut Incoming) -> Result<()> {
    match file.name {
        STATE => incoming.take_state(file.content()).await?,
        JSON_STATE => incoming.take_json_state(file.content()).await?,
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
