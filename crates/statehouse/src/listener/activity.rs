//! What goes on on a connection: whose turn it is, and until when a client is waited for where it is the client's.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use futures::task::AtomicWaker;
use tokio::time::Instant;

use super::limits::Limits;
use super::pace::Pace;

#[derive(Debug)]
pub struct Activity {
    limits: Limits,
    requests: Mutex<Requests>,
    unread: AtomicBool,
    connection: AtomicWaker,
}

#[derive(Debug)]
struct Requests {
    begun: u64,
    open: BTreeMap<u64, Turn>,
    /// The last of them ended, or the connection began.
    idle_since: Instant,
    /// By when there has to be a request while none is open.
    next_by: Instant,
    dismissed: bool,
}

#[derive(Debug, Clone, Copy)]
enum Turn {
    /// We have something to do, or nothing to say yet.
    Ours,
    /// The client sends the rest of the request. Who reads it looks after the time.
    Sends { since: Instant },
    /// The client takes the answer.
    Takes { since: Instant, until: Instant },
}

/// One request, whose turn is told here.
#[derive(Debug, Clone)]
pub struct Turns {
    activity: Arc<Activity>,
    number: u64,
}

/// One request, until its answer is sent or given up.
#[derive(Debug)]
pub struct Busy {
    turns: Turns,
}

impl Default for Activity {
    fn default() -> Self {
        Self::within(Limits::default())
    }
}

impl Activity {
    pub fn within(limits: Limits) -> Self {
        let now = Instant::now();
        let requests = Requests {
            begun: 0,
            open: BTreeMap::new(),
            idle_since: now,
            next_by: now + limits.first,
            dismissed: false,
        };
        Self {
            limits,
            requests: Mutex::new(requests),
            unread: AtomicBool::new(false),
            connection: AtomicWaker::new(),
        }
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
        requests.open.insert(number, Turn::Ours);
        Busy { turns: Turns { activity: self.clone(), number } }
    }

    /// Until when the client is waited for; no time while anything on the connection waits for us.
    pub fn waits_until(&self) -> Option<Instant> {
        let requests = self.requests();
        let mut latest = None;
        for turn in requests.open.values() {
            let Turn::Takes { until, .. } = turn else { return None };
            latest = latest.max(Some(*until));
        }
        Some(latest.unwrap_or(requests.next_by))
    }

    /// Since when the client keeps us waiting, if it does.
    pub fn waits_since(&self) -> Option<Instant> {
        let requests = self.requests();
        let mut latest = None;
        for turn in requests.open.values() {
            let (Turn::Sends { since } | Turn::Takes { since, .. }) = turn else { return None };
            latest = latest.max(Some(*since));
        }
        Some(latest.unwrap_or(requests.idle_since))
    }

    /// The client is waited for no more. What it sent just now it still gets an answer to.
    pub fn dismiss(&self) {
        let now = Instant::now();
        let mut requests = self.requests();
        requests.dismissed = true;
        requests.next_by = now;
        for turn in requests.open.values_mut() {
            if let Turn::Sends { since } | Turn::Takes { since, .. } = *turn {
                *turn = Turn::Takes { since, until: now };
            }
        }
        drop(requests);
        self.connection.wake();
    }

    /// Who has to look again when somebody is dismissed.
    pub fn is_looked_after_by(&self, connection: &Waker) {
        self.connection.register(connection);
    }

    /// The client is still sending what nobody will look at.
    pub fn leave_unread(&self) {
        self.unread.store(true, Ordering::Release);
    }

    pub fn has_unread(&self) -> bool {
        self.unread.load(Ordering::Acquire)
    }
}

impl Turns {
    pub fn limits(&self) -> Limits {
        self.activity.limits
    }

    pub fn is_ours(&self) {
        self.is(Turn::Ours);
    }

    pub fn is_to_send(&self, pace: &Pace) {
        self.is(Turn::Sends { since: pace.waits_since() });
    }

    pub fn is_to_take(&self, pace: &Pace) {
        let until = Instant::now() + pace.patience();
        self.is(Turn::Takes { since: pace.waits_since(), until });
    }

    /// What comes after the end of the request changes nothing.
    fn is(&self, turn: Turn) {
        if let Some(open) = self.activity.requests().open.get_mut(&self.number) {
            *open = turn;
        }
    }
}

impl Busy {
    pub fn turns(&self) -> &Turns {
        &self.turns
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let Turns { activity, number } = &self.turns;
        let mut requests = activity.requests();
        requests.open.remove(number);
        requests.idle_since = Instant::now();
        // The end of the answer is still under way.
        let patience =
            if requests.dismissed { activity.limits.first } else { activity.limits.next };
        requests.next_by = requests.idle_since + patience;
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
        assert!(activity.waits_since().is_some());
        let (one, other) = (activity.begin(), activity.begin());
        let mut pace = Pace::going(limits);
        one.turns().is_to_take(&pace);
        assert_eq!((activity.waits_until(), activity.waits_since()), (None, None));
        // Who takes one answer is not hung up on for another.
        pace.moved(1, Duration::from_secs(20));
        other.turns().is_to_take(&pace);
        let until = activity.waits_until().unwrap();
        assert!(until > Instant::now() + limits.grace - Duration::from_secs(20));
        // Who reads a body looks after it; and yet it is the client who is waited for.
        one.turns().is_to_send(&pace);
        assert_eq!(activity.waits_until(), None);
        assert!(activity.waits_since().unwrap() <= Instant::now() - Duration::from_secs(20));
        drop(one);
        assert!(activity.waits_until().unwrap() < until);
        drop(other);
        assert!(activity.waits_until().unwrap() >= start + limits.next);
    }
}
