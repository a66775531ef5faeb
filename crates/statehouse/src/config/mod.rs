//! What the operator decided, checked before anything starts. The rest of the program gets values.

mod catalogue;
mod file;
mod flags;
mod layers;
mod reach;
mod values;
mod wrong;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::tool_versions::Sources;
use secrecy::SecretString;
use url::Url;

use catalogue::Setting;
pub use flags::{AgentFlags, ReachFlags, ReleasesFlags, ServeFlags, StoreFlags};
pub use layers::Layers;
pub use reach::{Reach, Tls, note as note_public_url};
use values::Reader;
pub(crate) use values::duration;
pub use wrong::{AllWrong, Wrong};

/// Everything that `serve` is told.
#[derive(Debug, Clone)]
pub struct Settings {
    pub store: Store,
    pub reach: Reach,
    /// Connections at once.
    pub max_connections: Option<usize>,
    pub agent: Option<Execution>,
    pub grace_period: Duration,
    pub log: Log,
    pub metrics_listen: Option<SocketAddr>,
    pub metrics_token: Option<SecretString>,
    pub admin_token: Option<SecretString>,
    /// How notifications leave.
    pub courier: courier::Settings,
    /// Where official releases are, and whether they are looked up every day.
    pub releases: Sources,
    pub version_sync: bool,
    /// Proxies that say for whom they speak.
    pub trusted_proxies: Vec<courier::IpNet>,
    /// Settings of the site that administrators then cannot change.
    pub site: domain::site_settings::Given,
    pub policy_concurrency: usize,
    /// How long a run task may say nothing.
    pub run_task_silence: Duration,
    /// Said in the log once it exists.
    pub warnings: Vec<String>,
}

/// Where the data lives.
#[derive(Debug, Clone)]
pub struct Store {
    pub data_dir: PathBuf,
    pub database: Database,
    /// Connections to the database at most.
    pub connections: u32,
    pub limits: db::Limits,
    pub blobs: PathBuf,
    pub key_file: PathBuf,
}

#[derive(Debug, Clone)]
pub enum Database {
    Sqlite(PathBuf),
    Postgres(SecretString),
}

/// Everything that `agent` is told.
#[derive(Debug, Clone)]
pub struct AgentSettings {
    pub data_dir: PathBuf,
    pub server: Url,
    pub token: SecretString,
    pub name: String,
    pub ca_file: Option<PathBuf>,
    pub execution: Execution,
    pub grace_period: Duration,
    pub log: Log,
    /// Said in the log once it exists.
    pub warnings: Vec<String>,
}

/// How runs are executed, inside `serve` or by an agent of its own.
#[derive(Debug, Clone)]
pub struct Execution {
    pub concurrency: usize,
    /// Empty: what PATH has.
    pub engines: Vec<PathBuf>,
    pub cli_config: Option<PathBuf>,
    pub keep_init: bool,
    pub sandbox: Sandbox,
    /// What runs may read beside what they need.
    pub shared: Vec<PathBuf>,
    /// What no run may see: the data directory, and whatever a setting names.
    pub closed: Vec<PathBuf>,
    /// Bytes that must be free where phases write before one begins.
    pub min_free_disk: u64,
    /// What one phase may use of the machine.
    pub budget: agent::Budget,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sandbox {
    Required,
    Preferred,
    Off,
}

#[derive(Debug, Clone)]
pub struct Log {
    pub format: LogFormat,
    pub filter: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

impl Settings {
    /// Reads flags, this process's environment and the configuration file.
    pub fn load(flags: &ServeFlags) -> Result<Self, AllWrong> {
        Self::from_layers(Layers::new(flags.0.clone(), environment()))
    }

    pub fn from_layers(layers: Layers) -> Result<Self, AllWrong> {
        read_all(layers, values::settings)
    }
}

impl Store {
    /// As [`Settings::load`], for the commands that only open the data.
    pub fn load(flags: &StoreFlags) -> Result<Self, AllWrong> {
        at_once(flags.0.clone(), values::store)
    }
}

/// As [`Settings::load`], for a command that opens the data and looks for releases.
pub fn load_releases(flags: &ReleasesFlags) -> Result<(Store, Sources), AllWrong> {
    at_once(flags.0.clone(), |reader| (values::store(reader), values::releases(reader)))
}

/// As [`Settings::load`], for a command that opens the data and prints addresses.
pub fn load_reach(flags: &ReachFlags) -> Result<(Store, Reach), AllWrong> {
    at_once(flags.0.clone(), |reader| (values::store(reader), reach::reach(reader)))
}

/// Of commands without a log: what they are not told by a setting is said at once.
fn at_once<T>(
    flags: BTreeMap<String, Vec<String>>,
    read: impl FnOnce(&mut Reader<'_>) -> T,
) -> Result<T, AllWrong> {
    let (value, warnings) = read_all(Layers::new(flags, environment()), |reader| {
        (read(reader), values::warnings(reader))
    })?;
    for warning in warnings {
        eprintln!("statehouse: {warning}");
    }
    Ok(value)
}

/// Whatever a command wants to know, in the end with all that is wrong.
fn read_all<T>(mut layers: Layers, read: impl FnOnce(&mut Reader<'_>) -> T) -> Result<T, AllWrong> {
    let wrong = read_config_file(&mut layers);
    let mut reader = Reader::new(&layers, wrong);
    let value = read(&mut reader);
    reader.finish(value)
}

impl AgentSettings {
    /// As [`Settings::load`], for an agent.
    pub fn load(flags: &AgentFlags) -> Result<Self, AllWrong> {
        Self::from_layers(Layers::new(flags.0.clone(), environment()))
    }

    pub fn from_layers(layers: Layers) -> Result<Self, AllWrong> {
        let settings = read_all(layers, values::agent_settings)?;
        Ok(settings.expect("nothing was wrong or missing"))
    }
}

/// Non-UTF-8 values cannot be ours and are left out.
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// All that is wrong with the file; the rest of it counts.
fn read_config_file(layers: &mut Layers) -> Vec<Wrong> {
    match layers.get(Setting::named("config")) {
        Ok(Some(given)) => {
            return layers.read_file(Path::new(given.values.first().map_or("", String::as_str)));
        }
        Ok(None) => {}
        Err(wrong) => return vec![wrong],
    }
    let before = values::data_dir(&mut Reader::new(layers, Vec::new()));
    let in_data_dir = before.join("statehouse.toml");
    let Some(path) =
        [in_data_dir.clone(), PathBuf::from("statehouse.toml")].into_iter().find(|p| p.is_file())
    else {
        return Vec::new();
    };
    let mut wrong = layers.read_file(&path);
    // A file that was found in the data directory must not point to another one: which of the two
    // would hold the data then depended on who reads.
    let after = values::data_dir(&mut Reader::new(layers, Vec::new()));
    if path == in_data_dir && after != before {
        wrong.push(Wrong::file(&path, "data_dir names another directory than this file's"));
    }
    wrong
}
