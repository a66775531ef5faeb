//! A private PostgreSQL for the tests: on loopback, in a temporary folder, gone afterwards.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::process::Command;

use crate::commands::{Running, command, output};
use crate::debian;

/// How long a new cluster may take until it answers.
const START_LIMIT: Duration = Duration::from_mins(1);

/// A running cluster. Dropping it stops the server and removes its data.
pub struct Cluster {
    // Dropped in this order: the server first, then what it wrote.
    server: Running,
    port: u16,
    folder: TempDir,
}

impl Cluster {
    /// Makes a cluster and waits until it answers. It promises nothing about what it has committed: it does not
    /// outlive the tests.
    pub async fn start() -> Result<Self> {
        // Each test makes and drops a database of a thousand files; a disk looks long for inodes that were not just
        // given back.
        let careless = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"];
        let settings = [&careless[..], &["max_wal_size=256MB", "autovacuum=off"]].concat();
        Self::with(&settings, memory_or_disk()).await
    }

    /// One as people run it, which makes durable what it commits.
    pub async fn durable() -> Result<Self> {
        Self::with(&[], std::env::temp_dir()).await
    }

    async fn with(settings: &[&str], place: PathBuf) -> Result<Self> {
        let programs = programs().await?;
        let owner = Owner::of_the_cluster().await?;
        let folder = tempfile::Builder::new().prefix("statehouse-postgres-").tempdir_in(place)?;
        owner.take(folder.path())?;
        owner.initdb(&programs, folder.path()).await?;
        // Somebody else may take the port between finding and using it.
        let mut attempts = 3;
        let (server, port) = loop {
            let port = free_port()?;
            match owner.serve(&programs, folder.path(), port, settings).await {
                Ok(server) => break (server, port),
                Err(error) if attempts == 1 => return Err(error),
                Err(_) => attempts -= 1,
            }
        };
        println!("{} on port {port}", programs.display());
        Ok(Self { server, port, folder })
    }

    /// The address of the maintenance database, as a superuser.
    pub fn url(&self) -> String {
        debug_assert!(self.folder.path().exists() && self.server.pid().is_some());
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }
}

/// Where files are memory, if there is room for the databases of the tests that run at once.
fn memory_or_disk() -> PathBuf {
    const ROOM: u64 = 4 << 30;
    let memory = Path::new("/dev/shm");
    let free = rustix::fs::statvfs(memory).map_or(0, |at| at.f_bavail * at.f_frsize);
    if free >= ROOM { memory.to_owned() } else { std::env::temp_dir() }
}

/// The folder with `initdb` and `postgres`, installed if need be.
async fn programs() -> Result<PathBuf> {
    if let Some(found) = find() {
        return Ok(found);
    }
    debian::install("postgresql", "PostgreSQL").await?;
    find().context("the package postgresql brought no initdb to /usr/lib/postgresql/*/bin")
}

/// Debian keeps each version's programs off the PATH; the highest is taken.
fn find() -> Option<PathBuf> {
    let complete = |bin: &PathBuf| bin.join("initdb").exists() && bin.join("postgres").exists();
    let path = std::env::var_os("PATH").unwrap_or_default();
    if let Some(bin) = std::env::split_paths(&path).find(complete) {
        // A link on the PATH would look for its libraries beside itself.
        let initdb = bin.join("initdb").canonicalize().ok()?;
        return initdb.parent().map(Path::to_owned);
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    let number = |bin: &PathBuf| -> u32 {
        let version = bin.parent().and_then(Path::file_name).unwrap_or_default();
        version.to_string_lossy().parse().unwrap_or(0)
    };
    versions.map(|version| version.path().join("bin")).filter(complete).max_by_key(number)
}

/// Who runs the server: PostgreSQL refuses to run as root.
struct Owner(Option<Unprivileged>);

struct Unprivileged {
    name: &'static str,
    uid: u32,
    gid: u32,
}

impl Owner {
    async fn of_the_cluster() -> Result<Self> {
        if !debian::root() {
            return Ok(Self(None));
        }
        for name in ["postgres", "nobody"] {
            let id = async |which: &str| -> Result<u32> {
                let mut id = command("id");
                Ok(output(id.args([which, name]).stderr(Stdio::null())).await?.trim().parse()?)
            };
            if let (Ok(uid), Ok(gid)) = (id("-u").await, id("-g").await) {
                return Ok(Self(Some(Unprivileged { name, uid, gid })));
            }
        }
        bail!("root may not run PostgreSQL, and there is neither a user postgres nor nobody")
    }

    fn take(&self, folder: &Path) -> Result<()> {
        if let Some(user) = &self.0 {
            std::os::unix::fs::chown(folder, Some(user.uid), Some(user.gid))
                .with_context(|| format!("cannot give {} to {}", folder.display(), user.name))?;
        }
        Ok(())
    }

    /// A program run as the owner, which dies with this process should it be killed.
    fn program(&self, program: &Path, folder: &Path) -> Command {
        let Some(user) = &self.0 else {
            let mut plain = command(program);
            plain.current_dir(folder);
            return plain;
        };
        let mut setpriv = command("setpriv");
        setpriv.args(["--reuid", &user.uid.to_string(), "--regid", &user.gid.to_string()]);
        setpriv.args(["--clear-groups", "--pdeathsig", "QUIT"]).arg(program);
        setpriv.current_dir(folder).env("HOME", folder);
        setpriv
    }

    async fn initdb(&self, programs: &Path, folder: &Path) -> Result<()> {
        let initdb = programs.join("initdb");
        let help = output(command(&initdb).arg("--help")).await?;
        let mut make = self.program(&initdb, folder);
        make.args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-sync"]);
        make.args(["--locale=C", "--pgdata"]).arg(folder.join("data"));
        if help.contains("--locale-provider") {
            // Texts sort by language, as in most people's clusters: a query that means the order
            // of bytes has to say so.
            make.args(["--locale-provider=icu", "--icu-locale=en-US"]);
        }
        output(&mut make).await.context("cannot make a cluster")?;
        Ok(())
    }

    async fn serve(
        &self,
        programs: &Path,
        folder: &Path,
        port: u16,
        settings: &[&str],
    ) -> Result<Running> {
        let log = folder.join("log");
        let mut postgres = self.program(&programs.join("postgres"), folder);
        postgres.arg("-D").arg(folder.join("data")).arg("-k").arg(folder);
        postgres.args(["-h", "127.0.0.1", "-p", &port.to_string()]);
        for setting in settings {
            postgres.args(["-c", setting]);
        }
        // Every test has a database and a pool of its own.
        postgres.args(["-c", "max_connections=500", "-c", "shared_buffers=128MB"]);
        let file = std::fs::File::create(&log)?;
        postgres.stdout(file.try_clone()?).stderr(file);
        let mut server = Running::start(&mut postgres, Signal::INT)?;
        let started = Instant::now();
        loop {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            if said.contains("ready to accept connections") {
                return Ok(server);
            }
            if let Some(status) = server.child.try_wait()? {
                bail!("PostgreSQL ended with {status}: {said}");
            }
            if started.elapsed() > START_LIMIT {
                bail!("PostgreSQL did not start within {START_LIMIT:?}: {said}");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// A port on loopback that nobody listens on at this moment.
pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no free port on loopback")?;
    Ok(listener.local_addr()?.port())
}
