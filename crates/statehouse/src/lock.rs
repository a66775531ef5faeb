//! One process per data directory.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// What a killed process held is let go of when the kernel has cleared it away, and that of a child it was just
/// starting when that child becomes another program. A server that serves holds on for longer.
const PATIENCE: Duration = Duration::from_secs(5);
const TRY_AGAIN: Duration = Duration::from_millis(50);

/// Held for as long as the process serves. The kernel lets go of it when the process ends, however
/// it ends, so that there is no stale lock to remove by hand.
#[derive(Debug)]
pub struct DataDirLock {
    _file: File,
}

impl DataDirLock {
    /// Refuses if another process still holds the directory after a few seconds, and says which one and since when.
    pub async fn take(data_dir: &Path) -> Result<Self> {
        Self::take_within(PATIENCE, data_dir).await
    }

    async fn take_within(patience: Duration, data_dir: &Path) -> Result<Self> {
        // Not truncated: until we hold the lock, the content is the other process's.
        let path = path(data_dir);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .with_context(|| path.display().to_string())?;
        let waiting = Instant::now();
        let mut told = false;
        while let Some(held) = held(&mut file, data_dir)? {
            if waiting.elapsed() >= patience {
                bail!("{held}; stop it, or choose another --data-dir");
            }
            if !told {
                tracing::info!("{held}; waiting for it to end, {} s at most", patience.as_secs());
                told = true;
            }
            tokio::time::sleep(TRY_AGAIN).await;
        }
        file.set_len(0)?;
        file.seek(SeekFrom::Start(0))?;
        #[expect(clippy::disallowed_methods, reason = "for people to read; no rule depends on it")]
        let now = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        writeln!(file, "pid {} since {now}", std::process::id())?;
        Ok(Self { _file: file })
    }

    /// Who holds the directory, without taking it and without making a file.
    pub fn holder(data_dir: &Path) -> Result<Option<String>> {
        let path = path(data_dir);
        match File::open(&path) {
            Ok(mut file) => held(&mut file, data_dir),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e).context(path.display().to_string()),
        }
    }
}

fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("lock")
}

/// Takes the lock, or says who has it.
fn held(file: &mut File, data_dir: &Path) -> Result<Option<String>> {
    match file.try_lock() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            file.seek(SeekFrom::Start(0))?;
            file.read_to_string(&mut holder).ok();
            let (dir, holder) = (data_dir.display(), holder.trim());
            Ok(Some(format!("data_dir {dir} is in use by another statehouse ({holder})")))
        }
        Err(TryLockError::Error(e)) => Err(e).context(path(data_dir).display().to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_second_process_is_refused_and_told_who_holds_the_directory() {
        let dir = tempfile::tempdir().unwrap();
        let held = DataDirLock::take(dir.path()).await.unwrap();
        let holder = DataDirLock::holder(dir.path()).unwrap().unwrap();
        let refused = DataDirLock::take_within(Duration::ZERO, dir.path()).await;
        for said in [holder, refused.unwrap_err().to_string()] {
            assert!(said.contains(&dir.path().display().to_string()), "{said}");
            assert!(said.contains(&format!("pid {} since 2", std::process::id())), "{said}");
        }
        drop(held);
        assert_eq!(DataDirLock::holder(dir.path()).unwrap(), None);
        DataDirLock::take_within(Duration::ZERO, dir.path()).await.unwrap();
    }

    #[tokio::test]
    async fn a_process_that_is_just_ending_is_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let held = DataDirLock::take(dir.path()).await.unwrap();
        // Polled in this order: the lock is let go of only when the other one waits for it.
        let (taken, ()) = tokio::join!(DataDirLock::take(dir.path()), async { drop(held) });
        taken.unwrap();
    }

    #[test]
    fn asking_who_holds_a_directory_makes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(DataDirLock::holder(dir.path()).unwrap(), None);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn what_an_earlier_process_left_does_not_lock() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(
            dir.path().join("lock"),
            "pid 4194304 since 2020-01-01T00:00:00Z\n".repeat(3),
        )
        .unwrap();
        let _held = DataDirLock::take(dir.path()).await.unwrap();
        let content = std::fs::read_to_string(dir.path().join("lock")).unwrap();
        assert_eq!(content.lines().count(), 1, "{content}");
    }
}
