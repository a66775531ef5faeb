//! What is done again and again by itself: when this server did it last, how long that took, and when it is done next.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::{Result, Timestamp};

/// The chores of one process.
#[derive(Debug, Default)]
pub struct Chores(Mutex<BTreeMap<&'static str, Chore>>);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chore {
    pub name: &'static str,
    /// `None` where it is done as soon as there is something to do.
    pub every: Option<Duration>,
    pub last: Option<Done>,
    /// Since when it is being done.
    pub begun_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    pub at: Timestamp,
    pub took: Duration,
    /// Why it failed, if it did.
    pub failure: Option<String>,
}

impl Chore {
    /// When it is done next; `None` for now, or whenever there is something to do.
    pub fn next_at(&self) -> Option<Timestamp> {
        let every = i64::try_from(self.every?.as_secs()).ok()?;
        self.begun_at.is_none().then_some(self.last.as_ref()?.at.plus_seconds(every))
    }
}

impl Chores {
    /// It will be done.
    pub fn expect(&self, name: &'static str, every: Option<Duration>) {
        self.change(name, |chore| chore.every = every);
    }

    /// Counts the time until [`Chores::done`].
    pub fn begun(&self, name: &'static str, now: Timestamp) {
        self.change(name, |chore| chore.begun_at = Some(now));
    }

    pub fn done<T>(&self, name: &'static str, outcome: &Result<T>, now: Timestamp) {
        self.change(name, |chore| {
            let begun = chore.begun_at.take().unwrap_or(now);
            let took = Duration::from_millis((now.0 - begun.0).unsigned_abs());
            let failure = outcome.as_ref().err().map(crate::Error::chain);
            chore.last = Some(Done { at: now, took, failure });
        });
    }

    /// All of them, by name.
    pub fn all(&self) -> Vec<Chore> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    fn change(&self, name: &'static str, change: impl FnOnce(&mut Chore)) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(all.entry(name).or_insert_with(|| Chore { name, ..Chore::default() }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    #[test]
    fn a_chore_is_done_next_its_time_after_the_last() {
        let chores = Chores::default();
        chores.expect("cleaning", Some(Duration::from_mins(1)));
        chores.expect("the queue", None);
        let of = |name| chores.all().into_iter().find(|chore| chore.name == name).unwrap();
        assert_eq!((of("cleaning").last, of("cleaning").next_at()), (None, None));

        chores.begun("cleaning", Timestamp(1_000));
        assert_eq!(
            (of("cleaning").begun_at, of("cleaning").next_at()),
            (Some(Timestamp(1_000)), None)
        );
        chores.done("cleaning", &Ok(()), Timestamp(3_500));
        let done = Done { at: Timestamp(3_500), took: Duration::from_millis(2_500), failure: None };
        assert_eq!(of("cleaning").last, Some(done));
        assert_eq!(of("cleaning").next_at(), Some(Timestamp(63_500)));

        chores.begun("the queue", Timestamp(5_000));
        chores.done(
            "the queue",
            &Err::<(), _>(Error::Unavailable("full".into())),
            Timestamp(5_000),
        );
        assert!(of("the queue").last.unwrap().failure.unwrap().contains("full"));
        assert_eq!(of("the queue").next_at(), None);
    }
}
