//! What plans and applies may use at most, in the settings of organizations and agent pools: as people write it.

use domain::{entity::run_limits::RunLimits, run_limits::Change, site_settings::Span};
use serde::Deserialize;

use crate::components::{About, Control, Text};

/// Letters behind a number, and by how many bits they move it.
const UNITS: [(char, u32); 3] = [('G', 30), ('M', 20), ('K', 10)];

/// Nothing is no limit beside those of the site and of agents.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Input {
    run_memory_bytes: String,
    run_processes: String,
    run_disk_bytes: String,
    plan_timeout: String,
    apply_timeout: String,
}

impl Input {
    pub fn of(limits: &RunLimits) -> Self {
        let bytes = |limit: Option<u64>| limit.map(size).unwrap_or_default();
        let span = |seconds: Option<u64>| {
            seconds.and_then(Span::of_seconds).map(|span| span.to_string()).unwrap_or_default()
        };
        Self {
            run_memory_bytes: bytes(limits.memory),
            run_processes: limits.processes.map(|limit| limit.to_string()).unwrap_or_default(),
            run_disk_bytes: bytes(limits.disk),
            plan_timeout: span(limits.plan_seconds),
            apply_timeout: span(limits.apply_seconds),
        }
    }

    /// # Errors
    /// Invalid for what is neither a size, a number nor a time.
    pub fn wanted(&self) -> domain::Result<Change> {
        let number = |text: &str| text.parse().map_err(|_| "must be a whole number".to_owned());
        Ok(Change {
            memory: Some(wanted("run-memory-bytes", &self.run_memory_bytes, bytes)?),
            processes: Some(wanted("run-processes", &self.run_processes, number)?),
            disk: Some(wanted("run-disk-bytes", &self.run_disk_bytes, bytes)?),
            plan_timeout: Some(wanted("plan-timeout", &self.plan_timeout, str::parse)?),
            apply_timeout: Some(wanted("apply-timeout", &self.apply_timeout, str::parse)?),
        })
    }

    pub fn controls(&self) -> [Text<'_>; 5] {
        let text = |name, label, hint, value| Text {
            about: About { name, label, hint: Some(hint), optional: true },
            value,
            ..Text::default()
        };
        let size = "Such as 512M or 2G; where it is empty, agents decide.";
        let time = "Such as 30m or 2h; where it is empty, the site decides.";
        [
            text("run-memory-bytes", "Memory of a run", size, &self.run_memory_bytes),
            text(
                "run-processes",
                "Processes of a run",
                "Where it is empty, agents decide.",
                &self.run_processes,
            ),
            text("run-disk-bytes", "Disk of a run", size, &self.run_disk_bytes),
            text("plan-timeout", "Time of a plan", time, &self.plan_timeout),
            text("apply-timeout", "Time of an apply", time, &self.apply_timeout),
        ]
    }
}

/// Those of a sheet with these behind its own.
pub fn behind<'a>(own: &[&'a dyn Control], limits: &'a [Text<'a>; 5]) -> Vec<&'a dyn Control> {
    let limits = limits.iter().map(|text| text as &dyn Control);
    own.iter().copied().chain(limits).collect()
}

fn wanted<T>(
    name: &str,
    text: &str,
    read: impl Fn(&str) -> Result<T, String>,
) -> domain::Result<Option<T>> {
    match text.trim() {
        "" => Ok(None),
        text => read(text).map(Some).map_err(|why| domain::Error::invalid(name, why)),
    }
}

fn bytes(text: &str) -> Result<u64, String> {
    let unit = UNITS.iter().find_map(|(letter, bits)| Some((text.strip_suffix(*letter)?, *bits)));
    let (number, bits) = unit.unwrap_or((text, 0));
    let number: Option<u64> = number.trim_end().parse().ok();
    let bytes = number.and_then(|number| number.checked_mul(1 << bits));
    bytes.ok_or_else(|| "must be a number with K, M or G behind it, or of bytes".to_owned())
}

/// The same in the largest unit that takes nothing from it.
fn size(bytes: u64) -> String {
    let whole = UNITS.iter().find(|(_, bits)| bytes > 0 && bytes.is_multiple_of(1 << bits));
    whole.map_or_else(|| bytes.to_string(), |(letter, bits)| format!("{}{letter}", bytes >> bits))
}
