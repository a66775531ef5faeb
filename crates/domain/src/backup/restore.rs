//! Restoring a backup into an empty place. A mark beside the blobs comes first and goes last: what was broken off in
//! between is taken by nobody for a new installation, nor for a whole one. Then the file is read twice: whether it is
//! whole is known before anything else is made. The rows come to be all at once, when all blobs are there.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result, bail, ensure};
use blobs::{Blobs, Mark, Place};
use crypto::Keyring;
use db::{Loading, Timestamp, dump::Row};
use tokio::runtime::Handle;

use super::{BLOBS, End, FORMAT, HEADER, Header, Progress, ROWS, Step, archive, restored};
use crate::installation::check_keys;
pub use restored::Changed;

/// Bytes that are read of a blob at once.
const PIECE: usize = 256 * 1024;
/// Rows that are put into the database at once.
const ROWS_AT_ONCE: usize = 500;

/// Where a backup goes.
pub struct Target {
    pub settings: db::Settings,
    pub blobs: Blobs,
    pub keyring: Keyring,
    pub now: Timestamp,
}

/// What was restored.
#[derive(Debug)]
pub struct Restored {
    pub header: Header,
    pub end: End,
    pub changed: Changed,
}

/// Reads all of a file, to see whether it is a whole backup that this program understands.
pub async fn check(file: &Path, progress: Arc<Progress>) -> Result<(Header, End)> {
    let file = file.to_owned();
    tokio::task::spawn_blocking(move || {
        let mut header = None;
        let (mut done, mut bytes) = (0, 0);
        let end = archive::each(open(&file)?, |name, size, content| {
            if header.is_none() {
                header = Some(read_header(name, content)?);
            }
            done += 1;
            bytes += size;
            progress(Step { what: "checked", done, bytes });
            Ok(())
        })?;
        Ok((header.context("the file has no header")?, end))
    })
    .await
    .context("reading")?
}

/// Restores a backup. Whoever calls holds the place for himself, and takes away what was made of a restore that failed.
///
/// # Errors
/// If the keys are not those of the backup, or the folder of the blobs is not empty, before anything is made; if the
/// file is not whole or the database not empty, before anything but the mark is. What was broken off has to be restored
/// again from the start.
pub async fn restore(file: &Path, to: Target, progress: Arc<Progress>) -> Result<Restored> {
    let header = header(file).await?;
    check_keys(&header.keys(), &to.keyring)?;
    match to.blobs.mark().await? {
        // What was broken off is written over.
        Some(Mark::Restoring(id)) if id == header.installation => {}
        Some(Mark::Restoring(id)) => bail!(
            "the restore of another installation ({id}) was broken off here: restore a backup of that one, or empty \
             the folder of the blobs"
        ),
        Some(mark) => bail!("the folder of the blobs is not empty; its mark says: {mark}"),
        None => ensure!(to.blobs.is_empty().await?, "the folder of the blobs is not empty"),
    }
    to.blobs.replace_mark(&Mark::Restoring(header.installation.clone())).await?;
    progress(Step { what: "place taken", done: 1, bytes: 0 });
    let (checked, _) = check(file, progress.clone()).await?;
    ensure!(checked == header, EXCHANGED);
    let mut loading = Loading::begin(&to.settings, &header.migrations).await?;
    progress(Step { what: "schema made", done: 1, bytes: 0 });

    let (handle, path) = (Handle::current(), file.to_owned());
    let told = progress.clone();
    let filled = tokio::task::spawn_blocking(move || {
        let (end, changed) = Filling { handle, to: &to, header: &header, progress: &*told }
            .run(&path, &mut loading)?;
        Ok::<_, anyhow::Error>((to.blobs, loading, header, end, changed))
    });
    let (blobs, loading, header, end, changed) = filled.await.context("restoring")??;
    loading.commit().await?;
    progress(Step { what: "database filled", done: 1, bytes: 0 });
    blobs.replace_mark(&Mark::Of(header.installation.clone())).await?;
    Ok(Restored { header, end, changed })
}

/// Another file lies at the path than when it was looked at.
const EXCHANGED: &str = "the file was exchanged meanwhile";

/// What a file says of itself, whether or not the rest of it is whole.
async fn header(file: &Path) -> Result<Header> {
    let file = file.to_owned();
    let read = tokio::task::spawn_blocking(move || archive::first(open(&file)?, read_header));
    read.await.context("reading")?
}

fn open(path: &PathBuf) -> Result<BufReader<File>> {
    Ok(BufReader::with_capacity(PIECE, File::open(path)?))
}

fn read_header(name: &str, content: &mut dyn Read) -> Result<Header> {
    ensure!(name == HEADER, "the file is no backup: it begins with {name}");
    let mut text = Vec::new();
    content.read_to_end(&mut text).context(archive::BROKEN)?;
    // The form first: of another one the rest may not be readable.
    let form: serde_json::Value = serde_json::from_slice(&text)?;
    ensure!(
        form["format"] == FORMAT,
        "the backup has the form {}, this program knows {FORMAT}: use the version that wrote it",
        form["format"]
    );
    Ok(serde_json::from_slice(&text)?)
}

/// Works on a thread that may block.
struct Filling<'a> {
    handle: Handle,
    to: &'a Target,
    header: &'a Header,
    progress: &'a Progress,
}

impl Filling<'_> {
    fn run(&self, path: &PathBuf, loading: &mut Loading) -> Result<(End, Changed)> {
        let (mut rows, mut blobs, mut bytes, mut changed) = (0, 0, 0, Changed::default());
        let end = archive::each(open(path)?, |name, size, content| {
            if name == HEADER {
                let header = read_header(name, content)?;
                ensure!(header == *self.header, EXCHANGED);
            } else if let Some(of) = name.strip_prefix(ROWS) {
                let table = of.split('/').next().unwrap_or_default();
                rows += self.rows(table, content, loading, &mut changed)?;
                (self.progress)(Step { what: "rows", done: rows, bytes: 0 });
            } else if let Some(place) = name.strip_prefix(BLOBS) {
                self.blob(&Place::parse(place)?, content)?;
                blobs += 1;
                bytes += size;
                (self.progress)(Step { what: "blobs", done: blobs, bytes });
            } else {
                bail!("the backup has something in it that is not known");
            }
            Ok(())
        })?;
        ensure!(end.rows == rows, "the backup has {rows} rows, and says that it has {}", end.rows);
        Ok((end, changed))
    }

    fn rows(
        &self,
        table: &str,
        content: &mut dyn Read,
        loading: &mut Loading,
        changed: &mut Changed,
    ) -> Result<u64> {
        let known = self.header.tables.iter().find(|known| known.name == table);
        let table = known.context("the backup does not say what is in this table")?;
        let (mut count, mut some) = (0, Vec::with_capacity(ROWS_AT_ONCE));
        for line in BufReader::new(content).lines() {
            let row: Row = serde_json::from_str(&line?)?;
            count += 1;
            some.extend(restored::row(table, row, self.to.now, changed));
            if some.len() == ROWS_AT_ONCE {
                self.handle.block_on(loading.insert(table, &some))?;
                some.clear();
            }
        }
        self.handle.block_on(loading.insert(table, &some))?;
        Ok(count)
    }

    fn blob(&self, place: &Place, content: &mut dyn Read) -> Result<()> {
        let mut receiving = self.to.blobs.receive(place);
        let mut piece = vec![0; PIECE];
        loop {
            match content.read(&mut piece)? {
                0 => return Ok(self.handle.block_on(receiving.finish())?),
                len => self.handle.block_on(receiving.push(&piece[..len]))?,
            }
        }
    }
}
