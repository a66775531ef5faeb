//! Runs `git` once, within its limits.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Child;
use tokio::task::JoinHandle;
use tokio::time::{interval, timeout};

use super::home::{Home, Route};
use super::{Git, GitError, Order, Remote, Settings};

/// Bytes of complaints that are kept, and characters of them that are shown.
const COMPLAINTS_LIMIT: u64 = 64 << 10;
const SHOWN: usize = 500;
/// How often the growth of a cache is looked at.
const GLANCE: Duration = Duration::from_millis(250);

/// One call of `git`.
#[derive(Debug, Default)]
pub(super) struct Call<'a> {
    pub args: Vec<String>,
    /// The repository that it works in; absent: none.
    pub cache: Option<&'a Path>,
    pub route: Option<&'a Route<'a>>,
    pub stdin: Option<Vec<u8>>,
    /// Bytes of its answer.
    pub answer_limit: u64,
}

/// A program that is running; it ends with this.
#[derive(Debug)]
pub(super) struct Running<'a> {
    pub child: Child,
    settings: &'a Settings,
    home: Home,
    process: Option<u32>,
    /// Heard from the beginning on, so that it never waits for room in the pipe.
    complaints: Option<JoinHandle<io::Result<String>>>,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            self.settings.start.kill(process);
        }
    }
}

impl Git {
    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Looks the host of a remote up.
    pub(super) async fn route<'a>(&self, remote: &'a Remote) -> Result<Route<'a>, GitError> {
        let host = remote.address.host().trim_matches(['[', ']']);
        let found = self.settings.reach.addresses(host, remote.address.port()).await;
        let addresses = found.map_err(GitError::Unreachable)?;
        if addresses.is_empty() {
            return Err(GitError::Unreachable(format!(
                "{host} has no address that may be reached"
            )));
        }
        Ok(Route { remote, addresses })
    }

    pub(super) async fn begin(&self, call: Call<'_>) -> Result<Running<'_>, GitError> {
        let settings = self.settings();
        let mut home = Home::new(settings, call.route)?;
        if let Some(cache) = call.cache {
            home.env.insert("GIT_DIR".into(), cache.to_string_lossy().into_owned());
        }
        let stdin = call.stdin.map(|input| home.write("input", input)).transpose()?;
        let order = Order {
            program: settings.git.clone(),
            args: call.args,
            env: home.env.clone(),
            folder: home.path().to_owned(),
            stdin,
            writable: call.cache.map(Path::to_owned).into_iter().collect(),
            readable: settings.authorities.clone().into_iter().collect(),
            needs_network: call.route.is_some(),
            file_bytes: settings.limits.fetched_bytes,
        };
        let mut child = settings.start.start(&order).await?;
        let process = child.id();
        let complaints = child.stderr.take().map(|stderr| tokio::spawn(complaints(stderr)));
        Ok(Running { child, settings, home, process, complaints })
    }

    /// The whole answer of a call that succeeds.
    pub(super) async fn ask(&self, call: Call<'_>) -> Result<Vec<u8>, GitError> {
        let (limit, cache) = (call.answer_limit, call.cache.map(Path::to_owned));
        let grows = call.route.is_some();
        let limits = self.settings.limits;
        let mut running = self.begin(call).await?;
        let mut stdout = running.child.stdout.take().expect("it was piped");
        let mut answer = Vec::new();
        let hearing = async {
            (&mut stdout).take(limit + 1).read_to_end(&mut answer).await?;
            if answer.len() as u64 > limit {
                return Err(GitError::TooLarge { what: "the answer of git", limit });
            }
            running.end().await
        };
        let watched = cache.filter(|_| grows);
        tokio::select! {
            heard = timeout(limits.patience, hearing) => match heard {
                Ok(heard) => heard?,
                Err(_) => return Err(GitError::TooSlow(limits.patience)),
            },
            () = outgrown(watched.as_deref(), limits.fetched_bytes) => {
                return Err(too_large(limits.fetched_bytes));
            }
        }
        Ok(answer)
    }
}

impl Running<'_> {
    /// Waits for the end, which has to be a good one. Its output must have been read.
    pub async fn end(&mut self) -> Result<(), GitError> {
        let said = match self.complaints.take() {
            Some(complaints) => complaints.await.map_err(io::Error::other)??,
            None => String::new(),
        };
        let status = self.child.wait().await?;
        self.process = None;
        if status.success() {
            return Ok(());
        }
        let places = [self.home.path(), self.settings.root.as_path()];
        let said = shown(&said, &places);
        Err(if said.is_empty() {
            GitError::Failed(status.to_string())
        } else {
            GitError::from_words(&said)
        })
    }
}

/// Reads to the end and keeps the beginning.
async fn complaints(mut stderr: impl AsyncRead + Unpin) -> io::Result<String> {
    let mut said = Vec::new();
    (&mut stderr).take(COMPLAINTS_LIMIT).read_to_end(&mut said).await?;
    tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await?;
    Ok(String::from_utf8_lossy(&said).into_owned())
}

/// For people: no escapes, no places of this machine, the end of it.
fn shown(said: &str, places: &[&Path]) -> String {
    let mut text = said.to_owned();
    for place in places {
        text = text.replace(&*place.to_string_lossy(), "…");
    }
    let lines = text.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty());
    let text = lines.collect::<Vec<_>>().join("; ");
    let clean: Vec<char> = text.chars().filter(|c| !c.is_control()).collect();
    clean[clean.len().saturating_sub(SHOWN)..].iter().collect()
}

pub(super) fn too_large(limit: u64) -> GitError {
    GitError::TooLarge { what: "what the repository sends", limit }
}

/// Ends when a cache has grown by more than it may.
async fn outgrown(cache: Option<&Path>, limit: u64) {
    let Some(cache) = cache else { return std::future::pending().await };
    let before = size_of(cache);
    let mut glances = interval(GLANCE);
    loop {
        glances.tick().await;
        if size_of(cache).saturating_sub(before) > limit {
            return;
        }
    }
}

/// Bytes of what was sent to a cache: with `fetch.unpackLimit` all of it is in packs, unfinished ones included.
pub(super) fn size_of(cache: &Path) -> u64 {
    packs(cache).map(|(_, bytes)| bytes).sum()
}

pub(super) fn packs(cache: &Path) -> impl Iterator<Item = (PathBuf, u64)> {
    let entries = fs::read_dir(cache.join("objects/pack")).into_iter().flatten().flatten();
    entries.filter_map(|entry| Some((entry.path(), entry.metadata().ok()?.len())))
}
