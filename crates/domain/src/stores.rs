//! How large has become what is kept, and how much room there is for more.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use blobs::{Room, Usage};

use crate::{Ctx, Granted, Result, Site, Timestamp, access::can};

/// What was found when everything was counted.
#[derive(Debug, Default)]
pub(crate) struct Counted(Mutex<Option<Arc<Count>>>);

impl Counted {
    fn last(&self) -> MutexGuard<'_, Option<Arc<Count>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
pub struct Count {
    pub at: Timestamp,
    pub usage: Vec<Usage>,
}

/// As it is now; blobs as they were when they were counted.
#[derive(Debug)]
pub struct Stores {
    pub is_postgres: bool,
    /// Bytes.
    pub database: u64,
    pub blobs: Option<Arc<Count>>,
    /// Where blobs lie in a folder: of its file system.
    pub room: Option<Room>,
}

/// Counts all blobs: as many calls to the store as it has thousands of them.
pub async fn count(cx: &Ctx) -> Result<()> {
    let count = Count { usage: cx.blobs().usage().await?, at: cx.now() };
    *cx.counted_blobs().last() = Some(Arc::new(count));
    Ok(())
}

pub async fn read(cx: &Ctx, _: &Granted<can::ManageSite, Site>) -> Result<Stores> {
    let blobs = cx.counted_blobs().last().clone();
    Ok(Stores {
        is_postgres: cx.db().is_postgres(),
        database: cx.db().size().await?,
        blobs,
        room: cx.blobs().room().await?,
    })
}
