//! Opening the database: one writer and many readers on SQLite, one pool on PostgreSQL, and the migrations.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::future::BoxFuture;
use sea_orm::{ConnectionTrait, EntityTrait as _, Statement};
use sqlx::{
    AssertSqlSafe, Connection as _, Executor as _, SqlitePool,
    migrate::{MigrateError, Migrator},
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::{
    Error, Limits, PoolFigures, Reads, Result, RightsReads, Settings, Transaction, Write,
    entity::epoch, place::Place, pool::Pool, postgres, presence::Presence, rights, schema::newer,
    wait::first_connection,
};

pub(crate) static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// A connection that was idle for longer is asked whether it is still there, before it is used again.
const TRUSTED_FOR: Duration = Duration::from_secs(5);

/// How long connections may take to end. A database that is away answers no good-bye.
const GOOD_BYES: Duration = Duration::from_secs(3);

/// One step of the schema's history.
#[derive(Clone, Debug)]
pub struct Migration {
    pub version: i64,
    pub description: String,
}

/// The database. Cheap to clone.
///
/// Transactions and reads have connections of their own, on PostgreSQL too. Who holds a transaction and wants to read
/// beside it waits for readers only, and readers wait for nobody: there is no ring, however many ask at once.
#[derive(Clone, Debug)]
pub struct Db {
    reads: Reads,
    rights_reads: RightsReads,
    writers: Pool,
    counts: Counts,
    unlimited: Unlimited,
    /// Of SQLite's files.
    place: Option<Place>,
}

/// Where migrations run, without limits of time: a new index of a large table takes its time.
#[derive(Clone, Debug)]
enum Unlimited {
    Sqlite(SqlitePool),
    Postgres(Box<PgConnectOptions>),
}

/// Counts the transactions of this process: those that keep something, and those that may have changed rights.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    commits: Arc<AtomicU64>,
    rights: Arc<AtomicU64>,
}

impl Counts {
    pub fn count_commit(&self) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        metrics::counter!("statehouse_database_commits_total").increment(1);
    }

    pub fn count_change_of_rights(&self) {
        self.rights.fetch_add(1, Ordering::Release);
    }
}

impl Db {
    /// Opens the database and brings its schema up to this program's.
    ///
    /// # Errors
    /// [`Error::Settings`] for an address that is not understood and for a schema newer than this program's.
    pub async fn open(settings: &Settings) -> Result<Self> {
        let db = Self::connect(settings).await?;
        db.migrate().await?;
        Ok(db)
    }

    /// Opens the database and leaves its schema as it is. On SQLite a file that is not there is made.
    ///
    /// # Errors
    /// [`Error::Settings`] for an address that is not understood.
    pub async fn connect(settings: &Settings) -> Result<Self> {
        if let Some(path) = settings.url.strip_prefix("sqlite://") {
            Self::open_sqlite(Path::new(path), settings).await
        } else if is_postgres(&settings.url) {
            Self::open_postgres(settings).await
        } else {
            Err(Error::Settings("a database address starts with sqlite:// or postgres://".into()))
        }
    }

    async fn open_sqlite(path: &Path, settings: &Settings) -> Result<Self> {
        let Limits { acquire, lock, reader, .. } = settings.limits;
        let options = sqlite_options(path).busy_timeout(lock).statement_cache_capacity(512);
        let place = Place::hold(path, &options).await?;
        // From here on nothing is made in the place of files that are gone.
        let options = options.create_if_missing(false);
        let pool = || {
            let place = place.clone();
            SqlitePoolOptions::new().after_connect(move |_, _| {
                let place = place.clone();
                Box::pin(async move { place.check().await.map_err(sqlx::Error::decode) })
            })
        };
        let writer = pool()
            .max_connections(1)
            // A file does not hang up: to ask each time would cost as much as a query.
            .test_before_acquire(false)
            .acquire_timeout(acquire)
            .connect_with(options.clone())
            .await?;
        let readers = pool()
            .max_connections(settings.connections.max(1))
            .test_before_acquire(false)
            .acquire_timeout(acquire)
            // Not by idleness: they take turns, so that none of them is ever idle for long.
            .max_lifetime(reader)
            .connect_with(options.read_only(true))
            .await?;
        let reads = Reads(Pool::sqlite("readers", readers));
        Ok(Self {
            rights_reads: RightsReads(reads.clone()),
            reads,
            writers: Pool::sqlite("writers", writer.clone()),
            counts: Counts::default(),
            unlimited: Unlimited::Sqlite(writer),
            place: Some(place),
        })
    }

