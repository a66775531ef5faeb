//! The engine binaries: those on this machine, and those downloaded once and checked.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use futures::StreamExt as _;
use protocol::{Engine, EngineKind, LocalEngine};
use reqwest::Url;
use sandbox::{Layers, Order, Reach};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::environment::SAFE_PATH;
use crate::server::Backoff;
use crate::{Config, reach};

/// The largest archive and the largest binary that is accepted; today's have about 100 MB.
const CEILING: u64 = 1 << 30;
const ATTEMPTS: u32 = 3;
/// What an engine may take to tell its version while nobody is answered.
const QUICKLY: Duration = Duration::from_secs(20);
/// The same where the agent alone waits. A machine that has just started is slow, with everything else at work on it, and
/// an engine that is not offered then is missing until the next start.
const PATIENTLY: Duration = Duration::from_mins(2);

pub(crate) struct Engines {
    local: Vec<(LocalEngine, PathBuf)>,
    cache: PathBuf,
    /// Two jobs that want the same new version download it once.
    downloading: tokio::sync::Mutex<()>,
}

/// Why there is no engine for a job; shown to the person whose run it is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EngineError {
    #[error("{0} {1} is not on this agent's machine, and the server named no address for it")]
    NoAddress(&'static str, String),
    #[error("the server named no SHA-256 checksum for {0}, so it was not downloaded")]
    NoChecksum(String),
    #[error("{address} is not an address of an engine archive: {reason}")]
    BadAddress { address: String, reason: String },
    #[error("the engine archive {address} could not be downloaded: {reason}")]
    Unreachable { address: String, reason: String },
    #[error("the archive {address} has the SHA-256 checksum {actual}, expected was {expected}")]
    WrongChecksum { address: String, expected: String, actual: String },
    #[error("the archive {address} cannot be used: {reason}")]
    Unusable { address: String, reason: String },
    #[error("the engine could not be stored in the agent's cache: {0}")]
    Cache(#[from] io::Error),
}

/// As the binary is called.
pub(crate) fn program(kind: EngineKind) -> &'static str {
    match kind {
        EngineKind::Terraform => "terraform",
        EngineKind::Tofu => "tofu",
    }
}

/// As people call it.
pub(crate) fn title(kind: EngineKind) -> &'static str {
    match kind {
        EngineKind::Terraform => "Terraform",
        EngineKind::Tofu => "OpenTofu",
    }
}

/// The engines that an agent with this configuration will find, without a word about them.
pub async fn at_hand(config: &Config) -> Vec<LocalEngine> {
    let mut found: Vec<LocalEngine> = Vec::new();
    for engine in candidates(config, None).await.into_iter().filter_map(|(_, answer)| answer.ok()) {
        if !found.contains(&engine) {
            found.push(engine);
        }
    }
    found
}

/// Every binary that can be found, with its version or why it is none. One that is only looked for may be missing.
async fn candidates(
    config: &Config,
    sandbox: Option<&Sandboxed<'_>>,
) -> Vec<(PathBuf, Result<LocalEngine, String>)> {
    let mut paths = config.engines.clone();
    if config.search_path {
        for folder in std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()) {
            paths.extend(["terraform", "tofu"].map(|name| folder.join(name)));
        }
    }
    let mut found = Vec::new();
    for (at, path) in paths.into_iter().enumerate() {
        // Engines run in another directory, perhaps behind a fence: links must be resolved.
        match path.canonicalize() {
            Ok(path) => {
                let answer = match sandbox {
                    Some(sandbox) => sandbox.version_of(&path).await,
                    None => version_of(&path).await,
                };
                found.push((path, answer));
            }
            Err(_) if at < config.engines.len() => {
                found.push((path, Err("this engine does not exist".into())));
            }
            Err(_) => {}
        }
    }
    found
}

impl Engines {
    /// Asks every binary that can be found for its version; what does not answer is logged.
    pub async fn discover(config: &Config, layers: Layers, reach: &Reach) -> Self {
        let sandbox = Sandboxed { config, layers, reach };
        let mut local: Vec<(LocalEngine, PathBuf)> = Vec::new();
        for (path, answer) in candidates(config, Some(&sandbox)).await {
            match answer {
                Ok(engine) if local.iter().any(|(known, _)| *known == engine) => {}
                Ok(engine) => {
                    tracing::info!(
                        path = %path.display(),
                        "found {} {}", title(engine.kind), engine.version
                    );
                    local.push((engine, path));
                }
                Err(error) => tracing::warn!(path = %path.display(), error, "unusable engine"),
            }
        }
        Self {
            local,
            cache: config.engine_cache_dir.join("engines"),
            downloading: tokio::sync::Mutex::new(()),
        }
    }

