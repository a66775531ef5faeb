//! The list of workspaces with each filter and sort, in a small organization and in a large one.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use hyper::Method;
use serde_json::json;
use tokio::task::JoinSet;

use super::client::{Body, Client, text};
use super::load::{CONNECTIONS, Latencies};
use super::report::{Report, millis};
use super::runs::archive;
use super::server::{Database, Launch, Server};
use super::{Sizes, setup};
use crate::test::engines;

/// What is asked for; a page has 20 workspaces where nothing else is said.
const QUERIES: [(&str, &str); 14] = [
    ("as it is", ""),
    ("sort=-name", "sort=-name"),
    ("sort=current-run.created-at", "sort=current-run.created-at"),
    ("sort=-latest-change-at", "sort=-latest-change-at"),
    ("search[name]", "search[name]=space-00"),
    ("search[wildcard-name]", "search[wildcard-name]=*7"),
    ("search[tags]", "search[tags]=team-3"),
    ("search[exclude-tags]", "search[exclude-tags]=team-3"),
    ("filter[tagged]", "filter[tagged][0][key]=team-3"),
    (
        "filter[tagged], inherited by all",
        "filter[tagged][0][key]=stage&filter[tagged][0][value]=bench",
    ),
    ("filter[current-run][status]", "filter[current-run][status]=pending,plan_queued"),
    ("a later page", "page[number]=4"),
    ("include=current_run,project", "include=current_run,project"),
    ("a page of 100", "page[size]=100"),
];

/// Each workspace has two tags and inherits a third one, two variables, a configuration and a run that waits.
pub async fn measure(
    report: &mut Report,
    program: &Path,
    database: Database,
    sizes: &Sizes,
) -> Result<()> {
    let launch = Launch::of(program).on(database);
    let small = latencies(&launch, sizes.few_workspaces, sizes.pages).await?;
    let large = latencies(&launch, sizes.workspaces, sizes.pages).await?;
    for (((name, _), small), large) in QUERIES.iter().zip(small).zip(large) {
        let of = format!("{}a list of {} workspaces, {name}", database.title(), sizes.workspaces);
        report.add(&format!("{of}: p99"), &millis(large.percentile(99)), "≤ 10 ms");
        let growth = large.percentile(50).as_secs_f64() / small.percentile(50).as_secs_f64();
        let from = format!("median against {} workspaces", sizes.few_workspaces);
        report.add(&format!("{of}: {from}"), &format!("{growth:.2}"), "≤ 2");
    }
    Ok(())
}

async fn latencies(launch: &Launch<'_>, workspaces: usize, pages: usize) -> Result<Vec<Latencies>> {
    let server = launch.start().await?;
    let mut client = server.client().await?;
    setup::organization(&mut client).await?;
    let version = json!({
        "version": engines::NEWEST, "sha": "0".repeat(64), "enabled": true,
        "url": "https://releases.example.com/terraform.zip",
    });
    let version = json!({ "type": "terraform-versions", "attributes": version });
    client.create("/api/v2/admin/terraform-versions", version).await?;
    fill(&server, workspaces).await?;
    let project = format!("/api/v2/organizations/{}/projects", setup::ORGANIZATION);
    let project = client.get(&project).await?;
    let tags = format!("/api/v2/projects/{}/tag-bindings", text(&project, "/data/0/id")?);
    let tag = json!({ "key": "stage", "value": "bench" });
    let tag = json!({ "data": [{ "type": "tag-bindings", "attributes": tag }] });
    client.ask(Method::PATCH, &tags, Body::Json(tag)).await?;
    let mut all = Vec::new();
    for (_, query) in QUERIES {
        let query = query.replace('[', "%5B").replace(']', "%5D");
        let path = format!("/api/v2/organizations/{}/workspaces?{query}", setup::ORGANIZATION);
        all.push(Latencies::new(times(&mut client, &path, pages).await?)?);
    }
    Ok(all)
}

/// One request after the other.
pub async fn times(client: &mut Client, path: &str, count: usize) -> Result<Vec<Duration>> {
    let mut times = Vec::new();
    for _ in 0..count {
        let sent = Instant::now();
        let (status, _) = client.send(Method::GET, path, Body::Empty).await?;
        times.push(sent.elapsed());
        if !status.is_success() {
            bail!("GET {path} answered {status}");
        }
    }
    Ok(times)
}

async fn fill(server: &Server, count: usize) -> Result<()> {
    let mut connections = JoinSet::new();
    for first in 0..CONNECTIONS {
        let mut client = server.client().await?;
        connections.spawn(async move {
            for number in (first..count).step_by(CONNECTIONS) {
                one(&mut client, number).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = connections.join_next().await {
        done??;
    }
    Ok(())
}

async fn one(client: &mut Client, number: usize) -> Result<()> {
    let id = setup::workspace(client, &format!("workspace-{number:05}"), engines::NEWEST).await?;
    let path = format!("/api/v2/workspaces/{id}");
    let tag = |key: String| json!({ "type": "tag-bindings", "attributes": { "key": key } });
    let tags = json!({ "data": [tag(format!("team-{}", number % 10)), tag("bench".into())] });
    client.ask(Method::PATCH, &format!("{path}/tag-bindings"), Body::Json(tags)).await?;
    for key in ["region", "size"] {
        let attributes = json!({ "key": key, "value": "x", "category": "terraform" });
        let data = json!({ "type": "vars", "attributes": attributes });
        client.create(&format!("{path}/vars"), data).await?;
    }
    let data = json!({ "type": "configuration-versions" });
    let version = client.create(&format!("{path}/configuration-versions"), data).await?;
    let upload = text(&version, "/attributes/upload-url")?;
    client.ask(Method::PUT, upload, Body::Raw(archive()?)).await?;
    Ok(())
}
