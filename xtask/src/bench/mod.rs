//! `cargo xtask bench`: what the server costs, in figures and ratios. It asserts nothing.

mod breakdown;
mod client;
mod lists;
mod load;
mod policies;
mod reads;
mod report;
mod runs;
mod server;
mod setup;
mod start;
mod states;
mod throughput;
mod vcs;
mod waiting;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::commands::{command, output, succeed};
use crate::test::engines;
use crate::workspace;
use report::Report;
use server::{Database, Launch};

#[derive(clap::Args)]
pub struct Args {
    /// Write the figures into docs/benchmarks.md as well.
    #[arg(long)]
    write: bool,
    /// Small numbers, to see that everything works; the figures mean little.
    #[arg(long, conflicts_with = "write")]
    quick: bool,
    /// One part alone.
    #[arg(long, value_enum, conflicts_with = "write")]
    only: Option<Part>,
    /// Measure this executable instead of building one: an older one, to compare with.
    #[arg(long, conflicts_with = "write")]
    program: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    Start,
    Runs,
    /// Many runs at once.
    Throughput,
    /// A new run behind many that wait.
    Waiting,
    /// The steps of a run alone.
    Steps,
    Reads,
    Lists,
    States,
    /// Webhooks, and pushes that become runs.
    Vcs,
    Policies,
}

/// How much of everything.
pub struct Sizes {
    starts: usize,
    pairs: usize,
    dispatches: usize,
    at_once: u32,
    waiting: &'static [usize],
    workspaces: usize,
    few_workspaces: usize,
    pages: usize,
    seconds: u64,
    megabytes: &'static [usize],
    deliveries: usize,
    pushes: usize,
    /// In a large repository.
    files: usize,
    /// Workspaces on one repository.
    watchers: usize,
}

impl Sizes {
    fn of(args: &Args) -> Self {
        if args.quick {
            let megabytes = &[1, 10];
            Self {
                starts: 3,
                pairs: 2,
                dispatches: 5,
                at_once: 8,
                waiting: &[10, 100],
                workspaces: 300,
                few_workspaces: 30,
                pages: 10,
                seconds: 1,
                megabytes,
                deliveries: 50,
                pushes: 3,
                files: 1000,
                watchers: 20,
            }
        } else {
            let megabytes = &[1, 10, 100];
            Self {
                starts: 10,
                pairs: 15,
                dispatches: 200,
                at_once: 100,
                waiting: &[10, 1000, 5000],
                workspaces: 10_000,
                few_workspaces: 100,
                pages: 300,
                seconds: 10,
                megabytes,
                deliveries: 1000,
                pushes: 20,
                files: 50_000,
                watchers: 1000,
            }
        }
    }
}

/// Measures everything, one thing after the other, with a server of its own for each.
pub async fn run(args: Args) -> Result<()> {
    if cfg!(debug_assertions) {
        return in_release().await;
    }
    let sizes = Sizes::of(&args);
    let program = match &args.program {
        Some(program) => program.canonicalize().context("--program")?,
        None => built("statehouse").await?,
    };
    let engine = engines::terraform(engines::NEWEST).await?;

    let mut report = Report::new(&machine(&engine).await?);
    let wanted = |part| args.only.is_none_or(|only| only == part);
    if wanted(Part::Start) {
        start::measure(&mut report, &program, &engine, &sizes).await?;
    }
    if wanted(Part::Runs) {
        let server = Launch::of(&program).executing(&engine).start().await?;
        runs::measure(&mut report, &server, &engine, &sizes).await.context(server.log_hint())?;
    }
    if wanted(Part::Runs) || wanted(Part::Steps) {
        breakdown::measure(&mut report, &program, &engine, &sizes).await?;
    }
    for database in Database::ALL {
        if wanted(Part::Throughput) {
            throughput::measure(&mut report, &program, &engine, database, &sizes).await?;
        }
    }
    if wanted(Part::Waiting) {
        waiting::measure(&mut report, &program, &engine, &sizes).await?;
    }
    for database in Database::ALL {
        if wanted(Part::Reads) {
            let server = Launch::of(&program).executing(&engine).on(database).start().await?;
            let measured = reads::measure(&mut report, &server, database, &sizes).await;
            measured.context(server.log_hint())?;
        }
        if wanted(Part::Lists) {
            lists::measure(&mut report, &program, database, &sizes).await?;
        }
    }
    if wanted(Part::States) {
        states::measure(&mut report, &program, &engine, &sizes).await?;
    }
    if wanted(Part::Vcs) {
        vcs::measure(&mut report, &program, &sizes).await?;
    }

    if wanted(Part::Policies) {
        policies::measure(&mut report, &program, sizes.starts)?;
    }

    println!("\n{report}");
    if args.write {
        report.write(&workspace::root().join("docs/benchmarks.md"))?;
    }
    Ok(())
}

/// The same by a faster program: the client takes its time from the two cores that the server has.
async fn in_release() -> Result<()> {
    let program = built("xtask").await?;
    succeed(command(program).args(std::env::args_os().skip(1))).await
}

/// The program of this name, built for release.
async fn built(name: &str) -> Result<PathBuf> {
    let mut build = command("cargo");
    succeed(build.args(["build", "--release", "--locked", "--bin", name])).await?;
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    Ok(workspace::root().join(target).join("release").join(name))
}

/// What the figures were measured on.
async fn machine(engine: &Path) -> Result<Vec<(&'static str, String)>> {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let after = |text: &str, key: &str| {
        let line = text.lines().find(|line| line.starts_with(key)).unwrap_or_default();
        line.split_once(':').map_or("unknown", |(_, value)| value.trim()).to_owned()
    };
    let cores = std::thread::available_parallelism()?.get();
    let rustc = output(command("rustc").arg("--version")).await?;
    let commit = output(command("git").args(["describe", "--always", "--dirty"])).await?;
    Ok(vec![
        ("processor", format!("{}, {cores} cores", after(&read("/proc/cpuinfo"), "model name"))),
        ("memory", after(&read("/proc/meminfo"), "MemTotal")),
        ("kernel", format!("Linux {}", read("/proc/sys/kernel/osrelease").trim())),
        ("compiler", rustc.trim().to_owned()),
        ("commit", commit.trim().to_owned()),
        ("engine", format!("Terraform {}", runs::version_of(engine).await?)),
        (
            "database",
            "SQLite in a temporary folder, or PostgreSQL with its defaults on the same machine"
                .to_owned(),
        ),
        ("load before the bench", read("/proc/loadavg").trim().to_owned()),
    ])
}
