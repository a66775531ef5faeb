//! Brings the state of an apply to safety: while it runs, at its end, and when nothing else works.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use protocol::Artifact;
use regex::bytes::Regex;

use crate::disk;
use crate::server::{Backoff, CallError, Server, insist};
use crate::state_file::{Left, StateFile, Version};
use crate::workplace::{Workplace, replace_durably, write_durably};

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
    file: StateFile,
    /// What the apply starts from: the server has that one.
    begins: Option<Version>,
    /// Where states go that nobody took.
    errored: PathBuf,
    /// Of the last state that the server has.
    accepted: Option<Version>,
    /// The last whole state, as long as the server has not taken it: what the engine writes next may be cut short.
    pending: Option<(Bytes, Version)>,
    pub patience: Duration,
}

/// The state is not with the server.
#[derive(Debug)]
pub(crate) struct Unsaved {
    /// Says why and where it is.
    pub message: String,
    /// False if the job directory is the only place.
    pub copied: bool,
}

impl Keeping {
    /// `state` is absolute.
    pub fn new(
        server: Arc<Server>,
        job: (&str, &str),
        place: &Workplace,
        state: PathBuf,
        begins: Option<Version>,
    ) -> Self {
        let errored = place
            .root()
            .parent()
            .and_then(std::path::Path::parent)
            .unwrap_or(place.root())
            .join("errored");
        Self {
            server,
            job_id: job.0.to_owned(),
            run_id: job.1.to_owned(),
            place: place.clone(),
            file: StateFile::new(place, state),
            accepted: begins.clone(),
            pending: None,
            begins,
            errored,
            patience: PATIENCE,
        }
    }

    /// Uploads the state whenever it has changed; never ends by itself.
    pub async fn watch(&mut self) {
        let mut seen: Option<SystemTime> = None;
        let mut damaged: Option<SystemTime> = None;
        loop {
            tokio::time::sleep(EVERY).await;
            let stamp = self.file.stamp();
            if stamp.is_none() || stamp == seen {
                continue;
            }
            let Ok(Some(left)) = self.file.read().await else { continue };
            let Some(version) = left.version else {
                // The engine may be writing at this moment: half a state is not a state. One that stays so was
                // cut short, most likely by a disk or a quota that is full.
                if damaged == stamp {
                    disk::release(&self.place);
                }
                damaged = stamp;
                continue;
            };
            if self.accepted.as_ref().is_some_and(|accepted| version.is_same(accepted)) {
                seen = stamp;
                continue;
            }
            self.pending = Some((left.bytes, version));
            match self.offer_pending().await {
                Ok(()) => seen = stamp,
                Err(error) => {
                    tracing::warn!(job = self.job_id, %error, "snapshot not accepted");
                    self.set_pending_aside().await;
                }
            }
        }
    }

    /// Gives the last whole state to the server, if there is one that it does not have.
    async fn offer_pending(&mut self) -> Result<(), CallError> {
        let Some((bytes, version)) = self.pending.clone() else { return Ok(()) };
        self.server.put_state(&self.job_id, bytes).await?;
        self.accepted = Some(version);
        self.pending = None;
        // It may be there from a time when the server did not answer.
        let _ = std::fs::remove_file(self.place.pending_state());
        Ok(())
    }

    /// For a successor, should we end as well.
    async fn set_pending_aside(&self) {
        let Some((bytes, _)) = self.pending.clone() else { return };
        let path = self.place.pending_state();
        let done = tokio::task::spawn_blocking(move || replace_durably(&path, &bytes)).await;
        if let Err(error) = done.map_err(std::io::Error::other).flatten() {
            tracing::warn!(job = self.job_id, %error, "the last state is in memory only");
        }
    }

    /// What an earlier agent has set aside.
    fn find_pending(&mut self) {
        let found = std::fs::read(self.place.pending_state()).ok().map(|it| Left::of(it.into()));
        if let Some(Left { bytes, version: Some(version) }) = found
            && self.pending.is_none()
        {
            self.pending = Some((bytes, version));
        }
    }

