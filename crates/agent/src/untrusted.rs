//! Reads files that an engine's code could write: no link and no pipe may lead the agent astray.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};

use bytes::Bytes;
use rustix::fs::{Mode, OFlags, open, openat};

/// The content of a regular file below `root`, reached without following any link.
pub(crate) async fn read(root: &Path, relative: PathBuf) -> io::Result<Bytes> {
    let root = root.to_owned();
    tokio::task::spawn_blocking(move || {
        let mut content = Vec::new();
        open_beneath(&root, &relative)?.read_to_end(&mut content)?;
        Ok(content.into())
    })
    .await
    .map_err(io::Error::other)?
}

/// As [`read`], but an absent file is nothing.
pub(crate) async fn read_if_there(root: &Path, relative: PathBuf) -> io::Result<Option<Bytes>> {
    match read(root, relative).await {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn open_beneath(root: &Path, relative: &Path) -> io::Result<File> {
    let folder = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    // Without NONBLOCK a named pipe would hold us for ever.
    let file = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let mut at = open(root, folder, Mode::empty())?;
    let mut parts = relative.components().peekable();
    while let Some(part) = parts.next() {
        let Component::Normal(name) = part else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a plain relative path"));
        };
        let flags = if parts.peek().is_some() { folder | OFlags::NOFOLLOW } else { file };
        at = openat(&at, name, flags, Mode::empty())?;
    }
    let file = File::from(at);
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    Ok(file)
}
