//! Brings the state of an apply to safety: while it runs, at its end, and when nothing else works.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use protocol::Artifact;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::disk;
use crate::output::Changed;
use crate::reported::Reported;
use crate::server::{Backoff, CallError, Server, insist};
use crate::state_file::{Left, Stamp, StateFile, Version};
use crate::undelivered::{Note, Undelivered};
use crate::workplace::{Workplace, write_at_once, write_durably};

/// How often a running apply's state is uploaded at most, and how long one is damaged until that is no writing.
const EVERY: Duration = Duration::from_secs(2);
/// How often it is looked at; that costs a question for its time as long as nothing is written.
const LOOK: Duration = Duration::from_millis(50);
/// After a look at half a state: a whole one lasts until the engine writes the next.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

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
    undelivered: Arc<Undelivered>,
    /// Of the last state that the server has.
    accepted: Option<Version>,
    /// The last whole state, as long as the server has not taken it: what the engine writes next may be cut short.
    pending: Option<(Bytes, Version)>,
    /// How long the final state is offered before it is kept for later.
    patience: Duration,
}

/// What follows for a state that is kept.
const OFFERED: &str = "and offered to the server until it has it";

/// The beginning of a sentence: what they have done, nobody can tell.
const OTHERS: &str = "A program beside the engine has opened for writing the state that was left";

/// A state on its way to the server.
type Upload = BoxFuture<'static, (Version, Result<(), CallError>)>;

/// What was seen of a file that an engine writes.
#[derive(Default)]
struct Looks {
    /// When the last whole state was written.
    whole: Option<Stamp>,
    damaged: Option<Damaged>,
}

/// Half a state.
struct Damaged {
    since: Instant,
    stamp: Stamp,
    /// Too old to be still written.
    is_old: bool,
}

/// How an engine ended, and so what there must be of its state.
pub(crate) struct End<'a> {
    pub changed: Changed,
    pub reported: &'a Reported,
    /// It has ended well.
    pub done: bool,
    /// It encrypts no states.
    pub is_plain: bool,
    /// Somebody beside it has opened the state for writing.
    pub are_others: bool,
}

impl End<'_> {
    /// What a state says otherwise than its engine, as the beginning of a sentence.
    fn contradiction(&self, left: &Left, begins: Option<&Version>) -> Option<String> {
        let is_encrypted = left.version.as_ref().is_some_and(|version| version.encrypted);
        match is_encrypted {
            true if self.is_plain => {
                Some("The state that was left is encrypted, which its engine does not do".into())
            }
            true => None,
            false => self
                .reported
                .contradiction(&left.bytes, begins.map_or(&[], |begins| &begins.deposed)),
        }
    }
}

/// The state is not with the server.
#[derive(Debug)]
pub(crate) struct Unsaved {
    /// Says why and where it is.
    pub message: String,
    /// False if the job directory is the only place.
    pub copied: bool,
    /// It is offered to the server from now on.
    pub pending: bool,
}

impl Keeping {
    /// `state` is absolute.
    pub fn new(
        server: Arc<Server>,
        job: (&str, &str),
        place: &Workplace,
        state: PathBuf,
        begins: Option<Version>,
        undelivered: &Arc<Undelivered>,
        patience: Duration,
    ) -> Self {
        Self {
            server,
            job_id: job.0.to_owned(),
            run_id: job.1.to_owned(),
            place: place.clone(),
            file: StateFile::new(place, state),
            // An earlier agent may have brought some of it.
            accepted: place.accepted().or_else(|| begins.clone()),
            pending: None,
            begins,
            undelivered: undelivered.clone(),
            patience,
        }
    }

