//! How many requests a caller may make in a second, where administrators set a limit.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use crate::{Ctx, Error, Result, Site, can, site_settings};

/// The requests of this second, by caller; each server counts its own.
#[derive(Debug, Default)]
pub(crate) struct Requests(Mutex<(i64, HashMap<String, u32>)>);

impl Requests {
    fn count(&self, second: i64, caller: String) -> u32 {
        let mut requests = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if requests.0 != second {
            *requests = (second, HashMap::new());
        }
        let count = requests.1.entry(caller).or_default();
        *count = count.saturating_add(1);
        *count
    }
}

/// Counts a request. Agents and the engines of runs are never held up.
///
/// # Errors
/// TooMany for what is more than the limit.
pub async fn admit(cx: &Ctx) -> Result<()> {
    if cx.may::<can::AskWithoutLimit>(&Site) {
        return Ok(());
    }
    let settings = site_settings::current(cx).await?;
    if !settings.api_rate_limiting_enabled {
        return Ok(());
    }
    let (kind, id) = cx.actor().name();
    let caller = format!("{kind} {}", id.unwrap_or_default());
    if cx.requests().count(cx.now().0 / 1000, caller) > settings.api_rate_limit {
        return Err(Error::TooMany(format!(
            "At most {} requests a second are answered.",
            settings.api_rate_limit
        )));
    }
    Ok(())
}
