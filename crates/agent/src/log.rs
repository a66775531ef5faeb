//! The log of a phase: one local file that engine and agent append to, and its way to the server.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use reqwest::StatusCode;
use rustix::fs::{MemfdFlags, OFlags, fcntl_setfl, memfd_create};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use crate::disk;
use crate::emergency::Emergency;
use crate::mask::Mask;
use crate::quotes::{Quotes, Sensitive};
use crate::server::{Backoff, CallError, Server};
use crate::session::Session;
use crate::variables;

/// The framing that command lines expect: <https://github.com/hashicorp/go-tfe> `logreader.go`.
const STX: u8 = 0x02;
const ETX: u8 = 0x03;

/// How often what the engine wrote is picked up.
const EVERY: Duration = Duration::from_millis(200);
/// Bytes of one call; a longer backlog goes out call by call without a pause.
const CHUNK: usize = 256 * 1024;
/// Bytes of our own words that are remembered when the disk takes none.
const UNWRITTEN: usize = 64 * 1024;

/// A file and not a pipe: an engine whose agent was killed must not die of a closed pipe before
/// it has saved its state, and whatever the engine left running cannot keep the log open.
pub(crate) struct Log {
    file: File,
    written: Arc<Notify>,
    unwritten: Unwritten,
    /// Bytes that are reserved behind the end of the file.
    reserve: AtomicU64,
    /// Length at which the log ends, once that is known.
    end: watch::Sender<Option<u64>>,
    carrier: JoinHandle<Result<(), CallError>>,
}

impl Log {
    /// Opens the log of a phase that the server knows as started, with its first three lines,
    /// which command lines do not show for an apply.
    pub fn open(session: &Session, path: &Path, title: &str, mask: &Mask) -> io::Result<Self> {
        let job = &session.job;
        let hidden =
            Hidden { sensitive: variables::tfvars(&job.variables).lines, mask: mask.anew() };
        let log = Self::resume(session.server.clone(), &job.id, path, job.log_offset, hidden)?;
        log.begin(session, title)?;
        Ok(log)
    }

    /// The log of a phase that cannot begin, which the disk may be the reason for.
    pub fn in_memory(session: &Session, title: &str) -> io::Result<Self> {
        let file = File::from(memfd_create("log", MemfdFlags::CLOEXEC)?);
        fcntl_setfl(&file, OFlags::APPEND)?;
        let (job, raw) = (&session.job, file.try_clone()?);
        let (server, id) = (session.server.clone(), &job.id);
        // Nothing was started that could say anything.
        let log = Self::carried(server, id, file, raw, job.log_offset, Hidden::default());
        log.begin(session, title)?;
        Ok(log)
    }

    fn begin(&self, session: &Session, title: &str) -> io::Result<()> {
        let job = &session.job;
        let mut first = Vec::new();
        if job.log_offset == 0 {
            first.push(STX);
        } else {
            first.extend_from_slice(b"\nThe agent was lost; the phase starts again.\n\n");
        }
        let platform = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        write!(
            first,
            "{title} v{}\non {}_{platform}\nInitializing plugins and modules...\n",
            job.engine.version,
            std::env::consts::OS,
        )?;
        self.write(&first)
    }

