//! How many workspaces a second can be read.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio::task::JoinSet;

use super::load::{CONNECTIONS, Load, reads};
use super::report::{Report, megabytes, millis};
use super::server::{Database, Server};
use super::{Sizes, setup};
use crate::test::engines;

/// How long the server may take to give memory back.
const REST: Duration = Duration::from_mins(1);

/// One workspace by id, then pages of a hundred; then what memory is left of it all.
pub async fn measure(
    report: &mut Report,
    server: &Server,
    database: Database,
    sizes: &Sizes,
) -> Result<()> {
    setup::organization(&mut server.client().await?).await?;
    let ids: Arc<[String]> = workspaces(server, sizes.workspaces).await?.into();
    let (all, seconds) = (ids.len(), sizes.seconds);

    let path =
        move |number: usize| format!("/api/v2/workspaces/{}", ids[number * 7919 % ids.len()]);
    let one = reads(server, seconds, path).await?;
    let of = database.title();
    add(report, &format!("{of}GET /workspaces/:id"), &one, "≥ 6,000/s");

    let (organization, pages) = (setup::ORGANIZATION, (all / 100).max(1));
    let path = move |number: usize| {
        let page = number * 7919 % pages + 1;
        format!(
            "/api/v2/organizations/{organization}/workspaces?page%5Bsize%5D=100&page%5Bnumber%5D={page}"
        )
    };
    let page = reads(server, seconds, path).await?;
    add(report, &format!("{of}a page of 100 workspaces out of {all}"), &page, "≥ 700/s");
    report.add(&format!("{of}memory at the end of these loads"), &megabytes(server.memory()?), "");
    tokio::time::sleep(REST).await;
    report.add(&format!("{of}memory a minute after them"), &megabytes(server.memory()?), "≤ 80 MB");
    Ok(())
}

/// Creates them over several connections; their ids.
async fn workspaces(server: &Server, count: usize) -> Result<Vec<String>> {
    let mut connections = JoinSet::new();
    for first in 0..CONNECTIONS {
        let mut client = server.client().await?;
        connections.spawn(async move {
            let mut ids = Vec::new();
            for number in (first..count).step_by(CONNECTIONS) {
                let name = format!("workspace-{number:05}");
                ids.push(setup::workspace(&mut client, &name, engines::NEWEST).await?);
            }
            anyhow::Ok(ids)
        });
    }
    let mut all = Vec::new();
    while let Some(ids) = connections.join_next().await {
        all.extend(ids??);
    }
    Ok(all)
}

fn add(report: &mut Report, what: &str, load: &Load, aim: &str) {
    let what = format!("{what}, {CONNECTIONS} connections");
    report.add(&format!("{what}: requests a second"), &format!("{:.0}", load.a_second), aim);
    report.add(&format!("{what}: p99"), &millis(load.latencies.percentile(99)), "");
}
