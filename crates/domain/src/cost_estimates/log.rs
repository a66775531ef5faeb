//! An estimate as lines of text.

use std::fmt::Write as _;

use db::entity::{cost_estimate::Status, cost_estimate_resource::Resources};

use super::Costs;
use crate::row::CostEstimate;

/// Nothing of one that has not said anything yet.
pub(super) fn written(row: &CostEstimate, resources: Option<&Resources>) -> Option<String> {
    let mut text = match row.status {
        Status::Pending | Status::Queued => return None,
        Status::Finished => String::new(),
        Status::SkippedDueToTargeting => {
            "Not available for this plan, because it was created with the -target option.\n".into()
        }
        Status::Errored | Status::Canceled | Status::Unreachable => {
            let why = row.error_message.as_deref().unwrap_or("There is no estimate.");
            format!("{why}\n")
        }
    };
    let Some(Costs { prior, proposed, delta }) = Costs::of(row) else { return Some(text) };
    let all = row.matched + row.unmatched;
    let sign = if delta.starts_with('-') { "" } else { "+" };
    let mut line = |line: std::fmt::Arguments<'_>| {
        _ = writeln!(text, "{line}");
    };
    line(format_args!("Resources: {} of {all} estimated", row.matched));
    line(format_args!("           {prior}/mo before, {proposed}/mo after, {sign}{delta}"));
    let Some(Resources { matched, unmatched }) = resources else { return Some(text) };
    if !matched.is_empty() {
        line(format_args!(""));
    }
    for one in matched {
        let (prior, proposed) = (&one.prior_monthly_cost, &one.proposed_monthly_cost);
        line(format_args!("  {}: {prior}/mo -> {proposed}/mo", one.address));
    }
    if !unmatched.is_empty() {
        line(format_args!("\nWithout a price:"));
    }
    for one in unmatched {
        line(format_args!("  {}", one.address));
    }
    Some(text)
}