    /// Looks for states that the engine has written, and uploads the newest one now and then; never ends by itself.
    ///
    /// Looking goes on while the server takes its time: an engine may be killed at any moment, and only what was seen
    /// whole before is whole then.
    pub async fn watch(&mut self) {
        let mut looks = Looks::default();
        let mut pause = LOOK;
        let mut upload: Option<Upload> = None;
        // Most applies are over by then, and bring their state once.
        let mut not_before = Instant::now() + EVERY;
        loop {
            tokio::select! {
                () = tokio::time::sleep(pause) => {
                    pause = self.look(&mut looks).await;
                }
                (version, outcome) = async { upload.as_mut().expect("there is one").await },
                    if upload.is_some() =>
                {
                    upload = None;
                    not_before = Instant::now() + EVERY;
                    match outcome {
                        Ok(()) => self.note_accepted(version),
                        Err(error) => {
                            tracing::warn!(job = self.job_id, %error, "snapshot not accepted");
                            self.set_pending_aside().await;
                        }
                    }
                }
                () = tokio::time::sleep_until(not_before),
                    if upload.is_none() && self.pending.is_some() =>
                {
                    upload = self.pending.clone().map(|state| self.upload_of(state));
                }
            }
        }
    }

    /// One look; how long to wait for the next.
    async fn look(&mut self, looks: &mut Looks) -> Duration {
        let Some(stamp) = self.file.stamp().filter(|stamp| looks.whole != Some(*stamp)) else {
            return LOOK;
        };
        let began = Instant::now();
        if let Some(damaged) = looks.damaged.as_mut().filter(|damaged| damaged.stamp == stamp) {
            // One that stays so was cut short, most likely by a disk or a quota that is full.
            if !damaged.is_old && damaged.since.elapsed() >= EVERY {
                damaged.is_old = true;
                disk::release(&self.place);
            }
            return if damaged.is_old { LOOK } else { LOOK_AGAIN };
        }
        let Ok(Some(left)) = self.file.read().await else { return LOOK };
        // Of a large state it takes time: then it has a share of it, and not all.
        let took = began.elapsed();
        let Some(version) = left.version.clone() else {
            // The engine may be writing at this moment: half a state is not a state.
            looks.damaged = Some(Damaged { since: began, stamp, is_old: false });
            return LOOK_AGAIN.max(took * 4);
        };
        looks.whole = Some(stamp);
        looks.damaged = None;
        if !self.accepted.as_ref().is_some_and(|accepted| version.is_same(accepted)) {
            self.pending = Some((left.bytes, version));
            // At once: we and the engine may be killed together, while it writes the next one.
            self.lay_pending_aside(write_at_once).await;
        }
        LOOK.max(began.elapsed() * 4)
    }

    fn upload_of(&self, (bytes, version): (Bytes, Version)) -> Upload {
        let (server, job) = (self.server.clone(), self.job_id.clone());
        Box::pin(async move { (version, server.put_state(&job, bytes).await) })
    }

    /// The server has this one.
    fn note_accepted(&mut self, version: Version) {
        if self.pending.as_ref().is_some_and(|(_, pending)| pending.is_same(&version)) {
            self.pending = None;
            // It may be there from a time when the server did not answer.
            let _ = std::fs::remove_file(self.place.pending_state());
        }
        if let Err(error) = self.place.note_accepted(&version) {
            tracing::warn!(job = self.job_id, %error, "no other agent will know what the server has");
        }
        self.accepted = Some(version);
    }

    /// Gives the last whole state to the server, if there is one that it does not have.
    async fn offer_pending(&mut self) -> Result<(), CallError> {
        let Some(state) = self.pending.clone() else { return Ok(()) };
        let (version, outcome) = self.upload_of(state).await;
        outcome?;
        self.note_accepted(version);
        Ok(())
    }

    /// For a successor, should we end as well.
    async fn set_pending_aside(&self) {
        self.lay_pending_aside(write_durably).await;
    }

    async fn lay_pending_aside(&self, write: fn(&Path, &[u8]) -> io::Result<()>) {
        let Some((bytes, _)) = self.pending.clone() else { return };
        let path = self.place.pending_state();
        let done = tokio::task::spawn_blocking(move || write(&path, &bytes)).await;
        if let Err(error) = done.map_err(std::io::Error::other).flatten() {
            tracing::warn!(job = self.job_id, %error, "the last state is in memory only");
        }
    }

    /// What an earlier agent has set aside.
    fn find_pending(&mut self) {
        let found = std::fs::read(self.place.pending_state()).ok().map(|it| Left::of(it.into()));
        if let Some(Left { bytes, version: Some(version), .. }) = found
            && self.pending.is_none()
        {
            self.pending = Some((bytes, version));
        }
    }

