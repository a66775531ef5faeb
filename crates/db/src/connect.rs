//! Opening the database: one writer and many readers on SQLite, one pool on PostgreSQL, and the migrations.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, SqliteTransactionMode, SqlxPostgresConnector,
    SqlxSqliteConnector, TransactionOptions, TransactionTrait,
};
use sqlx::{
    Connection as _,
    migrate::{MigrateError, Migrator},
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::{Error, Result, Write, postgres};

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// A connection that was idle for longer is asked whether it is still there, before it is used again.
const TRUSTED_FOR: Duration = Duration::from_secs(5);

/// How to reach the database.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `sqlite://<path>` or `postgres://…`
    pub url: String,
    /// Connections at most: readers on SQLite, all of them on PostgreSQL.
    pub connections: u32,
}

/// One step of the schema's history.
#[derive(Clone, Debug)]
pub struct Migration {
    pub version: i64,
    pub description: String,
}

/// The database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Db {
    readers: DatabaseConnection,
    writer: DatabaseConnection,
    commits: Commits,
}

/// Counts the transactions that this process has committed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Commits(Arc<AtomicU64>);

impl Commits {
    pub fn count_one(&self) {
        self.0.fetch_add(1, Ordering::Release);
    }
}

impl Db {
    /// Opens the database and brings its schema up to this program's.
    ///
    /// # Errors
    /// [`Error::Settings`] for an address that is not understood and for a schema newer than this program's.
    pub async fn open(settings: &Settings) -> Result<Self> {
        if let Some(path) = settings.url.strip_prefix("sqlite://") {
            Self::open_sqlite(Path::new(path), settings.connections).await
        } else if settings.url.starts_with("postgres://")
            || settings.url.starts_with("postgresql://")
        {
            Self::open_postgres(settings).await
        } else {
            Err(Error::Settings("a database address starts with sqlite:// or postgres://".into()))
        }
    }

    async fn open_sqlite(path: &Path, readers: u32) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // A commit that was answered survives a power cut, too.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(30))
            .statement_cache_capacity(512);
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            // A file does not hang up: to ask each time would cost as much as a query.
            .test_before_acquire(false)
            .acquire_timeout(Duration::from_mins(1))
            .connect_with(options.clone())
            .await?;
        MIGRATIONS.run(&writer).await.map_err(schema_error)?;
        let readers = SqlitePoolOptions::new()
            .max_connections(readers.max(1))
            .test_before_acquire(false)
            .connect_with(options.read_only(true).create_if_missing(false))
            .await?;
        Ok(Self {
            readers: SqlxSqliteConnector::from_sqlx_sqlite_pool(readers),
            writer: SqlxSqliteConnector::from_sqlx_sqlite_pool(writer),
            commits: Commits::default(),
        })
    }

    async fn open_postgres(settings: &Settings) -> Result<Self> {
        let options: PgConnectOptions = settings
            .url
            .parse()
            .map_err(|error: sqlx::Error| Error::Settings(error.to_string()))?;
        let pool = PgPoolOptions::new()
            .max_connections(settings.connections.max(2))
            .acquire_timeout(Duration::from_mins(1))
            .test_before_acquire(false)
            .before_acquire(|connection, about| {
                Box::pin(async move {
                    // One that was used just now is still there; to ask it is a round trip.
                    Ok(about.idle_for < TRUSTED_FOR || connection.ping().await.is_ok())
                })
            })
            .connect_with(options)
            .await?;
        MIGRATIONS.run(&pool).await.map_err(schema_error)?;
        postgres::settle(&pool).await?;
        let connection = SqlxPostgresConnector::from_sqlx_postgres_pool(pool);
        Ok(Self { readers: connection.clone(), writer: connection, commits: Commits::default() })
    }

    /// Reads outside a transaction: each query sees what is committed.
    pub fn read(&self) -> &DatabaseConnection {
        &self.readers
    }

    /// A transaction that keeps nothing without `commit`. On SQLite there is one at a time.
    pub async fn write(&self) -> Result<Write> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        Ok(Write::new(self.writer.begin_with_options(options).await?, self.commits.clone()))
    }

    /// How many transactions this process has committed: while the number stays, so does what was read, but for
    /// what other processes write.
    pub fn commits(&self) -> u64 {
        self.commits.0.load(Ordering::Acquire)
    }

    pub fn is_postgres(&self) -> bool {
        self.readers.get_database_backend() == DbBackend::Postgres
    }

    /// The migrations that the schema consists of, oldest first.
    pub async fn migrations(&self) -> Result<Vec<Migration>> {
        let found: Vec<(i64, String)> = self
            .readers
            .query_all_raw(sea_orm::Statement::from_string(
                self.readers.get_database_backend(),
                "SELECT version, description FROM _sqlx_migrations ORDER BY version",
            ))
            .await?
            .iter()
            .map(|row| row.try_get_many("", &["version".into(), "description".into()]))
            .collect::<Result<_, _>>()?;
        Ok(found
            .into_iter()
            .map(|(version, description)| Migration { version, description })
            .collect())
    }

    /// Ends all connections; later use fails.
    pub async fn close(self) {
        let Self { readers, writer, .. } = self;
        // The connections are going away; there is nobody left to tell of a failure.
        drop(readers.close().await);
        drop(writer.close().await);
    }
}

fn schema_error(error: MigrateError) -> Error {
    Error::Settings(match error {
        MigrateError::VersionMissing(version) => format!(
            "the database has migration {version}, which this program does not know: a newer \
             version has used it; start that one"
        ),
        other => format!("the schema could not be brought up to date: {other}"),
    })
}
