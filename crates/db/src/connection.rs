//! One connection, which goes back to its pool only when somebody knows that it is fit for the next one.

use std::{io, mem, time::Instant};

use futures::{TryStreamExt, stream::BoxStream};
use sea_orm::{DbErr, ExecResult, QueryResult, RuntimeErr, Statement};
use sea_query_sqlx::SqlxValues;
use sqlx::{
    AssertSqlSafe, Connection as _, Either, Executor, Postgres, Sqlite, pool::PoolConnection,
};

use crate::{lists, presence::Presence};

/// What is asked of the database.
#[derive(Clone, Copy)]
pub(crate) enum Ask<'a> {
    Prepared(&'a Statement),
    /// Any number of statements without values, in one go.
    Plain(&'a str),
}

impl<'a> Ask<'a> {
    pub fn sql(self) -> &'a str {
        match self {
            Self::Prepared(statement) => &statement.sql,
            Self::Plain(sql) => sql,
        }
    }
}

/// Makes a type with `backend` and `ask` what SeaORM knows as a connection: all that it wants comes down to these two.
macro_rules! as_connection {
    ($asked:ty) => {
        #[async_trait]
        impl ConnectionTrait for $asked {
            fn get_database_backend(&self) -> DbBackend {
                self.backend()
            }

            async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
                self.ask(Ask::Prepared(&statement)).await?.into_result()
            }

            async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
                self.ask(Ask::Plain(sql)).await?.into_result()
            }

            async fn query_one_raw(
                &self,
                statement: Statement,
            ) -> Result<Option<QueryResult>, DbErr> {
                Ok(self.ask(Ask::Prepared(&statement)).await?.into_first())
            }

            async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
                Ok(self.ask(Ask::Prepared(&statement)).await?.rows)
            }
        }
    };
}
pub(crate) use as_connection;

/// What the database said.
#[derive(Default)]
pub(crate) struct Answer {
    pub rows: Vec<QueryResult>,
    /// Of the last statement.
    pub result: Option<ExecResult>,
}

impl Answer {
    pub fn into_result(self) -> Result<ExecResult, DbErr> {
        self.result.ok_or_else(|| DbErr::Custom("the database said nothing of a statement".into()))
    }

    pub fn into_first(self) -> Option<QueryResult> {
        self.rows.into_iter().next()
    }
}

/// Closed when dropped, unless it was given back.
pub(crate) struct Connection {
    inner: Inner,
    presence: Presence,
    /// Of the database, that is at the other end; known within transactions.
    process: Option<i32>,
    fit: bool,
}

pub(crate) enum Inner {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
    /// Nobody is at the other end any more.
    Lost,
}

impl Connection {
    pub fn new(inner: Inner, presence: Presence) -> Self {
        Self { inner, presence, process: None, fit: true }
    }

    /// Who answers from here on, until the connection is given back.
    pub fn is_answered_by(&mut self, process: i32) {
        self.process = Some(process);
    }

    /// What is harmless to repeat, asked of a connection of which nobody knows that it is still there.
    pub async fn ask_first(&mut self, ask: Ask<'_>) -> sqlx::Result<Answer> {
        let presence = self.presence.clone();
        let answer = match ask {
            Ask::Plain(_) => presence.at_once(self.ask(ask)).await,
            Ask::Prepared(_) => presence.soon(self.ask(ask)).await,
        };
        self.lost_by(&answer);
        answer
    }

    /// Whether somebody is at the other end.
    pub async fn prove(&mut self) -> sqlx::Result<()> {
        let presence = self.presence.clone();
        let Inner::Postgres(connection) = &mut self.inner else { return Ok(()) };
        self.fit = false;
        let answer = presence.at_once(connection.ping()).await;
        self.fit = answer.is_ok();
        self.lost_by(&answer);
        answer
    }

    /// From the first question on the connection is unfit, until [`Connection::give_back`] says otherwise: whatever
    /// fails, or is broken off by a caller who went away, leaves it in a state that nobody knows.
    pub async fn ask(&mut self, ask: Ask<'_>) -> sqlx::Result<Answer> {
        self.fit = false;
        let started = Instant::now();
        let shortened = match ask {
            Ask::Prepared(statement) => lists::shortened(statement, &self.inner),
            Ask::Plain(_) => None,
        };
        let ask = shortened.as_ref().map_or(ask, Ask::Prepared);
        let answer = match &mut self.inner {
            Inner::Sqlite(connection) => {
                gather(match ask {
                    Ask::Prepared(statement) => {
                        connection.fetch_many(sqlx::query_with(sql(statement), values(statement)))
                    }
                    Ask::Plain(text) => connection.fetch_many(sqlx::raw_sql(AssertSqlSafe(text))),
                })
                .await
            }
            Inner::Postgres(connection) => {
                let answer = gather(match ask {
                    Ask::Prepared(statement) => {
                        connection.fetch_many(sqlx::query_with(sql(statement), values(statement)))
                    }
                    Ask::Plain(text) => connection.fetch_many(sqlx::raw_sql(AssertSqlSafe(text))),
                });
                self.presence.while_there(self.process, answer).await
            }
            Inner::Lost => Err(io::Error::from(io::ErrorKind::NotConnected).into()),
        };
        self.lost_by(&answer);
        metrics::histogram!("statehouse_database_statement_duration_seconds")
            .record(started.elapsed());
        answer
    }

    /// To say good-bye to nobody takes seconds, in which the pool would have one connection less.
    fn lost_by<T>(&mut self, answer: &sqlx::Result<T>) {
        if matches!(answer, Err(sqlx::Error::Io(_)))
            && let Inner::Postgres(_) = self.inner
            && let Inner::Postgres(connection) = mem::replace(&mut self.inner, Inner::Lost)
        {
            drop(connection.detach());
        }
    }

    /// Nothing is open on it: the next one may have it.
    pub fn give_back(mut self) {
        self.fit = true;
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.fit {
            return;
        }
        match &mut self.inner {
            Inner::Sqlite(connection) => connection.close_on_drop(),
            Inner::Postgres(connection) => connection.close_on_drop(),
            Inner::Lost => {}
        }
    }
}

fn sql(statement: &Statement) -> AssertSqlSafe<&str> {
    // Written by SeaORM, or by us without anything of a caller's.
    AssertSqlSafe(statement.sql.as_str())
}

fn values(statement: &Statement) -> SqlxValues {
    SqlxValues(statement.values.clone().unwrap_or_else(|| sea_orm::Values(Vec::new())))
}

async fn gather<D: Into<ExecResult>, R: Into<QueryResult>>(
    mut stream: BoxStream<'_, sqlx::Result<Either<D, R>>>,
) -> sqlx::Result<Answer> {
    let mut answer = Answer::default();
    while let Some(part) = stream.try_next().await? {
        match part {
            Either::Left(done) => answer.result = Some(done.into()),
            Either::Right(row) => answer.rows.push(row.into()),
        }
    }
    Ok(answer)
}

/// As the rest of the program knows the driver's errors.
pub(crate) fn query_error(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(std::sync::Arc::new(error)))
}
