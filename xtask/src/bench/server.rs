//! A release server of our own, on loopback, with fresh data, and what it takes of memory.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::Signal;
use tempfile::TempDir;

use super::client::Client;
use crate::commands::{Running, command};
use crate::test::postgres::{Cluster, free_port};

const TOKEN: &str = "bench.atlasv1.000000000000000000000000000000000000000000000000000000000000";

/// How long a start may take before the bench gives up.
const START_LIMIT: Duration = Duration::from_secs(30);

/// Where a server keeps its rows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Database {
    Sqlite,
    /// A cluster of its own, on this machine, which makes durable what it commits.
    Postgres,
}

impl Database {
    pub const ALL: [Self; 2] = [Self::Sqlite, Self::Postgres];

    /// What figures begin with that are taken on it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => "on PostgreSQL: ",
        }
    }
}

/// What to start: fresh data on SQLite and no agent, unless something else is said.
#[derive(Clone)]
pub struct Launch<'a> {
    program: &'a Path,
    database: Database,
    arguments: Vec<&'a OsStr>,
    settings: Vec<(&'static str, String)>,
    data: Option<Rc<TempDir>>,
}

impl<'a> Launch<'a> {
    pub fn of(program: &'a Path) -> Self {
        Self {
            program,
            database: Database::Sqlite,
            arguments: vec!["--no-agent".as_ref()],
            settings: Vec::new(),
            data: None,
        }
    }

    /// It executes runs with this engine.
    pub fn executing(mut self, engine: &'a Path) -> Self {
        self.arguments = vec!["--engine".as_ref(), engine.as_os_str()];
        self
    }

    /// How many runs at once.
    pub fn slots(mut self, slots: usize) -> Self {
        self.settings.push(("STATEHOUSE_CONCURRENCY", slots.to_string()));
        self
    }

    pub fn on(mut self, database: Database) -> Self {
        self.database = database;
        self
    }

    /// It may ask servers in this network.
    pub fn reaching(mut self, network: &str) -> Self {
        self.settings.push(("STATEHOUSE_NOTIFICATION_NETWORKS", network.to_owned()));
        self
    }

    /// On the data of an earlier server.
    pub fn again(mut self, data: Rc<TempDir>) -> Self {
        self.data = Some(data);
        self
    }

    /// With a log in JSON that tells the steps of each run.
    pub fn telling(mut self) -> Self {
        self.settings.push(("STATEHOUSE_LOG_FORMAT", "json".into()));
        self.settings.push(("STATEHOUSE_LOG_FILTER", "info,statehouse_agent=debug".into()));
        self
    }

    pub async fn start(&self) -> Result<Server> {
        let data = match &self.data {
            Some(data) => data.clone(),
            None => Rc::new(tempfile::Builder::new().prefix("statehouse-bench-").tempdir()?),
        };
        let cluster = match self.database {
            Database::Sqlite => None,
            Database::Postgres => Some(Cluster::durable().await?),
        };
        let address = format!("127.0.0.1:{}", free_port()?);
        let log = std::env::temp_dir().join(format!("statehouse-bench-{}.log", std::process::id()));
        let file = std::fs::File::create(&log)?;
        let mut serve = command(self.program);
        serve.arg("serve").arg("--data-dir").arg(data.path()).args(["--listen", &address]);
        serve.args(&self.arguments).env("STATEHOUSE_ADMIN_TOKEN", TOKEN);
        serve.envs(self.settings.iter().map(|(name, value)| (name, value)));
        if let Some(cluster) = &cluster {
            serve.env("STATEHOUSE_DATABASE_URL", cluster.url());
        }
        serve.stdout(file.try_clone()?).stderr(file);
        let started = Instant::now();
        let mut running = Running::start(&mut serve, Signal::TERM)?;
        loop {
            if answers(&address).await {
                let cold_start = started.elapsed();
                return Ok(Server { running, address, cold_start, log, data, _cluster: cluster });
            }
            let ended = running.child.try_wait()?;
            if ended.is_some() || started.elapsed() > START_LIMIT {
                let said = std::fs::read_to_string(&log).unwrap_or_default();
                bail!("the server did not start ({ended:?}):\n{said}");
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// Processor time since the start, of a server and of all that it has started and waited for.
#[derive(Clone, Copy)]
pub struct Processor {
    pub own: Duration,
    pub children: Duration,
}

/// A server that answers. Dropping it stops it; its log stays when something went wrong.
pub struct Server {
    // Dropped in this order: the server first, then what it wrote into.
    running: Running,
    address: String,
    /// From starting the process to the first answer.
    pub cold_start: Duration,
    log: PathBuf,
    /// Gone with the last server on it.
    pub data: Rc<TempDir>,
    _cluster: Option<Cluster>,
}

impl Server {
    /// A new connection.
    pub async fn client(&self) -> Result<Client> {
        Client::connect(&self.address, TOKEN).await
    }

    /// Where to look when a measurement failed.
    pub fn log_hint(&self) -> String {
        format!("the server's log is {}", self.log.display())
    }

    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Resident memory now, in bytes.
    pub fn memory(&self) -> Result<u64> {
        self.status("VmRSS")
    }

    /// The highest resident memory since [`Server::forget_peak`], in bytes.
    pub fn peak_memory(&self) -> Result<u64> {
        self.status("VmHWM")
    }

    /// Starts a new peak from the memory in use now.
    pub fn forget_peak(&self) -> Result<()> {
        let path = format!("/proc/{}/clear_refs", self.pid()?);
        std::fs::write(path, "5").context("cannot reset the peak of the server's memory")
    }

    pub fn pid(&self) -> Result<u32> {
        self.running.pid().context("the server has ended")
    }

    /// What it and its children have computed so far, to a hundredth of a second.
    pub fn processor(&self) -> Result<Processor> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid()?))?;
        processor(&stat).context("/proc/PID/stat is not what it was")
    }

    fn status(&self, field: &str) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()?))?;
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
        let kilobytes: u64 = kilobytes.with_context(|| format!("no {field}"))?.parse()?;
        Ok(kilobytes * 1024)
    }
}

/// Whether the server has answered a ping.
async fn answers(address: &str) -> bool {
    let Ok(mut client) = Client::connect(address, TOKEN).await else { return false };
    client.get("/api/v2/ping").await.is_ok()
}

/// The name of a process may have anything in it, and stands in parentheses.
fn processor(stat: &str) -> Option<Processor> {
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    // Linux counts hundredths of a second there, whatever its own clock does (proc(5), USER_HZ).
    let ticks = |at: usize| fields.get(at)?.parse::<u64>().ok();
    let both = |user: usize, system: usize| {
        Some(Duration::from_millis((ticks(user)? + ticks(system)?) * 10))
    };
    Some(Processor { own: both(11, 12)?, children: both(13, 14)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_children_computed_is_counted_apart() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 10 20 0 0 150 50 300 25 20 0 4 0 100 0 0";
        let processor = processor(stat).unwrap();
        assert_eq!(processor.own, Duration::from_secs(2));
        assert_eq!(processor.children, Duration::from_millis(3250));
    }
}
