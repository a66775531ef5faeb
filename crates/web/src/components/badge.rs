//! A word with a colour; the word alone says everything.

use domain::entity::run::Status;
use maud::{Markup, html};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Neutral,
    Busy,
    Waiting,
    Good,
    Bad,
}

impl Tone {
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Neutral => "neutral",
            Self::Busy => "busy",
            Self::Waiting => "waiting",
            Self::Good => "good",
            Self::Bad => "bad",
        }
    }
}

pub fn badge(tone: Tone, text: &str) -> Markup {
    html! { span class={ "badge " (tone.class()) } { (text) } }
}

/// The status of a run as people say it.
pub fn run_status(status: Status) -> Markup {
    let text = status.as_str().replace('_', " ");
    badge(tone(status), &text)
}

fn tone(status: Status) -> Tone {
    use Status as S;
    match status {
        S::Applied | S::PlannedAndFinished => Tone::Good,
        S::Errored | S::PolicySoftFailed => Tone::Bad,
        S::Discarded | S::Canceled | S::ForceCanceled => Tone::Neutral,
        S::Planned
        | S::PlannedAndSaved
        | S::CostEstimated
        | S::PolicyChecked
        | S::PolicyOverride
        | S::PostPlanAwaitingDecision
        | S::PostPlanCompleted => Tone::Waiting,
        _ => Tone::Busy,
    }
}