    /// Brings the final state to the server, else keeps it on this machine. An engine that has `changed` something
    /// must have left one. It is `done` if it has ended well.
    pub async fn save(&mut self, changed: bool, done: bool) -> Result<(), Unsaved> {
        let left = match self.file.read_last(self.begins.as_ref(), done).await {
            Ok(Some(left)) => left,
            Ok(None) if changed => {
                return Err(self.keep_directory(
                    "The engine has changed something, but its state is not where it belongs: \
                     what it made is in no state of this workspace, and another run would make \
                     it again.",
                ));
            }
            Ok(None) => return Ok(()),
            Err(error) => {
                let why = format!("The state that the engine left cannot be read ({error}).");
                return Err(self.keep_directory(&why));
            }
        };
        let Some(version) = left.version else {
            return Err(self.damaged(left.bytes).await);
        };
        if self.begins.as_ref().is_some_and(|begins| version.is_same(begins)) {
            return Ok(());
        }
        let mut upload = left.bytes.clone();
        // An engine that ends where it began reuses a serial under which a snapshot was sent.
        if let Some(accepted) = &self.accepted
            && accepted.serial == version.serial
            && !version.is_same(accepted)
            && !version.encrypted
        {
            upload = with_serial(&upload, version.serial + 1);
        }
        // Also if a snapshot of it was accepted: what counts is what the server has now.
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
        Err(self.keep(&format!("The state could not be saved: {why}"), left.bytes).await)
    }

    /// For a file that was cut short: the last whole state is the best that there is.
    async fn damaged(&mut self, bytes: Bytes) -> Unsaved {
        let why = match bytes.len() {
            0 => "The state that the engine left is empty: it could not write it.".to_owned(),
            _ => "The state that the engine left is damaged.".to_owned(),
        };
        let why = if bytes.is_empty() { why } else { self.keep(&why, bytes).await.message };
        self.find_pending();
        let mut pause = Backoff::default();
        let end = tokio::time::Instant::now() + self.patience;
        let mut offered = self.offer_pending().await;
        while let Err(error) = &offered
            && error.passes()
            && tokio::time::Instant::now() < end
        {
            pause.wait().await;
            offered = self.offer_pending().await;
        }
        let last = match (offered, &self.accepted) {
            (Err(error), _) => {
                self.set_pending_aside().await;
                format!(
                    "The last whole one is in this directory, as the server does not take it ({error})."
                )
            }
            (Ok(()), Some(version)) => format!(
                "The last whole one, of serial {}, is with the server; what was made after it is in no state.",
                version.serial
            ),
            (Ok(()), None) => "There was no whole one; what was made is in no state.".to_owned(),
        };
        self.keep_directory(&format!("{why} {last}"))
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
        let (at, here) = (path.display(), self.place.root().display());
        let place = match (&kept, &stored) {
            (Ok(()), Ok(())) => format!("It is kept as the run's errored state and in {at}"),
            (Ok(()), Err(_)) => format!("It is kept on the agent in {at}"),
            (Err(_), Ok(())) => format!("It is kept as the run's errored state and in {here}"),
            (Err(error), Err(_)) => format!("It stays in {here} ({error})"),
        };
        Unsaved { message: format!("{why} {place}."), copied: kept.is_ok() }
    }

    /// For what cannot even be read, or be found.
    fn keep_directory(&self, why: &str) -> Unsaved {
        let message = format!("{why} The job directory {} is kept.", self.place.root().display());
        Unsaved { message, copied: false }
    }
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
    fn only_the_serial_of_the_state_itself_changes() {
        let state =
            "{\n  \"serial\": 7,\n  \"x\": {\n    \"serial\": 7, \"n\": 1.10000000000000000001}\n}";
        let changed = with_serial(&Bytes::from(state), 8);
        assert_eq!(changed, state.replacen('7', "8", 1));
    }
}