    async fn open_postgres(settings: &Settings) -> Result<Self> {
        let Limits { start, statement, lock, idle, acquire, .. } = settings.limits;
        let options: PgConnectOptions = settings
            .url
            .parse()
            .map_err(|error: sqlx::Error| Error::Settings(error.to_string()))?;
        first_connection(&options, start).await?.close().await?;

        let limits = format!(
            "SET statement_timeout = {}; SET lock_timeout = {}; \
             SET idle_in_transaction_session_timeout = {}",
            statement.as_millis(),
            lock.as_millis(),
            idle.as_millis()
        );
        // The server ends what takes too long, and we what it does not end.
        let longest = if statement.is_zero() { Duration::MAX } else { statement + TRUSTED_FOR };
        let presence = Presence::of(options.clone(), longest);
        let pool = |most: u32| {
            let limits = limits.clone();
            let asked = presence.clone();
            PgPoolOptions::new()
                .max_connections(most.max(1))
                .acquire_timeout(acquire)
                .test_before_acquire(false)
                .before_acquire(move |connection, about| {
                    let presence = asked.clone();
                    Box::pin(async move {
                        // An error ends it without a good-bye, which nobody may hear.
                        if presence.may_be_lost(about.idle_for) {
                            return Err(sqlx::Error::WorkerCrashed);
                        }
                        // One that was used just now is still there; to ask it is a round trip.
                        if about.idle_for >= TRUSTED_FOR {
                            presence.at_once(connection.ping()).await?;
                        }
                        Ok(true)
                    })
                })
                .after_connect(move |connection, _| {
                    let limits = limits.clone();
                    Box::pin(async move {
                        connection.execute(sqlx::raw_sql(AssertSqlSafe(limits))).await?;
                        Ok(())
                    })
                })
                .connect_lazy_with(options.clone())
        };
        let writers = settings.connections / 2;
        let readers = settings.connections - writers;
        let reads = Reads(Pool::postgres("readers", pool(readers), presence.clone()));
        Ok(Self {
            rights_reads: RightsReads(reads.clone()),
            reads,
            writers: Pool::postgres("writers", pool(writers), presence),
            counts: Counts::default(),
            unlimited: Unlimited::Postgres(Box::new(options)),
            place: None,
        })
    }

    /// Brings the schema up to this program's.
    ///
    /// # Errors
    /// [`Error::Settings`] for a schema newer than this program's.
    pub async fn migrate(&self) -> Result<()> {
        tracing::info!("the tables are made ready for this version");
        match &self.unlimited {
            Unlimited::Sqlite(pool) => MIGRATIONS.run(pool).await.map_err(schema_error),
            Unlimited::Postgres(options) => {
                let pool = PgPoolOptions::new().max_connections(1);
                let pool = pool.connect_lazy_with((**options).clone());
                MIGRATIONS.run(&pool).await.map_err(schema_error)?;
                postgres::settle(&pool).await?;
                pool.close().await;
                Ok(())
            }
        }
    }

    /// Reads outside a transaction: each query sees what is committed.
    pub fn read(&self) -> &Reads {
        &self.reads
    }

    /// For whoever keeps what was read for as long as [`Db::rights_epoch`] stays.
    pub fn rights(&self) -> &RightsReads {
        &self.rights_reads
    }

    /// A transaction that keeps nothing without `commit`. On SQLite there is one at a time.
    ///
    /// Boxed, as whatever else reaches a connection is: the body of an asynchronous function is compiled anew in every
    /// crate that awaits it, and this one's is that of two drivers.
    pub fn write(&self) -> BoxFuture<'_, Result<Write>> {
        Box::pin(async {
            let transaction = Transaction::begin(&self.writers).await?;
            Ok(Write::new(transaction, self.counts.clone(), self.place.clone()))
        })
    }

    /// How the connections are used at this moment.
    pub fn pools(&self) -> [PoolFigures; 2] {
        [self.reads.0.figures(), self.writers.figures()]
    }

    /// How many transactions of this process may have changed somebody's rights.
    pub fn rights_changes(&self) -> u64 {
        self.counts.rights.load(Ordering::Acquire)
    }

    /// How many transactions of this process were to be kept: each waits for a disk.
    pub fn commits(&self) -> u64 {
        self.counts.commits.load(Ordering::Relaxed)
    }

    /// A number that goes up with every transaction of any process that may change somebody's rights: while it stays,
    /// so do they.
    pub async fn rights_epoch(&self) -> Result<i64> {
        let row = epoch::Entity::find_by_id(rights::EPOCH).one(&self.reads).await?;
        Ok(row.map_or(0, |row| row.number))
    }

    /// Where a connection of one's own is made; `None` for a file.
    pub(crate) fn postgres_address(&self) -> Option<&PgConnectOptions> {
        match &self.unlimited {
            Unlimited::Sqlite(_) => None,
            Unlimited::Postgres(options) => Some(options),
        }
    }

    pub fn is_postgres(&self) -> bool {
        self.writers.is_postgres()
    }

    /// The migrations that the schema consists of, oldest first.
    pub async fn migrations(&self) -> Result<Vec<Migration>> {
        let found: Vec<(i64, String)> = self
            .reads
            .query_all_raw(Statement::from_string(
                self.reads.get_database_backend(),
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
        // One that may write is the last to go: it brings SQLite's log into the file.
        if let Some(place) = &self.place {
            place.close().await;
        }
        let is_file = self.place.is_some();
        let closing = async {
            self.reads.0.close().await;
            self.writers.close().await;
        };
        if is_file {
            closing.await;
        } else if tokio::time::timeout(GOOD_BYES, closing).await.is_err() {
            tracing::warn!("PostgreSQL does not answer good-byes: its connections are left");
        }
    }
}

pub(crate) fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

/// Of a connection that may write; a file that is not there is made.
pub(crate) fn sqlite_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // A commit that was answered survives a power cut, too.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(30))
}

fn schema_error(error: MigrateError) -> Error {
    match error {
        MigrateError::VersionMissing(version) => newer(version),
        other => Error::Settings(format!("the schema could not be brought up to date: {other}")),
    }
}
