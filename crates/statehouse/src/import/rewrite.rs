//! `statehouse import rewrite`: a diff of the configurations that name another place, and writing it.

use std::{io::Write as _, path::PathBuf};

use anyhow::Result;
use clap::Args;
use moving::rewrite::{Change, Place, find, write};

#[derive(Debug, Args)]
pub struct Rewrite {
    /// The folder that the configurations are below.
    directory: PathBuf,
    /// The server and organization that they name.
    #[arg(long, value_name = "HOST/ORGANIZATION")]
    from: Place,
    /// The server and organization that they are to name.
    #[arg(long, value_name = "HOST/ORGANIZATION")]
    to: Place,
    /// Change the files.
    #[arg(long)]
    write: bool,
}

impl Rewrite {
    pub fn run(&self) -> Result<()> {
        let change = Change { from: self.from.clone(), to: self.to.clone() };
        let (files, notes) = find(&self.directory, &change)?;
        let mut out = std::io::stdout().lock();
        for file in &files {
            write!(out, "{}", file.diff(&self.directory))?;
        }
        out.flush()?;
        for note in &notes {
            eprintln!("{}:{}: {}", note.path.display(), note.line, note.text);
        }
        if self.write {
            for file in &files {
                write(file)?;
            }
            eprintln!("{} files changed", files.len());
        } else {
            eprintln!("{} files would change; --write changes them", files.len());
        }
        Ok(())
    }
}
