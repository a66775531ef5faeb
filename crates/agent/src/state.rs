//! Brings the state of an apply to safety: while it runs, at its end, and when nothing else works.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use protocol::Artifact;
use regex::bytes::Regex;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::server::{CallError, Server, insist};
use crate::untrusted;
use crate::workplace::{Workplace, write_durably};

/// How often a running apply's state is looked at.
const EVERY: Duration = Duration::from_secs(2);
/// How long the final state is offered to a server that does not answer.
const PATIENCE: Duration = Duration::from_mins(2);

/// The state of one job and what the server has of it.
pub(crate) struct Keeping {
    pub server: Arc<Server>,
    pub job_id: String,
    pub run_id: String,
    pub place: Workplace,
    /// Absolute.
    pub state: PathBuf,
    /// Where states go that nobody took.
    pub errored: PathBuf,
    pub accepted: Option<Version>,
    pub patience: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    serial: u64,
    digest: [u8; 32],
}

/// The state is not with the server.
#[derive(Debug)]
pub(crate) struct Unsaved {
    /// Says why and where it is.
    pub message: String,
    /// False if the job directory is the only place.
    pub copied: bool,
}

#[derive(Deserialize)]
struct Head {
    serial: u64,
}

impl Keeping {
    pub fn new(server: Arc<Server>, job: (&str, &str), place: &Workplace, state: PathBuf) -> Self {
        let errored = place
            .root()
            .parent()
            .and_then(std::path::Path::parent)
            .unwrap_or(place.root())
            .join("errored");
        let (job_id, run_id) = (job.0.to_owned(), job.1.to_owned());
        let (accepted, patience) = (None, PATIENCE);
        Self { server, job_id, run_id, place: place.clone(), state, errored, accepted, patience }
    }

    /// Notes the state that the apply starts from: the server has that one.
    pub async fn note_start(&mut self) {
        if let Ok(Some(bytes)) = self.read(self.state.clone()).await {
            self.accepted = version(&bytes);
        }
    }

    /// Uploads the state whenever it has changed; never ends by itself.
    pub async fn watch(&mut self) {
        let mut seen: Option<(SystemTime, u64)> = None;
        loop {
            tokio::time::sleep(EVERY).await;
            let Ok(metadata) = tokio::fs::symlink_metadata(&self.state).await else { continue };
            let stamp = metadata.modified().ok().map(|time| (time, metadata.len()));
            if stamp.is_some() && stamp == seen {
                continue;
            }
            // The engine may be writing at this moment: half a state is not a state.
            let Ok(Some(bytes)) = self.read(self.state.clone()).await else { continue };
            let Some(version) = version(&bytes) else { continue };
            if self.accepted == Some(version) {
                seen = stamp;
                continue;
            }
            match self.server.put_state(&self.job_id, bytes).await {
                Ok(()) => {
                    self.accepted = Some(version);
                    seen = stamp;
                }
                Err(error) => tracing::warn!(job = self.job_id, %error, "snapshot not accepted"),
            }
        }
    }

    /// Uploads the final state if the server does not have it; else keeps it on this machine.
    pub async fn save(&mut self) -> Result<(), Unsaved> {
        let final_state = match self.final_state().await {
            Ok(None) => return Ok(()),
            Ok(Some(bytes)) => bytes,
            Err(error) => {
                let why = format!("The state that the engine left cannot be read ({error}).");
                return Err(self.keep_directory(&why));
            }
        };
        let Some(version) = version(&final_state) else {
            return Err(self.keep("The state that the engine left is damaged.", final_state).await);
        };
        if self.accepted == Some(version) {
            return Ok(());
        }
        let mut upload = final_state.clone();
        // An engine that ends where it began reuses a serial under which a snapshot was sent.
        if let Some(accepted) = self.accepted
            && accepted.serial == version.serial
        {
            upload = with_serial(&upload, version.serial + 1);
        }
        let put = || self.server.put_state(&self.job_id, upload.clone());
        let outcome = tokio::time::timeout(self.patience * 2, insist(self.patience, put)).await;
        let why = match outcome {
            Ok(Ok(())) => {
                self.accepted = Some(version);
                return Ok(());
            }
            Ok(Err(CallError::Gone)) => "The job was taken from this agent.".to_owned(),
            Ok(Err(error)) => format!("{error}."),
            Err(_) => "The upload took too long.".to_owned(),
        };
        Err(self.keep(&format!("The state could not be saved: {why}"), final_state).await)
    }

