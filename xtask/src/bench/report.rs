//! The figures as a table, and the page they are kept on.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};

/// Where people say why a figure is not what it should be.
const REASONS: &str = "\n## What misses its aim\n";

/// Figures in the order they were measured; each is printed as it comes.
pub struct Report {
    machine: String,
    rows: Vec<[String; 3]>,
}

impl Report {
    /// An empty report of this machine.
    pub fn new(machine: &[(&str, String)]) -> Self {
        let lines = machine.iter().map(|(name, value)| format!("- {name}: {value}\n"));
        Self { machine: lines.collect(), rows: Vec::new() }
    }

    /// Adds a figure. The aim is what we want, not what is asserted.
    pub fn add(&mut self, what: &str, figure: &str, aim: &str) {
        println!("── {what}: {figure}");
        self.rows.push([what, figure, aim].map(str::to_owned));
    }

    /// Writes the page, and keeps what somebody wrote about the figures at its end.
    pub fn write(&self, path: &Path) -> Result<()> {
        let before = std::fs::read_to_string(path).unwrap_or_default();
        let page = self.page(&before);
        std::fs::write(path, page).with_context(|| format!("cannot write {}", path.display()))
    }

    fn page(&self, before: &str) -> String {
        let kept = before.find(REASONS).map_or("", |at| &before[at..]);
        format!(
            "# Benchmarks\n\n\
             Written by `cargo xtask bench --write`. The bench prints what it measures and asserts \
             nothing; the aims are ours.\n\n\
             The client runs on the same machine as the server, on one thread. A run is looked at \
             every 2 ms, so its times are known to about 3 ms. The ratio compares runs with bare \
             `init` and `plan`, taken alternately with the same engine and the same configuration. \
             Extra memory is the peak of resident memory above what was resident just before. The \
             steps of a run are those of the agent's log; what they make durable and which programs \
             they start is counted by `strace`, in other runs than those whose time is taken.\n\n\
             ## Machine\n\n{}\n## Figures\n\n{self}{kept}",
            self.machine
        )
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| what | measured | aim |\n| --- | ---: | ---: |")?;
        for [what, figure, aim] in &self.rows {
            writeln!(f, "| {what} | {figure} | {aim} |")?;
        }
        Ok(())
    }
}

/// A time in milliseconds, to a tenth.
pub fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

/// Bytes in megabytes, to a tenth.
pub fn megabytes(bytes: u64) -> String {
    let tenths = bytes / 100_000;
    format!("{}.{} MB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_outlive_the_figures_that_they_are_about() {
        let mut report = Report::new(&[("compiler", "old".into())]);
        report.add("reads", "7/s", "≥ 9/s");
        let first = report.page("");
        let reasons = "\n## What misses its aim\n\nReads: the disk is slow.\n";
        let mut report = Report::new(&[("compiler", "new".into())]);
        report.add("reads", "8/s", "≥ 9/s");
        let second = report.page(&format!("{first}{reasons}"));
        assert!(second.ends_with(&format!("| reads | 8/s | ≥ 9/s |\n{reasons}")), "{second}");
        assert!(!second.contains("old") && !second.contains("7/s"), "{second}");
    }

    #[test]
    fn figures_carry_their_unit() {
        assert_eq!(millis(Duration::from_micros(12_345)), "12.3 ms");
        assert_eq!(megabytes(63_990_000), "63.9 MB");
    }
}
