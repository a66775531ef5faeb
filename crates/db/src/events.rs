//! The order in which things happened: each event gets a number, and everybody can know up to which of them all have
//! come that ever will.

use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DbBackend, Iterable, Statement,
    sea_query::{Expr, Query, SimpleExpr},
};

use crate::{
    Db, Result, Write,
    entity::event::{self, Column},
};

const HIGHEST: &str = "SELECT COALESCE(MAX(number), 0) AS number FROM events";

/// The lowest number that was used before a transaction that is still open began to write events (`postgres.rs`).
const OPEN: &str = "
SELECT MIN(-1 - ((classid::bigint << 32) | objid::bigint)) AS number
FROM pg_locks
WHERE locktype = 'advisory' AND objsubid = 1 AND classid::bigint >= 2147483648
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

impl Write {
    /// Writes down what happened, under the next number.
    pub async fn tell(&self, event: event::ActiveModel) -> Result<()> {
        let next = match self.get_database_backend() {
            DbBackend::Postgres => "next_event_number()",
            // There is one writer; and the last event is never deleted.
            _ => "(SELECT COALESCE(MAX(number), 0) + 1 FROM events)",
        };
        let (mut columns, mut values) = (vec![Column::Number], vec![Expr::cust(next)]);
        for column in Column::iter().filter(|column| !matches!(column, Column::Number)) {
            if let Some(value) = event.get(column).into_value() {
                columns.push(column);
                values.push(SimpleExpr::Value(value));
            }
        }
        let mut insert = Query::insert();
        insert.into_table(event::Entity).columns(columns).values_panic(values);
        self.execute(&insert).await?;
        Ok(())
    }
}

impl Db {
    /// The number up to which all events are there: no transaction that is still open will add one below.
    ///
    /// On PostgreSQL numbers are given in another order than transactions end. A transaction holds a lock that is
    /// named for the last number before its own; whoever had got a number up to the highest that is seen here has
    /// either still this lock, or is over and seen by the next query.
    pub async fn settled_events(&self) -> Result<i64> {
        // In this order, and each with a view of its own.
        let highest = self.number(HIGHEST).await?.unwrap_or_default();
        if !self.is_postgres() {
            return Ok(highest);
        }
        let open = self.number(OPEN).await?;
        Ok(open.map_or(highest, |open| open.min(highest)))
    }

    async fn number(&self, sql: &str) -> Result<Option<i64>> {
        let connection = self.read();
        let statement = Statement::from_string(connection.get_database_backend(), sql);
        let row = connection.query_one_raw(statement).await?;
        Ok(row.map(|row| row.try_get("", "number")).transpose()?.flatten())
    }
}
