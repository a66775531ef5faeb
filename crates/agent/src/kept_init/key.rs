//! All that `init` goes by, as one hash: where it is another one, `init` runs.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use protocol::Job;
use serde::Deserialize;
use sha2::Digest as _;

use crate::packages::Digest;
use crate::phase::Prepared;
use crate::workplace::Workplace;

/// A configuration with more than this, in bytes, is initialized: to read it all would not be quicker.
const LARGEST: u64 = 256 << 20;

/// The engine, the whole configuration with its lock file, the variables, the CLI
/// configuration without the run's own token, the environment, and which providers the state needs.
pub(super) fn key(
    job: &Job,
    place: &Workplace,
    prepared: &Prepared,
    cache: &Path,
) -> io::Result<String> {
    let mut sum = Digest::default();
    let engine = &prepared.engine;
    let binary = fs::metadata(&engine.binary)?;
    add(&mut sum, "engine", format!("{:?}", job.engine.kind).as_bytes());
    add(&mut sum, "version", job.engine.version.as_bytes());
    add(&mut sum, "binary", engine.binary.to_string_lossy().as_bytes());
    add(&mut sum, "modified", format!("{:?} {}", binary.modified()?, binary.len()).as_bytes());
    add(&mut sum, "directory", place.relative(&engine.cwd).to_string_lossy().as_bytes());
    // Each job has another directory, and each slot another cache.
    let (root, cache) = (place.root().to_string_lossy(), cache.to_string_lossy());
    for (name, value) in engine.env.iter().filter(|(name, _)| *name != "TFC_RUN_ID") {
        add(&mut sum, name, value.replace(&*root, "").replace(&*cache, "").as_bytes());
    }
    let mut cli_config = fs::read_to_string(place.cli_config())?;
    if let Some(access) = &job.access {
        cli_config = cli_config.replace(&access.token.0, "");
    }
    add(&mut sum, "CLI configuration", cli_config.as_bytes());
    for file in &prepared.tfvars {
        add(&mut sum, "variables", &fs::read(file)?);
    }
    for provider in providers_of(&prepared.site.state)? {
        add(&mut sum, "provider of the state", provider.as_bytes());
    }
    add_all(&mut sum, &place.config(), &prepared.site.cwd.join(".statehouse"))?;
    Ok(hex::encode(sum.0.finalize()))
}

fn add(sum: &mut Digest, what: &str, content: &[u8]) {
    for part in [what.as_bytes(), content] {
        sum.0.update((part.len() as u64).to_be_bytes());
        sum.0.update(part);
    }
}

/// Every file and link below a folder but for one, in order.
fn add_all(sum: &mut Digest, root: &Path, but: &Path) -> io::Result<()> {
    let mut room = LARGEST;
    let mut found = BTreeSet::from([root.to_owned()]);
    while let Some(path) = found.pop_first() {
        let about = fs::symlink_metadata(&path)?;
        add(sum, "path", path.strip_prefix(root).unwrap_or(&path).to_string_lossy().as_bytes());
        if path == but {
        } else if about.is_dir() {
            for entry in fs::read_dir(&path)? {
                found.insert(entry?.path());
            }
        } else if about.is_file() {
            room = room.checked_sub(about.len()).ok_or_else(|| io::Error::other("it is large"))?;
            add(sum, "size", &about.len().to_be_bytes());
            io::copy(&mut File::open(&path)?, sum)?;
        } else {
            add(sum, "link", fs::read_link(&path)?.to_string_lossy().as_bytes());
        }
    }
    Ok(())
}

/// Which providers the resources of a state belong to.
fn providers_of(state: &Path) -> io::Result<BTreeSet<String>> {
    #[derive(Deserialize)]
    struct State {
        resources: Vec<Resource>,
    }
    #[derive(Deserialize)]
    struct Resource {
        provider: String,
    }
    let state = match fs::read(state) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        state => state?,
    };
    // As it is laid out where there was none before.
    if state.is_empty() {
        return Ok(BTreeSet::new());
    }
    let state: State = serde_json::from_slice(&state).map_err(io::Error::other)?;
    Ok(state.resources.into_iter().map(|resource| resource.provider).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_lies_in_a_configuration_counts() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("a/.statehouse")).unwrap();
        let sum = || {
            let mut sum = Digest::default();
            add_all(&mut sum, root, &root.join("a/.statehouse")).unwrap();
            hex::encode(sum.0.finalize())
        };
        let mut seen = vec![sum()];
        fs::write(root.join("a/.statehouse/state"), "x").unwrap();
        assert_eq!(sum(), seen[0]);
        for (name, text) in [("main.tf", "a"), ("main.tf", "b"), ("a/x", ""), ("a/x.json", "")] {
            fs::write(root.join(name), text).unwrap();
            seen.push(sum());
        }
        std::os::unix::fs::symlink("main.tf", root.join("b.tf")).unwrap();
        seen.push(sum());
        let all: BTreeSet<_> = seen.iter().collect();
        assert_eq!(all.len(), seen.len());
    }
}
