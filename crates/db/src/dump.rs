//! All rows of a database as of one moment, while others go on writing: the same for both databases, so that what was
//! dumped from one can be loaded into the other (see `load`).

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{
    AssertSqlSafe, Connection as _, Executor, PgConnection, Row as _, SqliteConnection,
    sqlite::SqliteConnectOptions,
};

use crate::{
    Error, Result, Settings,
    connect::{is_postgres, sqlite_options},
};

/// Tables that tell of this moment only, and the migrator's own.
const LEFT_OUT: [&str; 2] = ["_sqlx_migrations", "blob_holds"];

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    pub name: String,
    pub columns: Vec<Column>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    pub kind: Kind,
}

/// The four types that our schema has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Text,
    Integer,
    Boolean,
    Real,
}

/// The values of a row, in the order of its table's columns.
pub type Row = Vec<Value>;

impl Table {
    /// The place of a column.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// A value of one of its rows; null for a column that the table does not have.
    pub fn value<'a>(&self, row: &'a Row, name: &str) -> &'a Value {
        self.column(name).and_then(|at| row.get(at)).unwrap_or(&Value::Null)
    }

    /// A text of one of its rows.
    pub fn text<'a>(&self, row: &'a Row, name: &str) -> Option<&'a str> {
        self.value(row, name).as_str()
    }
}

impl Kind {
    fn of(declared: &str) -> Result<Self> {
        match declared.to_ascii_uppercase().as_str() {
            "TEXT" => Ok(Self::Text),
            "BIGINT" => Ok(Self::Integer),
            "BOOLEAN" => Ok(Self::Boolean),
            "DOUBLE PRECISION" => Ok(Self::Real),
            other => Err(Error::Settings(format!("a column of the type {other} is not known"))),
        }
    }
}

/// The database as it was when this was taken, on a connection of its own.
#[derive(Debug)]
pub struct Snapshot(Connection);

#[derive(Debug)]
pub(crate) enum Connection {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Connection {
    pub async fn open(settings: &Settings, read_only: bool) -> Result<Self> {
        if is_postgres(&settings.url) {
            return Ok(Self::Postgres(PgConnection::connect(&settings.url).await?));
        }
        let path = Path::new(settings.url.trim_start_matches("sqlite://"));
        let options = if read_only {
            SqliteConnectOptions::new().filename(path).read_only(true)
        } else {
            sqlite_options(path)
        };
        Ok(Self::Sqlite(SqliteConnection::connect_with(&options).await?))
    }

    pub async fn execute(&mut self, sql: String) -> Result<()> {
        match self {
            Self::Sqlite(connection) => {
                connection.execute(AssertSqlSafe(sql)).await?;
            }
            Self::Postgres(connection) => {
                connection.execute(AssertSqlSafe(sql)).await?;
            }
        }
        Ok(())
    }

    /// Rows of texts.
    pub async fn texts(&mut self, sql: &'static str) -> Result<Vec<Vec<String>>> {
        macro_rules! read {
            ($connection:expr) => {{
                let rows = sqlx::query(sql).fetch_all($connection).await?;
                let texts =
                    rows.iter().map(|row| (0..row.len()).map(|at| row.try_get(at)).collect());
                Ok(texts.collect::<Result<_, sqlx::Error>>()?)
            }};
        }
        match self {
            Self::Sqlite(connection) => read!(connection),
            Self::Postgres(connection) => read!(connection),
        }
    }

