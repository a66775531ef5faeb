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
    /// Since when each request ended without its answer: such requests gain no time.
    unserved_since: Option<Instant>,
    /// Once dismissed, by when the connection ends, whatever comes.
    ends_by: Option<Instant>,
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
    served: bool,
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
            unserved_since: None,
            ends_by: None,
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
        Busy { turns: Turns { activity: self.clone(), number }, served: false }
    }

    /// Until when the client is waited for; no time while anything on the connection waits for us.
    pub fn waits_until(&self) -> Option<Instant> {
        let requests = self.requests();
        let until = requests.waits_until();
        until.into_iter().chain(requests.ends_by).min()
    }

    /// Since when the client keeps us waiting, if it does.
    pub fn waits_since(&self) -> Option<Instant> {
        let requests = self.requests();
        let mut latest = None;
        for turn in requests.open.values() {
            let (Turn::Sends { since } | Turn::Takes { since, .. }) = turn else { return None };
            latest = latest.max(Some(*since));
        }
        let since = latest.unwrap_or(requests.idle_since);
        Some(requests.unserved_since.map_or(since, |unserved| unserved.min(since)))
    }

    /// Since when there has been no request on the connection, if there is none.
    pub fn idles_since(&self) -> Option<Instant> {
        let requests = self.requests();
        requests.open.is_empty().then_some(requests.idle_since)
    }

    /// The client is waited for no more. What it sent just now it still gets an answer to, if that is soon.
    pub fn dismiss(&self) {
        let now = Instant::now();
        let mut requests = self.requests();
        requests.ends_by = Some(now + self.limits.first);
        requests.next_by = now;
        for turn in requests.open.values_mut() {
            if let Turn::Sends { since } | Turn::Takes { since, .. } = *turn {
                *turn = Turn::Takes { since, until: now };
            }
        }
        drop(requests);
        self.connection.wake();
    }

    pub fn is_dismissed(&self) -> bool {
        self.requests().ends_by.is_some()
    }

    /// Nothing is read or written any more, whatever there is.
    pub fn is_over(&self) -> bool {
        self.requests().ends_by.is_some_and(|end| end <= Instant::now())
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

impl Requests {
    fn waits_until(&self) -> Option<Instant> {
        let mut latest = None;
        for turn in self.open.values() {
            let Turn::Takes { until, .. } = turn else { return None };
            latest = latest.max(Some(*until));
        }
        Some(latest.unwrap_or(self.next_by))
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

    /// The client had its answer: it did not take its request back before.
    pub fn is_served(&mut self) {
        self.served = true;
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let Turns { activity, number } = &self.turns;
        let mut requests = activity.requests();
        requests.open.remove(number);
        let now = Instant::now();
        requests.idle_since = now;
        requests.next_by = now + activity.limits.next;
        if self.served {
            requests.unserved_since = None;
        } else {
            requests.unserved_since.get_or_insert(now);
        }
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

    #[test]
    fn who_is_dismissed_gains_no_time_by_further_requests() {
        let limits = Limits::default();
        let activity = Arc::new(Activity::within(limits));
        activity.dismiss();
        let by = Instant::now() + limits.first;
        let nothing_more = activity.waits_until().unwrap();
        assert!(nothing_more <= Instant::now());
        for _ in 0..3 {
            let busy = activity.begin();
            assert!(activity.waits_until().unwrap() <= by, "while it waits for us");
            busy.turns().is_to_take(&Pace::going(limits));
            assert!(activity.waits_until().unwrap() <= by, "while it takes");
            drop(busy);
            assert!(activity.waits_until().unwrap() <= by, "afterwards");
        }
    }

    #[test]
    fn a_request_that_is_taken_back_gains_no_time() {
        let limits = Limits::default();
        let activity = Arc::new(Activity::within(limits));
        drop(activity.begin());
        let since = activity.waits_since().unwrap();
        for _ in 0..3 {
            let taken_back = activity.begin();
            assert_eq!(activity.waits_since(), None);
            taken_back.turns().is_to_take(&Pace::going(limits));
            assert_eq!(activity.waits_since(), Some(since));
            drop(taken_back);
            assert_eq!(activity.waits_since(), Some(since));
        }
        let mut served = activity.begin();
        served.is_served();
        drop(served);
        assert!(activity.waits_since().unwrap() > since);
    }
}
