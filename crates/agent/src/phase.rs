//! What plan and apply have in common: preparing the job directory, running, reporting the end.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::{Either, ready, select};
use protocol::{Artifact, Counts, Job, Outcome, Phase, PhaseResult};

use crate::agent::Agent;
use crate::disk::{Reserve, has_room};
use crate::engines::title;
use crate::fetch::Fetch;
use crate::identity::{self, Identity};
use crate::init::Init;
use crate::log::Log;
use crate::mask::Mask;
use crate::meter::Meter;
use crate::output::Summary;
use crate::plugins::Plugins;
use crate::process::Engine;
use crate::schemas::Made;
use crate::secrets::Secrets;
use crate::server::insist;
use crate::session::{Session, Stop};
use crate::steps::Step;
use crate::workplace::{Manifest, Site, Workplace, write_private};
use crate::{
    apply, assessment, backend, cli_config, environment, git, plan, reach, roots, variables,
};

/// How long a finished phase waits for the server to take its log and its outcome.
pub(crate) const PATIENCE: Duration = Duration::from_mins(10);
/// How long documents about what an engine has made may take.
const AFTERWORK: Duration = Duration::from_mins(10);

/// Everything a phase needs once its engine is initialized.
#[derive(Clone)]
pub(crate) struct Prepared {
    pub engine: Engine,
    pub site: Site,
    /// Files of Terraform variables.
    pub tfvars: Vec<PathBuf>,
    /// What `init` has made, where somebody vouches for it.
    pub made: Option<Made>,
    pub init: Init,
}

impl Prepared {
    /// As arguments.
    pub fn var_files(&self) -> impl Iterator<Item = String> {
        self.tfvars.iter().map(|path| variables::argument(&self.engine.cwd, path))
    }
}

/// Why a phase ended before its engine could speak for itself.
pub(crate) enum Failure {
    Stopped(Stop),
    Broken(String),
}

impl From<Stop> for Failure {
    fn from(stop: Stop) -> Self {
        Self::Stopped(stop)
    }
}

/// A phase that is over, its outcome not yet reported.
pub(crate) struct Done {
    pub outcome: Outcome,
    /// Documents that can be made after the outcome.
    pub afterwork: Option<Prepared>,
    /// False if the job directory holds the only copy of something.
    pub removable: bool,
}

impl Done {
    pub fn failed(result: PhaseResult, message: impl Into<String>) -> Self {
        let outcome = Outcome {
            result,
            message: Some(message.into()),
            has_changes: false,
            counts: Counts::default(),
            generated_configuration: false,
            state_pending: false,
            peaks: None,
            layers: None,
            findings: None,
        };
        Self { outcome, afterwork: None, removable: true }
    }
}

/// One phase at work.
pub(crate) struct Work<'a> {
    pub agent: &'a Agent,
    pub session: &'a Session,
    pub place: &'a Workplace,
    pub log: &'a Log,
    pub reserve: &'a Reserve<'a>,
    pub meter: &'a Arc<Meter>,
}

