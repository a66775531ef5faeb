//! What may happen often but should not flood the log.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

#[derive(Debug)]
pub struct Rarely {
    every: Duration,
    untold: AtomicU64,
    told_at: Mutex<Option<Instant>>,
}

impl Rarely {
    pub fn every(every: Duration) -> Self {
        Self { every, untold: AtomicU64::new(0), told_at: Mutex::new(None) }
    }

    /// It happened so often. Answers how often since it was told of last, if now is the time to tell.
    pub fn happened(&self, times: u64) -> Option<u64> {
        self.untold.fetch_add(times, Ordering::Relaxed);
        let mut told_at = self.told_at.lock().unwrap_or_else(PoisonError::into_inner);
        if told_at.is_some_and(|at| at.elapsed() < self.every) {
            return None;
        }
        *told_at = Some(Instant::now());
        Some(self.untold.swap(0, Ordering::Relaxed))
    }
}
