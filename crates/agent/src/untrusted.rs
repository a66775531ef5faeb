//! Reads files that an engine's code could write: no link, no pipe and no size may lead the agent astray.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{Mode, OFlags, ResolveFlags, open, openat, openat2};
use rustix::io::Errno;

/// Bytes of the largest state that a server takes: none is given up for its size.
pub(crate) const STATE: u64 = 2 << 30;
/// Of a plan and of what an engine says about one.
pub(crate) const LARGE: u64 = 1 << 30;
/// Of what people write, and of an engine's notes.
pub(crate) const SMALL: u64 = 16 << 20;

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
/// Without NONBLOCK a named pipe would hold us for ever.
const FILE: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

/// The content of a regular file below an open `folder`, reached without following any link, wherever the folder is by
/// now.
///
/// Fails for one with more than `limit` bytes.
pub(crate) async fn read(folder: Arc<File>, relative: PathBuf, limit: u64) -> io::Result<Bytes> {
    tokio::task::spawn_blocking(move || content(open_beneath(&*folder, &relative)?, limit))
        .await
        .map_err(io::Error::other)?
}

/// The whole content of a file that is open for reading, whatever became of its name and of who may open it.
pub(crate) async fn read_open(file: Arc<File>, limit: u64) -> io::Result<Bytes> {
    tokio::task::spawn_blocking(move || content_of(&file, limit)).await.map_err(io::Error::other)?
}

/// A path that leads to an open file or folder itself, whatever became of its name. Of this process only.
pub(crate) fn through(file: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

/// As [`read`], but an absent file is nothing.
pub(crate) async fn read_if_there(
    folder: Arc<File>,
    relative: PathBuf,
    limit: u64,
) -> io::Result<Option<Bytes>> {
    match read(folder, relative, limit).await {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// At once; and links are followed as long as they stay below `root`, where the kernel can say so.
pub(crate) fn read_linked(root: &Path, relative: &Path, limit: u64) -> io::Result<Bytes> {
    let stay = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    let folder = open(root, FOLDER, Mode::empty())?;
    match openat2(&folder, relative, FILE, Mode::empty(), stay) {
        Err(Errno::NOSYS | Errno::PERM) => content(open_beneath(&folder, relative)?, limit),
        file => content(file?, limit),
    }
}

fn open_beneath(folder: impl AsFd, relative: &Path) -> io::Result<OwnedFd> {
    let mut at = openat(folder, ".", FOLDER, Mode::empty())?;
    let mut parts = relative.components().peekable();
    while let Some(part) = parts.next() {
        let Component::Normal(name) = part else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a plain relative path"));
        };
        let flags = if parts.peek().is_some() { FOLDER } else { FILE };
        at = openat(&at, name, flags | OFlags::NOFOLLOW, Mode::empty())?;
    }
    Ok(at)
}

fn content(file: OwnedFd, limit: u64) -> io::Result<Bytes> {
    content_of(&File::from(file), limit)
}

/// Reads from the beginning, wherever the descriptor stands.
struct FromStart<'a> {
    file: &'a File,
    at: u64,
}

impl io::Read for FromStart<'_> {
    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read_at(piece, self.at)?;
        self.at += length as u64;
        Ok(length)
    }
}

fn content_of(file: &File, limit: u64) -> io::Result<Bytes> {
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    let mut content = Vec::new();
    // It may grow while it is read.
    FromStart { file, at: 0 }.take(limit + 1).read_to_end(&mut content)?;
    if content.len() as u64 > limit {
        let why = format!("it has more than {limit} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
    }
    Ok(content.into())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use rustix::fs::{CWD, FileType, mknodat};

    use super::*;

    /// A folder with everything in it that a run could leave in the place of a file.
    fn traps() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("file"), "content").unwrap();
        std::fs::create_dir(at("folder")).unwrap();
        std::fs::write(at("folder/file"), "content").unwrap();
        let fifo = FileType::Fifo;
        mknodat(CWD, at("pipe"), fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        for (link, target) in [
            ("link", "file"),
            ("to-folder", "folder"),
            ("to-pipe", "pipe"),
            ("endless", "/dev/zero"),
            ("out", "/etc/hostname"),
            ("up", "../../etc/hostname"),
            ("loop", "loop"),
        ] {
            symlink(target, at(link)).unwrap();
        }
        folder
    }

    #[tokio::test]
    async fn only_a_regular_file_of_some_size_is_read() {
        let folder = traps();
        let open = Arc::new(File::open(folder.path()).unwrap());
        let read = async |name: &str, limit| read(open.clone(), name.into(), limit).await;
        assert_eq!(read("file", 7).await.unwrap(), "content");
        assert_eq!(read("folder/file", 7).await.unwrap(), "content");
        assert!(read("file", 6).await.unwrap_err().to_string().contains("more than 6 bytes"));
        for trap in
            ["pipe", "folder", "link", "to-folder/file", "to-pipe", "endless", "out", "up", "loop"]
        {
            assert!(read(trap, 7).await.is_err(), "{trap}");
        }
        assert!(read("../file", 7).await.is_err());
    }

    #[test]
    fn links_are_followed_as_far_as_the_root_reaches() {
        let folder = traps();
        let read = |name: &str| read_linked(folder.path(), Path::new(name), 7);
        for name in ["file", "link", "to-folder/file"] {
            assert_eq!(read(name).unwrap(), "content", "{name}");
        }
        for trap in ["pipe", "folder", "to-pipe", "endless", "out", "up", "loop", "../file"] {
            assert!(read(trap).is_err(), "{trap}");
        }
    }
}
