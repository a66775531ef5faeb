//! What goes on on a connection, so that one that is used is told from one that only takes a place.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// From the first byte of a connection to the end of its first request's head.
const FIRST: Duration = Duration::from_secs(10);
/// From one request to the end of the next one's head. Longer than what load balancers keep connections for, so that
/// they end them, and not we just when a request is on its way.
const NEXT: Duration = Duration::from_mins(2);

#[derive(Debug, Default)]
pub struct Activity {
    begun: AtomicU64,
    ended: AtomicU64,
    unread: AtomicBool,
}

/// One request, until its answer is sent or given up.
#[derive(Debug)]
pub struct Busy(Arc<Activity>);

impl Activity {
    pub fn begin(self: &Arc<Self>) -> Busy {
        self.begun.fetch_add(1, Ordering::AcqRel);
        Busy(self.clone())
    }

    /// How many requests have ended, and how long the next may be waited for; nothing while one is going on.
    pub fn idle(&self) -> Option<(u64, Duration)> {
        let ended = self.ended.load(Ordering::Acquire);
        let patience = if ended == 0 { FIRST } else { NEXT };
        (self.begun.load(Ordering::Acquire) == ended).then_some((ended, patience))
    }

    /// The client is still sending what nobody will look at.
    pub fn leave_unread(&self) {
        self.unread.store(true, Ordering::Release);
    }

    pub fn has_unread(&self) -> bool {
        self.unread.load(Ordering::Acquire)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::AcqRel);
    }
}
