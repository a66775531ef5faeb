//! Landlock: what is not allowed by a rule cannot be opened, whoever asks and however it is named.

use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access as _, AccessFs, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _, RulesetError,
    RulesetStatus, Scope, path_beneath_rules,
};

use crate::Reach;
use crate::reach::within;
use crate::system::DEVICES;

/// The newest set of rights that was tested; older kernels enforce what they know of it.
const KNOWN: ABI = ABI::V6;

pub(crate) struct Rules {
    readable: Vec<PathBuf>,
    writable: Vec<PathBuf>,
}

impl Rules {
    /// For a file system in which there is nothing that may not be seen.
    pub fn within_a_view(reach: &Reach) -> Self {
        let private = ["/dev", "/tmp", "/var/tmp"].map(PathBuf::from);
        let writable = reach.writable.iter().cloned().chain(private).collect();
        Self { readable: vec!["/".into()], writable }
    }

    /// For the system's own file system, of which this is then all that can be used. Its `/tmp` and
    /// `/dev/shm` cannot: they are everybody's.
    pub fn beside(reach: &Reach) -> Self {
        let closed = reach.closed();
        let common = reach.common(&closed).into_iter();
        let open = common.filter_map(|path| path.canonicalize().ok());
        let mut readable: Vec<PathBuf> = open.flat_map(|path| visible(&path, &closed)).collect();
        readable.extend(reach.readable.iter().cloned());
        readable.push("/proc".into());
        let devices = DEVICES.iter().map(|name| Path::new("/dev").join(name));
        let terminals = ["/dev/pts", "/dev/ptmx"].map(PathBuf::from);
        let own = reach.writable.iter().cloned();
        Self { readable, writable: own.chain(devices).chain(terminals).collect() }
    }

    /// For who opens nothing any more.
    pub fn nothing() -> Self {
        Self { readable: Vec::new(), writable: Vec::new() }
    }

    /// Closes the fence around the calling thread and all that it starts; it never opens again.
    ///
    /// Processes inside cannot trace, inspect or signal those outside, nor reach their abstract
    /// sockets. Says how much of that this kernel knows.
    pub fn close(self) -> Result<&'static str, RulesetError> {
        let status = Ruleset::default()
            .handle_access(AccessFs::from_all(KNOWN))?
            .scope(Scope::Signal)?
            .scope(Scope::AbstractUnixSocket)?
            .create()?
            .add_rules(path_beneath_rules(self.readable, AccessFs::from_read(KNOWN)))?
            .add_rules(path_beneath_rules(self.writable, AccessFs::from_all(KNOWN)))?
            .restrict_self()?;
        Ok(match status.ruleset {
            RulesetStatus::FullyEnforced => "full",
            RulesetStatus::PartiallyEnforced => "partial",
            RulesetStatus::NotEnforced => "none",
        })
    }
}

/// `from`, or, as Landlock knows only permissions, all beside the way to the closed paths in it.
fn visible(from: &Path, closed: &[PathBuf]) -> Vec<PathBuf> {
    if within(from, closed) {
        return Vec::new();
    }
    if !closed.iter().any(|path| path.starts_with(from)) {
        return vec![from.to_owned()];
    }
    let Ok(entries) = std::fs::read_dir(from) else { return Vec::new() };
    entries
        .filter_map(Result::ok)
        // A link is followed when a rule is made: it would open what lies behind it.
        .filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_symlink()))
        .flat_map(|entry| visible(&entry.path(), closed))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_beside_the_way_to_a_closed_path_stays_visible() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        for folder in ["a/b/secret/deep", "a/b/open", "a/other", "c"] {
            std::fs::create_dir_all(root.join(folder)).unwrap();
        }
        std::os::unix::fs::symlink(root.join("a/b/secret"), root.join("a/link")).unwrap();
        let closed = [root.join("a/b/secret")];
        let mut seen = visible(&root, &closed);
        seen.sort();
        assert_eq!(seen, ["a/b/open", "a/other", "c"].map(|path| root.join(path)));
        assert!(visible(&root.join("a/b/secret/deep"), &closed).is_empty());
    }
}
