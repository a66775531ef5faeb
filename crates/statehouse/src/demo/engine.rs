//! A terraform or tofu for the demo: what PATH has, or else a real one of our own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// The `cloud` block exists since Terraform 1.1.
const CLOUD_BLOCK_SINCE: (u64, u64) = (1, 1);
/// `terraform_data`, a resource that needs no provider to be downloaded, since 1.4.
const TERRAFORM_DATA_SINCE: (u64, u64) = (1, 4);
/// What is installed when there is none.
const INSTALLED: &str = "1.15.5";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Engine {
    pub product: &'static str,
    pub version: String,
    pub path: PathBuf,
}

impl Engine {
    pub fn has_terraform_data(&self) -> bool {
        release(&self.version).is_some_and(|version| version >= TERRAFORM_DATA_SINCE)
    }
}

/// `tofu version -json` has the same key.
#[derive(Deserialize)]
struct Version {
    terraform_version: String,
}

pub fn find_or_install() -> Result<Engine> {
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&on_path).collect::<Vec<_>>();
    for product in ["terraform", "tofu"] {
        for path in folders.iter().map(|folder| folder.join(product)).filter(|p| p.is_file()) {
            match ask(product, &path) {
                Ok(engine) => return Ok(engine),
                Err(why) => println!("==> Not using {}: {why:#}", path.display()),
            }
        }
    }
    println!("==> No terraform or tofu on PATH: installing Terraform {INSTALLED}");
    ask("terraform", &install()?)
}

/// Asks the binary what it is, and refuses one that cannot do what the demo shows.
fn ask(product: &'static str, path: &Path) -> Result<Engine> {
    let output = Command::new(path)
        .args(["version", "-json"])
        .env("CHECKPOINT_DISABLE", "1")
        .output()
        .context("it does not start")?;
    ensure!(output.status.success(), "`version -json` failed: {}", output.status);
    let version: Version =
        serde_json::from_slice(&output.stdout).context("`version -json` does not print JSON")?;
    let version = version.terraform_version;
    ensure!(
        release(&version).is_some_and(|v| v >= CLOUD_BLOCK_SINCE),
        "version {version} is older than 1.1 and has no cloud block"
    );
    Ok(Engine { product, version, path: path.to_owned() })
}

/// The first two numbers of a version.
fn release(version: &str) -> Option<(u64, u64)> {
    let mut numbers = version.split(['.', '-']).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// Knows where a real Terraform comes from, and checks its digest. Part of the binary, which may be on another machine
/// than its source.
const SCRIPT: &str = include_str!("../../../../scripts/install-engine");

fn install() -> Result<PathBuf> {
    let folder = tempfile::Builder::new().prefix("statehouse-install-engine-").tempdir()?;
    let script = folder.path().join("install-engine");
    std::fs::write(&script, SCRIPT)?;
    let output = Command::new("python3")
        .arg(&script)
        .args(["terraform", INSTALLED, "--into"])
        .arg(cache_folder()?)
        .stderr(Stdio::inherit())
        .output()
        .context(
            "there is no terraform or tofu on PATH, and no python3 to install one with: put any of the \
             three there and try again",
        )?;
    ensure!(
        output.status.success(),
        "Terraform could not be installed ({}): put a terraform or tofu on PATH and try again",
        output.status
    );
    let text = String::from_utf8(output.stdout).context("the script printed no path")?;
    let path = text.lines().last().unwrap_or_default().trim();
    ensure!(Path::new(path).is_file(), "the script printed {path:?}, which is no file");
    Ok(PathBuf::from(path))
}

/// Where the user's programs keep what they can get again; the next demo finds the engine there.
fn cache_folder() -> Result<PathBuf> {
    let home = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    home("XDG_CACHE_HOME")
        .filter(|path| path.is_absolute())
        .or_else(|| home("HOME").map(|home| home.join(".cache")))
        .map(|cache| cache.join("statehouse/engines"))
        .context("neither XDG_CACHE_HOME nor HOME says where Terraform may be kept")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn engine_that(prints: &str) -> Result<Engine> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tofu");
        std::fs::write(&path, format!("#!/bin/sh\ncat <<'END'\n{prints}\nEND\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        ask("tofu", &path)
    }

    #[test]
    fn an_engine_tells_its_version() {
        let engine =
            engine_that(r#"{"terraform_version": "1.12.6-rc1", "platform": "x"}"#).unwrap();
        assert_eq!(engine.version, "1.12.6-rc1");
        assert!(engine.has_terraform_data());
        let old = engine_that(r#"{"terraform_version": "1.3.9"}"#).unwrap();
        assert!(!old.has_terraform_data());
    }

    #[test]
    fn an_engine_without_a_cloud_block_is_refused() {
        let why = engine_that(r#"{"terraform_version": "1.0.11"}"#).unwrap_err().to_string();
        assert!(why.contains("1.0.11"), "{why}");
        let why = engine_that("Terraform v0.11.0").unwrap_err().to_string();
        assert!(why.contains("does not print JSON"), "{why}");
    }
}
