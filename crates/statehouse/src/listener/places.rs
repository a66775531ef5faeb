//! Places for connections, so many at once. Where all are taken, who keeps us waiting for the longest makes room.
//!
//! Addresses are not looked at: behind a proxy all clients come from one, and whoever wants to harm has many.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::activity::Activity;
use super::rarely::Rarely;

/// This is told of in the log so often: whoever floods us should not flood the log.
const TOLD_EVERY: Duration = Duration::from_secs(1);
/// To look at all costs, so that room is made for more than one: for one in so many. So many may be on their way out,
/// too, and are there beyond the limit.
const ONE_IN: usize = 16;

#[derive(Debug)]
pub struct Places {
    limit: usize,
    /// How long everybody may keep us waiting, even if others find no place.
    patience: Duration,
    taken: Mutex<Taken>,
    refusals: Rarely,
    dismissals: Rarely,
}

#[derive(Debug)]
struct Taken {
    given: u64,
    connections: HashMap<u64, Arc<Activity>>,
    /// Dismissed, but not closed yet.
    leaving: HashSet<u64>,
    /// Before that nobody will have kept us waiting for so long.
    look_at: Instant,
}

/// Is given back when it is dropped. Of who is on the way out, somebody else may have it already.
#[derive(Debug)]
pub struct Place {
    places: Arc<Places>,
    number: u64,
}

impl Places {
    pub fn new(limit: usize, patience: Duration) -> Self {
        let taken = Taken {
            given: 0,
            connections: HashMap::new(),
            leaving: HashSet::new(),
            look_at: Instant::now() + patience,
        };
        Self {
            limit,
            patience,
            taken: Mutex::new(taken),
            refusals: Rarely::every(TOLD_EVERY),
            dismissals: Rarely::every(TOLD_EVERY),
        }
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing if all are taken by who uses them.
    pub fn take(self: &Arc<Self>, activity: &Arc<Activity>) -> Option<Place> {
        let mut taken = self.taken();
        if taken.connections.len() >= self.limit {
            self.make_room(&mut taken);
        }
        if taken.connections.len() >= self.limit {
            drop(taken);
            self.tell_of_a_refusal();
            return None;
        }
        taken.given += 1;
        let number = taken.given;
        taken.connections.insert(number, activity.clone());
        Some(Place { places: self.clone(), number })
    }

    fn make_room(&self, taken: &mut Taken) {
        let now = Instant::now();
        let room = (self.limit / ONE_IN).max(1).saturating_sub(taken.leaving.len());
        if room == 0 || now < taken.look_at {
            return;
        }
        let mut waited_for: Vec<_> = taken
            .connections
            .iter()
            .filter_map(|(number, activity)| Some((activity.waits_since()?, *number)))
            .collect();
        waited_for.sort_unstable();
        taken.look_at = waited_for.first().map_or(now, |(since, _)| *since) + self.patience;
        let mut dismissed = 0;
        for (since, number) in waited_for.into_iter().take(room) {
            if since + self.patience > now {
                break;
            }
            if let Some(activity) = taken.connections.remove(&number) {
                taken.leaving.insert(number);
                activity.dismiss();
                dismissed += 1;
            }
        }
        if dismissed > 0 {
            self.tell_of_dismissals(dismissed);
        }
    }

    fn tell_of_a_refusal(&self) {
        metrics::counter!("statehouse_connections_refused_total").increment(1);
        let limit = self.limit;
        if let Some(refused) = self.refusals.happened(1) {
            tracing::warn!(
                refused,
                limit,
                "connections were refused ({refused}), as all {limit} places (max_connections) are taken"
            );
        }
    }

    fn tell_of_dismissals(&self, times: u64) {
        metrics::counter!("statehouse_connections_dismissed_total").increment(times);
        let limit = self.limit;
        if let Some(dismissed) = self.dismissals.happened(times) {
            tracing::warn!(
                dismissed,
                limit,
                "connections that kept us waiting were closed ({dismissed}) to make room for others, as all {limit} \
                 places (max_connections) are taken"
            );
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        taken.connections.remove(&self.number);
        taken.leaving.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_beyond_the_limit_than_few_on_their_way_out() {
        const LIMIT: usize = 4 * ONE_IN;
        let places = Arc::new(Places::new(LIMIT, Duration::ZERO));
        let take = || places.take(&Arc::new(Activity::default()));
        let mut kept: Vec<_> = std::iter::from_fn(take).take(10 * LIMIT).collect();
        assert_eq!(kept.len(), LIMIT + LIMIT / ONE_IN);
        // The first ones were to make room. Once one of them is gone there is room for one more.
        kept.remove(0);
        assert!(take().is_some());
        kept.push(take().expect("who came and went leaves its place"));
        assert!(take().is_none());
        assert_eq!(kept.len(), LIMIT + LIMIT / ONE_IN);
    }
}
