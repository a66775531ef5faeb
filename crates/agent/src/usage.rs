//! What the processes of a job use at this moment, as `/proc` and the file system say.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use rustix::process::Pid;

use crate::recovery::keepers_in;

/// Bytes; more than that of a file's last block are reserved.
const BLOCK: u64 = 64 << 10;
/// Milliseconds of a tick, the same for all programs on Linux (`USER_HZ`).
const TICK: u64 = 10;

/// Bytes and processes of everything that a job's keepers started; they themselves do not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Without the pages of files, which the kernel takes back when it likes.
    pub memory: u64,
    pub processes: u64,
    pub disk: u64,
}

impl Usage {
    /// The larger of each.
    pub fn peak(self, other: Self) -> Self {
        Self {
            memory: self.memory.max(other.memory),
            processes: self.processes.max(other.processes),
            disk: self.disk.max(other.disk),
        }
    }
}

/// Of the job in this directory, but for what lies at `reserve` in it. The time of the processor is that of the commands
/// that run at this moment, by the id of the outermost keeper of each.
pub(crate) fn of_job(root: &Path, reserve: &Path) -> (Usage, HashMap<i32, Duration>) {
    let mut usage = Usage { disk: disk(root, reserve), ..Usage::default() };
    let mut cpu: HashMap<i32, Duration> = HashMap::new();
    for process in family(&keepers_in(root)) {
        if !process.is_keeper {
            usage.processes += 1;
            usage.memory += memory(process.pid);
        }
        *cpu.entry(process.keeper).or_default() +=
            Duration::from_millis(process.ticks.saturating_mul(TICK));
    }
    (usage, cpu)
}

/// The process that uses most memory.
pub(crate) fn largest(root: &Path) -> Option<Pid> {
    let all = family(&keepers_in(root)).into_iter().filter(|process| !process.is_keeper);
    let largest = all.max_by_key(|process| memory(process.pid));
    largest.and_then(|process| Pid::from_raw(process.pid))
}

/// A keeper, or what one has started.
struct Member {
    pid: i32,
    is_keeper: bool,
    /// The outermost.
    keeper: i32,
    /// Of the processor, with those of its children that have ended; of a keeper those of its children only.
    ticks: u64,
}

struct Process {
    parent: i32,
    own: u64,
    of_children: u64,
}

fn family(keepers: &[Pid]) -> Vec<Member> {
    let keepers: HashSet<i32> = keepers.iter().map(|pid| pid.as_raw_nonzero().get()).collect();
    if keepers.is_empty() {
        return Vec::new();
    }
    let entries = fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let all: HashMap<i32, Process> = ids.filter_map(|pid| Some((pid, process(pid)?))).collect();
    let outermost = |mut pid: i32| {
        let mut found = None;
        // Nobody has that many ancestors but who has been replaced meanwhile.
        for _ in 0..all.len() {
            found = keepers.get(&pid).copied().or(found);
            match all.get(&pid) {
                Some(process) => pid = process.parent,
                None => break,
            }
        }
        found
    };
    let member = |(pid, process): (&i32, &Process)| {
        let is_keeper = keepers.contains(pid);
        let own = if is_keeper { 0 } else { process.own };
        let ticks = own + process.of_children;
        Some(Member { pid: *pid, is_keeper, keeper: outermost(*pid)?, ticks })
    };
    all.iter().filter_map(member).collect()
}

/// See proc_pid_stat(5); the name may hold anything but ends at the last bracket.
fn process(pid: i32) -> Option<Process> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: Vec<u64> = fields.get(11..15)?.iter().filter_map(|it| it.parse().ok()).collect();
    let [user, system, user_of_children, system_of_children] = ticks[..] else { return None };
    Some(Process {
        parent: fields.get(1)?.parse().ok()?,
        own: user + system,
        of_children: user_of_children + system_of_children,
    })
}

fn memory(pid: i32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let lines = text.lines().filter_map(|line| {
        let value = line.strip_prefix("RssAnon:").or_else(|| line.strip_prefix("RssShmem:"))?;
        value.trim().trim_end_matches(" kB").parse::<u64>().ok()
    });
    lines.sum::<u64>() << 10
}

/// Bytes of blocks, each file once, following no link. What lies in reserve is nobody's yet: the file of that name, and
/// blocks behind the end of others.
fn disk(folder: &Path, reserve: &Path) -> u64 {
    let mut seen: HashSet<u64> = fs::metadata(reserve).iter().map(MetadataExt::ino).collect();
    counted(folder, &mut seen)
}

fn counted(folder: &Path, seen: &mut HashSet<u64>) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let mut bytes = 0;
    for entry in entries {
        let Ok(found) = entry.metadata() else { continue };
        let blocks = found.blocks() * 512;
        if found.is_dir() {
            bytes += blocks + counted(&entry.path(), seen);
        } else if seen.insert(found.ino()) {
            bytes += blocks.min(found.len().next_multiple_of(BLOCK));
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_counts_once_and_links_lead_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("a")).unwrap();
        fs::write(at("a/file"), vec![1; 1 << 20]).unwrap();
        fs::write(at("ballast"), vec![1; 1 << 20]).unwrap();
        fs::hard_link(at("a/file"), at("same")).unwrap();
        std::os::unix::fs::symlink("/", at("link")).unwrap();
        let log = fs::File::create(at("log")).unwrap();
        crate::disk::reserve_behind(&log, 1 << 20).unwrap();
        // By another path, as of a folder that is held open.
        let bytes = disk(folder.path(), &at("a/../ballast"));
        assert!((1 << 20..2 << 20).contains(&bytes), "{bytes}");
    }
}
