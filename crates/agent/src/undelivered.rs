//! States that nobody took in time: kept beside each other in one folder, each with a note that says whose it is, and
//! offered to the server until it has them, or says that it never will.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::phase::is_plain;
use crate::server::{CallError, Server};
use crate::state_file::Version;
use crate::workplace::{private_folder, write_durably};

/// Added to the name of a state's file, behind a dot.
const NOTE: &str = "job";
/// How many are offered at a time.
const AT_ONCE: usize = 4;
/// The longest pause between two offers.
const LONGEST: Duration = Duration::from_mins(5);

/// Whose a state is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    pub job: String,
    pub run: String,
    /// Hex SHA-256.
    pub digest: String,
    pub serial: u64,
    pub lineage: String,
}

impl Note {
    pub fn of(job: &str, run: &str, version: &Version) -> Self {
        Self {
            job: job.to_owned(),
            run: run.to_owned(),
            digest: version.digest.clone(),
            serial: version.serial,
            lineage: version.lineage.clone(),
        }
    }
}

/// Where a state is meanwhile.
#[derive(Debug)]
enum Copy {
    File {
        path: PathBuf,
        /// Whether other agents find it as well.
        is_noted: bool,
    },
    /// It could be written nowhere yet.
    Memory(Bytes),
}

#[derive(Debug)]
struct Parcel {
    note: Note,
    copy: Copy,
    /// How often it was offered.
    offers: u32,
    due: Instant,
}

/// All of them. Files that have no note are for people.
#[derive(Debug)]
pub(crate) struct Undelivered {
    folder: PathBuf,
    parcels: Mutex<Vec<Parcel>>,
    added: Notify,
}

impl Undelivered {
    /// Where they lie.
    fn folder(work_dir: &Path) -> PathBuf {
        work_dir.join("errored")
    }

