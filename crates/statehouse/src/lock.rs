//! One process per data directory.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};

/// Held for as long as the process serves. The kernel lets go of it when the process ends, however
/// it ends, so that there is no stale lock to remove by hand.
#[derive(Debug)]
pub struct DataDirLock {
    _file: File,
}

impl DataDirLock {
    /// Refuses if another process holds the directory, and says which one and since when.
    pub fn take(data_dir: &Path) -> Result<Self> {
        let path = data_dir.join("lock");
        // Not truncated: until we hold the lock, the content is the other process's.
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .with_context(|| path.display().to_string())?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                file.read_to_string(&mut holder).ok();
                bail!(
                    "data_dir {} is in use by another statehouse ({}); \
                     stop it, or choose another --data-dir",
                    data_dir.display(),
                    holder.trim()
                );
            }
            Err(TryLockError::Error(e)) => return Err(e).context(path.display().to_string()),
        }
        file.set_len(0)?;
        file.seek(SeekFrom::Start(0))?;
        #[expect(clippy::disallowed_methods, reason = "for people to read; no rule depends on it")]
        let now = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        writeln!(file, "pid {} since {now}", std::process::id())?;
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_process_is_refused_and_told_who_holds_the_directory() {
        let dir = tempfile::tempdir().unwrap();
        let held = DataDirLock::take(dir.path()).unwrap();
        let refused = DataDirLock::take(dir.path()).unwrap_err().to_string();
        assert!(refused.contains(&dir.path().display().to_string()), "{refused}");
        assert!(refused.contains(&format!("pid {} since 2", std::process::id())), "{refused}");
        drop(held);
        DataDirLock::take(dir.path()).unwrap();
    }

    #[test]
    fn what_an_earlier_process_left_does_not_lock() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(
            dir.path().join("lock"),
            "pid 4194304 since 2020-01-01T00:00:00Z\n".repeat(3),
        )
        .unwrap();
        let _held = DataDirLock::take(dir.path()).unwrap();
        let content = std::fs::read_to_string(dir.path().join("lock")).unwrap();
        assert_eq!(content.lines().count(), 1, "{content}");
    }
}
