//! `statehouse audit`: whether the audit trail is whole, and all of it for other programs.

use std::io::{self, BufWriter, Write as _};

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use courier::Courier;
use domain::{App, Ctx, audit};

use crate::config::{Store, StoreFlags};
use crate::{admin, open};

/// Entries that are read at once.
const AT_ONCE: u64 = 1000;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Follow the chain of entries from the first one on, and say where it is broken.
    ///
    /// Prints the number and the hash of the last entry: noted elsewhere, they show later whether the end was cut off.
    /// Exit code 1 if an entry is missing, or is not what was written. May run while the server serves.
    Verify(StoreFlags),
    /// Write entries as lines of JSON to standard output, in their order.
    ///
    /// Each line has the entry's number and its hash. May run while the server serves.
    Export(Export),
}

#[derive(Debug, Args)]
pub struct Export {
    /// Begin behind the entry of this number.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    after: i64,
    #[command(flatten)]
    store: StoreFlags,
}

pub fn run(command: &Command) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    match command {
        Command::Verify(flags) => runtime.block_on(with_app(flags, verify)),
        Command::Export(export) => {
            runtime.block_on(with_app(&export.store, async |cx| write(cx, export.after).await))
        }
    }
}

async fn with_app(flags: &StoreFlags, work: impl AsyncFnOnce(&Ctx) -> Result<()>) -> Result<()> {
    let store = Store::load(flags)?;
    let (db, blobs, keyring, _) = open::existing(&store).await?;
    let courier = Courier::new(courier::Settings::default())?;
    let app = App::new(db, blobs, courier, keyring, admin::offline());
    let done = work(&app.system("command line")).await;
    app.close().await;
    done
}

async fn verify(cx: &Ctx) -> Result<()> {
    let verdict = audit::verify(cx).await?;
    println!("{} entries follow on each other, the last is {}", verdict.whole, verdict.head);
    if let Some((number, why)) = verdict.broken {
        println!("BROKEN  entry {number}: {why}");
    }
    if verdict.missing > 0 {
        println!("MISSING entries of {} events", verdict.missing);
    }
    if !verdict.is_whole() {
        bail!("the audit trail is not whole");
    }
    Ok(())
}

async fn write(cx: &Ctx, mut after: i64) -> Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    loop {
        let some = audit::after(cx, after, AT_ONCE).await?;
        let Some(last) = some.last() else { break };
        after = last.number;
        for entry in &some {
            writeln!(out, "{}", audit::line(entry)?)?;
        }
    }
    Ok(out.flush()?)
}
