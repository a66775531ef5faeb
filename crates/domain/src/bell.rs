//! A bell that rings after commits, so that nobody has to wait for the next poll. A hint, never the truth.

use std::time::Duration;

use tokio::sync::Notify;

#[derive(Debug, Default)]
pub struct Bell {
    /// Something may be runnable: a run was queued, a lock released, a phase concluded.
    work: Notify,
    /// A job may be claimable.
    jobs: Notify,
}

impl Bell {
    /// Wakes those who decide what runs next.
    pub fn ring_for_work(&self) {
        self.work.notify_waiters();
        // Kept for one who is busy at the moment.
        self.work.notify_one();
    }

    /// Wakes the agents that wait for a job.
    pub fn ring_for_jobs(&self) {
        self.jobs.notify_waiters();
    }

    /// Until the bell rings, or the time is up.
    pub async fn work(&self, at_most: Duration) {
        drop(tokio::time::timeout(at_most, self.work.notified()).await);
    }

    /// A future made before looking for a job catches a ring in between.
    pub fn jobs(&self) -> impl Future<Output = ()> + '_ {
        self.jobs.notified()
    }
}
