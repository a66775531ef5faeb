//! The server of one test.

use std::{collections::BTreeMap, net::Ipv4Addr, sync::Arc, time::Duration};

use axum::Router;
use blobs::Blobs;
use courier::Courier;
use crypto::Keyring;
use db::{
    Db, Timestamp,
    sea_orm::{ConnectionTrait, Statement},
};
use domain::{App, Ctx, Settings, Site, can, projects, row, site_settings, workspaces};
use object_store::memory::InMemory;
use tokio::net::TcpListener;

use crate::{TestDatabase, database::table_names, people::People};

/// With `2` there are two servers: one answers, and the other does all that nobody asked for.
const SERVERS: &str = "STATEHOUSE_TEST_SERVERS";

/// What a test may want otherwise.
#[derive(Debug)]
pub struct Options {
    pub settings: Settings,
    /// How recipients outside are reached: none of one's own networks unless said otherwise.
    pub courier: courier::Settings,
    /// The services that answer; the API alone unless said otherwise.
    pub router: fn(App) -> Router,
}

/// A server with an organization named [`Server::ORGANIZATION`] and nothing else in it.
#[derive(Debug)]
pub struct Server {
    pub app: App,
    /// Past all rules: for rows that no verb of the domain makes yet, and to see what is stored.
    pub db: Db,
    /// What sealed columns are sealed with.
    pub keyring: Keyring,
    pub(crate) store: Arc<InMemory>,
    pub(crate) courier: courier::Settings,
    pub(crate) router: Router,
    pub(crate) people: People,
    /// Where their caches are.
    pub(crate) repositories: Option<tempfile::TempDir>,
    /// Where all is done that nobody asked for, if that is another one.
    pub(crate) worker: Option<App>,
    // Dropped last, when nobody uses it any more.
    pub(crate) database: TestDatabase,
}

/// What is kept outside the database.
pub(crate) struct Kept {
    pub blobs: InMemory,
    pub keyring: Keyring,
}

impl Server {
    pub const ORGANIZATION: &str = "acme";

