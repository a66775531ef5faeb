//! `statehouse backup FILE`: everything in one file, while the server serves.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::Args;
use domain::backup::{self, Source, Summary};
use tempfile::{Builder, NamedTempFile};

use crate::config::{Store, StoreFlags};
use crate::{open, progress};

#[derive(Debug, Args)]
pub struct Backup {
    /// The file to write; it must not exist. It is there when it is whole, and not before.
    file: PathBuf,
    /// Back up what is whole, and leave out what is missing or damaged: exit code 2 if that is anything.
    #[arg(long)]
    even_if_damaged: bool,
    #[command(flatten)]
    store: StoreFlags,
}

/// Of a backup that lacks something.
const NOT_ALL: u8 = 2;

pub fn run(backup: &Backup) -> Result<ExitCode> {
    let store = Store::load(&backup.store)?;
    let file = std::path::absolute(&backup.file)?;
    ensure!(!file.exists(), "{} exists already", file.display());
    let summary =
        tokio::runtime::Runtime::new()?.block_on(write(&store, &file, backup.even_if_damaged))?;
    let end = summary.end;
    println!(
        "{}: {} rows and {} blobs ({})",
        file.display(),
        end.rows,
        end.blobs,
        progress::size(summary.bytes)
    );
    println!(
        "The key file is not in it. Keep a copy apart from the backup: {}",
        store.key_file.display()
    );
    let lacks = end.missing.len() + end.damaged.len();
    if lacks == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!(
        "statehouse: the backup is complete but for {lacks} that were missing or damaged:\n  {}",
        backup::all_of(&end.missing, &end.damaged)
    );
    Ok(ExitCode::from(NOT_ALL))
}

async fn write(store: &Store, file: &Path, even_if_damaged: bool) -> Result<Summary> {
    let (db, blobs, _, known) = open::existing(store).await?;
    let unfinished = unfinished(file)?;
    let source = Source {
        db: db.clone(),
        settings: open::database_settings(store),
        blobs,
        known,
        clock: open::now,
        even_if_damaged,
    };
    let written = backup::write(source, unfinished.reopen()?, progress::shown()).await;
    let summary = written.with_context(|| format!("writing {}", file.display()))?;
    db.close().await;
    let folder = file.parent().unwrap_or(Path::new("/"));
    unfinished.persist_noclobber(file).with_context(|| file.display().to_string())?;
    std::fs::File::open(folder)?.sync_all().with_context(|| folder.display().to_string())?;
    Ok(summary)
}

/// Beside the file and under another name, so that nobody takes it for a backup. For the owner alone.
fn unfinished(file: &Path) -> Result<NamedTempFile> {
    let name = file.file_name().context("FILE is a directory")?;
    let folder = file.parent().context("FILE is a directory")?;
    Builder::new()
        .prefix(&format!("{}.", name.to_string_lossy()))
        .suffix(".unfinished")
        .tempfile_in(folder)
        .with_context(|| folder.display().to_string())
}
