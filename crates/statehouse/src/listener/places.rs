//! Places for connections, so many at once. Where all are taken, somebody makes room: first who idles at the address that
//! holds the most, then who keeps us waiting for the longest. Nobody makes room for an address that holds more, so that
//! one that comes again and again keeps no other out. Behind a proxy all come from one address, and wait for each other.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
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

#[derive(Debug, Default)]
struct Taken {
    given: u64,
    count: usize,
    by: HashMap<Source, Held>,
    /// Dismissed, but not closed yet.
    leaving: HashSet<u64>,
}

/// An address, as far as one client has only one of them: of IPv6 everybody has 2^64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Source(u128);

impl Source {
    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(address.to_bits().into()),
            IpAddr::V6(address) => Self(address.to_bits() >> 64 << 64),
        }
    }
}

/// What one source holds.
#[derive(Debug)]
struct Held {
    connections: HashMap<u64, Arc<Activity>>,
    /// Before that none of them will have kept us waiting for too long.
    look_at: Instant,
}

/// Is given back when it is dropped. Of who is on the way out, somebody else may have it already.
#[derive(Debug)]
pub struct Place {
    places: Arc<Places>,
    source: Source,
    number: u64,
}

impl Taken {
    fn held_by(&self, source: Source) -> usize {
        self.by.get(&source).map_or(0, |held| held.connections.len())
    }

    fn remove(&mut self, source: Source, number: u64) -> Option<Arc<Activity>> {
        let held = self.by.get_mut(&source)?;
        let activity = held.connections.remove(&number)?;
        if held.connections.is_empty() {
            self.by.remove(&source);
        }
        self.count -= 1;
        Some(activity)
    }

    /// Those that idle at the source that holds the most, the longest first, if one more for a newcomer who holds so
    /// many is fairer than what there is.
    fn idle_at_the_greatest(&self, own: usize) -> Vec<(Source, u64)> {
        let greatest =
            self.by.iter().max_by_key(|(source, held)| (held.connections.len(), **source));
        let Some((source, held)) = greatest else { return Vec::new() };
        let too_many = held.connections.len().saturating_sub(own) / 2;
        if too_many == 0 {
            return Vec::new();
        }
        let idle = held.connections.iter();
        let idle = idle.filter_map(|(number, activity)| Some((activity.idles_since()?, *number)));
        let mut idle: Vec<_> = idle.collect();
        idle.sort_unstable();
        idle.into_iter().take(too_many).map(|(_, number)| (*source, number)).collect()
    }

    /// Those who have kept us waiting for too long, the longest first, among sources that do not hold less than a newcomer
    /// who holds so many.
    fn waited_for(&mut self, own: usize, patience: Duration) -> Vec<(Source, u64)> {
        let now = Instant::now();
        let mut all = Vec::new();
        for (source, held) in &mut self.by {
            if held.connections.len() < own || now < held.look_at {
                continue;
            }
            let begin = all.len();
            all.extend(held.connections.iter().filter_map(|(number, activity)| {
                Some((activity.waits_since()?, *source, *number))
            }));
            let first = all[begin..].iter().map(|(since, ..)| *since).min();
            held.look_at = first.unwrap_or(now) + patience;
        }
        all.retain(|(since, ..)| *since + patience <= now);
        all.sort_unstable();
        all.into_iter().map(|(_, source, number)| (source, number)).collect()
    }
}

