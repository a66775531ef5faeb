//! Work for agents, such as one phase of one run.

use sea_orm::entity::prelude::*;

use super::phase;
use crate::{
    Timestamp,
    column::words,
    id::{AgentId, AgentPoolId, JobId, RunId, WorkspaceId},
};

words! {
    /// What is to be done.
    Kind {
        Plan = "plan",
        Apply = "apply",
        /// Whether what is there is still as it was applied.
        Assessment = "assessment",
        ModuleTest = "module_test",
    }
}

impl Kind {
    /// The phase that it is, if it is one; then it belongs to a run.
    pub fn phase(self) -> Option<phase::Kind> {
        match self {
            Self::Plan => Some(phase::Kind::Plan),
            Self::Apply => Some(phase::Kind::Apply),
            Self::Assessment | Self::ModuleTest => None,
        }
    }
}

impl From<phase::Kind> for Kind {
    fn from(phase: phase::Kind) -> Self {
        match phase {
            phase::Kind::Plan => Self::Plan,
            phase::Kind::Apply => Self::Apply,
        }
    }
}

words! {
    Status {
        /// Nobody has it.
        Queued = "queued",
        /// An agent has it but has not begun; it may be handed out again.
        Claimed = "claimed",
        /// The engine may be at work. A plan may be repeated, an apply never.
        Started = "started",
        /// The outcome is known; files may still arrive.
        Concluded = "concluded",
        Finished = "finished",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "jobs")]
pub struct Model {
    /// New whenever the job is handed out again, so that whoever had it is refused.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: JobId,
    pub kind: Kind,
    /// For a phase: whose.
    pub run_id: Option<RunId>,
    /// Absent for what is about no workspace.
    pub workspace_id: Option<WorkspaceId>,
    pub status: Status,
    pub agent_pool_id: Option<AgentPoolId>,
    pub agent_id: Option<AgentId>,
    pub leased_until: Option<Timestamp>,
    /// How often it was handed out.
    pub attempts: i64,
    /// Of the token that it was handed out with.
    pub token_hash: Option<String>,
    pub created_at: Timestamp,
    pub started_at: Option<Timestamp>,
}

impl Model {
    /// One that any of the site's agents may take.
    pub fn queued(kind: Kind, run: &RunId, workspace: &WorkspaceId, at: Timestamp) -> Self {
        Self {
            id: JobId::fresh(),
            kind,
            run_id: Some(run.clone()),
            workspace_id: Some(workspace.clone()),
            status: Status::Queued,
            agent_pool_id: None,
            agent_id: None,
            leased_until: None,
            attempts: 0,
            token_hash: None,
            created_at: at,
            started_at: None,
        }
    }
}

super::standalone!();