/// Executes a claimed job to its end and reports it; errors are logged, never returned.
pub(crate) async fn execute(agent: Arc<Agent>, job: Job, plugins: Arc<Plugins>) {
    let (job_id, run_id) = (job.id.clone(), job.run_id.clone());
    tracing::info!(job = job_id, run = run_id, phase = ?job.phase, "executing {run_id}");
    let grace = agent.config.grace;
    let session = Session::new(job, agent.server.clone(), agent.shutdown.clone(), grace);
    let work_dir = &agent.config.work_dir;
    let place = has_room(work_dir, agent.config.min_free_disk).and_then(|()| {
        Workplace::create(work_dir, &session.job)
            .map_err(|error| format!("The agent cannot create a job directory: {error}."))
    });
    let place = match place {
        Ok(place) => place,
        Err(message) => {
            match insist(PATIENCE, || session.server.start(&session.job.id)).await {
                Ok(()) => refuse(&session, message).await,
                Err(error) => tracing::warn!(job = job_id, run = run_id, %error, "{message}"),
            }
            return;
        }
    };
    // The successor of a killed agent ends what it finds a directory of, so that comes first.
    let start = insist(PATIENCE, || session.server.start(&session.job.id));
    let fetch = Fetch { agent: &agent, session: &session, place: &place };
    let (started, fetched) = beside(Box::pin(start), Box::pin(fetch.everything())).await;
    if let Err(error) = started {
        tracing::warn!(job = job_id, run = run_id, %error, "the phase could not be started");
        place.remove();
        return;
    }
    let removable = Box::pin(executed_in(&agent, &session, &place, &plugins, fetched)).await;
    if removable {
        let place = place.clone();
        if let Err(error) = tokio::task::spawn_blocking(move || place.remove()).await {
            tracing::warn!(job = job_id, %error, "the job directory may be left");
        }
    } else {
        place.forget_secrets();
    }
    tracing::info!(job = job_id, run = run_id, took = %session.steps, "done with {run_id}");
}

/// Waits for the first; the second makes its way meanwhile, and goes on wherever it is awaited.
async fn beside<A, B>(
    first: impl Future<Output = A> + Unpin,
    second: impl Future<Output = B> + Unpin,
) -> (A, impl Future<Output = B>) {
    match select(first, second).await {
        Either::Left((first, second)) => (first, Either::Left(second)),
        Either::Right((second, first)) => (first.await, Either::Right(ready(second))),
    }
}

async fn executed_in(
    agent: &Agent,
    session: &Session,
    place: &Workplace,
    plugins: &Plugins,
    fetched: impl Future<Output = Result<PathBuf, String>> + Send,
) -> bool {
    let job = &session.job;
    let identity = Box::pin(Identity::of(job, &agent.config.work_dir)).await;
    let own = identity.as_ref().map(|it| it.secrets.clone()).unwrap_or_default();
    let (log, mask) = match open_log(agent, session, place, own) {
        Ok(open) => open,
        Err(error) => {
            refuse(session, format!("The agent cannot write a log: {error}.")).await;
            return true;
        }
    };
    let reserve = Reserve::of(place, agent.config.min_free_disk);
    let meter = Meter::new(session, place, agent.config.budget, agent.groups.as_ref());
    let meter = Arc::new(meter);
    let work = Work { agent, session, place, log: &log, reserve: &reserve, meter: &meter };
    let executed = async {
        let prepared = Box::pin(work.prepare(plugins, fetched, identity)).await?;
        let init = prepared.init.clone();
        let done = match job.phase {
            Phase::Plan => plan::run(&work, prepared).await,
            Phase::Assessment => assessment::run(&work, prepared).await,
            Phase::Apply => apply::run(&work, prepared).await,
        };
        if done.as_ref().is_ok_and(|done| done.outcome.result == PhaseResult::Errored) {
            work.doubt_init(&init).await;
        }
        done
    };
    let done = tokio::select! {
        done = Box::pin(executed) => done,
        () = reserve.watch(session, &log) => unreachable!("the watch has no end"),
        () = meter.watch(session) => unreachable!("the watch has no end"),
    };
    let mut done = done.unwrap_or_else(|failure| work.failed(failure));
    if done.outcome.result == PhaseResult::Errored
        && let Some(why) = meter.verdict(session, &place.log())
    {
        log.say(&format!("Error: {why}"));
        let before = done.outcome.message.map(|message| message + " ").unwrap_or_default();
        done.outcome.message = Some(before + &why);
    }
    let peaks = meter.peaks();
    done.outcome.peaks = Some(peaks);
    done.outcome.layers = Some(layers(agent, &meter));
    tracing::info!(job = job.id, run = job.run_id, ?peaks, "peaks of {}", job.run_id);
    // It may repeat what the engine said.
    done.outcome.message = done.outcome.message.map(|message| mask.text(&message));
    if let Some(findings) = &mut done.outcome.findings {
        assessment::hide(findings, &mask);
    }
    let (run, removable) = (&job.run_id, done.removable);
    if removable {
        work.settled(&done.outcome);
    }
    let taken = end_log(session, log, &done).await;
    if taken && let Some(prepared) = &done.afterwork {
        bring_documents(agent, session, place, prepared).await;
    }
    let shown = identity::folder(&agent.config.work_dir, run);
    if let Err(error) = identity::remove(&shown) {
        tracing::warn!(job = job.id, run, %error, "what the run has shown of itself may be left");
    }
    finish(session).await;
    removable
}

