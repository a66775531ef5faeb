//! The bill of materials, in CycloneDX' JSON: each crate that is in the binary, with its licence and digest.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Release;
use crate::commands::{command, output};
use crate::workspace;

#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    /// Of the archive on the registry; our own crates have none.
    checksum: Option<String>,
}

pub async fn write(release: &Release) -> Result<()> {
    let lock: Lock = workspace::toml(Path::new("Cargo.lock"))?;
    let mut cargo = command("cargo");
    cargo.args(["tree", "--package=statehouse", "--locked", "--edges=normal", "--prefix=none"]);
    cargo.args(["--no-dedupe", "--format={p}|{l}"]);
    let bill = bill(&release.version, &output(&mut cargo).await?, lock)?;
    let count = bill["components"].as_array().map_or(0, Vec::len);
    println!("  {count} crates");
    let path = release.folder.join(format!("{}.cdx.json", release.name()));
    fs::write(path, serde_json::to_vec_pretty(&bill)?)?;
    Ok(())
}

fn bill(version: &str, tree: &str, lock: Lock) -> Result<Value> {
    let checksums: BTreeMap<(String, String), String> = lock
        .package
        .into_iter()
        .filter_map(|it| Some(((it.name, it.version), it.checksum?)))
        .collect();
    let lines: BTreeSet<&str> = tree
        .lines()
        .map(|line| line.trim_end_matches(" (*)"))
        .filter(|line| !line.is_empty())
        .collect();
    let mut components = Vec::new();
    for line in lines {
        let (package, licence) =
            line.rsplit_once('|').context("cargo tree printed another format")?;
        let mut words = package.split(' ');
        let (Some(name), Some(version)) = (words.next(), words.next()) else { continue };
        let version = version.trim_start_matches('v');
        // Our own crates are what the bill is of.
        let key = (name.to_owned(), version.to_owned());
        let Some(checksum) = checksums.get(&key) else { continue };
        let purl = format!("pkg:cargo/{name}@{version}");
        components.push(json!({
            "type": "library",
            "bom-ref": purl,
            "name": name,
            "version": version,
            "purl": purl,
            "licenses": [{ "expression": licence.replace('/', " OR ") }],
            "hashes": [{ "alg": "SHA-256", "content": checksum }],
        }));
    }
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": {
            "type": "application",
            "bom-ref": format!("pkg:cargo/statehouse@{version}"),
            "name": "statehouse",
            "version": version,
            "licenses": [{ "expression": "MPL-2.0" }],
        } },
        "components": components,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_linked_is_listed_once_with_its_digest_and_we_are_not() {
        let locked = |name: &str, checksum: Option<&str>| Locked {
            name: name.into(),
            version: "1.0.0".into(),
            checksum: checksum.map(Into::into),
        };
        let lock = Lock {
            package: vec![
                locked("serde", Some("ab")),
                locked("statehouse", None),
                locked("unused", Some("cd")),
            ],
        };
        let tree = "statehouse v1.0.0 (/x)|MPL-2.0\nserde v1.0.0|MIT/Apache-2.0\nserde v1.0.0|MIT/Apache-2.0 (*)\n";
        let bill = bill("1.0.0", tree, lock).unwrap();
        let components = bill["components"].as_array().unwrap();
        assert_eq!(components.len(), 1, "{bill}");
        assert_eq!(components[0]["purl"], "pkg:cargo/serde@1.0.0");
        assert_eq!(components[0]["hashes"][0]["content"], "ab");
        assert_eq!(components[0]["licenses"][0]["expression"], "MIT OR Apache-2.0");
    }
}
