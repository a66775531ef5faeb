//! What plans and applies may use at most, as attributes of organizations and agent pools: all of them ours.

use domain::{entity::run_limits::RunLimits, site_settings::Span};
use serde::Serialize;

/// Sizes are whole bytes, times as `2h`; null is no limit beside those of the site and of agents.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Attributes {
    run_memory_bytes: Option<u64>,
    run_processes: Option<u64>,
    run_disk_bytes: Option<u64>,
    plan_timeout: Option<Span>,
    apply_timeout: Option<Span>,
}

impl From<RunLimits> for Attributes {
    fn from(limits: RunLimits) -> Self {
        Self {
            run_memory_bytes: limits.memory,
            run_processes: limits.processes,
            run_disk_bytes: limits.disk,
            plan_timeout: limits.plan_seconds.and_then(Span::of_seconds),
            apply_timeout: limits.apply_seconds.and_then(Span::of_seconds),
        }
    }
}

/// Their fields stand in the input itself: a mistake is then pointed at where it is.
macro_rules! change {
    ($input:expr) => {
        domain::run_limits::Change {
            memory: $input.run_memory_bytes.into_change(),
            processes: $input.run_processes.into_change(),
            disk: $input.run_disk_bytes.into_change(),
            plan_timeout: $input.plan_timeout.into_change(),
            apply_timeout: $input.apply_timeout.into_change(),
        }
    };
}
pub(crate) use change;
