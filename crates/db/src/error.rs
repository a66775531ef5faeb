//! What can go wrong with the database, as far as the domain can make sense of it.

use sea_orm::{DbErr, SqlErr};

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A unique key is taken; the database's own words name the key.
    #[error("already taken: {0}")]
    Taken(String),
    /// The row is referenced by, or refers to, another one that stands in the way.
    #[error("in use: {0}")]
    InUse(String),
    #[error("{0}")]
    Settings(String),
    #[error("database: {0}")]
    Other(#[source] DbErr),
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(key)) => Self::Taken(key),
            Some(SqlErr::ForeignKeyConstraintViolation(key)) => Self::InUse(key),
            _ => Self::Other(error),
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Other(DbErr::Conn(sea_orm::RuntimeErr::Internal(error.to_string())))
    }
}
