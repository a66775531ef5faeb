//! The apply of a run: it executes a saved plan once and never loses the state it makes.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use memchr::memmem;
use protocol::{Artifact, Engine as Wanted, EngineKind, Outcome, PhaseResult};
use semver::Version;

use crate::agent::Agent;
use crate::disk;
use crate::phase::{Done, Failure, Prepared, Work, sentence, stopped};
use crate::plan::{answer, summary};
use crate::process::Manners;
use crate::server::insist;
use crate::session::{Session, Stop};
use crate::state::{End, Keeping};
use crate::state_file::StateFile;
use crate::steps::Step;
use crate::untrusted;
use crate::workplace::Workplace;
use crate::writers::Writers;

/// Runs `apply`; whatever happens, the state is with the server or kept before this returns.
pub(crate) async fn run(work: &Work<'_>, prepared: Prepared) -> Result<Done, Failure> {
    let (job, place, config) = (&work.session.job, work.place, &work.agent.config);
    let broken = |error: std::io::Error| Failure::Broken(format!("The apply broke off: {error}."));
    if !place.fetched_plan().is_file() {
        return Err(Failure::Broken("The server named no saved plan to apply.".into()));
    }
    let site = &prepared.site;
    let ids = (job.id.as_str(), job.run_id.as_str());
    let server = work.session.server.clone();
    let mut state = Keeping::new(
        server,
        ids,
        place,
        site.state.clone(),
        site.begins.clone(),
        &work.agent.undelivered,
        config.patience,
    );
    let size = std::fs::metadata(&site.state).map_or(0, |state| state.len());
    if let Err(error) = work.reserve.lay(size, work.log) {
        return Err(Failure::Broken(format!(
            "The agent's disk has no room in reserve for the state of an apply ({error}). Nothing was changed."
        )));
    }
    let writers = watched(place).map_err(|error| {
        Failure::Broken(format!(
            "The agent cannot see who writes the state of an apply ({error}). Nothing was changed."
        ))
    })?;
    // Before the engine can change anything, a successor must be able to find its state.
    place.write_manifest(&work.manifest(Some(site))).map_err(broken)?;
    let start = work.log.length().map_err(broken)?;
    let output = work.log.file().map_err(broken)?;
    let errors = work.log.file().map_err(broken)?;
    let mut args = vec!["apply".to_owned(), "-input=false".into()];
    if job.structured_output {
        args.push("-json".into());
    }
    if wants_variables_again(&job.engine, place, &site.cwd) {
        args.extend(prepared.var_files());
    }
    args.push(place.fetched_plan().display().to_string());
    let manners = Manners::saving(config.grace);
    let started = prepared.engine.start(config, args, manners, output, errors).await;
    let running = started.map_err(broken)?;
    let ended = tokio::select! {
        ended = running.wait(work.session, |line| work.log.say(line)) => ended,
        () = state.watch() => unreachable!("the watch has no end"),
    };
    // What comes from here on needs the room more.
    disk::release(place);
    // What all of the plan would change, if the engine says that it is done with it, else what it has reported.
    let done = ended.as_ref().is_ok_and(|ended| ended.status.success());
    let is_short = work.reserve.is_short(state.size());
    if is_short && state.has_left(done).await {
        work.log.say("The disk of the agent is nearly full: what lies beside the state is removed, and the state is not shown as JSON.");
        place.prune(&site.state);
    }
    let summary = summary(place, start).await;
    work.session.begin(Step::Keep);
    // One that gives up by itself has written what it made, even if it says of nothing that it is complete.
    let has_given_up = ended.as_ref().is_ok_and(|ended| !done && ended.status.code().is_some());
    let changed = summary.changed((done && job.has_changes) || (has_given_up && summary.has_begun));
    let is_plain = job.engine.kind == EngineKind::Terraform;
    let are_others = writers.are_others().await;
    let end = End { changed, reported: &summary.reported, done, is_plain, are_others };
    let saved = state.save(end).await;
    let stop = ended.as_ref().map_or(Stop::No, |ended| ended.stopped);
    let (result, mut message) = match &ended {
        // It was asked to stop and had no need to: all of the plan is applied.
        Ok(ended) if ended.status.success() => (PhaseResult::Finished, None),
        Ok(ended) if ended.stopped == Stop::No => {
            (PhaseResult::Errored, Some(sentence("apply", ended.status, &summary)))
        }
        Ok(_) => {
            let (result, message) = stopped(stop);
            (result, Some(message.to_owned()))
        }
        Err(error) => (PhaseResult::Errored, Some(format!("The apply broke off: {error}."))),
    };
    let (mut result, mut removable, mut state_pending) = (result, true, false);
    if let Err(unsaved) = saved {
        tracing::error!(job = job.id, run = job.run_id, "{}", unsaved.message);
        work.log.say(&format!("Error: {}", unsaved.message));
        result = PhaseResult::Errored;
        let before = message.map(|message| message + " ").unwrap_or_default();
        message = Some(before + &unsaved.message);
        removable = unsaved.copied;
        state_pending = unsaved.pending;
    }
    let counts = summary.counts();
    let outcome = Outcome {
        result,
        message,
        has_changes: false,
        counts,
        generated_configuration: false,
        state_pending,
        peaks: None,
        layers: None,
        findings: None,
    };
    let afterwork = (!is_short).then_some(prepared);
    Ok(Done { outcome, afterwork, removable })
}

