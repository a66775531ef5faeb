//! The changes by part and module: what is small is there at once, what is large is read when it is opened.

use domain::plan_changes::{Change, Changes, Group, PIECE, Part};
use maud::{Markup, html};
use text::visible;

use super::{Look, one};
use crate::{
    components::{grouped, tally, twist},
    failure::Result,
    query::address,
};

/// Changes that stand on the page at once.
const CHANGES: u64 = 200;
/// Their rows, after which nothing more is read.
const ROWS: usize = 1_500;

impl Look<'_> {
    pub fn allowed(&self, change: Change) -> Change {
        if self.values { change } else { change.without_values() }
    }
}

pub async fn draw(look: &Look<'_>, list: &Changes) -> Result<Markup> {
    let (mut changes_left, mut rows_left) = (CHANGES, ROWS);
    let mut groups = Vec::new();
    for (at, group) in list.head.groups.iter().enumerate() {
        let mut inside = Vec::new();
        let is_shown = group.total <= changes_left && rows_left > 0;
        if is_shown {
            changes_left -= group.total;
            for piece in 0..group.total.div_ceil(PIECE) {
                inside.extend(list.piece(&look.visitor.cx, group, piece).await?);
            }
            let rows: usize = inside.iter().map(|it| it.difference.rows.len().min(one::ROWS)).sum();
            rows_left = rows_left.saturating_sub(rows);
        }
        let inside: Vec<Change> = inside.into_iter().map(|change| look.allowed(change)).collect();
        groups.push(html! {
            details.group open[is_shown && group.part != Part::OtherDrift] {
                summary {
                    (twist())
                    span { (visible(&name(group))) }
                    (counts(group))
                }
                @if is_shown {
                    @for change in &inside { (one::draw(look, group.part, change, one::ROWS)) }
                } @else { (rest(look, at, group, 1)) }
            }
        });
    }
    if groups.is_empty() {
        return Ok(html! { p.soft { "Nothing changes." } });
    }
    Ok(html! { div.plan { @for group in &groups { (group) } } })
}

fn counts(group: &Group) -> Markup {
    html! {
        @if matches!(group.part, Part::Checks) {
            span.tally { span.count { (grouped(group.total)) } }
        } @else { (tally(&group.counts)) }
    }
}

/// Where the changes from this page on are read.
pub fn rest(look: &Look<'_>, at: usize, group: &Group, page: u64) -> Markup {
    let asked = [("group", at.to_string()), ("page", page.to_string())];
    let asked = [("group", &*asked[0].1), ("page", &*asked[1].1)];
    let path = look.path();
    let left = group.total - (page - 1) * PIECE;
    html! {
        div.res-load data-from=(address(&format!("{path}/changes"), &asked)) {
            span { (grouped(left)) @if page > 1 { " more" } " changes, read 100 at a time." }
            a href=(address(path, &asked)) { "Read the " @if page > 1 { "next" } @else { "first" } " 100" }
        }
    }
}

pub fn name(group: &Group) -> String {
    let part = match group.part {
        Part::Resources if group.module.is_empty() => return "Top of the configuration".to_owned(),
        Part::Resources => return group.module.clone(),
        Part::Deferred => "Left for a later run",
        Part::Invocations => "Actions that will run",
        Part::Outputs => "Outputs",
        Part::Checks => "Checks",
        Part::Drift => "Changed outside, and part of why",
        Part::OtherDrift => "Changed outside",
    };
    if group.module.is_empty() { part.to_owned() } else { format!("{part}, {}", group.module) }
}
