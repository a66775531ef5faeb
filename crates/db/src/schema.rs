//! How the schema that a database has compares with this program's, without changing anything.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, Statement};

use crate::{Db, Error, Result, connect::MIGRATIONS};

/// How far a database is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schema {
    /// Nothing is there yet.
    Absent,
    /// So many migrations are missing.
    Older(usize),
    Current,
}

impl Db {
    /// # Errors
    /// [`Error::Settings`] for a schema that opening would refuse: a newer one, or one that is broken.
    pub async fn schema(&self) -> Result<Schema> {
        if !self.has_table("_sqlx_migrations").await? {
            return Ok(Schema::Absent);
        }
        let rows = self.query("SELECT version, checksum, success FROM _sqlx_migrations").await?;
        let mut applied = BTreeMap::new();
        for row in rows {
            let (version, checksum, success): (i64, Vec<u8>, bool) =
                row.try_get_many("", &["version".into(), "checksum".into(), "success".into()])?;
            applied.insert(version, (checksum, success));
        }
        let mut missing = 0;
        for migration in MIGRATIONS.iter() {
            let version = migration.version;
            match applied.remove(&version) {
                None => missing += 1,
                Some((_, false)) => return Err(broken(version, "was not completed")),
                Some((checksum, true)) if checksum != *migration.checksum => {
                    return Err(broken(version, "is another one than this program's"));
                }
                Some(_) => {}
            }
        }
        match applied.keys().next() {
            Some(version) => Err(newer(*version)),
            None if missing == 0 => Ok(Schema::Current),
            None => Ok(Schema::Older(missing)),
        }
    }

    pub async fn has_table(&self, name: &str) -> Result<bool> {
        let sql = if self.is_postgres() {
            "SELECT 1 AS found FROM pg_tables WHERE schemaname = current_schema() AND tablename = $1"
        } else {
            "SELECT 1 AS found FROM sqlite_master WHERE type = 'table' AND name = $1"
        };
        let connection = self.read();
        let backend = connection.get_database_backend();
        let statement = Statement::from_sql_and_values(backend, sql, [name.into()]);
        Ok(connection.query_one_raw(statement).await?.is_some())
    }

    /// Whether a table is there and has a column of this name.
    pub async fn has_column(&self, table: &str, name: &str) -> Result<bool> {
        let sql = if self.is_postgres() {
            "SELECT 1 AS found FROM information_schema.columns \
             WHERE table_schema = current_schema() AND table_name = $1 AND column_name = $2"
        } else {
            "SELECT 1 AS found FROM pragma_table_info($1) WHERE name = $2"
        };
        let connection = self.read();
        let backend = connection.get_database_backend();
        let values = [table.into(), name.into()];
        let statement = Statement::from_sql_and_values(backend, sql, values);
        Ok(connection.query_one_raw(statement).await?.is_some())
    }

    /// Reads all of the database to see whether it is whole, where the database does not do so itself.
    ///
    /// # Errors
    /// [`Error::Settings`] if it is damaged.
    pub async fn check_integrity(&self) -> Result<()> {
        if self.is_postgres() {
            return Ok(());
        }
        let damaged = |why: String| Error::Settings(format!("the database is damaged: {why}"));
        let rows = self.query("PRAGMA quick_check(1)").await.map_err(|e| damaged(e.to_string()))?;
        let verdict: Option<String> =
            rows.first().map(|row| row.try_get_by_index(0)).transpose()?;
        match verdict {
            Some(verdict) if verdict == "ok" => Ok(()),
            verdict => Err(damaged(verdict.unwrap_or_default())),
        }
    }

    async fn query(&self, sql: &str) -> Result<Vec<sea_orm::QueryResult>> {
        let connection = self.read();
        let statement = Statement::from_string(connection.get_database_backend(), sql);
        Ok(connection.query_all_raw(statement).await?)
    }
}

/// Names the schema that this program makes, in 16 letters: another one for other migrations.
pub fn schema_fingerprint() -> String {
    let mut fingerprint = [0; 8];
    for migration in MIGRATIONS.iter() {
        // Digests already, of different texts.
        for (at, byte) in migration.checksum.iter().enumerate() {
            fingerprint[at % 8] ^= byte;
        }
    }
    format!("{:016x}", u64::from_be_bytes(fingerprint))
}

pub(crate) fn newer(version: i64) -> Error {
    Error::Settings(format!(
        "the database has migration {version}, which this program does not know: a newer version \
         has used it; start that one"
    ))
}

fn broken(version: i64, why: &str) -> Error {
    Error::Settings(format!("migration {version} of the database {why}: restore it from a backup"))
}
