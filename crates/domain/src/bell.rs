//! A bell that rings after commits, so that nobody has to wait for the next poll. A hint, never the truth.

use std::time::Duration;

use tokio::sync::{Notify, watch};

#[derive(Debug, Default)]
pub struct Bell {
    /// Something may be runnable: a run was queued, a lock released, a phase concluded. Counts the rings.
    work: watch::Sender<u64>,
    /// A job may be claimable.
    jobs: Notify,
}

/// Somebody who misses no ring, even while he is busy; nobody can take it from him.
#[derive(Debug)]
pub struct Listener(watch::Receiver<u64>);

impl Listener {
    /// Until the bell has rung since the last time, or the time is up.
    pub async fn wait(&mut self, at_most: Duration) {
        drop(tokio::time::timeout(at_most, self.0.changed()).await);
    }
}

impl Bell {
    /// Wakes those who decide what runs next.
    pub fn ring_for_work(&self) {
        self.work.send_modify(|rings| *rings = rings.wrapping_add(1));
    }

    /// Wakes the agents that wait for a job.
    pub fn ring_for_jobs(&self) {
        self.jobs.notify_waiters();
    }

    pub fn listen(&self) -> Listener {
        Listener(self.work.subscribe())
    }

    /// A future made before looking for a job catches a ring in between.
    pub fn jobs(&self) -> impl Future<Output = ()> + '_ {
        self.jobs.notified()
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn everybody_hears_a_ring_that_came_while_he_was_busy() {
        let bell = Bell::default();
        let (mut one, mut two) = (bell.listen(), bell.listen());
        assert!(one.0.changed().now_or_never().is_none());
        bell.ring_for_work();
        bell.ring_for_work();
        assert!(one.0.changed().now_or_never().is_some());
        assert!(one.0.changed().now_or_never().is_none());
        assert!(two.0.changed().now_or_never().is_some());
    }
}