fn watched(place: &Workplace) -> std::io::Result<Writers> {
    let state = place.held_state().ok_or(std::io::ErrorKind::NotFound)?;
    Writers::of(&state)
}

/// Whether the apply of a saved plan may need its variables once more: values of ephemeral ones
/// are not in the plan. Others must not be given without need: older engines refuse them all,
/// and Terraform 1.10 refuses some that are equal (hashicorp/terraform#36181).
fn wants_variables_again(engine: &Wanted, place: &Workplace, cwd: &Path) -> bool {
    let first = match engine.kind {
        EngineKind::Terraform => Version::new(1, 10, 0),
        EngineKind::Tofu => Version::new(1, 11, 0),
    };
    // Pre-releases of the first version know them too.
    let known = Version::parse(&engine.version)
        .is_ok_and(|it| (it.major, it.minor) >= (first.major, first.minor));
    known && mentions_ephemeral(place, cwd)
}

/// Modules and providers are there by now, so that the files may be anything.
fn mentions_ephemeral(place: &Workplace, cwd: &Path) -> bool {
    let root = place.config();
    let Ok(entries) = std::fs::read_dir(cwd) else { return false };
    entries.filter_map(Result::ok).any(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let configuration =
            [".tf", ".tf.json", ".tofu", ".tofu.json"].iter().any(|ending| name.ends_with(ending));
        let path = entry.path();
        let Ok(path) = path.strip_prefix(&root) else { return false };
        configuration
            && untrusted::read_linked(&root, path, untrusted::SMALL)
                .is_ok_and(|text| memmem::find(&text, b"ephemeral").is_some())
    })
}

/// The new state as JSON.
pub(crate) async fn documents(
    agent: &Agent,
    session: &Session,
    place: &Workplace,
    prepared: &Prepared,
) -> Result<(), String> {
    let site = &prepared.site;
    let file = StateFile::new(place, site.state.clone());
    let left = file.read_last(site.begins.as_ref(), true).await;
    let version = left.ok().flatten().and_then(|left| left.version);
    // Whoever encrypts it does not want the server to read it.
    if version.or(site.begins.clone()).is_some_and(|version| version.encrypted) {
        return Ok(());
    }
    let path = place.root().join("state.json");
    // Whoever ran may have closed it.
    if let Some(state) = place.held_state() {
        let _ = state.set_permissions(Permissions::from_mode(0o600));
    }
    // Under the name that nothing else could have taken meanwhile.
    let own = place.root().join("own.tfstate");
    let own = own.exists().then(|| own.display().to_string());
    let mut args = vec!["show", "-json", "-no-color"];
    args.extend(own.as_deref());
    let asked = prepared.engine.ask(&agent.config, &args, &path).await;
    let asked = asked.map_err(|error| error.to_string())?;
    if !asked.success() {
        return Err(format!("“show -json” failed: {asked}"));
    }
    let state = answer(place, &path).await?;
    let put = || session.server.put_artifact(&session.job.id, Artifact::JsonState, state.clone());
    let stored = insist(std::time::Duration::from_mins(1), put).await;
    session.notice(stored).map_err(|error| error.to_string())
}
