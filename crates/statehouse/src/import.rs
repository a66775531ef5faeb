//! `statehouse import`: moving in from another server.

mod rewrite;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make configurations name another server and organization.
    ///
    /// Changes cloud blocks, remote backends, remote states and sources of modules, and nothing else in their files.
    /// Prints a diff; only with --write files are changed.
    Rewrite(rewrite::Rewrite),
}

pub fn run(command: &Command) -> Result<ExitCode> {
    match command {
        Command::Rewrite(command) => command.run().map(|()| ExitCode::SUCCESS),
    }
}
