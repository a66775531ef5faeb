//! Statehouse: one binary that serves, executes runs and looks after itself.

mod admin;
mod apart;
mod audit;
mod backup;
mod config;
mod demo;
mod doctor;
mod embedded;
mod export;
mod failure;
mod git;
mod health;
mod import;
mod listener;
mod lock;
mod migrate;
mod open;
mod policy;
mod private_file;
mod progress;
mod remote;
mod restore;
mod sentinel;
mod serve;
mod shutdown;
mod task;
mod telemetry;
mod tls;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use nix::sys::signal::{SigSet, Signal};

use config::{ServeFlags, StoreFlags};

/// The system's keeps what threads have given back: a crowd at the sign-in page would cost a gigabyte for good.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A self-hosted server that speaks the HCP Terraform / Terraform Enterprise API v2.
#[derive(Debug, Parser)]
#[command(name = "statehouse", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until SIGTERM or SIGINT.
    ///
    /// Each setting is taken from the first of these that has it: its flag, its environment
    /// variable, the file named by --config (keys are the flags with underscores), its default.
    Serve(ServeFlags),
    /// Execute the runs of an agent pool on this machine, for a server elsewhere.
    ///
    /// Settings are taken as by `serve`. The token is one of the pool's; keep it in a file that only
    /// this user can read, or in STATEHOUSE_TOKEN.
    Agent(remote::Agent),
    /// Check every setting and what it points at, and start nothing.
    Doctor(ServeFlags),
    /// Show the whole way of a run on this machine: server, user, workspace, terraform apply.
    Demo(demo::Demo),
    /// Create users, reset passwords, mint tokens.
    Admin(admin::Admin),
    /// Bring the database's schema up to date, and print what it consists of.
    Migrate(StoreFlags),
    /// Test and apply Sentinel policies on this machine, as their authors do.
    Sentinel(sentinel::Sentinel),
    /// Ask policies that are not in force yet about plans that a server has recorded.
    #[command(subcommand)]
    Policy(policy::Command),
    /// Write database and blobs into one file, while the server serves.
    ///
    /// The key file is not in it: keep a copy of that elsewhere. Exit code 1 if there is none:
    /// it could not be made, or something that belongs into it is missing or damaged.
    Backup(backup::Backup),
    /// Restore a backup into an empty place.
    ///
    /// The key file must be there already. The database may be another one than that of the backup:
    /// PostgreSQL instead of SQLite, or the other way round.
    Restore(restore::Restore),
    /// Read everything that is stored and say what is damaged; changes nothing.
    ///
    /// Exit code 1 if anything is damaged. May run while the server serves.
    Verify(StoreFlags),
    /// Write all of an organization into a folder of plain files, which `import` reads.
    Export(export::Export),
    /// Move in from HCP Terraform, Terraform Enterprise or another Statehouse.
    #[command(subcommand)]
    Import(import::Command),
    /// The audit trail: who did what.
    #[command(subcommand)]
    Audit(audit::Command),
}

fn main() -> ExitCode {
    // Only for the agent and for policies, and not by the parser, which takes longer than all that it has to do.
    if std::env::args_os().nth(1).is_some_and(|first| first == "engine-exec") {
        return ended(agent::engine_exec().map(|never| match never {}));
    }
    if std::env::args_os().nth(1).is_some_and(|first| first == ::policy::apart::COMMAND) {
        return ended(apart::run());
    }
    if let Err(error) = survive_file_limits() {
        eprintln!("statehouse: a limit on the size of files would end this process: {error}");
    }
    ended(match sentinel::parse::<Cli>(std::env::args_os()).command {
        Command::Serve(flags) => serve::command(&flags),
        Command::Agent(agent) => remote::command(&agent),
        Command::Doctor(flags) => doctor::run(&flags),
        Command::Demo(demo) => demo::run(&demo),
        Command::Admin(admin) => admin::run(admin),
        Command::Migrate(flags) => migrate::run(&flags),
        Command::Sentinel(command) => return command.run(),
        Command::Policy(command) => return policy::run(&command),
        Command::Backup(backup) => match backup::run(&backup) {
            Ok(code) => return code,
            Err(error) => Err(error),
        },
        Command::Restore(restore) => restore::run(&restore),
        Command::Verify(flags) => verify::run(&flags),
        Command::Export(command) => export::run(&command),
        Command::Import(command) => match import::run(&command) {
            Ok(code) => return code,
            Err(error) => Err(error),
        },
        Command::Audit(command) => audit::run(&command),
    })
}

/// A write beyond a limit on the size of files fails, and does not end the process by SIGXFSZ in the middle of its work.
/// Threads that come later inherit this; programs that we start do not.
fn survive_file_limits() -> nix::Result<()> {
    SigSet::from(Signal::SIGXFSZ).thread_block()
}

fn ended(outcome: anyhow::Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            if !e.is::<failure::Logged>() {
                eprintln!("statehouse: {}", failure::sentence(&e));
            }
            ExitCode::FAILURE
        }
    }
}