    /// Answers in the process, without a socket.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut Options)) -> Self {
        // Every test awaits it: its own room keeps theirs small.
        Box::pin(Self::started(change)).await
    }

    async fn started(change: impl FnOnce(&mut Options)) -> Self {
        let repositories = tempfile::tempdir().expect("a folder for caches");
        let mut options = Options {
            settings: Settings {
                public_url: "https://statehouse.test".into(),
                concurrency: 10,
                force_cancel_after: 60,
                releases: domain::tool_versions::Sources::default(),
                version_sync: false,
                trusted_proxies: Vec::new(),
                site: domain::site_settings::Given::default(),
                policy_concurrency: 2,
                run_task_silence: std::time::Duration::from_mins(10),
                policy_program: None,
                git: domain::GitMeans {
                    root: repositories.path().to_owned(),
                    ..domain::GitMeans::default()
                },
            },
            courier: courier::Settings::default(),
            router: api::router,
        };
        change(&mut options);
        let mut server = Self::on(TestDatabase::fresh().await, options).await;
        server.repositories = Some(repositories);
        server
    }

    async fn on(database: TestDatabase, options: Options) -> Self {
        let kept = Kept { blobs: InMemory::new(), keyring: Keyring::generate() };
        let server = Self::with(database, options, kept, People::default()).await;
        let start = server.app.system("start");
        domain::tool_versions::learn_own(&start).await.expect("an empty database takes it");
        server.found_organization().await;
        server
    }

    pub(crate) async fn with(
        database: TestDatabase,
        options: Options,
        kept: Kept,
        people: People,
    ) -> Self {
        let db = database.open().await;
        let Kept { blobs: store, keyring } = kept;
        let store = Arc::new(store);
        let blobs = Blobs::over(store.clone(), keyring.clone());
        let courier = Courier::new(options.courier.clone()).expect("the settings of a test");
        let app = App::new(db.clone(), blobs, courier, keyring.clone(), options.settings);
        let router = (options.router)(app.clone());
        let mut server = Self {
            app,
            db,
            keyring,
            store,
            courier: options.courier,
            router,
            people,
            repositories: None,
            worker: None,
            database,
        };
        if std::env::var_os(SERVERS).is_some_and(|number| number == "2") {
            server.worker = Some(server.beside().await);
        }
        server
    }

    /// Answers on a port of the loopback interface as well, at [`Server::url`].
    pub async fn listen() -> Self {
        Self::listen_with(|_| {}).await
    }

    pub async fn listen_with(change: impl FnOnce(&mut Options)) -> Self {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port on loopback");
        let address = listener.local_addr().expect("a bound socket has an address");
        let server = Self::start_with(|options| {
            options.settings.public_url = format!("http://{address}");
            change(options);
        })
        .await;
        let router = server.router.clone();
        // Ends with the runtime of the test.
        tokio::spawn(async move { axum::serve(listener, router).await });
        server
    }

    /// Where it is reached, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.app.settings().public_url
    }

    /// For verbs of the domain: work that nobody asked for.
    pub fn system(&self) -> Ctx {
        self.worker.as_ref().unwrap_or(&self.app).system("test")
    }

    /// The same for each of two servers, or twice for the only one.
    pub fn systems(&self) -> [Ctx; 2] {
        [self.system(), self.app.system("test")]
    }

    /// One pass of the queue.
    pub async fn advance(&self) {
        domain::runs::advance_all(&self.system()).await.expect("the queue advances");
    }

    /// From now on time passes by [`Server::pass`] only.
    pub fn stop_clock(&self) -> Timestamp {
        let now = self.app.now();
        self.set_clock(now);
        now
    }

    fn set_clock(&self, now: Timestamp) {
        for app in [Some(&self.app), self.worker.as_ref()].into_iter().flatten() {
            app.stop_clock(now);
        }
    }

    /// Moves the stopped clock.
    pub fn pass(&self, time: Duration) {
        let later = i64::try_from(time.as_millis()).expect("less than a geological age");
        self.set_clock(Timestamp(self.app.now().0 + later));
    }

    /// A new workspace in the organization's default project.
    pub async fn workspace(&self, name: &str) -> row::Workspace {
        let change = workspaces::Change { name: Some(name.to_owned()), ..Default::default() };
        self.workspace_with(change).await
    }

    pub async fn workspace_with(&self, change: workspaces::Change) -> row::Workspace {
        Box::pin(self.made(change)).await
    }

    async fn made(&self, mut change: workspaces::Change) -> row::Workspace {
        let cx = self.owner().cx().await;
        let found = domain::organizations::find(&cx, Self::ORGANIZATION).await;
        let organization = cx
            .check::<can::ReadOrganization, _>(found.expect("made at the start"))
            .expect("owners see their organization");
        let project = workspaces::destination(&cx, &organization, change.project_id.take()).await;
        let project = cx
            .check::<can::CreateWorkspaceIn, _>(project.expect("there is such a project"))
            .expect("owners make workspaces anywhere");
        Box::pin(workspaces::create(&cx, &project, change)).await.expect("a workspace is made")
    }

    /// A new project.
    pub async fn project(&self, name: &str) -> row::Project {
        let cx = self.owner().cx().await;
        let found = domain::organizations::find(&cx, Self::ORGANIZATION).await;
        let organization = cx
            .check::<can::CreateProject, _>(found.expect("made at the start"))
            .expect("owners make projects");
        let change = projects::Change { name: Some(name.to_owned()), ..Default::default() };
        projects::create(&cx, &organization, change).await.expect("a project is made")
    }

    /// Otherwise only site administrators do.
    pub async fn let_everybody_create_organizations(&self) {
        let cx = self.system();
        let site = cx.check::<can::ManageSite, _>(Site::found()).expect("the system may");
        let limit_user_organization_creation = Some(Some(false));
        let change =
            site_settings::Change { limit_user_organization_creation, ..Default::default() };
        site_settings::update(&cx, &site, change).await.expect("a setting is decided");
    }

    /// Appends to the log of a plan or an apply, as an agent does.
    pub async fn append_log(&self, id: &str, offset: u64, batch: &'static str) {
        let log = blobs::LogId::new(id).expect("the id of a plan or an apply");
        let appended = self.app.blobs().append_log(&log, offset, batch.into()).await;
        appended.expect("a batch that follows on what is there");
    }

    /// How many rows each table has, to see that nothing was stored.
    pub async fn row_counts(&self) -> BTreeMap<String, i64> {
        let connection = self.db.read();
        let backend = connection.get_database_backend();
        let names = table_names(&self.db).await;
        let counts: Vec<_> = names
            .iter()
            .map(|name| format!("SELECT '{name}' AS name, COUNT(*) AS rows FROM {name}"))
            .collect();
        connection
            .query_all_raw(Statement::from_string(backend, counts.join(" UNION ALL ")))
            .await
            .expect("tables can be counted")
            .iter()
            .map(|row| {
                let name = row.try_get("", "name").expect("a name");
                (name, row.try_get("", "rows").expect("a number"))
            })
            .collect()
    }
}