    /// Where those of this machine are.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.local.iter().map(|(_, path)| path.as_path())
    }

    pub fn local(&self) -> Vec<LocalEngine> {
        self.local.iter().map(|(engine, _)| engine.clone()).collect()
    }

    /// The binary for a job: ours if it has exactly this version, else the downloaded one.
    pub async fn obtain(
        &self,
        http: &reqwest::Client,
        wanted: &Engine,
    ) -> Result<PathBuf, EngineError> {
        let local = self
            .local
            .iter()
            .find(|(engine, _)| engine.kind == wanted.kind && engine.version == wanted.version);
        if let Some((_, path)) = local {
            return Ok(path.clone());
        }
        let Some(address) = &wanted.url else {
            return Err(EngineError::NoAddress(title(wanted.kind), wanted.version.clone()));
        };
        let url = Url::parse(address).map_err(|error| EngineError::BadAddress {
            address: text::without_credentials(address).into_owned(),
            reason: error.to_string(),
        })?;
        let address = speakable(&url);
        let Some(expected) = wanted.sha256.as_ref().map(|sum| sum.to_ascii_lowercase()) else {
            return Err(EngineError::NoChecksum(address));
        };
        // The checksum is the name: a version that is re-issued with other bytes is another one.
        if expected.len() != 64 || !expected.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(EngineError::WrongChecksum {
                address,
                expected,
                actual: "not looked at, as the expected one is no SHA-256".into(),
            });
        }
        let program = program(wanted.kind);
        let home = self.cache.join(format!("{program}-{expected}"));
        let binary = home.join(program);
        if binary.is_file() {
            return Ok(binary);
        }
        let _alone = self.downloading.lock().await;
        if binary.is_file() {
            return Ok(binary);
        }
        fs::create_dir_all(&self.cache)?;
        let temporary = tempfile::Builder::new().prefix(".download-").tempdir_in(&self.cache)?;
        let archive = temporary.path().join("archive.zip");
        let actual = download(http, url, &address, &archive).await?;
        if actual != expected {
            return Err(EngineError::WrongChecksum { address, expected, actual });
        }
        let folder = temporary.path().join("unpacked");
        let unpacked = {
            let folder = folder.clone();
            tokio::task::spawn_blocking(move || unzip(&archive, &folder, program)).await
        };
        unpacked
            .map_err(io::Error::other)?
            .map_err(|reason| EngineError::Unusable { address, reason })?;
        match fs::rename(&folder, &home) {
            // Another agent on the same cache was faster.
            Err(_) if binary.is_file() => {}
            outcome => outcome?,
        }
        Ok(binary)
    }
}

/// Where runs will start engines, so that one which does not work there is not offered.
struct Sandboxed<'a> {
    config: &'a Config,
    layers: Layers,
    reach: &'a Reach,
}

impl Sandboxed<'_> {
    async fn version_of(&self, path: &Path) -> Result<LocalEngine, String> {
        let output = within(PATIENTLY, self.ask_for_version(path)).await?;
        if !output.status.success() {
            let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(format!(
                "it does not work in the sandbox: {why}; what it needs beside itself can be named \
                 by sandbox_readable"
            ));
        }
        parsed(&output)
    }

    async fn ask_for_version(&self, path: &Path) -> io::Result<Output> {
        let folder = tempfile::tempdir_in(&self.config.work_dir)?;
        let order = Order {
            program: Some(path.to_owned()),
            args: vec!["version".into()],
            stdin: None,
            env: [("PATH", SAFE_PATH), ("CHECKPOINT_DISABLE", "1")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            parent: rustix::process::getpid().as_raw_nonzero().get(),
            orphan_seconds: 0,
            limits: self.config.limits,
            layers: self.layers,
            reach: reach::of_an_engine(self.reach, path, folder.path()),
        };
        let mut child = Command::new(&self.config.supervisor)
            .arg("engine-exec")
            .env_clear()
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        if let Some(mut input) = child.stdin.take() {
            input.write_all(&order.message()?).await?;
        }
        child.wait_with_output().await
    }
}