    /// In bytes.
    pub fn size(&self) -> u64 {
        self.file.stamp().map_or(0, |(_, length)| length)
    }

    /// Whether the engine has left something where its state belongs: then nothing else that lies there can be one.
    pub async fn has_left(&self, done: bool) -> bool {
        matches!(self.file.read_last(self.begins.as_ref(), done).await, Ok(Some(_)))
    }

    /// Brings the final state to the server, else keeps it on this machine.
    pub async fn save(&mut self, end: End<'_>) -> Result<(), Unsaved> {
        let End { changed, done, .. } = end;
        let left = match self.file.read_last(self.begins.as_ref(), done).await {
            Ok(Some(left)) => left,
            Ok(None) if changed != Changed::Nothing => {
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
        let Some(version) = left.version.clone() else {
            let why = match left.bytes.len() {
                0 => "The state that the engine left is empty: it ended while writing it.",
                _ => "The state that the engine left is damaged.",
            };
            return Err(self.damaged(why, left.bytes).await);
        };
        let is_newer = left.is_spare || version.follows(self.begins.as_ref());
        if changed == Changed::Resources && !is_newer {
            let why = "The engine has changed resources, and where its state belongs is one that does not follow on \
                       the one before: it was overwritten.";
            return Err(self.damaged(why, left.bytes).await);
        }
        let lacks = end.contradiction(&left, self.begins.as_ref());
        // Beside nothing at all, even one that was overwritten is something.
        if let Some(what) = lacks.as_ref().filter(|_| done && self.accepted.is_some()) {
            self.disown(&version);
            let why = format!("{what}: it was overwritten.");
            return Err(self.damaged(&why, left.bytes).await);
        }
        let doubt = lacks.or_else(|| end.are_others.then(|| OTHERS.to_owned()));
        let begins = self.begins.as_ref();
        if begins.is_some_and(|begins| version.is_same(begins)) {
            return match doubt.filter(|_| changed != Changed::Nothing) {
                Some(what) => Err(saved_all_the_same(&what)),
                None => Ok(()),
            };
        }
        let mut upload = left.bytes.clone();
        // An engine that ends where it began reuses a serial under which a snapshot was sent; and what others have written
        // meanwhile may have been one, with a higher one.
        if let Some(accepted) = &self.accepted
            && accepted.serial >= version.serial
            && !version.is_same(accepted)
            && !version.encrypted
        {
            upload = with_serial(&upload, accepted.serial + 1);
        }
        // Also if a snapshot of it was accepted: what counts is what the server has now.
        let put = || self.server.put_state(&self.job_id, upload.clone());
        let outcome = tokio::time::timeout(self.patience * 2, insist(self.patience, put)).await;
        let (why, is_refused) = match outcome {
            Ok(Ok(())) => {
                self.note_accepted(version);
                // It was killed before it could write that, or was overwritten: nothing better is to be had.
                return doubt.map_or(Ok(()), |what| Err(saved_all_the_same(&what)));
            }
            // As far as this job goes; the state may come by another way.
            Ok(Err(CallError::Gone)) => ("The job was taken from this agent.".to_owned(), false),
            Ok(Err(error)) => (format!("{error}."), error.is_final()),
            Err(_) => ("The upload took too long.".to_owned(), false),
        };
        let why = format!("The state could not be saved: {why}");
        // With the serial under which it was offered.
        let version = Version::of(&upload).filter(|_| !is_refused);
        Err(self.keep(&why, upload, version).await)
    }

    /// This one is not the engine's, and not offered.
    fn disown(&mut self, version: &Version) {
        self.find_pending();
        if self.pending.take_if(|(_, pending)| pending.is_same(version)).is_some() {
            let _ = std::fs::remove_file(self.place.pending_state());
        }
    }

    /// For a file that was cut short or overwritten: the last whole state is the best that there is.
    async fn damaged(&mut self, why: &str, bytes: Bytes) -> Unsaved {
        let why = match bytes.len() {
            0 => why.to_owned(),
            _ => self.keep(why, bytes, None).await.message,
        };
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
        let mut pending = false;
        let last = match (offered, &self.accepted) {
            (Err(error), _) => {
                self.set_pending_aside().await;
                pending = true;
                format!(
                    "The server does not take the last whole one ({error}). {}",
                    self.offer_later()
                )
            }
            (Ok(()), Some(version)) => format!(
                "The last whole one, of serial {}, is with the server; what was made after it is in no state.",
                version.serial
            ),
            (Ok(()), None) => {
                "No whole one was seen before; what was made is in no state.".to_owned()
            }
        };
        Unsaved { pending, ..self.keep_directory(&format!("{why} {last}")) }
    }

    /// Has the last whole state offered from now on; says where it is meanwhile.
    fn offer_later(&self) -> String {
        let Some((bytes, version)) = &self.pending else { return String::new() };
        let note = Note::of(&self.job_id, &self.run_id, version);
        match self.undelivered.keep(note, bytes) {
            Ok(at) => format!("It is kept on the agent in {}, {OFFERED}.", at.display()),
            Err(error) => format!("It stays in memory ({error}), {OFFERED}."),
        }
    }

    /// Offered again is what has a `version`: neither half a state, nor one that the server will never take.
    async fn keep(&self, why: &str, state: Bytes, version: Option<Version>) -> Unsaved {
        let pending = version.is_some();
        let kept = match version {
            Some(version) => {
                let note = Note::of(&self.job_id, &self.run_id, &version);
                self.undelivered.keep(note, &state)
            }
            None => self.undelivered.put_aside(&self.run_id, &state),
        };
        let put = || self.server.put_artifact(&self.job_id, Artifact::ErroredState, state.clone());
        let stored = insist(Duration::from_secs(10), put).await;
        let at = kept.as_ref().map(|at| at.display());
        let place = match (&at, &stored) {
            (Ok(at), Ok(())) => format!("It is kept as the run's errored state and in {at}"),
            (Ok(at), Err(_)) => format!("It is kept on the agent in {at}"),
            (Err(_), Ok(())) => "It is kept as the run's errored state".to_owned(),
            (Err(error), Err(_)) => format!("It could not be written anywhere ({error})"),
        };
        let offered = if pending { format!(", {OFFERED}") } else { String::new() };
        let directory =
            if kept.is_err() { format!(" {}", self.directory()) } else { String::new() };
        let message = format!("{why} {place}{offered}.{directory}");
        Unsaved { message, copied: kept.is_ok(), pending }
    }

    /// For what cannot even be read, or be found.
    fn keep_directory(&self, why: &str) -> Unsaved {
        Unsaved { message: format!("{why} {}", self.directory()), copied: false, pending: false }
    }

    /// Where the job directory is, as far as that is known.
    fn directory(&self) -> String {
        let root = self.place.root().display();
        if self.place.is_in_place() {
            format!("The job directory {root} is kept.")
        } else {
            format!(
                "The job directory {root} is not there any more: somebody has moved or deleted it, or has taken its \
                 file system away. What it held is where they have put it."
            )
        }
    }
}

fn saved_all_the_same(what: &str) -> Unsaved {
    let message = format!("{what}, which is saved all the same: look after it by hand.");
    Unsaved { message, copied: true, pending: false }
}

/// Changes the serial in the text, so that no number elsewhere loses a digit on the way.
fn with_serial(state: &Bytes, serial: u64) -> Bytes {
    #[derive(Deserialize)]
    struct Head<'a> {
        #[serde(borrow)]
        serial: &'a RawValue,
    }
    let Ok(Head { serial: old }) = serde_json::from_slice(state) else { return state.clone() };
    let start = old.get().as_ptr().addr() - state.as_ptr().addr();
    let (before, rest) = state.split_at(start);
    [before, serial.to_string().as_bytes(), &rest[old.get().len()..]].concat().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Sandbox};

