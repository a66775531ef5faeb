//! Work for agents: one phase of one run.

use sea_orm::entity::prelude::*;

use super::phase::Kind;
use crate::{
    Timestamp,
    column::words,
    id::{AgentId, AgentPoolId, JobId, RunId, WorkspaceId},
};

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
    pub run_id: RunId,
    pub workspace_id: WorkspaceId,
    pub phase: Kind,
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

super::standalone!();
