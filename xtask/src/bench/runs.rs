//! What a run on the server costs beyond the engine itself, and how soon it starts.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::Sizes;
use super::client::{Body, Client, text};
use super::load::Latencies;
use super::report::{Report, millis};
use super::server::Server;
use super::setup;
use crate::commands::{command, output};

/// A configuration that changes nothing and needs no provider: all of the time is overhead.
const CONFIGURATION: &str = "\
variable \"size\" {\n  type    = number\n  default = 3\n}\n\n\
locals {\n  names = [for i in range(var.size) : \"name-${i}\"]\n}\n";

/// A run that takes longer than this hangs.
const RUN_LIMIT: Duration = Duration::from_mins(2);

/// The pause between two looks at a run: the resolution of what is measured here.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// The version an engine says it has.
pub async fn version_of(engine: &Path) -> Result<String> {
    let mut ask = command(engine);
    // Whatever the caller's own configuration of the command line says.
    ask.args(["version", "-json"]).env_clear().env("CHECKPOINT_DISABLE", "1");
    ask.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    let said = output(&mut ask).await?;
    let said: Value = serde_json::from_str(&said)?;
    Ok(text(&said, "/terraform_version")?.to_owned())
}

/// Plans beside bare plans, then dispatches.
pub async fn measure(
    report: &mut Report,
    server: &Server,
    engine: &Path,
    sizes: &Sizes,
) -> Result<()> {
    let mut client = server.client().await?;
    setup::organization(&mut client).await?;
    let workspace = setup::workspace(&mut client, "plans", &version_of(engine).await?).await?;
    let configuration = upload(&mut client, &workspace).await?;

    // The first of each fills caches; it is not counted.
    bare(engine).await?;
    timed(&mut client, &workspace, &configuration).await?;
    let (mut bares, mut firsts, mut runs) = (Vec::new(), Vec::new(), Vec::new());
    let version = version_of(engine).await?;
    for number in 0..sizes.pairs {
        bares.push(bare(engine).await?);
        let fresh = setup::workspace(&mut client, &format!("first-{number}"), &version).await?;
        let first = upload(&mut client, &fresh).await?;
        firsts.push(timed(&mut client, &fresh, &first).await?);
        runs.push(timed(&mut client, &workspace, &configuration).await?);
    }
    let (cold, warm) = (ratios(&bares, &firsts)?, ratios(&bares, &runs)?);
    let median = |all| anyhow::Ok(millis(Latencies::new(all)?.percentile(50)));
    report.add("`init` and `plan` without a server (median)", &median(bares)?, "");
    report.add("a workspace's first run, POST run → finished (median)", &median(firsts)?, "");
    report.add(
        "first run by bare `init` and `plan` (median of the pairs)",
        &format!("{cold:.2}"),
        "≤ 1.10",
    );
    report.add("a workspace's later run, POST run → finished (median)", &median(runs)?, "");
    report.add(
        "later run by bare `init` and `plan` (median of the pairs)",
        &format!("{warm:.2}"),
        "≤ 0.90",
    );

    let mut dispatches = Vec::new();
    for _ in 0..sizes.dispatches {
        dispatches.push(dispatch(&mut client, &workspace, &configuration).await?);
    }
    let dispatches = Latencies::new(dispatches)?;
    let count = sizes.dispatches;
    report.add(
        &format!("dispatch, POST run → planning, {count} runs (p50)"),
        &millis(dispatches.percentile(50)),
        "",
    );
    report.add(
        &format!("dispatch, POST run → planning, {count} runs (p99)"),
        &millis(dispatches.percentile(99)),
        "≤ 50 ms",
    );
    Ok(())
}

/// One run from its request to its end, and then to rest.
async fn timed(client: &mut Client, workspace: &str, configuration: &str) -> Result<Duration> {
    let started = Instant::now();
    let run = queue(client, workspace, configuration).await?;
    finish(client, &run).await?;
    let took = started.elapsed();
    settle(client, &run).await?;
    Ok(took)
}

/// The median of run by bare plan, pair by pair: a slow minute of the machine hits both.
fn ratios(bares: &[Duration], runs: &[Duration]) -> Result<f64> {
    let pairs = bares.iter().zip(runs);
    let mut ratios: Vec<f64> =
        pairs.map(|(bare, run)| run.as_secs_f64() / bare.as_secs_f64()).collect();
    ratios.sort_unstable_by(f64::total_cmp);
    ratios.get(ratios.len() / 2).copied().context("no pair was measured")
}

