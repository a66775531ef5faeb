//! Rows that were dumped, put into an empty database: all of them or none.

use serde_json::Value;
use sqlx::{AssertSqlSafe, QueryBuilder, migrate::Migrator};

use crate::{
    Error, Result, Settings,
    connect::MIGRATIONS,
    dump::{Connection, Kind, Row, Table},
};

/// Both databases limit the parameters of one statement (SQLite: 32,766).
const PARAMETERS: usize = 30_000;

/// A database that is being filled. Nothing of it is there without `commit`, but for the schema.
#[derive(Debug)]
pub struct Loading {
    connection: Connection,
    /// As the database has them.
    tables: Vec<Table>,
}

impl Loading {
    /// Makes the schema that the dump had, in a database without rows. A file that is not there is made.
    ///
    /// # Errors
    /// [`Error::Settings`] for a database that has rows, and for migrations that this program does not know.
    pub async fn begin(settings: &Settings, migrations: &[i64]) -> Result<Self> {
        let known = |version: &i64| MIGRATIONS.iter().any(|known| known.version == *version);
        if let Some(version) = migrations.iter().find(|version| !known(version)) {
            return Err(Error::Settings(format!(
                "a newer version of this program wrote it (migration {version}): use that one"
            )));
        }
        let wanted = MIGRATIONS.iter().filter(|known| migrations.contains(&known.version));
        let migrator = Migrator::with_migrations(wanted.cloned().collect());
        let schema = |error| {
            Error::Settings(format!("the database is not empty, or of another version: {error}"))
        };
        let mut connection = Connection::open(settings, false).await?;
        // Before the schema of what is somebody's is changed.
        connection.refuse_rows().await?;
        match &mut connection {
            Connection::Sqlite(connection) => migrator.run_direct(None, connection, false).await,
            Connection::Postgres(connection) => migrator.run_direct(None, connection, false).await,
        }
        .map_err(schema)?;
        connection.execute("BEGIN".to_owned()).await?;
        let tables = connection.refuse_rows().await?;
        for table in tables.iter().rev() {
            connection.execute(format!("DELETE FROM \"{}\"", table.name)).await?;
        }
        Ok(Self { connection, tables })
    }

    /// # Errors
    /// [`Error::Settings`] for a table that the schema does not have in this form.
    pub async fn insert(&mut self, table: &Table, rows: &[Row]) -> Result<()> {
        if !self.tables.contains(table) {
            return Err(Error::Settings(format!(
                "the table {} of the backup is not that of the schema",
                table.name
            )));
        }
        let at_once = (PARAMETERS / table.columns.len().max(1)).max(1);
        for rows in rows.chunks(at_once) {
            self.insert_some(table, rows).await?;
        }
        Ok(())
    }

    async fn insert_some(&mut self, table: &Table, rows: &[Row]) -> Result<()> {
        let names: Vec<_> =
            table.columns.iter().map(|column| format!("\"{}\"", column.name)).collect();
        let start = format!("INSERT INTO \"{}\" ({}) ", table.name, names.join(", "));
        macro_rules! insert {
            ($connection:expr) => {{
                let mut statement = QueryBuilder::new(start);
                statement.push_values(rows, |mut to, row| {
                    for (column, value) in table.columns.iter().zip(row) {
                        match column.kind {
                            Kind::Text => to.push_bind(value.as_str().map(str::to_owned)),
                            Kind::Integer => to.push_bind(value.as_i64()),
                            Kind::Boolean => to.push_bind(value.as_bool()),
                            Kind::Real => to.push_bind(value.as_f64()),
                        };
                    }
                });
                statement.build().execute($connection).await?;
            }};
        }
        // A value of another type would become null in silence.
        let fits = |(kind, value): (Kind, &Value)| match kind {
            Kind::Text => value.is_string(),
            Kind::Integer => value.is_i64(),
            Kind::Boolean => value.is_boolean(),
            Kind::Real => value.is_f64(),
        };
        let kinds = || table.columns.iter().map(|column| column.kind);
        let wrong = |row: &Row| {
            row.len() != table.columns.len()
                || kinds().zip(row).any(|(kind, value)| !value.is_null() && !fits((kind, value)))
        };
        if rows.iter().any(wrong) {
            let why = format!("a row of the table {} does not fit its columns", table.name);
            return Err(Error::Settings(why));
        }
        match &mut self.connection {
            Connection::Sqlite(connection) => insert!(connection),
            Connection::Postgres(connection) => insert!(connection),
        }
        Ok(())
    }

    pub async fn commit(mut self) -> Result<()> {
        self.connection.execute("COMMIT".to_owned()).await
    }
}

impl Connection {
    /// What migrations put there belongs to them; what people did must not be lost.
    async fn refuse_rows(&mut self) -> Result<Vec<Table>> {
        let tables = self.tables().await?;
        for table in ["users", "organizations", "state_versions", "installations"] {
            if tables.iter().any(|known| known.name == table) && !self.is_empty(table).await? {
                return Err(Error::Settings(format!(
                    "the database is not empty ({table} has rows): restore into a new one"
                )));
            }
        }
        Ok(tables)
    }

    async fn is_empty(&mut self, table: &str) -> Result<bool> {
        let sql = AssertSqlSafe(format!("SELECT 1 FROM \"{table}\" LIMIT 1"));
        Ok(match self {
            Self::Sqlite(connection) => {
                sqlx::query(sql).fetch_optional(connection).await?.is_none()
            }
            Self::Postgres(connection) => {
                sqlx::query(sql).fetch_optional(connection).await?.is_none()
            }
        })
    }
}
