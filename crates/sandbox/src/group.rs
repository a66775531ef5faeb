//! Control groups: the kernel's ceiling for what all processes of one run use together, in both of its versions.
//!
//! It is the last resort: whoever started the run watches it and ends it in good order before.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use rustix::process::Pid;

const PREFIX: &str = "statehouse-";
/// The group of our own process in version 2, where one that divides has no processes itself.
const OURS: &str = "statehouse";

/// Where groups can be made, one folder for each count; both are the same in version 2.
#[derive(Clone, Debug)]
pub struct Groups {
    memory: PathBuf,
    tasks: PathBuf,
    unified: bool,
}

/// Ceilings of one group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ceilings {
    pub memory_bytes: Option<u64>,
    /// Processes and threads.
    pub tasks: Option<u64>,
}

/// The group of one program and all that it starts; it is removed when this is dropped.
#[derive(Debug)]
pub struct Group {
    memory: PathBuf,
    tasks: PathBuf,
    unified: bool,
}

impl Groups {
    /// Those that our own process may divide; else why not. In version 2 our process moves into one beside the others.
    pub fn find() -> anyhow::Result<Self> {
        let found = Self::look()?;
        if found.unified {
            found.divide()?;
        }
        found.clean_up();
        let trial = found.group(&format!("trial-{}", std::process::id()), Ceilings::default());
        drop(
            trial
                .context("control groups cannot be made: they are not delegated to this service")?,
        );
        Ok(found)
    }

    /// As [`Self::find`], without changing anything: whether we may divide them is not tried.
    pub fn look() -> anyhow::Result<Self> {
        let found = Self::of(
            &fs::read_to_string("/proc/self/cgroup").context("read our control groups")?,
            &fs::read_to_string("/proc/self/mountinfo").context("list the mounts")?,
        )?;
        for folder in [&found.memory, &found.tasks] {
            rustix::fs::access(folder, rustix::fs::Access::WRITE_OK)
                .context("control groups are not delegated to this service")?;
        }
        Ok(found)
    }

    fn of(groups: &str, mounts: &str) -> anyhow::Result<Self> {
        if let Some(own) = folder("", groups, mounts) {
            // Where an earlier one of us has moved to.
            let own =
                if own.ends_with(OURS) { own.parent().unwrap_or(&own).to_owned() } else { own };
            let has = fs::read_to_string(own.join("cgroup.controllers")).unwrap_or_default();
            if ["memory", "pids"].iter().all(|name| has.split_whitespace().any(|it| it == *name)) {
                return Ok(Self { memory: own.clone(), tasks: own, unified: true });
            }
        }
        match (folder("memory", groups, mounts), folder("pids", groups, mounts)) {
            (Some(memory), Some(tasks)) => Ok(Self { memory, tasks, unified: false }),
            _ => bail!(
                "the kernel counts neither memory nor processes for this service's control group"
            ),
        }
    }

    fn divide(&self) -> anyhow::Result<()> {
        let ours = self.memory.join(OURS);
        let made = match fs::create_dir(&ours) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => fs::write(ours.join("cgroup.procs"), "0"),
        };
        made.context("control groups cannot be made: they are not delegated to this service")?;
        fs::write(self.memory.join("cgroup.subtree_control"), "+memory +pids")
            .context("the control group of this service cannot be divided: others are in it")
    }

    /// Removes what an earlier process left; a group in which somebody is stays.
    fn clean_up(&self) {
        for folder in [&self.memory, &self.tasks] {
            for entry in fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
                if entry.file_name().to_string_lossy().starts_with(PREFIX) {
                    let _ = fs::remove_dir(entry.path());
                }
            }
        }
    }

    /// A new group. The name is a plain one.
    pub fn group(&self, name: &str, ceilings: Ceilings) -> io::Result<Group> {
        let name = format!("{PREFIX}{name}");
        let group = Group {
            memory: self.memory.join(&name),
            tasks: self.tasks.join(&name),
            unified: self.unified,
        };
        for folder in group.folders() {
            fs::create_dir(folder)?;
        }
        let memory = if self.unified { "memory.max" } else { "memory.limit_in_bytes" };
        if let Some(bytes) = ceilings.memory_bytes {
            fs::write(group.memory.join(memory), bytes.to_string())?;
        }
        if let Some(tasks) = ceilings.tasks {
            fs::write(group.tasks.join("pids.max"), tasks.to_string())?;
        }
        Ok(group)
    }

    pub fn version(&self) -> u8 {
        if self.unified { 2 } else { 1 }
    }
}

