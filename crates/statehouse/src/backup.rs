//! `statehouse backup FILE`: everything in one file, while the server serves.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use domain::backup::{self, Source, Summary};
use tempfile::{Builder, NamedTempFile};

use crate::config::{Store, StoreFlags};
use crate::{open, progress};

#[derive(Debug, Args)]
pub struct Backup {
    /// The file to write; it must not exist. It is there when it is whole, and not before.
    file: PathBuf,
    #[command(flatten)]
    store: StoreFlags,
}

pub fn run(backup: &Backup) -> Result<()> {
    let store = Store::load(&backup.store)?;
    let file = std::path::absolute(&backup.file)?;
    ensure!(!file.exists(), "{} exists already", file.display());
    let summary = tokio::runtime::Runtime::new()?.block_on(write(&store, &file))?;
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
    if end.missing.is_empty() {
        return Ok(());
    }
    bail!(
        "the backup is complete but for {} blobs that rows name and that are not there:\n  {}",
        end.missing.len(),
        end.missing.join("\n  ")
    )
}

async fn write(store: &Store, file: &Path) -> Result<Summary> {
    let (db, blobs, _, known) = open::existing(store).await?;
    let unfinished = unfinished(file)?;
    let source = Source {
        db: db.clone(),
        settings: open::database_settings(store),
        blobs,
        known,
        clock: open::now,
    };
    let summary = backup::write(source, unfinished.reopen()?, progress::shown()).await?;
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
