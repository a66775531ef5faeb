//! Who has the state of an apply open for writing: its engine, once, and nobody else.
//!
//! What a program of the run writes into the state looks like the engine's own if it wants to. But it has to open the
//! file, and to close it, be it by its death. (Terraform and OpenTofu open their state once and write into it until
//! their end.)

use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;

use rustix::fs::inotify::{
    CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init, remove_watch,
};
use rustix::io::Errno;
use tokio::task::JoinHandle;

use crate::untrusted;

/// Counts them from the engine's start on.
pub(crate) struct Writers {
    events: Arc<OwnedFd>,
    watch: i32,
    are_others: JoinHandle<bool>,
}

impl Writers {
    /// # Errors
    /// Where a user may watch no more files at once (`fs.inotify.max_user_instances`).
    pub fn of(state: &File) -> io::Result<Self> {
        let events = Arc::new(init(CreateFlags::CLOEXEC)?);
        // The kernel tells of several such events as of one, unless others come between them.
        let all = WatchFlags::OPEN | WatchFlags::MODIFY | WatchFlags::CLOSE;
        let watch = add_watch(&events, untrusted::through(state), all)?;
        let theirs = events.clone();
        // A thread of its own takes each at once, before the next is told as one with it.
        let are_others = tokio::task::spawn_blocking(move || are_others(&theirs));
        Ok(Self { events, watch, are_others })
    }

    /// Whether there was one beside the engine; to be asked when all that the run started has ended.
    pub async fn are_others(mut self) -> bool {
        self.end();
        (&mut self.are_others).await.unwrap_or(true)
    }

    /// The kernel tells of this too, behind everything else.
    fn end(&self) {
        // An error means that it has ended already.
        let _ = remove_watch(&self.events, self.watch);
    }
}

impl Drop for Writers {
    fn drop(&mut self) {
        self.end();
    }
}

fn are_others(events: &OwnedFd) -> bool {
    let mut room = [MaybeUninit::uninit(); 4096];
    let mut events = Reader::new(events.as_fd(), &mut room);
    let (mut gone, mut are_others) = (0, false);
    loop {
        match events.next().map(|event| event.events()) {
            Ok(event) if event.contains(ReadFlags::CLOSE_WRITE) => gone += 1,
            // By one that has not gone yet.
            Ok(event) if event.contains(ReadFlags::MODIFY) => are_others |= gone > 0,
            // More than anybody could tell.
            Ok(event) if event.contains(ReadFlags::QUEUE_OVERFLOW) => are_others = true,
            Ok(event) if event.contains(ReadFlags::IGNORED) => return are_others || gone > 1,
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => {
                tracing::error!(%error, "nobody can tell who else has written the state");
                return true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::io::Write as _;

    use super::*;

    fn open(path: &std::path::Path) -> File {
        OpenOptions::new().append(true).open(path).unwrap()
    }

    #[tokio::test]
    async fn one_who_writes_as_long_as_he_likes_is_alone() {
        let own = tempfile::NamedTempFile::new().unwrap();
        let writers = Writers::of(own.as_file()).unwrap();
        let mut engine = open(own.path());
        for _ in 0..3 {
            engine.write_all(b"x").unwrap();
            // Whoever wants to reads.
            drop([(); 2].map(|()| std::fs::read(own.path()).unwrap()));
        }
        drop(engine);
        assert!(!writers.are_others().await);
    }

    #[tokio::test]
    async fn whoever_comes_beside_him_is_seen_whenever_that_is() {
        let both: [fn(&std::path::Path); 3] = [
            |path| {
                let engine = open(path);
                drop(open(path));
                drop(std::fs::read(path));
                drop(engine);
            },
            |path| {
                drop(open(path));
                std::fs::write(path, "x").unwrap();
            },
            |path| {
                let (mut early, engine) = (open(path), open(path));
                drop(engine);
                early.write_all(b"x").unwrap();
            },
        ];
        for (number, write) in both.into_iter().enumerate() {
            let own = tempfile::NamedTempFile::new().unwrap();
            let writers = Writers::of(own.as_file()).unwrap();
            write(own.path());
            assert!(writers.are_others().await, "{number}");
        }
    }

    #[tokio::test]
    async fn two_ends_with_nothing_between_them_are_two() {
        let own = tempfile::NamedTempFile::new().unwrap();
        let writers = Writers::of(own.as_file()).unwrap();
        let engine = open(own.path());
        drop(open(own.path()));
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        drop(engine);
        assert!(writers.are_others().await);
    }

    #[tokio::test]
    async fn nothing_is_left_of_one_that_nobody_asks() {
        let own = tempfile::NamedTempFile::new().unwrap();
        let writers = Writers::of(own.as_file()).unwrap();
        let events = Arc::downgrade(&writers.events);
        drop(writers);
        while events.strong_count() > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }
}
