//! Connections kept for the next one who needs them.

use std::{
    fmt,
    time::{Duration, Instant},
};

use sqlx::{PgPool, SqlitePool};
use tokio::time::timeout;

use crate::{
    connection::{Answer, Ask, Connection, Inner},
    error::{is_useless, while_connecting},
    presence::{Presence, no_answer},
};

/// Within this who has met a connection of no use has another one, or the database is away.
const ANOTHER_WITHIN: Duration = Duration::from_millis(4500);

/// Some connections of one kind.
#[derive(Clone)]
pub(crate) struct Pool {
    name: &'static str,
    connections: Connections,
    presence: Presence,
}

#[derive(Clone)]
enum Connections {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// How a pool is used at this moment.
#[derive(Clone, Copy, Debug)]
pub struct PoolFigures {
    /// `readers` or `writers`
    pub name: &'static str,
    /// Connections at most.
    pub limit: u32,
    pub open: u32,
    pub idle: u32,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pool").field(&self.figures()).finish()
    }
}

impl Pool {
    pub fn sqlite(name: &'static str, pool: SqlitePool) -> Self {
        Self { name, connections: Connections::Sqlite(pool), presence: Presence::default() }
    }

    pub fn postgres(name: &'static str, pool: PgPool, presence: Presence) -> Self {
        Self { name, connections: Connections::Postgres(pool), presence }
    }

    pub fn is_postgres(&self) -> bool {
        matches!(self.connections, Connections::Postgres(_))
    }

    /// Waits for a free connection, as long as the settings say.
    async fn connection(&self) -> sqlx::Result<Connection> {
        let started = Instant::now();
        let inner = match &self.connections {
            Connections::Sqlite(pool) => pool.acquire().await.map(Inner::Sqlite),
            Connections::Postgres(pool) => {
                let acquired = self.presence.while_there(None, pool.acquire()).await;
                acquired.map(Inner::Postgres).map_err(while_connecting)
            }
        };
        metrics::histogram!("statehouse_database_wait_duration_seconds", "pool" => self.name)
            .record(started.elapsed());
        Ok(Connection::new(inner?, self.presence.clone()))
    }

    /// A connection, and what it answered to a first question that is harmless to repeat: on whom the database has
    /// hung up meanwhile, who is behind a network that forgot the connection, or whose prepared statements a migration has overtaken, finds out by asking.
    pub async fn ask(&self, ask: Ask<'_>) -> sqlx::Result<(Connection, Answer)> {
        let started = Instant::now();
        let mut connection = self.connection().await?;
        match connection.ask_first(ask).await {
            Ok(answer) => return Ok((connection, answer)),
            Err(error) if is_useless(&error) => {}
            Err(error) => return Err(error),
        }
        drop(connection);
        // Each of them may be of no use any more, and then there is a new one.
        let mut useless = 1;
        loop {
            let left = ANOTHER_WITHIN.saturating_sub(started.elapsed());
            let another = timeout(left, self.proven(ask)).await;
            let another = another.unwrap_or_else(|_| {
                Err(no_answer(format!("no connection within {ANOTHER_WITHIN:?}")))
            });
            let answer = match another {
                Ok((connection, Some(answer))) => return Ok((connection, answer)),
                Ok((mut connection, None)) => {
                    connection.ask(ask).await.map(|answer| (connection, answer))
                }
                Err(error) => Err(error),
            };
            match answer {
                Err(error) if is_useless(&error) && useless < self.figures().limit => useless += 1,
                answer => return answer,
            }
        }
    }

    /// A connection with somebody at the other end. What is answered at once is the proof itself.
    async fn proven(&self, ask: Ask<'_>) -> sqlx::Result<(Connection, Option<Answer>)> {
        let mut connection = self.connection().await?;
        if let Ask::Plain(_) = ask {
            let answer = connection.ask_first(ask).await?;
            return Ok((connection, Some(answer)));
        }
        connection.prove().await?;
        Ok((connection, None))
    }

    pub fn figures(&self) -> PoolFigures {
        let (limit, open, idle) = match &self.connections {
            Connections::Sqlite(pool) => {
                (pool.options().get_max_connections(), pool.size(), pool.num_idle())
            }
            Connections::Postgres(pool) => {
                (pool.options().get_max_connections(), pool.size(), pool.num_idle())
            }
        };
        PoolFigures { name: self.name, limit, open, idle: u32::try_from(idle).unwrap_or(limit) }
    }

    pub async fn close(&self) {
        match &self.connections {
            Connections::Sqlite(pool) => pool.close().await,
            Connections::Postgres(pool) => pool.close().await,
        }
    }
}
