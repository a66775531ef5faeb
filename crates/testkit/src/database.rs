//! A fresh database for each test: a copy of one that was migrated once.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use db::{
    Db, Settings,
    sea_orm::{ConnectionTrait, Statement},
};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tempfile::TempDir;
use tokio::sync::OnceCell;

/// Names a PostgreSQL cluster; without it tests run on SQLite.
const CLUSTER: &str = "STATEHOUSE_TEST_DATABASE_URL";
/// Held shared while the template is copied, exclusively while it is made: several test programs run at once.
const TEMPLATE_LOCK: i64 = 0x5354_4154_4548;
/// Few, so that many tests fit into one cluster.
const CONNECTIONS: u32 = 4;

/// A database of its own, gone when this is dropped.
#[derive(Debug)]
pub enum TestDatabase {
    Sqlite(TempDir),
    Postgres { cluster: String, name: String },
}

impl TestDatabase {
    /// Whether tests run on PostgreSQL.
    pub fn is_postgres() -> bool {
        cluster().is_some()
    }

    /// A migrated one without any rows.
    pub async fn fresh() -> Self {
        match cluster() {
            None => Self::fresh_sqlite().await,
            Some(cluster) => Self::fresh_postgres(cluster).await,
        }
    }

    /// One without any schema, to be migrated by whoever opens it.
    pub async fn empty() -> Self {
        let Some(cluster) = cluster() else { return Self::Sqlite(folder()) };
        let name = fresh_name();
        let mut connection = connect(&cluster).await;
        run(&mut connection, format!("CREATE DATABASE {name}")).await;
        Self::Postgres { cluster, name }
    }

    /// Where it is, as [`Db::open`] takes it.
    pub fn settings(&self) -> Settings {
        let url = match self {
            Self::Sqlite(folder) => format!("sqlite://{}", file(folder).display()),
            Self::Postgres { cluster, name } => within(cluster, name),
        };
        Settings { connections: CONNECTIONS, ..Settings::at(url) }
    }

    /// To be copied from now on; it must be closed.
    pub(crate) async fn frozen(self) -> Frozen {
        match &self {
            Self::Sqlite(folder) => Frozen::Sqlite(read(folder).await),
            Self::Postgres { cluster, name } => {
                let mut connection = connect(cluster).await;
                free(&mut connection, name).await;
                connection.close().await.expect("a connection closes");
                Frozen::Postgres(self)
            }
        }
    }

    pub async fn open(&self) -> Db {
        Db::open(&self.settings()).await.expect("a test's database opens")
    }

    async fn fresh_sqlite() -> Self {
        static TEMPLATE: OnceCell<Arc<[u8]>> = OnceCell::const_new();
        let template = TEMPLATE
            .get_or_init(|| async {
                let empty = Self::Sqlite(folder());
                // Closing folds the write-ahead log into the file.
                empty.open().await.close().await;
                let Self::Sqlite(folder) = &empty else { unreachable!("made above") };
                read(folder).await
            })
            .await;
        Self::copied(template).await
    }

    async fn copied(template: &[u8]) -> Self {
        let folder = folder();
        tokio::fs::write(file(&folder), template).await.expect("a test's database is written");
        Self::Sqlite(folder)
    }

    async fn fresh_postgres(cluster: String) -> Self {
        static TEMPLATE_MADE: OnceCell<()> = OnceCell::const_new();
        TEMPLATE_MADE.get_or_init(|| make_template(&cluster)).await;
        let name = fresh_name();
        let mut connection = connect(&cluster).await;
        run(&mut connection, format!("SELECT pg_advisory_lock_shared({TEMPLATE_LOCK})")).await;
        let template = template();
        run(&mut connection, format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
        // The lock goes with the connection.
        connection.close().await.expect("a connection closes");
        Self::Postgres { cluster, name }
    }
}

/// A database that others are copied from.
#[derive(Debug)]
pub(crate) enum Frozen {
    Sqlite(Arc<[u8]>),
    Postgres(TestDatabase),
}

impl Frozen {
    pub async fn copy(&self) -> TestDatabase {
        match self {
            Self::Sqlite(content) => TestDatabase::copied(content).await,
            Self::Postgres(TestDatabase::Postgres { cluster, name: template }) => {
                let name = fresh_name();
                let mut connection = connect(cluster).await;
                run(&mut connection, format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
                connection.close().await.expect("a connection closes");
                TestDatabase::Postgres { cluster: cluster.clone(), name }
            }
            Self::Postgres(TestDatabase::Sqlite(_)) => unreachable!("each is frozen as what it is"),
        }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let Self::Postgres { cluster, name } = self else { return };
        let (cluster, name) = (cluster.clone(), name.clone());
        // The runtime of the test may be ending, so this has one of its own.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime starts").block_on(async {
                let mut connection = connect(&cluster).await;
                run(&mut connection, format!("DROP DATABASE {name} WITH (FORCE)")).await;
            });
        });
        if dropping.join().is_err() {
            eprintln!("a test's database is left behind");
        }
    }
}

