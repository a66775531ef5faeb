//! The log of a phase: one local file that engine and agent append to, and its way to the server.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::StatusCode;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

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

/// A file and not a pipe: an engine whose agent was killed must not die of a closed pipe before
/// it has saved its state, and whatever the engine left running cannot keep the log open.
pub(crate) struct Log {
    file: File,
    written: Arc<Notify>,
    /// Length at which the log ends, once that is known.
    end: watch::Sender<Option<u64>>,
    carrier: JoinHandle<Result<(), CallError>>,
}

impl Log {
    /// Opens the log of a phase that the server knows as started, with its first three lines,
    /// which command lines do not show for an apply.
    pub fn open(session: &Session, path: &Path, title: &str) -> io::Result<Self> {
        let job = &session.job;
        let sensitive = variables::tfvars(&job.variables).lines;
        let log = Self::resume(session.server.clone(), &job.id, path, job.log_offset, sensitive)?;
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
        log.write(&first)?;
        Ok(log)
    }

    /// Opens a log that an earlier agent began at `base` and did not end. What the server has
    /// of it is offered again and skipped there.
    pub fn resume(
        server: Arc<Server>,
        job: &str,
        path: &Path,
        base: u64,
        sensitive: Sensitive,
    ) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.append(true).create(true).mode(0o600).open(path)?;
        let (end, ended) = watch::channel(None);
        let written = Arc::new(Notify::new());
        let clean = Clean::new(path, Quotes::new(sensitive))?;
        let carrier = Carrier { server, job: job.to_owned(), clean, base, read: 0 };
        let carrier = tokio::spawn(carrier.carry(written.clone(), ended));
        Ok(Self { file, written, end, carrier })
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

    /// A line of the agent's own; the disk being full must not end a run.
    pub fn say(&self, line: &str) {
        if let Err(error) = self.write(format!("\n{line}\n").as_bytes()) {
            tracing::warn!(%error, line, "the log takes no more lines");
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

/// What of the log people may read: a second file, made anew from the first whenever a log is opened, so that both
/// agree after any crash.
struct Clean {
    raw: File,
    file: File,
    quotes: Quotes,
    /// The beginning of a line whose end is not written yet.
    open: Vec<u8>,
    /// Bytes of the first file that are dealt with.
    read: u64,
    written: u64,
}

/// Bytes of a line that are waited for; the longest value of a variable in JSON has fewer.
const LINE: usize = 4 << 20;

impl Clean {
    fn new(raw: &Path, quotes: Quotes) -> io::Result<Self> {
        let path = raw.with_extension("clean");
        let mut options = OpenOptions::new();
        let file =
            options.read(true).write(true).create(true).truncate(true).mode(0o600).open(path)?;
        let raw = File::open(raw)?;
        Ok(Self { raw, file, quotes, open: Vec::new(), read: 0, written: 0 })
    }

    /// Takes in what has been written; true when all is taken in up to the end.
    fn follow(&mut self, end: Option<u64>) -> io::Result<bool> {
        let limit = end.map_or(u64::MAX, |end| end.saturating_sub(self.read)).min(CHUNK as u64);
        self.raw.seek(SeekFrom::Start(self.read))?;
        let mut piece = Vec::new();
        (&mut self.raw).take(limit).read_to_end(&mut piece)?;
        self.read += piece.len() as u64;
        // An empty read before the end: somebody shortened the file, and there will be no more.
        let last = end.is_some_and(|end| self.read >= end || piece.is_empty());
        let mut clean = Vec::new();
        for piece in piece.split_inclusive(|byte| *byte == b'\n') {
            self.open.extend_from_slice(piece);
            if piece.ends_with(b"\n") || self.open.len() > LINE {
                self.quotes.clean(&self.open, &mut clean);
                self.open.clear();
            }
        }
        if last {
            self.quotes.clean(&std::mem::take(&mut self.open), &mut clean);
        }
        self.file.seek(SeekFrom::Start(self.written))?;
        self.file.write_all(&clean)?;
        self.written += clean.len() as u64;
        Ok(last)
    }

    /// Whether there is more to take in already.
    fn is_behind(&self) -> io::Result<bool> {
        Ok(self.raw.metadata()?.len() > self.read)
    }

    fn piece(&mut self, from: u64) -> io::Result<Vec<u8>> {
        let mut piece = Vec::new();
        self.file.seek(SeekFrom::Start(from))?;
        (&mut self.file).take(CHUNK as u64).read_to_end(&mut piece)?;
        Ok(piece)
    }
}

struct Carrier {
    server: Arc<Server>,
    job: String,
    clean: Clean,
    /// Where the local file begins in the server's log.
    base: u64,
    /// Bytes of the local file that the server has.
    read: u64,
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
        let complete = self.clean.follow(end)?;
        let mut chunk = self.clean.piece(self.read)?;
        let last = complete && self.read + chunk.len() as u64 >= self.clean.written;
        if last {
            chunk.push(ETX);
        }
        Ok((chunk.into(), last))
    }

    /// Repeats until the server has the chunk; false if it wants earlier bytes first.
    async fn deliver(&mut self, chunk: Bytes) -> Result<bool, CallError> {
        let mut pause = Backoff::default();
        let mut chunk = chunk;
        while !chunk.is_empty() {
            let offset = self.base + self.read;
            match self.server.append_log(&self.job, offset, chunk.clone()).await {
                Ok(position) if position.length > offset => {
                    let taken = (position.length - offset).min(chunk.len() as u64);
                    self.read += taken;
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
                        self.read = position.length - self.base;
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
