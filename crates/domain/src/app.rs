//! What one server process works with: the database, the blobs, the keys, the clock and the bell.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use blobs::Blobs;
use courier::Courier;
use crypto::{Keyring, Signer};
use db::{Db, Timestamp, id::ServerId};
use vcs::git::Git;

use crate::{
    access::Actor,
    accounts::{RecentActors, RecentFences},
    bell::Bell,
    chores::Chores,
    context::{Ctx, Origin},
    keeper,
    rate_limit::Requests,
    site_settings, stores,
    tool_versions::Sources,
    troubles::Troubles,
    vcs_connections,
};

/// Settings that rules depend on; read from the configuration by the binary.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where clients reach this server, without a slash at the end.
    pub public_url: String,
    /// Runs that may be planning or applying at once, over all servers.
    pub concurrency: u64,
    /// Seconds from a cancel until it may be forced.
    pub force_cancel_after: i64,
    /// Where official releases of the engines are.
    pub releases: Sources,
    /// Whether the list of official releases is read once a day.
    pub version_sync: bool,
    /// Proxies that say for whom they speak.
    pub trusted_proxies: Vec<courier::IpNet>,
    /// Settings of the site that this process was given.
    pub site: site_settings::Given,
    /// Runs whose policies are evaluated at once by one server.
    pub policy_concurrency: usize,
    /// How long a run task may say nothing before it is given up.
    pub run_task_silence: Duration,
    /// Our own executable, which asks policies in processes apart; without one they are asked in this one.
    pub policy_program: Option<PathBuf>,
    pub git: GitMeans,
}

/// How repositories are fetched by this server.
#[derive(Clone, Debug)]
pub struct GitMeans {
    /// A folder for caches, ours alone. An absolute path; it need not be there.
    pub root: PathBuf,
    pub program: PathBuf,
    pub start: Arc<dyn vcs::git::Start>,
}

impl Default for GitMeans {
    fn default() -> Self {
        Self {
            root: std::env::temp_dir().join("statehouse-repositories"),
            program: "/usr/bin/git".into(),
            start: Arc::new(vcs::git::Plain),
        }
    }
}

/// One server's means. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App(Arc<Means>);

#[derive(Debug)]
struct Means {
    db: Db,
    blobs: Blobs,
    courier: Courier,
    git: Git,
    keyring: Keyring,
    signer: Signer,
    settings: Settings,
    bell: Bell,
    server: ServerId,
    kept: keeper::Kept,
    troubles: Troubles,
    chores: Chores,
    counted_blobs: stores::Counted,
    recent_actors: RecentActors,
    recent_fences: RecentFences,
    recent_site_settings: site_settings::Recent,
    requests: Requests,
    installation_tokens: vcs_connections::InstallationTokens,
    provider_limits: vcs_connections::Limits,
    clock: Clock,
    embedded_agent: crypto::Token,
}

/// The clock of the house; tests stop it and move it.
#[derive(Debug, Default)]
struct Clock {
    /// 0 while the clock runs.
    stopped_at: AtomicI64,
}

impl App {
    pub fn new(
        db: Db,
        blobs: Blobs,
        courier: Courier,
        keyring: Keyring,
        settings: Settings,
    ) -> Self {
        let signer = keyring.signer();
        let git = Git::new(vcs::git::Settings {
            root: settings.git.root.clone(),
            git: settings.git.program.clone(),
            authorities: None,
            start: settings.git.start.clone(),
            reach: vcs_connections::way_by(&courier),
            limits: vcs::git::Limits::default(),
        });
        Self(Arc::new(Means {
            db,
            blobs,
            courier,
            git,
            keyring,
            signer,
            settings,
            bell: Bell::default(),
            server: ServerId::fresh(),
            kept: keeper::Kept::default(),
            troubles: Troubles::default(),
            chores: Chores::default(),
            counted_blobs: stores::Counted::default(),
            recent_actors: RecentActors::default(),
            recent_fences: RecentFences::default(),
            recent_site_settings: site_settings::Recent::default(),
            requests: Requests::default(),
            installation_tokens: vcs_connections::InstallationTokens::default(),
            provider_limits: vcs_connections::Limits::default(),
            clock: Clock::default(),
            embedded_agent: crypto::Token::mint(),
        }))
    }

