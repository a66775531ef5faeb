//! Archives of policies: tar files compressed with gzip, read in memory and only as far as they are of use.

use std::{
    collections::BTreeMap,
    io::Read,
    path::{Component, Path},
};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use tar::{Archive, Builder, Header};

/// Bytes of all entries together, unpacked.
const SIZE_LIMIT: u64 = 64 << 20;
const COUNT_LIMIT: usize = 10_000;
/// What policies are made of; everything else is passed over.
const EXTENSIONS: [&str; 4] = ["rego", "sentinel", "hcl", "json"];

/// The files of an archive by their path, with `/` between the parts and no `./` before them.
pub type Files = BTreeMap<String, Vec<u8>>;

#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error("The archive is not a tar file compressed with gzip: {0}.")]
    Unreadable(#[from] std::io::Error),
    #[error("The archive has more than {SIZE_LIMIT} bytes or {COUNT_LIMIT} files, unpacked.")]
    TooLarge,
    #[error("The archive names a path outside of itself: {0}.")]
    Escapes(String),
}

/// Reads the files that policies are made of.
///
/// # Errors
/// If it is no such archive, is too large, or names paths outside of itself.
pub fn unpack(archive: &[u8]) -> Result<Files, ArchiveError> {
    let mut files = Files::new();
    let mut left = SIZE_LIMIT;
    let mut count = 0;
    // One byte more than allowed, so that an archive of endless zeros ends.
    let limited = GzDecoder::new(archive).take(SIZE_LIMIT * 2);
    for entry in Archive::new(limited).entries()? {
        let mut entry = entry?;
        count += 1;
        if count > COUNT_LIMIT {
            return Err(ArchiveError::TooLarge);
        }
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = entry.path()?.into_owned();
        let name = inside(&path)
            .ok_or_else(|| ArchiveError::Escapes(path.to_string_lossy().into_owned()))?;
        let is_wanted = path
            .extension()
            .is_some_and(|of| EXTENSIONS.iter().any(|known| of.eq_ignore_ascii_case(known)));
        if !is_wanted {
            continue;
        }
        left = left.checked_sub(entry.size()).ok_or(ArchiveError::TooLarge)?;
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        files.insert(name, content);
    }
    Ok(files)
}

/// An archive of these files, as of a time in seconds.
pub(crate) fn pack<'f>(
    files: impl Iterator<Item = (&'f str, &'f [u8])>,
    at: u64,
) -> std::io::Result<Vec<u8>> {
    let mut archive = Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    for (path, content) in files {
        let mut header = Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(at);
        archive.append_data(&mut header, path, content)?;
    }
    archive.into_inner()?.finish()
}

fn inside(path: &Path) -> Option<String> {
    let mut parts = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => parts.push(name.to_str()?),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(files: &[(&str, &str)]) -> Vec<u8> {
        let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (path, content) in files {
            let mut header = Header::new_gnu();
            // Written by hand: the builder itself refuses paths that climb out.
            header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            header.set_cksum();
            builder.append(&header, content.as_bytes()).unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap()
    }

    #[test]
    fn files_are_known_by_their_path_inside() {
        let files =
            unpack(&packed(&[("./policies.hcl", "a"), ("lib/b.rego", "b"), ("logo.png", "")]));
        let names: Vec<_> = files.unwrap().into_keys().collect();
        assert_eq!(names, ["lib/b.rego", "policies.hcl"]);
    }

    #[test]
    fn nothing_outside_is_read() {
        for path in ["../policies.hcl", "/policies.hcl", "a/../../b.rego"] {
            let refused = unpack(&packed(&[(path, "")]));
            assert!(matches!(refused, Err(ArchiveError::Escapes(_))), "{path}");
        }
    }

    #[test]
    fn what_is_no_archive_is_refused() {
        for junk in [&b""[..], b"junk", b"\x1f\x8b\x08\0junk"] {
            assert!(unpack(junk).is_err());
        }
    }
}
