//! After a crash: what an earlier agent left in its job directories is brought to safety.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use protocol::{Outcome, Phase, PhaseResult};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::time::Instant;

use crate::log::Log;
use crate::plan::summary;
use crate::server::{Server, insist};
use crate::state::Keeping;
use crate::workplace::{Manifest, Workplace};

/// How long an orphaned engine may take to save its state: it was interrupted when its agent died.
const ORPHAN: Duration = Duration::from_mins(1);
/// How long its keeper may take to kill it, before both are killed.
const KEEPER: Duration = Duration::from_secs(5);
/// How long a server that does not answer is asked to take the state before it is put aside.
const PATIENCE: Duration = Duration::from_mins(10);

/// Goes through all leftover job directories; each is removed once nothing in it is needed.
pub(crate) async fn recover(work_dir: &Path, server: &Arc<Server>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(Workplace::all(work_dir))? {
        let place = Workplace::found(entry?.path().canonicalize()?);
        let path = place.root().display().to_string();
        // Without a manifest no apply has begun in it.
        let safe = match place.manifest() {
            Ok(manifest) if manifest.phase == Phase::Apply => {
                recover_apply(&place, &manifest, server).await
            }
            Ok(Manifest { engine: Some(engine), .. }) => {
                outlive(&place, engine, Duration::ZERO).await;
                true
            }
            _ => true,
        };
        if safe {
            tracing::info!(path, "removing a job directory that an earlier agent left");
            place.remove();
        } else {
            place.forget_secrets();
        }
    }
    Ok(())
}

/// Ends an apply that nobody will go on with: state, log, outcome, in this order as always.
async fn recover_apply(place: &Workplace, manifest: &Manifest, server: &Arc<Server>) -> bool {
    let (job, run) = (&manifest.job_id, &manifest.run_id);
    tracing::warn!(run, "an earlier agent was lost during the apply of {run}");
    if let Some(engine) = manifest.engine {
        outlive(place, engine, ORPHAN).await;
    }
    let summary = summary(place, 0).await;
    // The engine says this once, when all of the plan is done: only our report was missing.
    let mut complete = summary.total.is_some();
    let mut message = match manifest.state {
        Some(_) => "The agent was lost during the apply.".to_owned(),
        None => "The agent was lost before the apply began; nothing was changed.".to_owned(),
    };
    let mut safe = true;
    if let Some(state) = &manifest.state {
        let ids = (job.as_str(), run.as_str());
        let (state, begins) = (place.root().join(state), manifest.begins.clone());
        let mut keeping = Keeping::new(server.clone(), ids, place, state, begins);
        keeping.patience = PATIENCE;
        match keeping
            .save(summary.is_change() || (complete && manifest.has_changes), complete)
            .await
        {
            Ok(()) => message += " The state that the engine left is saved.",
            Err(unsaved) => {
                tracing::error!(run, "{}", unsaved.message);
                message = format!("{message} {}", unsaved.message);
                safe = unsaved.copied;
                complete = false;
            }
        }
    }
    // The server may have ended the run without us; then it wants neither log nor outcome.
    match Log::resume(
        server.clone(),
        job,
        &place.log(),
        manifest.log_offset,
        manifest.sensitive.clone(),
    ) {
        Ok(log) => {
            log.say(&if complete { message.clone() } else { format!("Error: {message}") });
            if let Err(error) = log.close(PATIENCE).await {
                tracing::warn!(run, %error, "the log is not complete on the server");
            }
        }
        Err(error) => tracing::warn!(run, %error, "the log is lost"),
    }
    let outcome = Outcome {
        result: if complete { PhaseResult::Finished } else { PhaseResult::Errored },
        message: (!complete).then_some(message),
        has_changes: false,
        counts: summary.counts(),
        generated_configuration: false,
    };
    let ended = async {
        insist(PATIENCE, || server.outcome(job, &outcome)).await?;
        insist(PATIENCE, || server.finish(job)).await
    };
    match ended.await {
        Ok(()) => tracing::info!(run, "the apply of {run} is ended"),
        Err(error) => tracing::warn!(run, %error, "the apply of {run} was not ended by us"),
    }
    safe
}

/// Waits for the end of an engine that has lost its agent, then makes sure of it.
async fn outlive(place: &Workplace, engine: u32, grace: Duration) {
    let Some(pid) = i32::try_from(engine).ok().and_then(Pid::from_raw) else { return };
    let end = Instant::now() + grace;
    while works_in(engine, place.root()) {
        if Instant::now() >= end {
            tracing::warn!(engine, "killing an engine that does not end");
            sandbox::kill(pid);
        }
        if Instant::now() >= end + KEEPER {
            let _ = kill_process_group(pid, Signal::KILL);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Whether this is still the process that we know and not another with the same number.
fn works_in(process: u32, root: &Path) -> bool {
    let cwd: PathBuf = format!("/proc/{process}/cwd").into();
    std::fs::read_link(cwd).is_ok_and(|cwd| cwd.starts_with(root))
}