pub(crate) async fn table_names(db: &Db) -> Vec<String> {
    let query = if db.is_postgres() {
        "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'"
    } else {
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    };
    let connection = db.read();
    let statement = Statement::from_string(connection.get_database_backend(), query);
    let rows = connection.query_all_raw(statement).await.expect("the catalogue is readable");
    rows.iter().map(|row| row.try_get("", "name").expect("a name")).collect()
}

/// The database of the cluster that fresh ones are copied from. Each schema has its own: programs of several checkouts
/// may test on one cluster at once.
fn template() -> String {
    format!("statehouse_test_template_{}", db::schema_fingerprint())
}

/// Brings the template up to this program's schema; what was left half made is made anew.
async fn make_template(cluster: &str) {
    let mut connection = connect(cluster).await;
    run(&mut connection, format!("SELECT pg_advisory_lock({TEMPLATE_LOCK})")).await;
    let template = template();
    let settings = Settings { connections: 2, ..Settings::at(within(cluster, &template)) };
    if let Ok(db) = Db::open(&settings).await {
        db.close().await;
    } else {
        run(&mut connection, format!("DROP DATABASE IF EXISTS {template} WITH (FORCE)")).await;
        run(&mut connection, format!("CREATE DATABASE {template}")).await;
        Db::open(&settings).await.expect("the template is migrated").close().await;
    }
    free(&mut connection, &template).await;
    connection.close().await.expect("a connection closes");
}

/// A closed connection may still be counted for a moment, and a database in use cannot be copied.
async fn free(connection: &mut PgConnection, name: &str) {
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname";
    run(connection, format!("{end} = '{name}'")).await;
}

async fn read(folder: &TempDir) -> Arc<[u8]> {
    tokio::fs::read(file(folder)).await.expect("the database is there").into()
}

fn cluster() -> Option<String> {
    std::env::var(CLUSTER).ok().filter(|url| !url.is_empty())
}

/// The address of one database of a cluster.
fn within(cluster: &str, name: &str) -> String {
    let (address, parameters) =
        cluster.split_once('?').map_or((cluster, None), |(address, rest)| (address, Some(rest)));
    let start = address.find("://").map_or(0, |at| at + 3);
    let end = address[start..].find('/').map_or(address.len(), |at| start + at);
    let parameters = parameters.map(|rest| format!("?{rest}")).unwrap_or_default();
    format!("{}/{name}{parameters}", &address[..end])
}

/// In memory where the system has such a folder: what a test stores need not survive a power cut, and a disk that is
/// asked to make sure of it is what tests would wait for.
fn folder() -> TempDir {
    let in_memory = Path::new("/dev/shm");
    let parent = if in_memory.is_dir() { in_memory.to_owned() } else { std::env::temp_dir() };
    tempfile::Builder::new()
        .prefix("statehouse-test-")
        .tempdir_in(parent)
        .expect("a temporary folder")
}

fn file(folder: &TempDir) -> PathBuf {
    folder.path().join("statehouse.db")
}

fn fresh_name() -> String {
    let random = db::id::TaskId::fresh();
    // Unquoted names are folded to lower case, which still leaves plenty of them.
    format!("statehouse_test_{}", random.as_str().replace('-', "_")).to_lowercase()
}

async fn connect(cluster: &str) -> PgConnection {
    let url = within(cluster, "postgres");
    PgConnection::connect(&url).await.expect("the cluster for tests answers")
}

async fn run(connection: &mut PgConnection, statement: String) {
    if let Err(error) = connection.execute(AssertSqlSafe(statement.clone())).await {
        panic!("{statement}: {error}");
    }
}
