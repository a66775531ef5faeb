//! `statehouse doctor` and `statehouse agent doctor`: check what `serve` and `agent` would need, and start nothing.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use crypto::Keyring;
use db::{Db, Limits, Schema};
use domain::installation::{self, Known};
use rustix::fs::Access;

use crate::config::{
    AgentFlags, AgentSettings, Database, Execution, Sandbox, ServeFlags, Settings, Store, Tls,
};
use crate::lock::DataDirLock;
use crate::open::{self, Absent};
use crate::{failure, listener, tls};

/// What a check found: something to know, or why `serve` would not start.
type Finding = Result<String>;
type Findings = Vec<(&'static str, Finding)>;

/// A database that takes longer does not answer.
const PATIENCE: Duration = Duration::from_secs(15);

pub fn run(flags: &ServeFlags) -> Result<()> {
    let settings = Settings::load(flags)?;
    let findings = tokio::runtime::Runtime::new()?.block_on(examine(&settings));
    say(&findings);
    let url = settings.reach.public_url(settings.reach.listen);
    let doubts = tls::doubts(&settings.reach.tls, url.host_str().unwrap_or_default());
    for warning in settings.warnings.iter().chain(&doubts) {
        println!("note  {warning}");
    }
    judge(&findings)
}

/// On a machine that executes runs for a server elsewhere.
pub fn of_agent(flags: &AgentFlags) -> Result<()> {
    let settings = AgentSettings::load(flags)?;
    let findings = examine_agent(&settings);
    say(&findings);
    for warning in &settings.warnings {
        println!("note  {warning}");
    }
    judge(&findings)
}

fn examine_agent(settings: &AgentSettings) -> Findings {
    let mut findings = vec![
        ("settings", Ok("all readable".to_owned())),
        ("data directory", data_dir(&settings.data_dir)),
    ];
    findings.extend(execution(&settings.execution));
    findings
}

fn say(findings: &Findings) {
    for (subject, finding) in findings {
        match finding {
            Ok(known) => println!("ok    {subject}: {known}"),
            Err(e) => println!("WRONG {subject}: {}", failure::sentence(e)),
        }
    }
}

fn judge(findings: &Findings) -> Result<()> {
    let wrong = findings.iter().filter(|(_, finding)| finding.is_err()).count();
    ensure!(wrong == 0, "{wrong} of {} checks found something wrong", findings.len());
    Ok(())
}

async fn examine(settings: &Settings) -> Findings {
    let store = &settings.store;
    let mut findings = vec![
        ("settings", Ok("all readable".to_owned())),
        ("data directory", data_dir(&store.data_dir)),
    ];
    // Who asks wants to know now; `serve` would wait for a while.
    let limits = Limits { start: Duration::ZERO, ..store.limits };
    findings.extend(data(&Store { limits, ..store.clone() }).await);
    findings.push(("listening address", address(settings)));
    if let Some(at) = settings.metrics_listen {
        let free = listener::bind("metrics_listen", at).map(|_| format!("{at} is free"));
        findings.push(("metrics address", free));
    }
    findings.push(("TLS", certificate(settings)));
    let courier = courier::Courier::new(settings.courier.clone()).context("smtp_url");
    findings.push(("mail", courier.map(|_| mail(settings))));
    if let Some(agent) = &settings.agent {
        findings.extend(execution(agent));
    }
    findings
}

/// What runs are executed with here.
fn execution(agent: &Execution) -> Findings {
    vec![
        ("engines", engines(agent)),
        ("sandbox", sandbox(agent)),
        ("limits of runs", Ok(limits(agent.budget))),
        ("network of runs", Ok(agent::NETWORK.to_owned())),
    ]
}

fn data_dir(dir: &Path) -> Finding {
    if !dir.exists() {
        makeable(dir)?;
        return Ok(format!("{} will be made on the first start", dir.display()));
    }
    writable(dir)?;
    has_room(dir)?;
    match DataDirLock::holder(dir)? {
        Some(held) => bail!("{held}: a second one would not start"),
        None => Ok(format!("{} is free and writable", dir.display())),
    }
}

/// Database, keys and blobs, each as far as what is before it allows.
async fn data(store: &Store) -> Findings {
    let mut findings = Findings::new();
    let Some((db, known)) = database(store, &mut findings).await else { return findings };
    let keys = open::find_keys(store, &known);
    findings.push((
        "key file",
        match &keys {
            Ok(Some(keyring)) => key_file(store, &known, keyring),
            Ok(None) => makeable(&store.key_file)
                .map(|()| format!("{} will be made on the first start", store.key_file.display())),
            Err(e) => Err(anyhow!("{e:#}")),
        },
    ));
    findings.push(("blobs", blob_folder(store, &known)));
    if let Ok(Some(keyring)) = keys
        && store.blobs.is_dir()
    {
        findings.push(("sealed data", sealed(store, db.as_ref(), &known, keyring).await));
    }
    if let Some(db) = db {
        db.close().await;
    }
    findings
}

/// What the database tells; no connection to one that is yet to be made. Nothing if it cannot be used.
async fn database(store: &Store, findings: &mut Findings) -> Option<(Option<Db>, Known)> {
    if let Database::Sqlite(path) = &store.database
        && open::is_blank(path)
    {
        let known = Known::nothing();
        if let Err(error) = open::is_restored(store, &known) {
            findings.push(("blobs", Err(error)));
            return None;
        }
        let finding = makeable(path.parent().unwrap_or(Path::new(".")))
            .map(|()| format!("{} will be made on the first start", path.display()));
        let is_usable = finding.is_ok();
        findings.push(("database", finding));
        return is_usable.then_some((None, known));
    }
    let looked = async {
        if let Database::Sqlite(path) = &store.database {
            writable(path)?;
            writable(path.parent().unwrap_or(Path::new(".")))?;
        }
        let connected = tokio::time::timeout(PATIENCE, open::connect(store, Absent::Create)).await;
        let (db, known) = connected
            .map_err(|_| anyhow!("database_url: no answer within {} s", PATIENCE.as_secs()))??;
        db.check_integrity().await.context("database_url")?;
        Ok((db, known))
    };
    let looked: Result<(Db, Known)> = looked.await;
    match looked {
        Err(e) => {
            findings.push(("database", Err(e)));
            None
        }
        Ok((db, known)) => {
            let state = match known.schema {
                Schema::Absent => "is empty; the first start will use it".to_owned(),
                Schema::Older(steps) => {
                    format!("answers; {steps} migrations will be done at start")
                }
                Schema::Current => "answers, and its schema is this version's".to_owned(),
            };
            findings.push(("database", Ok(state)));
            Some((Some(db), known))
        }
    }
}

fn key_file(store: &Store, known: &Known, keyring: &Keyring) -> Finding {
    installation::check_keys(known.keys(), keyring).map_err(|why| open::explain(store, why))?;
    let count = keyring.marks().len();
    Ok(format!("{}: {count} key(s), for its owner alone", store.key_file.display()))
}

fn blob_folder(store: &Store, known: &Known) -> Finding {
    if known.expects_blobs() || store.blobs.exists() {
        open::is_there(&store.blobs)?;
        writable(&store.blobs)?;
        return Ok(format!("{} is there and writable", store.blobs.display()));
    }
    makeable(&store.blobs)?;
    Ok(format!("{} will be made on the first start", store.blobs.display()))
}

/// Whether the three belong together, and can be opened.
async fn sealed(store: &Store, db: Option<&Db>, known: &Known, keyring: Keyring) -> Finding {
    let blobs = open::blobs(store, keyring.clone())?;
    let explain = |why| open::explain(store, why);
    let Some(db) = db.filter(|_| known.schema != Schema::Absent) else {
        Known::check_without_database(&blobs).await.map_err(explain)?;
        return Ok("there is none yet".to_owned());
    };
    known.check(db, &blobs, &keyring).await.map_err(explain)?;
    blobs.check().await.context("blob_url: nothing more is kept there")?;
    if known.schema == Schema::Current {
        db.check().await.context("database_url: nothing more is kept there")?;
    }
    let samples = installation::samples(db, &blobs, &keyring).await.map_err(explain)?;
    samples.prove().map_err(explain)?;
    let bad = [samples.closed, samples.missing].concat();
    if let Some(first) = bad.first() {
        bail!("{first}, and {} more; run `statehouse verify`", bad.len() - 1);
    }
    Ok(format!("{} values and {} states were opened", samples.rows, samples.blobs))
}

fn address(settings: &Settings) -> Finding {
    let listen = settings.reach.listen;
    let url = settings.reach.public_url(listen);
    listener::bind("listen", listen)?;
    Ok(format!("{listen} is free; clients use {url}"))
}

fn certificate(settings: &Settings) -> Finding {
    let data_dir = &settings.store.data_dir;
    match &settings.reach.tls {
        Tls::Off => Ok("off".to_owned()),
        Tls::SelfSigned => {
            let ca = tls::ca_file(data_dir);
            if !ca.exists() {
                return Ok(format!("{} will be made on the first start", ca.display()));
            }
            tls::server_config(&settings.reach.tls, data_dir, "localhost")?;
            Ok(format!("by {}", ca.display()))
        }
        Tls::Files { cert, .. } => {
            tls::server_config(&settings.reach.tls, data_dir, "")?;
            Ok(format!("{} goes with its key", cert.display()))
        }
    }
}

fn mail(settings: &Settings) -> String {
    let from = settings.courier.mail.as_ref().map(|mail| format!("sent as {}", mail.from));
    from.unwrap_or_else(|| "off".to_owned())
}

fn writable(path: &Path) -> Result<()> {
    let mut wanted = Access::READ_OK | Access::WRITE_OK;
    if path.is_dir() {
        wanted |= Access::EXEC_OK;
    }
    rustix::fs::access(path, wanted)
        .with_context(|| format!("{} cannot be read and written", path.display()))
}

/// Whether something more can be written there, which the start does. Nothing is left of it.
fn has_room(dir: &Path) -> Result<()> {
    let written = tempfile::tempfile_in(dir).and_then(|mut file| {
        file.write_all(&[1; 4096])?;
        file.sync_all()
    });
    written.with_context(|| format!("{} keeps nothing more", dir.display()))
}

/// Whether what is not there could be made.
fn makeable(path: &Path) -> Result<()> {
    let absolute = std::path::absolute(path)?;
    let nearest = absolute.ancestors().find(|above| above.exists()).unwrap_or(Path::new("/"));
    ensure!(nearest.is_dir(), "{} is not a directory", nearest.display());
    writable(nearest)
}

fn engines(agent: &Execution) -> Finding {
    let mut known = Vec::new();
    for engine in &agent.engines {
        known.push(version(engine).with_context(|| engine.display().to_string())?);
    }
    if agent.engines.is_empty() {
        let on_path = std::env::var_os("PATH").unwrap_or_default();
        for folder in std::env::split_paths(&on_path) {
            let found = ["terraform", "tofu"].map(|name| folder.join(name));
            known.extend(found.iter().filter(|p| p.is_file()).filter_map(|p| version(p).ok()));
        }
    }
    if known.is_empty() {
        return Ok("none on PATH: runs wait unless `statehouse admin sync-versions` lets agents fetch releases"
            .to_owned());
    }
    Ok(known.join(", "))
}

/// What is missing is a fault only where it is required; that there is nothing at all was chosen.
fn sandbox(agent: &Execution) -> Finding {
    if agent.sandbox == Sandbox::Off {
        return Ok("off: runs can read and do all that this user can".to_owned());
    }
    let survey = agent::survey(&std::env::current_exe()?, &std::env::temp_dir());
    let (there, missing) = (survey.layers.words().join(", "), survey.missing());
    if missing.is_empty() {
        return Ok(format!("all layers: {there}"));
    }
    let missing = missing.join("; ");
    ensure!(agent.sandbox != Sandbox::Required, "this machine lacks {missing}");
    let there = if there.is_empty() { "no layer" } else { &there };
    Ok(format!("{there}; without {missing}"))
}

fn limits(budget: agent::Budget) -> String {
    let kept = match agent::Groups::look() {
        Ok(groups) => format!("watched, and kept by control groups (version {})", groups.version()),
        Err(why) => format!("watched each second, and not kept by the kernel: {why:#}"),
    };
    let (memory, disk) = (budget.memory_bytes >> 20, budget.disk_bytes >> 20);
    format!("{memory} MiB of memory, {} processes, {disk} MiB of disk, {kept}", budget.processes)
}

fn version(engine: &Path) -> Result<String> {
    let output = Command::new(engine)
        .arg("version")
        .env("CHECKPOINT_DISABLE", "1")
        .output()
        .context("it does not start")?;
    if !output.status.success() {
        bail!("`version` failed: {}", output.status);
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(format!("{} ({})", text.lines().next().unwrap_or_default(), engine.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Layers;

    fn settings(dir: &Path) -> Settings {
        let flags = [
            ("data-dir", dir.display().to_string()),
            ("no-agent", "true".to_owned()),
            ("listen", "127.0.0.1:0".to_owned()),
        ];
        let flags = flags.map(|(name, value)| (name.to_owned(), vec![value]));
        Settings::from_layers(Layers::new(flags.into(), [])).unwrap()
    }

    #[tokio::test]
    async fn a_first_start_is_fine_and_nothing_is_made_for_it() {
        let dir = tempfile::tempdir().unwrap();
        let findings = examine(&settings(&dir.path().join("data"))).await;
        assert!(findings.iter().all(|(_, finding)| finding.is_ok()), "{findings:?}");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn an_agent_says_what_keeps_runs_apart_and_what_limits_them() {
        let dir = tempfile::tempdir().unwrap();
        let flags = [
            ("data-dir", dir.path().join("data").display().to_string()),
            ("address", "http://127.0.0.1:1".to_owned()),
            ("token", "a-token-of-a-pool-0123456789".to_owned()),
            ("sandbox", "off".to_owned()),
            ("run-memory", "64M".to_owned()),
        ];
        let flags = flags.map(|(name, value)| (name.to_owned(), vec![value]));
        let settings = AgentSettings::from_layers(Layers::new(flags.into(), [])).unwrap();
        let findings = examine_agent(&settings);
        let said = |subject: &str| {
            let found = findings.iter().find(|(name, _)| *name == subject);
            found.unwrap().1.as_ref().unwrap().clone()
        };
        assert!(said("sandbox").starts_with("off: runs can read"), "{findings:?}");
        assert!(said("limits of runs").starts_with("64 MiB of memory, 512 processes"));
        assert!(said("network of runs").contains("metadata addresses of clouds"));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is made for it");
    }

    #[test]
    fn what_cannot_be_made_is_wrong() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        let why = data_dir(&file.join("data")).unwrap_err().to_string();
        assert!(why.contains("is not a directory"), "{why}");
    }
}
