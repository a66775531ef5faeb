//! What `providers schema -json` says, asked once for a set of providers.
//!
//! A run's code could have put other providers in the place of those that `init` installed, and what is kept is shown
//! to people of the whole organization. So it is kept only where every package is linked out of the cache, which the
//! run could not write, and is, read whole once more, what the lock file named before any code of the run was started;
//! and where the engine spoke of no other providers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{fs, io};

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use crate::agent::Agent;
use crate::packages::{self, Lock};
use crate::phase::Prepared;
use crate::plan::answer;
use crate::workplace::{LOCK_FILE, Workplace, private_folder, write_private};

/// The provider inside every engine.
const BUILTIN: &str = "terraform.io/builtin/terraform";
/// What is kept of all organizations, in bytes.
const MOST: u64 = 256 << 20;

/// What `init` has made for an engine, as it was before any code of the configuration ran.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    cache: PathBuf,
    lock: String,
    packages: Vec<PathBuf>,
}

impl Made {
    /// `None` where something lies there that nobody vouches for.
    pub fn note(cwd: &Path, cache: &Path) -> io::Result<Option<Self>> {
        let lock = match fs::read_to_string(cwd.join(LOCK_FILE)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            lock => lock?,
        };
        let packages = packages::linked(cwd, cache)?;
        Ok(packages.map(|packages| Self { cache: cache.to_owned(), lock, packages }))
    }

    /// Whether the engine will start what the lock file named.
    fn is_as_it_was(&self, cwd: &Path) -> bool {
        let Some(lock) = Lock::read(&self.lock) else { return false };
        self.packages.iter().all(|package| {
            packages::is_linked(cwd, &self.cache, package)
                && lock.names(package, &self.cache.join(package)).unwrap_or(false)
        })
    }

    /// Host, namespace and type of each.
    fn providers(&self) -> BTreeSet<String> {
        let address = |package: &PathBuf| {
            let parts: Vec<_> = package.iter().take(3).map(|part| part.to_string_lossy()).collect();
            parts.join("/")
        };
        self.packages.iter().map(address).chain([BUILTIN.to_owned()]).collect()
    }
}

#[derive(Deserialize)]
struct Said<'a> {
    #[serde(default, borrow)]
    provider_schemas: BTreeMap<String, &'a RawValue>,
}

/// The schemas for a plan, which was made in this place and is over.
pub(crate) async fn of(
    agent: &Agent,
    place: &Workplace,
    organization: &str,
    prepared: &Prepared,
    plan: &[u8],
) -> Result<Bytes, String> {
    let config = &agent.config;
    let file = prepared.made.as_ref().map(|made| {
        let uses_builtin = memchr::memmem::find(plan, BUILTIN.as_bytes()).is_some();
        let key = key(organization, prepared, made, uses_builtin);
        config.engine_cache_dir.join("schemas").join(format!("{key}.json"))
    });
    if let Some(file) = &file
        && let Ok(known) = tokio::fs::read(file).await
        && serde_json::from_slice::<Said>(&known).is_ok()
    {
        return Ok(known.into());
    }
    let keepable = match (&file, prepared.made.clone()) {
        (Some(_), Some(made)) => {
            let cwd = prepared.site.cwd.clone();
            tokio::task::spawn_blocking(move || made.is_as_it_was(&cwd)).await.unwrap_or(false)
        }
        _ => false,
    };
    let output = place.root().join("schemas.json");
    let asked = prepared.engine.ask(config, &["providers", "schema", "-json"], &output).await;
    let status = asked.map_err(|error| error.to_string())?;
    if !status.success() {
        return Err(format!("“providers schema -json” failed: {status}"));
    }
    let said = answer(place, &output).await?;
    if let (Some(file), Some(made), true) = (file, &prepared.made, keepable)
        && speaks_of(&said, &made.providers())
    {
        let text = said.clone();
        let kept = tokio::task::spawn_blocking(move || keep(&file, &text)).await;
        if let Err(error) = kept.map_err(io::Error::other).flatten() {
            tracing::warn!(%error, "the schemas of providers are not kept");
        }
    }
    Ok(said)
}

fn speaks_of(said: &[u8], providers: &BTreeSet<String>) -> bool {
    serde_json::from_slice::<Said>(said)
        .is_ok_and(|said| said.provider_schemas.keys().all(|name| providers.contains(name)))
}

fn key(organization: &str, prepared: &Prepared, made: &Made, uses_builtin: bool) -> String {
    let engine = &prepared.engine;
    let binary = fs::metadata(&engine.binary);
    let binary = binary.and_then(|about| Ok((about.modified()?, about.len())));
    let packages: Vec<_> = made.packages.iter().map(|path| path.to_string_lossy()).collect();
    let all = format!(
        "{:?}",
        (organization, &engine.binary, binary.ok(), &made.lock, packages, uses_builtin)
    );
    hex::encode(Sha256::digest(all))
}

fn keep(file: &Path, text: &[u8]) -> io::Result<()> {
    let folder = file.parent().ok_or(io::ErrorKind::InvalidInput)?;
    private_folder(folder)?;
    make_room(folder, MOST.saturating_sub(text.len() as u64))?;
    // Two slots may do so at once.
    let next = folder.join(format!(".{}", hex::encode(rand::random::<[u8; 8]>())));
    write_private(&next, text)?;
    fs::rename(next, file)
}

/// Removes the oldest until no more than this is left, in bytes.
fn make_room(folder: &Path, most: u64) -> io::Result<()> {
    let mut files: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let about = entry.metadata()?;
        files.push((about.modified()?, about.len(), entry.path()));
    }
    files.sort();
    let mut size: u64 = files.iter().map(|(_, size, _)| size).sum();
    for (_, length, path) in files {
        if size <= most {
            break;
        }
        fs::remove_file(path)?;
        size -= length;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_make_room() {
        let folder = tempfile::tempdir().unwrap();
        for (age, name) in ["c", "a", "b"].iter().enumerate() {
            let file = fs::File::create(folder.path().join(name)).unwrap();
            file.set_len(10).unwrap();
            let at = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(age as u64);
            file.set_modified(at).unwrap();
        }
        make_room(folder.path(), 20).unwrap();
        let mut left: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left, ["a", "b"]);
    }

    #[test]
    fn what_speaks_of_other_providers_is_not_kept() {
        let known = BTreeSet::from([BUILTIN.to_owned()]);
        let said = |name: &str| format!(r#"{{"provider_schemas":{{"{name}":{{}}}}}}"#);
        assert!(speaks_of(said(BUILTIN).as_bytes(), &known));
        assert!(speaks_of(br#"{"format_version":"1.0"}"#, &known));
        assert!(!speaks_of(said("example.com/a/b").as_bytes(), &known));
        assert!(!speaks_of(b"nonsense", &known));
    }
}
