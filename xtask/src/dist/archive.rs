//! The archive for systems without packages of ours.

use std::fs::{self, File};

use anyhow::Result;
use flate2::{Compression, write::GzEncoder};
use tar::Header;

use super::Release;
use crate::workspace;

/// Beside the binary: what a reader needs, from the project's own folder.
const BESIDE: [&str; 6] = [
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "docs/operations.md",
    "docs/compatibility.md",
    "packaging/statehouse.service",
];

pub fn write(release: &Release) -> Result<()> {
    let name = release.name();
    let file = File::create(release.folder.join(format!("{name}.tar.gz")))?;
    let mut archive = tar::Builder::new(GzEncoder::new(file, Compression::best()));
    add(&mut archive, &format!("{name}/statehouse"), &fs::read(&release.binary)?, 0o755)?;
    for path in BESIDE {
        add(
            &mut archive,
            &format!("{name}/{path}"),
            &fs::read(workspace::root().join(path))?,
            0o644,
        )?;
    }
    archive.into_inner()?.finish()?;
    Ok(())
}

/// Neither the builder's name nor the hour gets in: the same input makes the same archive.
fn add(
    to: &mut tar::Builder<GzEncoder<File>>,
    path: &str,
    content: &[u8],
    mode: u32,
) -> Result<()> {
    let mut header = Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(mode);
    header.set_mtime(0);
    Ok(to.append_data(&mut header, path, content)?)
}
