//! What the operator decided, checked before anything starts. The rest of the program gets values.

mod catalogue;
mod file;
mod flags;
mod layers;
mod values;
mod wrong;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::tool_versions::Sources;
use secrecy::SecretString;
use url::Url;

use catalogue::Setting;
pub use flags::{AgentFlags, ReleasesFlags, ServeFlags, StoreFlags};
pub use layers::Layers;
use values::Reader;
pub use wrong::{AllWrong, Wrong};

/// Everything that `serve` is told.
#[derive(Debug, Clone)]
pub struct Settings {
    pub store: Store,
    pub listen: SocketAddr,
    /// `None`: see [`Settings::public_url`].
    pub public_url: Option<Url>,
    /// Connections at once.
    pub max_connections: Option<usize>,
    pub tls: Tls,
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

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    Off,
    Files { cert: PathBuf, key: PathBuf },
    SelfSigned,
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

    pub fn from_layers(mut layers: Layers) -> Result<Self, AllWrong> {
        let wrong = read_config_file(&mut layers);
        let mut reader = Reader::new(&layers, wrong);
        let settings = values::settings(&mut reader);
        reader.finish(settings)
    }

    /// How clients reach us. Without a word from the operator it is made from the bound address.
    pub fn public_url(&self, bound: SocketAddr) -> Url {
        self.public_url.clone().unwrap_or_else(|| {
            let text = match self.tls {
                Tls::Off => format!("http://{bound}"),
                // A certificate and a Terraform hostname want a name, not a number.
                _ if bound.ip().is_loopback() => format!("https://localhost:{}", bound.port()),
                _ => format!("https://{bound}"),
            };
            Url::parse(&text).expect("a socket address makes a URL")
        })
    }
}

impl Store {
    /// As [`Settings::load`], for the commands that only open the data.
    pub fn load(flags: &StoreFlags) -> Result<Self, AllWrong> {
        let mut layers = Layers::new(flags.0.clone(), environment());
        let wrong = read_config_file(&mut layers);
        let mut reader = Reader::new(&layers, wrong);
        let store = values::store(&mut reader);
        reader.finish(store)
    }
}

/// As [`Settings::load`], for a command that opens the data and looks for releases.
pub fn load_releases(flags: &ReleasesFlags) -> Result<(Store, Sources), AllWrong> {
    let mut layers = Layers::new(flags.0.clone(), environment());
    let wrong = read_config_file(&mut layers);
    let mut reader = Reader::new(&layers, wrong);
    let both = (values::store(&mut reader), values::releases(&mut reader));
    reader.finish(both)
}

impl AgentSettings {
    /// As [`Settings::load`], for an agent.
    pub fn load(flags: &AgentFlags) -> Result<Self, AllWrong> {
        Self::from_layers(Layers::new(flags.0.clone(), environment()))
    }

    pub fn from_layers(mut layers: Layers) -> Result<Self, AllWrong> {
        let wrong = read_config_file(&mut layers);
        let mut reader = Reader::new(&layers, wrong);
        let settings = values::agent_settings(&mut reader);
        reader.finish(settings).map(|settings| settings.expect("nothing was wrong or missing"))
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
