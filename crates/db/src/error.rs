//! What can go wrong with the database, as far as the domain can make sense of it.

use std::io::ErrorKind;

use sea_orm::{DbErr, RuntimeErr, SqlErr};
use sqlx::postgres::PgDatabaseError;

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A unique key is taken; the database's own words name the key.
    #[error("already taken: {0}")]
    Taken(String),
    /// The row is referenced by, or refers to, another one that stands in the way.
    #[error("in use: {0}")]
    InUse(String),
    /// Not the caller's fault and nothing of ours: it may work in a while. A sentence for the caller, and the
    /// database's own words for the log.
    #[error("{sentence} ({cause})")]
    Unavailable { sentence: &'static str, cause: String },
    /// A commit that may hold all the same: the database did not say. Its own words are for the log.
    #[error("nobody knows whether it was kept ({0})")]
    InDoubt(String),
    /// What was committed is not there.
    #[error("what was committed is not there")]
    Lost,
    #[error("{0}")]
    Settings(String),
    /// With the words of the database alone: what wraps them repeats them.
    #[error("database: {}", words(.0))]
    Other(DbErr),
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(key)) => return Self::Taken(key),
            Some(SqlErr::ForeignKeyConstraintViolation(key)) => return Self::InUse(key),
            _ => {}
        }
        match driver(&error).and_then(unavailable) {
            Some(sentence) => Self::Unavailable { sentence, cause: words(&error) },
            None => Self::Other(error),
        }
    }
}

impl Error {
    /// Of a commit that failed, and of which nobody has found out what became of it.
    pub(crate) fn of_commit(error: DbErr) -> Self {
        let is_certain = match driver(&error) {
            // Before the record of the commit was written there was no room any more.
            Some(answer @ sqlx::Error::Database(_)) => unavailable(answer) == Some(FULL),
            _ => false,
        };
        match Self::from(error) {
            refused @ (Self::Taken(_) | Self::InUse(_)) => refused,
            full if is_certain => full,
            other => Self::InDoubt(other.to_string()),
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        crate::connection::query_error(error).into()
    }
}

fn words(error: &DbErr) -> String {
    driver(error).map_or_else(|| error.to_string(), own_words)
}

/// In full PostgreSQL names a line of its source code as well, which nobody can do anything with.
pub(crate) fn own_words(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(answer) => answer.message().to_owned(),
        other => other.to_string(),
    }
}

fn driver(error: &DbErr) -> Option<&sqlx::Error> {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => Some(error),
        _ => None,
    }
}

const AWAY: &str = "The database cannot be reached.";
const BUSY: &str = "The database is busy.";
const FULL: &str = "The database has no room left.";
const BROKEN: &str = "The database cannot be written or read.";

/// What the caller is told where trying again may help.
fn unavailable(error: &sqlx::Error) -> Option<&'static str> {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::PoolClosed => Some(AWAY),
        sqlx::Error::PoolTimedOut => Some(BUSY),
        error if is_outdated(error) => Some(BUSY),
        sqlx::Error::Database(answer) => {
            let code = answer.code().unwrap_or_default();
            match code.len() {
                5 => by_sqlstate(&code),
                _ => by_result_code(code.parse().ok()?),
            }
        }
        _ => None,
    }
}

/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>
fn by_sqlstate(code: &str) -> Option<&'static str> {
    match code {
        "53100" => Some(FULL),
        // A deadlock, a conflict, a lock or an answer that took too long.
        "40001" | "40P01" | "55P03" | "57014" => Some(BUSY),
        // Read-only, as a standby is.
        "25006" => Some(BROKEN),
        // We let a transaction lie for too long.
        "25P03" => Some(AWAY),
        _ => match code.get(..2)? {
            "53" => Some(BUSY),
            "08" | "57" => Some(AWAY),
            "58" => Some(BROKEN),
            _ => None,
        },
    }
}

/// <https://www.sqlite.org/rescode.html>, of which the low byte is the kind.
fn by_result_code(code: u32) -> Option<&'static str> {
    match code & 0xff {
        5 | 6 => Some(BUSY),
        13 => Some(FULL),
        8 | 10 | 14 => Some(BROKEN),
        _ => None,
    }
}

/// Whether this connection is of no use any more, and nothing is known of the next.
pub(crate) fn is_useless(error: &sqlx::Error) -> bool {
    hung_up(error) || is_outdated(error)
}

/// Whether the database has ended this connection.
fn hung_up(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => matches!(
            error.kind(),
            ErrorKind::UnexpectedEof
                | ErrorKind::ConnectionReset
                | ErrorKind::ConnectionAborted
                | ErrorKind::BrokenPipe
        ),
        // Ended by an administrator, or by a crash of a neighbour.
        sqlx::Error::Database(answer) => {
            answer.code().is_some_and(|code| matches!(&*code, "57P01" | "57P02" | "57P05"))
        }
        _ => false,
    }
}

/// Whether a statement was prepared before a migration changed what it answers: this connection can ask it no more, the
/// next one can. Told by the routine that says so, since the sentence is translated and the code says little.
fn is_outdated(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(answer) = error else { return false };
    answer
        .try_downcast_ref::<PgDatabaseError>()
        .is_some_and(|answer| answer.routine() == Some("RevalidateCachedQuery"))
}

/// What went wrong while a connection was made that used to be there: whatever it was, the database is away, and the
/// caller has done nothing wrong. A password that was changed or a database that was renamed is told in the log.
pub(crate) fn while_connecting(error: sqlx::Error) -> sqlx::Error {
    match error {
        sqlx::Error::Protocol(_) => sqlx::Error::Io(std::io::Error::other(error)),
        sqlx::Error::Database(ref answer)
            if answer.code().and_then(|code| by_sqlstate(&code)).is_none() =>
        {
            sqlx::Error::Io(std::io::Error::other(own_words(&error)))
        }
        other => other,
    }
}

/// Whether a database that cannot be reached may be there in a moment.
pub(crate) fn may_come(error: &sqlx::Error) -> bool {
    match error {
        // What is no answer of PostgreSQL comes from something before it, which has nothing behind it yet.
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::Protocol(_) => true,
        // It starts, stops, or has too many guests.
        sqlx::Error::Database(answer) => {
            answer.code().is_some_and(|code| code.starts_with("57P") || code.starts_with("53"))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn something_before_the_database_that_has_nothing_behind_it_is_no_mistake_of_the_caller() {
        let strange = || sqlx::Error::Protocol("unexpected response from SSLRequest: 0x00".into());
        assert!(may_come(&strange()));
        assert_eq!(unavailable(&while_connecting(strange())), Some(AWAY));
        // Of a connection that is there it is our mistake.
        assert_eq!(unavailable(&strange()), None);
        assert_eq!(unavailable(&while_connecting(sqlx::Error::PoolTimedOut)), Some(BUSY));
    }
}
