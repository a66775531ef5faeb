//! The agent itself: introduces itself, claims jobs with its slots, and ends in good order.

use std::fs::File;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use protocol::{Abilities, Claim, Job, Leave, Register};
use reqwest::{StatusCode, Url};
use rustix::fs::{FlockOperation, flock};
use rustix::process::DumpableBehavior;
use sandbox::{Groups, Layers, Reach};
use tokio::net::UdpSocket;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::engines::Engines;
use crate::phase::{execute, is_plain};
use crate::plugins::Plugins;
use crate::process::Launcher;
use crate::server::{Backoff, Server};
use crate::undelivered::Undelivered;
use crate::workplace::{Workplace, check_length, private_folder, write_durably};
use crate::{Config, Sandbox, reach, recovery};

/// How long the server may hold a claim when there is nothing to do.
const HOLD_SECONDS: u64 = 30;

/// What keeps runs from the network: nothing so far, and people are told.
pub const NETWORK: &str = "this machine's: metadata addresses of clouds, and what listens here, are open to them; close \
                           them with a firewall for the service's user";

/// What all slots share.
pub(crate) struct Agent {
    pub config: Config,
    pub server: Arc<Server>,
    pub engines: Engines,
    pub launcher: Launcher,
    pub undelivered: Arc<Undelivered>,
    /// The layers that all engines are started with, and what all of them reach.
    pub layers: Layers,
    pub reach: Reach,
    /// Where the kernel counts what the processes of a run use together.
    pub groups: Option<Groups>,
    pub shutdown: CancellationToken,
    /// Who we are over all restarts.
    instance: String,
    /// Our id, once the server has given one.
    id: Mutex<Option<String>>,
}

/// Runs an agent until `shutdown` is cancelled and its phases have ended.
///
/// Fails if its directories or its settings cannot be used; a server that does not answer is
/// waited for.
pub async fn run(config: Config, shutdown: CancellationToken) -> anyhow::Result<()> {
    let (config, _lock) = furnish(config)?;
    let layers = layers(&config).await?;
    let mut reach = reach::common(&config);
    let engines = Engines::discover(&config, layers, &reach).await;
    reach::show_engines(&mut reach, engines.paths());
    let plugins = Plugins::take(&config.engine_cache_dir, config.concurrency.max(1))
        .with_context(|| format!("cannot use {}", config.engine_cache_dir.display()))?;
    let agent = Arc::new(Agent {
        server: Arc::new(Server::new(&config)?),
        engines,
        launcher: Launcher::new().context("start the launcher thread")?,
        undelivered: Undelivered::open(&config.work_dir).context("look for states")?,
        shutdown,
        layers,
        reach,
        groups: groups(),
        instance: instance(&config.work_dir).context("note the agent's instance")?,
        id: Mutex::new(None),
        config,
    });
    // Ends with us, whichever way that is.
    let mut deliveries = JoinSet::new();
    let (undelivered, server) = (agent.undelivered.clone(), agent.server.clone());
    deliveries.spawn(async move { undelivered.deliver(&server).await });
    tokio::select! {
        () = agent.shutdown.cancelled() => return Ok(()),
        recovered = recovery::recover(
            &agent.config.work_dir,
            &agent.server,
            &agent.undelivered,
            agent.config.min_free_disk,
        ) => {
            recovered.context("look through the job directories")?;
        }
    }
    let mut slots = JoinSet::new();
    let most = plugins.len();
    for (number, plugins) in plugins.into_iter().enumerate() {
        slots.spawn(agent.clone().work(Arc::new(plugins), is_kept_for_runs(number, most)));
    }
    while let Some(ended) = slots.join_next().await {
        ended.context("a slot of the agent broke")?;
    }
    agent.leave().await;
    Ok(())
}

/// Finds out how engines can be kept apart here, and says so.
async fn layers(config: &Config) -> anyhow::Result<Layers> {
    if config.sandbox == Sandbox::Off {
        tracing::warn!(
            "engines run without a sandbox, as configured: they can read and do all that we can"
        );
        return Ok(Layers::NONE);
    }
    // Whatever else there is, our memory and environment are closed to engines of the same user.
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .context("close our process to others")?;
    if rustix::process::geteuid().is_root() {
        tracing::warn!(
            "engines run as root, although without its capabilities: give this service a user of its own"
        );
    }
    tracing::info!("the network of runs is {NETWORK}");
    let (supervisor, scratch) = (config.supervisor.clone(), config.work_dir.clone());
    let survey =
        tokio::task::spawn_blocking(move || sandbox::survey(&supervisor, &scratch)).await?;
    let missing = survey.missing();
    if missing.is_empty() {
        tracing::info!("engines run in the whole sandbox");
    } else if config.sandbox == Sandbox::Required {
        bail!(
            "the sandbox is required, and this machine lacks a part of it: {}",
            missing.join("; ")
        );
    }
    for missing in missing {
        tracing::warn!("engines run without a part of the sandbox: {missing}");
    }
    Ok(survey.layers)
}

/// Says where limits are watched only.
fn groups() -> Option<Groups> {
    match Groups::find() {
        Ok(groups) => {
            tracing::info!(version = groups.version(), "the kernel limits runs by control groups");
            Some(groups)
        }
        Err(error) => {
            tracing::warn!("limits of runs are watched, and not kept by the kernel: {error:#}");
            None
        }
    }
}

