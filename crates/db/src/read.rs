//! Reading outside a transaction: each query sees what is committed.

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, Statement};

use crate::{
    connection::{Answer, Ask, query_error},
    pool::Pool,
};

/// The connections that only read. Each query has one for itself and for no longer than it takes, so that whoever
/// holds something else meanwhile is not waited for.
#[derive(Clone, Debug)]
pub struct Reads(pub(crate) Pool);

impl Reads {
    async fn ask(&self, ask: Ask<'_>) -> Result<Answer, DbErr> {
        let (connection, answer) = self.0.ask(ask).await.map_err(query_error)?;
        connection.give_back();
        Ok(answer)
    }
}

#[async_trait]
impl ConnectionTrait for Reads {
    fn get_database_backend(&self) -> DbBackend {
        if self.0.is_postgres() { DbBackend::Postgres } else { DbBackend::Sqlite }
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.ask(Ask::Prepared(&statement)).await?.into_result()
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.ask(Ask::Plain(sql)).await?.into_result()
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        Ok(self.ask(Ask::Prepared(&statement)).await?.into_first())
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        Ok(self.ask(Ask::Prepared(&statement)).await?.rows)
    }
}