    /// What counts at the end. The engine writes `errored.tfstate` if it could not write its
    /// state to the place where it belongs.
    async fn final_state(&self) -> io::Result<Option<Bytes>> {
        if let Some(cwd) = self.cwd()
            && let Ok(Some(errored)) = self.read(cwd.join("errored.tfstate")).await
            && version(&errored).is_some()
        {
            return Ok(Some(errored));
        }
        // A damaged one that is new is told apart from none by the caller.
        self.read(self.state.clone()).await
    }

    /// The folder that holds `.statehouse`.
    fn cwd(&self) -> Option<PathBuf> {
        let mut folders = self.state.ancestors();
        folders.find(|path| path.ends_with(".statehouse"))?.parent().map(PathBuf::from)
    }

    async fn read(&self, path: PathBuf) -> io::Result<Option<Bytes>> {
        untrusted::read_if_there(self.place.root(), self.place.relative(&path)).await
    }

    async fn keep(&self, why: &str, state: Bytes) -> Unsaved {
        let name = format!("{}.tfstate", self.run_id);
        let mut path = self.errored.join(&name);
        for number in 1.. {
            if !path.exists() {
                break;
            }
            path = self.errored.join(format!("{name}.{number}"));
        }
        let kept = write_durably(&path, &state);
        let put = || self.server.put_artifact(&self.job_id, Artifact::ErroredState, state.clone());
        let stored = insist(Duration::from_secs(10), put).await;
        let at = path.display();
        let place = match (&kept, &stored) {
            (Ok(()), Ok(())) => format!("It is kept as the run's errored state and in {at}"),
            (Ok(()), Err(_)) => format!("It is kept on the agent in {at}"),
            (Err(_), Ok(())) => "It is kept as the run's errored state".to_owned(),
            (Err(error), Err(_)) => format!("It stays in {} ({error})", self.state.display()),
        };
        Unsaved { message: format!("{why} {place}."), copied: kept.is_ok() || stored.is_ok() }
    }

    /// For what cannot even be read.
    fn keep_directory(&self, why: &str) -> Unsaved {
        let message = format!("{why} The job directory {} is kept.", self.place.root().display());
        Unsaved { message, copied: false }
    }
}

/// The version of a complete state, or nothing.
fn version(state: &[u8]) -> Option<Version> {
    let head: Head = serde_json::from_slice(state).ok()?;
    Some(Version { serial: head.serial, digest: Sha256::digest(state).into() })
}

/// Changes the serial in the text, so that no number elsewhere loses a digit on the way.
fn with_serial(state: &Bytes, serial: u64) -> Bytes {
    static SERIAL: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"(?m)^(  "serial": )\d+"#).expect("the pattern is a constant and tested")
    });
    let replacement = format!("${{1}}{serial}");
    Bytes::from(SERIAL.replace(state, replacement.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_state_has_no_version() {
        let state = b"{\n  \"version\": 4,\n  \"serial\": 7,\n  \"outputs\": {}\n}\n";
        assert_eq!(version(state).unwrap().serial, 7);
        assert!(version(&state[..40]).is_none());
        assert!(version(b"").is_none());
    }

    #[test]
    fn only_the_serial_of_the_state_itself_changes() {
        let state =
            "{\n  \"serial\": 7,\n  \"x\": {\n    \"serial\": 7, \"n\": 1.10000000000000000001}\n}";
        let changed = with_serial(&Bytes::from(state), 8);
        assert_eq!(changed, state.replacen('7', "8", 1));
    }
}
