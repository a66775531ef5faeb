//! `statehouse demo`: the whole way of a run, from nothing to a state, through the HTTP API alone.

pub mod client;
mod engine;
mod example;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::config::{Layers, Settings};
use crate::{serve, shutdown, telemetry};
use client::{Account, Client, Place};
use engine::Engine;
use example::Example;

#[derive(Debug, clap::Args)]
pub struct Demo {
    /// Exit when the run has ended: 0 if it was applied and its state is there.
    #[arg(long)]
    once: bool,
}

const ORGANIZATION: &str = "demo";
const PROJECT: &str = "getting-started";
const WORKSPACE: &str = "hello";

pub fn run(demo: &Demo) -> Result<()> {
    let engine = engine::find_or_install()?;
    say(&format!("Using {} {} ({})", engine.product, engine.version, engine.path.display()));
    let dir = tempfile::Builder::new().prefix("statehouse-demo-").tempdir()?.keep();
    let outcome = play(demo, &engine, &dir);
    match &outcome {
        Ok(()) if demo.once => {
            std::fs::remove_dir_all(&dir).with_context(|| dir.display().to_string())?;
        }
        Ok(()) => say(&format!("Stopped. What the demo made is still in {}", dir.display())),
        Err(_) => say(&format!("The server's log is {}", log_file(&dir).display())),
    }
    outcome
}

fn play(demo: &Demo, engine: &Engine, dir: &Path) -> Result<()> {
    let settings = settings(engine, dir)?;
    let log = std::fs::File::create(log_file(dir))?;
    let telemetry = telemetry::start(&settings.log, Some(log))?;
    let runtime = tokio::runtime::Runtime::new()?;
    let outcome = runtime.block_on(scene(demo, engine, dir, settings));
    drop(runtime);
    drop(telemetry);
    outcome
}

/// The same server as `serve`, on a free port of loopback, with everything inside `dir`.
fn settings(engine: &Engine, dir: &Path) -> Result<Settings> {
    let flags = [
        ("data-dir", dir.join("data").display().to_string()),
        ("listen", "127.0.0.1:0".to_owned()),
        ("engine", engine.path.display().to_string()),
    ];
    let flags = flags.map(|(name, value)| (name.to_owned(), vec![value]));
    // Neither the operator's environment nor a file: the demo is the same everywhere.
    Ok(Settings::from_layers(Layers::new(flags.into(), []))?)
}

fn log_file(dir: &Path) -> PathBuf {
    dir.join("statehouse.log")
}

async fn scene(demo: &Demo, engine: &Engine, dir: &Path, settings: Settings) -> Result<()> {
    let stop = shutdown::on_signal()?;
    let (ready, is_ready) = oneshot::channel();
    let mut server = tokio::spawn(serve::run(settings, stop.clone(), ready));
    let outcome = tokio::select! {
        // The end that Ctrl-C makes is the story's own, not the server's.
        biased;
        outcome = story(demo, engine, dir, is_ready, &stop) => outcome,
        ended = &mut server => {
            ended.context("the server")??;
            bail!("stopped before the run was finished");
        }
    };
    stop.cancel();
    server.await.context("the server")??;
    outcome
}

/// What a newcomer sees, in order.
async fn story(
    demo: &Demo,
    engine: &Engine,
    dir: &Path,
    is_ready: oneshot::Receiver<Url>,
    stop: &CancellationToken,
) -> Result<()> {
    let url = is_ready.await.context("the server did not start")?;
    say(&format!("Statehouse answers at {url}"));

    let account = Account::first(&url).await.context("creating the first user")?;
    say(&format!("User {}, with a password and an API token", account.name));
    let client = Client::new(&url, &account.token)?;
    client.create_organization(ORGANIZATION).await?;
    let project = client.create_project(ORGANIZATION, PROJECT).await?;
    let place = client.create_workspace(ORGANIZATION, &project, WORKSPACE, engine).await?;
    say(&format!("Organization {ORGANIZATION}, project {PROJECT}, workspace {WORKSPACE}"));

    let example = example::write(dir, &url, &account.token, ORGANIZATION, WORKSPACE, engine)?;
    say(&format!("An example configuration in {}", example.folder.display()));
    for command in [&["init", "-input=false"][..], &["apply", "-auto-approve", "-input=false"]] {
        println!("\n$ {} {}", engine.product, command.join(" "));
        let status = example.show(engine, command, &url).await?;
        if stop.is_cancelled() {
            bail!("stopped before the run was finished");
        }
        ensure!(status.success(), "{} {} failed: {status}", engine.product, command.join(" "));
    }

    println!();
    let run = applied_run(&client, &place).await?;
    let outputs = client.state_outputs(&place).await.context("reading the state")?;
    ensure!(
        outputs.get("greeting").is_some_and(|g| g["value"] == example::GREETING),
        "the state does not hold the output that was applied: {outputs:?}"
    );
    if demo.once {
        say(&format!("Applied by run {run}, and its state is there. Nothing of it is kept."));
        return Ok(());
    }
    say("Applied, and its state is there. This server goes on until Ctrl-C.");
    println!("{}", farewell(&url, &account, &run, engine, &example));
    stop.cancelled().await;
    Ok(())
}

/// What a newcomer needs from here on, all in one place.
fn farewell(url: &Url, account: &Account, run: &str, engine: &Engine, example: &Example) -> String {
    let Account { name, password, .. } = account;
    let engine = engine.path.display();
    let (folder, cli_config) = (example.folder.display(), example.cli_config.display());
    let own = example::cloud_block(ORGANIZATION, "my-first");
    let host = example::HOST;
    format!(
        "
    Address   {url}
    User      {name}
    Password  {password}

Three next steps:

 1. Sign in and look at the run:
      {url}app/{ORGANIZATION}/workspaces/{WORKSPACE}/runs/{run}

 2. Change {folder}/main.tf, then plan and apply it again:
      export TF_CLI_CONFIG_FILE={cli_config}
      {engine} -chdir={folder} apply
    (Addresses of runs that it prints begin with https://{host}/; the pages are at {url}.)

 3. Take a configuration of your own, in a workspace of its own. In the same shell:
    put this into it, then type `{engine} init` and `{engine} apply`.

{own}"
    )
}

/// The id of the workspace's current run, if that run was applied.
async fn applied_run(client: &Client, place: &Place) -> Result<String> {
    let (run, status) = client.current_run(place).await.context("reading the run")?;
    ensure!(status == "applied", "the run {run} is {status}, not applied");
    Ok(run)
}

fn say(line: &str) {
    println!("==> {line}");
}
