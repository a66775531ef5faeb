//! `statehouse import states`: plain state files, made into what an export writes.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use moving::{
    folder::Folder,
    gather::{gather, table},
};

#[derive(Debug, Args)]
pub struct States {
    /// The folder that the files of the table are below, such as a copy of a bucket.
    files: PathBuf,
    /// The folder to write to.
    directory: PathBuf,
    /// A table with lines of FILE,WORKSPACE or FILE,WORKSPACE,PROJECT.
    #[arg(long, value_name = "FILE")]
    table: PathBuf,
    /// The organization that they are for.
    #[arg(long, value_name = "NAME")]
    organization: String,
}

impl States {
    pub fn run(&self) -> Result<()> {
        let text = std::fs::read_to_string(&self.table);
        let text = text.with_context(|| self.table.display().to_string())?;
        let lines = table(&text).with_context(|| self.table.display().to_string())?;
        let folder = Folder(self.directory.clone());
        let count = gather(&self.files, &lines, &self.organization, &folder)?;
        println!("{count} states; `statehouse import plan --from-folder` goes on from here");
        Ok(())
    }
}
