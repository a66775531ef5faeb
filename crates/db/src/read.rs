//! Reading outside a transaction: each query sees what is committed.

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, Statement};

use crate::{
    connection::{Answer, Ask, as_connection, query_error},
    pool::Pool,
    rights,
};

/// The connections that only read. Each query has one for itself and for no longer than it takes, so that whoever
/// holds something else meanwhile is not waited for.
#[derive(Clone, Debug)]
pub struct Reads(pub(crate) Pool);

impl Reads {
    fn backend(&self) -> DbBackend {
        if self.0.is_postgres() { DbBackend::Postgres } else { DbBackend::Sqlite }
    }

    async fn ask(&self, ask: Ask<'_>) -> Result<Answer, DbErr> {
        let (connection, answer) = self.0.ask(ask).await.map_err(query_error)?;
        connection.give_back();
        Ok(answer)
    }
}

as_connection!(Reads);

/// The same for whoever keeps what somebody's rights are: it refuses to read tables whose changes nobody would notice.
#[derive(Clone, Debug)]
pub struct RightsReads(pub(crate) Reads);

impl RightsReads {
    fn backend(&self) -> DbBackend {
        self.0.backend()
    }

    async fn ask(&self, ask: Ask<'_>) -> Result<Answer, DbErr> {
        if let Some(table) = rights::unwatched_table(ask.sql()) {
            return Err(DbErr::Custom(format!("changes of rights would not be seen in {table}")));
        }
        self.0.ask(ask).await
    }
}

as_connection!(RightsReads);