    /// Opens a log that an earlier agent began at `base` and did not end. What the server has
    /// of it is offered again and skipped there.
    pub fn resume(
        server: Arc<Server>,
        job: &str,
        path: &Path,
        base: u64,
        hidden: Hidden,
    ) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.append(true).create(true).mode(0o600).open(path)?;
        // Another file, as the engine gets the first one and has nothing to read in it.
        let raw = File::open(path)?;
        Ok(Self::carried(server, job, file, raw, base, hidden))
    }

    fn carried(
        server: Arc<Server>,
        job: &str,
        file: File,
        raw: File,
        base: u64,
        hidden: Hidden,
    ) -> Self {
        let (end, ended) = watch::channel(None);
        let written = Arc::new(Notify::new());
        let unwritten = Unwritten::default();
        let clean = Clean::new(raw, hidden, unwritten.clone());
        let carrier = Carrier { server, job: job.to_owned(), clean, base };
        let carrier = tokio::spawn(carrier.carry(written.clone(), ended));
        Self { file, written, unwritten, reserve: AtomicU64::new(0), end, carrier }
    }

    /// Reserves room behind the end, which [`Self::keep_reserve`] moves along with it.
    pub fn reserve(&self, bytes: u64) -> io::Result<()> {
        self.reserve.store(bytes, Ordering::Relaxed);
        disk::reserve_behind(&self.file, bytes)
    }

    pub fn keep_reserve(&self) -> io::Result<()> {
        match self.reserve.load(Ordering::Relaxed) {
            0 => Ok(()),
            bytes => disk::reserve_behind(&self.file, bytes),
        }
    }

    /// For the engine's standard output and error.
    pub fn file(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    pub fn length(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    pub fn write(&self, bytes: &[u8]) -> io::Result<()> {
        (&self.file).write_all(bytes)?;
        self.written.notify_one();
        Ok(())
    }

    /// All of a file, however large it is.
    pub async fn append(&self, from: PathBuf) -> io::Result<()> {
        let mut file = self.file()?;
        let copied =
            tokio::task::spawn_blocking(move || io::copy(&mut File::open(from)?, &mut file));
        copied.await.map_err(io::Error::other)??;
        self.written.notify_one();
        Ok(())
    }

    /// A line of the agent's own. One that the disk does not take stands at the end of what the server gets.
    pub fn say(&self, line: &str) {
        let text = format!("\n{line}\n");
        if let Err(error) = self.write(text.as_bytes()) {
            tracing::warn!(%error, line, "the log takes no more lines");
            self.unwritten.add(text.as_bytes());
        }
    }

    /// Ends the log and waits until the server has all of it.
    pub async fn close(mut self, patience: Duration) -> Result<(), CallError> {
        let length = self.length()?;
        // No receiver means that the carrier has ended and says why below.
        let _ = self.end.send(Some(length));
        match tokio::time::timeout(patience, &mut self.carrier).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(panic)) => Err(io::Error::other(panic).into()),
            Err(_) => Err(CallError::Unreachable {
                call: "log",
                reason: format!("given up after {} seconds", patience.as_secs()),
            }),
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.carrier.abort();
    }
}

/// Our own words for which the disk had no room.
#[derive(Clone, Default)]
struct Unwritten(Arc<Mutex<Vec<u8>>>);

impl Unwritten {
    fn all(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, text: &[u8]) {
        let mut all = self.all();
        if all.len() + text.len() <= UNWRITTEN {
            all.extend_from_slice(text);
        }
    }
}

/// What a log does not show.
#[derive(Clone, Default)]
pub(crate) struct Hidden {
    pub sensitive: Sensitive,
    /// At the beginning of the log.
    pub mask: Mask,
}

/// What of the log people may read, as far as the server has not taken it. It is made from the file, and can be made
/// anew from its beginning: nothing of it lies on the disk, which may be full.
struct Clean {
    raw: File,
    hidden: Hidden,
    unwritten: Unwritten,
    emergency: Emergency,
    quotes: Quotes,
    mask: Mask,
    /// The beginning of a line whose end is not written yet.
    open: Vec<u8>,
    /// Bytes of the file that are dealt with.
    read: u64,
    /// What is ready to be sent, and where it begins.
    ready: Vec<u8>,
    start: u64,
    /// Bytes that the server has already.
    taken: u64,
    /// Nothing comes behind what is ready.
    complete: bool,
}

/// Bytes of a line that are waited for; the longest value of a variable in JSON has fewer.
const LINE: usize = 4 << 20;

impl Clean {
    fn new(raw: File, hidden: Hidden, unwritten: Unwritten) -> Self {
        Self {
            raw,
            emergency: Emergency::default(),
            quotes: Quotes::new(hidden.sensitive.clone()),
            mask: hidden.mask.clone(),
            hidden,
            unwritten,
            open: Vec::new(),
            read: 0,
            ready: Vec::new(),
            start: 0,
            taken: 0,
            complete: false,
        }
    }

    /// Takes in some of what has been written, unless enough is ready.
    fn follow(&mut self, end: Option<u64>) -> io::Result<()> {
        if self.complete || self.ready.len() >= CHUNK {
            return Ok(());
        }
        let limit = end.map_or(u64::MAX, |end| end.saturating_sub(self.read)).min(CHUNK as u64);
        let mut piece = vec![0; usize::try_from(limit).unwrap_or(CHUNK)];
        let length = self.raw.read_at(&mut piece, self.read)?;
        piece.truncate(length);
        self.read += length as u64;
        // An empty read before the end: somebody shortened the file, and there will be no more.
        self.complete = end.is_some_and(|end| self.read >= end || piece.is_empty());
        for piece in piece.split_inclusive(|byte| *byte == b'\n') {
            self.open.extend_from_slice(piece);
            if piece.ends_with(b"\n") || self.open.len() > LINE {
                self.show_open();
            }
        }
        if self.complete {
            self.show_open();
            let mut shown = Vec::new();
            self.emergency.finish(|line| self.quotes.clean(line, &mut shown));
            shown.extend_from_slice(&self.unwritten.all());
            self.mask.line(&shown, &mut self.ready);
            self.mask.finish(&mut self.ready);
        }
        self.forget();
        Ok(())
    }