    /// Of a server that nobody asks.
    fn keeping(place: &Workplace, state: PathBuf) -> Keeping {
        let config = Config {
            server: "http://127.0.0.1:9".parse().unwrap(),
            token: String::new().into(),
            name: String::new(),
            work_dir: PathBuf::new(),
            engine_cache_dir: PathBuf::new(),
            engines: Vec::new(),
            search_path: false,
            concurrency: 1,
            supervisor: PathBuf::new(),
            hidden_paths: Vec::new(),
            shared_paths: Vec::new(),
            sandbox: Sandbox::Off,
            limits: sandbox::Limits::default(),
            keep_init: false,
            cli_config_file: None,
            ca_file: None,
            grace: Duration::ZERO,
            answer: Duration::ZERO,
            patience: Duration::ZERO,
            budget: crate::Budget::default(),
            min_free_disk: 0,
        };
        let server = Arc::new(Server::new(&config).unwrap());
        let undelivered = Undelivered::open(place.root()).unwrap();
        let ids = ("job-1", "run-1");
        Keeping::new(server, ids, place, state, None, &undelivered, config.patience)
    }

    #[test]
    fn a_successor_knows_what_the_server_has() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("jobs/a");
        std::fs::create_dir_all(&root).unwrap();
        let place = Workplace::found(root.clone()).unwrap();
        let path = root.join("terraform.tfstate");
        let mut keeping = keeping(&place, path.clone());
        let version = Version::of(br#"{"version": 4, "serial": 7, "lineage": "l"}"#).unwrap();
        keeping.note_accepted(version.clone());
        let successor = self::keeping(&place, path);
        assert!(successor.accepted.unwrap().is_same(&version));
    }

