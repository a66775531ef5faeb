//! Unpacks a configuration archive without trusting a byte of it.

use std::fs::{self, File, Permissions};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use tar::EntryType;

/// Ceilings for one archive: neither a bomb nor a mistake may fill the disk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ceiling {
    pub bytes: u64,
    pub entries: u64,
}

impl Default for Ceiling {
    fn default() -> Self {
        Self { bytes: 4 << 30, entries: 200_000 }
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ArchiveError {
    #[error("the configuration archive is not a readable gzip tar: {0}")]
    Unreadable(String),
    #[error("“{name}” of the configuration archive cannot be unpacked: {reason}")]
    Entry { name: String, reason: String },
    #[error("the configuration archive holds the path “{0}”, which leaves its root")]
    Escapes(String),
    #[error("the configuration archive holds “{0}”, which is neither file, folder nor link")]
    Special(String),
    #[error("the configuration archive unpacks to more than {0} bytes")]
    TooLarge(u64),
    #[error("the configuration archive holds more than {0} entries")]
    TooMany(u64),
}

impl From<io::Error> for ArchiveError {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(reason(&error))
    }
}

/// Why, without where: what the library says around it names paths of this machine.
fn reason(error: &io::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// Unpacks into `root`, an existing and empty directory without symlinks in its own path.
pub(crate) fn unpack(archive: &Path, root: &Path, ceiling: Ceiling) -> Result<(), ArchiveError> {
    let gzip = MultiGzDecoder::new(BufReader::new(File::open(archive)?));
    // Headers, names and padding count too: a tar of empty files is a bomb as well.
    let limited = Limited { inner: gzip, left: ceiling.bytes, exceeded: false };
    let mut tar = tar::Archive::new(limited);
    tar.set_preserve_mtime(false);
    tar.set_preserve_ownerships(false);
    let outcome = unpack_entries(&mut tar, root, ceiling);
    if tar.into_inner().exceeded {
        return Err(ArchiveError::TooLarge(ceiling.bytes));
    }
    outcome
}

fn unpack_entries(
    tar: &mut tar::Archive<impl Read>,
    root: &Path,
    ceiling: Ceiling,
) -> Result<(), ArchiveError> {
    let mut links = Vec::new();
    let mut bytes = 0_u64;
    for (count, entry) in (1_u64..).zip(tar.entries()?) {
        let mut entry = entry?;
        if count > ceiling.entries {
            return Err(ArchiveError::TooMany(ceiling.entries));
        }
        // A sparse file unpacks to more than the archive holds of it.
        bytes = bytes.saturating_add(entry.size());
        if bytes > ceiling.bytes {
            return Err(ArchiveError::TooLarge(ceiling.bytes));
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let unpacked = |entry: &mut tar::Entry<'_, _>| match entry.unpack_in(root) {
            Ok(true) => Ok(()),
            Ok(false) => Err(ArchiveError::Escapes(name.clone())),
            Err(error) => {
                // Also said without a cause, of an entry that leads out over a link.
                let reason = reason(&error).replace(&*root.to_string_lossy(), ".");
                Err(ArchiveError::Entry { name: name.clone(), reason })
            }
        };
        let kind = entry.header().entry_type();
        if kind == EntryType::XGlobalHeader {
            continue;
        }
        let path = inside(Path::new(""), &entry.path()?)
            .ok_or_else(|| ArchiveError::Escapes(name.clone()))?;
        match kind {
            EntryType::Directory => {
                unpacked(&mut entry)?;
                // Whatever its mode was: we must be able to write into it and to remove it.
                fs::set_permissions(root.join(path), Permissions::from_mode(0o755))?;
            }
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                // It also refuses to write through a link that leaves the root.
                unpacked(&mut entry)?;
            }
            EntryType::Symlink | EntryType::Link => {
                let target =
                    entry.link_name()?.ok_or_else(|| ArchiveError::Special(name.clone()))?;
                let base = match kind {
                    EntryType::Symlink => path.parent().unwrap_or(Path::new("")),
                    _ => Path::new(""),
                };
                if inside(base, &target).is_none() {
                    return Err(ArchiveError::Escapes(name));
                }
                unpacked(&mut entry)?;
                links.push((root.join(path), name));
            }
            _ => return Err(ArchiveError::Special(name)),
        }
    }
    // What looks innocent by its letters may lead out over another link; ask the kernel.
    for (link, name) in links {
        if link.canonicalize().is_ok_and(|target| !target.starts_with(root)) {
            return Err(ArchiveError::Escapes(name));
        }
    }
    Ok(())
}

/// `base/path` by its letters alone, or nothing if it is absolute or climbs out.
fn inside(base: &Path, path: &Path) -> Option<PathBuf> {
    let mut joined = base.to_owned();
    for part in path.components() {
        match part {
            Component::Normal(name) => joined.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !joined.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(joined)
}

struct Limited<R> {
    inner: R,
    left: u64,
    exceeded: bool,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let Some(left) = self.left.checked_sub(read as u64) else {
            self.exceeded = true;
            return Err(io::Error::other("too large"));
        };
        self.left = left;
        Ok(read)
    }
}
