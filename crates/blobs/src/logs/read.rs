//! Reading a log, also while it grows and while it is joined.

use super::{
    ATTEMPTS, LogId,
    index::{Part, Piece},
};
use crate::{Blobs, Error, Result};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};

/// How many segments are read at once.
const AT_ONCE: usize = 8;

impl Blobs {
    /// The bytes of a log from `offset` on, at most `limit` of them. Empty only where the log
    /// ends for now (or does not exist); fewer than `limit` do not mean that it ends.
    pub async fn read_log(&self, log: &LogId, offset: u64, limit: usize) -> Result<Bytes> {
        for _ in 0..ATTEMPTS {
            let mut index = self.known_index(log).await?;
            if offset >= index.len() {
                index = self.fresh_index(log).await?;
            }
            match self.read_pieces(log, index.pieces(offset, limit)).await {
                // Joined or deleted since we looked.
                Err(Error::NotFound(_)) => self.forget(log),
                read => return read,
            }
        }
        Err(Error::Busy(log.clone()))
    }

    async fn read_pieces(&self, log: &LogId, pieces: Vec<Piece>) -> Result<Bytes> {
        if let [piece] = pieces[..] {
            return self.read_piece(log, piece).await;
        }
        let all = Vec::with_capacity(pieces.iter().map(|piece| piece.take).sum());
        let all = stream::iter(pieces)
            .map(|piece| self.read_piece(log, piece))
            .buffered(AT_ONCE)
            .try_fold(all, |mut all, bytes| async move {
                all.extend_from_slice(&bytes);
                Ok(all)
            });
        all.await.map(Bytes::from)
    }

    pub(super) async fn read_piece(&self, log: &LogId, piece: Piece) -> Result<Bytes> {
        let name = match piece.part {
            Part::Whole => log.whole(),
            Part::Segment(start) => log.segment(start),
        };
        self.read_range(&name, piece.skip, piece.take).await
    }
}
