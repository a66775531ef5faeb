//! `statehouse doctor`: checks what `serve` would need, and starts nothing.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::config::{Database, Execution, ServeFlags, Settings, Tls};
use crate::lock::DataDirLock;
use crate::{listener, private_file, tls};

/// What a check found: something to know, or why `serve` would not start.
type Finding = Result<String>;

pub fn run(flags: &ServeFlags) -> Result<()> {
    let settings = Settings::load(flags)?;
    let findings = examine(&settings);
    for (subject, finding) in &findings {
        match finding {
            Ok(known) => println!("ok    {subject}: {known}"),
            Err(e) => println!("WRONG {subject}: {e:#}"),
        }
    }
    for warning in &settings.warnings {
        println!("note  {warning}");
    }
    let wrong = findings.iter().filter(|(_, finding)| finding.is_err()).count();
    ensure!(wrong == 0, "{wrong} of {} checks found something wrong", findings.len());
    Ok(())
}

fn examine(settings: &Settings) -> Vec<(&'static str, Finding)> {
    let mut findings = vec![
        ("settings", Ok("all readable".to_owned())),
        ("data directory", data_dir(&settings.store.data_dir)),
        ("key file", key_file(settings)),
        ("listening address", address(settings)),
        ("TLS", certificate(settings)),
    ];
    if let Some(agent) = &settings.agent {
        findings.push(("engines", engines(agent)));
    }
    findings
}

fn data_dir(dir: &Path) -> Finding {
    private_file::directory(dir)?;
    // A running server is no fault; it is what holds the directory, and it can write there.
    match DataDirLock::take(dir) {
        Ok(_released_at_once) => Ok(format!("{} is free and writable", dir.display())),
        Err(held) => Ok(format!("{held:#}")),
    }
}

fn key_file(settings: &Settings) -> Finding {
    let path = &settings.store.key_file;
    if !path.exists() {
        // Data without its key is lost; a new key would hide that until the first read.
        let data = match &settings.store.database {
            Database::Sqlite(database) => database.exists(),
            Database::Postgres(_) => settings.store.blobs.exists(),
        };
        ensure!(!data, "{} is missing, but there is data sealed with it", path.display());
        return Ok(format!("{} will be made on the first start", path.display()));
    }
    std::fs::File::open(path).with_context(|| path.display().to_string())?;
    ensure!(!private_file::is_open_to_others(path)?, "{} is open to others", path.display());
    Ok(format!("{} is there, for its owner alone", path.display()))
}

/// An address in use is no fault while the server that holds the data directory runs.
fn address(settings: &Settings) -> Finding {
    let url = settings.public_url(settings.listen);
    match listener::bind("listen", settings.listen) {
        Ok(_) => Ok(format!("{} is free; clients use {url}", settings.listen)),
        Err(e) if DataDirLock::take(&settings.store.data_dir).is_ok() => Err(e),
        Err(e) => Ok(format!("{e:#}; clients use {url}")),
    }
}

fn certificate(settings: &Settings) -> Finding {
    match &settings.tls {
        Tls::Off => Ok("off".to_owned()),
        Tls::SelfSigned => Ok(format!("by {}", tls::ca_file(&settings.store.data_dir).display())),
        Tls::Files { cert, .. } => {
            tls::server_config(&settings.tls, &settings.store.data_dir, "")?;
            Ok(format!("{} goes with its key", cert.display()))
        }
    }
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
        return Ok("none on PATH: only versions with a download address can run".to_owned());
    }
    Ok(known.join(", "))
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
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::config::Layers;

    fn settings(dir: &Path) -> Settings {
        let flags = [("data-dir", dir.display().to_string()), ("no-agent", "true".to_owned())];
        let flags = flags.map(|(name, value)| (name.to_owned(), vec![value]));
        Settings::from_layers(Layers::new(flags.into(), [])).unwrap()
    }

    #[test]
    fn a_fresh_directory_is_fine() {
        let dir = tempfile::tempdir().unwrap();
        let findings = examine(&settings(dir.path()));
        assert!(findings.iter().all(|(_, finding)| finding.is_ok()), "{findings:?}");
    }

    #[test]
    fn data_without_its_key_is_wrong() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("statehouse.db"), "").unwrap();
        let why = key_file(&settings(dir.path())).unwrap_err().to_string();
        assert!(why.contains("data sealed with it"), "{why}");
    }

    #[test]
    fn a_key_that_others_can_read_is_wrong() {
        let dir = tempfile::tempdir().unwrap();
        let key = dir.path().join("statehouse.key");
        std::fs::write(&key, "").unwrap();
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
        let why = key_file(&settings(dir.path())).unwrap_err().to_string();
        assert!(why.contains("open to others"), "{why}");
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert!(key_file(&settings(dir.path())).is_ok());
    }
}
