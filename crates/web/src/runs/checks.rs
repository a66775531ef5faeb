//! What was asked about a run between its phases, and what the answers were: the policies that did not agree first.

use domain::{
    Granted, In, Paging, can, cost_estimates,
    entity::task_stage,
    policy_evaluations::{self, PolicyOutcome},
    row::{PolicySetOutcome, Run, TaskStage},
    task_stages,
};
use maud::{Markup, Render, html};

use super::{costs, policy_check, tasks};
use crate::{
    components::{Head, Icon, Notice, Panel, Table, Tone, badge},
    failure::Result,
    visitor::SignedIn,
};

/// As many of anything as a run can have.
const MOST: Paging = Paging { number: 1, size: 100 };

/// Nothing for a run about which nothing is asked.
pub async fn draw(
    visitor: &SignedIn,
    run: &Granted<can::ReadRun, In<Run>>,
) -> Result<Option<Markup>> {
    let cx = &visitor.cx;
    let stages = task_stages::list(cx, run, MOST).await?.items;
    let checks = policy_evaluations::list_checks(cx, run, MOST).await?.items;
    let estimate = cost_estimates::of_run(cx, run).await?;
    if stages.is_empty() && checks.is_empty() && estimate.is_none() {
        return Ok(None);
    }
    let mut panels = Vec::new();
    for stage in stages {
        panels.push(stage_panel(visitor, &stage).await?);
    }
    if let Some(estimate) = &estimate {
        panels.push(costs::panel(visitor, estimate).await?);
    }
    for check in &checks {
        panels.push(policy_check::panel(visitor, check)?);
    }
    Ok(Some(html! {
        section class="stack tight" id="checks" aria-labelledby="checks-title" {
            h2 id="checks-title" { "Checks" }
            @for panel in &panels { (panel) }
        }
    }))
}

async fn stage_panel(visitor: &SignedIn, stage: &In<TaskStage>) -> Result<Markup> {
    use task_stage::Status as S;
    let cx = &visitor.cx;
    let found = task_stages::find(cx, &stage.row.id).await?;
    let granted = cx.check::<can::ReadRun, _>(found)?;
    let asked = tasks::draw(visitor, &granted).await?;
    let mut outcomes = Vec::new();
    for row in policy_evaluations::evaluations_of(cx, &granted, MOST).await?.items {
        let found = policy_evaluations::find_evaluation(cx, &row.id).await?;
        let evaluation = cx.check::<can::ReadRun, _>(found)?;
        outcomes.extend(policy_evaluations::outcomes_of(cx, &evaluation, &[]).await?);
    }
    let (tone, sign, word) = match stage.status {
        S::Pending => (Tone::Neutral, Icon::StQueued, "to come"),
        S::Running => (Tone::Busy, Icon::StBusy, "under way"),
        S::Passed => (Tone::Good, Icon::StShieldOk, "passed"),
        S::Failed => (Tone::Bad, Icon::StShield, "failed"),
        S::AwaitingOverride => (Tone::Waiting, Icon::StWait, "needs override"),
        S::Errored => (Tone::Bad, Icon::StBad, "errored"),
        S::Canceled => (Tone::Neutral, Icon::StStop, "canceled"),
        S::Unreachable => (Tone::Neutral, Icon::StNone, "not reached"),
    };
    let id = format!("stage-{}", stage.stage);
    Ok(Panel {
        id: &id,
        title: name(stage.stage),
        beside: badge(tone, sign, word),
        content: html! {
            @if let Some(asked) = &asked { (asked) }
            @if asked.is_none() || !outcomes.is_empty() { (table(&outcomes)) }
        },
        is_table: true,
        is_risk: false,
    }
    .render())
}

pub fn name(stage: task_stage::Stage) -> &'static str {
    use task_stage::Stage as S;
    match stage {
        S::PrePlan => "Before the plan",
        S::Plan => "Plan",
        S::PostPlan => "After the plan",
        S::CostEstimation => "Cost",
        S::PolicyCheck => "Policy check",
        S::PreApply => "Before the apply",
        S::Apply => "Apply",
        S::PostApply => "After the apply",
    }
}

/// Those that speak against the run come first.
fn table(outcomes: &[(PolicySetOutcome, Vec<PolicyOutcome>)]) -> Markup {
    let mut all: Vec<(&PolicySetOutcome, &PolicyOutcome)> = outcomes
        .iter()
        .flat_map(|(set, policies)| policies.iter().map(move |policy| (set, policy)))
        .collect();
    all.sort_by_key(|(_, policy)| policy.status.as_str() == "passed");
    let errors: Vec<(&str, &str)> = outcomes
        .iter()
        .filter_map(|(set, _)| Some((&*set.policy_set_name, set.error.as_deref()?)))
        .collect();
    let heads =
        [Head::new("Policy"), Head::new("Set"), Head::new("Level"), Head::new("What it says")];
    let rows = all.iter().map(|(set, policy)| row(set, policy)).collect();
    html! {
        @for (set, why) in &errors {
            div.in { (Notice::new(Tone::Bad, &html! { p { "The set " (set) " could not be asked: " (why) } })) }
        }
        @if all.is_empty() && errors.is_empty() { div.in { p.soft { "No policy has answered." } } }
        @if !all.is_empty() { (Table { caption: "Policies", heads: &heads, rows }) }
    }
}

fn row(set: &PolicySetOutcome, policy: &PolicyOutcome) -> Vec<Markup> {
    let (tone, sign) = match policy.status.as_str() {
        "passed" => (Tone::Good, Icon::StShieldOk),
        _ if policy.enforcement_level.as_str() == "advisory" => (Tone::Neutral, Icon::Warn),
        _ => (Tone::Bad, Icon::StShield),
    };
    let lines = policy.output.as_deref().unwrap_or_default();
    vec![
        html! {
            (policy.policy_name)
            @if !policy.description.is_empty() { span.under { (policy.description) } }
        },
        html! { (set.policy_set_name) },
        badge(tone, sign, policy.enforcement_level.as_str()),
        html! {
            (policy.status.as_str())
            @for line in lines { span.under.lines { (policy_check::plain(&line.print)) } }
        },
    ]
}
