//! The status of a run as people say it: a line for each, so that a new one does not compile without.

use domain::entity::run::Status;
use maud::{Markup, html};

use super::{Icon, Tone, icon};

/// How much room there is for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// In lists.
    Bare,
    Usual,
    /// In headers.
    Big,
}

#[derive(Clone, Copy)]
struct Look {
    tone: Tone,
    icon: Icon,
    /// Somebody or something is at work.
    turns: bool,
}

fn still(tone: Tone, icon: Icon) -> Look {
    Look { tone, icon, turns: false }
}

fn turning(tone: Tone, icon: Icon) -> Look {
    Look { tone, icon, turns: true }
}

pub fn run_status(status: Status, size: Size) -> Markup {
    let (Look { tone, icon: sign, turns }, label) = look(status);
    let size = match size {
        Size::Bare => " bare",
        Size::Usual => "",
        Size::Big => " big",
    };
    let turns = if turns { " turns" } else { "" };
    html! { span class={ "badge " (tone.class()) (turns) (size) } { (icon(sign)) (label) } }
}

pub fn run_tone(status: Status) -> Tone {
    look(status).0.tone
}

pub fn run_icon(status: Status) -> Icon {
    look(status).0.icon
}

pub fn run_word(status: Status) -> &'static str {
    look(status).1
}

#[expect(clippy::match_same_arms, reason = "each status has a line of its own")]
fn look(status: Status) -> (Look, &'static str) {
    use Status as S;
    match status {
        S::Pending => (still(Tone::Neutral, Icon::StQueued), "Pending"),
        S::Fetching => (turning(Tone::Busy, Icon::StBusy), "Fetching"),
        S::FetchingCompleted => (still(Tone::Busy, Icon::StStep), "Fetched"),
        S::PrePlanRunning => (turning(Tone::Busy, Icon::StBusy), "Pre-plan tasks"),
        S::PrePlanCompleted => (still(Tone::Busy, Icon::StStep), "Pre-plan tasks done"),
        S::Queuing => (still(Tone::Neutral, Icon::StQueued), "Queuing"),
        S::PlanQueued => (still(Tone::Neutral, Icon::StQueued), "Waits for an agent"),
        S::Planning => (turning(Tone::Busy, Icon::StBusy), "Planning"),
        S::Planned => (still(Tone::Waiting, Icon::StWait), "Needs confirmation"),
        S::PostPlanRunning => (turning(Tone::Busy, Icon::StBusy), "Post-plan checks"),
        S::PostPlanAwaitingDecision => (still(Tone::Waiting, Icon::StWait), "Needs override"),
        S::PostPlanCompleted => (still(Tone::Waiting, Icon::StWait), "Needs confirmation"),
        S::CostEstimating => (turning(Tone::Busy, Icon::StBusy), "Estimating cost"),
        S::CostEstimated => (still(Tone::Waiting, Icon::StWait), "Needs confirmation"),
        S::PolicyChecking => (turning(Tone::Busy, Icon::StBusy), "Checking policies"),
        S::PolicyOverride => (still(Tone::Waiting, Icon::StWait), "Needs override"),
        S::PolicySoftFailed => (still(Tone::Bad, Icon::StShield), "Policy failed"),
        S::PolicyChecked => (still(Tone::Waiting, Icon::StWait), "Needs confirmation"),
        S::Confirmed => (still(Tone::Busy, Icon::StStep), "Confirmed"),
        S::PreApplyRunning => (turning(Tone::Busy, Icon::StBusy), "Pre-apply tasks"),
        S::PreApplyCompleted => (still(Tone::Busy, Icon::StStep), "Pre-apply tasks done"),
        S::QueuingApply => (still(Tone::Neutral, Icon::StQueued), "Queuing apply"),
        S::ApplyQueued => (still(Tone::Neutral, Icon::StQueued), "Waits for an agent"),
        S::Applying => (turning(Tone::Busy, Icon::StBusy), "Applying"),
        S::PostApplyRunning => (turning(Tone::Busy, Icon::StBusy), "Post-apply tasks"),
        S::PostApplyCompleted => (still(Tone::Busy, Icon::StStep), "Post-apply tasks done"),
        S::Applied => (still(Tone::Good, Icon::StGood), "Applied"),
        S::PlannedAndFinished => (still(Tone::Good, Icon::StSame), "No changes"),
        S::PlannedAndSaved => (still(Tone::Waiting, Icon::StSaved), "Saved plan"),
        S::Discarded => (still(Tone::Neutral, Icon::StStop), "Discarded"),
        S::Errored => (still(Tone::Bad, Icon::StBad), "Errored"),
        S::Canceled => (still(Tone::Neutral, Icon::StStop), "Canceled"),
        S::ForceCanceled => (still(Tone::Bad, Icon::StStop), "Force-canceled"),
    }
}

/// What it means, in a sentence.
#[expect(clippy::match_same_arms, reason = "each status has a line of its own")]
pub fn run_meaning(status: Status) -> &'static str {
    use Status as S;
    match status {
        S::Pending => "Made, and not yet at the head of its workspace’s queue.",
        S::Fetching => "Reading the configuration from version control.",
        S::FetchingCompleted => "The configuration is here.",
        S::PrePlanRunning => "Run tasks look at the configuration before the plan.",
        S::PrePlanCompleted => "Every mandatory task passed.",
        S::Queuing => "At the head of its queue; asks for a place.",
        S::PlanQueued => "The plan can start as soon as an agent is free.",
        S::Planning => "An agent compares the configuration with what exists.",
        S::Planned => "The plan has changes. Nothing happens until somebody confirms.",
        S::PostPlanRunning => "Run tasks and policies look at the plan.",
        S::PostPlanAwaitingDecision => {
            "A mandatory policy failed, and somebody may decide to go on."
        }
        S::PostPlanCompleted => "Every check passed. Nothing happens until somebody confirms.",
        S::CostEstimating => "Prices of what the plan would change are looked up.",
        S::CostEstimated => "The cost is known. Nothing happens until somebody confirms.",
        S::PolicyChecking => "Policies look at the plan.",
        S::PolicyOverride => "A soft-mandatory policy failed, and somebody may decide to go on.",
        S::PolicySoftFailed => "A policy failed on a run that only plans. The end.",
        S::PolicyChecked => {
            "Policies passed or were overridden. Nothing happens until somebody confirms."
        }
        S::Confirmed => "Somebody, or auto-apply, said yes.",
        S::PreApplyRunning => "Run tasks look at the plan before the apply.",
        S::PreApplyCompleted => "Every mandatory task passed.",
        S::QueuingApply => "Asks for a place to apply.",
        S::ApplyQueued => "The apply can start as soon as an agent is free.",
        S::Applying => "An agent makes the changes.",
        S::PostApplyRunning => "Run tasks look at the result. They cannot fail the run.",
        S::PostApplyCompleted => "About to be applied.",
        S::Applied => "Every change was made. The end.",
        S::PlannedAndFinished => "Planned, and there is nothing to apply. The end.",
        S::PlannedAndSaved => {
            "The plan is kept. It applies when somebody confirms, unless the state moves on first."
        }
        S::Discarded => "Somebody decided against it. The end.",
        S::Errored => {
            "The engine, a mandatory task or a hard-mandatory policy stopped it. The end."
        }
        S::Canceled => "Stopped on request. The end.",
        S::ForceCanceled => {
            "Cut off. The state may be incomplete: look before the next run. The end."
        }
    }
}
