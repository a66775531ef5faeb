//! Room on the disk of the jobs: wanted before a phase begins, watched while it runs, and held in reserve for the
//! state of an apply.
//!
//! One setting decides: a phase begins with so much free, and is interrupted, as a cancel does it, when less than a
//! quarter of it is left. An apply lays another quarter aside as ballast, which is given up at that moment, and room
//! behind the end of its log: there the engine prints a state that it could write nowhere else, and nobody who fills
//! the disk can take that from it.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use rustix::fs::{FallocateFlags, StatVfs, fallocate, fstatvfs, statvfs};
use rustix::io::Errno;

use crate::log::Log;
use crate::session::{Session, Stop};
use crate::workplace::{Workplace, private_file};

/// How often the room is looked at; what fills a disk is fast.
const EVERY: Duration = Duration::from_millis(200);
/// Of the minimum.
const PART: u64 = 4;
/// Of the minimum, behind the end of a log.
const LOG_PART: u64 = 16;

/// Bytes that we may still write to the file system of a path.
fn free(path: &Path) -> io::Result<u64> {
    Ok(room(&statvfs(path)?))
}

/// The same of an open folder.
fn free_on(folder: &File) -> io::Result<u64> {
    Ok(room(&fstatvfs(folder)?))
}

fn room(found: &StatVfs) -> u64 {
    found.f_bavail.saturating_mul(found.f_frsize)
}

/// Whether a phase may begin; else a sentence that says what is wanted. A minimum of 0 asks nothing.
pub(crate) fn has_room(work_dir: &Path, minimum: u64) -> Result<(), String> {
    if minimum == 0 {
        return Ok(());
    }
    match free(work_dir) {
        Ok(free) if free >= minimum => Ok(()),
        Ok(free) => Err(format!(
            "The agent has too little room on the disk of {}: {} MiB are free, and a phase begins with {} MiB \
             (min_free_disk). Nothing was changed.",
            work_dir.display(),
            free >> 20,
            minimum >> 20
        )),
        Err(error) => Err(format!("The agent cannot use {}: {error}.", work_dir.display())),
    }
}

/// The reserve of one job.
pub(crate) struct Reserve<'a> {
    place: &'a Workplace,
    minimum: u64,
}

impl<'a> Reserve<'a> {
    pub fn of(place: &'a Workplace, minimum: u64) -> Self {
        Self { place, minimum }
    }

    /// Lays aside what the state of an apply may need, before the engine can change anything. An engine writes its
    /// state once more where the first try fails, beside a backup of what was there before.
    pub fn lay(&self, state: u64, log: &Log) -> io::Result<()> {
        if self.minimum == 0 {
            return Ok(());
        }
        fill(&self.place.ballast(), (self.minimum / PART).max(state.saturating_mul(4)))?;
        log.reserve((self.minimum / LOG_PART).max(state.saturating_mul(2)))
    }

    /// Whether what was laid aside was needed, or would be now: less is free than a state and its copies may want.
    pub fn is_short(&self, state: u64) -> bool {
        let wanted = (self.minimum / PART).max(state.saturating_mul(4));
        free_on(&self.place.folder()).is_ok_and(|free| free < wanted)
    }

    /// Interrupts the phase when the disk is nearly full, and gives up the ballast; never ends by itself.
    pub async fn watch(&self, session: &Session, log: &Log) {
        if self.minimum == 0 {
            return std::future::pending().await;
        }
        let mut is_unwell = false;
        loop {
            tokio::time::sleep(EVERY).await;
            let looked = match free_on(&self.place.folder()) {
                Ok(free) if free < self.minimum / PART => {
                    let (job, run) = (&session.job.id, &session.job.run_id);
                    tracing::error!(
                        job,
                        run,
                        free,
                        "the disk of the job directories is nearly full"
                    );
                    // First who writes is asked to end: else it would take this room too.
                    session.raise(Stop::Disk);
                    release(self.place);
                    return std::future::pending().await;
                }
                Ok(_) => log.keep_reserve(),
                Err(error) => Err(error),
            };
            // Once, and once more after it was well again: this comes five times a second.
            let was_unwell = std::mem::replace(&mut is_unwell, looked.is_err());
            if let Err(error) = looked
                && !was_unwell
            {
                tracing::warn!(%error, "the room on the disk cannot be looked after");
            }
        }
    }
}

/// Gives the room back.
pub(crate) fn release(place: &Workplace) {
    match fs::remove_file(place.ballast()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::error!(%error, "the ballast of a job cannot be released");
        }
        _ => {}
    }
}

/// A file that takes up so much room, to the last block.
fn fill(path: &Path, bytes: u64) -> io::Result<()> {
    let mut file = private_file(path)?;
    match fallocate(&file, FallocateFlags::empty(), 0, bytes) {
        Err(Errno::OPNOTSUPP) => write_all(&mut file, bytes)?,
        other => other?,
    }
    file.sync_all()
}

/// Where a file system reserves nothing.
fn write_all(file: &mut File, bytes: u64) -> io::Result<()> {
    let zeros = vec![0; 1 << 20];
    let mut left = bytes;
    while left > 0 {
        let some = usize::try_from(left).unwrap_or(usize::MAX).min(zeros.len());
        file.write_all(&zeros[..some])?;
        left -= some as u64;
    }
    Ok(())
}

/// Reserves room behind the end of a file that grows; where the file system cannot, nothing is reserved.
pub(crate) fn reserve_behind(file: &File, bytes: u64) -> io::Result<()> {
    let end = file.metadata()?.len();
    match fallocate(file, FallocateFlags::KEEP_SIZE, end, bytes) {
        Err(Errno::OPNOTSUPP) => Ok(()),
        other => Ok(other?),
    }
}
