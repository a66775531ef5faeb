//! States that their agents bring when an apply is over: the server could not take them, or was not there.

use db::{
    entity::{job, phase, run},
    id::JobId,
    sea_orm::EntityTrait,
};

use super::OfRun;
use crate::{
    Ctx, Error, Granted, Result, can,
    row::Run,
    states::{self, Place},
};

/// Seconds after an apply for which its workspace is kept for a state that may come. Agents offer one every five
/// minutes at least.
pub(super) const AWAITED_SECONDS: i64 = 60 * 60;
/// By its name in the protocol.
const ERRORED_STATE: &str = "errored-state";

/// What became of such a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// Hex, of what is read back after all is committed.
    pub sha256: String,
    pub is_current: bool,
}

/// Keeps a state that an apply has left which is over, and says at the run what became of it.
///
/// # Errors
/// Conflict if it has to be offered again. NotFound, Invalid and TooLarge are for good: there is no such apply, or it is
/// no state that could be kept.
pub async fn recover_state<S, E>(
    cx: &Ctx,
    _agent: &Granted<can::WorkAsAgent>,
    id: &JobId,
    content: S,
) -> Result<Recovered>
where
    S: futures::Stream<Item = std::result::Result<bytes::Bytes, E>> + Send,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let run = run_of(cx, id).await?;
    if !run.is_final {
        return Err(Error::conflict("The run is not over yet."));
    }
    let kept = Box::pin(states::keep_recovered(cx, &run, content)).await;
    let sentence = match &kept {
        Ok((Place::Current, _)) => {
            "Its agent has brought the state since: it is the workspace's current one.".to_owned()
        }
        Ok((Place::Version, _)) => {
            "Its agent has brought the state since: it is a version of the workspace's state, and not the current one."
                .to_owned()
        }
        Ok((Place::Errored, _)) => {
            "Its agent has brought the state since. It does not follow on what the workspace has by now, and is kept as \
             the run's errored state."
                .to_owned()
        }
        Err(error @ (Error::Invalid { .. } | Error::TooLarge(_))) => format!(
            "Its agent has offered a state since that cannot be taken ({error}); it stays with the agent."
        ),
        Err(_) => String::new(),
    };
    if !sentence.is_empty() {
        let is_errored = matches!(kept, Ok((Place::Errored, _)));
        say(cx, &run, &sentence, is_errored).await?;
    }
    let (place, sha256) = kept?;
    Ok(Recovered { sha256, is_current: place == Place::Current })
}

/// The run of which an agent of the caller's pool has begun the apply.
async fn run_of(cx: &Ctx, id: &JobId) -> Result<Run> {
    let job = job::Entity::find_by_id(id.clone()).one(cx.read()).await?.ok_or(Error::NotFound)?;
    let OfRun { run, phase, .. } = OfRun::of(&job)?;
    if phase != phase::Kind::Apply || job.started_at.is_none() {
        return Err(Error::NotFound);
    }
    if !cx.may::<can::WorkOnJob>(&job) {
        // No word for good: the agent may show another token the next time.
        return Err(Error::conflict("The apply was done by an agent of another pool."));
    }
    run::Entity::find_by_id(run).one(cx.read()).await?.ok_or(Error::NotFound)
}

/// Nothing is awaited any more. What was said before stays: it tells how it came to that.
async fn say(cx: &Ctx, run: &Run, sentence: &str, is_errored: bool) -> Result<()> {
    let tx = cx.write().await?;
    let Some(mut phase) = tx.lock::<phase::Entity>(run.apply_id.to_string()).await? else {
        return Err(Error::NotFound);
    };
    phase.state_awaited_until = None;
    if is_errored {
        phase.artifacts.note(ERRORED_STATE);
    }
    let before = phase.message.take().unwrap_or_default();
    phase.message = Some(match before.as_str() {
        "" => sentence.to_owned(),
        said if said.ends_with(sentence) => before,
        said => format!("{said} {sentence}"),
    });
    tx.update(phase).await?;
    tx.commit().await
}