/// As an operator would ask, before there is an agent.
async fn version_of(path: &Path) -> Result<LocalEngine, String> {
    let asked = Command::new(path)
        .arg("version")
        .env_clear()
        .env("PATH", SAFE_PATH)
        .env("CHECKPOINT_DISABLE", "1")
        .current_dir("/")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    parsed(&within(QUICKLY, asked).await?)
}

async fn within(
    limit: Duration,
    asked: impl Future<Output = io::Result<Output>>,
) -> Result<Output, String> {
    let answer = tokio::time::timeout(limit, asked).await;
    let late = || format!("no answer to “version” in {} seconds", limit.as_secs());
    answer.map_err(|_| late())?.map_err(|error| error.to_string())
}

fn parsed(output: &Output) -> Result<LocalEngine, String> {
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().next().unwrap_or_default();
    let (kind, version) = match line.split_once(" v") {
        Some(("Terraform", version)) => (EngineKind::Terraform, version),
        Some(("OpenTofu", version)) => (EngineKind::Tofu, version),
        _ => return Err(format!("“version” answers “{line}”")),
    };
    let version = version.trim().to_owned();
    semver::Version::parse(&version).map_err(|error| format!("version {version}: {error}"))?;
    Ok(LocalEngine { kind, version })
}

/// Without what may be a secret: user, password and query.
fn speakable(url: &Url) -> String {
    let mut url = url.clone();
    // These fail only for addresses that cannot have a user at all.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.to_string()
}

async fn download(
    http: &reqwest::Client,
    url: Url,
    address: &str,
    to: &Path,
) -> Result<String, EngineError> {
    let mut backoff = Backoff::default();
    let mut attempt = 1;
    loop {
        match download_once(http, url.clone(), to).await {
            Err(reason) if attempt == ATTEMPTS => {
                return Err(EngineError::Unreachable { address: address.to_owned(), reason });
            }
            Err(reason) => tracing::warn!(address, reason, "the download is tried again"),
            Ok(sum) => return Ok(sum),
        }
        attempt += 1;
        backoff.wait().await;
    }
}

async fn download_once(http: &reqwest::Client, url: Url, to: &Path) -> Result<String, String> {
    let say = |error: reqwest::Error| format!("{:#}", anyhow::Error::from(error.without_url()));
    let response = http
        .get(url)
        .timeout(Duration::from_mins(30))
        .send()
        .await
        .and_then(reqwest::Response::error_for_status)
        .map_err(say)?;
    let mut file = tokio::fs::File::create(to).await.map_err(|error| error.to_string())?;
    let (mut body, mut sum, mut size) = (response.bytes_stream(), Sha256::new(), 0);
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(say)?;
        size += chunk.len() as u64;
        if size > CEILING {
            return Err(format!("it is larger than {CEILING} bytes"));
        }
        sum.update(&chunk);
        file.write_all(&chunk).await.map_err(|error| error.to_string())?;
    }
    file.flush().await.map_err(|error| error.to_string())?;
    Ok(hex::encode(sum.finalize()))
}

/// Takes the one file that is wanted, whatever else lies in the archive.
fn unzip(archive: &Path, folder: &Path, program: &str) -> Result<(), String> {
    use std::io::Read as _;
    use std::os::unix::fs::PermissionsExt as _;

    let archive = File::open(archive).map_err(|error| error.to_string())?;
    let mut archive =
        zip::ZipArchive::new(archive).map_err(|error| format!("it is no ZIP archive: {error}"))?;
    let packed = archive
        .by_name(program)
        .map_err(|error| format!("there is no “{program}” at its root: {error}"))?;
    let unpack = |mut packed: io::Take<_>| {
        fs::create_dir(folder)?;
        let path = folder.join(program);
        let mut file = File::create(&path)?;
        let size = io::copy(&mut packed, &mut file)?;
        file.sync_all()?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        io::Result::Ok(size)
    };
    match unpack(packed.take(CEILING)) {
        Ok(CEILING) => Err(format!("its “{program}” is larger than {CEILING} bytes")),
        Ok(_) => Ok(()),
        Err(error) => Err(format!("“{program}” cannot be unpacked: {error}")),
    }
}
