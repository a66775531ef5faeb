//! A file system of the program's own: what is listed, at the paths that it has outside.

use std::collections::VecDeque;
use std::ffi::{CStr, OsString};
use std::fs::{self, DirBuilder};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::{DirBuilderExt as _, symlink};
use std::path::{Component, Path, PathBuf};

use anyhow::Context as _;
use nix::sched::{CloneFlags, unshare};
use rustix::fs::StatVfsMountFlags;
use rustix::io::Errno;
use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind, mount_bind_recursive,
    mount_change, mount_remount, unmount,
};

use crate::Reach;
use crate::fence::Rules;
use crate::reach::within;
use crate::system::DEVICES;

/// Where the old file system is while the new one is made.
const OUTSIDE: &str = "/.outside";

/// As many links as the kernel follows.
const LINKS: usize = 40;

/// Enters the view, for ever; answers the Landlock rules that fit it.
///
/// With `own_processes` we are the first process of a namespace, and `/proc` shows that one.
pub(crate) fn enter(reach: &Reach, own_processes: bool) -> anyhow::Result<Rules> {
    let closed = reach.closed();
    let common = reach.common(&closed);
    unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWIPC | CloneFlags::CLONE_NEWUTS)
        .context("make namespaces")?;
    let mut view = View::turn_to(&reach.tmp)?;
    // First, because what is shown may lie in the `/tmp` outside.
    for path in ["/tmp", "/var/tmp"] {
        folder(Path::new(path))?;
        mount_bind(outside(&reach.tmp), path).with_context(|| format!("make {path}"))?;
    }
    for path in &common {
        view.place(path).with_context(|| format!("show {}", path.display()))?;
    }
    for path in closed.iter().filter(|path| view.shows(path)) {
        mask(path).with_context(|| format!("close {}", path.display()))?;
    }
    // After the masks: what is the run's own may lie within what is closed.
    view.shown.clear();
    for path in &reach.readable {
        view.place(path).with_context(|| format!("show {}", path.display()))?;
    }
    view.shown.clear();
    for path in &reach.writable {
        view.place(path).with_context(|| format!("show {}", path.display()))?;
    }
    fs::create_dir_all("/run").context("make /run")?;
    devices()?;
    processes(own_processes)?;
    unmount(OUTSIDE, UnmountFlags::DETACH).context("leave the old file system")?;
    fs::remove_dir(OUTSIDE).context("leave the old file system")?;
    freeze(&reach.writable)?;
    Ok(Rules::within_a_view(reach))
}

/// What is shown so far, without links.
struct View {
    shown: Vec<PathBuf>,
}

impl View {
    /// An empty file system, with the old one in it.
    fn turn_to(base: &Path) -> anyhow::Result<Self> {
        // Neither do mounts of ours get out, nor does what is unmounted outside stay in use by us.
        mount_change("/", MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC)
            .context("part from the mounts outside")?;
        tmpfs(base, c"mode=0755,size=4m")?;
        let old = base.join(OUTSIDE.trim_start_matches('/'));
        fs::create_dir(&old).context("make a place for the old file system")?;
        rustix::process::pivot_root(base, &old).context("change the root")?;
        std::env::set_current_dir("/").context("go to the new root")?;
        Ok(Self { shown: Vec::new() })
    }

    fn shows(&self, path: &Path) -> bool {
        within(path, &self.shown)
    }

    /// Shows a path: the links on the way to it as links, and at the end a file or folder.
    fn place(&mut self, path: &Path) -> anyhow::Result<()> {
        let mut way: VecDeque<OsString> = parts(path).collect();
        let (mut seen, mut links) = (PathBuf::from("/"), 0);
        while let Some(part) = way.pop_front() {
            if part == ".." {
                seen.pop();
                continue;
            }
            let next = seen.join(part);
            let Ok(found) = fs::symlink_metadata(outside(&next)) else { return Ok(()) };
            if !found.is_symlink() {
                seen = next;
                continue;
            }
            links += 1;
            if links > LINKS {
                return Ok(());
            }
            let target = fs::read_link(outside(&next))?;
            if fs::symlink_metadata(&next).is_err() {
                folder(&seen)?;
                symlink(&target, &next)?;
            }
            if target.is_absolute() {
                seen = "/".into();
            }
            for part in parts(&target).collect::<Vec<_>>().into_iter().rev() {
                way.push_front(part);
            }
        }
        self.bind(seen)
    }

    fn bind(&mut self, path: PathBuf) -> anyhow::Result<()> {
        if self.shows(&path) {
            return Ok(());
        }
        if outside(&path).is_dir() {
            folder(&path)?;
        } else if fs::symlink_metadata(&path).is_err() {
            folder(path.parent().unwrap_or(Path::new("/")))?;
            fs::File::create(&path)?;
        }
        // With what is mounted in it: a folder of its own file system may be a part of `/usr`.
        mount_bind_recursive(outside(&path), &path)?;
        self.shown.push(path);
        Ok(())
    }
}

