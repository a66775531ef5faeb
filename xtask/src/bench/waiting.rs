//! How soon a new run begins, and how soon something is read, while many others wait for what does not come.

use std::path::Path;

use anyhow::{Context as _, Result};
use hyper::Method;
use serde_json::json;
use tokio::task::JoinSet;

use super::client::{Body, text};
use super::lists::times;
use super::load::{CONNECTIONS, Latencies};
use super::report::{Report, millis};
use super::runs::{archive, dispatch, upload, version_of};
use super::server::{Launch, Server};
use super::{Sizes, setup};

/// Runs for each number that waits.
const TRIES: usize = 20;

/// Each waiting run is that of a workspace which somebody has locked.
pub async fn measure(
    report: &mut Report,
    program: &Path,
    engine: &Path,
    sizes: &Sizes,
) -> Result<()> {
    let server = Launch::of(program).executing(engine).start().await?;
    on(report, &server, engine, sizes).await.context(server.log_hint())
}

async fn on(report: &mut Report, server: &Server, engine: &Path, sizes: &Sizes) -> Result<()> {
    let mut client = server.client().await?;
    setup::organization(&mut client).await?;
    let version = version_of(engine).await?;
    let free = setup::workspace(&mut client, "free", &version).await?;
    let configuration = upload(&mut client, &free).await?;
    let mut waiting = 0;
    for &count in sizes.waiting {
        fill(server, &version, waiting..count).await?;
        waiting = count;
        let mut begun = Vec::new();
        for _ in 0..TRIES {
            begun.push(dispatch(&mut client, &free, &configuration).await?);
        }
        let begun = Latencies::new(begun)?;
        let what = format!("dispatch while {count} runs wait");
        report.add(&format!("{what} (p50)"), &millis(begun.percentile(50)), "");
        report.add(
            &format!("{what} (the slowest of {TRIES})"),
            &millis(begun.percentile(100)),
            "≤ 50 ms",
        );
        let path = format!("/api/v2/workspaces/{free}");
        let reads = Latencies::new(times(&mut client, &path, sizes.pages).await?)?;
        let what = format!("GET /workspaces/:id while {count} runs wait");
        report.add(&format!("{what} (p50)"), &millis(reads.percentile(50)), "");
        report.add(&format!("{what} (p99)"), &millis(reads.percentile(99)), "");
    }
    Ok(())
}

async fn fill(server: &Server, version: &str, numbers: std::ops::Range<usize>) -> Result<()> {
    let mut connections = JoinSet::new();
    for first in 0..CONNECTIONS {
        let mut client = server.client().await?;
        let (version, numbers) = (version.to_owned(), numbers.clone());
        connections.spawn(async move {
            for number in numbers.skip(first).step_by(CONNECTIONS) {
                let name = format!("locked-{number:05}");
                let id = setup::workspace(&mut client, &name, &version).await?;
                let path = format!("/api/v2/workspaces/{id}");
                let lock = format!("{path}/actions/lock");
                client.ask(Method::POST, &lock, Body::Json(json!({}))).await?;
                let data = json!({ "type": "configuration-versions" });
                let made = client.create(&format!("{path}/configuration-versions"), data).await?;
                let address = text(&made, "/attributes/upload-url")?;
                client.ask(Method::PUT, address, Body::Raw(archive()?)).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = connections.join_next().await {
        done??;
    }
    Ok(())
}
