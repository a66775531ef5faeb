//! One change: what happens to what, why, and how it differs.

use domain::plan_changes::{Action, Change, How, Import, Part, Verdict};
use maud::{Markup, html};
use text::visible;

use super::Look;
use crate::{
    components::{
        Columns, Icon, Tone, act, act_class, act_word, code_block, difference, icon, said, twist,
    },
    query::address,
};

/// Rows that stand in a list at once.
pub const ROWS: usize = 60;

pub fn draw(look: &Look<'_>, part: Part, change: &Change, most: usize) -> Markup {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let id = change.address.replace(|c| !is_plain(c), "_");
    let has_id = part == Part::Resources && change.deposed.is_none();
    let class = act_class(change.action);
    let actions = [Some(change.action), change.then].into_iter().flatten().map(act_word);
    let actions = actions.collect::<Vec<_>>().join(" ");
    let columns = Columns {
        before: !matches!(change.action, Action::Create | Action::Invoke) || part == Part::Checks,
        after: !matches!(change.action, Action::Delete | Action::Forget),
    };
    let is_in_sight = most == usize::MAX;
    let whole = address(look.path(), &[("q", &change.address)]);
    html! {
        details class={ "res " (class) } data-action=(actions) id=[has_id.then(|| format!("addr-{id}"))]
            open[is_in_sight] {
            summary {
                (twist())
                (head(change))
                (drawn_address(change))
                span.note { (note(change)) }
            }
            @if let Some(words) = sentence(change) { div.said { (words) } }
            @for message in &change.said { div.said { (visible(message)) } }
            (difference(&change.address, &change.difference, columns, most, Some(&whole)))
            @if let Some(code) = &change.generated {
                details { summary { "Generated configuration" } (code_block(&format!("generated-{id}"), "Generated configuration", &visible(code))) }
            }
        }
    }
}

fn head(change: &Change) -> Markup {
    match (change.verdict, &change.words) {
        (Some(verdict), _) => {
            let (tone, sign, word) = match verdict {
                Verdict::Pass => (Tone::Good, Icon::StShieldOk, "passed"),
                Verdict::Fail => (Tone::Bad, Icon::StShield, "failed"),
                Verdict::Error => (Tone::Bad, Icon::StBad, "errored"),
                Verdict::Unknown => (Tone::Neutral, Icon::StNone, "not known"),
            };
            html! { span class={ "badge " (tone.class()) } { (icon(sign)) span.word { (word) } } }
        }
        (None, Some(words)) => said(change.action, &visible(words)),
        (None, None) => act(change.action),
    }
}

/// The module softly, the name boldly.
fn drawn_address(change: &Change) -> Markup {
    if change.name.is_empty() || change.kind.is_empty() {
        return html! { code.addr { (visible(&change.address)) } };
    }
    html! {
        code.addr {
            @if !change.module.is_empty() { span.mod { (visible(&change.module)) "." } }
            @if change.is_data { "data." }
            (visible(&change.kind)) "." b { (visible(&change.name)) }
            @if let Some(key) = &change.key { span.key { "[" (visible(key)) "]" } }
        }
    }
}

fn note(change: &Change) -> Markup {
    html! {
        @if let Some(deposed) = &change.deposed { span { "deposed object " (visible(deposed)) } }
        @if !change.forced_by.is_empty() {
            span { span.why { (visible(&change.forced_by.join(", "))) } @if change.forced_by.len() == 1 { " forces it" } @else { " force it" } }
        } @else if let Some(reason) = &change.reason {
            span { (why(reason)) }
        }
        @match &change.imported {
            Some(Import::Id(id)) => span { "as " (visible(id)) },
            Some(Import::Unknown) => span { "id known after apply" },
            None => {}
        }
        @if let Some(then) = change.then { (said(then, &format!("then {}", act_word(then)))) }
        @if let Some(from) = &change.moved_from { span { "from " code.addr { (visible(from)) } } }
        @if change.verdict == Some(Verdict::Unknown) { span { "known after apply" } }
    }
}

fn sentence(change: &Change) -> Option<&'static str> {
    Some(match (change.how, change.action) {
        (Some(How::DestroyFirst), _) => "Destroyed first, then created.",
        (Some(How::CreateFirst), _) => "Created first, then the old one is destroyed.",
        (Some(How::LeaveOld), _) => "A new one is created; the old one stays as it is, unmanaged.",
        (None, Action::Move) => "The address changes, the object does not.",
        (None, Action::Forget) => "Stays as it is, unmanaged from then on.",
        _ => return None,
    })
}

/// The engine's reasons, in words; one that came after this server as it is.
fn why(reason: &str) -> String {
    let known = match reason {
        "replace_because_tainted" => "marked as tainted",
        "replace_because_cannot_update" => "cannot be changed in place",
        "replace_by_request" => "asked for with -replace",
        "replace_by_triggers" => "by replace_triggered_by",
        "delete_because_no_resource_config" => "no longer in the configuration",
        "delete_because_no_module" => "its module is gone",
        "delete_because_wrong_repetition" => "count or for_each has changed its kind",
        "delete_because_count_index" => "its index is beyond count",
        "delete_because_each_key" => "its key has left for_each",
        "delete_because_no_move_target" => "the moved block leads nowhere",
        "read_because_config_unknown" => {
            "read during the apply: its configuration is not known yet"
        }
        "read_because_dependency_pending" => "read during the apply: what it needs changes first",
        "read_because_check_nested" => "read during the apply: for a check",
        "instance_count_unknown" => "how many there are is not known yet",
        "resource_config_unknown" => "its configuration is not known yet",
        "provider_config_unknown" => "its provider is not configured yet",
        "absent_prereq" => "something that it needs is not there yet",
        "deferred_prereq" => "something that it needs is left for later",
        other => return visible(&other.replace('_', " ")).into_owned(),
    };
    known.to_owned()
}
