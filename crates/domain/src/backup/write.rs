//! Writing a backup: the rows of one moment first, then the blobs that they name, which nobody deletes meanwhile.

use std::{
    collections::HashSet,
    fs::File,
    io::{BufRead, BufReader, BufWriter, Read, Seek, Write},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use blobs::{Blobs, LogId, Name, Place};
use bytes::{Buf, Bytes};
use db::{Db, Snapshot, Timestamp, dump::Table};
use futures::{StreamExt, stream::BoxStream};
use tokio::runtime::Handle;

use super::{BLOBS, End, FORMAT, HEADER, Header, Key, Lack, Progress, ROWS, Step, archive::Writer};
use crate::installation::{
    Known,
    holds::Hold,
    named::{self, Named},
};

/// Bytes of rows in one entry of the file.
const ROWS_AT_ONCE: usize = 1 << 20;
/// How often a hold is renewed; it is good for ten times as long.
const RENEW: Duration = Duration::from_mins(1);
/// How often the parts of a log are looked at again, because they were joined meanwhile.
const ATTEMPTS: usize = 8;

/// What is backed up.
pub struct Source {
    pub db: Db,
    /// Of the same database.
    pub settings: db::Settings,
    pub blobs: Blobs,
    pub known: Known,
    pub clock: fn() -> Timestamp,
    /// Whether what is whole is backed up without the rest.
    pub even_if_damaged: bool,
}

/// What a backup holds.
#[derive(Debug)]
pub struct Summary {
    pub end: End,
    /// Bytes of blobs, as they are stored.
    pub bytes: u64,
}

/// Writes a backup to a file, which is whole and on disk when this returns.
pub async fn write(source: Source, to: File, progress: Arc<Progress>) -> Result<Summary> {
    let clock = source.clock;
    let hold = Arc::new(Hold::new(&source.db));
    // Where the server's own disk is full nothing can be noted, and just then a backup is wanted. Nothing is deleted
    // there either; what is deleted after all is told as missing.
    if let Err(error) = hold.renew(clock()).await {
        tracing::warn!("blobs that are deleted meanwhile will be missing: {error}");
    }
    let renewed = hold.clone();
    let renewing = tokio::spawn(async move {
        loop {
            tokio::time::sleep(RENEW).await;
            if let Err(error) = renewed.renew(clock()).await {
                tracing::warn!("the hold on deleted blobs was not renewed: {error}");
            }
        }
    });
    let handle = Handle::current();
    let written = tokio::task::spawn_blocking(move || {
        let writer = Writer::new(BufWriter::new(to));
        let (blobs, lack) = (source.blobs, Lack::default());
        let backup = Backup { handle, blobs, writer, progress, lack };
        backup.run(&source.settings, &source.known, clock(), source.even_if_damaged)
    });
    let written = written.await.context("writing")?;
    renewing.abort();
    // Whoever was being renewed has let go of it by the end of the task.
    renewing.await.ok();
    if let Ok(hold) = Arc::try_unwrap(hold) {
        // Good for some minutes more where it cannot be let go of.
        if let Err(error) = hold.release(clock()).await {
            tracing::warn!("the hold on deleted blobs was not released: {error}");
        }
    }
    written
}

/// Works on a thread that may block.
struct Backup {
    handle: Handle,
    blobs: Blobs,
    writer: Writer<BufWriter<File>>,
    progress: Arc<Progress>,
    lack: Lack,
}

impl Backup {
    fn run(
        mut self,
        settings: &db::Settings,
        known: &Known,
        now: Timestamp,
        even_if_damaged: bool,
    ) -> Result<Summary> {
        let handle = self.handle.clone();
        let mut snapshot = if even_if_damaged {
            let mut snapshot = handle.block_on(Snapshot::take_as_it_is(settings))?;
            if let Err(error) = handle.block_on(snapshot.prove()) {
                self.lack.damaged.push(error.to_string());
            }
            snapshot
        } else {
            handle.block_on(Snapshot::take(settings))?
        };
        let tables = handle.block_on(snapshot.tables())?;
        let header = Header {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            installation: known.id().context("the installation has no id yet")?.to_owned(),
            created_at: now.iso8601(),
            keys: known
                .keys()
                .iter()
                .map(|key| Key { id: key.id.clone(), fingerprint: key.fingerprint.clone() })
                .collect(),
            migrations: handle.block_on(snapshot.migrations())?,
            tables: tables.clone(),
        };
        self.writer.json(HEADER, &header)?;

        // A list of millions of names does not belong into memory.
        let mut names = BufWriter::new(tempfile::tempfile().context("a temporary file")?);
        let mut rows = 0;
        for table in &tables {
            self.table(&mut snapshot, table, &mut rows, &mut names)?;
        }
        handle.block_on(snapshot.close());

        let mut names = names.into_inner().context("a temporary file")?;
        names.rewind()?;
        let (mut blobs, mut bytes) = (0, 0);
        for name in BufReader::new(names).lines() {
            let name = name?;
            match name.strip_prefix("log ") {
                Some(log) => {
                    bytes += self.log(&LogId::new(log)?)?;
                    blobs += 1;
                }
                None => match self.copy(&Place::parse(&name)?)? {
                    Copied::All(size) => {
                        bytes += size;
                        blobs += 1;
                    }
                    Copied::Damaged => {}
                    Copied::Absent => self.lack.missing.push(name),
                },
            }
            (self.progress)(Step { what: "blobs", done: blobs, bytes });
        }
        ensure!(
            even_if_damaged || self.lack.is_nothing(),
            "no backup was made, as what is stored is damaged; `--even-if-damaged` makes one of the rest. Run \
             `statehouse verify` to see whose it is.\n  {}",
            all_of(&self.lack.missing, &self.lack.damaged)
        );
        let (file, end) = self.writer.finish(rows, blobs, self.lack)?;
        let file = file.into_inner().context("writing the last bytes")?;
        file.sync_all()?;
        Ok(Summary { end, bytes })
    }

    fn table(
        &mut self,
        snapshot: &mut Snapshot,
        table: &Table,
        count: &mut u64,
        names: &mut impl Write,
    ) -> Result<()> {
        let (mut lines, mut number) = (Vec::new(), 0);
        let mut rows = snapshot.rows(table);
        loop {
            let row = self.handle.block_on(rows.next()).transpose()?;
            if let Some(row) = &row {
                serde_json::to_writer(&mut lines, row)?;
                lines.push(b'\n');
                *count += 1;
                for named in named::of(table, row) {
                    match named {
                        Named::Blob(kind, id) => writeln!(names, "{}", Name::new(kind, &id)?)?,
                        Named::Log(id) => writeln!(names, "log {id}")?,
                    }
                }
            }
            if lines.len() >= ROWS_AT_ONCE || (row.is_none() && !lines.is_empty()) {
                self.writer.add(&format!("{ROWS}{}/{number:08}.jsonl", table.name), &lines)?;
                lines.clear();
                number += 1;
                (self.progress)(Step { what: "rows", done: *count, bytes: 0 });
            }
            if row.is_none() {
                return Ok(());
            }
        }
    }

    /// Copies a blob that can be opened.
    fn copy(&mut self, place: &Place) -> Result<Copied> {
        // Before anything of it is in the archive, which cannot be taken out again.
        match self.handle.block_on(self.blobs.prove(place)) {
            Ok(()) => {}
            Err(blobs::Error::NotFound(_)) => return Ok(Copied::Absent),
            Err(error @ blobs::Error::Sealed { .. }) => {
                self.lack.damaged.push(format!("{:#}", anyhow::Error::new(error)));
                return Ok(Copied::Damaged);
            }
            Err(error) => return Err(error.into()),
        }
        let Some(sealed) = self.handle.block_on(self.blobs.sealed(place))? else {
            return Ok(Copied::Absent);
        };
        let content =
            Blocking { handle: self.handle.clone(), from: sealed.bytes, current: Bytes::new() };
        self.writer.stream(&format!("{BLOBS}{place}"), sealed.size, content)?;
        Ok(Copied::All(sealed.size))
    }

    /// Copies what there is of a log. Parts may be joined meanwhile: then the joined one is copied as well, and counts.
    fn log(&mut self, log: &LogId) -> Result<u64> {
        let (mut copied, mut bytes) = (HashSet::new(), 0);
        for _ in 0..ATTEMPTS {
            let mut complete = true;
            for place in self.handle.block_on(self.blobs.parts_of(log))? {
                if copied.contains(&place) {
                    continue;
                }
                match self.copy(&place)? {
                    Copied::All(size) => {
                        bytes += size;
                        copied.insert(place);
                    }
                    Copied::Damaged => drop(copied.insert(place)),
                    Copied::Absent => complete = false,
                }
            }
            if complete {
                break;
            }
        }
        Ok(bytes)
    }
}

/// What became of a blob; bytes.
enum Copied {
    All(u64),
    Damaged,
    Absent,
}

/// What a backup lacks, line by line.
pub fn all_of(missing: &[String], damaged: &[String]) -> String {
    let missing = missing.iter().map(|name| format!("{name} is not there"));
    missing.chain(damaged.iter().cloned()).collect::<Vec<_>>().join("\n  ")
}

/// A stream, as something that blocks.
struct Blocking {
    handle: Handle,
    from: BoxStream<'static, blobs::Result<Bytes>>,
    current: Bytes,
}

impl Read for Blocking {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        while self.current.is_empty() {
            match self.handle.block_on(self.from.next()) {
                Some(piece) => self.current = piece.map_err(std::io::Error::other)?,
                None => return Ok(0),
            }
        }
        let len = self.current.len().min(to.len());
        self.current.copy_to_slice(&mut to[..len]);
        Ok(len)
    }
}
