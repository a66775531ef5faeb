//! What goes on on a connection: whose turn it is, and until when a client is waited for where it is the client's.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::limits::Limits;

#[derive(Debug)]
pub struct Activity {
    limits: Limits,
    requests: Mutex<Requests>,
    unread: AtomicBool,
}

#[derive(Debug)]
struct Requests {
    begun: u64,
    /// By when the client has to take more of each answer that waits for it. Without a time, it waits for us.
    open: BTreeMap<u64, Option<Instant>>,
    /// By when there has to be a request while none is open.
    next_by: Instant,
}

/// One request, until its answer is sent or given up.
#[derive(Debug)]
pub struct Busy {
    activity: Arc<Activity>,
    number: u64,
}

impl Default for Activity {
    fn default() -> Self {
        Self::within(Limits::default())
    }
}

impl Activity {
    pub fn within(limits: Limits) -> Self {
        let next_by = Instant::now() + limits.first;
        let requests = Mutex::new(Requests { begun: 0, open: BTreeMap::new(), next_by });
        Self { limits, requests, unread: AtomicBool::new(false) }
    }

    pub fn limits(&self) -> Limits {
        self.limits
    }

    fn requests(&self) -> MutexGuard<'_, Requests> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn begin(self: &Arc<Self>) -> Busy {
        let mut requests = self.requests();
        requests.begun += 1;
        let number = requests.begun;
        requests.open.insert(number, None);
        Busy { activity: self.clone(), number }
    }

    /// Until when the client is waited for; no time while anything on the connection waits for us.
    pub fn waits_until(&self) -> Option<Instant> {
        let requests = self.requests();
        let mut latest = None;
        for until in requests.open.values() {
            latest = latest.max(Some((*until)?));
        }
        Some(latest.unwrap_or(requests.next_by))
    }

    /// The client is still sending what nobody will look at.
    pub fn leave_unread(&self) {
        self.unread.store(true, Ordering::Release);
    }

    pub fn has_unread(&self) -> bool {
        self.unread.load(Ordering::Acquire)
    }
}

impl Busy {
    pub fn limits(&self) -> Limits {
        self.activity.limits
    }

    /// The answer, or the next piece of it, waits for the client.
    pub fn is_the_clients_turn_until(&self, until: Instant) {
        self.activity.requests().open.insert(self.number, Some(until));
    }

    pub fn is_our_turn(&self) {
        self.activity.requests().open.insert(self.number, None);
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut requests = self.activity.requests();
        requests.open.remove(&self.number);
        requests.next_by = Instant::now() + self.activity.limits.next;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_client_is_waited_for_only_while_nothing_waits_for_us() {
        let start = Instant::now();
        let limits = Limits::default();
        let activity = Arc::new(Activity::within(limits));
        assert!(activity.waits_until().unwrap() < start + limits.next);
        let one = activity.begin();
        assert_eq!(activity.waits_until(), None);
        let soon = start + Duration::from_secs(5);
        one.is_the_clients_turn_until(soon);
        assert_eq!(activity.waits_until(), Some(soon));
        // Who takes one answer is not hung up on for another.
        let other = activity.begin();
        assert_eq!(activity.waits_until(), None);
        let later = start + Duration::from_secs(7);
        other.is_the_clients_turn_until(later);
        assert_eq!(activity.waits_until(), Some(later));
        drop(other);
        assert_eq!(activity.waits_until(), Some(soon));
        one.is_our_turn();
        assert_eq!(activity.waits_until(), None);
        drop(one);
        assert!(activity.waits_until().unwrap() >= start + limits.next);
    }
}
