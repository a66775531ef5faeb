//! `statehouse export`: an organization as plain files.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use moving::{
    folder::{self, Folder},
    read::Choice,
    source::Source,
};

use crate::import::servers::{Tokens, shown};

#[derive(Debug, Args)]
pub struct Export {
    /// The organization.
    organization: String,
    /// The folder to write to. What an export that was ended has written there is not read again.
    directory: PathBuf,
    /// The server that it is on.
    #[arg(long, value_name = "ADDRESS")]
    from: String,
    #[command(flatten)]
    tokens: Tokens,
}

pub fn run(export: &Export) -> Result<()> {
    let client = export.tokens.source(&export.from)?;
    let source = Source::Server { client, organization: export.organization.clone() };
    let folder = Folder(export.directory.clone());
    let runtime = tokio::runtime::Runtime::new()?;
    let inventory = runtime.block_on(async {
        let told = shown();
        let inventory = source.inventory(&Choice::default(), &told).await?;
        folder::export(&source, &inventory, &folder, &told).await?;
        Ok::<_, anyhow::Error>(inventory)
    })?;
    for note in &inventory.notes {
        println!("{}: {}.", note.of, note.what);
    }
    let workspaces = inventory.of("workspaces");
    let states: usize = workspaces.iter().map(|item| item.states.len()).sum();
    println!("{} workspaces and {states} states", workspaces.len());
    Ok(())
}
