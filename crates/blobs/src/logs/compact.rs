//! Joining the segments of a finished log.

use super::{ATTEMPTS, Index, LogId, failed};
use crate::{Blobs, Error, Result};
use crypto::ExposeSecret;
use futures::{StreamExt, stream};
use object_store::{ObjectStoreExt, path::Path};

impl Blobs {
    /// Joins the segments of a finished log into one blob and deletes them, if there are at least
    /// `from`: a few cost less as they are than to be made one. Readers see the same bytes at every moment. May be repeated, also after a crash in the middle, and done by two
    /// at once; what is appended afterwards stays in segments behind the joined blob.
    pub async fn compact_log(&self, log: &LogId, from: usize) -> Result<()> {
        for _ in 0..ATTEMPTS {
            let stored = self.stored(log).await?;
            if let Some(whole) = stored.whole {
                let joined = stored.segments.iter().filter(|(start, _)| *start < whole);
                let joined = joined.map(|(start, _)| log.segment(*start).path());
                let leftovers = joined.chain(stored.strays).collect();
                self.forget(log);
                return self.delete_all(log, leftovers).await;
            }
            let index = Index::new(0, stored.segments);
            if index.segments() < from.max(2) {
                return self.delete_all(log, stored.strays).await;
            }
            self.join(log, &index).await?;
        }
        Err(Error::Busy(log.clone()))
    }

    /// Writes the joined blob aside and puts it in place, unless somebody else was faster.
    async fn join(&self, log: &LogId, index: &Index) -> Result<()> {
        let aside = crypto::random_secret(16);
        let aside = Path::from(format!("{log}/joining-{}", aside.expose_secret()));
        let content = stream::iter(index.pieces(0, usize::MAX))
            .then(|piece| async move { self.read_piece(log, piece).await });
        let whole = log.whole();
        let placed = match self.write(&whole, aside.clone(), content, u64::MAX).await {
            Ok(_) => self.store.rename_if_not_exists(&aside, &whole.path()).await,
            Err(Error::Content(error)) => {
                let error = error.downcast::<Error>().map_or_else(Error::Content, |error| *error);
                // Somebody else joined and deleted the segments meanwhile.
                return if matches!(error, Error::NotFound(_)) { Ok(()) } else { Err(error) };
            }
            Err(error) => return Err(error),
        };
        match placed {
            // The others were faster, and may have taken ours for a leftover: look again.
            Err(
                object_store::Error::AlreadyExists { .. } | object_store::Error::NotFound { .. },
            )
            | Ok(()) => Ok(()),
            Err(error) => Err(failed(log, error)),
        }
    }
}
