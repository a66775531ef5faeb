//! Waiting, so that people see it, for a PostgreSQL that is not there yet.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use sqlx::{ConnectOptions, PgConnection, postgres::PgConnectOptions};
use tokio::time::{sleep, timeout};

use crate::{
    Error, Result,
    error::{may_come, own_words},
};

/// One try.
const PATIENCE: Duration = Duration::from_secs(5);
const BETWEEN: Duration = Duration::from_secs(1);

/// The first connection. What another try cannot mend, such as a wrong password, is not tried again.
pub(crate) async fn first_connection(
    options: &PgConnectOptions,
    wait: Duration,
) -> Result<PgConnection> {
    let place = format!("{}:{}", options.get_host(), options.get_port());
    let started = Instant::now();
    loop {
        let why = match limited(options.connect()).await {
            Ok(connection) => return Ok(connection),
            Err(error) if !may_come(&error) => {
                let why = own_words(&error);
                return Err(Error::Settings(format!("PostgreSQL at {place}: {why}")));
            }
            Err(error) => own_words(&error),
        };
        let left = wait.saturating_sub(started.elapsed());
        if left.is_zero() {
            return Err(Error::Settings(format!("PostgreSQL at {place} cannot be reached: {why}")));
        }
        tracing::warn!(
            "waiting for PostgreSQL at {place}, for {} s more at most: {why}",
            left.as_secs() + 1
        );
        sleep(BETWEEN.min(left)).await;
    }
}

async fn limited<T>(connecting: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
    timeout(PATIENCE, connecting).await.unwrap_or_else(|_| {
        let why = format!("no answer within {} s", PATIENCE.as_secs());
        Err(sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, why)))
    })
}
