//! Which blobs rows name: what a backup copies and `verify` reads.

use blobs::Kind;
use db::dump::{Row, Table};

/// Something outside the database that a row tells of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// Must be there.
    Blob(Kind, String),
    /// May be there, by the id of its phase.
    Log(String),
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

/// In these states the data behind a version is there, be it that it may only be restored.
fn is_kept(status: &str) -> bool {
    matches!(status, "finalized" | "uploaded" | "backing_data_soft_deleted")
}

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