impl Places {
    pub fn new(limit: usize, patience: Duration) -> Self {
        Self {
            limit,
            patience,
            taken: Mutex::default(),
            refusals: Rarely::every(TOLD_EVERY),
            dismissals: Rarely::every(TOLD_EVERY),
        }
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing if all are taken by who uses them, or by who holds less than comes from this address.
    pub fn take(self: &Arc<Self>, address: IpAddr, activity: &Arc<Activity>) -> Option<Place> {
        let source = Source::of(address);
        let mut taken = self.taken();
        if taken.count >= self.limit {
            self.make_room(&mut taken, source);
        }
        if taken.count >= self.limit {
            drop(taken);
            self.tell_of_a_refusal();
            return None;
        }
        taken.given += 1;
        taken.count += 1;
        let number = taken.given;
        let held = taken.by.entry(source).or_insert_with(|| Held {
            connections: HashMap::new(),
            look_at: Instant::now() + self.patience,
        });
        held.connections.insert(number, activity.clone());
        Some(Place { places: self.clone(), source, number })
    }

    fn make_room(&self, taken: &mut Taken, source: Source) {
        let room = (self.limit / ONE_IN).max(1).saturating_sub(taken.leaving.len());
        if room == 0 {
            return;
        }
        let own = taken.held_by(source);
        let mut leaving = taken.idle_at_the_greatest(own);
        if leaving.is_empty() {
            leaving = taken.waited_for(own, self.patience);
        }
        leaving.truncate(room);
        for (source, number) in &leaving {
            if let Some(activity) = taken.remove(*source, *number) {
                taken.leaving.insert(*number);
                activity.dismiss();
            }
        }
        if !leaving.is_empty() {
            self.tell_of_dismissals(leaving.len() as u64);
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
        taken.remove(self.source, self.number);
        taken.leaving.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    const LIMIT: usize = 4 * ONE_IN;
    const LONG: Duration = Duration::from_hours(1);

    fn client(number: u8) -> IpAddr {
        Ipv4Addr::new(192, 0, 2, number).into()
    }

    /// Connections with their places, by who holds them.
    struct House {
        places: Arc<Places>,
        inside: Vec<(IpAddr, Arc<Activity>, Place)>,
    }

    impl House {
        fn with_patience(patience: Duration) -> Self {
            Self { places: Arc::new(Places::new(LIMIT, patience)), inside: Vec::new() }
        }

        fn enters(&mut self, address: IpAddr) -> bool {
            let activity = Arc::new(Activity::default());
            let place = self.places.take(address, &activity);
            let entered = place.is_some();
            self.inside.extend(place.map(|place| (address, activity, place)));
            entered
        }

        /// Those who were dismissed hang up; tells who they were.
        fn let_go(&mut self) -> Vec<IpAddr> {
            let (left, stay) =
                self.inside.drain(..).partition(|(_, activity, _)| activity.is_dismissed());
            self.inside = stay;
            let left: Vec<(IpAddr, Arc<Activity>, Place)> = left;
            left.into_iter().map(|(address, ..)| address).collect()
        }

        fn held_by(&self, address: IpAddr) -> usize {
            self.inside.iter().filter(|(holder, ..)| *holder == address).count()
        }
    }

    #[test]
    fn no_more_is_beyond_the_limit_than_few_on_their_way_out() {
        let places = Arc::new(Places::new(LIMIT, Duration::ZERO));
        let take = || places.take(client(1), &Arc::new(Activity::default()));
        let mut kept: Vec<_> = std::iter::from_fn(take).take(10 * LIMIT).collect();
        assert_eq!(kept.len(), LIMIT + LIMIT / ONE_IN);
        // The first ones were to make room. Once one of them is gone there is room for one more.
        kept.remove(0);
        assert!(take().is_some());
        kept.push(take().expect("who came and went leaves its place"));
        assert!(take().is_none());
        assert_eq!(kept.len(), LIMIT + LIMIT / ONE_IN);
    }

    #[test]
    fn who_comes_again_and_again_from_one_address_keeps_no_other_out() {
        for patience in [Duration::ZERO, LONG] {
            let mut house = House::with_patience(patience);
            let flood = client(0);
            while house.held_by(flood) < LIMIT && house.enters(flood) {}
            for other in 1..=20 {
                assert!(house.enters(client(other)), "{other} finds no place");
                assert!(house.let_go().iter().all(|left| *left == flood));
                for _ in 0..2 * LIMIT {
                    house.enters(flood);
                    assert!(house.let_go().iter().all(|left| *left == flood));
                }
                assert!(house.inside.len() <= LIMIT);
            }
            assert!((1..=20).all(|other| house.held_by(client(other)) == 1));
        }
    }

    #[test]
    fn who_waits_for_us_makes_no_room_for_whatever_address() {
        let mut house = House::with_patience(Duration::ZERO);
        let mut at_work = Vec::new();
        for _ in 0..LIMIT {
            assert!(house.enters(client(0)));
            at_work.push(house.inside.last().unwrap().1.begin());
        }
        assert!(!house.enters(client(1)));
        assert!(house.let_go().is_empty());
        drop(at_work.pop());
        assert!(house.enters(client(1)));
    }

    #[test]
    fn among_equals_only_patience_makes_room() {
        let mut house = House::with_patience(LONG);
        let half = u8::try_from(LIMIT / 2).unwrap();
        for _ in 0..2 {
            assert!((0..half).all(|one| house.enters(client(one))));
        }
        // With another one it would hold more than those who would have to go.
        assert!(!house.enters(client(0)));
        // As many as each of them would have left.
        assert!(house.enters(client(half)));
        assert_eq!(house.let_go().len(), 1);
    }

    #[test]
    fn a_network_of_ipv6_is_one_client() {
        let of = |network: u128, host: u128| -> IpAddr {
            Ipv6Addr::from_bits(0x2001_0db8 << 96 | network << 64 | host).into()
        };
        let mut house = House::with_patience(LONG);
        assert!((0..LIMIT as u128).all(|host| house.enters(of(1, host))));
        assert!(!house.enters(of(1, 1 << 60)));
        assert!(house.enters(of(2, 0)));
        let mapped = "::ffff:192.0.2.1".parse().unwrap();
        assert_eq!(Source::of(mapped), Source::of(client(1)));
    }
}
