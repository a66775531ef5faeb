//! Where an SQLite database lies, held: a file that was moved away, deleted or replaced beneath us can still be written,
//! and nobody would ever find that again.

use std::{
    fs, io,
    os::{fd::OwnedFd, unix::fs::MetadataExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use rustix::fs::{Mode, OFlags, fstat, open};
use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::sync::Mutex;

use crate::{Error, Result};

/// The files of an open database. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Place(Arc<Inside>);

#[derive(Debug)]
struct Inside {
    files: Vec<File>,
    /// As long as a connection is open, SQLite keeps its log and its index; the last one to close would remove them,
    /// and the next would make others.
    keeper: Mutex<Option<SqliteConnection>>,
}

#[derive(Debug)]
struct File {
    path: PathBuf,
    id: (u64, u64),
    /// Nobody else gets its number. Only a path: to close a real one would end SQLite's locks.
    _held: OwnedFd,
}

impl Place {
    /// Opens a database, which makes it if that is in `options`, and notes its files.
    pub async fn hold(path: &Path, options: &SqliteConnectOptions) -> Result<Self> {
        let mut keeper = SqliteConnection::connect_with(options).await?;
        // Only who reads opens them.
        sqlx::query("SELECT name FROM sqlite_master LIMIT 1").fetch_optional(&mut keeper).await?;
        let files = files(path).map_err(|error| {
            Error::Settings(format!("the database {} cannot be held: {error}", path.display()))
        })?;
        Ok(Self(Arc::new(Inside { files, keeper: Mutex::new(Some(keeper)) })))
    }

    /// Fails if what is at its path is not what is open.
    pub async fn check(&self) -> Result<()> {
        let inside = self.0.clone();
        // Off the async threads: a file system over a network may hang.
        let looked =
            tokio::task::spawn_blocking(move || inside.files.iter().try_for_each(File::look));
        looked.await.map_err(|error| error.to_string()).flatten().map_err(|cause| {
            Error::Unavailable {
                sentence: "The files of the database are not where they were opened.",
                cause,
            }
        })
    }

    pub async fn close(&self) {
        if let Some(keeper) = self.0.keeper.lock().await.take()
            && let Err(error) = keeper.close().await
        {
            tracing::warn!(%error, "the database was not closed well");
        }
    }
}

/// SQLite's log and its index lie beside the file, wherever a link leads to it.
fn files(path: &Path) -> io::Result<Vec<File>> {
    let real = path.canonicalize()?;
    let beside = ["-wal", "-shm"].map(|ending| {
        let mut name = real.as_os_str().to_owned();
        name.push(ending);
        name.into()
    });
    [path.to_owned()].into_iter().chain(beside).map(File::hold).collect()
}

impl File {
    fn hold(path: PathBuf) -> io::Result<Self> {
        let held = open(&path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
        let found = fstat(&held)?;
        Ok(Self { path, id: (found.st_dev, found.st_ino), _held: held })
    }

    fn look(&self) -> Result<(), String> {
        let path = self.path.display();
        match fs::metadata(&self.path) {
            Ok(found) if (found.dev(), found.ino()) == self.id => Ok(()),
            Ok(_) => Err(format!("another file lies at {path}")),
            Err(error) => Err(format!("{path}: {error}")),
        }
    }
}