impl Group {
    fn folders(&self) -> Vec<&Path> {
        let mut folders: Vec<&Path> = vec![&self.memory, &self.tasks];
        folders.dedup();
        folders
    }

    /// Takes a process in, with all that it starts from here on.
    pub fn take(&self, process: Pid) -> io::Result<()> {
        let id = process.as_raw_nonzero().to_string();
        self.folders().iter().try_for_each(|folder| fs::write(folder.join("cgroup.procs"), &id))
    }

    /// How many processes the kernel has killed for want of memory.
    pub fn killed(&self) -> u64 {
        let file = if self.unified { "memory.events" } else { "memory.oom_control" };
        counted(&self.memory.join(file), "oom_kill ").unwrap_or(0)
    }

    /// How often the kernel has refused to start one more process or thread.
    pub fn refused(&self) -> u64 {
        counted(&self.tasks.join("pids.events"), "max ").unwrap_or(0)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        for folder in self.folders() {
            // Somebody may still be on the way out: the next process of ours removes it.
            let _ = fs::remove_dir(folder);
        }
    }
}

/// The number behind a word that begins a line.
fn counted(file: &Path, word: &str) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| line.strip_prefix(word))?.trim().parse().ok()
}

/// The folder of our own group for a controller; for none, that of version 2.
fn folder(controller: &str, groups: &str, mounts: &str) -> Option<PathBuf> {
    let has = |list: &str| list.split(',').any(|one| one == controller);
    let own = groups.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        has(controllers).then_some(path)
    })?;
    mounts.lines().find_map(|line| {
        let (left, right) = line.split_once(" - ")?;
        let (left, right): (Vec<&str>, Vec<&str>) =
            (left.split(' ').collect(), right.split(' ').collect());
        let kind = *right.first()?;
        let fits = match controller {
            "" => kind == "cgroup2",
            _ => kind == "cgroup" && right.last().is_some_and(|options| has(options)),
        };
        let (root, at) = (left.get(3)?, left.get(4)?);
        let below = Path::new(own).strip_prefix(root).ok()?;
        fits.then(|| Path::new(at).join(below))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "27 1 254:0 / / rw - ext4 /dev/vda rw\n\
        35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n\
        39 31 0:36 /docker/x /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids\n\
        41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";

    #[test]
    fn our_own_groups_are_found_in_both_versions() {
        let groups = "8:pids:/docker/x/y\n4:cpu,memory:/a/b\n0::/c.slice/d.service\n";
        let path = |controller| folder(controller, groups, MOUNTS).unwrap();
        assert_eq!(path("memory"), Path::new("/sys/fs/cgroup/memory/a/b"));
        assert_eq!(path("pids"), Path::new("/sys/fs/cgroup/pids/y"));
        assert_eq!(path(""), Path::new("/sys/fs/cgroup/unified/c.slice/d.service"));
        assert_eq!(folder("cpu", groups, MOUNTS), None);
        assert_eq!(folder("pids", "8:pids:/elsewhere\n", MOUNTS), None);
    }

    #[test]
    fn ceilings_are_written_as_each_version_reads_them() {
        for (unified, memory) in [(true, "memory.max"), (false, "memory.limit_in_bytes")] {
            let root = tempfile::tempdir().unwrap();
            let at = |name: &str| root.path().join(name);
            let groups = Groups {
                memory: at("memory"),
                tasks: if unified { at("memory") } else { at("tasks") },
                unified,
            };
            for folder in ["memory", "tasks"] {
                fs::create_dir(at(folder)).unwrap();
            }
            let ceilings = Ceilings { memory_bytes: Some(1 << 20), tasks: Some(7) };
            let group = groups.group("x", ceilings).unwrap();
            group.take(Pid::INIT).unwrap();
            let read = |folder: &Path, name: &str| fs::read_to_string(folder.join(name)).unwrap();
            assert_eq!(read(&group.memory, memory), "1048576");
            assert_eq!(read(&group.tasks, "pids.max"), "7");
            assert_eq!(read(&group.memory, "cgroup.procs"), "1");
            assert_eq!(read(&group.tasks, "cgroup.procs"), "1");
            let events = if unified { "memory.events" } else { "memory.oom_control" };
            assert_eq!(group.killed(), 0);
            fs::write(group.memory.join(events), "under_oom 0\noom_kill 3\n").unwrap();
            assert_eq!(group.killed(), 3);
            assert_eq!(group.refused(), 0);
            fs::write(group.tasks.join("pids.events"), "max 2\n").unwrap();
            assert_eq!(group.refused(), 2);
        }
    }
}
