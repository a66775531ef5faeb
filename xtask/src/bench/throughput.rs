//! Many runs that change nothing, at once: how many end in a second, and what they compute.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use tokio::task::JoinSet;

use super::client::Client;
use super::report::{Report, millis};
use super::runs::{bare, finish, queue, upload, version_of};
use super::server::{Database, Launch, Processor, Server};
use super::{Sizes, setup};

/// Runs that are executed at once.
const SLOTS: usize = 4;

/// Each run has a workspace of its own. The first of each is behind them, then comes the second; beside them as many
/// bare `init` and `plan`, as many at once.
pub async fn measure(
    report: &mut Report,
    program: &Path,
    engine: &Path,
    database: Database,
    sizes: &Sizes,
) -> Result<()> {
    let server = Launch::of(program).executing(engine).slots(SLOTS).on(database).start().await?;
    let measured = of_server(report, &server, engine, database, sizes.at_once).await;
    measured.context(server.log_hint())
}

async fn of_server(
    report: &mut Report,
    server: &Server,
    engine: &Path,
    database: Database,
    count: u32,
) -> Result<()> {
    let mut client = server.client().await?;
    setup::organization(&mut client).await?;
    let version = version_of(engine).await?;
    let mut places = Vec::new();
    for number in 0..count {
        let id = setup::workspace(&mut client, &format!("many-{number:03}"), &version).await?;
        let configuration = upload(&mut client, &id).await?;
        places.push((id, configuration));
    }
    let title = database.title();
    let of = format!("{title}{count} runs on {SLOTS} slots");
    let bares = bares(engine, count).await?;
    for (which, aim) in [("the first of their workspaces", ""), ("the second", "≥ 11.2/s")] {
        let before = server.processor()?;
        let took = all(&mut client, &places).await?;
        let after = server.processor()?;
        report.add(&format!("{of}, {which}: runs a second"), &a_second(count, took), aim);
        let by_bare = took.as_secs_f64() / bares.as_secs_f64();
        let what = format!("{of}, {which}: time by that of bare `init` and `plan`");
        report.add(&what, &format!("{by_bare:.2}"), "");
        let each =
            |of: fn(Processor) -> Duration| millis(of(after).saturating_sub(of(before)) / count);
        let what = format!("{of}, {which}: processor time of a run's programs");
        report.add(&what, &each(|it| it.children), "");
        let what = format!("{of}, {which}: processor time of the server for a run");
        report.add(&what, &each(|it| it.own), "");
    }
    if database == Database::Sqlite {
        let what = format!("{count} bare `init` and `plan`, {SLOTS} at once: a second");
        report.add(&what, &a_second(count, bares), "");
    }
    Ok(())
}

fn a_second(count: u32, took: Duration) -> String {
    format!("{:.1}", f64::from(count) / took.as_secs_f64())
}

/// Until the last has ended.
async fn all(client: &mut Client, places: &[(String, String)]) -> Result<Duration> {
    let started = Instant::now();
    let mut runs = Vec::new();
    for (workspace, configuration) in places {
        runs.push(queue(client, workspace, configuration).await?);
    }
    for run in &runs {
        finish(client, run).await?;
    }
    Ok(started.elapsed())
}

async fn bares(engine: &Path, count: u32) -> Result<Duration> {
    let started = Instant::now();
    let mut slots = JoinSet::new();
    for slot in 0..SLOTS {
        let engine = engine.to_owned();
        slots.spawn(async move {
            for _ in (slot..count as usize).step_by(SLOTS) {
                bare(&engine).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(ended) = slots.join_next().await {
        ended??;
    }
    Ok(started.elapsed())
}