    pub fn now(&self) -> Timestamp {
        match self.0.clock.stopped_at.load(Ordering::Relaxed) {
            #[expect(clippy::disallowed_methods, reason = "this is the clock of the house")]
            0 => Timestamp(chrono::Utc::now().timestamp_millis()),
            stopped => Timestamp(stopped),
        }
    }

    /// Stops the clock, or moves the stopped clock, for tests.
    pub fn stop_clock(&self, at: Timestamp) {
        self.0.clock.stopped_at.store(at.0, Ordering::Relaxed);
    }

    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub fn blobs(&self) -> &Blobs {
        &self.0.blobs
    }

    /// The way to recipients outside.
    pub(crate) fn courier(&self) -> &Courier {
        &self.0.courier
    }

    /// Fetches repositories.
    pub(crate) fn git(&self) -> &Git {
        &self.0.git
    }

    /// Rings whenever something was committed.
    pub fn bell(&self) -> &Bell {
        &self.0.bell
    }

    /// This server, among those that work on the same database.
    pub fn server(&self) -> &ServerId {
        &self.0.server
    }

    pub(crate) fn kept(&self) -> &keeper::Kept {
        &self.0.kept
    }

    /// What goes wrong in the background.
    pub fn troubles(&self) -> &Troubles {
        &self.0.troubles
    }

    /// What is done in the background, and when.
    pub fn chores(&self) -> &Chores {
        &self.0.chores
    }

    pub(crate) fn counted_blobs(&self) -> &stores::Counted {
        &self.0.counted_blobs
    }

    /// The token that the agent inside this process shows; it lives as long as the process.
    pub fn embedded_agent_token(&self) -> &crypto::Token {
        &self.0.embedded_agent
    }

    /// An absolute address on this server.
    pub fn url(&self, path: impl std::fmt::Display) -> String {
        format!("{}{path}", self.0.settings.public_url)
    }

    /// How the connections to the database are used at this moment.
    pub fn database_pools(&self) -> [db::PoolFigures; 2] {
        self.0.db.pools()
    }

    pub(crate) fn recent_actors(&self) -> &RecentActors {
        &self.0.recent_actors
    }

    pub(crate) fn recent_fences(&self) -> &RecentFences {
        &self.0.recent_fences
    }

    pub(crate) fn recent_site_settings(&self) -> &site_settings::Recent {
        &self.0.recent_site_settings
    }

    pub(crate) fn provider_limits(&self) -> &vcs_connections::Limits {
        &self.0.provider_limits
    }

    pub(crate) fn installation_tokens(&self) -> &vcs_connections::InstallationTokens {
        &self.0.installation_tokens
    }

    pub(crate) fn requests(&self) -> &Requests {
        &self.0.requests
    }

    pub(crate) fn db(&self) -> &Db {
        &self.0.db
    }

    pub(crate) fn keyring(&self) -> &Keyring {
        &self.0.keyring
    }

    pub(crate) fn signer(&self) -> &Signer {
        &self.0.signer
    }

    /// For work that nobody asked for; `reason` names it in the events.
    pub fn system(&self, reason: &'static str) -> Ctx {
        Ctx::new(self.clone(), Actor::System(reason))
    }

    /// For requests without a token.
    pub fn anyone(&self) -> Ctx {
        Ctx::new(self.clone(), Actor::Anyone)
    }

    /// The same for one that comes from there.
    pub fn anyone_from(&self, origin: Origin) -> Ctx {
        self.anyone().coming_from(origin)
    }

    /// Ends all connections to the database.
    pub async fn close(&self) {
        self.0.db.clone().close().await;
    }
}
