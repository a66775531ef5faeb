//! From text to values: each setting's meaning and its limits.

use std::fmt::Display;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use domain::tool_versions::Sources;
use tracing_subscriber::EnvFilter;
use url::Url;

use super::catalogue::{SETTINGS, Setting};
use super::layers::{Given, Layers};
use super::reach::own_reach;
use super::wrong::{AllWrong, Wrong, meant};
use super::{AgentSettings, Database, Execution, Log, LogFormat, Sandbox, Settings, Store};

/// Reads settings and keeps what is wrong, so that one start names all of it.
pub struct Reader<'a> {
    pub(super) layers: &'a Layers,
    pub(super) wrong: Vec<Wrong>,
}

impl<'a> Reader<'a> {
    /// Goes on from what is known to be `wrong`.
    pub fn new(layers: &'a Layers, wrong: Vec<Wrong>) -> Self {
        Self { layers, wrong }
    }

    /// Gives out `value` only if nothing was wrong on the way.
    pub fn finish<T>(self, value: T) -> Result<T, AllWrong> {
        if self.wrong.is_empty() {
            return Ok(value);
        }
        // What is no setting may well be how something that is missing was meant.
        let notes = warnings(&self);
        Err(AllWrong { wrong: self.wrong, notes })
    }

    pub(super) fn given(&mut self, key: &str) -> Option<Given> {
        self.layers.get(Setting::named(key)).unwrap_or_else(|wrong| {
            self.wrong.push(wrong);
            None
        })
    }

    pub(super) fn read<T, E: Display>(
        &mut self,
        key: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let given = self.given(key)?;
        let text = given.values.first().map_or("", String::as_str);
        match parse(text) {
            Ok(value) => Some(value),
            Err(why) => {
                self.wrong.push(Wrong::given(key, &given, why));
                None
            }
        }
    }

    /// A value without which nothing can start.
    fn required<T, E: Display>(
        &mut self,
        key: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let wrong = self.wrong.len();
        let value = self.read(key, parse);
        if value.is_none() && self.wrong.len() == wrong && !self.layers.is_unusable(key) {
            let setting = Setting::named(key);
            self.wrong.push(Wrong::sentence(format!(
                "{key} is needed; allowed: {}, as --{} or {}",
                setting.allowed,
                setting.flag(),
                setting.env()
            )));
        }
        value
    }

    pub(super) fn switch(&mut self, key: &str) -> bool {
        self.decided(key).unwrap_or(false)
    }

    fn decided(&mut self, key: &str) -> Option<bool> {
        self.read(key, |text| match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err("neither true nor false"),
        })
    }

    fn path(&mut self, key: &str) -> Option<PathBuf> {
        self.read(key, |text| if text.is_empty() { Err("empty") } else { Ok(PathBuf::from(text)) })
    }

    pub(super) fn existing(&mut self, key: &str) -> Option<PathBuf> {
        self.read(key, |text| readable_file(Path::new(text)))
    }
}

/// A server is often started together with its database.
const START_WAIT: Duration = Duration::from_mins(1);

pub fn data_dir(reader: &mut Reader<'_>) -> PathBuf {
    reader.path("data_dir").unwrap_or_else(|| default_data_dir(&reader.layers.environment))
}

fn default_data_dir(environment: &std::collections::BTreeMap<String, String>) -> PathBuf {
    let variable = |name: &str| environment.get(name).filter(|v| v.starts_with('/'));
    if rustix::process::geteuid().is_root() {
        return PathBuf::from("/var/lib/statehouse");
    }
    match (variable("XDG_DATA_HOME"), variable("HOME")) {
        (Some(data), _) => Path::new(data).join("statehouse"),
        (None, Some(home)) => Path::new(home).join(".local/share/statehouse"),
        (None, None) => PathBuf::from("/var/lib/statehouse"),
    }
}

pub fn store(reader: &mut Reader<'_>) -> Store {
    let data_dir = data_dir(reader);
    // Children run in other directories, so that no path may depend on ours.
    let data_dir = std::path::absolute(&data_dir).unwrap_or(data_dir);
    let database = reader
        .read("database_url", database)
        .unwrap_or_else(|| Database::Sqlite(data_dir.join("statehouse.db")));
    let blobs = reader.read("blob_url", blobs).unwrap_or_else(|| data_dir.join("blobs"));
    let key_file = reader.path("key_file").unwrap_or_else(|| data_dir.join("statehouse.key"));
    let connections = reader
        .read("database_connections", |text| match text.parse() {
            Ok(n) if (2..=1000).contains(&n) => Ok(n),
            Ok(_) => Err("out of range"),
            Err(_) => Err("not a whole number"),
        })
        .unwrap_or(16);
    let limits = limits(reader);
    Store { data_dir, database, connections, limits, blobs, key_file }
}

