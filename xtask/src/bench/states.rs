//! What a large state takes of time and memory on its way in and out.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper::Method;
use md5::{Digest as _, Md5};
use serde_json::{Value, json};

use super::client::{Body, Client, text};
use super::report::{Report, megabytes, millis};
use super::server::{Launch, Server};
use super::{Sizes, setup};
use crate::test::engines;

const MEGABYTE: usize = 1_000_000;

/// Parsing what was uploaded may go on after the answer; it belongs to the upload's memory.
const PROCESSING_LIMIT: Duration = Duration::from_mins(2);

/// Each size on a server of its own: memory that the allocator kept would hide the next peak.
pub async fn measure(
    report: &mut Report,
    program: &Path,
    engine: &Path,
    sizes: &Sizes,
) -> Result<()> {
    for &size in sizes.megabytes {
        let server = Launch::of(program).executing(engine).start().await?;
        let aim = if size == 100 { "< 64 MB" } else { "" };
        one(report, &server, size, aim).await.context(server.log_hint())?;
        let server = Launch::of(program).executing(engine).start().await?;
        within_a_request(report, &server, size, aim).await.context(server.log_hint())?;
    }
    Ok(())
}

/// A locked workspace, ready to take a state.
async fn locked(client: &mut Client) -> Result<String> {
    setup::organization(client).await?;
    let workspace = setup::workspace(client, "states", engines::NEWEST).await?;
    let path = format!("/api/v2/workspaces/{workspace}/actions/lock");
    client.ask(Method::POST, &path, Body::Json(json!({}))).await?;
    Ok(workspace)
}

/// The other way: as base64 in the document that makes the version.
async fn within_a_request(
    report: &mut Report,
    server: &Server,
    size: usize,
    aim: &str,
) -> Result<()> {
    let mut client = server.client().await?;
    let workspace = locked(&mut client).await?;
    let state = state(size * MEGABYTE);
    let mut attributes = attributes(&state);
    attributes["state"] = STANDARD.encode(&state).into();
    drop(state);
    let data = json!({ "type": "state-versions", "attributes": attributes });
    let before = begin(server)?;
    let started = Instant::now();
    let path = format!("/api/v2/workspaces/{workspace}/state-versions");
    let created = client.create(&path, data).await?;
    let took = started.elapsed();
    processed(&mut client, &format!("/api/v2/state-versions/{}", text(&created, "/id")?)).await?;
    let memory = server.peak_memory()?.saturating_sub(before);
    add(report, size, "upload within a request", took, memory, aim);
    Ok(())
}

async fn one(report: &mut Report, server: &Server, size: usize, aim: &str) -> Result<()> {
    let mut client = server.client().await?;
    let workspace = locked(&mut client).await?;
    let state = state(size * MEGABYTE);
    let created = create(&mut client, &workspace, &state).await?;
    let upload = text(&created, "/attributes/hosted-state-upload-url")?;
    let path = format!("/api/v2/state-versions/{}", text(&created, "/id")?);

    let before = begin(server)?;
    let started = Instant::now();
    client.ask(Method::PUT, upload, Body::Raw(state.clone())).await?;
    let took = started.elapsed();
    let version = processed(&mut client, &path).await?;
    add(report, size, "upload", took, server.peak_memory()?.saturating_sub(before), aim);

    let download = text(&version, "/attributes/hosted-state-download-url")?;
    let before = begin(server)?;
    let started = Instant::now();
    let (status, body) = client.send(Method::GET, download, Body::Empty).await?;
    let took = started.elapsed();
    ensure!(status.is_success(), "the download answered {status}");
    ensure!(body == state, "the state that came back is not the one that was sent");
    add(report, size, "download", took, server.peak_memory()?.saturating_sub(before), aim);
    Ok(())
}

/// The memory in use before something happens.
fn begin(server: &Server) -> Result<u64> {
    server.forget_peak()?;
    server.memory()
}

fn add(report: &mut Report, size: usize, way: &str, took: Duration, memory: u64, aim: &str) {
    report.add(&format!("state of {size} MB, {way}"), &millis(took), "");
    report.add(
        &format!("state of {size} MB, {way}: extra memory at the peak"),
        &megabytes(memory),
        aim,
    );
}

async fn create(client: &mut Client, workspace: &str, state: &Bytes) -> Result<Value> {
    let data = json!({ "type": "state-versions", "attributes": attributes(state) });
    client.create(&format!("/api/v2/workspaces/{workspace}/state-versions"), data).await
}

fn attributes(state: &Bytes) -> Value {
    json!({ "serial": 1, "lineage": LINEAGE, "md5": hex::encode(Md5::digest(state)) })
}

/// Waits until the server has drawn from the state what it wants to know.
async fn processed(client: &mut Client, path: &str) -> Result<Value> {
    let started = Instant::now();
    while started.elapsed() < PROCESSING_LIMIT {
        let mut version = client.get(path).await?;
        let processed = version.pointer("/data/attributes/resources-processed");
        if processed == Some(&Value::Bool(true)) {
            return Ok(version["data"].take());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    bail!("the state was not processed within {PROCESSING_LIMIT:?}")
}

const LINEAGE: &str = "5c0a5a0e-2f0e-4c1b-9a37-0d3f5a3a2f10";

/// A state of about `size` bytes: many resources of about a kilobyte, as real ones have.
fn state(size: usize) -> Bytes {
    let mut state = format!(
        "{{\"version\":4,\"terraform_version\":\"{}\",\"serial\":1,\"lineage\":\"{LINEAGE}\",\
         \"outputs\":{{}},\"resources\":[",
        engines::NEWEST
    );
    let mut noise: u64 = 0x9e37_79b9_7f4a_7c15;
    for number in 0.. {
        if number > 0 {
            state.push(',');
        }
        let _ = write!(
            state,
            "{{\"mode\":\"managed\",\"type\":\"terraform_data\",\"name\":\"item_{number}\",\
             \"provider\":\"provider[\\\"terraform.io/builtin/terraform\\\"]\",\"instances\":\
             [{{\"schema_version\":0,\"attributes\":{{\"id\":\"{number}\",\"output\":null,\
             \"triggers_replace\":null,\"input\":{{\"type\":\"string\",\"value\":\""
        );
        for _ in 0..40 {
            // xorshift: text that compression cannot shrink away.
            noise ^= noise << 13;
            noise ^= noise >> 7;
            noise ^= noise << 17;
            let _ = write!(state, "{noise:016x}");
        }
        state.push_str("\"}},\"sensitive_attributes\":[]}]}");
        if state.len() >= size {
            break;
        }
    }
    state.push_str("],\"check_results\":null}");
    state.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_is_json_of_the_size_asked_for() {
        let state = state(50_000);
        assert!((50_000..52_000).contains(&state.len()), "{}", state.len());
        let value: Value = serde_json::from_slice(&state).unwrap();
        assert!(value["resources"].as_array().unwrap().len() > 40);
    }
}