    /// All tables that rows are kept in, each behind those that it refers to.
    pub async fn tables(&mut self) -> Result<Vec<Table>> {
        let (columns, references) = match self {
            Self::Sqlite(_) => (
                "SELECT m.name, c.name, c.type FROM sqlite_master m JOIN pragma_table_info(m.name) c \
                 WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' ORDER BY m.name, c.cid",
                "SELECT m.name, f.\"table\" FROM sqlite_master m \
                 JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table'",
            ),
            Self::Postgres(_) => (
                "SELECT c.table_name::text, c.column_name::text, c.data_type::text \
                 FROM information_schema.columns c \
                 JOIN pg_tables t ON t.tablename = c.table_name AND t.schemaname = c.table_schema \
                 WHERE c.table_schema = current_schema() ORDER BY c.table_name, c.ordinal_position",
                "SELECT f.conrelid::regclass::text, f.confrelid::regclass::text \
                 FROM pg_constraint f WHERE f.contype = 'f'",
            ),
        };
        let mut tables = BTreeMap::<String, Table>::new();
        for column in self.texts(columns).await? {
            let [table, name, declared] = column.try_into().unwrap_or_default();
            if LEFT_OUT.contains(&table.as_str()) {
                continue;
            }
            let new = Table { name: table.clone(), columns: Vec::new() };
            let kind = Kind::of(&declared)?;
            tables.entry(table).or_insert(new).columns.push(Column { name, kind });
        }
        let mut references: BTreeSet<(String, String)> = self
            .texts(references)
            .await?
            .into_iter()
            .map(|pair| <[String; 2]>::try_from(pair).unwrap_or_default().into())
            .filter(|(from, to): &(String, String)| from != to && tables.contains_key(from))
            .collect();
        let mut sorted = Vec::with_capacity(tables.len());
        while !tables.is_empty() {
            let free = |name: &&String| !references.iter().any(|(from, _)| from == *name);
            let Some(next) = tables.keys().find(free).cloned() else {
                return Err(Error::Settings("tables refer to each other in a ring".into()));
            };
            references.retain(|(_, to)| *to != next);
            sorted.extend(tables.remove(&next));
        }
        Ok(sorted)
    }
}

impl Snapshot {
    /// Of a database that is whole.
    ///
    /// # Errors
    /// [`Error::Settings`] for one that is damaged: what is read from it may be less than there is.
    pub async fn take(settings: &Settings) -> Result<Self> {
        let mut snapshot = Self::take_as_it_is(settings).await?;
        snapshot.prove().await?;
        Ok(snapshot)
    }

    /// Reads all of the database, as [`Self::take`] does; PostgreSQL does so itself.
    pub async fn prove(&mut self) -> Result<()> {
        if let Connection::Postgres(_) = self.0 {
            return Ok(());
        }
        let damaged = |why: String| Error::Settings(format!("the database is damaged: {why}"));
        let said = self.0.texts("PRAGMA integrity_check(1)").await;
        match said.map_err(|error| damaged(error.to_string()))?.into_iter().flatten().next() {
            Some(verdict) if verdict == "ok" => Ok(()),
            verdict => Err(damaged(verdict.unwrap_or_default())),
        }
    }

    /// Whether the database is whole or not.
    pub async fn take_as_it_is(settings: &Settings) -> Result<Self> {
        let mut connection = Connection::open(settings, true).await?;
        let (begin, look) = match connection {
            Connection::Sqlite(_) => ("BEGIN", "SELECT name FROM sqlite_master LIMIT 1"),
            Connection::Postgres(_) => (
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
                "SELECT tablename::text FROM pg_tables LIMIT 1",
            ),
        };
        connection.execute(begin.to_owned()).await?;
        // The moment is that of the first read.
        connection.texts(look).await?;
        Ok(Self(connection))
    }

    /// The versions of the migrations that the schema consists of.
    pub async fn migrations(&mut self) -> Result<Vec<i64>> {
        let versions = "SELECT CAST(version AS TEXT) FROM _sqlx_migrations ORDER BY version";
        let versions = self.0.texts(versions).await?;
        Ok(versions.iter().flatten().filter_map(|version| version.parse().ok()).collect())
    }

    /// All tables, each behind those that it refers to.
    pub async fn tables(&mut self) -> Result<Vec<Table>> {
        self.0.tables().await
    }

    /// The rows of a table, one after the other, in no order.
    pub fn rows<'a>(&'a mut self, table: &'a Table) -> BoxStream<'a, Result<Row>> {
        macro_rules! decode {
            ($row:expr) => {
                table.columns.iter().enumerate().map(|(at, column)| {
                    Ok(match column.kind {
                        Kind::Text => $row.try_get::<Option<String>, _>(at)?.into(),
                        Kind::Integer => $row.try_get::<Option<i64>, _>(at)?.into(),
                        Kind::Boolean => $row.try_get::<Option<bool>, _>(at)?.into(),
                        Kind::Real => $row.try_get::<Option<f64>, _>(at)?.into(),
                    })
                })
            };
        }
        let names: Vec<_> =
            table.columns.iter().map(|column| format!("\"{}\"", column.name)).collect();
        let sql = AssertSqlSafe(format!("SELECT {} FROM \"{}\"", names.join(", "), table.name));
        match &mut self.0 {
            Connection::Sqlite(connection) => sqlx::query(sql)
                .fetch(connection)
                .map_err(Error::from)
                .map(|row| row.and_then(|row| decode!(row).collect()))
                .boxed(),
            Connection::Postgres(connection) => sqlx::query(sql)
                .fetch(connection)
                .map_err(Error::from)
                .map(|row| row.and_then(|row| decode!(row).collect()))
                .boxed(),
        }
    }

    pub async fn close(self) {
        match self.0 {
            Connection::Sqlite(connection) => drop(connection.close().await),
            Connection::Postgres(connection) => drop(connection.close().await),
        }
    }
}