    #[tokio::test]
    async fn half_a_state_is_looked_at_again_at_once_and_costs_no_whole_one() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("jobs/a");
        std::fs::create_dir_all(&root).unwrap();
        let place = Workplace::found(root.clone()).unwrap();
        std::fs::write(place.ballast(), "x").unwrap();
        let path = root.join("terraform.tfstate");
        let mut keeping = keeping(&place, path.clone());
        keeping.file.lay_out().unwrap();
        let mut looks = Looks::default();
        assert_eq!(keeping.look(&mut looks).await, LOOK);
        assert!(keeping.pending.is_none(), "the engine has written nothing");
        for serial in 1..4 {
            let whole = format!("{{\"version\": 4, \"serial\": {serial}}}");
            std::fs::write(&path, &whole).unwrap();
            keeping.look(&mut looks).await;
            // It is killed while it writes the next one.
            std::fs::write(&path, &whole[..10 + serial]).unwrap();
            assert!(keeping.look(&mut looks).await < LOOK);
            let (_, version) = keeping.pending.as_ref().unwrap();
            assert_eq!(version.serial, serial as u64);
            // And its agent with it, whatever has become of the upload.
            let mut successor = self::keeping(&place, path.clone());
            successor.find_pending();
            assert_eq!(successor.pending.unwrap().1.serial, serial as u64);
        }
        assert!(place.ballast().exists(), "nothing says yet that the disk is full");
        looks.damaged.as_mut().unwrap().since -= EVERY;
        assert_eq!(keeping.look(&mut looks).await, LOOK, "nobody is at work on it any more");
        assert!(!place.ballast().exists(), "what stays damaged was cut short");
        // The same is not read again, however often it is looked at, and is not given up for good.
        std::fs::write(place.ballast(), "x").unwrap();
        assert_eq!(keeping.look(&mut looks).await, LOOK);
        assert!(place.ballast().exists());
        std::fs::write(&path, "{\"version\": 4, \"serial\": 9}").unwrap();
        keeping.look(&mut looks).await;
        assert_eq!(keeping.pending.as_ref().unwrap().1.serial, 9);
    }

    #[test]
    fn only_the_serial_of_the_state_itself_changes() {
        let state =
            "{\n  \"serial\": 7,\n  \"x\": {\n    \"serial\": 7, \"n\": 1.10000000000000000001}\n}";
        for state in [state, &state.replace("\n ", "")] {
            let changed = with_serial(&Bytes::copy_from_slice(state.as_bytes()), 80);
            assert_eq!(changed, state.replacen('7', "80", 1));
        }
    }
}
