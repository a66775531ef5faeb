//! What we build from, against `deny.toml`: licences, banned crates, sources.
//!
//! It reads what is built for this machine, which is what we ship. cargo-deny reads the same file
//! and knows more, but takes longer to build than all of Statehouse's own crates.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::licences;
use crate::commands::{command, output};
use crate::workspace;

#[derive(Deserialize)]
struct Policy {
    licenses: Licences,
    bans: Bans,
    sources: Sources,
}

#[derive(Deserialize)]
struct Licences {
    allow: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Named>,
}

#[derive(Deserialize)]
struct Sources {
    #[serde(rename = "allow-registry")]
    registries: Vec<String>,
}

#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    /// Absent for the crates of this workspace.
    source: Option<String>,
}

/// A crate that is built, as `cargo tree` tells it.
struct Built {
    name: String,
    licence: String,
}

/// Checks all that is built, and where all that is locked comes from.
pub async fn check() -> Result<()> {
    let policy: Policy = workspace::toml(Path::new("deny.toml"))?;
    let lock: Lock = workspace::toml(Path::new("Cargo.lock"))?;
    let built = built().await?;
    let mut complaints = policy.refused(&built);
    complaints.extend(policy.strangers(&lock));
    super::verdict(&complaints)
}

/// Metadata would also list what features leave out; the tree does not.
async fn built() -> Result<Vec<Built>> {
    let mut cargo = command("cargo");
    cargo.args(["tree", "--workspace", "--locked", "--edges=normal,build,dev", "--prefix=none"]);
    cargo.args(["--no-dedupe", "--format={p}|{l}"]);
    let lines = output(&mut cargo).await?;
    let lines: BTreeSet<&str> = lines.lines().filter(|line| !line.is_empty()).collect();
    lines.into_iter().map(read).collect()
}

fn read(line: &str) -> Result<Built> {
    let (package, licence) = line.rsplit_once('|').context("cargo tree printed another format")?;
    let name = package.split(' ').next().unwrap_or(package);
    // The tree marks where it would go round in a circle, as it does through the testkit.
    let licence = licence.trim_end_matches(" (*)");
    Ok(Built { name: name.to_owned(), licence: licence.to_owned() })
}

impl Policy {
    fn refused(&self, built: &[Built]) -> Vec<String> {
        let mut complaints = BTreeSet::new();
        for Built { name, licence } in built {
            if self.bans.deny.iter().any(|banned| banned.name == *name) {
                complaints.insert(format!("{name} is banned; who wants it: cargo tree -i {name}"));
            }
            match licences::allowed(licence, &self.licenses.allow) {
                Ok(true) => {}
                Ok(false) => {
                    complaints.insert(format!("{name}: the licence {licence:?} is not allowed"));
                }
                Err(error) => {
                    complaints.insert(format!("{name}: the licence {licence:?}: {error}"));
                }
            }
        }
        complaints.into_iter().collect()
    }

    fn strangers(&self, lock: &Lock) -> Vec<String> {
        let known = |source: &str| {
            let registry = source.strip_prefix("registry+").unwrap_or_default();
            self.sources.registries.iter().any(|allowed| allowed == registry)
        };
        let sources = lock
            .package
            .iter()
            .filter_map(|package| package.source.as_deref().map(|source| (package, source)));
        sources
            .filter(|(_, source)| !known(source))
            .map(|(package, source)| {
                format!("{} {} comes from {source}", package.name, package.version)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Policy {
        Policy {
            licenses: Licences { allow: ["MIT".to_owned()].into() },
            bans: Bans { deny: vec![Named { name: "openssl".into() }] },
            sources: Sources { registries: vec!["https://example.com/index".into()] },
        }
    }

    #[test]
    fn a_banned_crate_and_a_foreign_licence_are_named() {
        let built = ["serde v1.0.0|MIT", "openssl v0.10.1|MIT", "gpl v1.0.0 (proc-macro)|GPL-3.0"];
        let built: Vec<Built> = built.iter().map(|line| read(line).unwrap()).collect();
        let complaints = policy().refused(&built);
        assert_eq!(complaints.len(), 2, "{complaints:?}");
        assert!(complaints[0].contains("GPL-3.0") && complaints[1].contains("openssl is banned"));
    }

    #[test]
    fn a_crate_from_git_is_a_stranger() {
        let locked = |source: Option<&str>| Locked {
            name: "fork".into(),
            version: "1.0.0".into(),
            source: source.map(Into::into),
        };
        let lock = Lock {
            package: vec![
                locked(None),
                locked(Some("registry+https://example.com/index")),
                locked(Some("git+https://example.com/fork#0123")),
            ],
        };
        assert_eq!(
            policy().strangers(&lock),
            ["fork 1.0.0 comes from git+https://example.com/fork#0123"]
        );
    }
}
