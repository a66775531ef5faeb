//! What rows become when a backup is restored. The world went on after the backup: what was under way then has ended
//! in some way since, and what was scheduled has happened. None of it may be done a second time.

use std::collections::BTreeMap;

use db::{
    Timestamp,
    dump::{Row, Table},
};
use serde_json::Value;

use crate::calendar::Pattern;

const WHY: &str = "The server was restored from a backup in which this was under way. It may have gone on after the backup.";

/// How many are not as they were in the backup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// Runs that were not finished: they are errored.
    pub runs: u64,
    /// Scheduled destructions whose time is over: they are not scheduled any more.
    pub destructions: u64,
}

/// A row on its way back.
struct Changing<'a> {
    table: &'a Table,
    row: Row,
}

/// Changes a row as needed; `None` for one that is left out.
pub(super) fn row(table: &Table, row: Row, now: Timestamp, changed: &mut Changed) -> Option<Row> {
    let mut row = Changing { table, row };
    match table.name.as_str() {
        "runs" if row.get("is_final") == &Value::Bool(false) => {
            changed.runs += 1;
            row.end(now);
            row.set("is_final", true.into());
        }
        "assessments" if row.is(&["queued", "running"]) => {
            row.set("status", "canceled".into());
        }
        "phases" if row.is(&["running"]) => {
            row.end(now);
            row.set("message", WHY.into());
        }
        "phases" if row.is(&["pending", "queued"]) => {
            row.set("status", "unreachable".into());
        }
        "task_stages" | "task_results" | "policy_evaluations" | "policy_checks"
        | "cost_estimates"
            if row.is(&["pending", "queued", "running", "awaiting_override"]) =>
        {
            row.set("status", "unreachable".into());
            for column in ["leased_until", "silent_until", "ends_at", "token_ends_at", "token_hash"]
            {
                row.set(column, Value::Null);
            }
        }
        // Nobody has the task any more.
        "policy_replays" if row.is(&["pending", "running"]) => {
            row.set("status", "canceled".into());
        }
        "plan_exports" if row.is(&["pending", "queued"]) => {
            row.set("status", "canceled".into());
        }
        // Work of runs that are over now, and messages and runs that followed long ago.
        // Whoever reads what happens goes on with what will happen.
        "jobs" | "run_circumstances" | "event_readers" => return None,
        "tasks" if row.get("kind") != "delete_blobs" => return None,
        "workspaces" => {
            if row.get("lock_kind") == "runs" {
                for column in ["lock_kind", "lock_holder_id", "lock_reason", "locked_at"] {
                    row.set(column, Value::Null);
                }
            }
            if row.get("auto_destroy_at").as_i64().is_some_and(|at| at <= now.0) {
                changed.destructions += 1;
                row.set("auto_destroy_at", Value::Null);
            }
        }
        // The time that was missed may have come after the backup.
        "run_schedules" if row.get("next_at").as_i64().is_some_and(|at| at <= now.0) => {
            let text = |name| row.get(name).as_str().unwrap_or_default();
            let pattern = Pattern::parse(text("cron"), text("time_zone")).ok();
            let next = pattern.and_then(|pattern| pattern.next_after(now));
            row.set("next_at", next.map_or(Value::Null, |at| at.0.into()));
        }
        "installations" => row.set("blobs_marked", true.into()),
        _ => {}
    }
    Some(row.row)
}

impl Changing<'_> {
    fn get(&self, column: &str) -> &Value {
        self.table.value(&self.row, column)
    }

    fn set(&mut self, column: &str, value: Value) {
        if let Some(at) = self.table.column(column) {
            self.row[at] = value;
        }
    }

    fn is(&self, statuses: &[&str]) -> bool {
        self.get("status").as_str().is_some_and(|status| statuses.contains(&status))
    }

    /// Errored, at this moment.
    fn end(&mut self, now: Timestamp) {
        self.set("status", "errored".into());
        let known = self.get("status_timestamps").as_str().unwrap_or("{}");
        let mut reached: BTreeMap<String, Value> = serde_json::from_str(known).unwrap_or_default();
        reached.insert("errored-at".into(), now.iso8601().into());
        let reached = serde_json::to_string(&reached).expect("a map of plain values");
        self.set("status_timestamps", reached.into());
    }
}

#[cfg(test)]
mod tests {
    use db::dump::{Column, Kind};

    use super::*;

    #[test]
    fn a_time_that_was_missed_does_not_come() {
        let column = |name: &str, kind| Column { name: name.to_owned(), kind };
        let columns = vec![
            column("next_at", Kind::Integer),
            column("cron", Kind::Text),
            column("time_zone", Kind::Text),
        ];
        let table = Table { name: "run_schedules".into(), columns };
        let at = |text| Timestamp::parse(text).unwrap();
        let now = at("2026-11-27T12:00:00Z");
        for (was, is) in [
            ("2026-11-20T06:00:00Z", "2026-11-28T06:00:00Z"),
            ("2026-11-29T06:00:00Z", "2026-11-29T06:00:00Z"),
        ] {
            let kept = vec![at(was).0.into(), "0 7 * * *".into(), "Europe/Vienna".into()];
            let restored = row(&table, kept, now, &mut Changed::default()).unwrap();
            assert_eq!(restored[0], Value::from(at(is).0), "{was}");
        }
    }
}