fn outside(path: &Path) -> PathBuf {
    Path::new(OUTSIDE).join(path.strip_prefix("/").unwrap_or(path))
}

/// The names of a path, and `..`.
fn parts(path: &Path) -> impl Iterator<Item = OsString> {
    path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    })
}

fn folder(path: &Path) -> anyhow::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(path)
        .with_context(|| format!("make {}", path.display()))
}

fn tmpfs(target: &Path, options: &CStr) -> anyhow::Result<()> {
    mount("tmpfs", target, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, options)
        .with_context(|| format!("mount an empty file system at {}", target.display()))
}

/// Leaves an empty folder or file in its place.
fn mask(path: &Path) -> anyhow::Result<()> {
    if path.is_dir() {
        return tmpfs(path, c"mode=0755,size=4m");
    }
    Ok(mount_bind(outside(Path::new("/dev/null")), path)?)
}

fn devices() -> anyhow::Result<()> {
    let dev = Path::new("/dev");
    folder(&dev.join("pts"))?;
    folder(&dev.join("shm"))?;
    for name in DEVICES {
        let path = dev.join(name);
        fs::File::create(&path)?;
        mount_bind(outside(&path), &path).with_context(|| format!("make {}", path.display()))?;
    }
    let flags = MountFlags::NOSUID | MountFlags::NOEXEC;
    mount("devpts", "/dev/pts", "devpts", flags, c"newinstance,ptmxmode=0666,mode=620")
        .context("make /dev/pts")?;
    tmpfs(&dev.join("shm"), c"mode=1777,size=64m")?;
    for (link, target) in [
        ("ptmx", "pts/ptmx"),
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
    ] {
        symlink(target, dev.join(link))?;
    }
    Ok(())
}

fn processes(own: bool) -> anyhow::Result<()> {
    folder(Path::new("/proc"))?;
    if !own {
        mount_bind_recursive(outside(Path::new("/proc")), "/proc").context("show /proc")?;
        return read_only(Path::new("/proc"));
    }
    // Read-only, because much of it belongs to root, who needs no capability to write it.
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC | MountFlags::RDONLY;
    mount("proc", "/proc", "proc", flags, None).context("make /proc")
}

/// Makes everything read-only but for what is the program's own to write.
fn freeze(writable: &[PathBuf]) -> anyhow::Result<()> {
    let own = |path: &Path| {
        within(path, writable)
            || path.starts_with("/dev")
            || path.starts_with("/proc")
            // What lies in them is not: it is shown from outside.
            || path == "/tmp"
            || path == "/var/tmp"
    };
    let mounts = fs::read("/proc/self/mountinfo").context("list the mounts")?;
    for line in mounts.split(|byte| *byte == b'\n') {
        let Some(path) = line.split(|byte| *byte == b' ').nth(4).map(unescaped) else { continue };
        if !own(&path) {
            read_only(&path)?;
        }
    }
    Ok(())
}

/// A mount that came from outside keeps the flags that it has: they are locked for who is not root.
fn read_only(path: &Path) -> anyhow::Result<()> {
    const KEPT: [(StatVfsMountFlags, MountFlags); 5] = [
        (StatVfsMountFlags::NODEV, MountFlags::NODEV),
        (StatVfsMountFlags::NOEXEC, MountFlags::NOEXEC),
        (StatVfsMountFlags::NOATIME, MountFlags::NOATIME),
        (StatVfsMountFlags::NODIRATIME, MountFlags::NODIRATIME),
        (StatVfsMountFlags::RELATIME, MountFlags::RELATIME),
    ];
    let failed = || format!("make {} read-only", path.display());
    let has = rustix::fs::statvfs(path).with_context(failed)?.f_flag;
    let kept = KEPT.iter().filter(|(flag, _)| has.contains(*flag)).map(|(_, flag)| *flag);
    let flags =
        kept.fold(MountFlags::BIND | MountFlags::RDONLY | MountFlags::NOSUID, |all, one| all | one);
    match mount_remount(path, flags, c"") {
        // No mount begins there any more: another one has been laid over it.
        Err(Errno::INVAL) => Ok(()),
        answer => answer.with_context(failed),
    }
}

/// As the kernel writes paths in that list: `\040` is a space.
fn unescaped(text: &[u8]) -> PathBuf {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let [first, after @ ..] = rest {
        let octal = after.get(..3).and_then(|digits| std::str::from_utf8(digits).ok());
        match octal.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) if *first == b'\\' => {
                bytes.push(byte);
                rest = &after[3..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    OsString::from_vec(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_mounts_are_read_as_the_kernel_writes_them() {
        assert_eq!(unescaped(br"/a\040b\134c"), Path::new(r"/a b\c"));
        assert_eq!(unescaped(b"/plain"), Path::new("/plain"));
        assert_eq!(unescaped(br"/end\04"), Path::new(r"/end\04"));
    }
}
