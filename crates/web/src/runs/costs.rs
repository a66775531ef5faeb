//! What a run would cost a month, with and without what it changes: in all, and for each resource.

use domain::{
    can,
    cost_estimates::{self, Costs},
    entity::{cost_estimate::Status, cost_estimate_resource::Resources},
    row::CostEstimate,
};
use maud::{Markup, Render, html};

use crate::{
    components::{Head, Icon, Notice, Panel, Table, Tone, badge},
    failure::Result,
    visitor::SignedIn,
};

/// Resources that are shown; the API has all of them.
const SHOWN: usize = 200;

pub async fn panel(visitor: &SignedIn, estimate: &CostEstimate) -> Result<Markup> {
    let cx = &visitor.cx;
    let found = cost_estimates::find(cx, &estimate.id).await?;
    let granted = cx.check::<can::ReadRun, _>(found)?;
    let resources = cost_estimates::resources_of(cx, &granted).await?.unwrap_or_default();
    let (tone, sign, word) = look(estimate.status);
    let content = html! {
        @if let Some(why) = &estimate.error_message {
            div.in { (Notice::new(Tone::Neutral, &html! { p { (why) " The run does not wait for it." } })) }
        }
        @if estimate.status == Status::SkippedDueToTargeting {
            div.in { p.soft { "Only a part is planned, whose cost would be taken for all of it." } }
        }
        @if let Some(costs) = Costs::of(estimate) {
            div.in { p { (sentence(estimate, &costs)) } }
            (table(&resources))
        }
    };
    Ok(Panel {
        id: "costs",
        title: "Monthly cost",
        beside: badge(tone, sign, word),
        content,
        is_table: true,
        is_risk: false,
    }
    .render())
}

pub fn look(status: Status) -> (Tone, Icon, &'static str) {
    match status {
        Status::Pending => (Tone::Neutral, Icon::StQueued, "to come"),
        Status::Queued => (Tone::Busy, Icon::StBusy, "under way"),
        Status::Finished => (Tone::Good, Icon::StGood, "estimated"),
        Status::Errored => (Tone::Neutral, Icon::Warn, "not known"),
        Status::Canceled => (Tone::Neutral, Icon::StStop, "canceled"),
        Status::Unreachable => (Tone::Neutral, Icon::StNone, "not reached"),
        Status::SkippedDueToTargeting => (Tone::Neutral, Icon::StNone, "left out"),
    }
}

/// The difference with its sign.
pub fn delta(costs: &Costs) -> String {
    let sign = if costs.delta.starts_with('-') { "" } else { "+" };
    format!("{sign}{}", costs.delta)
}

fn sentence(estimate: &CostEstimate, costs: &Costs) -> String {
    let all = estimate.matched + estimate.unmatched;
    format!(
        "{} a month before, {} after, {}. {} of {all} resources have a price.",
        costs.prior,
        costs.proposed,
        delta(costs),
        estimate.matched
    )
}

fn table(resources: &Resources) -> Markup {
    let Resources { matched, unmatched } = resources;
    let heads =
        [Head::new("Resource"), Head::new("Before"), Head::new("After"), Head::new("Difference")];
    let priced = matched.iter().map(|one| {
        vec![
            html! { code { (one.address) } },
            html! { (one.prior_monthly_cost) },
            html! { (one.proposed_monthly_cost) },
            html! { (one.delta_monthly_cost) },
        ]
    });
    let unknown = || html! { span.faint { "no price" } };
    let others = unmatched
        .iter()
        .map(|one| vec![html! { code { (one.address) } }, unknown(), unknown(), unknown()]);
    let rows: Vec<_> = priced.chain(others).take(SHOWN).collect();
    let left = (matched.len() + unmatched.len()).saturating_sub(SHOWN);
    html! {
        @if !rows.is_empty() { (Table { caption: "Monthly cost of each resource", heads: &heads, rows }) }
        @if left > 0 { div.in { p.soft { (left) " more resources stand in the API." } } }
    }
}
