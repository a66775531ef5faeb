//! The plan of a run: options in, plan file and documents out.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use protocol::{Artifact, Job, Outcome, PhaseResult, PlanOptions};

use crate::agent::Agent;
use crate::mask::Mask;
use crate::output::Summary;
use crate::phase::{Done, Failure, PATIENCE, Prepared, Work, bring_documents, sentence, stopped};
use crate::process::Manners;
use crate::redaction::redacted_plan;
use crate::schemas;
use crate::secrets::Secrets;
use crate::server::insist;
use crate::session::{Session, Stop};
use crate::steps::Step;
use crate::untrusted;
use crate::workplace::{LOCK_FILE, Workplace};

fn plan_file(place: &Workplace) -> PathBuf {
    place.site().join("run.tfplan")
}

fn generated_file(place: &Workplace) -> PathBuf {
    place.site().join("generated.tf")
}

/// Runs `plan` and brings to the server what the apply will need.
pub(crate) async fn run(work: &Work<'_>, prepared: Prepared) -> Result<Done, Failure> {
    let (job, place, config) = (&work.session.job, work.place, &work.agent.config);
    let broken = |error: std::io::Error| Failure::Broken(format!("The plan broke off: {error}."));
    let start = work.log.length().map_err(broken)?;
    let output = work.log.file().map_err(broken)?;
    let errors = work.log.file().map_err(broken)?;
    let args = arguments(job, place, &prepared);
    let started = prepared.engine.start(config, args, Manners::BRIEF, output, errors).await;
    let running = started.map_err(broken)?;
    let ended = running.wait(work.session, |line| work.log.say(line)).await;
    let ended = ended.map_err(broken)?;
    if ended.stopped != Stop::No {
        return Err(Failure::Stopped(ended.stopped));
    }
    let summary = summary(place, start).await;
    let has_changes = match ended.status.code() {
        Some(0) => false,
        Some(2) => true,
        _ => {
            let message = sentence("plan", ended.status, &summary);
            return Ok(Done::failed(PhaseResult::Errored, message));
        }
    };
    if is_for_an_apply(&job.options, has_changes) {
        work.session.begin(Step::Keep);
        store_plan(work, &prepared).await.map_err(Failure::Broken)?;
    }
    let generated = untrusted::read_if_there(
        place.folder(),
        place.relative(&generated_file(place)),
        untrusted::SMALL,
    );
    let generated_configuration =
        job.options.generate_config && generated.await.is_ok_and(|file| file.is_some());
    let brought = job.options.documents_first
        && bring_documents(work.agent, work.session, place, &prepared).await;
    // Somebody who cancels at the last moment must not see the run going on.
    if matches!(work.session.stop(), Stop::Canceled | Stop::Killed) {
        let (result, message) = stopped(work.session.stop());
        return Ok(Done::failed(result, message));
    }
    let counts = summary.counts();
    let outcome = Outcome {
        result: PhaseResult::Finished,
        message: None,
        has_changes,
        counts,
        generated_configuration,
        state_pending: false,
        peaks: None,
        layers: None,
        findings: None,
    };
    // Unless it needs its documents, the run goes on while they are made; the server lets those who ask for them wait.
    Ok(Done { outcome, afterwork: (!brought).then_some(prepared), removable: true })
}

/// Whether the plan may ever be applied.
fn is_for_an_apply(options: &PlanOptions, has_changes: bool) -> bool {
    !options.plan_only && (has_changes || !options.ends_if_empty)
}

fn arguments(job: &Job, place: &Workplace, prepared: &Prepared) -> Vec<String> {
    let options = &job.options;
    let mut args = vec!["plan".to_owned(), "-input=false".into(), "-detailed-exitcode".into()];
    let mut flag = |wanted: bool, text: String| {
        if wanted {
            args.push(text);
        }
    };
    flag(true, format!("-out={}", plan_file(place).display()));
    flag(job.structured_output, "-json".into());
    flag(options.destroy, "-destroy".into());
    flag(options.refresh_only, "-refresh-only".into());
    // The engine refuses `-refresh=false` beside `-refresh-only`.
    flag(!options.refresh && !options.refresh_only, "-refresh=false".into());
    let generated = format!("-generate-config-out={}", generated_file(place).display());
    flag(options.generate_config, generated);
    prepared.var_files().for_each(|file| flag(true, file));
    for (name, addresses) in [
        ("target", &options.targets),
        ("replace", &options.replace),
        ("invoke", &options.invoke_actions),
    ] {
        for address in addresses {
            flag(true, format!("-{name}={address}"));
        }
    }
    args
}