/// Makes what shows the plan or the state of a phase, and brings it to the server; says whether it is there.
pub(crate) async fn bring_documents(
    agent: &Agent,
    session: &Session,
    place: &Workplace,
    prepared: &Prepared,
) -> bool {
    session.begin(Step::Documents);
    let job = &session.job;
    let documents = async {
        match job.phase {
            Phase::Plan => plan::documents(agent, session, place, prepared).await,
            // It has sent them before its end.
            Phase::Assessment => Ok(()),
            Phase::Apply => apply::documents(agent, session, place, prepared).await,
        }
    };
    let documents = tokio::time::timeout(AFTERWORK, documents);
    let run = &job.run_id;
    match session.unless_stopped(Box::pin(documents)).await {
        Ok(Ok(Ok(()))) => return true,
        Ok(Ok(Err(error))) => tracing::warn!(job = job.id, run, error, "no documents"),
        Ok(Err(_)) => tracing::warn!(job = job.id, run, "the documents took too long"),
        Err(stop) => tracing::info!(job = job.id, run, ?stop, "no documents"),
    }
    false
}

/// What keeps the engine of a phase apart, in words that the documentation explains.
fn layers(agent: &Agent, meter: &Meter) -> Vec<String> {
    let groups = meter.is_kept().then_some("control-groups");
    agent.layers.words().into_iter().chain(groups).map(str::to_owned).collect()
}

/// The log, and what it and the outcome must not show, which a successor finds too.
fn open_log(
    agent: &Agent,
    session: &Session,
    place: &Workplace,
    own: BTreeSet<String>,
) -> anyhow::Result<(Log, Mask)> {
    let job = &session.job;
    let mut secrets = Secrets::of(job, agent.config.cli_config_file.as_deref());
    secrets.0.extend(own);
    secrets.keep(place)?;
    let mask = Mask::new(&secrets)?;
    let log = Log::open(session, &place.log(), title(job.engine.kind), &mask)?;
    place.hold_log()?;
    Ok((log, mask))
}

/// Ends a phase that cannot begin, and says why; nothing of it touches the disk.
async fn refuse(session: &Session, message: String) {
    let job = &session.job;
    tracing::error!(job = job.id, run = job.run_id, "{message}");
    let done = Done::failed(PhaseResult::Errored, message.clone());
    match Log::in_memory(session, title(job.engine.kind)) {
        Ok(log) => {
            log.say(&format!("Error: {message}"));
            end_log(session, log, &done).await;
        }
        Err(error) => {
            tracing::warn!(job = job.id, run = job.run_id, %error, "no log");
            report(session, &done).await;
        }
    }
    finish(session).await;
}

/// Sends what is left of the log, and then the outcome; false if nobody wants that any more.
async fn end_log(session: &Session, log: Log, done: &Done) -> bool {
    session.begin(Step::Log);
    if let Err(error) = session.notice(log.close(PATIENCE).await) {
        let job = &session.job;
        tracing::warn!(job = job.id, run = job.run_id, %error, "the log is not complete on the server");
    }
    session.begin(Step::Outcome);
    report(session, done).await
}

async fn finish(session: &Session) {
    session.begin(Step::Finish);
    if session.stop() == Stop::Gone {
        return;
    }
    let job = &session.job;
    let finished = insist(PATIENCE / 10, || session.server.finish(&job.id)).await;
    if let Err(error) = session.notice(finished) {
        tracing::warn!(job = job.id, run = job.run_id, %error, "the job was not finished");
    }
}

