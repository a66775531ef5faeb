//! The file into which an apply writes its state: laid out before the engine starts, held open from then on, and read
//! when it has ended.
//!
//! The engine opens the file once and writes into it until its end. So whoever deletes, renames or replaces it
//! meanwhile, or the folder in which it lies, changes nothing: what the engine writes is read through our own
//! descriptor. A successor after a crash finds it under a second name that is out of the engine's reach.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::backend;
use crate::emergency;
use crate::reported;
use crate::untrusted;
use crate::workplace::Workplace;

/// When the file was changed last, in seconds of the epoch, as long as no engine has written into it.
const UNTOUCHED: Duration = Duration::from_secs(1);

/// By what a complete state is told apart from others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Version {
    pub serial: u64,
    #[serde(default)]
    pub lineage: String,
    /// Hex SHA-256.
    pub digest: String,
    /// Encrypted by OpenTofu: nobody else can change it.
    #[serde(default)]
    pub encrypted: bool,
    /// Addresses with objects that were replaced earlier and are still there; of a state that an apply begins with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deposed: Vec<String>,
}

impl Version {
    /// Of a complete state, or nothing.
    pub fn of(state: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Head {
            version: Option<u64>,
            serial: u64,
            #[serde(default)]
            lineage: String,
            encrypted_data: Option<Value>,
        }
        let head: Head = serde_json::from_slice(state).ok()?;
        // OpenTofu seals a text, and leaves nothing of the state's format beside it.
        let encrypted =
            head.version.is_none() && matches!(head.encrypted_data, Some(Value::String(_)));
        Some(Self {
            serial: head.serial,
            lineage: head.lineage,
            digest: hex::encode(Sha256::digest(state)),
            encrypted,
            deposed: Vec::new(),
        })
    }

    /// Whether it is the same, byte for byte: a state that was only encrypted by another key has the old serial.
    pub fn is_same(&self, other: &Self) -> bool {
        self.digest == other.digest
    }

    /// Of the same lineage and newer; anything follows nothing.
    pub fn follows(&self, other: Option<&Self>) -> bool {
        other.is_none_or(|other| self.serial > other.serial && self.lineage == other.lineage)
    }

    /// Of the same lineage and serial, and not the same: what an engine saves that could not write its state's backup.
    fn replaces(&self, other: Option<&Self>) -> bool {
        other.is_some_and(|other| {
            (self.serial, &self.lineage) == (other.serial, &other.lineage) && !self.is_same(other)
        })
    }
}

/// What is there after the engine, and by the engine.
#[derive(Debug)]
pub(crate) struct Left {
    pub bytes: Bytes,
    /// Absent if it is damaged.
    pub version: Option<Version>,
    /// Not from where it belongs: an engine has saved it elsewhere, because it could not write there.
    pub is_spare: bool,
}

