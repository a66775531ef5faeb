//! What a policy check found, as it is kept: counts in the clear, and sealed what policies said, for they may tell
//! values of the plan.

use ::policy::sentinel::report;
use db::entity::policy_check::{Counts, Status};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::code::Heard;
use crate::{Ctx, Error, Result, Tx, row::PolicyCheck};

/// Where findings are sealed; part of what authenticates them.
const SEALED: &str = "policy_checks.said";
/// Bytes of the log, and of the JSON, that are kept.
const LIMIT: usize = 4 << 20;

/// What the policies of a check said: for tools, and for people.
#[derive(Debug, Serialize, Deserialize)]
pub struct Findings {
    pub sentinel: Value,
    pub log: String,
}

/// How a check ends that has heard this.
pub(super) fn status(heard: &[Heard]) -> Status {
    let counts = counts(heard);
    if heard.iter().any(|one| one.said.is_out_of_reach) {
        Status::Errored
    } else if counts.hard_failed > 0 {
        Status::HardFailed
    } else if counts.soft_failed > 0 {
        Status::SoftFailed
    } else {
        Status::Passed
    }
}

pub(super) fn counts(heard: &[Heard]) -> Counts {
    let mut sum = Counts::default();
    for one in heard {
        let counts = report::Counts::of(&one.judged);
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        sum.passed += count(counts.passed);
        sum.advisory_failed += count(counts.advisory_failed);
        sum.soft_failed += count(counts.soft_failed);
        sum.hard_failed += count(counts.hard_failed);
        sum.duration_ms += u64::try_from(counts.duration.as_millis()).unwrap_or(u64::MAX);
    }
    sum
}

pub(super) fn findings(heard: &[Heard]) -> Findings {
    let sets: Map<String, Value> =
        heard.iter().map(|one| (one.said.name.clone(), set(one))).collect();
    let mut sentinel = json!({ "schema-version": 1, "data": sets });
    if sentinel.to_string().len() > LIMIT {
        without_traces(&mut sentinel);
    }
    let mut log = heard.iter().map(self::log).collect::<Vec<_>>().join("\n");
    if log.len() > LIMIT {
        log.truncate(log.floor_char_boundary(LIMIT));
        log.push_str("\n... the rest of this log is too long to be kept\n");
    }
    Findings { sentinel, log }
}

fn set(heard: &Heard) -> Value {
    let mut set = report::set_json(&heard.judged);
    if let Some(why) = &heard.said.error {
        set["error"] = json!(why);
    }
    if heard.said.is_out_of_reach {
        set["result"] = json!(false);
    }
    set
}

fn log(heard: &Heard) -> String {
    let mut log = report::log(Some(&heard.said.name), &heard.judged);
    if let Some(why) = &heard.said.error {
        log.push_str("\nThis policy set could not be asked:\n  ");
        log.push_str(why);
        log.push('\n');
    }
    log
}

/// Who has so much to say is still told which policies failed.
fn without_traces(sentinel: &mut Value) {
    let sets = sentinel["data"].as_object_mut().into_iter().flat_map(Map::values_mut);
    for set in sets {
        for policy in set["policies"].as_array_mut().into_iter().flatten() {
            policy["trace"] = json!({ "truncated": true });
        }
    }
}

pub(super) fn seal(tx: &Tx, row: &PolicyCheck, findings: &Findings) -> Result<String> {
    let said = serde_json::to_vec(findings).map_err(|error| Error::Internal(error.into()))?;
    Ok(tx.cx().keyring().seal(SEALED, row.id.as_str(), &said))
}

/// What a check's policies said, in the clear; `None` where none was asked.
pub fn open(cx: &Ctx, row: &PolicyCheck) -> Result<Option<Findings>> {
    let Some(said) = &row.said else { return Ok(None) };
    let opened = cx.keyring().open(SEALED, row.id.as_str(), said)?;
    serde_json::from_slice(&opened).map_err(|error| Error::Internal(error.into()))
}
