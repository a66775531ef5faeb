//! After a crash: what an earlier agent left in its job directories is brought to safety.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use protocol::{Outcome, Phase, PhaseResult};
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::Instant;

use crate::disk::{self, Reserve};
use crate::identity;
use crate::log::{Hidden, Log};
use crate::mask::Mask;
use crate::plan::summary;
use crate::secrets::Secrets;
use crate::server::{Server, insist};
use crate::state::{End, Keeping};
use crate::undelivered::Undelivered;
use crate::workplace::{Manifest, Workplace};

/// How long an orphaned engine may take to save its state: it was interrupted when its agent died.
const ORPHAN: Duration = Duration::from_mins(1);
/// How long keepers may take to kill what they keep, before they are killed with it.
const KEEPER: Duration = Duration::from_secs(5);
/// How long a server that does not answer is asked to take the state before it is put aside.
const PATIENCE: Duration = Duration::from_mins(10);

/// Goes through all leftover job directories; each is removed once nothing in it is needed.
pub(crate) async fn recover(
    work_dir: &Path,
    server: &Arc<Server>,
    undelivered: &Arc<Undelivered>,
    min_free_disk: u64,
) -> std::io::Result<()> {
    for entry in std::fs::read_dir(Workplace::all(work_dir))? {
        let path = entry?.path();
        // One of which nothing can be said keeps none of the others.
        let place = match path.canonicalize().and_then(Workplace::found) {
            Ok(place) => place,
            Err(error) => {
                tracing::error!(path = %path.display(), %error, "a job directory cannot be opened, and is left");
                continue;
            }
        };
        let path = place.root().display().to_string();
        // What was laid aside for the state is for this moment.
        disk::release(&place);
        let manifest = place.manifest();
        let is_saving = manifest.as_ref().is_ok_and(Manifest::has_something_to_save);
        outlive(place.root(), if is_saving { ORPHAN } else { Duration::ZERO }).await;
        let safe = match manifest {
            Ok(manifest) if manifest.phase == Phase::Apply => {
                let reserve = Reserve::of(&place, min_free_disk);
                recover_apply(&place, &manifest, server, undelivered, &reserve).await
            }
            Ok(_) => true,
            // Without one no apply has begun in it, unless it was damaged since.
            Err(_) if !place.has_states() => true,
            Err(error) => {
                tracing::error!(
                    path,
                    %error,
                    "nobody knows whose states are in this job directory: it is kept, and what made them is perhaps in \
                     no other state"
                );
                false
            }
        };
        if safe {
            tracing::info!(path, "removing a job directory that an earlier agent left");
            place.remove();
        } else {
            place.forget_secrets();
        }
    }
    // All that was started has ended.
    identity::remove_all(work_dir)
}

/// Ends an apply that nobody will go on with: state, log, outcome, in this order as always.
async fn recover_apply(
    place: &Workplace,
    manifest: &Manifest,
    server: &Arc<Server>,
    undelivered: &Arc<Undelivered>,
    reserve: &Reserve<'_>,
) -> bool {
    let (job, run) = (&manifest.job_id, &manifest.run_id);
    tracing::warn!(run, "an earlier agent was lost during the apply of {run}");
    let found = match &manifest.ended {
        Some(outcome) => Found { outcome: outcome.clone(), line: None, safe: true },
        None => take_up(place, manifest, server, undelivered, reserve).await,
    };
    // The server may have ended the run without us; then it wants neither log nor outcome.
    match resumed(place, manifest, server) {
        Ok(log) => {
            if let Some(line) = &found.line {
                log.say(line);
            }
            if let Err(error) = log.close(PATIENCE).await {
                tracing::warn!(run, %error, "the log is not complete on the server");
            }
        }
        Err(error) => tracing::warn!(run, %error, "the log is lost"),
    }
    let ended = async {
        insist(PATIENCE, || server.outcome(job, &found.outcome)).await?;
        insist(PATIENCE, || server.finish(job)).await
    };
    match ended.await {
        Ok(()) => tracing::info!(run, "the apply of {run} is ended"),
        Err(error) => tracing::warn!(run, %error, "the apply of {run} was not ended by us"),
    }
    found.safe
}

