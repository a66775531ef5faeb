//! The form of a backup file: a tar archive compressed with gzip, which begins with a header and ends with a digest of
//! all that is in it.

use std::io::{self, BufRead, Read, Write};

use anyhow::{Context, Result, bail, ensure};
use flate2::{Compression, bufread::GzDecoder, write::GzEncoder};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{END, End, Lack};

/// What is wrong with a file that cannot be read as it should.
pub(super) const BROKEN: &str = "the file is no backup, or is not whole";

pub(super) struct Writer<W: Write> {
    tar: tar::Builder<GzEncoder<W>>,
    digest: Sha256,
    entries: u64,
}

impl<W: Write> Writer<W> {
    pub fn new(to: W) -> Self {
        // Blobs are sealed and shrink by nothing; more effort would only take time.
        let tar = tar::Builder::new(GzEncoder::new(to, Compression::fast()));
        Self { tar, digest: Sha256::new(), entries: 0 }
    }

    pub fn json(&mut self, name: &str, content: &impl Serialize) -> Result<()> {
        self.add(name, &serde_json::to_vec(content)?)
    }

    pub fn add(&mut self, name: &str, content: &[u8]) -> Result<()> {
        self.stream(name, content.len() as u64, content)
    }

    /// Adds `size` bytes that are read on the way.
    pub fn stream(&mut self, name: &str, size: u64, content: impl Read) -> Result<()> {
        begin(&mut self.digest, name, size);
        let mut content = Counted { from: content, digest: &mut self.digest, count: 0 };
        let mut header = tar::Header::new_gnu();
        header.set_size(size);
        header.set_mode(0o600);
        self.tar.append_data(&mut header, name, &mut content).with_context(|| name.to_owned())?;
        let count = content.count;
        ensure!(count == size, "{name} has {count} bytes, not the {size} that were announced");
        self.entries += 1;
        Ok(())
    }

    /// Ends the file; gives back what it was written to.
    pub fn finish(mut self, rows: u64, blobs: u64, lack: Lack) -> Result<(W, End)> {
        let Lack { missing, damaged } = lack;
        let digest = hex::encode(self.digest.clone().finalize());
        let end = End { rows, blobs, missing, damaged, entries: self.entries, digest };
        self.json(END, &end)?;
        Ok((self.tar.into_inner()?.finish()?, end))
    }
}

/// Reads a file to its end, and gives each entry but the last to `with`: its name, its bytes and their number.
///
/// # Errors
/// For a file that is not whole or was changed; `with` may have seen a part of it by then.
pub(super) fn each<R: BufRead>(
    from: R,
    mut with: impl FnMut(&str, u64, &mut dyn Read) -> Result<()>,
) -> Result<End> {
    let mut tar = tar::Archive::new(GzDecoder::new(from));
    let (mut digest, mut entries) = (Sha256::new(), 0);
    let mut end: Option<End> = None;
    for entry in tar.entries().context(BROKEN)? {
        let mut entry = entry.context(BROKEN)?;
        let name = entry.path().context(BROKEN)?.to_string_lossy().into_owned();
        ensure!(end.is_none(), "{BROKEN}: {name} comes after its end");
        let size = entry.size();
        if name == END {
            let mut text = Vec::new();
            entry.read_to_end(&mut text).context(BROKEN)?;
            end = Some(serde_json::from_slice(&text).context(BROKEN)?);
            continue;
        }
        begin(&mut digest, &name, size);
        let mut content = Counted { from: &mut entry, digest: &mut digest, count: 0 };
        with(&name, size, &mut content).with_context(|| name.clone())?;
        io::copy(&mut content, &mut io::sink()).context(BROKEN)?;
        ensure!(content.count == size, "{BROKEN}: {name} is cut");
        entries += 1;
    }
    // The end of a tar archive comes before that of the file, which has a digest of its own.
    let mut rest = tar.into_inner();
    io::copy(&mut rest, &mut io::sink()).context(BROKEN)?;
    let mut file = rest.into_inner();
    ensure!(io::copy(&mut file, &mut io::sink())? == 0, "{BROKEN}: something follows its end");
    let Some(end) = end else { bail!("{BROKEN}: its end is missing") };
    let digest = hex::encode(digest.finalize());
    ensure!(end.entries == entries && end.digest == digest, "{BROKEN}: its digest is another one");
    Ok(end)
}

/// Gives the first entry to `with`, and reads no further.
pub(super) fn first<R: BufRead, T>(
    from: R,
    with: impl FnOnce(&str, &mut dyn Read) -> Result<T>,
) -> Result<T> {
    let mut tar = tar::Archive::new(GzDecoder::new(from));
    let first = tar.entries().context(BROKEN)?.next();
    let mut entry = first.context(BROKEN)?.context(BROKEN)?;
    let name = entry.path().context(BROKEN)?.to_string_lossy().into_owned();
    with(&name, &mut entry)
}

/// So that no byte can move from an entry to the next unnoticed.
fn begin(digest: &mut Sha256, name: &str, size: u64) {
    digest.update((name.len() as u64).to_be_bytes());
    digest.update(name);
    digest.update(size.to_be_bytes());
}

struct Counted<'a, R> {
    from: R,
    digest: &'a mut Sha256,
    count: u64,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let len = self.from.read(to)?;
        self.digest.update(&to[..len]);
        self.count += len as u64;
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> Vec<u8> {
        let mut writer = Writer::new(Vec::new());
        writer.add("one", b"1").unwrap();
        writer.stream("two", 100_000, &*vec![7; 100_000]).unwrap();
        writer.finish(3, 4, Lack { missing: vec!["gone".into()], damaged: Vec::new() }).unwrap().0
    }

    fn read(file: &[u8]) -> Result<(Vec<(String, u64)>, End)> {
        let mut seen = Vec::new();
        let end = each(file, |name, size, _| {
            seen.push((name.to_owned(), size));
            Ok(())
        })?;
        Ok((seen, end))
    }

    #[test]
    fn what_was_written_is_read_again() {
        let (seen, end) = read(&file()).unwrap();
        assert_eq!(seen, [("one".to_owned(), 1), ("two".to_owned(), 100_000)]);
        assert_eq!((end.rows, end.blobs, end.missing), (3, 4, vec!["gone".to_owned()]));
    }

    #[test]
    fn a_file_that_was_cut_anywhere_or_changed_is_refused() {
        let whole = file();
        for len in 0..whole.len() {
            assert!(read(&whole[..len]).is_err(), "{len} bytes of {}", whole.len());
        }
        for at in 10..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            // Some bits of the compression say nothing: the code of a letter that does not occur.
            let same = unpacked(&changed).is_ok_and(|content| content == unpacked(&whole).unwrap());
            assert_eq!(read(&changed).is_ok(), same, "byte {at}");
        }
    }

    /// With the check that gzip itself makes.
    fn unpacked(file: &[u8]) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        let mut rest = file;
        GzDecoder::new(&mut rest).read_to_end(&mut content)?;
        if rest.is_empty() { Ok(content) } else { Err(io::ErrorKind::InvalidData.into()) }
    }

    #[test]
    fn what_follows_the_end_of_a_file_is_refused() {
        let two = [file(), file()].concat();
        assert!(read(&two).is_err());
        assert!(read(&[&file()[..], b"more"].concat()).is_err());
    }

    #[test]
    fn a_content_of_another_length_than_announced_is_an_error() {
        let mut writer = Writer::new(Vec::new());
        assert!(writer.stream("short", 3, &b"12"[..]).is_err());
        assert!(writer.stream("long", 1, &b"12"[..]).is_err());
    }
}
