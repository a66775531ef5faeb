//! Appending a batch.

use super::{ATTEMPTS, LogId};
use crate::{Blobs, Error, Result, store::sealed, store::store_error};
use bytes::Bytes;
use object_store::{ObjectStore, PutMode, PutOptions};
use std::sync::Arc;

impl Blobs {
    /// Appends a batch whose first byte is byte `offset` of the log, and gives the length of the
    /// log. What is stored already is not stored again, so a batch may be repeated, or overlap
    /// what came before. Durable once this returns.
    ///
    /// Errs with [`Error::Gap`] if bytes before `offset` are missing, and with [`Error::Busy`] if
    /// many write at once; then the batch may be repeated.
    pub async fn append_log(&self, log: &LogId, offset: u64, batch: Bytes) -> Result<u64> {
        for _ in 0..ATTEMPTS {
            let mut index = self.known_index(log).await?;
            if offset > index.len() {
                index = self.fresh_index(log).await?;
            }
            let length = index.len();
            drop(index);
            let Some(stored) = length.checked_sub(offset) else {
                return Err(Error::Gap { log: log.clone(), offset, length });
            };
            let stored = usize::try_from(stored).unwrap_or(usize::MAX);
            if stored >= batch.len() {
                return Ok(length);
            }
            let tail = batch.slice(stored..);
            if self.create_segment(log, length, &tail).await? {
                return Ok(length + tail.len() as u64);
            }
            self.forget(log);
        }
        Err(Error::Busy(log.clone()))
    }

    /// Whether the segment was created and counts; else the log is longer than was thought.
    async fn create_segment(&self, log: &LogId, start: u64, content: &[u8]) -> Result<bool> {
        let name = log.segment(start);
        let mut sealer = self.keyring.seal_blob(name.as_str());
        let mut out = sealer.header().to_vec();
        sealer.push(content, &mut out).map_err(sealed(&name))?;
        sealer.finish(&mut out).map_err(sealed(&name))?;

        let options = PutOptions::from(PutMode::Create);
        match self.store.put_opts(&name.path(), out.into(), options).await {
            Ok(_) => {}
            Err(object_store::Error::AlreadyExists { .. }) => return Ok(false),
            Err(source) => return Err(store_error(&name, source)),
        }
        // Somebody may have joined the log further than we knew and deleted this name's segment;
        // then ours does not count.
        if self.find(&log.whole()).await?.is_some_and(|whole| whole > start) {
            self.delete(&name).await?;
            return Ok(false);
        }
        if let Some(index) = self.remembered().get_mut(log)
            && index.len() == start
        {
            Arc::make_mut(index).push(content.len() as u64);
        }
        Ok(true)
    }
}