/// Fails without the secrets that it must not show.
fn resumed(place: &Workplace, manifest: &Manifest, server: &Arc<Server>) -> anyhow::Result<Log> {
    let mask = Mask::new(&Secrets::kept(place)?)?;
    let hidden = Hidden { sensitive: manifest.sensitive.clone(), mask };
    let (job, base) = (&manifest.job_id, manifest.log_offset);
    Ok(Log::resume(server.clone(), job, &place.log(), base, hidden)?)
}

/// What is to be said of an apply, and whether its directory may go.
struct Found {
    outcome: Outcome,
    line: Option<String>,
    safe: bool,
}

/// Brings the state of an apply whose end nobody saw to the server.
async fn take_up(
    place: &Workplace,
    manifest: &Manifest,
    server: &Arc<Server>,
    undelivered: &Arc<Undelivered>,
    reserve: &Reserve<'_>,
) -> Found {
    let (job, run) = (&manifest.job_id, &manifest.run_id);
    let summary = summary(place, 0).await;
    // The engine says this once, when all of the plan is done: only our report was missing.
    let mut complete = summary.total.is_some();
    let mut message = match manifest.state {
        Some(_) => "The agent was lost during the apply.".to_owned(),
        None => "The agent was lost before the apply began; nothing was changed.".to_owned(),
    };
    let (mut safe, mut state_pending) = (true, false);
    if let Some(state) = &manifest.state {
        let ids = (job.as_str(), run.as_str());
        let (state, begins) = (place.root().join(state), manifest.begins.clone());
        let mut keeping =
            Keeping::new(server.clone(), ids, place, state.clone(), begins, undelivered, PATIENCE);
        if reserve.is_short(keeping.size()) && keeping.has_left(complete).await {
            place.prune(&state);
        }
        // Nobody knows how what was begun ended, unless a state says so.
        let changed = summary.changed(summary.has_begun || (complete && manifest.has_changes));
        let (reported, is_plain) = (&summary.reported, manifest.is_plain);
        // Nobody has watched who else wrote.
        let end = End { changed, reported, done: complete, is_plain, are_others: false };
        match keeping.save(end).await {
            Ok(()) => message += " The state that the engine left is saved.",
            Err(unsaved) => {
                tracing::error!(run, "{}", unsaved.message);
                message = format!("{message} {}", unsaved.message);
                safe = unsaved.copied;
                state_pending = unsaved.pending;
                complete = false;
            }
        }
    }
    let line = if complete { message.clone() } else { format!("Error: {message}") };
    let outcome = Outcome {
        result: if complete { PhaseResult::Finished } else { PhaseResult::Errored },
        message: (!complete).then_some(message),
        has_changes: false,
        counts: summary.counts(),
        generated_configuration: false,
        state_pending,
        peaks: None,
        layers: None,
        findings: None,
    };
    Found { outcome, line: Some(line), safe }
}

/// Waits for the end of all that works in a directory and has lost its agent, then makes sure of it.
///
/// Keepers are found by where they work and not by what was written down: whatever was started
/// counts, by whatever step of the phase. What they keep ends with them.
async fn outlive(root: &Path, grace: Duration) {
    let end = Instant::now() + grace;
    loop {
        let left = keepers_in(root);
        if left.is_empty() {
            return;
        }
        if Instant::now() >= end {
            tracing::warn!(count = left.len(), "killing an engine that does not end");
            for pid in &left {
                sandbox::kill(*pid);
            }
        }
        if Instant::now() >= end + KEEPER {
            for pid in left {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

pub(crate) fn keepers_in(root: &Path) -> Vec<Pid> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    let keepers = processes.filter(|process| {
        let (cwd, words) = (process.path().join("cwd"), process.path().join("cmdline"));
        std::fs::read_link(cwd).is_ok_and(|cwd| cwd.starts_with(root))
            && std::fs::read(words).is_ok_and(|words| is_keeper(&words))
    });
    keepers.filter_map(|it| Pid::from_raw(it.file_name().to_str()?.parse().ok()?)).collect()
}

/// Not an operator who looks at what was left.
fn is_keeper(words: &[u8]) -> bool {
    words.split(|byte| *byte == 0).any(|word| word == b"engine-exec")
}
