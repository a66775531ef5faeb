//! Logs: appended in batches, read from any byte while they grow, joined when they are finished.
//!
//! A log is a folder. Each batch is a sealed segment named by the offset of its first byte; a
//! segment begins where the one before it ends, and is created only if none of its name is there,
//! so that of two writers one loses, looks again and stores what is still missing. A finished log
//! is joined into one blob, `whole`, which is never replaced; segments that begin before its end
//! no longer count and are deleted after it is there.
//!
//! So the store alone tells the length of a log: the end of the chain that starts with `whole`,
//! or with segment 0. What is kept in memory only spares looking; where it ends, the store is
//! asked, segments first, `whole` last: a segment that has just been joined away is then seen
//! there.

mod append;
mod compact;
mod index;
mod read;

pub(crate) use index::Index;

use crate::{
    Blobs, Error, Name, Result, name,
    store::{layout, store_error},
};
use futures::TryStreamExt;
use object_store::path::Path;
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, MutexGuard, PoisonError},
};

/// How many logs are remembered before all are forgotten.
const REMEMBERED: usize = 4096;
/// How often an operation starts anew because others changed the log under it.
const ATTEMPTS: usize = 32;
const WHOLE: &str = "whole";

/// Which log: an id of 1 to 128 characters of `[A-Za-z0-9_-]`, such as `plan-8F5JFydVYAmtTjET`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LogId(String);

impl LogId {
    pub fn new(id: &str) -> Result<Self> {
        name::valid(id).map(|id| Self(format!("logs/{id}")))
    }

    /// The blob of a log that is finished and joined.
    pub fn whole(&self) -> Name {
        Name::inside(&self.0, WHOLE)
    }

    fn segment(&self, start: u64) -> Name {
        // As many digits as the largest offset has, so that names sort like offsets.
        Name::inside(&self.0, &format!("{start:020}"))
    }

    fn folder(&self) -> Path {
        Path::from(self.0.as_str())
    }
}

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the store holds of a log.
struct Stored {
    /// Bytes of the joined blob, if there is one.
    whole: Option<u64>,
    /// Start and bytes of each segment, in no order.
    segments: Vec<(u64, u64)>,
    /// What joining left behind when it was interrupted.
    strays: Vec<Path>,
}

impl Blobs {
    /// Bytes of the log so far, whoever appended them; 0 for a log that does not exist.
    pub async fn log_length(&self, log: &LogId) -> Result<u64> {
        Ok(self.fresh_index(log).await?.len())
    }

    /// Deletes all of a log; one that is not there counts as deleted. Nobody may append to it
    /// any more.
    pub async fn delete_log(&self, log: &LogId) -> Result<()> {
        self.forget(log);
        let paths = self.store.list(Some(&log.folder())).map_ok(|meta| meta.location);
        let paths: Vec<Path> = paths.try_collect().await.map_err(|error| failed(log, error))?;
        self.delete_all(log, paths).await
    }

    async fn stored(&self, log: &LogId) -> Result<Stored> {
        let listed = self.store.list(Some(&log.folder())).try_collect::<Vec<_>>().await;
        let mut stored = Stored { whole: None, segments: Vec::new(), strays: Vec::new() };
        for meta in listed.map_err(|error| failed(log, error))? {
            match meta.location.filename() {
                Some(WHOLE) => {}
                Some(name) if name.len() == 20 && name.parse::<u64>().is_ok() => {
                    let start = name.parse().expect("it was parsed a line above");
                    let len = layout(&log.segment(start), meta.size)?.plaintext_len();
                    stored.segments.push((start, len));
                }
                _ => stored.strays.push(meta.location),
            }
        }
        stored.whole = self.find(&log.whole()).await?;
        Ok(stored)
    }

    /// What is remembered of a log, or else what the store holds.
    async fn known_index(&self, log: &LogId) -> Result<Arc<Index>> {
        let known = self.remembered().get(log).cloned();
        match known {
            Some(index) => Ok(index),
            None => self.load_index(log).await,
        }
    }

    /// What the store holds now, asking only for what is not remembered.
    async fn fresh_index(&self, log: &LogId) -> Result<Arc<Index>> {
        let known = self.remembered().get(log).cloned();
        let Some(known) = known else { return self.load_index(log).await };
        let mut fresh = Index::clone(&known);
        while let Some(len) = self.find(&log.segment(fresh.len())).await? {
            fresh.push(len);
        }
        if self.find(&log.whole()).await?.unwrap_or_default() != fresh.whole() {
            return self.load_index(log).await;
        }
        Ok(if fresh == *known { known } else { self.remember(log, fresh) })
    }

    async fn load_index(&self, log: &LogId) -> Result<Arc<Index>> {
        let stored = self.stored(log).await?;
        let index = Index::new(stored.whole.unwrap_or_default(), stored.segments);
        Ok(self.remember(log, index))
    }

    fn remember(&self, log: &LogId, index: Index) -> Arc<Index> {
        let index = Arc::new(index);
        let mut logs = self.remembered();
        if logs.len() >= REMEMBERED {
            logs.clear();
        }
        logs.insert(log.clone(), Arc::clone(&index));
        index
    }

    fn forget(&self, log: &LogId) {
        self.remembered().remove(log);
    }

    fn remembered(&self) -> MutexGuard<'_, HashMap<LogId, Arc<Index>>> {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn delete_all(&self, log: &LogId, paths: Vec<Path>) -> Result<()> {
        let paths = futures::stream::iter(paths.into_iter().map(Ok));
        let mut deleted = self.store.delete_stream(Box::pin(paths));
        loop {
            match deleted.try_next().await {
                Ok(None) => return Ok(()),
                Ok(Some(_)) | Err(object_store::Error::NotFound { .. }) => {}
                Err(source) => return Err(failed(log, source)),
            }
        }
    }
}

fn failed(log: &LogId, source: object_store::Error) -> Error {
    store_error(&log.whole(), source)
}
