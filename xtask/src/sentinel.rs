//! `cargo xtask sentinel`: the test cases of policy repositories, and the plans inside of their mocks.
//!
//! The repositories are somebody else's and stay outside of ours: name the folders of clones.

mod mutants;
mod oracle;
pub mod speed;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use chrono::{DateTime, Utc};
use sentinel::Limits;
use sentinel::testing::{Case, Status, test};

#[derive(clap::Args)]
pub struct Args {
    /// Folders, each with the repository of one set.
    #[arg(required_unless_present = "mutants")]
    sets: Vec<PathBuf>,
    /// Compare the collections of mocks with those derived from the plan that they carry instead.
    #[arg(long)]
    oracle: bool,
    /// Measure the sets' own policies on a large plan instead; meant for a release build.
    #[arg(long, conflicts_with = "oracle")]
    speed: bool,
    /// Put other readings of the language into copies of the engine instead: its probes have to notice each. Minutes.
    #[arg(long, conflicts_with_all = ["sets", "oracle", "speed"])]
    mutants: bool,
    /// Name every case that does not pass.
    #[arg(long, short)]
    verbose: bool,
}

#[derive(Default)]
struct Count {
    passed: usize,
    failed: usize,
    not_runnable: usize,
}

pub async fn run(args: &Args) -> Result<()> {
    if args.mutants {
        return mutants::run().await;
    }
    if args.oracle {
        return oracle::run(&args.sets, args.verbose);
    }
    if args.speed {
        return speed::run(&args.sets);
    }
    println!("{:32} {:>7} {:>7} {:>13}", "set", "passed", "failed", "not runnable");
    let mut all = Count::default();
    for set in &args.sets {
        let count = cases(set, args.verbose)?;
        print(&set.display().to_string(), &count);
        all.passed += count.passed;
        all.failed += count.failed;
        all.not_runnable += count.not_runnable;
    }
    print("all", &all);
    match all.failed {
        0 => Ok(()),
        failed => bail!("{failed} cases fail"),
    }
}

fn print(name: &str, count: &Count) {
    println!("{name:32} {:>7} {:>7} {:>13}", count.passed, count.failed, count.not_runnable);
}

fn cases(set: &Path, verbose: bool) -> Result<Count> {
    let now: DateTime<Utc> = DateTime::UNIX_EPOCH + chrono::TimeDelta::days(20_454);
    let limits = Limits::for_authors(Duration::from_mins(1));
    let mut count = Count::default();
    for policy in policies(set)? {
        for case in test(&policy, now, &limits, |_| true).cases {
            let (word, counter) = match case.status {
                Status::Pass => {
                    count.passed += 1;
                    continue;
                }
                _ if not_runnable(&case) => ("not runnable", &mut count.not_runnable),
                _ => ("failed", &mut count.failed),
            };
            *counter += 1;
            if verbose || word == "failed" {
                println!("  {word}: {}: {}", case.path.display(), case.errors.join("; "));
            }
        }
    }
    Ok(count)
}

/// Cases that need the internet, or a file that their repository does not have.
fn not_runnable(case: &Case) -> bool {
    case.missing || case.errors.iter().any(|error| error.contains("import \"http\" is off"))
}

/// All policies below a folder that have a folder of cases.
fn policies(set: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for file in files(set)? {
        if file.extension().is_some_and(|e| e == "sentinel")
            && let (Some(folder), Some(name)) = (file.parent(), file.file_stem())
            && folder.join("test").join(name).is_dir()
        {
            found.push(file);
        }
    }
    Ok(found)
}

/// All files below a folder, sorted.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let (mut files, mut left) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = left.pop() {
        let entries = std::fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                left.push(entry.path());
            } else {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}
