//! The agent inside `serve`: the same agent as on another machine, over the same HTTP, but by a door of its own on
//! loopback. It needs no certificate, whatever the one is that others see, and no place among theirs.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use agent::EngineKind;
use anyhow::{Context, Result};
use axum::middleware::from_fn;
use domain::{App, Ctx, entity::tool_version::Kind};
use secrecy::SecretString;
use url::Url;

use crate::config::{Execution, Settings, Tls};
use crate::listener::{self, Listener};
use crate::telemetry::requests;
use crate::tls;

/// The agent's own door.
pub fn door() -> Result<TcpListener> {
    listener::bind("the embedded agent's door", SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
}

/// Answers at it what agents ask for, and nothing else.
pub fn open(door: TcpListener, app: &App, places: usize) -> Result<Listener> {
    let router = api::agents_router(app.clone());
    Listener::start(door, None, router.layer(from_fn(requests::observe)), places)
}

/// `at` is where that door leads.
pub fn config(
    execution: &Execution,
    settings: &Settings,
    app: &App,
    at: SocketAddr,
) -> Result<agent::Config> {
    let store = &settings.store;
    let absolute = |path: &std::path::Path| std::path::absolute(path);
    let self_signed = settings.reach.tls == Tls::SelfSigned;
    Ok(agent::Config {
        server: Url::parse(&format!("http://{at}")).context("the embedded agent's door")?,
        token: SecretString::from(app.embedded_agent_token().expose().to_owned()),
        name: "embedded".into(),
        work_dir: absolute(&store.data_dir.join("agent"))?,
        engine_cache_dir: absolute(&store.data_dir.join("engines"))?,
        engines: execution.engines.clone(),
        search_path: execution.engines.is_empty(),
        concurrency: execution.concurrency,
        supervisor: std::env::current_exe().context("finding our own executable")?,
        hidden_paths: execution.closed.clone(),
        shared_paths: execution.shared.clone(),
        sandbox: execution.sandbox.into(),
        limits: agent::Limits::default(),
        keep_init: execution.keep_init,
        cli_config_file: execution.cli_config.clone(),
        // For engines, which ask the server for the states that are shared with them.
        ca_file: self_signed.then(|| tls::ca_file(&store.data_dir)),
        grace: settings.grace_period,
        answer: agent::ANSWER,
        patience: agent::PATIENCE,
        min_free_disk: execution.min_free_disk,
        budget: execution.budget,
    })
}

/// Makes our engines known before anybody is answered: a command line may name its version at once. Says whether there
/// are any.
pub async fn make_known(cx: &Ctx, config: &agent::Config) -> Result<bool> {
    let kind = |kind| match kind {
        EngineKind::Terraform => Kind::Terraform,
        EngineKind::Tofu => Kind::Tofu,
    };
    let engines = agent::at_hand(config).await.into_iter();
    let engines: Vec<_> = engines.map(|engine| (kind(engine.kind), engine.version)).collect();
    domain::tool_versions::learn(cx, &engines).await?;
    Ok(!engines.is_empty())
}
