//! `statehouse serve`: puts the walls together, opens the door, and closes it last.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::Router;
use courier::Courier;
use rustls::ServerConfig;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::config::{self, ServeFlags, Settings, Tls};
use crate::health::{self, Check};
use crate::listener::{self, Listener};
use crate::lock::DataDirLock;
use crate::open::Absent;
use crate::task::Task;
use crate::telemetry::figures::Rows;
use crate::telemetry::{self, metrics, requests};
use crate::{embedded, failure, git, open, private_file, shutdown, tls};

/// The command: until a signal ends it.
pub fn command(flags: &ServeFlags) -> Result<()> {
    let settings = Settings::load(flags)?;
    let telemetry = telemetry::start(&settings.log, None)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        // A thread takes of it what it uses; one that needs more than it has would take the server with it.
        .thread_stack_size(STACK)
        .build()?;
    let outcome = runtime.block_on(async {
        let stop = shutdown::on_signal()?;
        let (ready, _nobody_waits) = oneshot::channel();
        tokio::spawn(telemetry.count_losses());
        Box::pin(run(settings, stop, ready)).await
    });
    let outcome = outcome.map_err(failure::log);
    drop(telemetry);
    outcome
}

/// Bytes of address space for the stack of each thread.
const STACK: usize = 16 << 20;

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
    // The other half is for the database, blobs and runs.
    let half = usize::try_from(listener::raise_file_limit() / 2).unwrap_or(usize::MAX);
    let most_connections = half.min(MOST_CONNECTIONS);
    let data_dir = &settings.store.data_dir;
    make_data_dir(data_dir)?;
    let _lock = DataDirLock::take(data_dir).await?;
    let door = listener::bind("listen", settings.reach.listen)?;
    let side_door =
        settings.metrics_listen.map(|at| listener::bind("metrics_listen", at)).transpose()?;
    let bound = door.local_addr()?;
    let url = settings.reach.public_url(bound);
    let tls = certificate(&settings, &url)?;
    let figures = metrics::start()?;

    let courier = Courier::new(settings.courier.clone()).context("smtp_url")?;
    let app = tokio::select! {
        // Whoever ends a server that waits for its database means it.
        () = stop.cancelled() => {
            tracing::info!("stopped before the database was open");
            return Ok(());
        }
        app = open::open(&settings.store, rules(&settings, &url)?, courier, Absent::Create) => app?,
    };
    // Before anybody is answered: whoever sees the server ready may use the configured token at once.
    let first_admin = first_start(&settings, &app).await?;
    let start = app.system("start");
    look_around(&start).await?;
    let (embedded, agents_door) = match &settings.agent {
        Some(agent) => {
            let door = embedded::door()?;
            (Some(embedded::config(agent, &settings, &app, door.local_addr()?)?), Some(door))
        }
        None => (None, None),
    };
    if let Some(want) = wants(&start, embedded.as_ref()).await? {
        tracing::warn!("{want}");
    }
    let pages = api::router(app.clone()).merge(web::router(app.clone()));
    let source = metrics::Source::new(
        figures.clone(),
        Some(Rows::of(app.clone())),
        settings.metrics_token.clone(),
    );
    let router = with_metrics(pages, &source, side_door.is_none())
        .merge(health::router(checks(&app)))
        .layer(axum::middleware::from_fn(requests::observe));
    let places = settings.max_connections.unwrap_or(most_connections);
    let mut main = Listener::start(door, tls, router, places)?;
    let side = side_door
        .map(|door| {
            let router = metrics::open(source.clone());
            Listener::start(door, None, router, SIDE_PLACES)
        })
        .transpose()?;
    let mut for_agent =
        agents_door.map(|door| embedded::open(door, &app, most_connections)).transpose()?;
    let upkeep = tokio::spawn(metrics::upkeep(figures));
    let mut worker = Some(Task::start("worker", |stop| {
        let app = app.clone();
        async move {
            worker::run(app, stop).await;
            Ok(())
        }
    }));
    let mut agent = embedded.map(|config| Task::start("agent", |stop| agent::run(config, stop)));
    config::note_public_url(data_dir, &url).context("data_dir")?;
    announce(&settings, bound, &url, first_admin.as_deref());
    // Only the demo waits for it.
    ready.send(url.clone()).ok();

    let mut renewed = signal(SignalKind::hangup()).context("listening for SIGHUP")?;
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            // Nothing can be finished without these: the next start goes on from the database.
            e = main.failed() => return Err(e),
            e = Listener::one_failed(for_agent.as_mut()) => return Err(e),
            e = Task::failed(worker.as_mut()) => return Err(e),
            e = Task::failed(agent.as_mut()) => return Err(e),
            _ = renewed.recv() => match certificate(&settings, &url) {
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
    for other in [for_agent, side].into_iter().flatten() {
        other.stop().await;
    }
    upkeep.abort();
    app.close().await;
    tracing::info!("stopped");
    Ok(())
}