fn limits(reader: &mut Reader<'_>) -> db::Limits {
    let usual = db::Limits::default();
    let acquire = reader.read("database_wait", |text| match duration(text) {
        Ok(Duration::ZERO) => Err("too short"),
        other => other,
    });
    let mut limit = |key, usual| reader.read(key, duration).unwrap_or(usual);
    db::Limits {
        start: limit("database_start_wait", usual.start),
        statement: limit("database_statement_timeout", usual.statement),
        lock: limit("database_lock_timeout", usual.lock),
        idle: limit("database_idle_timeout", usual.idle),
        acquire: acquire.unwrap_or(usual.acquire),
        reader: usual.reader,
    }
}

pub fn settings(reader: &mut Reader<'_>) -> Settings {
    let mut store = store(reader);
    if reader.given("database_start_wait").is_none() {
        store.limits.start = START_WAIT;
    }
    let reach = own_reach(reader);
    let max_connections = reader.read("max_connections", |text| match text.parse() {
        Ok(n) if (16..=1_000_000).contains(&n) => Ok(n),
        Ok(_) => Err("out of range"),
        Err(_) => Err("not a whole number"),
    });
    let agent = agent(reader);
    let grace_period =
        reader.read("grace_period", duration).unwrap_or_else(|| Duration::from_mins(5));
    let log = log(reader);
    let metrics_listen = reader.read("metrics_listen", parse_address);
    let metrics_token = reader.read("metrics_token", token);
    let admin_token = reader.read("admin_token", token);
    let courier = courier(reader);
    let releases = releases(reader);
    let version_sync = reader.switch("version_sync");
    let trusted_proxies = reader.read("trusted_proxies", networks).unwrap_or_default();
    let site = site(reader);
    let policy_concurrency =
        reader.read("policy_concurrency", |text| within(text, 1..=64)).unwrap_or(2);
    let run_task_silence =
        reader.read("run_task_silence", silence).unwrap_or(Duration::from_mins(10));
    let warnings = warnings(reader);
    Settings {
        store,
        reach,
        max_connections,
        agent,
        grace_period,
        log,
        metrics_listen,
        metrics_token: metrics_token.map(Into::into),
        admin_token: admin_token.map(Into::into),
        courier,
        releases,
        version_sync,
        trusted_proxies,
        site,
        policy_concurrency,
        run_task_silence,
        warnings,
    }
}

/// Those of mail are smtp_url and smtp_from.
fn site(reader: &mut Reader<'_>) -> domain::site_settings::Given {
    let mut site = domain::site_settings::Given::default();
    for name in domain::site_settings::NAMES.iter().filter(|name| !name.starts_with("smtp-")) {
        let key = name.replace('-', "_");
        let Some(given) = reader.given(&key) else { continue };
        let text = given.values.first().map_or("", String::as_str);
        if let Err(why) = site.add(name, text, given.origin.name()) {
            reader.wrong.push(Wrong::given(&key, &given, why));
        }
    }
    site
}

/// What was said to nobody: it is wrong only if something is missing.
pub fn warnings(reader: &Reader<'_>) -> Vec<String> {
    let unknown = reader.layers.unknown_variables().into_iter();
    let known = || SETTINGS.iter().map(Setting::env);
    unknown
        .map(|name| {
            format!("{name} is set in the environment but is no setting{}", meant(name, known()))
        })
        .collect()
}

/// Nothing if something is missing, which the reader then knows.
pub fn agent_settings(reader: &mut Reader<'_>) -> Option<AgentSettings> {
    let data_dir = data_dir(reader);
    let server = reader.required("address", parse_public_url);
    let token = reader.required("token", token);
    let name = reader.read("name", agent_name).unwrap_or_else(host_name);
    let ca_file = reader.existing("ca_file");
    let execution = execution(reader);
    let grace_period =
        reader.read("grace_period", duration).unwrap_or_else(|| Duration::from_mins(5));
    let log = log(reader);
    Some(AgentSettings {
        data_dir: std::path::absolute(&data_dir).unwrap_or(data_dir),
        server: server?,
        token: token?.into(),
        name,
        ca_file,
        execution,
        grace_period,
        log,
        warnings: warnings(reader),
    })
}

