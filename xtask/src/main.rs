//! `cargo xtask`: the project's chores, the same for people and for CI.

mod bench;
mod commands;
mod debian;
mod dist;
mod fuzz;
mod lint;
mod new_noun;
mod sentinel;
mod steps;
mod test;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

/// The project's chores.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Task {
    /// What `lint` looks at, and all tests, on both databases, with everything they need.
    Test(test::Args),
    /// Format, clippy, walls, licences and text.
    Lint,
    /// Who depends on whom, against the rules of docs/architecture.md.
    Walls,
    /// Figures of speed and memory; asserts nothing.
    Bench(bench::Args),
    /// What people install who do not compile: binary, archive, package, bill of materials, checksums.
    Dist(dist::Args),
    /// The test cases of Sentinel policy repositories: what passes here, and what does not.
    Sentinel(sentinel::Args),
    /// Texts that nobody would write, against laws that hold for all: of policies, configurations, plans and archives.
    Fuzz(fuzz::Args),
    /// A noun of organizations, from its table to its tests, registered everywhere.
    NewNoun(new_noun::Args),
    /// Makes a noun in a copy of the project, compiles it and runs its tests: minutes.
    TryNewNoun,
}

impl Task {
    async fn run(self) -> Result<()> {
        match self {
            Self::Test(args) => test::run(args).await,
            Self::Lint => lint::run().await,
            Self::Walls => lint::walls().await,
            Self::Bench(args) => bench::run(args).await,
            Self::Dist(args) => dist::run(args).await,
            Self::Sentinel(args) => sentinel::run(&args).await,
            Self::Fuzz(args) => fuzz::run(&args),
            Self::NewNoun(args) => new_noun::run(&args),
            Self::TryNewNoun => new_noun::trial::run().await,
        }
    }
}

/// Resolves on Ctrl-C or SIGTERM. Dropping the task then stops what it had started.
async fn interrupted() -> Result<()> {
    let (mut int, mut term) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        _ = int.recv() => bail!("interrupted"),
        _ = term.recv() => bail!("terminated"),
    }
}

fn main() -> ExitCode {
    let task = Task::parse();
    // One thread: a child that asks to die with its parent means the thread that started it.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: cannot start the runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(async {
        tokio::select! {
            result = task.run() => result,
            result = interrupted() => result,
        }
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
