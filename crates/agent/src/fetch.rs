//! What a job needs from elsewhere: its engine, its configuration, the prior state, the saved plan.

use std::path::PathBuf;

use crate::agent::Agent;
use crate::archive::{self, Ceiling};
use crate::phase::PATIENCE;
use crate::server::insist;
use crate::session::Session;
use crate::workplace::Workplace;

/// Ceiling of each downloaded file, in bytes.
const DOWNLOAD: u64 = 4 << 30;

/// One job's way to what it needs.
pub(crate) struct Fetch<'a> {
    pub agent: &'a Agent,
    pub session: &'a Session,
    pub place: &'a Workplace,
}

impl Fetch<'_> {
    /// Fetches all of it at once, and unpacks the configuration; gives the engine's binary, or a sentence about what
    /// cannot be had.
    pub async fn everything(&self) -> Result<PathBuf, String> {
        let (place, job) = (self.place, &self.session.job);
        let engine = async {
            let http = self.session.server.http();
            self.agent.engines.obtain(http, &job.engine).await.map_err(|error| format!("{error}."))
        };
        let state = self.file("state", job.state_url.as_deref(), place.fetched_state());
        let plan = self.file("saved plan", job.plan_file_url.as_deref(), place.fetched_plan());
        let lock = self.file("lock file", job.lock_file_url.as_deref(), place.fetched_lock());
        let all = tokio::try_join!(engine, self.configuration(), state, plan, lock);
        all.map(|(engine, ..)| engine)
    }

    async fn file(&self, what: &'static str, url: Option<&str>, to: PathBuf) -> Result<(), String> {
        let Some(url) = url else { return Ok(()) };
        let server = &self.session.server;
        insist(PATIENCE / 10, || server.download(what, url, &to, DOWNLOAD))
            .await
            .map_err(|error| format!("The {what} cannot be fetched: {error}."))
    }

    async fn configuration(&self) -> Result<(), String> {
        let Some(url) = self.session.job.configuration_url.as_deref() else { return Ok(()) };
        self.file("configuration", Some(url), self.place.archive()).await?;
        let place = self.place.clone();
        tokio::task::spawn_blocking(move || {
            archive::unpack(&place.archive(), &place.config(), Ceiling::default())?;
            Ok(std::fs::remove_file(place.archive())?)
        })
        .await
        .map_err(|error| error.to_string())?
        .map_err(|error: archive::ArchiveError| format!("{error}."))
    }
}
