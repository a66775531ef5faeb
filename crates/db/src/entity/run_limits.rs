//! What a plan or an apply may use at most, as an organization or an agent pool keeps it.

use serde::{Deserialize, Serialize};

/// Absent is not decided here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunLimits {
    /// Bytes of all processes together.
    pub memory: Option<u64>,
    pub processes: Option<u64>,
    /// Bytes of the directory of the job.
    pub disk: Option<u64>,
    pub plan_seconds: Option<u64>,
    pub apply_seconds: Option<u64>,
}