fn agent_name(text: &str) -> Result<String, &'static str> {
    match text.len() {
        1..=255 => Ok(text.to_owned()),
        _ => Err("empty or longer than 255 bytes"),
    }
}

fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

fn agent(reader: &mut Reader<'_>) -> Option<Execution> {
    let execution = execution(reader);
    let disabled = reader.switch("no_agent");
    (!disabled).then_some(execution)
}

fn within(text: &str, range: std::ops::RangeInclusive<usize>) -> Result<usize, &'static str> {
    match text.parse() {
        Ok(number) if range.contains(&number) => Ok(number),
        Ok(_) => Err("out of range"),
        Err(_) => Err("not a whole number"),
    }
}

fn execution(reader: &mut Reader<'_>) -> Execution {
    let concurrency = reader
        .read("concurrency", |text| within(text, 1..=256))
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let engines = reader.given("engine").map_or_else(Vec::new, |given| {
        let mut found = Vec::new();
        for value in &given.values {
            match executable(Path::new(value)) {
                Ok(path) => found.push(path),
                Err(why) => {
                    let one = Given { values: vec![value.clone()], origin: given.origin.clone() };
                    reader.wrong.push(Wrong::given("engine", &one, why));
                }
            }
        }
        found
    });
    let cli_config = reader.existing("agent_cli_config");
    let keep_init = reader.decided("keep_init").unwrap_or(true);
    let sandbox = reader
        .read("sandbox", |text| match text {
            "required" => Ok(Sandbox::Required),
            // The second is its name in configurations that are older than the first.
            "preferred" | "auto" => Ok(Sandbox::Preferred),
            "off" => Ok(Sandbox::Off),
            _ => Err("no such mode"),
        })
        .unwrap_or(Sandbox::Preferred);
    let shared = shared(reader);
    let min_free_disk = reader.read("min_free_disk", size).unwrap_or(agent::MIN_FREE_DISK);
    let usual = agent::Budget::default();
    let budget = agent::Budget {
        memory_bytes: reader.read("run_memory", size).unwrap_or(usual.memory_bytes),
        processes: reader.read("run_processes", count).unwrap_or(usual.processes),
        disk_bytes: reader.read("run_disk", size).unwrap_or(usual.disk_bytes),
    };
    let data_dir = data_dir(reader);
    let mut closed = reader.layers.named_paths();
    closed.push(std::path::absolute(&data_dir).unwrap_or(data_dir));
    Execution {
        concurrency,
        engines,
        cli_config,
        keep_init,
        sandbox,
        shared,
        closed,
        min_free_disk,
        budget,
    }
}

fn shared(reader: &mut Reader<'_>) -> Vec<PathBuf> {
    let Some(given) = reader.given("sandbox_readable") else { return Vec::new() };
    let mut found = Vec::new();
    for value in &given.values {
        match Path::new(value).canonicalize() {
            Ok(path) => found.push(path),
            Err(why) => {
                let one = Given { values: vec![value.clone()], origin: given.origin.clone() };
                reader.wrong.push(Wrong::given("sandbox_readable", &one, why));
            }
        }
    }
    found
}

fn courier(reader: &mut Reader<'_>) -> courier::Settings {
    let networks = reader.read("notification_networks", networks);
    let url = reader.read("smtp_url", |text| {
        if courier::is_mail_server(text) {
            Ok(text.to_owned())
        } else {
            Err("not an address of a mail server")
        }
    });
    let from = reader.read("smtp_from", |text| {
        if courier::is_sender(text) { Ok(text.to_owned()) } else { Err("not a mail address") }
    });
    if let (Some(given), None) = (reader.given("smtp_url"), reader.given("smtp_from")) {
        reader.wrong.push(Wrong::given("smtp_url", &given, "smtp_from is missing"));
    }
    let mail = url.zip(from).map(|(url, from)| courier::MailSettings { url: url.into(), from });
    courier::Settings { networks: networks.unwrap_or_default(), mail }
}

fn networks(text: &str) -> Result<Vec<courier::IpNet>, String> {
    let all = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    all.map(|part| part.parse().map_err(|_| format!("{part} is no network"))).collect()
}

pub fn releases(reader: &mut Reader<'_>) -> Sources {
    let default = Sources::default();
    Sources {
        terraform: reader.read("terraform_releases", base).unwrap_or(default.terraform),
        tofu_index: reader.read("tofu_index", base).unwrap_or(default.tofu_index),
        tofu: reader.read("tofu_releases", base).unwrap_or(default.tofu),
    }
}