impl Left {
    pub fn of(bytes: Bytes) -> Self {
        Self { version: Version::of(&bytes), bytes, is_spare: false }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct StateFile {
    place: Workplace,
    /// Absolute.
    pub path: PathBuf,
}

impl StateFile {
    pub fn new(place: &Workplace, path: PathBuf) -> Self {
        Self { place: place.clone(), path }
    }

    /// Makes it ready for an engine; answers what it begins with. To be called before anything runs that could
    /// plant a link in its place.
    pub fn lay_out(&self) -> io::Result<Option<Version>> {
        let begins = fs::read(&self.path).or_else(nothing)?;
        let mut options = OpenOptions::new();
        let options = options.read(true).append(true).create(true);
        let file = options.mode(0o600).open(&self.path)?;
        file.set_modified(SystemTime::UNIX_EPOCH + UNTOUCHED)?;
        if let Err(error) = fs::hard_link(&self.path, self.place.own_state()) {
            // Then a successor of ours does not find a file that is deleted meanwhile.
            tracing::warn!(%error, "the state gets no second name");
        }
        self.place.hold_state(file);
        let begin = |version| Version { deposed: reported::deposed(&begins), ..version };
        Ok(Version::of(&begins).map(begin))
    }

    /// What the engine has written so far; nothing before it has written anything.
    pub async fn read(&self) -> io::Result<Option<Left>> {
        if self.stamp().is_none_or(|(time, _)| time == SystemTime::UNIX_EPOCH + UNTOUCHED) {
            return Ok(None);
        }
        // Also an empty one: the engine has cut it and could write nothing.
        self.content().await
    }

    async fn content(&self) -> io::Result<Option<Left>> {
        let bytes = match self.place.held_state() {
            Some(file) => Some(untrusted::read_open(file, untrusted::STATE).await?),
            None if self.place.own_state().exists() => self.bytes("own.tfstate".into()).await?,
            None => self.bytes(self.place.relative(&self.path)).await?,
        };
        Ok(bytes.map(Left::of))
    }

    /// What has become of the file that was laid out. Whoever sets its time back does not hide what is in it.
    async fn own(&self, begins: Option<&Version>) -> io::Result<Option<Left>> {
        if let Some(written) = self.read().await? {
            return Ok(Some(written));
        }
        let hidden = self.content().await?;
        let is_newer = |left: &Left| left.version.as_ref().is_some_and(|it| it.follows(begins));
        Ok(hidden.filter(is_newer))
    }

    /// What counts at the end: what the engine has written into the file, or `errored.tfstate`, into which it writes
    /// what it could not write there, or what it has printed when it could write nothing at all. An engine that is
    /// `done` could, and so could one that does not say that it failed to: then a whole file is the truth, and the
    /// other is somebody else's.
    pub async fn read_last(
        &self,
        begins: Option<&Version>,
        done: bool,
    ) -> io::Result<Option<Left>> {
        let has_own = self.place.held_state().is_some() || self.place.own_state().exists();
        let own = if has_own { self.own(begins).await? } else { None };
        let is_whole = own.as_ref().is_some_and(|left| left.version.is_some());
        if is_whole && (done || !self.has_failed_to_save().await) {
            return Ok(own);
        }
        let written = own.as_ref().and_then(|left| left.version.as_ref());
        // Of the same state and newer, else somebody else has put it there.
        let is_newer = |version: &Version| match written {
            Some(written) => version.follows(Some(written)),
            None => version.follows(begins) || (!done && version.replaces(begins)),
        };
        if let Some(errored) = self.errored().await
            && errored.version.as_ref().is_some_and(is_newer)
        {
            return Ok(Some(Left { is_spare: true, ..errored }));
        }
        if !done
            && let Some(printed) = self.printed().await
            && let Some(version) = &printed.version
            && is_newer(version)
            // It prints in the clear what others must not read.
            && (version.encrypted || !begins.is_some_and(|begins| begins.encrypted))
        {
            return Ok(Some(Left { is_spare: true, ..printed }));
        }
        if own.is_some() {
            return Ok(own);
        }
        // Not by this file: an engine that replaces files instead of writing into them.
        let replaced = match self.bytes(self.place.relative(&self.path)).await {
            Ok(bytes) => bytes.filter(|bytes| !bytes.is_empty()).map(Left::of),
            Err(_) if has_own => None,
            Err(error) => return Err(error),
        };
        Ok(replaced.filter(|left| match &left.version {
            Some(version) => version.follows(begins),
            None => !has_own,
        }))
    }

    async fn errored(&self) -> Option<Left> {
        let path = backend::cwd_of(&self.path)?.join("errored.tfstate");
        self.bytes(self.place.relative(&path)).await.ok().flatten().map(Left::of)
    }

    async fn has_failed_to_save(&self) -> bool {
        let log = self.place.log();
        let found = tokio::task::spawn_blocking(move || {
            emergency::failed_to_save(io::BufReader::new(fs::File::open(log)?))
        });
        matches!(found.await, Ok(Ok(true)))
    }

    /// In the log, as a whole.
    async fn printed(&self) -> Option<Left> {
        let log = self.place.log();
        let found = tokio::task::spawn_blocking(move || {
            emergency::last_in(io::BufReader::new(fs::File::open(log)?))
        });
        found.await.ok()?.ok()?.map(Left::of)
    }

    /// When the engine has written into it.
    pub fn stamp(&self) -> Option<Stamp> {
        match self.place.held_state() {
            Some(file) => file.metadata().ok().and_then(|found| stamp(&found)),
            None => written(&self.place.own_state()).or_else(|| written(&self.path)),
        }
    }

    async fn bytes(&self, relative: PathBuf) -> io::Result<Option<Bytes>> {
        untrusted::read_if_there(self.place.folder(), relative, untrusted::STATE).await
    }
}

/// When a file was written, and how long it was then.
pub(crate) type Stamp = (SystemTime, u64);

fn stamp(found: &fs::Metadata) -> Option<Stamp> {
    Some((found.modified().ok()?, found.len()))
}

fn written(path: &Path) -> Option<Stamp> {
    fs::symlink_metadata(path).ok().and_then(|found| stamp(&found))
}

fn nothing(error: io::Error) -> io::Result<Vec<u8>> {
    if error.kind() == io::ErrorKind::NotFound { Ok(Vec::new()) } else { Err(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_state_has_no_version() {
        let state = b"{\n  \"version\": 4,\n  \"serial\": 7,\n  \"outputs\": {}\n}\n";
        assert_eq!(Version::of(state).unwrap().serial, 7);
        assert!(Version::of(&state[..40]).is_none());
        assert!(Version::of(b"").is_none());
    }

    #[test]
    fn an_encrypted_state_is_known_by_what_stands_outside() {
        let state = |data: &str| {
            let text = format!(
                r#"{{"serial":3,"lineage":"l","meta":{{}},"encrypted_data":"{data}","encryption_version":"v0"}}"#
            );
            Version::of(text.as_bytes()).unwrap()
        };
        assert!(state("a").encrypted);
        assert!(state("a").is_same(&state("a")) && !state("a").is_same(&state("b")));
        let plain = |mark: &str| {
            Version::of(format!(r#"{{"serial":3,"lineage":"l","x":"{mark}"}}"#).as_bytes()).unwrap()
        };
        assert!(!plain("a").is_same(&plain("b")));
    }
}