/// Sends the outcome; false if nobody wants it any more.
async fn report(session: &Session, done: &Done) -> bool {
    let sent = insist(PATIENCE, || session.server.outcome(&session.job.id, &done.outcome)).await;
    match session.notice(sent) {
        Ok(()) => true,
        Err(error) => {
            let job = &session.job;
            tracing::warn!(job = job.id, run = job.run_id, %error, "the outcome was not taken");
            false
        }
    }
}

impl Work<'_> {
    /// Settles what was fetched, and initializes the engine.
    async fn prepare(
        &self,
        plugins: &Plugins,
        fetched: impl Future<Output = Result<PathBuf, String>>,
        identity: Result<Identity, String>,
    ) -> Result<Prepared, Failure> {
        let job = &self.session.job;
        for name in [&job.organization, &job.workspace] {
            if !is_plain(name) {
                return Err(Failure::Broken(format!("“{name}” cannot be used in a path.")));
            }
        }
        let broken = |what: String| Failure::Broken(what);
        let binary = self.session.unless_stopped(fetched).await?.map_err(broken)?;
        self.session.begin(Step::Settle);
        let site = self.place.settle(job).map_err(broken)?;
        let cache = plugins.of(job).map_err(|error| broken(error.to_string()))?;
        let tfvars = self.write_tfvars()?;
        self.write_credentials().await?;
        let identity =
            identity.map_err(|why| broken(format!("The run cannot show who it is: {why}.")))?;
        identity
            .write()
            .map_err(|error| broken(format!("No file of the run's identity: {error}.")))?;
        for name in &identity.unknown {
            self.log.say(&format!("The environment variable {name} does nothing on this server."));
        }
        let agent = self.agent;
        let (env, left_out) =
            environment::build(job, self.place, &cache.to_string_lossy(), &identity.env)
                .map_err(broken)?;
        for name in left_out {
            self.log.say(&format!(
                "The environment variable {name} is left out: the server decides about it."
            ));
        }
        let mut reach = reach::of_a_run(&agent.reach, self.place, &binary, &cache);
        reach.readable.extend(identity.folder().map(Path::to_owned));
        let (launcher, layers) = (agent.launcher.clone(), agent.layers);
        let meter = self.meter.clone();
        let engine = Engine { launcher, binary, cwd: site.cwd.clone(), env, layers, reach, meter };
        let mut prepared = Prepared { engine, site, tfvars, made: None, init: Init::NotKept };
        self.session.begin(Step::Init);
        prepared.init = self.initialize(&prepared, &cache).await?;
        reach::without_cache(&mut prepared.engine.reach, &cache);
        backend::check(self.place, &prepared.site.cwd).await.map_err(broken)?;
        self.keep_init(&prepared.init).await;
        prepared.made = Made::note(&prepared.site.cwd, &cache).unwrap_or_default();
        self.session.begin(Step::Engine);
        Ok(prepared)
    }

    fn write_tfvars(&self) -> Result<Vec<PathBuf>, Failure> {
        let files = variables::tfvars(&self.session.job.variables);
        for key in files.impossible {
            self.log.say(&format!("The variable “{key}” is left out: it is no valid name."));
        }
        if let Some((key, why)) = files.unruly {
            let why =
                format!("The value of the variable “{key}” is not one HCL expression: {why}.");
            return Err(Failure::Broken(why));
        }
        let mut paths = Vec::new();
        for (path, text) in
            [(self.place.tfvars(), files.open), (self.place.sensitive_tfvars(), files.sensitive)]
        {
            if !text.is_empty() {
                write_private(&path, text.as_bytes())
                    .map_err(|error| Failure::Broken(format!("No variables file: {error}.")))?;
                paths.push(path);
            }
        }
        Ok(paths)
    }

    /// What lets the engine in at the server and at Git.
    async fn write_credentials(&self) -> Result<(), Failure> {
        let broken = |error: String| Failure::Broken(format!("No CLI configuration: {error}."));
        let job = &self.session.job;
        let operator = match &self.agent.config.cli_config_file {
            Some(path) => {
                tokio::fs::read_to_string(path).await.map_err(|e| broken(e.to_string()))?
            }
            None => String::new(),
        };
        let text = cli_config::text(&operator, job.access.as_ref()).map_err(broken)?;
        write_private(&self.place.cli_config(), text.as_bytes())
            .map_err(|error| broken(error.to_string()))?;
        if let Some(ca) = &self.agent.config.ca_file {
            roots::write(ca, &self.place.roots())
                .map_err(|error| Failure::Broken(format!("No trusted roots: {error}.")))?;
        }
        if let Some(key) = &job.ssh_key {
            write_private(&self.place.ssh_key(), git::key_file(&key.0).as_bytes())
                .map_err(|error| Failure::Broken(format!("No SSH key: {error}.")))?;
        }
        Ok(())
    }

    /// What a successor must know if we are killed from here on.
    pub fn manifest(&self, site: Option<&Site>) -> Manifest {
        let state = site.map(|site| self.place.relative(&site.state));
        let begins = site.and_then(|site| site.begins.clone());
        Manifest { state, begins, ..Manifest::of(&self.session.job) }
    }

    /// From here on a successor has nothing to save, only to report what we did not.
    fn settled(&self, outcome: &Outcome) {
        let manifest = Manifest { ended: Some(outcome.clone()), ..self.manifest(None) };
        if let Err(error) = self.place.write_manifest(&manifest) {
            tracing::warn!(job = self.session.job.id, %error, "the end of the phase is not noted");
        }
    }

    /// The end of a phase that did not get to its engine, said in the log too.
    fn failed(&self, failure: Failure) -> Done {
        match failure {
            Failure::Stopped(stop) => {
                let (result, message) = stopped(stop);
                Done::failed(result, message)
            }
            Failure::Broken(message) => {
                self.log.say(&format!("Error: {message}"));
                Done::failed(PhaseResult::Errored, message)
            }
        }
    }

    /// Uploads what the engine left in a file.
    pub async fn upload(&self, artifact: Artifact, bytes: Bytes) -> Result<(), String> {
        let (server, job) = (&self.session.server, &self.session.job.id);
        insist(PATIENCE / 10, || server.put_artifact(job, artifact, bytes.clone()))
            .await
            .map_err(|error| format!("The {} could not be stored: {error}.", artifact.as_str()))
    }
}