/// Of addresses: without the slash at the end.
fn base(text: &str) -> Result<String, &'static str> {
    let url = courier::check_url(text).map_err(|_| "not an http or https URL with a host")?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err("has a query or a fragment");
    }
    Ok(text.trim_end_matches('/').to_owned())
}

fn log(reader: &mut Reader<'_>) -> Log {
    let format = reader
        .read("log_format", |text| match text {
            "text" => Ok(LogFormat::Text),
            "json" => Ok(LogFormat::Json),
            _ => Err("no such format"),
        })
        .unwrap_or(LogFormat::Text);
    let filter = reader
        .read("log_filter", |text| EnvFilter::from_str(text).map(|_| text.to_owned()))
        .unwrap_or_else(|| "info".to_owned());
    Log { format, filter }
}

pub(super) fn parse_address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "not an IP address and port")
}

pub(super) fn parse_public_url(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "not a URL")?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err("not an http or https URL with a host");
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err("has more than a scheme, a host and a port");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("carries a user name or password");
    }
    Ok(url)
}

fn database(text: &str) -> Result<Database, String> {
    if let Some(path) = text.strip_prefix("sqlite://") {
        if path.is_empty() || path.contains('?') {
            return Err("sqlite:// wants a plain path".to_owned());
        }
        return Ok(Database::Sqlite(PathBuf::from(path)));
    }
    let url = Url::parse(text).map_err(|_| "not a URL".to_owned())?;
    match url.scheme() {
        "postgres" | "postgresql" if url.path().len() > 1 => {
            Ok(Database::Postgres(text.to_owned().into()))
        }
        "postgres" | "postgresql" => Err("names no database".to_owned()),
        scheme => Err(format!("{scheme}:// is not a database we know")),
    }
}

fn blobs(text: &str) -> Result<PathBuf, String> {
    match text.split_once("://") {
        Some(("file", path)) if path.starts_with('/') => Ok(PathBuf::from(path)),
        Some(("file", _)) => Err("not an absolute path".to_owned()),
        Some(("s3", _)) => Err("S3-compatible storage is not yet available".to_owned()),
        Some((scheme, _)) => Err(format!("{scheme}:// is not a blob store we know")),
        None if text.is_empty() => Err("empty".to_owned()),
        None => Ok(PathBuf::from(text)),
    }
}

/// A whole number with a unit: `30s`, `5m`, `2h`.
pub(crate) fn duration(text: &str) -> Result<Duration, &'static str> {
    let unit = text.chars().last().unwrap_or(' ');
    let seconds_each = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        _ => return Err("no unit"),
    };
    let number: u64 =
        text[..text.len() - 1].parse().map_err(|_| "not a whole number with a unit")?;
    number.checked_mul(seconds_each).map(Duration::from_secs).ok_or("too long")
}

fn silence(text: &str) -> Result<Duration, &'static str> {
    let within = Duration::from_secs(1)..=Duration::from_hours(1);
    duration(text).and_then(|time| within.contains(&time).then_some(time).ok_or("out of range"))
}

fn size(text: &str) -> Result<u64, &'static str> {
    let (number, shift) = match text.chars().last() {
        _ if text == "0" => (text, 0),
        Some('K') => (&text[..text.len() - 1], 10),
        Some('M') => (&text[..text.len() - 1], 20),
        Some('G') => (&text[..text.len() - 1], 30),
        _ => return Err("no unit"),
    };
    let number: u64 = number.parse().map_err(|_| "not a whole number with a unit")?;
    number.checked_mul(1 << shift).ok_or("too large")
}

fn count(text: &str) -> Result<u64, &'static str> {
    text.parse().map_err(|_| "not a whole number")
}

fn token(text: &str) -> Result<String, &'static str> {
    if !(16..=256).contains(&text.len()) {
        return Err("shorter than 16 or longer than 256 characters");
    }
    if !text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)) {
        return Err("has a character that is not allowed");
    }
    Ok(text.to_owned())
}

fn readable_file(path: &Path) -> Result<PathBuf, String> {
    let file = std::fs::File::open(path).map_err(|e| e.to_string())?;
    if file.metadata().is_ok_and(|m| m.is_dir()) {
        return Err("is a directory".to_owned());
    }
    std::path::absolute(path).map_err(|e| e.to_string())
}

fn executable(path: &Path) -> Result<PathBuf, String> {
    let path = readable_file(path)?;
    rustix::fs::access(&path, rustix::fs::Access::EXEC_OK)
        .map_err(|_| "is not executable".to_owned())?;
    Ok(path)
}
