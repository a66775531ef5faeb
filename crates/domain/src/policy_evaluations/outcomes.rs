//! What policy sets said about a run, as it is kept. Sealed, for policies may tell values of the plan.

use db::{
    entity::{policy::Enforcement, policy_set_outcome as outcome},
    id::{PolicyEvaluationId, PolicySetOutcomeId},
};
use serde::{Deserialize, Serialize};

use super::verdict;
use crate::{Ctx, Error, Result, Tx, row::PolicySetOutcome};

/// Where outcomes are sealed; part of what authenticates them.
const SEALED: &str = "policy_set_outcomes.outcomes";

/// How a policy ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    Passed,
    Failed,
    Errored,
}

impl Said {
    #[cfg(test)]
    pub const ALL: &'static [Self] = &[Self::Passed, Self::Failed, Self::Errored];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Errored => "errored",
        }
    }
}

/// What one policy said; the names are those of the wire.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PolicyOutcome {
    pub enforcement_level: Enforcement,
    pub query: Option<String>,
    pub status: Said,
    pub policy_name: String,
    pub description: String,
    /// What speaks against the run, or why the policy could not be asked.
    pub output: Option<Vec<Printed>>,
}

/// A line of output, in the one shape that all clients can decode.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Printed {
    pub print: String,
}

impl Printed {
    /// Absent where nothing is said.
    pub(super) fn lines(lines: Vec<String>) -> Option<Vec<Self>> {
        let lines: Vec<_> = lines.into_iter().map(|print| Self { print }).collect();
        Some(lines).filter(|lines| !lines.is_empty())
    }
}

/// What a set said.
#[derive(Clone, Debug)]
pub struct SetOutcome {
    pub name: String,
    pub description: Option<String>,
    /// What was asked: this server's own OPA or Sentinel, whichever the set names.
    pub tool_version: String,
    pub overridable: bool,
    /// Why none of its policies could be asked.
    pub error: Option<String>,
    /// This server cannot know what the set says: whatever its policies' levels, the run stops.
    pub is_out_of_reach: bool,
    pub outcomes: Vec<PolicyOutcome>,
}

/// Which outcomes of a set are asked for.
#[derive(Clone, Debug, Default)]
pub struct OutcomeFilter {
    pub status: Option<String>,
    pub enforcement_level: Option<String>,
}

impl OutcomeFilter {
    pub(super) fn takes(&self, policy: &PolicyOutcome) -> bool {
        let status = self.status.as_deref();
        let level = self.enforcement_level.as_deref();
        status.is_none_or(|word| word == policy.status.as_str())
            && level.is_none_or(|word| word == policy.enforcement_level.as_str())
    }
}

/// Keeps what a set said.
pub(super) async fn keep(
    tx: &Tx,
    evaluation: &PolicyEvaluationId,
    position: usize,
    said: &SetOutcome,
) -> Result<()> {
    let id = PolicySetOutcomeId::fresh();
    let outcomes =
        serde_json::to_vec(&said.outcomes).map_err(|error| Error::Internal(error.into()))?;
    tx.insert(outcome::Model {
        outcomes: tx.cx().keyring().seal(SEALED, id.as_str(), &outcomes),
        id,
        policy_evaluation_id: evaluation.clone(),
        position: i64::try_from(position).unwrap_or(i64::MAX),
        policy_set_name: said.name.clone(),
        policy_set_description: said.description.clone(),
        policy_tool_version: said.tool_version.clone(),
        overridable: said.overridable,
        error: said.error.clone(),
        result_count: db::Json(verdict::count(said.outcomes.iter())),
    })
    .await?;
    Ok(())
}

/// What the policies of a set said, in the clear.
pub(super) fn open(cx: &Ctx, row: &PolicySetOutcome) -> Result<Vec<PolicyOutcome>> {
    let opened = cx.keyring().open(SEALED, row.id.as_str(), &row.outcomes)?;
    serde_json::from_slice(&opened).map_err(|error| Error::Internal(error.into()))
}
