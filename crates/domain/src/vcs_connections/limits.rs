//! Providers that want to be asked less often are left alone until then, whatever there is to be asked. Each server keeps to
//! what it was told itself.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use vcs::provider::Wait;

use super::{Connected, Link};
use crate::Timestamp;

/// Seconds; nobody is believed to want more.
const LONGEST: i64 = 60 * 60;

/// Until when, and of which token: another one has limits of its own.
#[derive(Debug, Default)]
pub(crate) struct Limits(Mutex<HashMap<Link, (Option<String>, Timestamp)>>);

impl Limits {
    pub fn keep(&self, of: &Connected, wait: Wait, now: Timestamp) {
        let until = now.plus_seconds(seconds(wait, now));
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, (_, until)| *until > now);
        all.insert(of.link.clone(), (token_of(of), until));
    }

    /// How long somebody still has to wait.
    pub fn of(&self, of: &Connected, now: Timestamp) -> Option<Wait> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (token, until) = all.get(&of.link)?;
        let left = u64::try_from(until.0 - now.0).ok().filter(|left| *left > 0)?;
        (*token == token_of(of)).then(|| Wait::For(std::time::Duration::from_millis(left)))
    }
}

fn token_of(connected: &Connected) -> Option<String> {
    connected.token.as_ref().map(|token| token.access_token.clone())
}

/// How long nobody asks, at least a second.
pub(crate) fn seconds(wait: Wait, now: Timestamp) -> i64 {
    let wished = match wait {
        Wait::For(time) => i64::try_from(time.as_millis().div_ceil(1000)).unwrap_or(LONGEST),
        Wait::Until(at) => i64::try_from(at).unwrap_or(LONGEST) - now.0 / 1000,
    };
    wished.clamp(1, LONGEST)
}
