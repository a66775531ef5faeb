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
use crate::test::postgres::free_port;

const TOKEN: &str = "bench.atlasv1.000000000000000000000000000000000000000000000000000000000000";

/// How long a start may take before the bench gives up.
const START_LIMIT: Duration = Duration::from_secs(30);

/// A server that answers. Dropping it stops it; its log stays when something went wrong.
pub struct Server {
    running: Running,
    address: String,
    /// From starting the process to the first answer.
    pub cold_start: Duration,
    log: PathBuf,
    /// Gone with the last server on it; after the process, which still writes into it.
    pub data: Rc<TempDir>,
}

impl Server {
    /// Starts on a fresh data folder.
    pub async fn start(program: &Path, engine: &Path) -> Result<Self> {
        let data = tempfile::Builder::new().prefix("statehouse-bench-").tempdir()?;
        Self::on(program, engine, Rc::new(data)).await
    }

    /// Starts on a fresh data folder; runs stay where they are.
    pub async fn without_agent(program: &Path) -> Result<Self> {
        let data = tempfile::Builder::new().prefix("statehouse-bench-").tempdir()?;
        Self::launch(program, &["--no-agent".as_ref()], &[], Rc::new(data)).await
    }

    /// Starts on the data of an earlier server.
    pub async fn on(program: &Path, engine: &Path, data: Rc<TempDir>) -> Result<Self> {
        Self::launch(program, &["--engine".as_ref(), engine.as_os_str()], &[], data).await
    }

    /// Starts on a fresh data folder, with a log in JSON that tells the steps of each run.
    pub async fn telling(program: &Path, engine: &Path) -> Result<Self> {
        let data = tempfile::Builder::new().prefix("statehouse-bench-").tempdir()?;
        let engine: [&OsStr; 2] = ["--engine".as_ref(), engine.as_os_str()];
        let log = [
            ("STATEHOUSE_LOG_FORMAT", "json"),
            ("STATEHOUSE_LOG_FILTER", "info,statehouse_agent=debug"),
        ];
        Self::launch(program, &engine, &log, Rc::new(data)).await
    }

    async fn launch(
        program: &Path,
        arguments: &[&OsStr],
        settings: &[(&str, &str)],
        data: Rc<TempDir>,
    ) -> Result<Self> {
        let address = format!("127.0.0.1:{}", free_port()?);
        let log = std::env::temp_dir().join(format!("statehouse-bench-{}.log", std::process::id()));
        let file = std::fs::File::create(&log)?;
        let mut serve = command(program);
        serve.arg("serve").arg("--data-dir").arg(data.path()).args(["--listen", &address]);
        serve.args(arguments).env("STATEHOUSE_ADMIN_TOKEN", TOKEN);
        serve.envs(settings.iter().copied());
        serve.stdout(file.try_clone()?).stderr(file);
        let started = Instant::now();
        let mut running = Running::start(&mut serve, Signal::TERM)?;
        loop {
            if answers(&address).await {
                let cold_start = started.elapsed();
                return Ok(Self { running, address, cold_start, log, data });
            }
            let ended = running.child.try_wait()?;
            if ended.is_some() || started.elapsed() > START_LIMIT {
                let said = std::fs::read_to_string(&log).unwrap_or_default();
                bail!("the server did not start ({ended:?}):\n{said}");
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

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