    fn show_open(&mut self) {
        let mut shown = Vec::new();
        self.emergency.clean(&self.open, |line| self.quotes.clean(line, &mut shown));
        self.mask.line(&shown, &mut self.ready);
        self.open.clear();
    }

    fn end(&self) -> u64 {
        self.start + self.ready.len() as u64
    }

    /// Lets go of what the server has.
    fn forget(&mut self) {
        let known = self.taken.saturating_sub(self.start).min(self.ready.len() as u64);
        self.ready.drain(..usize::try_from(known).unwrap_or(self.ready.len()));
        self.start += known;
    }

    /// The server has all up to here; if that is less than before, all is made anew.
    fn stands_at(&mut self, position: u64) {
        self.taken = position;
        if position < self.start {
            self.quotes = Quotes::new(self.hidden.sensitive.clone());
            self.mask = self.hidden.mask.clone();
            self.emergency = Emergency::default();
            self.open.clear();
            self.ready.clear();
            (self.read, self.start, self.complete) = (0, 0, false);
        }
        self.forget();
    }

    /// Whether there is more to take in already.
    fn is_behind(&self) -> io::Result<bool> {
        Ok(!self.complete && self.raw.metadata()?.len() > self.read)
    }
}

struct Carrier {
    server: Arc<Server>,
    job: String,
    clean: Clean,
    /// Where ours begins in the server's log.
    base: u64,
}

impl Carrier {
    async fn carry(
        mut self,
        written: Arc<Notify>,
        mut ended: watch::Receiver<Option<u64>>,
    ) -> Result<(), CallError> {
        loop {
            let end = *ended.borrow_and_update();
            let (chunk, last) = self.next(end)?;
            if !chunk.is_empty() {
                if self.deliver(chunk).await? && last {
                    return Ok(());
                }
                continue;
            }
            if self.clean.is_behind()? {
                continue;
            }
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = written.notified() => {}
                _ = ended.changed() => {}
            }
        }
    }

    /// What comes next, and whether it is the last: behind the end stands ETX, and nothing that
    /// is written later counts.
    fn next(&mut self, end: Option<u64>) -> io::Result<(Bytes, bool)> {
        self.clean.follow(end)?;
        let ready = &self.clean.ready;
        let mut chunk = ready[..ready.len().min(CHUNK)].to_vec();
        let last = self.clean.complete && chunk.len() == ready.len();
        if last {
            chunk.push(ETX);
        }
        Ok((chunk.into(), last))
    }

    /// Repeats until the server has the chunk; false if it wants earlier bytes first.
    async fn deliver(&mut self, chunk: Bytes) -> Result<bool, CallError> {
        let mut pause = Backoff::default();
        let mut chunk = chunk;
        let mut offset = self.base + self.clean.start;
        while !chunk.is_empty() {
            match self.server.append_log(&self.job, offset, chunk.clone()).await {
                Ok(position) if position.length > offset => {
                    let taken = (position.length - offset).min(chunk.len() as u64);
                    offset += taken;
                    // Without ETX, which is none of it.
                    self.clean.stands_at((offset - self.base).min(self.clean.end()));
                    chunk = chunk.slice(usize::try_from(taken).unwrap_or(chunk.len())..);
                }
                Err(CallError::Gone) => return Err(CallError::Gone),
                // Bytes that it had are missing: ask where it stands and go on from there.
                Ok(_) | Err(CallError::Refused { status: StatusCode::CONFLICT, .. }) => {
                    pause.wait().await;
                    let stand = self.server.append_log(&self.job, 0, Bytes::new()).await;
                    if let Ok(position) = stand
                        && position.length < offset
                        && position.length >= self.base
                    {
                        self.clean.stands_at(position.length - self.base);
                        return Ok(false);
                    }
                }
                Err(error) => {
                    tracing::warn!(job = self.job, %error, "the log is not accepted yet");
                    pause.wait().await;
                }
            }
        }
        Ok(true)
    }
}
