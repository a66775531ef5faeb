//! Writes files one after the other into a tar file compressed with gzip, and stops where it becomes too large.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};

use super::GitError;
use super::archive::Entry;
use crate::CommitId;

/// What `git cat-file --batch` prints: a line with name, kind and size, the content, a line end.
pub(super) struct Source<R> {
    inner: BufReader<R>,
}

impl<R: Read> Source<R> {
    pub fn new(inner: R) -> Self {
        Self { inner: BufReader::new(inner) }
    }

    /// The size of what comes next, which must be this.
    pub fn next(&mut self, object: &CommitId) -> Result<u64, GitError> {
        let mut line = String::new();
        (&mut self.inner).take(200).read_line(&mut line)?;
        let mut parts = line.split_whitespace();
        let found = (parts.next(), parts.next(), parts.next().and_then(|size| size.parse().ok()));
        match found {
            (Some(name), Some("blob"), Some(size)) if name == object.as_str() => Ok(size),
            _ => Err(GitError::Failed(format!("{object} is not in the cache"))),
        }
    }

    /// All of it, with the line end behind it.
    pub fn copy(&mut self, size: u64, into: &mut impl Write) -> io::Result<()> {
        let copied = io::copy(&mut (&mut self.inner).take(size), into)?;
        self.end(copied == size)
    }

    fn end(&mut self, is_whole: bool) -> io::Result<()> {
        let mut line_end = [0];
        self.inner.read_exact(&mut line_end)?;
        if is_whole { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

pub(super) struct Packer {
    tar: Builder<GzEncoder<Counted>>,
    /// Bytes that may still come.
    left: u64,
    limit: u64,
    files: usize,
    mtime: u64,
}

impl Packer {
    /// `mtime` are seconds since 1970: the same commit makes the same archive.
    pub fn new(file: File, limit: u64, mtime: i64) -> Self {
        let counted = Counted { file, written: 0 };
        Self {
            tar: Builder::new(GzEncoder::new(counted, Compression::fast())),
            left: limit,
            limit,
            files: 0,
            mtime: u64::try_from(mtime).unwrap_or(0),
        }
    }

    pub fn files(&self) -> usize {
        self.files
    }

    pub fn file(
        &mut self,
        entry: &Entry,
        size: u64,
        source: &mut Source<impl Read>,
    ) -> Result<(), GitError> {
        let too_large = GitError::TooLarge { what: "the archive, unpacked,", limit: self.limit };
        self.left = self.left.checked_sub(size).ok_or(too_large)?;
        let mode = if entry.is_executable { 0o755 } else { 0o644 };
        let mut header = self.header(EntryType::Regular, size, mode);
        let mut content = (&mut source.inner).take(size);
        self.tar.append_data(&mut header, &entry.path, &mut content)?;
        let is_whole = content.limit() == 0;
        source.end(is_whole)?;
        self.files += 1;
        Ok(())
    }

    pub fn link(&mut self, path: &str, target: &[u8]) -> Result<(), GitError> {
        let mut header = self.header(EntryType::Symlink, 0, 0o777);
        self.tar.append_link(&mut header, path, String::from_utf8_lossy(target).as_ref())?;
        self.files += 1;
        Ok(())
    }

    fn header(&self, kind: EntryType, size: u64, mode: u32) -> Header {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(size);
        header.set_mode(mode);
        header.set_mtime(self.mtime);
        header
    }

    /// Its bytes, which are on the disk now.
    pub fn finish(self) -> Result<u64, GitError> {
        let counted = self.tar.into_inner()?.finish()?;
        counted.file.sync_all()?;
        Ok(counted.written)
    }
}

struct Counted {
    file: File,
    written: u64,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.written += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
