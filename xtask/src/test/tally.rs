//! Counting tests from what the runners themselves report.

use std::process::ExitStatus;

use anyhow::{Context as _, Result, bail};
use regex::Regex;

use crate::steps::Tally;

/// Sums the `test result:` lines of `cargo test`, one for each test program.
pub fn of_cargo(status: ExitStatus, output: &str) -> Result<Tally> {
    let sum = cargo_lines(output);
    ended(status, sum)
}

fn cargo_lines(output: &str) -> Tally {
    let line = Regex::new(r"(?m)^test result: .*?(\d+) passed; (\d+) failed; (\d+) ignored")
        .expect("the pattern is constant");
    let mut sum = Tally::default();
    for found in line.captures_iter(output) {
        let count = |group: usize| found[group].parse().expect("digits, as the pattern says");
        sum += Tally { passed: count(1), failed: count(2), skipped: count(3) };
    }
    sum
}

/// Reads the JUnit report of pytest.
pub fn of_pytest(status: ExitStatus, report: &str) -> Result<Tally> {
    let sum = junit(report).with_context(|| format!("pytest ended with {status}"))?;
    ended(status, sum)
}

fn junit(report: &str) -> Result<Tally> {
    let suite = Regex::new(r"<testsuite [^>]*>").expect("the pattern is constant");
    let suite = suite.find(report).context("pytest left no report")?.as_str();
    let count = |name: &str| -> Result<u64> {
        let start = format!(" {name}=\"");
        let (_, rest) = suite.split_once(&start).with_context(|| format!("no {name} counted"))?;
        rest.split('"').next().unwrap_or_default().parse().context("not a number")
    };
    let (failed, skipped) = (count("failures")? + count("errors")?, count("skipped")?);
    Ok(Tally { passed: count("tests")?.saturating_sub(failed + skipped), failed, skipped })
}

/// A runner that failed without counting a failure did not get to its tests, or died in one.
fn ended(status: ExitStatus, tally: Tally) -> Result<Tally> {
    if !status.success() && tally.failed == 0 {
        bail!("ended with {status} after {tally}");
    }
    Ok(tally)
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    #[test]
    fn every_test_program_is_counted() {
        let output = "test a ... ok\n\
            test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out\n\
            test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out\n";
        assert_eq!(cargo_lines(output), Tally { passed: 15, failed: 2, skipped: 1 });
    }

    #[test]
    fn a_report_of_pytest_is_counted() {
        let report = r#"<?xml version="1.0"?><testsuites name="pytest tests"><testsuite
            name="pytest" errors="1" failures="2" skipped="3" tests="10" time="1.2"></testsuite>"#;
        let report = report.replace("\n           ", "");
        assert_eq!(junit(&report).unwrap(), Tally { passed: 4, failed: 3, skipped: 3 });
        assert!(junit("").is_err());
    }

    #[test]
    fn a_runner_that_dies_without_a_failed_test_is_not_a_success() {
        let died = ExitStatus::from_raw(6);
        let output = "test result: ok. 1 passed; 0 failed; 0 ignored";
        assert!(of_cargo(died, output).is_err());
        assert!(of_cargo(ExitStatus::from_raw(0), output).is_ok());
    }
}
