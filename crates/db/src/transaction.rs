//! A transaction and the connection that is its own: after the first failure neither is used again.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr, SqlErr, Statement,
};
use tokio::{
    sync::Mutex,
    time::{sleep, timeout},
};

use crate::{
    Error, Result,
    connection::{Answer, Ask, Connection, as_connection, query_error},
    pool::Pool,
    rights,
};

/// On PostgreSQL a transaction inside a transaction is no error but a warning, and its commit would be one of whatever
/// was left open before. A transaction that has just begun is as old as the statement that began it.
///
/// Its number tells later what became of it, and its process whether it is at work.
const BEGIN_POSTGRES: &str = "BEGIN; SELECT now() = statement_timestamp() AS begun, \
                              pg_backend_pid() AS process, txid_current() AS number";
/// On SQLite it is an error.
const BEGIN_SQLITE: &str = "BEGIN IMMEDIATE";

/// What is done here is kept by `commit` alone.
pub struct Transaction {
    /// `None` once it has ended.
    open: Option<Mutex<Open>>,
    pool: Pool,
    backend: DbBackend,
    may_change_rights: AtomicBool,
}

struct Open {
    connection: Connection,
    standing: Standing,
    /// By which PostgreSQL remembers it.
    number: Option<i64>,
}

/// How long there is to find out what became of a transaction whose end nobody has told.
const FOUND_OUT_WITHIN: Duration = Duration::from_secs(1);
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Good,
    /// The database refused a row, as it should: a rollback is all that is left to do.
    Refused,
    /// Something failed, or was broken off: the connection goes with the transaction.
    Unknown,
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction").field("backend", &self.backend).finish_non_exhaustive()
    }
}

impl Transaction {
    pub(crate) async fn begin(pool: &Pool) -> Result<Self, DbErr> {
        let backend = if pool.is_postgres() { DbBackend::Postgres } else { DbBackend::Sqlite };
        let begin = if pool.is_postgres() { BEGIN_POSTGRES } else { BEGIN_SQLITE };
        let (mut connection, answer) = pool.ask(Ask::Plain(begin)).await.map_err(query_error)?;
        let mut number = None;
        if let Some(row) = answer.into_first() {
            if !row.try_get::<bool>("", "begun")? {
                return Err(failed("a connection came with a transaction that somebody left open"));
            }
            connection.is_answered_by(row.try_get("", "process")?);
            number = Some(row.try_get("", "number")?);
        }
        let open = Some(Mutex::new(Open { connection, standing: Standing::Good, number }));
        let may_change_rights = AtomicBool::new(false);
        Ok(Self { open, pool: pool.clone(), backend, may_change_rights })
    }

    fn backend(&self) -> DbBackend {
        self.backend
    }

    /// Whether any statement so far may have changed somebody's rights.
    pub(crate) fn may_change_rights(&self) -> bool {
        self.may_change_rights.load(Ordering::Acquire)
    }

    async fn ask(&self, ask: Ask<'_>) -> Result<Answer, DbErr> {
        if rights::may_change(ask.sql()) {
            self.may_change_rights.store(true, Ordering::Release);
        }
        let mut open = match &self.open {
            Some(open) => open.lock().await,
            None => return Err(failed("the transaction has ended")),
        };
        open.ask(ask).await
    }

    /// Returns once the database has confirmed; where its answer is lost, it is asked what became of the transaction.
    ///
    /// # Errors
    /// A refusal of the database, or [`Error::InDoubt`].
    pub(crate) async fn commit(mut self) -> Result<()> {
        let Some(open) = self.open.take() else {
            return Err(failed("the transaction has ended").into());
        };
        let mut open = open.into_inner();
        let was_asked = open.standing == Standing::Good;
        let Err(error) = open.ask(Ask::Plain("COMMIT")).await else {
            open.connection.give_back();
            return Ok(());
        };
        let number = open.number;
        // With the connection a transaction ends that was not told to.
        drop(open);
        if !was_asked {
            return Err(error.into());
        }
        let was_kept = match number {
            Some(number) => self.was_committed(number).await,
            None => None,
        };
        match was_kept {
            Some(true) => {
                tracing::info!("a commit whose answer was lost holds: {error}");
                Ok(())
            }
            Some(false) => Err(error.into()),
            None => Err(Error::of_commit(error)),
        }
    }

    /// `None` if nobody can tell.
    async fn was_committed(&self, number: i64) -> Option<bool> {
        let question = format!("SELECT txid_status({number}) AS status");
        let looking = async {
            loop {
                let (connection, answer) = self.pool.ask(Ask::Plain(&question)).await.ok()?;
                connection.give_back();
                let status: Option<String> = answer.into_first()?.try_get("", "status").ok()?;
                match status.as_deref() {
                    Some("in progress") => sleep(BETWEEN_LOOKS).await,
                    known => return known.map(|status| status == "committed"),
                }
            }
        };
        timeout(FOUND_OUT_WITHIN, looking).await.ok().flatten()
    }

    /// Returns once what was locked is free again, which a transaction that is dropped does not wait for.
    pub(crate) async fn roll_back(mut self) {
        if let Some(open) = self.open.take().map(Mutex::into_inner)
            && open.standing != Standing::Unknown
        {
            open.roll_back().await;
        }
    }
}

impl Open {
    async fn ask(&mut self, ask: Ask<'_>) -> Result<Answer, DbErr> {
        if self.standing != Standing::Good {
            return Err(failed("an earlier statement of the transaction has failed"));
        }
        // If the caller goes away before there is an answer, it stays so.
        self.standing = Standing::Unknown;
        let answer = self.connection.ask(ask).await.map_err(query_error);
        self.standing = match &answer {
            Ok(_) => Standing::Good,
            Err(error) if is_refusal(error) => Standing::Refused,
            Err(error) => {
                tracing::error!("a transaction failed and its connection is closed: {error}");
                Standing::Unknown
            }
        };
        answer
    }

    async fn roll_back(mut self) {
        match self.connection.ask_first(Ask::Plain("ROLLBACK")).await {
            Ok(_) => self.connection.give_back(),
            // A connection that is closed takes its transaction along.
            Err(error) => tracing::warn!("a rollback failed and its connection is closed: {error}"),
        }
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        let Some(open) = self.open.take().map(Mutex::into_inner) else { return };
        if open.standing != Standing::Unknown
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(open.roll_back());
        }
    }
}

fn is_refusal(error: &DbErr) -> bool {
    matches!(
        error.sql_err(),
        Some(SqlErr::UniqueConstraintViolation(_) | SqlErr::ForeignKeyConstraintViolation(_))
    )
}

fn failed(why: &str) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(Arc::new(sqlx::Error::Protocol(why.to_owned()))))
}

as_connection!(Transaction);
