//! `statehouse agent`: executes the runs of an agent pool on this machine, for a server elsewhere.

use anyhow::{Context, Result};
use clap::{Args, Subcommand};

use crate::config::{AgentFlags, AgentSettings, Sandbox};
use crate::{doctor, failure, private_file, shutdown, telemetry};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Agent {
    #[command(flatten)]
    flags: AgentFlags,
    #[command(subcommand)]
    instead: Option<Instead>,
}

#[derive(Debug, Subcommand)]
enum Instead {
    /// Check every setting and what runs would be executed with here, and start nothing.
    Doctor(AgentFlags),
}

/// The command: until a signal ends it.
pub fn command(agent: &Agent) -> Result<()> {
    if let Some(Instead::Doctor(flags)) = &agent.instead {
        return doctor::of_agent(flags);
    }
    let settings = AgentSettings::load(&agent.flags)?;
    let telemetry = telemetry::start(&settings.log, None)?;
    let outcome = tokio::runtime::Runtime::new()?.block_on(async {
        tokio::spawn(telemetry.count_losses());
        run(settings).await
    });
    let outcome = outcome.map_err(failure::log);
    drop(telemetry);
    outcome
}

async fn run(settings: AgentSettings) -> Result<()> {
    for warning in &settings.warnings {
        tracing::warn!("{warning}");
    }
    private_file::directory(&settings.data_dir).context("data_dir")?;
    let stop = shutdown::on_signal()?;
    let (name, server) = (settings.name.clone(), settings.server.clone());
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "agent {name} works for {server}");
    agent::run(config(settings)?, stop).await?;
    tracing::info!("stopped");
    Ok(())
}

fn config(settings: AgentSettings) -> Result<agent::Config> {
    let execution = settings.execution;
    Ok(agent::Config {
        server: settings.server,
        token: settings.token,
        name: settings.name,
        work_dir: settings.data_dir.join("agent"),
        engine_cache_dir: settings.data_dir.join("engines"),
        search_path: execution.engines.is_empty(),
        engines: execution.engines,
        concurrency: execution.concurrency,
        supervisor: std::env::current_exe().context("finding our own executable")?,
        hidden_paths: execution.closed,
        shared_paths: execution.shared,
        sandbox: execution.sandbox.into(),
        limits: agent::Limits::default(),
        keep_init: execution.keep_init,
        cli_config_file: execution.cli_config,
        ca_file: settings.ca_file,
        grace: settings.grace_period,
        answer: agent::ANSWER,
        patience: agent::PATIENCE,
        min_free_disk: execution.min_free_disk,
        budget: execution.budget,
    })
}

impl From<Sandbox> for agent::Sandbox {
    fn from(sandbox: Sandbox) -> Self {
        match sandbox {
            Sandbox::Required => Self::Required,
            Sandbox::Preferred => Self::Preferred,
            Sandbox::Off => Self::Off,
        }
    }
}
