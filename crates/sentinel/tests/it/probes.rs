//! Probes: tables of tiny programs and the value that `r` has after them.

use std::collections::BTreeSet;

use crate::ask::value;

/// Checks all lines `program => value` of a table; `error` stands for an error, and
/// `error: words` for one that says these words.
fn all_hold(table: &str) {
    let mut wrong = Vec::new();
    let lines = table.lines().map(str::trim).filter(|line| !line.is_empty());
    let probes: Vec<&str> = lines.filter(|line| !line.starts_with("# ")).collect();
    assert!(!probes.is_empty());
    for probe in probes {
        let (program, expected) = probe.rsplit_once(" => ").unwrap();
        let got = value(program);
        let right = match (expected.strip_prefix("error"), &got) {
            (Some(words), Err(error)) => error.contains(words.trim_start_matches(": ")),
            (None, Ok(got)) => value(&format!("r = {expected}")).unwrap() == *got,
            (Some(_), Ok(_)) | (None, Err(_)) => false,
        };
        if !right {
            wrong.push(format!("{probe}\n    got {got:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn small_programs_give_the_values_that_the_reference_lists() {
    all_hold(include_str!("../probes/first.probe"));
}

#[test]
fn every_decision_of_the_reference_is_taken() {
    let table = include_str!("../probes/decisions.probe");
    all_hold(table);
    let number = |head: &str| head.split(' ').next()?.parse::<u8>().ok();
    let (mut decisions, mut last) = (BTreeSet::new(), None);
    for line in table.lines() {
        match line.strip_prefix("# ") {
            Some(head) => last = number(head),
            None => decisions.extend(last),
        }
    }
    assert!(decisions.into_iter().eq(1..=48));
}

#[test]
fn words_scopes_statements_and_lines_mean_what_the_language_says() {
    all_hold(include_str!("../probes/language.probe"));
}

#[test]
fn builtins_answer_what_is_right_wrong_undefined_and_at_the_edge() {
    all_hold(include_str!("../probes/builtins.probe"));
}

#[test]
fn standard_imports_answer_what_is_right_wrong_undefined_and_at_the_edge() {
    all_hold(include_str!("../probes/imports.probe"));
}

/// What real policies do not tell apart (data of modules: `imports`).
#[test]
fn no_other_reading_of_the_reference_would_go_unnoticed() {
    all_hold(include_str!("../probes/readings.probe"));
}