pub(crate) async fn summary(place: &Workplace, start: u64) -> Summary {
    let log = place.log();
    let read = tokio::task::spawn_blocking(move || Summary::read(&log, start)).await;
    match read.map_err(std::io::Error::other).flatten() {
        Ok(summary) => summary,
        Err(error) => {
            tracing::warn!(%error, "the log cannot be read for its summary");
            Summary::default()
        }
    }
}

/// The plan file and the lock file, without which the plan could not be applied.
async fn store_plan(work: &Work<'_>, prepared: &Prepared) -> Result<(), String> {
    let place = work.place;
    let plan = async {
        let bytes =
            untrusted::read(place.folder(), place.relative(&plan_file(place)), untrusted::LARGE)
                .await
                .map_err(|error| format!("The plan file cannot be read: {error}."))?;
        work.upload(Artifact::PlanFile, bytes).await
    };
    let lock = async {
        let path = place.relative(&prepared.site.cwd.join(LOCK_FILE));
        let bytes = untrusted::read_if_there(place.folder(), path, untrusted::SMALL)
            .await
            .map_err(|error| format!("The lock file cannot be read: {error}."))?;
        match bytes {
            Some(bytes) => work.upload(Artifact::LockFile, bytes).await,
            None => Ok(()),
        }
    };
    tokio::try_join!(plan, lock).map(drop)
}

/// What an engine answered to a question.
pub(crate) async fn answer(place: &Workplace, path: &Path) -> Result<Bytes, String> {
    untrusted::read(place.folder(), place.relative(path), untrusted::LARGE)
        .await
        .map_err(|error| format!("the engine's answer cannot be read: {error}"))
}

/// The plan as JSON, in full and as command lines may see it, and the schemas that it is read with.
pub(crate) async fn documents(
    agent: &Agent,
    session: &Session,
    place: &Workplace,
    prepared: &Prepared,
) -> Result<(), String> {
    let plan = shown(agent, place, prepared, &plan_file(place)).await?;
    send(agent, session, place, prepared, plan).await
}

/// A plan file as JSON.
pub(crate) async fn shown(
    agent: &Agent,
    place: &Workplace,
    prepared: &Prepared,
    file: &Path,
) -> Result<Bytes, String> {
    let (engine, config) = (&prepared.engine, &agent.config);
    let (file, output) = (file.display().to_string(), place.root().join("plan.json"));
    let asked = engine.ask(config, &["show", "-json", "-no-color", &file], &output).await;
    let shown = asked.map_err(|error| error.to_string())?;
    if !shown.success() {
        return Err(format!("“show -json” failed: {shown}"));
    }
    answer(place, &output).await
}

/// Brings to the server what there is of a plan's JSON.
pub(crate) async fn send(
    agent: &Agent,
    session: &Session,
    place: &Workplace,
    prepared: &Prepared,
    plan: Bytes,
) -> Result<(), String> {
    let job = &session.job.id;
    let put = |artifact, bytes: Bytes| {
        insist(PATIENCE, move || session.server.put_artifact(job, artifact, bytes.clone()))
    };
    let full = put(Artifact::JsonPlan, plan.clone());
    let with_schemas = async {
        let whose = &session.job.organization;
        let schemas = schemas::of(agent, place, whose, prepared, &plan).await?;
        let (plan, copy) = (plan.clone(), schemas.clone());
        let secrets = Secrets::kept(place).map_err(|error| error.to_string())?;
        let mask = Mask::new(&secrets).map_err(|error| error.to_string())?;
        let document = tokio::task::spawn_blocking(move || redacted_plan(&plan, &copy, &mask))
            .await
            .map_err(|error| error.to_string())?
            .map_err(|error| format!("the plan cannot be redacted: {error}"))?;
        // Command lines wait for the first of them.
        let redacted = put(Artifact::JsonPlanRedacted, document.into()).await;
        session.notice(redacted).map_err(|error| error.to_string())?;
        let schemas = put(Artifact::ProviderSchemas, schemas).await;
        session.notice(schemas).map_err(|error| error.to_string())
    };
    let (full, with_schemas) = tokio::join!(full, with_schemas);
    session.notice(full).map_err(|error| error.to_string()).and(with_schemas)
}
