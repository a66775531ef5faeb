//! `statehouse sentinel`: test and apply policies on this machine, with the output that tools read.

mod apply;

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use regex::Regex;
use sentinel::testing::{self, Status, Tested};
use sentinel::{Limits, Verdict};

/// Test and apply Sentinel policies.
#[derive(Debug, Args)]
pub struct Sentinel {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the cases in test/NAME/ of each policy NAME.sentinel.
    ///
    /// Exits with 0 if all pass, with 1 if one fails or errs, with 9 if nothing can be tested.
    Test(Test),
    /// Ask one policy, or all policies of a configuration.
    ///
    /// Exits with 0 if it passes, 1 if it fails, 2 if its result is undefined, 3 if it errs, and 9
    /// if it cannot be asked.
    Apply(apply::Apply),
}

#[derive(Debug, Args)]
struct Test {
    /// Policies, or folders with policies.
    #[arg(default_value = ".")]
    paths: Vec<PathBuf>,
    /// Only policies, or with a slash policies and cases, that these regular expressions find.
    #[arg(long, value_name = "REGEX")]
    run: Option<String>,
    /// Print what policies print, and the values of their rules, of passing cases too.
    #[arg(long)]
    verbose: bool,
    /// Print the results as JSON.
    #[arg(long)]
    json: bool,
    /// What one case may take: seconds, or a time such as 5m.
    #[arg(long, default_value = "300", value_parser = time)]
    timeout: Duration,
    /// For the scripts of others: cases are asked one after the other.
    #[arg(long = "maxConcurrency", hide = true)]
    _max_concurrency: Option<u32>,
    /// For the scripts of others: nothing is printed in colours.
    #[arg(long = "color", hide = true, num_args = 0..=1, require_equals = true)]
    _color: Option<String>,
}

/// Seconds, or a number with its unit.
fn time(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse() {
        return Ok(Duration::from_secs(seconds));
    }
    crate::config::duration(text).map_err(|why| format!("{why}: no time such as 30 or 5m"))
}

/// What `sentinel` exits with where it can say nothing about policies.
const OTHER: u8 = 9;

impl Sentinel {
    /// The command. Its exit codes are its own, as scripts expect them.
    pub fn run(&self) -> ExitCode {
        let outcome = match &self.command {
            Command::Test(command) => command.run(),
            Command::Apply(command) => command.run(),
        };
        match outcome {
            Ok(code) => ExitCode::from(code),
            Err(e) => {
                eprintln!("statehouse: {e:#}");
                ExitCode::from(OTHER)
            }
        }
    }
}

/// Reads the arguments. Of `sentinel` a mistake in them has an exit code that means no verdict.
pub fn parse<Cli: clap::Parser>(given: impl Iterator<Item = OsString>) -> Cli {
    let given = arguments(given);
    let ours = given.get(1).is_some_and(|command| command == "sentinel");
    Cli::try_parse_from(given).unwrap_or_else(|error| {
        if !ours || !error.use_stderr() {
            error.exit();
        }
        // Nothing is left to say where even that cannot be said.
        let _ = error.print();
        std::process::exit(OTHER.into())
    })
}

/// The arguments, with the single dashes that scripts give to `sentinel` doubled.
fn arguments(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let arguments: Vec<OsString> = arguments.collect();
    if arguments.get(1).is_none_or(|command| command != "sentinel") {
        return arguments;
    }
    let doubled = |argument: OsString| match argument.to_str() {
        Some(text)
            if text.len() > 2
                && text.starts_with('-')
                && text.as_bytes()[1].is_ascii_alphabetic() =>
        {
            format!("-{text}").into()
        }
        _ => argument,
    };
    arguments.into_iter().map(doubled).collect()
}

#[expect(clippy::disallowed_methods, reason = "a command line has no server's clock")]
fn now() -> DateTime<Utc> {
    Utc::now()
}

fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// What a policy's verdict exits with.
fn code(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Passed => 0,
        Verdict::Failed => 1,
        Verdict::Undefined => 2,
        Verdict::Errored => 3,
    }
}

impl Test {
    fn run(&self) -> anyhow::Result<u8> {
        let pattern = self.run.as_deref().unwrap_or_default();
        let (policy, case) = pattern.split_once('/').unwrap_or((pattern, ""));
        let (policy, case) = (Regex::new(policy)?, Regex::new(case)?);
        let named = |pattern: &Regex, path: &Path| {
            path.file_name().is_some_and(|name| pattern.is_match(&name.to_string_lossy()))
        };
        let (now, limits) = (now(), Limits::for_authors(self.timeout));
        let (mut all, mut found) = (Vec::new(), false);
        for path in &self.paths {
            let policies = testing::policies(path).map_err(anyhow::Error::msg)?;
            for path in policies.iter().filter(|path| named(&policy, path)) {
                found = true;
                let tested = testing::test(path, now, &limits, |path| named(&case, path));
                if !self.json {
                    print(&testing::text(&tested, self.verbose))?;
                }
                all.push(tested);
            }
        }
        anyhow::ensure!(found, "there is no policy to test");
        if self.json {
            print(&format!("{:#}\n", testing::json(&all)))?;
        }
        let bad = |tested: &Tested| tested.status() > Status::Pass;
        Ok(u8::from(all.iter().any(bad)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_dashes_are_doubled_for_sentinel_alone() {
        let given = |text: &str| arguments(text.split(' ').map(Into::into));
        let plain = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        assert_eq!(
            given("statehouse sentinel test -json -run=a -v - x"),
            plain("statehouse sentinel test --json --run=a -v - x")
        );
        assert_eq!(given("statehouse serve -x-y"), plain("statehouse serve -x-y"));
    }
}
