//! The way of a run, stage by stage: what is done, what goes on, what is still to come.

use domain::{
    In, StatusTimestamps,
    cost_estimates::Costs,
    entity::{
        phase,
        run::{self, Status},
        task_stage,
    },
    row::{CostEstimate, Phase, Run, TaskStage},
    runs::status::{is_confirmable, is_final},
};
use maud::{Markup, html};

use super::costs;
use crate::components::{Icon, Tone, duration, icon};

struct Stage {
    name: &'static str,
    tone: Tone,
    icon: Icon,
    turns: bool,
    took: Option<i64>,
    under: Option<String>,
    /// Of the part of the page that it is about.
    href: Option<&'static str>,
}

impl Stage {
    fn new(name: &'static str, (tone, icon): (Tone, Icon)) -> Self {
        let turns = icon == Icon::StBusy;
        Self { name, tone, icon, turns, took: None, under: None, href: None }
    }
}

const DONE: (Tone, Icon) = (Tone::Good, Icon::StGood);
const TO_COME: (Tone, Icon) = (Tone::Neutral, Icon::StNone);
const AT_WORK: (Tone, Icon) = (Tone::Busy, Icon::StBusy);
const WAITS: (Tone, Icon) = (Tone::Waiting, Icon::StWait);

pub fn stages(
    run: &Run,
    plan: &Phase,
    apply: &Phase,
    asked: &[In<TaskStage>],
    estimate: Option<&CostEstimate>,
) -> Markup {
    use task_stage::Stage as T;
    let around = |which: T| asked.iter().filter(move |one| one.stage == which).map(question);
    let mut all: Vec<Stage> = around(T::PrePlan).collect();
    all.push(queued(run, plan));
    all.push(phase("Plan", "#plan-log", plan));
    all.extend(around(T::PostPlan));
    all.extend(estimate.map(cost));
    if !run.policy_checks.is_empty() {
        all.push(policy_check(run, plan));
    }
    if !run.plan_only {
        if !run.auto_apply {
            all.push(confirmation(run));
        }
        all.extend(around(T::PreApply));
        all.push(phase("Apply", "#apply-log", apply));
        all.extend(around(T::PostApply));
    }
    html! {
        nav aria-label="Stages of the run" {
            ol.stages { @for stage in &all { li { (draw(stage)) } } }
        }
    }
}

fn draw(stage: &Stage) -> Markup {
    let turns = if stage.turns { " turns" } else { "" };
    let inside = html! {
        (icon(stage.icon))
        span { (stage.name) }
        span.took { @if let Some(seconds) = stage.took { (duration(seconds)) } }
        @if let Some(under) = &stage.under { span.under { (under) } }
    };
    html! {
        @match stage.href {
            Some(href) => a class={ (stage.tone.class()) (turns) } href=(href) { (inside) }
            None => div class={ "stage " (stage.tone.class()) (turns) } { (inside) }
        }
    }
}

/// Seconds from one moment to a later one, if both are known.
fn between(times: &StatusTimestamps, from: &str, to: &[&str]) -> Option<i64> {
    let start = times.get(from)?;
    let end = to.iter().find_map(|key| times.get(*key))?;
    Some((end.0 - start.0) / 1000)
}

fn queued(run: &Run, plan: &Phase) -> Stage {
    let started = plan.status_timestamps.get("started-at");
    let look = match (started, run.status) {
        (Some(_), _) => DONE,
        (None, status) if is_final(status) => (Tone::Neutral, Icon::StStop),
        (None, _) => (Tone::Neutral, Icon::StQueued),
    };
    let took = started.map(|at| (at.0 - run.created_at.0) / 1000);
    Stage { took, ..Stage::new("Queued", look) }
}

fn phase(name: &'static str, href: &'static str, phase: &Phase) -> Stage {
    use phase::Status as S;
    let look = match phase.status {
        S::Pending | S::Unreachable => TO_COME,
        S::Queued => (Tone::Neutral, Icon::StQueued),
        S::Running => AT_WORK,
        S::Finished => DONE,
        S::Errored => (Tone::Bad, Icon::StBad),
        S::Canceled => (Tone::Neutral, Icon::StStop),
    };
    let ends = ["finished-at", "errored-at", "canceled-at"];
    Stage {
        took: between(&phase.status_timestamps, "started-at", &ends),
        under: phase
            .executor
            .as_ref()
            .filter(|executor| !executor.agent_name.is_empty())
            .map(|executor| format!("on {}", executor.agent_name)),
        href: Some(href).filter(|_| phase.status != S::Unreachable),
        ..Stage::new(name, look)
    }
}

/// What is asked of tasks and policies.
fn question(asked: &In<TaskStage>) -> Stage {
    use task_stage::Status as S;
    let look = match asked.status {
        S::Pending | S::Unreachable => TO_COME,
        S::Running => AT_WORK,
        S::Passed => (Tone::Good, Icon::StShieldOk),
        S::Failed => (Tone::Bad, Icon::StShield),
        S::AwaitingOverride => WAITS,
        S::Errored => (Tone::Bad, Icon::StBad),
        S::Canceled => (Tone::Neutral, Icon::StStop),
    };
    let name = match asked.stage {
        task_stage::Stage::PrePlan => "Pre-plan checks",
        task_stage::Stage::PreApply => "Pre-apply checks",
        task_stage::Stage::PostApply => "Post-apply checks",
        _ => "Post-plan checks",
    };
    Stage { href: Some("#checks"), ..Stage::new(name, look) }
}

/// What it comes to stands under it as soon as that is known.
fn cost(estimate: &CostEstimate) -> Stage {
    let (tone, sign, _) = costs::look(estimate.status);
    let known = Costs::of(estimate);
    let under = known.map(|known| format!("{} a month", costs::delta(&known)));
    Stage { href: Some("#costs"), under, ..Stage::new("Cost", (tone, sign)) }
}

fn policy_check(run: &Run, plan: &Phase) -> Stage {
    use Status as S;
    let look = match run.status {
        S::PolicyChecking => AT_WORK,
        S::PolicyOverride => WAITS,
        S::PolicySoftFailed => (Tone::Bad, Icon::StShield),
        S::Errored | S::Discarded | S::Canceled | S::ForceCanceled => TO_COME,
        _ if plan.status == phase::Status::Finished => (Tone::Good, Icon::StShieldOk),
        _ => TO_COME,
    };
    Stage { href: Some("#checks"), ..Stage::new("Policy check", look) }
}

fn confirmation(run: &Run) -> Stage {
    use run::Status as S;
    let look = match run.status {
        status if is_confirmable(status) => WAITS,
        S::Confirmed | S::ApplyQueued | S::Applying | S::Applied => DONE,
        _ if run.confirmed_by_id.is_some() => DONE,
        _ => TO_COME,
    };
    Stage::new("Confirm", look)
}
