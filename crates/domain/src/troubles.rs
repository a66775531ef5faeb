//! What goes wrong in work that nobody asked for: said once, then once a minute with its count, and again when it is over.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use crate::{Error, Result, Timestamp};

/// Seconds between two lines about the same.
const SILENCE: i64 = 60;
/// Seconds after which something that did not come again is forgotten.
const FORGOTTEN: i64 = 3600;

type Known<T> = Mutex<BTreeMap<(&'static str, String), T>>;

/// The troubles of one process.
#[derive(Debug, Default)]
pub struct Troubles {
    failures: Known<Trouble>,
    /// What else was said, and when.
    news: Known<Timestamp>,
}

/// A failure that has not been seen to be over.
#[derive(Clone, Debug)]
struct Trouble {
    count: u64,
    last_at: Timestamp,
    said_at: Timestamp,
}

impl Troubles {
    /// A chore failed, as a whole (`about` is empty) or with one thing.
    pub fn note(&self, chore: &'static str, about: &str, error: &Error, now: Timestamp) {
        let mut all = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, trouble| trouble.last_at.plus_seconds(FORGOTTEN) > now);
        let fresh = || Trouble { count: 0, last_at: now, said_at: now };
        let trouble = all.entry((chore, about.to_owned())).or_insert_with(fresh);
        trouble.count += 1;
        trouble.last_at = now;
        if trouble.count > 1 && trouble.said_at.plus_seconds(SILENCE) > now {
            return;
        }
        trouble.said_at = now;
        let count = trouble.count;
        drop(all);
        let error = error.chain();
        tracing::error!(chore, about, count, error, "a chore failed and will be tried again");
    }

    /// It works, now or again.
    pub fn over(&self, chore: &'static str, about: &str) {
        let mut all = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        // Nearly always there was nothing.
        if all.is_empty() {
            return;
        }
        if let Some(trouble) = all.remove(&(chore, about.to_owned())) {
            tracing::info!(chore, about, count = trouble.count, "a chore works again");
        }
    }

    /// The one or the other.
    pub fn settle<T>(
        &self,
        chore: &'static str,
        about: &str,
        outcome: Result<T>,
        now: Timestamp,
    ) -> Option<T> {
        let word = if outcome.is_ok() { "success" } else { "failure" };
        metrics::counter!("statehouse_background_work_total", "work" => chore, "outcome" => word)
            .increment(1);
        match outcome {
            Ok(done) => {
                self.over(chore, about);
                Some(done)
            }
            Err(error) => {
                self.note(chore, about, &error, now);
                None
            }
        }
    }

    /// Whether something that is no failure was not said for an hour; it counts as said then.
    pub fn is_news(&self, chore: &'static str, what: &str, now: Timestamp) -> bool {
        let mut all = self.news.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, said_at| said_at.plus_seconds(FORGOTTEN) > now);
        let key = (chore, what.to_owned());
        let is_news = !all.contains_key(&key);
        all.entry(key).or_insert(now);
        is_news
    }

    /// How often a chore has failed since it last worked, with all that it is about.
    pub fn count(&self, chore: &str) -> u64 {
        let all = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().filter(|((name, _), _)| *name == chore).map(|(_, trouble)| trouble.count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_counted_until_it_is_over() {
        let troubles = Troubles::default();
        let error = Error::Unavailable("not now".into());
        for second in 0..100 {
            troubles.note("a", "one", &error, Timestamp(second * 1000));
            troubles.note("a", "two", &error, Timestamp(second * 1000));
        }
        assert_eq!(troubles.count("a"), 200);
        assert_eq!(troubles.count("b"), 0);
        troubles.over("a", "one");
        assert_eq!(troubles.count("a"), 100);
    }

    #[test]
    fn the_same_is_said_once_an_hour() {
        let troubles = Troubles::default();
        let said = |what, second| troubles.is_news("a", what, Timestamp(second * 1000));
        assert!(said("one", 0) && said("two", 0));
        assert!(!said("one", 1) && !said("one", FORGOTTEN - 1));
        assert!(said("one", FORGOTTEN));
    }

    #[test]
    fn what_did_not_come_again_is_forgotten() {
        let troubles = Troubles::default();
        let error = Error::Unavailable("not now".into());
        troubles.note("a", "gone", &error, Timestamp(0));
        troubles.note("a", "new", &error, Timestamp(FORGOTTEN * 1000 + 1));
        assert_eq!(troubles.count("a"), 1);
    }
}
