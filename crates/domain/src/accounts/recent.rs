//! Callers of the last seconds, so that a client that asks a hundred things is looked up once.
//!
//! What was looked up holds while nobody's rights change, which the database tells by a number ([`db::rights`]). What
//! another process changes (a second server, `statehouse admin`) holds here a second later.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use db::id::TokenId;

use crate::{Actor, App, Result, Timestamp};

/// How long nobody looks whether another process has changed rights.
const TRUSTED_FOR: Duration = Duration::from_secs(1);
/// What ends by time alone, as an organization's limit on the age of tokens does, ends here so much later at most.
const KEPT_FOR_MS: u64 = 10_000;
/// Then the oldest are of no use anyway.
const MOST: usize = 10_000;

#[derive(Debug, Default)]
pub(crate) struct RecentActors {
    known: Mutex<HashMap<String, Known>>,
    epoch: Mutex<Option<Epoch>>,
}

#[derive(Debug)]
struct Known {
    bearer: (TokenId, Arc<Actor>),
    epoch: i64,
    since: Timestamp,
    expires_at: Option<Timestamp>,
}

/// The number as it was read.
#[derive(Clone, Copy, Debug)]
struct Epoch {
    number: i64,
    /// How many changes of this process were known before.
    changes: u64,
    since: Instant,
}

impl RecentActors {
    /// The number that says whose rights are those of this moment.
    pub async fn epoch(&self, app: &App) -> Result<i64> {
        let (changes, since) = (app.db().rights_changes(), Instant::now());
        let read = *self.epoch.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(epoch) = read
            && epoch.changes == changes
            && epoch.since.elapsed() < TRUSTED_FOR
        {
            return Ok(epoch.number);
        }
        let number = app.db().rights_epoch().await?;
        let mut epoch = self.epoch.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever was slow to read must not bring back what counts no longer.
        if epoch.is_none_or(|known| known.number <= number) {
            *epoch = Some(Epoch { number, changes, since });
        }
        Ok(number)
    }

    pub fn get(&self, app: &App, hash: &str, epoch: i64) -> Option<(TokenId, Arc<Actor>)> {
        let now = app.now();
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = known.get(hash)?;
        let holds = entry.epoch == epoch
            && now.0.abs_diff(entry.since.0) < KEPT_FOR_MS
            && entry.expires_at.is_none_or(|at| at > now);
        holds.then(|| entry.bearer.clone())
    }

    /// `epoch` is the number from before the actor was looked up.
    pub fn keep(
        &self,
        app: &App,
        hash: String,
        epoch: i64,
        expires_at: Option<Timestamp>,
        bearer: (TokenId, Arc<Actor>),
    ) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(hash, Known { bearer, epoch, since: app.now(), expires_at });
    }
}

#[cfg(test)]
mod tests {
    /// The connection for rights refuses what nobody would notice a change of; another one would not.
    #[test]
    fn whoever_looks_up_callers_reads_by_the_connection_for_rights() {
        let source = include_str!("authentication.rs");
        assert!(source.contains(".rights()") && !source.contains(".read()"));
    }
}