    /// Reads the notes that earlier agents left.
    pub fn open(work_dir: &Path) -> io::Result<Arc<Self>> {
        let folder = Self::folder(work_dir);
        private_folder(&folder)?;
        let mut parcels = Vec::new();
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.extension().is_none_or(|ending| ending != NOTE) {
                continue;
            }
            match read_note(&path) {
                Ok(note) => {
                    let copy = Copy::File { path: path.with_extension(""), is_noted: true };
                    parcels.push(Parcel::new(note, copy));
                }
                Err(error) => {
                    tracing::error!(path = %path.display(), %error, "the note of a state cannot be read");
                }
            }
        }
        Ok(Arc::new(Self { folder, parcels: Mutex::new(parcels), added: Notify::new() }))
    }

    /// Keeps what nobody could take as a state; answers where.
    pub fn put_aside(&self, run: &str, content: &[u8]) -> io::Result<PathBuf> {
        let name = format!("{run}.tfstate");
        let mut path = self.folder.join(&name);
        private_folder(&self.folder)?;
        for number in 1.. {
            match fs::read(&path) {
                // By an agent that was here before us.
                Ok(known) if known == content => return Ok(path),
                Err(error) if error.kind() == io::ErrorKind::NotFound => break,
                // What cannot be read may be another state.
                Err(error) if fs::symlink_metadata(&path).is_err() => return Err(error),
                Ok(_) | Err(_) => path = self.folder.join(format!("{name}.{number}")),
            }
        }
        write_durably(&path, content)?;
        Ok(path)
    }

    /// Keeps a state and offers it from now on; answers where it lies. What can be written nowhere is offered for as
    /// long as we live.
    pub fn keep(&self, note: Note, state: &Bytes) -> io::Result<PathBuf> {
        let path = self.put_aside(&note.run, state);
        let copy = match &path {
            Ok(path) => Copy::File { path: path.clone(), is_noted: false },
            Err(_) => Copy::Memory(state.clone()),
        };
        let mut parcel = Parcel::new(note, copy);
        parcel.settle_down(self);
        let mut parcels = self.parcels();
        if !parcels.iter().any(|known| known.note == parcel.note) {
            parcels.push(parcel);
            self.added.notify_one();
        }
        drop(parcels);
        path
    }

    /// Offers them all; never ends by itself.
    pub async fn deliver(&self, server: &Server) {
        loop {
            let offer = |job: String, state| async move { server.put_recovered(&job, state).await };
            let next = self.round(Instant::now(), offer).await;
            let rest = async {
                match next {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.added.notified() => {}
                () = rest => {}
            }
        }
    }

    /// Offers each that is due once, some at a time, as a large one may take long; answers when the next one is due.
    async fn round<F>(&self, now: Instant, offer: impl Fn(String, Bytes) -> F) -> Option<Instant>
    where
        F: Future<Output = Result<bool, CallError>>,
    {
        let due: Vec<Parcel> = self.parcels().extract_if(.., |parcel| parcel.due <= now).collect();
        let offered = due.into_iter().map(async |mut parcel| {
            parcel.settle_down(self);
            let answer = match parcel.state().await {
                Ok(state) => offer(parcel.note.job.clone(), state).await,
                Err(error) => Err(error.into()),
            };
            if !parcel.settle(answer) {
                parcel.due = now + pause(parcel.offers);
                parcel.offers += 1;
                self.parcels().push(parcel);
            }
        });
        stream::iter(offered).buffer_unordered(AT_ONCE).collect::<()>().await;
        self.parcels().iter().map(|parcel| parcel.due).min()
    }

    fn parcels(&self) -> MutexGuard<'_, Vec<Parcel>> {
        self.parcels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Parcel {
    fn new(note: Note, copy: Copy) -> Self {
        Self { note, copy, offers: 0, due: Instant::now() }
    }

    /// Gets to a disk, with its note, what could not be written before: it may have room again.
    fn settle_down(&mut self, all: &Undelivered) {
        if let Copy::Memory(state) = &self.copy
            && let Ok(path) = all.put_aside(&self.note.run, state)
        {
            self.copy = Copy::File { path, is_noted: false };
        }
        if let Copy::File { path, is_noted } = &mut self.copy
            && !*is_noted
        {
            match write_note(path, &self.note) {
                Ok(()) => *is_noted = true,
                Err(error) => {
                    tracing::error!(path = %path.display(), %error, "no other agent would offer this state");
                }
            }
        }
    }

    async fn state(&self) -> io::Result<Bytes> {
        match &self.copy {
            Copy::Memory(state) => Ok(state.clone()),
            Copy::File { path, .. } => {
                let state = tokio::fs::read(path).await?;
                if hex::encode(Sha256::digest(&state)) == self.note.digest {
                    return Ok(state.into());
                }
                Err(io::Error::new(io::ErrorKind::InvalidData, "it is not what its note says"))
            }
        }
    }

    /// Whether it is over.
    fn settle(&self, answer: Result<bool, CallError>) -> bool {
        let Note { run, job, .. } = &self.note;
        let path = match &self.copy {
            Copy::File { path, .. } => path.as_path(),
            Copy::Memory(_) => Path::new("memory"),
        };
        match answer {
            Ok(is_current) => {
                tracing::info!(
                    job,
                    run,
                    is_current,
                    "the server has the state that {run} has left"
                );
                if let Copy::File { path, .. } = &self.copy {
                    // In this order: a note without a state is seen to be over.
                    remove(path);
                    remove(&note_of(path));
                }
                true
            }
            // As long as the folder is there: a file system that is away may come back.
            Err(CallError::Local(error))
                if error.kind() == io::ErrorKind::NotFound
                    && path.parent().is_some_and(Path::is_dir) =>
            {
                tracing::warn!(job, run, path = %path.display(), "a state was taken away by somebody else");
                remove(&note_of(path));
                true
            }
            Err(error) if error.is_final() => {
                tracing::error!(
                    job, run, %error, path = %path.display(),
                    "the server will never take the state that {run} has left; it stays here"
                );
                if let Copy::File { path, .. } = &self.copy {
                    remove(&note_of(path));
                }
                true
            }
            Err(error) => {
                tracing::warn!(
                    job, run, %error, path = %path.display(),
                    "the server does not take the state that {run} has left; it is offered again"
                );
                false
            }
        }
    }
}

/// Before the next offer: 1 s, 2 s, 4 s … 5 min.
fn pause(offers: u32) -> Duration {
    Duration::from_secs(1 << offers.min(9)).min(LONGEST)
}

fn note_of(state: &Path) -> PathBuf {
    state.with_added_extension(NOTE)
}

fn write_note(state: &Path, note: &Note) -> io::Result<()> {
    write_durably(&note_of(state), &serde_json::to_vec(note)?)
}

fn read_note(path: &Path) -> io::Result<Note> {
    let note: Note = serde_json::from_slice(&fs::read(path)?)?;
    // It becomes part of addresses and paths.
    if is_plain(&note.job) && is_plain(&note.run) {
        return Ok(note);
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "its ids are none"))
}

fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(path = %path.display(), %error, "cannot remove a file of a state that is over");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use reqwest::StatusCode;

    use super::*;

    fn note(state: &[u8]) -> Note {
        let version = Version::of(state).unwrap();
        Note::of("job-1", "run-1", &version)
    }

    const STATE: &[u8] = br#"{"serial":3,"lineage":"l"}"#;

    fn bench() -> (tempfile::TempDir, Arc<Undelivered>) {
        let folder = tempfile::tempdir().unwrap();
        let undelivered = Undelivered::open(folder.path()).unwrap();
        (folder, undelivered)
    }

    fn files(work_dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(Undelivered::folder(work_dir)).unwrap();
        let mut names: Vec<_> =
            entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn refused(status: StatusCode) -> CallError {
        CallError::Refused { call: "recovered-state", status, body: String::new() }
    }

    #[tokio::test]
    async fn a_state_is_offered_with_growing_pauses_until_it_is_taken() {
        let (folder, undelivered) = bench();
        undelivered.keep(note(STATE), &Bytes::from_static(STATE)).unwrap();
        let mut now = Instant::now();
        let mut pauses = Vec::new();
        for status in [409, 404, 503, 500, 401, 429, 409, 409, 409, 409, 409] {
            let status = StatusCode::from_u16(status).unwrap();
            let next = undelivered.round(now, async |_, _| Err(refused(status))).await.unwrap();
            pauses.push((next - now).as_secs());
            now = next;
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(files(folder.path()), ["run-1.tfstate", "run-1.tfstate.job"]);
        // Not before it is due.
        let early = now - Duration::from_millis(1);
        let next = undelivered.round(early, async |_, _| panic!("it is not due")).await;
        assert_eq!(next, Some(now));
        let offered = AtomicUsize::new(0);
        let next = undelivered.round(now, async |job, state| {
            offered.fetch_add(1, Ordering::Relaxed);
            assert_eq!((job.as_str(), &state[..]), ("job-1", STATE));
            Ok(true)
        });
        assert_eq!(next.await, None);
        assert_eq!(offered.into_inner(), 1);
        assert!(files(folder.path()).is_empty());
    }

    #[tokio::test]
    async fn what_is_never_taken_stays_and_is_not_offered_again() {
        for error in [
            CallError::Gone,
            refused(StatusCode::PAYLOAD_TOO_LARGE),
            refused(StatusCode::UNPROCESSABLE_ENTITY),
        ] {
            let (folder, undelivered) = bench();
            undelivered.keep(note(STATE), &Bytes::from_static(STATE)).unwrap();
            let answers = Mutex::new(vec![Err(error)]);
            let next = undelivered.round(Instant::now(), |_, _| {
                std::future::ready(answers.lock().unwrap().pop().expect("it is asked once"))
            });
            assert_eq!(next.await, None);
            assert_eq!(files(folder.path()), ["run-1.tfstate"]);
            assert!(Undelivered::open(folder.path()).unwrap().parcels().is_empty());
        }
    }

    #[tokio::test]
    async fn the_next_agent_finds_it_and_keeps_it_once() {
        let (folder, undelivered) = bench();
        undelivered.keep(note(STATE), &Bytes::from_static(STATE)).unwrap();
        drop(undelivered);
        let successor = Undelivered::open(folder.path()).unwrap();
        assert_eq!(successor.parcels()[0].note, note(STATE));
        // It finds the same state in a directory of its job as well.
        successor.keep(note(STATE), &Bytes::from_static(STATE)).unwrap();
        assert_eq!(successor.parcels().len(), 1);
        // Half a state and another one hide nothing.
        successor.put_aside("run-1", &STATE[..9]).unwrap();
        let other = br#"{"serial":4,"lineage":"l"}"#;
        successor.keep(note(other), &Bytes::from_static(other)).unwrap();
        let all = [
            "run-1.tfstate",
            "run-1.tfstate.1",
            "run-1.tfstate.2",
            "run-1.tfstate.2.job",
            "run-1.tfstate.job",
        ];
        assert_eq!(files(folder.path()), all);
        assert_eq!(successor.round(Instant::now(), async |_, _| Ok(false)).await, None);
        assert_eq!(files(folder.path()), ["run-1.tfstate.1"]);
    }

    #[tokio::test]
    async fn what_can_be_written_nowhere_is_offered_from_memory() {
        let (folder, undelivered) = bench();
        fs::remove_dir(Undelivered::folder(folder.path())).unwrap();
        fs::write(Undelivered::folder(folder.path()), "").unwrap();
        undelivered.keep(note(STATE), &Bytes::from_static(STATE)).unwrap_err();
        let later = undelivered.round(Instant::now(), async |_, _| Err(CallError::NotKept)).await;
        let offered = undelivered.round(later.unwrap(), async |_, state| {
            assert_eq!(state, STATE);
            Ok(true)
        });
        assert_eq!(offered.await, None);
    }

    #[tokio::test]
    async fn what_could_be_written_nowhere_is_written_when_there_is_room_again() {
        let (folder, undelivered) = bench();
        let errored = Undelivered::folder(folder.path());
        fs::remove_dir(&errored).unwrap();
        fs::write(&errored, "").unwrap();
        undelivered.keep(note(STATE), &Bytes::from_static(STATE)).unwrap_err();
        fs::remove_file(&errored).unwrap();
        let away = async |_, _| Err(CallError::NotKept);
        undelivered.round(Instant::now(), away).await.unwrap();
        assert_eq!(files(folder.path()), ["run-1.tfstate", "run-1.tfstate.job"]);
        assert_eq!(Undelivered::open(folder.path()).unwrap().parcels()[0].note, note(STATE));
    }

    #[tokio::test]
    async fn a_note_that_could_not_be_written_is_written_later() {
        let (folder, undelivered) = bench();
        let in_its_way = Undelivered::folder(folder.path()).join("run-1.tfstate.job");
        fs::create_dir(&in_its_way).unwrap();
        undelivered.keep(note(STATE), &Bytes::from_static(STATE)).unwrap();
        fs::remove_dir(&in_its_way).unwrap();
        undelivered.round(Instant::now(), async |_, _| Err(CallError::NotKept)).await.unwrap();
        assert_eq!(Undelivered::open(folder.path()).unwrap().parcels()[0].note, note(STATE));
    }

    #[test]
    fn what_cannot_be_read_is_not_written_over() {
        let (folder, undelivered) = bench();
        fs::create_dir(Undelivered::folder(folder.path()).join("run-1.tfstate")).unwrap();
        let path = undelivered.put_aside("run-1", STATE).unwrap();
        assert!(path.ends_with("run-1.tfstate.1"));
    }

    #[tokio::test]
    async fn one_that_takes_long_holds_up_no_other() {
        let (_folder, undelivered) = bench();
        let other = br#"{"serial":4,"lineage":"l"}"#;
        undelivered.keep(note(STATE), &Bytes::from_static(STATE)).unwrap();
        undelivered.keep(note(other), &Bytes::from_static(other)).unwrap();
        // Each ends only when both have begun.
        let both = tokio::sync::Barrier::new(2);
        let offer = async |_, _| {
            both.wait().await;
            Ok(true)
        };
        assert_eq!(undelivered.round(Instant::now(), offer).await, None);
    }

    #[tokio::test]
    async fn a_file_that_somebody_has_changed_or_taken_is_not_offered() {
        let (folder, undelivered) = bench();
        let path = undelivered.keep(note(STATE), &Bytes::from_static(STATE)).unwrap();
        fs::write(&path, "{}").unwrap();
        let no = async |_, _| panic!("it is another one");
        let later = undelivered.round(Instant::now(), no).await.unwrap();
        assert_eq!(files(folder.path()), ["run-1.tfstate", "run-1.tfstate.job"]);
        // All of it is away for a while.
        let errored = Undelivered::folder(folder.path());
        fs::rename(&errored, folder.path().join("aside")).unwrap();
        let later = undelivered.round(later, no).await.unwrap();
        fs::rename(folder.path().join("aside"), &errored).unwrap();
        fs::remove_file(&path).unwrap();
        assert_eq!(undelivered.round(later, no).await, None);
        assert!(files(folder.path()).is_empty());
    }
}
