//! Capabilities: getting those that namespaces take, and giving up all of them.

use std::fs;

use anyhow::Context as _;
use nix::sched::{CloneFlags, unshare};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, clear_ambient_capability_set,
    configure_capability_in_ambient_set, remove_capability_from_bounding_set, set_capabilities,
};

/// What the inner process needs: mounts, and taking capabilities out of its bounding set.
const NEEDED: [CapabilitySet; 2] = [CapabilitySet::SYS_ADMIN, CapabilitySet::SETPCAP];

/// As root we have them. Others get them in a user namespace, in which they stay who they are.
pub(crate) fn enough_for_namespaces() -> anyhow::Result<()> {
    if capabilities(None).context("read our capabilities")?.effective.contains(NEEDED[0]) {
        return Ok(());
    }
    let (user, group) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
    unshare(CloneFlags::CLONE_NEWUSER).context("make a user namespace")?;
    fs::write("/proc/self/setgroups", "deny").context("keep our groups")?;
    fs::write("/proc/self/gid_map", format!("{group} {group} 1")).context("map our group")?;
    fs::write("/proc/self/uid_map", format!("{user} {user} 1")).context("map our user")?;
    // Who is not root keeps across `exec` only what is ambient.
    let mut sets = capabilities(None).context("read our capabilities")?;
    sets.inheritable = NEEDED[0] | NEEDED[1];
    set_capabilities(None, sets).context("make capabilities inheritable")?;
    for capability in NEEDED {
        configure_capability_in_ambient_set(capability, true)
            .context("keep the capabilities of the namespace")?;
    }
    Ok(())
}

/// Takes all capabilities from us and all that we start, for ever; `sandboxed` or not, no program
/// gains any by being executed.
pub(crate) fn give_up(sandboxed: bool) -> anyhow::Result<()> {
    if !sandboxed {
        return Ok(());
    }
    rustix::thread::set_no_new_privs(true).context("gain no privileges")?;
    for number in 0..u64::BITS {
        let capability = CapabilitySet::from_bits_retain(1 << number);
        // Refused to who has none, and unknown to old kernels.
        let _ = remove_capability_from_bounding_set(capability);
    }
    let _ = clear_ambient_capability_set();
    let none = CapabilitySet::empty();
    let none = CapabilitySets { effective: none, permitted: none, inheritable: none };
    set_capabilities(None, none).context("give up capabilities")
}
