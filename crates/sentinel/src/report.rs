//! What the policies of one set said about a run together: counts, the log that command lines show, and JSON.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use crate::config::Level;
use crate::outcome::{Outcome, Verdict};
use crate::trace::trace;

/// One policy that was asked, in the order of the set.
#[derive(Debug)]
pub struct Judged {
    /// With the set's name, if it has one: `set/policy`.
    pub name: String,
    pub level: Level,
    pub outcome: Outcome,
}

impl Judged {
    fn passed(&self) -> bool {
        self.outcome.verdict == Verdict::Passed
    }
}

/// How many policies passed, and how the others are taken. One that errs has failed at its level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    pub passed: usize,
    pub advisory_failed: usize,
    pub soft_failed: usize,
    pub hard_failed: usize,
    pub duration: Duration,
}

impl Counts {
    pub fn of(policies: &[Judged]) -> Self {
        let mut counts = Self::default();
        for policy in policies {
            counts.duration += policy.outcome.duration;
            let count = match policy.level {
                _ if policy.passed() => &mut counts.passed,
                Level::Advisory => &mut counts.advisory_failed,
                Level::SoftMandatory => &mut counts.soft_failed,
                Level::HardMandatory => &mut counts.hard_failed,
            };
            *count += 1;
        }
        counts
    }

    pub fn total_failed(self) -> usize {
        self.advisory_failed + self.soft_failed + self.hard_failed
    }

    /// Whether the run may go on without anybody's override.
    pub fn result(self) -> bool {
        self.soft_failed + self.hard_failed == 0
    }
}

/// Those that failed first, then in the order of the set.
fn in_order(policies: &[Judged]) -> impl Iterator<Item = &Judged> {
    let failed = policies.iter().filter(|policy| !policy.passed());
    failed.chain(policies.iter().filter(|policy| policy.passed()))
}

/// The set as tools read it from a policy check's `sentinel`, below the set's name.
pub fn set_json(policies: &[Judged]) -> Value {
    let told = in_order(policies).map(|policy| {
        json!({
            "allowed-failure": !policy.passed() && policy.level == Level::Advisory,
            "error": policy.outcome.error.as_ref().map(ToString::to_string),
            "policy": { "name": policy.name, "enforcement-level": policy.level.as_str() },
            "result": policy.passed(),
            "trace": trace(&policy.outcome),
        })
    });
    let counts = Counts::of(policies);
    json!({
        "can-override": counts.soft_failed > 0 && counts.hard_failed == 0,
        "error": null,
        "policies": told.collect::<Vec<_>>(),
        "result": counts.result(),
    })
}

/// The log of a set. What was printed is passed through as it is.
pub fn log(set: Option<&str>, policies: &[Judged]) -> String {
    let counts = Counts::of(policies);
    let title = format!(" Results for policy set: {} ", set.unwrap_or("<empty policy set name>"));
    let mut out = format!("{title:=^80}\n\nSentinel Result: {}\n\n", counts.result());
    out.push_str(explanation(counts));
    let _ = write!(out, "\n\n{} policies evaluated.\n", policies.len());
    for (n, policy) in in_order(policies).enumerate() {
        let _ = writeln!(out, "\n## Policy {}: {} ({})", n + 1, policy.name, policy.level);
        self::policy(&mut out, &policy.outcome);
    }
    out
}

fn explanation(counts: Counts) -> &'static str {
    match (counts.hard_failed, counts.soft_failed, counts.advisory_failed) {
        (0, 0, 0) => "Every policy passed, so the run goes on.",
        (0, 0, _) => {
            "Every mandatory policy passed, so the run goes on. Policies that only advise\n\
             failed; look at what they say."
        }
        (0, ..) => {
            "A mandatory policy failed, so the run stops. Somebody who may override policies\n\
             can let it go on."
        }
        _ => {
            "A mandatory policy failed that nobody can override, so the run stops. What it\n\
             asks for has to be mended before the next one."
        }
    }
}

fn policy(out: &mut String, outcome: &Outcome) {
    let _ = writeln!(out, "\nResult: {}", outcome.verdict == Verdict::Passed);
    if !outcome.description.is_empty() {
        let joined = outcome.description.split_whitespace().collect::<Vec<_>>().join(" ");
        let _ = write!(out, "\nDescription:\n  {joined}\n");
    }
    if !outcome.printed.is_empty() {
        let _ = write!(out, "\nPrint messages:\n\n{}", outcome.printed);
    }
    if let Some(error) = &outcome.error {
        out.push_str("\nAn error occurred:\n");
        for line in error.to_string().lines() {
            let _ = writeln!(out, "  {line}");
        }
        return;
    }
    if let Some(arose) = &outcome.arose {
        let _ = writeln!(out, "\nThe result is undefined; that arose at {arose}");
    }
    for rule in &outcome.rules {
        out.push('\n');
        out.push_str(&rule.text(""));
    }
}
