//! What a run waits for, in words: why it does not go on, and who or what can end that.

use domain::{
    In, Timestamp, can,
    entity::{run::Status, workspace::LockKind},
    id::RunId,
    row::Run,
    runs::{self, End, Obstacle, ends},
};

use crate::{
    components::{run_meaning, run_word},
    failure::Result,
    visitor::SignedIn,
};

/// A wait, as a page says it.
#[derive(Debug)]
pub struct Wait {
    pub title: String,
    /// Somebody has to decide.
    pub for_a_person: bool,
    pub since: Option<Timestamp>,
    /// Who or what ends it, a sentence each.
    pub who: Vec<String>,
    /// What cannot go on meanwhile.
    pub holds: Option<String>,
}

/// Nothing for a run that is at work, or over.
pub async fn sentence(visitor: &SignedIn, run: &In<Run>) -> Result<Option<Wait>> {
    let by_a_person =
        ends(run.status).iter().any(|end| matches!(end, End::Confirm | End::Override));
    let queued = ends(run.status).contains(&End::Queue);
    let for_an_agent = matches!(run.status, Status::PlanQueued | Status::ApplyQueued);
    if !by_a_person && !queued && !for_an_agent {
        return Ok(None);
    }
    let blocked = runs::blocked_by(&visitor.cx, run).await?;
    let is_frozen = blocked.as_ref().is_some_and(|blocked| blocked.kind == Obstacle::Freeze);
    let title = match blocked {
        Some(blocked) => blocked.reason,
        None if by_a_person => decision(run),
        None if for_an_agent => "Waits for an agent that is free.".to_owned(),
        None => turn(visitor, run).await?,
    };
    let holder = run.of.lock_kind == Some(LockKind::Run)
        && run.of.lock_holder_id.as_deref() == Some(run.id.as_str());
    Ok(Some(Wait {
        title,
        for_a_person: by_a_person,
        since: Some(run.updated_at),
        who: who(visitor, run, is_frozen),
        holds: (by_a_person && holder).then(|| {
            format!(
                "While it waits it holds the lock of {}: later runs wait behind it.",
                run.of.name
            )
        }),
    }))
}

fn decision(run: &Run) -> String {
    match run.status {
        Status::PolicyOverride | Status::PostPlanAwaitingDecision => {
            "Policies disagree. Override them, or change the configuration.".to_owned()
        }
        Status::PlannedAndSaved => {
            "The plan is kept. It applies when somebody confirms it, unless the state moves on first.".to_owned()
        }
        status => run_meaning(status).to_owned(),
    }
}

/// Whom it stands behind.
async fn turn(visitor: &SignedIn, run: &In<Run>) -> Result<String> {
    let workspace = &run.of;
    let holder = workspace.lock_holder_id.as_deref().filter(|id| *id != run.id.as_str());
    Ok(match (workspace.lock_kind, holder) {
        (Some(LockKind::Run), Some(id)) => {
            let id: Option<RunId> = id.parse().ok();
            let found = runs::load(&visitor.cx, id.as_slice()).await?;
            match found.first() {
                Some(other) => format!(
                    "Waits for its turn: “{}” holds {}, and stands at “{}”.",
                    other.message,
                    workspace.name,
                    run_word(other.status).to_lowercase()
                ),
                None => format!("Waits for its turn: another run holds {}.", workspace.name),
            }
        }
        (Some(_), Some(_)) => {
            let reason = workspace.lock_reason.as_deref().filter(|text| !text.is_empty());
            match reason {
                Some(reason) => {
                    format!("Waits because somebody locked {}: {reason}", workspace.name)
                }
                None => format!("Waits because somebody locked {}.", workspace.name),
            }
        }
        _ => "Waits for its turn.".to_owned(),
    })
}

/// Those ways out that somebody can take.
fn who(visitor: &SignedIn, run: &In<Run>, is_frozen: bool) -> Vec<String> {
    let cx = &visitor.cx;
    let of = &run.of;
    let sentence = |end: &End| match end {
        End::Confirm if cx.may::<can::DecideRun>(run) || cx.may::<can::ApplyRun>(of) => {
            Some("You may confirm it.".to_owned())
        }
        End::Confirm => Some(format!("Whoever may apply runs in {} may confirm it.", of.name)),
        End::Override if cx.may::<can::OverridePolicies>(of) => {
            Some("You may override the policies.".to_owned())
        }
        End::Override => {
            Some(format!("Whoever may override policies in {} may let it go on.", of.name))
        }
        End::Discard if cx.may::<can::DiscardRun>(of) => Some("You may discard it.".to_owned()),
        End::Cancel if cx.may::<can::CancelRun>(of) => Some("You may cancel it.".to_owned()),
        End::NewState => Some("A newer state of the workspace ends it.".to_owned()),
        _ => None,
    };
    let owner = if cx.may::<can::BreakFreeze>(of) { "You" } else { "An owner" };
    let through = is_frozen.then(|| format!("{owner} may let it through, with a reason."));
    through.into_iter().chain(ends(run.status).iter().filter_map(sentence)).collect()
}