/// Creates the directories, makes their paths absolute, and makes sure that they are ours alone.
fn furnish(mut config: Config) -> anyhow::Result<(Config, File)> {
    for path in [&mut config.work_dir, &mut config.engine_cache_dir] {
        private_folder(path).with_context(|| format!("cannot create {}", path.display()))?;
        *path = path.canonicalize().with_context(|| format!("cannot use {}", path.display()))?;
    }
    check_length(&config.work_dir)?;
    let jobs = Workplace::all(&config.work_dir);
    private_folder(&jobs).with_context(|| format!("cannot create {}", jobs.display()))?;
    if let Some(path) = &mut config.cli_config_file {
        *path = path.canonicalize().with_context(|| format!("cannot use {}", path.display()))?;
    }
    config.supervisor = config
        .supervisor
        .canonicalize()
        .with_context(|| format!("no supervisor at {}", config.supervisor.display()))?;
    let lock = File::create(config.work_dir.join("agent.lock"))?;
    if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
        bail!("another agent works in {}", config.work_dir.display());
    }
    Ok((config, lock))
}

/// The identity that belongs to a work directory.
fn instance(work_dir: &Path) -> io::Result<String> {
    let path = work_dir.join("instance");
    match std::fs::read_to_string(&path) {
        Ok(known) if !known.is_empty() => Ok(known),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => {
            let new = hex::encode(rand::random::<[u8; 16]>());
            write_durably(&path, new.as_bytes())?;
            Ok(new)
        }
    }
}

/// What this program can do on this machine.
fn abilities() -> Abilities {
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        other => other,
    };
    Abilities {
        protocol: protocol::VERSION,
        jobs: vec!["plan".into(), "apply".into(), "assessment".into()],
        os: std::env::consts::OS.into(),
        arch: arch.into(),
        ..Abilities::default()
    }
}

/// Whether a slot does nothing but phases of runs. Assessments get a third of the slots, so that no run waits for them,
/// and the only one where there is no other.
fn is_kept_for_runs(slot: usize, slots: usize) -> bool {
    slot >= (slots / 3).max(1)
}

/// Our own address on the way to the server; nothing is sent.
async fn address_towards(server: &Url) -> Option<IpAddr> {
    let (host, port) = (server.host_str()?, server.port_or_known_default()?);
    for there in tokio::net::lookup_host((host.trim_matches(['[', ']']), port)).await.ok()? {
        let any = match there {
            SocketAddr::V4(_) => IpAddr::from(Ipv4Addr::UNSPECIFIED),
            SocketAddr::V6(_) => IpAddr::from(Ipv6Addr::UNSPECIFIED),
        };
        let Ok(socket) = UdpSocket::bind((any, 0)).await else { continue };
        if socket.connect(there).await.is_ok() {
            return Some(socket.local_addr().ok()?.ip());
        }
    }
    None
}

impl Agent {
    /// One slot: claims and executes jobs, one after the other, until the shutdown.
    async fn work(self: Arc<Self>, plugins: Arc<Plugins>, phases_only: bool) {
        let mut pause = Backoff::default();
        while !self.shutdown.is_cancelled() {
            let claimed = tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return,
                claimed = self.claim(phases_only) => claimed,
            };
            match claimed {
                Ok(None) => pause = Backoff::default(),
                Ok(Some(job)) => {
                    pause = Backoff::default();
                    let (agent, plugins) = (self.clone(), plugins.clone());
                    let id = job.id.clone();
                    // A task of its own: a mistake in one job must not cost the slot.
                    let job = tokio::spawn(execute(agent, job, plugins));
                    if let Err(error) = job.await {
                        tracing::error!(job = id, %error, "the job broke");
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "no job could be claimed");
                    tokio::select! {
                        () = self.shutdown.cancelled() => return,
                        () = pause.wait() => {}
                    }
                }
            }
        }
    }

    async fn claim(&self, phases_only: bool) -> anyhow::Result<Option<Job>> {
        let agent_id = self.id().await?;
        let claim = Claim { agent_id: agent_id.clone(), wait_seconds: HOLD_SECONDS, phases_only };
        let job = match self.server.claim(&claim).await {
            Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => {
                // The server does not know us: its database is another one.
                self.id.lock().await.take_if(|id| *id == agent_id);
                return Err(error.into());
            }
            job => job?,
        };
        match job {
            Some(job) if !is_plain(&job.id) || !is_plain(&job.run_id) => {
                // It would be part of addresses and paths.
                tokio::time::sleep(Duration::from_secs(1)).await;
                bail!("the server handed out a job with the impossible id “{}”", job.id);
            }
            job => Ok(job),
        }
    }

    /// Says goodbye, so that nobody waits for us; a server that does not listen finds out by itself.
    async fn leave(&self) {
        let Some(agent_id) = self.id.lock().await.take() else { return };
        if let Err(error) = self.server.leave(&Leave { agent_id }).await {
            tracing::debug!(%error, "the server did not hear that we leave");
        }
    }

    async fn id(&self) -> anyhow::Result<String> {
        let mut id = self.id.lock().await;
        if let Some(id) = &*id {
            return Ok(id.clone());
        }
        let registered = self
            .server
            .register(&Register {
                name: self.config.name.clone(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                instance: self.instance.clone(),
                engines: self.engines.local(),
                abilities: abilities(),
                address: address_towards(&self.config.server).await,
            })
            .await?;
        tracing::info!(agent = registered.agent_id, "registered with the server");
        *id = Some(registered.agent_id.clone());
        Ok(registered.agent_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assessments_get_a_third_of_the_slots() {
        let kept =
            |slots| (0..slots).filter(|slot| is_kept_for_runs(*slot, slots)).collect::<Vec<_>>();
        assert!(kept(1).is_empty());
        assert_eq!(kept(2), [1]);
        assert_eq!(kept(5), [1, 2, 3, 4]);
        assert_eq!(kept(6), [2, 3, 4, 5]);
    }
}
