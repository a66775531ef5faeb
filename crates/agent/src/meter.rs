//! What a phase may use of the machine: watched each second, and ended in good order when it uses more.
//!
//! As a cancel does it: the engine is interrupted, writes its state, and only then is killed. Where the kernel counts
//! groups of processes ([`sandbox::Group`]), a ceiling of its own stands above, for what grows faster than anybody looks.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use protocol::{Limit, Peaks, Phase};
use rustix::process::{Pid, Signal, kill_process};
use sandbox::{Group, Groups};

use crate::budget::{Allowance, Budget};
use crate::output::last_address;
use crate::session::{Session, Stop};
use crate::usage::{Usage, largest, of_job};
use crate::workplace::Workplace;

/// How often it is looked at; what is used in between can be more than is allowed.
const EVERY: Duration = Duration::from_secs(1);
/// After this for the first time: most commands are short.
const FIRST: Duration = Duration::from_millis(100);

/// The meter of one phase.
pub(crate) struct Meter {
    place: Workplace,
    allowance: Allowance,
    group: Option<Group>,
    seen: Mutex<Seen>,
}

#[derive(Clone, Debug, Default)]
struct Seen {
    peak: Usage,
    /// Of each command that there has been, by its keeper.
    cpu: HashMap<i32, Duration>,
}

impl Meter {
    pub fn new(session: &Session, place: &Workplace, own: Budget, groups: Option<&Groups>) -> Self {
        let name = place.root().file_name().unwrap_or_default().to_string_lossy().into_owned();
        let allowance = Allowance::of(&session.job, own);
        let group = groups.map(|groups| groups.group(&name, allowance.ceilings())).transpose();
        let group = group.unwrap_or_else(|error| {
            tracing::warn!(%error, "the kernel does not count what this phase uses");
            None
        });
        Self { place: place.clone(), allowance, group, seen: Mutex::default() }
    }

    /// Counts a keeper that has just been started, and all that it will start.
    pub fn take(&self, keeper: Pid) {
        if let Some(Err(error)) = self.group.as_ref().map(|group| group.take(keeper)) {
            tracing::warn!(%error, "the kernel does not count what an engine uses");
        }
    }

    /// Whether the kernel keeps the limits too.
    pub fn is_kept(&self) -> bool {
        self.group.is_some()
    }

    /// The most that was seen so far.
    pub fn peaks(&self) -> Peaks {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let cpu: Duration = seen.cpu.values().sum();
        Peaks {
            memory_bytes: seen.peak.memory,
            processes: seen.peak.processes,
            disk_bytes: seen.peak.disk,
            cpu_milliseconds: u64::try_from(cpu.as_millis()).unwrap_or(u64::MAX),
        }
    }

    fn note(&self, usage: Usage, cpu: HashMap<i32, Duration>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.peak = seen.peak.peak(usage);
        for (keeper, time) in cpu {
            let known = seen.cpu.entry(keeper).or_default();
            *known = time.max(*known);
        }
    }

    /// Interrupts the phase when it uses too much; never ends by itself.
    pub async fn watch(&self, session: &Session) {
        let mut pause = FIRST;
        loop {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(EVERY);
            let place = self.place.clone();
            let look = move || of_job(place.root(), &place.ballast());
            let Ok((usage, cpu)) = tokio::task::spawn_blocking(look).await else { continue };
            self.note(usage, cpu);
            if let Some(stop) = self.allowance.exceeded(&usage) {
                session.raise(stop);
            }
            // Where the kernel does not do it, and an engine that is to write its state needs memory too.
            let ceiling = self.allowance.ceilings().memory_bytes;
            if self.group.is_none() && ceiling.is_some_and(|ceiling| usage.memory > ceiling) {
                self.kill_largest();
            }
        }
    }

    fn kill_largest(&self) {
        if let Some(pid) = largest(self.place.root()) {
            tracing::warn!(pid = pid.as_raw_nonzero(), "killing the largest process of a run");
            let _ = kill_process(pid, Signal::KILL);
        }
    }

    /// Why a phase was ended, with what it used and was doing; nothing if it was not for a limit.
    pub fn verdict(&self, session: &Session, log: &Path) -> Option<String> {
        let (peak, may) = (self.peaks(), &self.allowance);
        let (killed, refused) =
            self.group.as_ref().map_or((0, 0), |group| (group.killed(), group.refused()));
        let memory = |seen: u64| used(&size(seen), "memory", &may.memory, size);
        let doing = last_address(log).map(|address| format!(", while it worked on {address}"));
        let (said, limit) = match session.stop() {
            Stop::Memory => (memory(peak.memory_bytes), &may.memory),
            Stop::Processes => {
                let seen = peak.processes.to_string();
                (used(&seen, "processes", &may.processes, |most| most.to_string()), &may.processes)
            }
            Stop::Space => (used(&size(peak.disk_bytes), "disk", &may.disk, size), &may.disk),
            Stop::Timeout => {
                let phase = match session.job.phase {
                    Phase::Plan => "plan",
                    Phase::Apply => "apply",
                    Phase::Assessment => "assessment",
                };
                (
                    format!("The {phase} took {}, and may take no more", span(may.seconds.most)),
                    &may.seconds,
                )
            }
            // Faster than anybody could look: the kernel's ceiling was reached.
            Stop::No if killed > 0 => {
                let ceiling = may.ceilings().memory_bytes.unwrap_or_default();
                (memory(peak.memory_bytes.max(ceiling)), &may.memory)
            }
            Stop::No if refused > 0 => {
                let ceiling = may.ceilings().tasks.unwrap_or_default();
                let most = may.processes.most;
                let said = format!(
                    "The run was refused more than {ceiling} processes and threads, and may use {most}"
                );
                (said, &may.processes)
            }
            _ => return None,
        };
        let doing = doing.unwrap_or_default();
        Some(format!("{said}{doing}. To change that, see {}.", limit.set_by))
    }
}

fn used(seen: &str, what: &str, limit: &Limit, shown: impl Fn(u64) -> String) -> String {
    format!("The run used {seen} of {what}, and may use {}", shown(limit.most))
}

fn size(bytes: u64) -> String {
    let tenths = bytes.saturating_mul(10);
    let (whole, unit) =
        if bytes >= 1 << 30 { (tenths >> 30, "GiB") } else { (tenths >> 20, "MiB") };
    format!("{}.{} {unit}", whole / 10, whole % 10)
}

fn span(seconds: u64) -> String {
    match seconds {
        hours if hours >= 3600 && hours.is_multiple_of(3600) => format!("{} h", hours / 3600),
        minutes if minutes >= 60 && minutes.is_multiple_of(60) => format!("{} min", minutes / 60),
        _ => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_spans_are_said_as_people_read_them() {
        assert_eq!(size(2 << 30), "2.0 GiB");
        assert_eq!(size((2 << 30) + (1 << 29)), "2.5 GiB");
        assert_eq!(size(64 << 20), "64.0 MiB");
        assert_eq!(span(7200), "2 h");
        assert_eq!(span(90 * 60), "90 min");
        assert_eq!(span(61), "61 s");
    }
}
