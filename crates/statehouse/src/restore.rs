//! `statehouse restore FILE`: a backup into an empty place.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use blobs::Blobs;
use clap::Args;
use crypto::Keyring;
use domain::backup::{self, Restored, Target};

use crate::config::{Store, StoreFlags};
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
    println!("Look at it with `statehouse verify`, then start the server.");
    Ok(())
}

async fn fill(restore: &Restore, store: &Store, keyring: Keyring) -> Result<Restored> {
    private_file::directory(&store.data_dir).context("data_dir")?;
    let _lock = DataDirLock::take(&store.data_dir).await?;
    private_file::directory(&store.blobs).context("blob_url")?;
    let blobs = Blobs::directory(&store.blobs, keyring.clone()).context("blob_url")?;
    let settings = open::database_settings(store);
    let target = Target { settings, blobs, keyring, now: open::now() };
    backup::restore(&restore.file, target, progress::shown()).await
}
