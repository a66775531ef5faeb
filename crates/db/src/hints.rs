//! What servers on one PostgreSQL tell each other. One that is lost is no loss: whoever waits looks by itself after a
//! while.

use std::{future::pending, time::Duration};

use sea_orm::{ConnectionTrait, Statement};
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::time::{sleep, timeout};

use crate::{Db, Result};

const CHANNEL: &str = "statehouse";
/// A connection on which nobody has said anything for so long may be lost without anybody knowing: another one is made.
const SILENCE: Duration = Duration::from_mins(1);
/// Until the next try to connect, which may take as long.
const BETWEEN: Duration = Duration::from_secs(5);

/// Hears what servers say, on a connection of its own.
#[derive(Debug)]
pub struct Hints {
    /// On SQLite there is nobody else.
    address: Option<PgConnectOptions>,
    listener: Option<PgListener>,
}

impl Db {
    /// Says something to all servers, this one among them.
    pub async fn hint(&self, text: &str) -> Result<()> {
        let connection = self.read();
        let backend = connection.get_database_backend();
        let sql = "SELECT pg_notify($1, $2)";
        let values = [CHANNEL.into(), text.into()];
        connection.query_all_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
        Ok(())
    }

    pub fn hints(&self) -> Hints {
        Hints { address: self.postgres_address().cloned(), listener: None }
    }
}

impl Hints {
    /// The next one; `None` after a time in which some may not have been heard. On SQLite there never is one.
    pub async fn next(&mut self) -> Option<String> {
        let Some(address) = &self.address else { return pending().await };
        let Some(listener) = &mut self.listener else {
            self.listener = Some(connected(address).await);
            return None;
        };
        if let Ok(Ok(Some(said))) = timeout(SILENCE, listener.try_recv()).await {
            return Some(said.payload().to_owned());
        }
        self.listener = Some(connected(address).await);
        None
    }
}

/// Tries until there is a connection.
async fn connected(address: &PgConnectOptions) -> PgListener {
    loop {
        match timeout(BETWEEN, connect(address)).await {
            Ok(Ok(listener)) => return listener,
            Ok(Err(error)) => tracing::debug!("what other servers say is not heard: {error}"),
            Err(_) => tracing::debug!("what other servers say is not heard: no answer"),
        }
        sleep(BETWEEN).await;
    }
}

async fn connect(address: &PgConnectOptions) -> sqlx::Result<PgListener> {
    let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(BETWEEN);
    let mut listener = PgListener::connect_with(&pool.connect_lazy_with(address.clone())).await?;
    listener.listen(CHANNEL).await?;
    Ok(listener)
}
