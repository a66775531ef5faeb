//! The agent inside `serve`: the same agent as on another machine, over the same HTTP.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use agent::EngineKind;
use anyhow::{Context, Result};
use domain::{App, Ctx, entity::tool_version::Kind};
use secrecy::SecretString;
use url::Url;

use crate::config::{Execution, Settings, Tls};
use crate::tls;

pub fn config(
    execution: &Execution,
    settings: &Settings,
    app: &App,
    bound: SocketAddr,
) -> Result<agent::Config> {
    let store = &settings.store;
    let absolute = |path: &std::path::Path| std::path::absolute(path);
    let self_signed = settings.tls == Tls::SelfSigned;
    Ok(agent::Config {
        server: server(settings, bound)?,
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
        ca_file: self_signed.then(|| tls::ca_file(&store.data_dir)),
        grace: settings.grace_period,
        answer: agent::ANSWER,
        min_free_disk: execution.min_free_disk,
    })
}

/// Makes our engines known before anybody is answered: a command line may name its version at once.
pub async fn make_known(cx: &Ctx, config: &agent::Config) -> Result<()> {
    let kind = |kind| match kind {
        EngineKind::Terraform => Kind::Terraform,
        EngineKind::Tofu => Kind::Tofu,
    };
    let engines = agent::at_hand(config).await.into_iter();
    let engines: Vec<_> = engines.map(|engine| (kind(engine.kind), engine.version)).collect();
    Ok(domain::tool_versions::learn(cx, &engines).await?)
}

/// The shortest way to ourselves; with a certificate of the operator's it leads over the name that it is for.
fn server(settings: &Settings, bound: SocketAddr) -> Result<Url> {
    let at = match bound.ip() {
        ip if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        ip => ip,
    };
    let text = match settings.tls {
        Tls::Off => format!("http://{}", SocketAddr::new(at, bound.port())),
        Tls::SelfSigned => format!("https://localhost:{}", bound.port()),
        Tls::Files { .. } => return Ok(settings.public_url(bound)),
    };
    Url::parse(&text).context("our own address")
}