/// How a stopped phase counts, and why.
pub(crate) fn stopped(stop: Stop) -> (PhaseResult, &'static str) {
    match stop {
        Stop::Memory => (PhaseResult::Errored, "The run used more memory than it may."),
        Stop::Processes => (PhaseResult::Errored, "The run had more processes than it may."),
        Stop::Space => (PhaseResult::Errored, "The run used more disk than it may."),
        Stop::Disk => {
            (PhaseResult::Errored, "The agent's disk is nearly full: the phase was interrupted.")
        }
        Stop::Canceled => (PhaseResult::Canceled, "The run was canceled."),
        Stop::Killed => (PhaseResult::Canceled, "The run was force-canceled."),
        Stop::Timeout => (PhaseResult::Errored, "The phase took longer than allowed."),
        Stop::Gone => (PhaseResult::Errored, "The job was taken from its agent."),
        Stop::No | Stop::Shutdown => (PhaseResult::Errored, "The agent was shut down."),
    }
}

/// What went wrong, as far as the engine says.
pub(crate) fn sentence(
    command: &str,
    status: std::process::ExitStatus,
    summary: &Summary,
) -> String {
    match &summary.first_error {
        Some(error) => format!("The engine's “{command}” failed: {error}"),
        None => format!("The engine's “{command}” failed: {status}."),
    }
}

/// Whether a name can be a folder's.
pub(crate) fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}
