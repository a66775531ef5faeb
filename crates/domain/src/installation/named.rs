//! Which blobs rows name: what a backup copies and `verify` reads.

use blobs::{Kind, LogId, Name};
use db::dump::{Row, Table};

use crate::Result;

/// Something outside the database that a row tells of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// Must be there.
    Blob(Kind, String),
    /// May be there, by the id of its phase.
    Log(String),
}

impl Named {
    /// As the store calls it.
    pub fn name(&self) -> Result<String> {
        Ok(match self {
            Self::Blob(kind, id) => Name::new(*kind, id)?.to_string(),
            Self::Log(id) => LogId::new(id)?.to_string(),
        })
    }
}

/// What a row of any table names.
pub(crate) fn of(table: &Table, row: &Row) -> Vec<Named> {
    let text = |column| table.text(row, column).unwrap_or_default().to_owned();
    let blob = |kind| Named::Blob(kind, text("id"));
    match table.name.as_str() {
        "state_versions" if is_kept(&text("status")) => {
            let json = table.value(row, "has_json_state").as_bool().unwrap_or_default();
            let json = json.then(|| blob(Kind::JsonState));
            [blob(Kind::State)].into_iter().chain(json).collect()
        }
        "configuration_versions" if is_kept(&text("status")) => vec![blob(Kind::Configuration)],
        "phases" | "assessments" => {
            let artifacts: Vec<String> =
                serde_json::from_str(&text("artifacts")).unwrap_or_default();
            let blobs = artifacts.iter().filter_map(|name| artifact(name)).map(blob);
            [Named::Log(text("id"))].into_iter().chain(blobs).collect()
        }
        "plan_exports" if text("status") == "finished" => vec![blob(Kind::PlanExport)],
        "policies" => {
            let code = table.text(row, "code_id");
            code.map(|id| Named::Blob(Kind::PolicyCode, id.to_owned())).into_iter().collect()
        }
        "policy_set_versions" if text("status") == "ready" => vec![blob(Kind::PolicySet)],
        _ => Vec::new(),
    }
}

/// What may lie in the store before its row says so: an upload is written first.
pub(crate) fn awaited_by(table: &Table, row: &Row) -> Vec<Named> {
    let id = table.text(row, "id").unwrap_or_default();
    let kinds: &[Kind] = match (table.name.as_str(), table.text(row, "status").unwrap_or_default())
    {
        ("state_versions", "pending") => &[Kind::State, Kind::JsonState],
        ("state_versions", "finalized") => &[Kind::JsonState],
        ("configuration_versions", "pending" | "fetching") => &[Kind::Configuration],
        ("policy_set_versions", "pending" | "ingressing") => &[Kind::PolicySet],
        ("plan_exports", "pending" | "queued") => &[Kind::PlanExport],
        ("phases" | "assessments", "running") => &ARTIFACTS,
        _ => &[],
    };
    kinds.iter().map(|kind| Named::Blob(*kind, id.to_owned())).collect()
}

/// In these states the data behind a version is there, be it that it may only be restored.
fn is_kept(status: &str) -> bool {
    matches!(status, "finalized" | "uploaded" | "backing_data_soft_deleted")
}

/// What a phase leaves.
const ARTIFACTS: [Kind; 7] = [
    Kind::Plan,
    Kind::LockFile,
    Kind::PlanJson,
    Kind::PlanJsonRedacted,
    Kind::PlanChanges,
    Kind::ProviderSchemas,
    Kind::ErroredState,
];

/// What a phase has left, by its name in the agent protocol, and what was made of it here.
fn artifact(name: &str) -> Option<Kind> {
    match name {
        "plan-file" => Some(Kind::Plan),
        "lock-file" => Some(Kind::LockFile),
        "json-plan" => Some(Kind::PlanJson),
        "json-plan-redacted" => Some(Kind::PlanJsonRedacted),
        "plan-changes" => Some(Kind::PlanChanges),
        "provider-schemas" => Some(Kind::ProviderSchemas),
        "errored-state" => Some(Kind::ErroredState),
        _ => None,
    }
}
