//! How many requests a caller may make in a second, where administrators set a limit; who shows no token that is good is
//! known by the network that they come from.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use crate::{App, Ctx, Error, Result, Site, accounts, can, site_settings};

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

/// How a caller stands in this second, with the request that was just counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub limit: u32,
    made: u32,
}

impl Standing {
    pub fn remaining(self) -> u32 {
        self.limit.saturating_sub(self.made)
    }

    /// # Errors
    /// TooMany for what is more than the limit.
    pub fn admit(self) -> Result<()> {
        if self.made <= self.limit {
            return Ok(());
        }
        Err(Error::TooMany(format!("At most {} requests a second are answered.", self.limit)))
    }
}

/// Counts a request. Agents and the engines of runs are never held up, nor is anybody where there is no limit.
pub async fn count(cx: &Ctx) -> Result<Option<Standing>> {
    if cx.may::<can::AskWithoutLimit>(&Site) {
        return Ok(None);
    }
    let (kind, id) = cx.actor().name();
    by_name(cx, format!("{kind} {}", id.unwrap_or_default())).await
}

/// Counts a request of somebody unknown.
pub async fn count_stranger(app: &App, address: Option<IpAddr>) -> Result<Option<Standing>> {
    let network = address.map(|address| accounts::network(address).to_string());
    by_name(app, format!("network {}", network.unwrap_or_default())).await
}

/// What holds for everybody, for whom nothing was counted.
pub async fn limit(app: &App) -> Result<Option<Standing>> {
    let settings = site_settings::current(app).await?;
    let standing = Standing { limit: settings.api_rate_limit, made: 0 };
    Ok(settings.api_rate_limiting_enabled.then_some(standing))
}

async fn by_name(app: &App, caller: String) -> Result<Option<Standing>> {
    let settings = site_settings::current(app).await?;
    if !settings.api_rate_limiting_enabled {
        return Ok(None);
    }
    let made = app.requests().count(app.now().0 / 1000, caller);
    Ok(Some(Standing { limit: settings.api_rate_limit, made }))
}
