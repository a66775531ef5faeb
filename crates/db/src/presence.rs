//! Whether a database on another machine is still there: asked only by those who have waited for a while.

use std::{
    future::Future,
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use sqlx::{ConnectOptions, Connection, postgres::PgConnectOptions};
use tokio::{
    sync::Mutex,
    time::{sleep, timeout},
};

/// Nobody doubts a database that answers as fast as this.
const UNDOUBTED: Duration = Duration::from_secs(1);
/// What a new connection may take. Together with the doubt it is less than the five seconds within which
/// people are told that the database is away.
const PATIENCE: Duration = Duration::from_millis(2500);

/// Lets work go on for as long as the database is there. A file is always there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Presence(Option<Arc<Probe>>);

#[derive(Debug)]
struct Probe {
    address: PgConnectOptions,
    /// The longest that one statement may take.
    longest: Duration,
    /// The last look and what it saw; one looks for all.
    seen: Mutex<Option<(Instant, Result<(), String>)>>,
}

impl Presence {
    pub fn of(address: PgConnectOptions, longest: Duration) -> Self {
        Self(Some(Arc::new(Probe { address, longest, seen: Mutex::default() })))
    }

    /// A server that was stopped, or is behind a cable that was cut, hangs up on nobody: without this, work on it
    /// would wait for as long as the network's own limits, which are minutes.
    pub async fn while_there<T>(
        &self,
        work: impl Future<Output = sqlx::Result<T>>,
    ) -> sqlx::Result<T> {
        let Some(probe) = &self.0 else { return work.await };
        tokio::select! {
            biased;
            done = work => done,
            why = probe.gone() => Err(sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, why))),
        }
    }
}

impl Probe {
    /// Ends when the database does not answer, with the reason.
    async fn gone(&self) -> String {
        let started = Instant::now();
        while started.elapsed() < self.longest {
            sleep(UNDOUBTED).await;
            if let Err(why) = self.look().await {
                return why;
            }
        }
        // It answers others: this connection is lost, or the limits that the server was told do not hold.
        format!("no answer within {} seconds", self.longest.as_secs())
    }

    async fn look(&self) -> Result<(), String> {
        let mut seen = self.seen.lock().await;
        if let Some((at, known)) = &*seen
            && at.elapsed() < UNDOUBTED
        {
            return known.clone();
        }
        let now = match timeout(PATIENCE, self.address.connect()).await {
            Ok(Ok(connection)) => {
                // Told good-bye if it listens.
                drop(timeout(UNDOUBTED, connection.close()).await);
                Ok(())
            }
            // Whoever refuses is there, unless it is about to start or to stop.
            Ok(Err(sqlx::Error::Database(refusal)))
                if refusal.code().is_none_or(|code| !code.starts_with("57")) =>
            {
                Ok(())
            }
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("no answer within {PATIENCE:?}")),
        };
        *seen = Some((Instant::now(), now.clone()));
        now
    }
}
