//! Callers of the last second, so that a client that asks a hundred things is looked up once.
//!
//! What was looked up holds while this process commits nothing, since rights change by commits. What another process
//! commits (a second server, `statehouse admin`) holds here a second later.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use db::id::TokenId;

use crate::{Actor, App, Timestamp};

const KEPT_FOR: Duration = Duration::from_secs(1);
/// Then the oldest are of no use anyway.
const MOST: usize = 10_000;

#[derive(Debug, Default)]
pub(crate) struct RecentActors(Mutex<HashMap<String, Known>>);

#[derive(Debug)]
struct Known {
    bearer: (TokenId, Arc<Actor>),
    commits: u64,
    since: Instant,
    expires_at: Option<Timestamp>,
}

impl RecentActors {
    pub fn get(&self, app: &App, hash: &str) -> Option<(TokenId, Arc<Actor>)> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = known.get(hash)?;
        let holds = entry.commits == app.db().commits()
            && entry.since.elapsed() < KEPT_FOR
            && entry.expires_at.is_none_or(|at| at > app.now());
        holds.then(|| entry.bearer.clone())
    }

    /// `commits` is the count from before the actor was looked up.
    pub fn keep(
        &self,
        hash: String,
        commits: u64,
        expires_at: Option<Timestamp>,
        bearer: (TokenId, Arc<Actor>),
    ) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(hash, Known { bearer, commits, since: Instant::now(), expires_at });
    }
}
