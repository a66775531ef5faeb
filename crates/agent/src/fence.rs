//! The sandbox of an engine: Landlock rules under which hidden paths do not exist.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access as _, AccessFs, RestrictionStatus, Ruleset, RulesetAttr as _,
    RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};
use rustix::thread::{CapabilitySet, remove_capability_from_bounding_set};
use serde::{Deserialize, Serialize};

/// The newest set of rights that was tested; older kernels enforce what they know of it.
const KNOWN: ABI = ABI::V6;

/// What one engine may touch. All else is readable and not writable.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Fence {
    /// Neither readable nor writable, with everything below …
    pub hidden: Vec<PathBuf>,
    /// … except for these, which stay readable …
    pub readable: Vec<PathBuf>,
    /// … and these, which are also writable.
    pub writable: Vec<PathBuf>,
}

/// Shared places that programs expect to be able to write to.
const SHARED: [&str; 3] = ["/dev", "/tmp", "/var/tmp"];

impl Fence {
    /// Closes the fence around the calling thread and all that it starts; it never opens again.
    ///
    /// Processes inside cannot trace, inspect or signal those outside: `/proc/<pid>/environ` of
    /// the agent is closed to them even if they are root.
    pub fn close(&self) -> Result<RestrictionStatus, RulesetError> {
        give_up_capabilities();
        let hidden: BTreeSet<PathBuf> =
            self.hidden.iter().filter_map(|path| path.canonicalize().ok()).collect();
        let shared = SHARED.iter().flat_map(|path| visible(Path::new(path), &hidden));
        Ruleset::default()
            .handle_access(AccessFs::from_all(KNOWN))?
            .scope(Scope::Signal)?
            .create()?
            .add_rules(path_beneath_rules(
                visible(Path::new("/"), &hidden).into_iter().chain(self.readable.iter().cloned()),
                AccessFs::from_read(KNOWN),
            ))?
            .add_rules(path_beneath_rules(
                shared.chain(self.writable.iter().cloned()),
                AccessFs::from_all(KNOWN),
            ))?
            .restrict_self()
    }
}

/// Takes from root what leads around the fence: reading other processes is allowed to whoever
/// may profile them, before Landlock is asked. Without root there is nothing to take.
fn give_up_capabilities() {
    for capability in [
        CapabilitySet::SYS_ADMIN,
        CapabilitySet::SYS_PTRACE,
        CapabilitySet::PERFMON,
        CapabilitySet::BPF,
        CapabilitySet::CHECKPOINT_RESTORE,
        CapabilitySet::SYS_MODULE,
        CapabilitySet::SYS_RAWIO,
        CapabilitySet::SYS_BOOT,
        CapabilitySet::SYSLOG,
        CapabilitySet::MKNOD,
        CapabilitySet::MAC_ADMIN,
        CapabilitySet::MAC_OVERRIDE,
    ] {
        // Refused to all but root, and unknown to old kernels.
        let _ = remove_capability_from_bounding_set(capability);
    }
}

/// `from`, or, as Landlock knows only permissions, all beside the way to the hidden paths in it.
fn visible(from: &Path, hidden: &BTreeSet<PathBuf>) -> Vec<PathBuf> {
    if hidden.iter().any(|path| from.starts_with(path)) {
        return Vec::new();
    }
    if !hidden.iter().any(|path| path.starts_with(from)) {
        return vec![from.to_owned()];
    }
    let Ok(entries) = std::fs::read_dir(from) else { return Vec::new() };
    entries
        .filter_map(Result::ok)
        // A link is followed when a rule is made: it would open what lies behind it.
        .filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_symlink()))
        .flat_map(|entry| visible(&entry.path(), hidden))
        .collect()
}

/// Says what this kernel can do, by trying it on a thread that ends at once.
pub(crate) fn report() {
    let fence = Fence { hidden: Vec::new(), readable: Vec::new(), writable: Vec::new() };
    let tried = std::thread::spawn(move || fence.close()).join();
    match tried {
        Ok(Ok(status)) => match status.ruleset {
            RulesetStatus::FullyEnforced => {
                tracing::info!(landlock = ?status.landlock, "engines run behind a Landlock fence");
            }
            RulesetStatus::PartiallyEnforced => tracing::warn!(
                landlock = ?status.landlock,
                "this kernel knows a part of the Landlock fence only: engines run behind that part"
            ),
            RulesetStatus::NotEnforced => tracing::warn!(
                landlock = ?status.landlock,
                "this kernel has no Landlock: engines can read what the agent's user can read"
            ),
        },
        Ok(Err(error)) => tracing::error!(%error, "the Landlock fence cannot be built"),
        Err(_) => tracing::error!("the Landlock fence cannot be built"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_beside_the_way_to_a_hidden_path_stays_visible() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        for folder in ["a/b/secret/deep", "a/b/open", "a/other", "c"] {
            std::fs::create_dir_all(root.join(folder)).unwrap();
        }
        std::os::unix::fs::symlink(root.join("a/b/secret"), root.join("a/link")).unwrap();
        let hidden = BTreeSet::from([root.join("a/b/secret")]);
        let mut seen = visible(&root, &hidden);
        seen.sort();
        assert_eq!(seen, ["a/b/open", "a/other", "c"].map(|path| root.join(path)));
        assert!(visible(&root.join("a/b/secret/deep"), &hidden).is_empty());
    }
}
