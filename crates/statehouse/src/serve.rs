//! `statehouse serve`: puts the walls together, opens the door, and closes it last.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use axum::Router;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::config::{ServeFlags, Settings, Tls};
use crate::health;
use crate::listener::{self, Listener};
use crate::lock::DataDirLock;
use crate::task::Task;
use crate::telemetry::{self, metrics, requests};
use crate::{private_file, shutdown, tls};

/// The command: until a signal ends it.
pub fn command(flags: &ServeFlags) -> Result<()> {
    let settings = Settings::load(flags)?;
    let telemetry = telemetry::start(&settings.log, None)?;
    let outcome = tokio::runtime::Runtime::new()?.block_on(async {
        let stop = shutdown::on_signal()?;
        let (ready, _nobody_waits) = oneshot::channel();
        run(settings, stop, ready).await
    });
    if let Err(e) = &outcome {
        tracing::error!("stopped by an error: {e:#}");
    }
    drop(telemetry);
    outcome
}

/// Serves until `stop`, once per process. `ready` gets the public URL as soon as requests are
/// answered. The address is bound before anything is opened, so that a taken one costs nothing.
pub async fn run(
    settings: Settings,
    stop: CancellationToken,
    ready: oneshot::Sender<Url>,
) -> Result<()> {
    for warning in &settings.warnings {
        tracing::warn!("{warning}");
    }
    let data_dir = &settings.store.data_dir;
    private_file::directory(data_dir).context("data_dir")?;
    if private_file::is_open_to_others(data_dir)? {
        tracing::warn!("data_dir {0} is open to others: chmod 700 {0}", data_dir.display());
    }
    let _lock = DataDirLock::take(data_dir)?;
    let door = listener::bind("listen", settings.listen)?;
    let side_door =
        settings.metrics_listen.map(|at| listener::bind("metrics_listen", at)).transpose()?;
    let bound = door.local_addr()?;
    let url = settings.public_url(bound);
    let certificate =
        || tls::server_config(&settings.tls, data_dir, url.host_str().unwrap_or("localhost"));
    let tls = certificate()?;
    let figures = metrics::start()?;

    let router = with_metrics(Router::new(), &figures, side_door.is_none())
        .merge(health::router(Vec::new()))
        .layer(axum::middleware::from_fn(requests::observe));
    let mut main = Listener::start(door, tls, router)?;
    let side = side_door
        .map(|door| Listener::start(door, None, metrics::open(figures.clone())))
        .transpose()?;
    let upkeep = tokio::spawn(metrics::upkeep(figures));
    let mut worker: Option<Task> = None;
    let mut agent: Option<Task> = None;
    announce(&settings, bound, &url);
    // Only the demo waits for it.
    ready.send(url.clone()).ok();

    let mut renewed = signal(SignalKind::hangup()).context("listening for SIGHUP")?;
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            // Nothing can be finished without these: the next start goes on from the database.
            e = main.failed() => return Err(e),
            e = Task::failed(worker.as_mut()) => return Err(e),
            e = Task::failed(agent.as_mut()) => return Err(e),
            _ = renewed.recv() => match certificate() {
                Ok(Some(config)) => {
                    main.change_certificate(config);
                    tracing::info!("SIGHUP: the certificate was read again");
                }
                Ok(None) => tracing::info!("SIGHUP: there is no certificate to read again"),
                Err(e) => tracing::error!("SIGHUP: the old certificate stays: {e:#}"),
            },
        }
    }

    // The agent first: it waits for running phases, which still need the worker and the listener,
    // and so do the people who follow their logs.
    for task in [agent.take(), worker.take()].into_iter().flatten() {
        if let Err(e) = task.finish().await {
            tracing::error!("{e:#}");
        }
    }
    main.stop().await;
    if let Some(side) = side {
        side.stop().await;
    }
    upkeep.abort();
    tracing::info!("stopped");
    Ok(())
}

fn with_metrics(router: Router, figures: &PrometheusHandle, on_main: bool) -> Router {
    if on_main { router.merge(metrics::local(figures.clone())) } else { router }
}

fn announce(settings: &Settings, bound: SocketAddr, url: &Url) {
    tracing::info!(
        %bound, %url,
        version = env!("CARGO_PKG_VERSION"),
        "Statehouse {} answers at {url}", env!("CARGO_PKG_VERSION")
    );
    if settings.tls == Tls::SelfSigned {
        let ca = tls::ca_file(&settings.store.data_dir);
        let ca = ca.display();
        tracing::info!(%ca, "clients trust this server with: export SSL_CERT_FILE={ca}");
    }
}
