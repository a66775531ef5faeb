//! `statehouse restore FILE`: a backup into an empty place.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use blobs::Blobs;
use clap::Args;
use crypto::Keyring;
use domain::backup::{self, Restored, Target};

use crate::config::{Database, Store, StoreFlags};
use crate::lock::DataDirLock;
use crate::{open, private_file, progress};

#[derive(Debug, Args)]
pub struct Restore {
    /// The backup.
    file: PathBuf,
    #[command(flatten)]
    store: StoreFlags,
}

pub fn run(restore: &Restore) -> Result<()> {
    let store = Store::load(&restore.store)?;
    std::fs::File::open(&restore.file).with_context(|| restore.file.display().to_string())?;
    let key_file = &store.key_file;
    ensure!(
        key_file.exists(),
        "key_file: {} is not there. A backup does not hold the keys: put the key file of the \
         installation there first, with mode 600",
        key_file.display()
    );
    let keyring = Keyring::load(key_file).context("key_file")?;
    let restored = tokio::runtime::Runtime::new()?.block_on(fill(restore, &store, keyring))?;
    let (end, changed) = (&restored.end, restored.changed);
    println!(
        "restored {} rows and {} blobs, as of {}",
        end.rows, end.blobs, restored.header.created_at
    );
    if changed.runs > 0 {
        println!(
            "{} runs were under way: they are errored here, and may have gone on after the backup",
            changed.runs
        );
    }
    if changed.destructions > 0 {
        println!(
            "{} scheduled destructions were due: they are not scheduled any more",
            changed.destructions
        );
    }
    for missing in &end.missing {
        println!("the backup has no {missing}, which was not there when it was made");
    }
    for damaged in &end.damaged {
        println!("when the backup was made, this was damaged: {damaged}");
    }
    println!("Look at it with `statehouse verify`, then start the server.");
    Ok(())
}

async fn fill(restore: &Restore, store: &Store, keyring: Keyring) -> Result<Restored> {
    private_file::directory(&store.data_dir).context("data_dir")?;
    let _lock = DataDirLock::take(&store.data_dir).await?;
    let before = Before::of(store);
    let restored = try_to_fill(restore, store, keyring).await;
    if restored.is_err() {
        before.bring_back(store);
    }
    restored
}

/// What there was, so that a restore that fails leaves nothing behind that would hinder the next.
struct Before {
    /// The names in the folder of the blobs; nothing if it was not there.
    blobs: Option<BTreeSet<OsString>>,
    /// Of SQLite.
    nothing_in_database: bool,
}

impl Before {
    fn of(store: &Store) -> Self {
        let entries = std::fs::read_dir(&store.blobs).ok();
        let names = entries.map(|all| all.flatten().map(|entry| entry.file_name()).collect());
        let nothing_in_database = match &store.database {
            Database::Sqlite(path) => open::is_blank(path),
            Database::Postgres(_) => false,
        };
        Self { blobs: names, nothing_in_database }
    }

    fn bring_back(&self, store: &Store) {
        let mut gone = Vec::new();
        if let (true, Database::Sqlite(path)) = (self.nothing_in_database, &store.database) {
            for ending in ["", "-wal", "-shm"] {
                let mut file = path.clone().into_os_string();
                file.push(ending);
                gone.push(std::fs::remove_file(file));
            }
        }
        gone.push(self.bring_back_blobs(&store.blobs));
        for error in gone.into_iter().filter_map(Result::err) {
            if error.kind() != std::io::ErrorKind::NotFound {
                eprintln!("statehouse: what was restored so far is not all removed: {error}");
            }
        }
    }

    /// The mark is a file beside folders, and goes last: until then this is a restore that was broken off.
    fn bring_back_blobs(&self, blobs: &Path) -> std::io::Result<()> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(blobs)? {
            let entry = entry?;
            if self.blobs.as_ref().is_some_and(|names| names.contains(&entry.file_name())) {
                continue;
            }
            if entry.file_type()?.is_dir() {
                std::fs::remove_dir_all(entry.path())?;
            } else {
                files.push(entry.path());
            }
        }
        for file in files {
            std::fs::remove_file(file)?;
        }
        if self.blobs.is_none() { std::fs::remove_dir(blobs) } else { Ok(()) }
    }
}

async fn try_to_fill(restore: &Restore, store: &Store, keyring: Keyring) -> Result<Restored> {
    private_file::directory(&store.blobs).context("blob_url")?;
    let blobs = Blobs::directory(&store.blobs, keyring.clone()).context("blob_url")?;
    let settings = open::database_settings(store);
    let target = Target { settings, blobs, keyring, now: open::now() };
    let into = || format!("restoring, with the blobs in {}", store.blobs.display());
    backup::restore(&restore.file, target, progress::shown()).await.with_context(into)
}
