//! What a policy check found: of each policy what came of it, which rules said so and where they stand, and what it
//! printed; and the log that command lines show.

use domain::{
    entity::policy_check,
    policy_evaluations::{self, Findings},
    row::PolicyCheck,
};
use maud::{Markup, Render, html};
use serde_json::Value;

use crate::{
    components::{Head, Icon, Panel, Table, Tone, badge, code_block},
    failure::Result,
    visitor::SignedIn,
};

/// Bytes of a log that are shown.
const SHOWN: usize = 256 << 10;
/// Bytes of one thing that a policy says.
const BRIEF: usize = 8 << 10;

pub fn panel(visitor: &SignedIn, check: &PolicyCheck) -> Result<Markup> {
    use policy_check::Status as S;
    let findings = policy_evaluations::findings_of(&visitor.cx, check)?;
    let id = check.id.as_str();
    let said = check.output.as_deref().unwrap_or("It has not said anything.");
    let content = findings.map_or_else(|| html! { div.in { p { (said) } } }, |all| found(&all, id));
    let (tone, sign) = match check.status {
        S::Pending | S::Queued => (Tone::Busy, Icon::StBusy),
        S::Passed | S::Overridden => (Tone::Good, Icon::StShieldOk),
        S::SoftFailed => (Tone::Waiting, Icon::StWait),
        S::HardFailed => (Tone::Bad, Icon::StShield),
        S::Errored => (Tone::Bad, Icon::StBad),
        S::Canceled => (Tone::Neutral, Icon::StStop),
        S::Unreachable => (Tone::Neutral, Icon::StNone),
    };
    let beside = badge(tone, sign, &check.status.as_str().replace('_', " "));
    Ok(Panel { id, title: "Policy check", beside, content, is_table: true, is_risk: false }
        .render())
}

/// Those that speak against the run come first, as they do in what was found.
fn found(findings: &Findings, check: &str) -> Markup {
    let sets = findings.sentinel["data"].as_object().into_iter().flatten();
    let policies = sets.flat_map(|(_, set)| set["policies"].as_array().into_iter().flatten());
    let mut rows: Vec<(bool, Vec<Markup>)> =
        policies.map(|it| (it["result"] == true, row(it))).collect();
    rows.sort_by_key(|(passed, _)| *passed);
    let rows: Vec<_> = rows.into_iter().map(|(_, row)| row).collect();
    let heads = [Head::new("Policy"), Head::new("Level"), Head::new("What it says")];
    html! {
        @if !rows.is_empty() { (Table { caption: "Policies of the check", heads: &heads, rows }) }
        div.in { (code_block(&format!("{check}-log"), "The log", &log(&findings.log, check))) }
    }
}

/// As [`domain::policy_evaluations::Findings`] has it, which is as tools read it.
fn row(policy: &Value) -> Vec<Markup> {
    let level = policy["policy"]["enforcement-level"].as_str().unwrap_or_default();
    let passed = policy["result"] == true;
    let (tone, sign) = match (passed, level) {
        (true, _) => (Tone::Good, Icon::StShieldOk),
        (false, "advisory") => (Tone::Neutral, Icon::Warn),
        (false, _) => (Tone::Bad, Icon::StShield),
    };
    let (error, trace) = (policy["error"].as_str(), &policy["trace"]);
    let word = if error.is_some() {
        "errored"
    } else if passed {
        "passed"
    } else {
        "failed"
    };
    let rules = trace["rules"].as_object().into_iter().flatten();
    let text = |value: &Value| brief(&plain(value.as_str().unwrap_or_default()));
    vec![
        html! {
            (policy["policy"]["name"].as_str().unwrap_or_default())
            @if trace["description"].as_str().is_some_and(|about| !about.is_empty()) {
                span.under.lines { (text(&trace["description"])) }
            }
        },
        badge(tone, sign, level),
        html! {
            (word)
            @if let Some(error) = error { span.under.lines { (brief(&plain(error))) } }
            @for (name, rule) in rules { span.under.lines { (self::rule(name, rule)) } }
            @if trace["print"].as_str().is_some_and(|printed| !printed.is_empty()) {
                span.under.lines { (text(&trace["print"])) }
            }
        },
    ]
}

/// What it came to, and where it stands.
fn rule(name: &str, rule: &Value) -> String {
    let at = &rule["position"];
    let file = at["filename"].as_str().unwrap_or_default();
    let value = brief(&rule["value"].to_string());
    format!("{file}:{}:{} {name} is {value}", at["line"], at["column"])
}

fn brief(text: &str) -> String {
    let shown = &text[..text.floor_char_boundary(BRIEF)];
    if shown.len() < text.len() { format!("{shown}…") } else { shown.to_owned() }
}

/// The part of a log that a page has room for.
fn log(log: &str, check: &str) -> String {
    let shown = &log[..log.floor_char_boundary(SHOWN)];
    let mut text = plain(shown);
    if shown.len() < log.len() {
        text += "\n... all of it: GET /api/v2/policy-checks/";
        text += check;
        text += "/output\n";
    }
    text
}

/// What policies lay out for terminals, without the colours that those know.
pub fn plain(text: &str) -> String {
    let mut pieces = text.split("\u{1b}[");
    let first = pieces.next().unwrap_or_default().to_owned();
    let after = |piece: &str| {
        piece
            .trim_start_matches(|c| !('@'..='~').contains(&c))
            .get(1..)
            .unwrap_or_default()
            .to_owned()
    };
    pieces.map(after).fold(first, |text, piece| text + &piece)
}
