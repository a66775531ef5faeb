//! What a phase may use of its machine: the agent's own settings, or less, where the server says so.

use protocol::{Job, Limit};
use sandbox::Ceilings;

use crate::session::Stop;
use crate::usage::Usage;

/// An agent's own limits of each phase; 0 is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    pub memory_bytes: u64,
    pub processes: u64,
    /// Of the directory of the job.
    pub disk_bytes: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self { memory_bytes: 2 << 30, processes: 512, disk_bytes: 10 << 30 }
    }
}

/// The limits of one phase, and who has set each of them; 0 is none.
#[derive(Clone, Debug)]
pub(crate) struct Allowance {
    pub memory: Limit,
    pub processes: Limit,
    pub disk: Limit,
    /// Kept by the session.
    pub seconds: Limit,
}

impl Allowance {
    pub fn of(job: &Job, own: Budget) -> Self {
        let said = &job.limits;
        let lower = |own: u64, setting: &str, said: &Option<Limit>| match said {
            Some(said) if said.most > 0 && (own == 0 || said.most < own) => said.clone(),
            _ => Limit { most: own, set_by: format!("the setting {setting} of the agent") },
        };
        Self {
            memory: lower(own.memory_bytes, "run_memory", &said.memory_bytes),
            processes: lower(own.processes, "run_processes", &said.processes),
            disk: lower(own.disk_bytes, "run_disk", &said.disk_bytes),
            seconds: Limit {
                most: job.timeout_seconds,
                set_by: said.timeout_set_by.clone().unwrap_or_else(|| "the server".to_owned()),
            },
        }
    }

    /// The kernel's stand above ours, so that there is time to end in good order; threads are tasks too.
    pub fn ceilings(&self) -> Ceilings {
        let some = |limit: &Limit| (limit.most > 0).then_some(limit.most);
        Ceilings {
            memory_bytes: some(&self.memory).map(|bytes| bytes.saturating_add(bytes / 4)),
            tasks: some(&self.processes).map(|processes| processes.saturating_mul(4)),
        }
    }

    pub fn exceeded(&self, usage: &Usage) -> Option<Stop> {
        let over = |used, limit: &Limit| limit.most > 0 && used > limit.most;
        match self {
            _ if over(usage.memory, &self.memory) => Some(Stop::Memory),
            _ if over(usage.processes, &self.processes) => Some(Stop::Processes),
            _ if over(usage.disk, &self.disk) => Some(Stop::Space),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(most: u64, set_by: &str) -> Limit {
        Limit { most, set_by: set_by.into() }
    }

    fn allowance(memory: Limit) -> Allowance {
        let none = limit(0, "");
        Allowance { memory, processes: none.clone(), disk: none.clone(), seconds: none }
    }

    #[test]
    fn a_limit_of_zero_is_none() {
        let much = Usage { memory: 1 << 50, processes: 1 << 20, disk: 1 << 50 };
        let none = allowance(limit(0, ""));
        assert_eq!(none.exceeded(&much), None);
        assert_eq!(none.ceilings(), Ceilings::default());
        assert_eq!(allowance(limit(1 << 30, "")).exceeded(&much), Some(Stop::Memory));
    }
}
