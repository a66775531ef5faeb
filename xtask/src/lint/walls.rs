//! The dependency rules of docs/architecture.md: a crate is a wall, and this says who may look over it.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::Value;

use crate::commands::{command, output};
use crate::workspace;

/// Who may depend on which of our own crates. What stands here is all there may be.
const WALLS: &[(&str, &[&str])] = &[
    (
        "statehouse",
        &[
            "agent", "api", "blobs", "courier", "crypto", "db", "domain", "entrance", "moving",
            "policy", "protocol", "sandbox", "sentinel", "text", "vcs", "web", "worker",
        ],
    ),
    ("api", &["domain", "entrance", "jsonapi", "protocol"]),
    ("web", &["domain", "entrance", "text"]),
    ("worker", &["domain", "sandbox", "vcs"]),
    ("domain", &["blobs", "courier", "crypto", "db", "engine-env", "policy", "text", "vcs"]),
    ("agent", &["engine-env", "protocol", "sandbox", "text"]),
    ("blobs", &["crypto"]),
    ("courier", &["text"]),
    ("crypto", &[]),
    ("db", &[]),
    ("engine-env", &[]),
    ("entrance", &["domain"]),
    ("jsonapi", &["text"]),
    ("moving", &[]),
    ("policy", &["sentinel"]),
    ("protocol", &[]),
    ("sandbox", &[]),
    ("sentinel", &[]),
    ("text", &[]),
    ("vcs", &[]),
    ("vcs-fake", &["vcs"]),
    (
        "testkit",
        &[
            "agent", "api", "blobs", "courier", "crypto", "db", "domain", "entrance", "jsonapi",
            "protocol", "vcs-fake", "web", "worker",
        ],
    ),
    ("xtask", &["policy", "sentinel"]),
];

/// Libraries that would carry a wall with them, and the only crates that may use them.
const KEPT: &[(&str, &[&str])] = &[
    ("sqlx", &["db", "testkit"]),
    ("sea-orm", &["db", "domain"]),
    ("axum", &["api", "entrance", "jsonapi", "statehouse", "testkit", "vcs-fake", "web"]),
    ("maud", &["web"]),
];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// `None` for what the crate is made of, else `dev` or `build`.
    kind: Option<String>,
    /// Set for the crates of this workspace.
    path: Option<String>,
}

/// Checks every crate of the workspace.
pub async fn check() -> Result<()> {
    let mut cargo = command("cargo");
    cargo.args(["metadata", "--format-version=1", "--no-deps", "--locked"]);
    let text = output(&mut cargo).await?;
    let metadata: Metadata = serde_json::from_str(&text).context("cargo's metadata")?;
    let mut complaints: Vec<String> = metadata.packages.iter().flat_map(edges).collect();
    for package in &metadata.packages {
        let path = Path::new(&package.manifest_path).strip_prefix(workspace::root())?;
        complaints.extend(inherited(path, &workspace::toml(path)?));
    }
    complaints.extend(super::rooms::check()?);
    super::verdict(&complaints)
}

/// The crate's name as code says it.
fn short(name: &str) -> &str {
    name.strip_prefix("statehouse-").unwrap_or(name)
}

/// The edges of one crate that no rule allows.
fn edges(package: &Package) -> Vec<String> {
    let from = short(&package.name);
    let Some((_, allowed)) = WALLS.iter().find(|(name, _)| *name == from) else {
        return vec![format!("{from} is not in the table of walls: say who it may depend on")];
    };
    let forbidden = |dependency: &&Dependency| {
        let (to, dev) = (short(&dependency.name), dependency.kind.as_deref() == Some("dev"));
        if dependency.path.is_some() {
            // Tests may start a whole server; the agent's may not: it is another machine.
            let whole_server = dev && to == "testkit" && from != "agent";
            let fakes = dev && to == "vcs-fake" && from == "vcs";
            return !allowed.contains(&to) && !whole_server && !fakes;
        }
        !dev && KEPT.iter().any(|(library, users)| *library == to && !users.contains(&from))
    };
    let complain = |dependency: &Dependency| {
        let to = short(&dependency.name);
        let allowed = if dependency.path.is_some() {
            format!("{from} may depend on {}", list(allowed))
        } else {
            let (_, users) = KEPT.iter().find(|(name, _)| *name == to).expect("it was forbidden");
            format!("only {} may", list(users))
        };
        let kind = dependency.kind.as_deref().map_or(String::new(), |kind| format!(" ({kind})"));
        format!("{from} → {to}{kind}: {allowed}")
    };
    package.dependencies.iter().filter(forbidden).map(complain).collect()
}

fn list(names: &[&str]) -> String {
    if names.is_empty() { "none of our crates".into() } else { names.join(", ") }
}

/// The dependencies of a manifest that do not come from the workspace's table.
fn inherited(path: &Path, manifest: &BTreeMap<String, Value>) -> Vec<String> {
    const TABLES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];
    let per_target = manifest.get("target").and_then(Value::as_object);
    let targets = per_target.into_iter().flat_map(|targets| targets.values());
    let tables = TABLES.iter().filter_map(|table| manifest.get(*table));
    let tables = tables.chain(targets.flat_map(|t| TABLES.iter().filter_map(|table| t.get(table))));
    tables
        .filter_map(Value::as_object)
        .flatten()
        .filter(|(_, dependency)| dependency.get("workspace") != Some(&Value::Bool(true)))
        .map(|(name, _)| format!("{}: {name} does not say `workspace = true`", path.display()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, dependency: &str, kind: Option<&str>, ours: bool) -> Package {
        let dependency = Dependency {
            name: dependency.into(),
            kind: kind.map(Into::into),
            path: ours.then(String::new),
        };
        Package { name: name.into(), manifest_path: String::new(), dependencies: vec![dependency] }
    }

    #[test]
    fn the_api_cannot_reach_the_database() {
        let found = edges(&package("statehouse-api", "statehouse-db", None, true));
        assert_eq!(found, ["api → db: api may depend on domain, entrance, jsonapi, protocol"]);
        let found = edges(&package("statehouse-api", "sqlx", None, false));
        assert_eq!(found, ["api → sqlx: only db, testkit may"]);
    }

    #[test]
    fn the_agent_is_another_machine_even_in_its_tests() {
        assert!(edges(&package("statehouse-agent", "statehouse-protocol", None, true)).is_empty());
        let found = edges(&package("statehouse-agent", "statehouse-testkit", Some("dev"), true));
        assert_eq!(
            found,
            ["agent → testkit (dev): agent may depend on engine-env, protocol, sandbox, text"]
        );
    }

    #[test]
    fn a_test_may_start_a_whole_server() {
        assert!(
            edges(&package("statehouse-api", "statehouse-testkit", Some("dev"), true)).is_empty()
        );
        assert_eq!(edges(&package("statehouse-api", "statehouse-testkit", None, true)).len(), 1);
    }

    #[test]
    fn a_crate_without_a_rule_is_refused() {
        assert_eq!(edges(&package("statehouse-attic", "serde", None, false)).len(), 1);
    }

    #[test]
    fn a_version_in_a_crate_s_own_manifest_is_refused() {
        let manifest = serde_json::json!({
            "dependencies": { "serde": { "workspace": true }, "rand": "0.10" },
            "target": { "cfg(unix)": { "dev-dependencies": { "nix": { "version": "1" } } } },
        });
        let manifest = serde_json::from_value(manifest).unwrap();
        let found = inherited(Path::new("x/Cargo.toml"), &manifest);
        assert_eq!(found.len(), 2);
        assert!(found[0].contains("rand") && found[1].contains("nix"), "{found:?}");
    }
}
