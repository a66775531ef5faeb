//! An assessment: what is there compared with what was applied, by one init and two plans. It changes nothing, saves
//! nothing and locks nothing.
//!
//! The two plans see different worlds. `plan -refresh-only` evaluates checks on the values that really are there, and
//! only warns where a postcondition does not hold; the other one says what an apply would do about it, which is what
//! tells drift from the noise of providers.

mod findings;

use std::path::PathBuf;

use bytes::Bytes;
use protocol::{Counts, Findings, Outcome, PhaseResult};

use crate::mask::Mask;
use crate::phase::{Done, Failure, Prepared, Work, sentence};
use crate::plan::{send, shown, summary};
use crate::process::Manners;
use crate::session::Stop;
use crate::steps::Step;
use findings::Plan;

/// Which of the two plans.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// What has changed outside, and what the checks say of it.
    Refresh,
    /// What an apply would do.
    Full,
}

/// A plan that the engine has left.
struct Made {
    json: Bytes,
    /// What it failed with, although it has left something.
    failure: Option<String>,
}

/// Both plans, and what follows from them.
pub(crate) async fn run(work: &Work<'_>, prepared: Prepared) -> Result<Done, Failure> {
    let refreshed = match Box::pin(plan(work, &prepared, Way::Refresh)).await? {
        Ok(Made { json, failure: None }) => json,
        Ok(Made { failure: Some(message), .. }) | Err(message) => {
            return Ok(Done::failed(PhaseResult::Errored, message));
        }
    };
    let seen = read(&refreshed)?;
    // What has not changed outside cannot have drifted.
    let (found, json) = if seen.has_changed_outside() {
        match Box::pin(plan(work, &prepared, Way::Full)).await? {
            // A postcondition that does not hold breaks this plan off, and is told by the first one as a check.
            Ok(Made { failure: Some(message), .. }) if !seen.has_failed_checks() => {
                return Ok(Done::failed(PhaseResult::Errored, message));
            }
            Err(message) => return Ok(Done::failed(PhaseResult::Errored, message)),
            Ok(Made { json, .. }) => (seen.findings(Some(&read(&json)?)), json),
        }
    } else {
        (seen.findings(None), refreshed)
    };
    work.session.begin(Step::Documents);
    let documents = send(work.agent, work.session, work.place, &prepared, json);
    match work.session.unless_stopped(Box::pin(documents)).await? {
        Ok(()) => {}
        // The result is worth telling without them.
        Err(error) => {
            tracing::warn!(job = work.session.job.id, error, "an assessment without its documents");
        }
    }
    let outcome = Outcome {
        result: PhaseResult::Finished,
        message: None,
        has_changes: false,
        counts: Counts::default(),
        generated_configuration: false,
        state_pending: false,
        peaks: None,
        layers: None,
        findings: Some(found),
    };
    Ok(Done { outcome, afterwork: None, removable: true })
}

fn read(json: &[u8]) -> Result<Plan, Failure> {
    Plan::read(json)
        .map_err(|error| Failure::Broken(format!("The plan's JSON cannot be read: {error}.")))
}

fn file(work: &Work<'_>, way: Way) -> PathBuf {
    work.place.site().join(match way {
        Way::Refresh => "refresh.tfplan",
        Way::Full => "assessment.tfplan",
    })
}

/// One of the plans; a sentence where it has left nothing.
async fn plan(
    work: &Work<'_>,
    prepared: &Prepared,
    way: Way,
) -> Result<Result<Made, String>, Failure> {
    let broken =
        |error: std::io::Error| Failure::Broken(format!("The assessment broke off: {error}."));
    let start = work.log.length().map_err(broken)?;
    let (output, errors) = (work.log.file().map_err(broken)?, work.log.file().map_err(broken)?);
    let file = file(work, way);
    let mut args: Vec<String> =
        ["plan", "-input=false", "-lock=false", "-json"].map(str::to_owned).into();
    args.push(format!("-out={}", file.display()));
    if way == Way::Refresh {
        args.push("-refresh-only".into());
    }
    args.extend(prepared.var_files());
    let config = &work.agent.config;
    let started = prepared.engine.start(config, args, Manners::BRIEF, output, errors).await;
    let ended = started.map_err(broken)?.wait(work.session, |line| work.log.say(line)).await;
    let ended = ended.map_err(broken)?;
    if ended.stopped != Stop::No {
        return Err(Failure::Stopped(ended.stopped));
    }
    let failure = if ended.status.success() {
        None
    } else {
        Some(sentence("plan", ended.status, &summary(work.place, start).await))
    };
    let shown = shown(work.agent, work.place, prepared, &file);
    Ok(match (work.session.unless_stopped(Box::pin(shown)).await?, failure) {
        (Ok(json), failure) => Ok(Made { json, failure }),
        (Err(_), Some(message)) | (Err(message), None) => Err(message),
    })
}

/// Takes out what the log must not show either.
pub(crate) fn hide(findings: &mut Findings, mask: &Mask) {
    let addresses = findings.drifted.iter_mut();
    let checks = findings.checks.iter_mut().flatten();
    let said =
        checks.flat_map(|check| std::iter::once(&mut check.address).chain(&mut check.problems));
    for text in addresses.chain(said) {
        *text = mask.text(text);
    }
}