fn make_data_dir(data_dir: &Path) -> Result<()> {
    private_file::directory(data_dir).context("data_dir")?;
    if private_file::is_open_to_others(data_dir)? {
        tracing::warn!("data_dir {0} is open to others: chmod 700 {0}", data_dir.display());
    }
    Ok(())
}

/// At the start and after a renewal.
fn certificate(settings: &Settings, url: &Url) -> Result<Option<Arc<ServerConfig>>> {
    let host = url.host_str().unwrap_or("localhost");
    let config = tls::server_config(&settings.reach.tls, &settings.store.data_dir, host)?;
    for doubt in tls::doubts(&settings.reach.tls, host) {
        tracing::warn!("{doubt}");
    }
    Ok(config)
}

async fn look_around(start: &domain::Ctx) -> Result<()> {
    domain::tool_versions::learn_own(start).await?;
    domain::tool_versions::know_official(start).await?;
    // Whoever has no cursor yet begins here, and misses nothing of what people do from now on.
    domain::events::read(start).await?;
    Ok(())
}

/// Connections that are taken at once where the operator says nothing.
const MOST_CONNECTIONS: usize = 10_000;
/// The same where only Prometheus comes by.
const SIDE_PLACES: usize = 64;

/// A cancel may be forced after this many seconds.
const FORCE_CANCEL_AFTER: i64 = 60;
/// Phases at once where no agent is embedded, and agents decide by their own slots.
const REMOTE_CONCURRENCY: u64 = 1000;

fn rules(settings: &Settings, url: &Url) -> Result<domain::Settings> {
    Ok(domain::Settings {
        public_url: url.as_str().trim_end_matches('/').to_owned(),
        concurrency: settings
            .agent
            .as_ref()
            .map_or(REMOTE_CONCURRENCY, |agent| agent.concurrency as u64),
        force_cancel_after: FORCE_CANCEL_AFTER,
        releases: settings.releases.clone(),
        version_sync: settings.version_sync,
        trusted_proxies: settings.trusted_proxies.clone(),
        site: settings.site.clone(),
        policy_concurrency: settings.policy_concurrency,
        run_task_silence: settings.run_task_silence,
        // Not by its path: the file may be replaced by a newer version.
        policy_program: Some("/proc/self/exe".into()),
        git: git::means(settings).context("finding what git is started by")?,
    })
}

fn checks(app: &domain::App) -> Vec<Check> {
    let (database, blobs) = (app.clone(), app.clone());
    vec![
        Check::new("blobs", move || {
            let app = blobs.clone();
            async move { Ok(domain::health::blobs(&app).await?) }
        }),
        Check::new("database", move || {
            let app = database.clone();
            async move { Ok(domain::health::database(&app).await?) }
        }),
    ]
}

/// Somebody has to be the first: by the operator's token, or by an address that works once.
async fn first_start(settings: &Settings, app: &domain::App) -> Result<Option<String>> {
    if let Some(token) = &settings.admin_token {
        if domain::accounts::bootstrap_with_token(app, token).await? {
            tracing::info!("the site admin \"admin\" was created with the configured token");
        }
        return Ok(None);
    }
    Ok(domain::accounts::offer_first_admin(app).await?.map(|path| app.url(path)))
}

/// For want of what runs will wait, if it is plain at the start.
async fn wants(cx: &domain::Ctx, embedded: Option<&agent::Config>) -> Result<Option<&'static str>> {
    let Some(config) = embedded else {
        let want = "this server has no agent of its own (no_agent), and no other is known: runs wait until an agent \
                    of an agent pool is there, see Agents elsewhere in docs/operations.md";
        return Ok((!domain::agent_pools::has_agents(cx).await?).then_some(want));
    };
    if embedded::make_known(cx, config).await? || domain::tool_versions::can_be_fetched(cx).await? {
        return Ok(None);
    }
    Ok(Some(
        "this server's agent has no Terraform and no OpenTofu: runs wait. Put one on the PATH that the server is \
         started with, or name it by --engine, and start again; or let the agent fetch releases: \
         statehouse admin sync-versions",
    ))
}

fn with_metrics(router: Router, source: &metrics::Source, on_main: bool) -> Router {
    if on_main { router.merge(metrics::local(source.clone())) } else { router }
}

fn announce(settings: &Settings, bound: SocketAddr, url: &Url, first_admin: Option<&str>) {
    tracing::info!(
        %bound, %url,
        version = env!("CARGO_PKG_VERSION"),
        "Statehouse {} answers at {url}", env!("CARGO_PKG_VERSION")
    );
    if url.scheme() == "http" {
        tracing::warn!(
            "Terraform and OpenTofu refuse plain http: start with --tls-self-signed (or --tls-cert and --tls-key, or a \
             proxy and --public-url https://…), or give each client a `host` block, see TLS in docs/operations.md"
        );
    }
    if settings.reach.tls == Tls::SelfSigned {
        let ca = tls::ca_file(&settings.store.data_dir);
        let ca = ca.display();
        tracing::info!(%ca, "clients trust this server with: export SSL_CERT_FILE={ca}");
    }
    if let Some(address) = first_admin {
        tracing::info!("there is nobody yet: become the first admin at {address} (works once)");
    }
}
