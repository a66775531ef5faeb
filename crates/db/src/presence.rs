//! Whether a database on another machine is still there: asked only by those who have waited for a while.

use std::{
    collections::HashSet,
    future::Future,
    io,
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use sqlx::{ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};
use tokio::{
    sync::Mutex,
    time::{sleep, timeout},
};

/// Nobody doubts a database that answers as fast as this.
const UNDOUBTED: Duration = Duration::from_secs(1);
/// What a new connection may take. Together with the doubt it is less than the five seconds within which
/// people are told that the database is away.
const PATIENCE: Duration = Duration::from_millis(2500);

/// What asks nothing of a database but to be there is answered within this, or its connection is lost.
const AT_ONCE: Duration = Duration::from_secs(2);

/// Lets work go on for as long as the database is there. A file is always there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Presence(Option<Arc<Probe>>);

#[derive(Debug)]
struct Probe {
    address: PgConnectOptions,
    /// The longest that one statement may take.
    longest: Duration,
    /// The last look and what it saw; one looks for all.
    seen: Mutex<Option<(Instant, Result<Work, String>)>>,
    /// When a connection was lost without a word the last time: others may have been lost with it.
    lost_one_at: std::sync::Mutex<Option<Instant>>,
}

/// What the database was doing when somebody looked.
#[derive(Clone, Debug)]
enum Work {
    /// Processes of its that may be at work on a question, or have just answered one.
    Of(Arc<HashSet<i32>>),
    /// It is there, and says no more.
    Unknown,
}

impl Work {
    /// Whether this process is not at work on anything: what it was asked has not come, or its answer is lost.
    fn is_none_of(&self, process: i32) -> bool {
        matches!(self, Self::Of(processes) if !processes.contains(&process))
    }
}

/// Of whom it is not told what they do, nobody knows that they do nothing.
const AT_WORK: &str = "SELECT pid FROM pg_stat_activity WHERE state IS NULL OR state NOT LIKE 'idle%' \
                       OR state_change > clock_timestamp() - interval '900 milliseconds'";

impl Presence {
    pub fn of(address: PgConnectOptions, longest: Duration) -> Self {
        Self(Some(Arc::new(Probe {
            address,
            longest,
            seen: Mutex::default(),
            lost_one_at: <_>::default(),
        })))
    }

    /// A server that was stopped, or is behind a cable that was cut, hangs up on nobody: without this, work on it
    /// would wait for as long as the network's own limits, which are minutes. Where it is known which `process` of the
    /// database was asked, a question or an answer that got lost on the way is told from one that takes its time.
    pub async fn while_there<T>(
        &self,
        process: Option<i32>,
        work: impl Future<Output = sqlx::Result<T>>,
    ) -> sqlx::Result<T> {
        let Some(probe) = &self.0 else { return work.await };
        tokio::select! {
            biased;
            done = work => done,
            why = probe.gone(process) => Err(no_answer(why)),
        }
    }

    /// For what a connection that is there answers at once. A network that forgot its connections hangs up on nobody
    /// either, and the database behind it is there for everybody else.
    pub async fn at_once<T>(&self, work: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
        let answer = self.soon(work).await;
        if let (Some(probe), Err(error)) = (&self.0, &answer)
            && is_lost(error)
        {
            *probe.lost_one_at.lock().unwrap_or_else(PoisonError::into_inner) =
                Some(Instant::now());
        }
        answer
    }

    /// The same for what may as well be slow: it says nothing of other connections.
    pub async fn soon<T>(&self, work: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
        if self.0.is_none() {
            return work.await;
        }
        timeout(AT_ONCE, work).await.unwrap_or_else(|_| Err(lost()))
    }

    /// Whether a connection that nobody has used for so long was last heard of before another one was lost.
    pub fn may_be_lost(&self, idle_for: Duration) -> bool {
        let Some(probe) = &self.0 else { return false };
        let lost_one_at = *probe.lost_one_at.lock().unwrap_or_else(PoisonError::into_inner);
        lost_one_at.is_some_and(|at| at.elapsed() <= idle_for)
    }
}

pub(crate) fn no_answer(why: String) -> sqlx::Error {
    sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, why))
}

/// As if the other end had hung up, which it would have if it could: another connection may do.
fn lost() -> sqlx::Error {
    let why = format!("no answer on this connection within {} seconds", AT_ONCE.as_secs());
    sqlx::Error::Io(io::Error::new(io::ErrorKind::ConnectionAborted, why))
}

fn is_lost(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionAborted)
}

impl Probe {
    /// Ends when the database does not answer, with the reason.
    async fn gone(&self, process: Option<i32>) -> String {
        let started = Instant::now();
        let mut looks_without = 0;
        while started.elapsed() < self.longest {
            sleep(UNDOUBTED).await;
            match (self.look().await, process) {
                (Err(why), _) => return why,
                (Ok(work), Some(process)) if work.is_none_of(process) => looks_without += 1,
                (Ok(_), _) => looks_without = 0,
            }
            // The first look may be somebody else's, from before the question.
            if looks_without == 2
                && let Some(process) = process
            {
                self.end(process).await;
                return "what was asked, or its answer, was lost on the way".to_owned();
            }
        }
        // It answers others: this connection is lost, or the limits that the server was told do not hold.
        format!("no answer within {} seconds", self.longest.as_secs())
    }

    /// Ends the transaction of a connection that was lost, so that others need not wait for what it has locked.
    async fn end(&self, process: i32) {
        let ending = async {
            let mut connection = self.address.connect().await?;
            sqlx::query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND state LIKE 'idle%' \
                 AND state_change < clock_timestamp() - interval '900 milliseconds'",
            )
            .bind(process)
            .fetch_all(&mut connection)
            .await?;
            connection.close().await
        };
        match timeout(UNDOUBTED, ending).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!("what a lost connection holds stays a while: {error}"),
            Err(_) => tracing::warn!("what a lost connection holds stays a while: no answer"),
        }
    }

    async fn look(&self) -> Result<Work, String> {
        let mut seen = self.seen.lock().await;
        if let Some((at, known)) = &*seen
            && at.elapsed() < UNDOUBTED
        {
            return known.clone();
        }
        let asking = async {
            let mut connection = self.address.connect().await?;
            let work = at_work(&mut connection).await;
            Ok((connection, work))
        };
        let now = match timeout(PATIENCE, asking).await {
            Ok(Ok((connection, work))) => {
                // Told good-bye if it listens.
                drop(timeout(UNDOUBTED, connection.close()).await);
                Ok(work)
            }
            // Whoever refuses is there, unless it is about to start or to stop.
            Ok(Err(sqlx::Error::Database(refusal)))
                if refusal.code().is_none_or(|code| !code.starts_with("57")) =>
            {
                Ok(Work::Unknown)
            }
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("no answer within {PATIENCE:?}")),
        };
        *seen = Some((Instant::now(), now.clone()));
        now
    }
}

async fn at_work(connection: &mut PgConnection) -> Work {
    let processes: sqlx::Result<Vec<i32>> = sqlx::query_scalar(AT_WORK).fetch_all(connection).await;
    processes.map_or(Work::Unknown, |all| Work::Of(Arc::new(all.into_iter().collect())))
}
