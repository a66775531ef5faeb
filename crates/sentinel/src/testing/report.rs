//! The results of tests, as people and as programs read them.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Case, Status, Tested};
use crate::trace::trace;

fn word(status: Status) -> &'static str {
    match status {
        Status::Pass | Status::Untested => "PASS",
        Status::Fail => "FAIL",
        Status::Error => "ERROR",
    }
}

/// The lines for one policy. `verbose` shows the traces of cases that pass too.
pub fn text(tested: &Tested, verbose: bool) -> String {
    let mut out = String::new();
    let (status, path) = (tested.status(), tested.path.display());
    let note = if status == Status::Untested { " [no test files]" } else { "" };
    let _ = writeln!(out, "{} - {path}{note}", word(status));
    for case in &tested.cases {
        self::case(&mut out, case, verbose);
    }
    out
}

fn case(out: &mut String, case: &Case, verbose: bool) {
    let _ = writeln!(out, "  {} - {}", word(case.status), case.path.display());
    for error in &case.errors {
        let prefix = if case.status == Status::Error { "Error: " } else { "" };
        let _ = writeln!(out, "    {prefix}{error}");
    }
    for warning in &case.warnings {
        let _ = writeln!(out, "    Warning: {warning}");
    }
    let Some(outcome) = &case.outcome else { return };
    if case.status == Status::Pass && !verbose {
        return;
    }
    if !outcome.printed.is_empty() {
        out.push_str("\n    logs:\n");
        for line in outcome.printed.lines() {
            let _ = writeln!(out, "      {line}");
        }
    }
    if !outcome.rules.is_empty() {
        out.push_str("\n    trace:\n");
        for rule in &outcome.rules {
            out.push_str(&rule.text("      "));
        }
    }
    out.push('\n');
}

/// The results of all policies as one JSON document.
pub fn json(all: &[Tested]) -> Value {
    let policies = all.iter().map(|tested| {
        let path = tested.path.display().to_string();
        let status = match tested.status() {
            Status::Untested => "?",
            status => word(status),
        };
        let cases = tested.cases.iter().map(|case| {
            let path = case.path.display().to_string();
            let rules = case.outcome.as_ref().map(trace).map(|trace| trace["rules"].clone());
            let value = json!({
                "path": path,
                "status": word(case.status),
                "errors": case.errors,
                "trace": case.outcome.as_ref().map(trace),
                "rule_detail": rules,
                "config_warnings": case.warnings,
                "config_legacy": case.path.extension().is_some_and(|e| e == "json"),
            });
            (path, value)
        });
        let cases: serde_json::Map<String, Value> = cases.collect();
        let errors: Vec<&String> = tested.cases.iter().flat_map(|case| &case.errors).collect();
        let value = json!({ "path": path, "status": status, "errors": errors, "cases": cases });
        (path, value)
    });
    json!({ "policies": policies.collect::<serde_json::Map<String, Value>>() })
}