/// `init` and `plan` in a fresh folder, as the agent does it.
pub async fn bare(engine: &Path) -> Result<Duration> {
    let folder = tempfile::tempdir()?;
    let work = folder.path().join("work");
    std::fs::create_dir(&work)?;
    std::fs::write(work.join("main.tf"), CONFIGURATION)?;
    let started = Instant::now();
    for arguments in [["init", "-input=false", "-no-color"], ["plan", "-input=false", "-no-color"]]
    {
        let mut run = command(engine);
        run.args(arguments).current_dir(&work).stdout(Stdio::null()).env_clear();
        run.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        run.env("HOME", folder.path()).env("CHECKPOINT_DISABLE", "1").env("TF_IN_AUTOMATION", "1");
        crate::commands::succeed(&mut run).await?;
    }
    Ok(started.elapsed())
}

/// Uploads the configuration; the id of its version.
pub async fn upload(client: &mut Client, workspace: &str) -> Result<String> {
    let path = format!("/api/v2/workspaces/{workspace}/configuration-versions");
    let attributes = json!({ "auto-queue-runs": false });
    let data = json!({ "type": "configuration-versions", "attributes": attributes });
    let version = client.create(&path, data).await?;
    let (id, address) = (text(&version, "/id")?, text(&version, "/attributes/upload-url")?);
    client.ask(Method::PUT, address, Body::Raw(archive()?)).await?;
    let path = format!("/api/v2/configuration-versions/{id}");
    until(async || Ok(text(&client.get(&path).await?, "/data/attributes/status")? == "uploaded"))
        .await?;
    Ok(id.to_owned())
}

/// The configuration as it is uploaded.
pub fn archive() -> Result<Bytes> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let mut header = tar::Header::new_gnu();
    header.set_size(u64::try_from(CONFIGURATION.len())?);
    header.set_mode(0o644);
    archive.append_data(&mut header, PathBuf::from("main.tf"), CONFIGURATION.as_bytes())?;
    Ok(archive.into_inner()?.finish()?.into())
}

/// Creates a run; its id.
pub async fn queue(client: &mut Client, workspace: &str, configuration: &str) -> Result<String> {
    let to = |kind: &str, id: &str| json!({ "data": { "type": kind, "id": id } });
    let data = json!({
        "type": "runs",
        "attributes": { "message": "bench" },
        "relationships": {
            "workspace": to("workspaces", workspace),
            "configuration-version": to("configuration-versions", configuration),
        },
    });
    Ok(text(&client.create("/api/v2/runs", data).await?, "/id")?.to_owned())
}

async fn status(client: &mut Client, run: &str) -> Result<String> {
    let run = client.get(&format!("/api/v2/runs/{run}")).await?;
    Ok(text(&run, "/data/attributes/status")?.to_owned())
}

/// Waits until the run has planned, and found nothing to do.
pub async fn finish(client: &mut Client, run: &str) -> Result<()> {
    until(async || match status(client, run).await?.as_str() {
        "planned_and_finished" => Ok(true),
        ended @ ("errored" | "canceled" | "discarded" | "planned" | "applied") => {
            bail!("{run} is {ended}: a plan that changes nothing was expected")
        }
        _ => Ok(false),
    })
    .await
}

/// From sending the request for a run to seeing an agent at work on it.
pub async fn dispatch(
    client: &mut Client,
    workspace: &str,
    configuration: &str,
) -> Result<Duration> {
    let started = Instant::now();
    let run = queue(client, workspace, configuration).await?;
    until(async || {
        let status = status(client, &run).await?;
        Ok(!["pending", "queuing", "plan_queued", "fetching", "fetching_completed"]
            .contains(&status.as_str()))
    })
    .await?;
    let took = started.elapsed();
    // The next run of the workspace waits for this one.
    finish(client, &run).await?;
    settle(client, &run).await?;
    Ok(took)
}

/// Waits for the last that an agent does for a finished plan, so that it does not slow down what is measured next.
pub async fn settle(client: &mut Client, run: &str) -> Result<()> {
    let path = format!("/api/v2/runs/{run}/plan/json-output-redacted");
    let (status, _) = client.send(Method::GET, &path, Body::Empty).await?;
    if status != StatusCode::TEMPORARY_REDIRECT {
        bail!("{path} answered {status}");
    }
    Ok(())
}

/// Looks again and again until `done`.
async fn until(mut done: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
    until_some(async || Ok(done().await?.then_some(()))).await
}

/// Looks again and again until there is something.
pub async fn until_some<T>(mut find: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    let started = Instant::now();
    loop {
        if let Some(found) = find().await? {
            return Ok(found);
        }
        if started.elapsed() > RUN_LIMIT {
            bail!("nothing came of it in {RUN_LIMIT:?}");
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_taken_pair_by_pair() {
        let millis = |all: [u64; 3]| all.map(Duration::from_millis);
        let ratio = ratios(&millis([100, 1000, 100]), &millis([110, 1100, 300])).unwrap();
        assert!((ratio - 1.1).abs() < 1e-9, "{ratio}");
        assert!(ratios(&[], &[]).is_err());
    }
}
