//! What the tests are made of: real repositories, a server of them, and a `git` that looks at nothing else.

mod carrier;
mod reach;
mod sshd;
mod started;

use std::path::Path;
use std::sync::Arc;

use statehouse_vcs::git::{Access, Address, Git, Limits, Remote, Repository, Settings};
use tempfile::TempDir;

pub use carrier::Carrier;
pub use reach::Known;
pub use sshd::Sshd;
pub use started::Started;
pub use vcs_fake::{Origin, Server};

/// A place for caches, and `git` in it.
pub struct Place {
    pub folder: TempDir,
    pub started: Arc<Started>,
    pub git: Git,
}

impl Place {
    pub fn new() -> Self {
        Self::with(Limits::default())
    }

    pub fn with(limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let started = Arc::new(Started::default());
        let git = Git::new(Settings {
            root: folder.path().join("vcs"),
            git: "/usr/bin/git".into(),
            authorities: None,
            start: started.clone(),
            reach: Arc::new(Known),
            limits,
        });
        Self { folder, started, git }
    }

    pub fn repository(&self, url: &str) -> Repository {
        self.git.repository(url, remote(url))
    }

    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }
}

pub fn remote(url: &str) -> Remote {
    Remote { address: Address::parse(url).unwrap(), access: Access::None }
}

/// The files of an archive with what is in them; of links where they lead to.
pub fn unpacked(archive: &Path) -> std::collections::BTreeMap<String, String> {
    use std::io::Read as _;
    let gzip = flate2::read::GzDecoder::new(std::fs::File::open(archive).unwrap());
    let mut tar = tar::Archive::new(gzip);
    let mut files = std::collections::BTreeMap::new();
    for entry in tar.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_string_lossy().into_owned();
        let mut content = String::new();
        if let Some(target) = entry.link_name().unwrap() {
            content = format!("→ {}", target.display());
        } else {
            entry.read_to_string(&mut content).unwrap();
            if entry.header().mode().unwrap() & 0o111 != 0 {
                content.push('*');
            }
        }
        assert!(files.insert(path, content).is_none());
    }
    files
}
