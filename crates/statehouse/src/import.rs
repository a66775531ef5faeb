//! `statehouse import`: moving in from another server.

mod apply;
mod plan;
mod rewrite;
pub mod servers;
mod states;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Read an organization and write down what would come over; changes nothing anywhere.
    ///
    /// Prints a report, and writes a file that the other commands go by. It has the values of variables in it that are
    /// not secret.
    Plan(Box<plan::Plan>),
    /// Make on the target what the file says.
    ///
    /// What is there already is never changed; what it lacks is added. So it may be ended and repeated at any time.
    /// Workspaces are locked at the source, with a reason, and stay so. Exit code 1 if something did not come over.
    Apply(apply::Apply),
    /// Compare both sides again. Exit code 1 if they differ.
    Verify(apply::Verify),
    /// Write a file to fill in the secret values that the source does not tell, for `apply --secrets`.
    Secrets(apply::Secrets),
    /// Make a folder for `plan --from-folder` out of plain state files and a table that says whose they are.
    States(states::States),
    /// Make configurations name another server and organization.
    ///
    /// Changes cloud blocks, remote backends, remote states and sources of modules, and nothing else in their files.
    /// Prints a diff; only with --write files are changed.
    Rewrite(rewrite::Rewrite),
}

pub fn run(command: &Command) -> Result<ExitCode> {
    match command {
        Command::Plan(command) => command.run().map(|()| ExitCode::SUCCESS),
        Command::Apply(command) => command.run(),
        Command::Verify(command) => command.run(),
        Command::Secrets(command) => command.run().map(|()| ExitCode::SUCCESS),
        Command::States(command) => command.run().map(|()| ExitCode::SUCCESS),
        Command::Rewrite(command) => command.run().map(|()| ExitCode::SUCCESS),
    }
}
