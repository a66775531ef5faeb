//! Who could take the next step, asked of the database at once for all workspaces and without any lock: runs whose turn
//! it is, whose configuration is there and whose workspace nobody else has locked.

use std::collections::HashSet;

use db::{
    entity::{
        job, phase,
        run::Status,
        tool_version::Engine,
        workspace::{ExecutionMode, LockKind},
    },
    id::{AgentPoolId, ProjectId, RunId, WorkspaceId},
    sea_orm::{DbBackend, FromQueryResult, Statement, Value},
};

use super::{stages, turns};
use crate::{Ctx, Result, Timestamp, agent_pools, freezes::Closed, tool_versions::Wish};

/// Candidates that are read at once.
pub(super) const PAGE: usize = 200;

/// As narrow as can be, so that nothing else in the rows matters.
#[derive(Clone, Debug, FromQueryResult)]
pub(super) struct Candidate {
    pub id: RunId,
    pub status: Status,
    pub workspace_id: WorkspaceId,
    project_id: ProjectId,
    pub created_at: Timestamp,
    /// The version of the engine that it asks for itself.
    wished: Option<String>,
    /// The workspace's.
    setting: String,
    /// The engine of that version: its own wish, or the workspace's.
    engine: Option<Engine>,
    mode: ExecutionMode,
    pool: Option<AgentPoolId>,
}

impl Candidate {
    /// What it is to be planned with, or was.
    pub fn wish(&self) -> Wish<'_> {
        let version = self.wished.as_deref().unwrap_or(&self.setting);
        Wish { version, engine: self.engine }
    }

    /// Whose agents would execute it, if it may have them.
    pub fn place(&self) -> Place {
        match (self.mode, &self.pool) {
            (ExecutionMode::Remote, _) => Place::Site,
            (ExecutionMode::Agent, Some(pool)) => Place::Pool(pool.clone()),
            (ExecutionMode::Agent, None) | (ExecutionMode::Local, _) => Place::Nowhere,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Site,
    Pool(AgentPoolId),
    Nowhere,
}

/// Which candidates are wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    pub status: Status,
    /// Those that the site's own agents execute.
    pub of_site: bool,
    /// Those that agents of pools execute.
    pub of_pools: bool,
    /// Of one workspace only.
    pub workspace: Option<&'a WorkspaceId>,
    /// Runs that cannot be read; they are in nobody's way.
    pub unreadable: &'a [RunId],
    /// Where nothing is applied.
    pub closed: &'a Closed,
}

/// The next candidates, the oldest first. `after` is the last one of the page before.
pub(crate) fn query(
    backend: DbBackend,
    wanted: Wanted<'_>,
    after: Option<(Timestamp, &RunId)>,
) -> Statement {
    let plan = job::Kind::Plan;
    let (agent, by_run) = (ExecutionMode::Agent, LockKind::Run);
    let (turn, coming) = (turns::taking_turn("r"), turns::without_configuration("r"));
    let behind = turns::is_behind_another("r", wanted.unreadable);
    // Where a run was planned it is applied, too.
    let is_planned = stages::awaited_phase(wanted.status) == Some(phase::Kind::Apply);
    let (mode, pool) = if is_planned {
        let mode = format!("CASE WHEN j.agent_pool_id IS NULL THEN 'remote' ELSE '{agent}' END");
        (mode, "j.agent_pool_id".to_owned())
    } else {
        let inherited = |own: &str, default: &str| {
            format!(
                "CASE WHEN w.execution_mode IS NOT NULL THEN w.{own} \
                 WHEN p.default_execution_mode IS NOT NULL THEN p.{default} ELSE o.{default} END"
            )
        };
        (
            inherited("execution_mode", "default_execution_mode"),
            inherited("agent_pool_id", "default_agent_pool_id"),
        )
    };
    let mut only = Vec::new();
    if !wanted.of_pools {
        only.push(format!(" AND {mode} <> '{agent}'"));
    }
    if !wanted.of_site {
        only.push(format!(" AND {mode} = '{agent}'"));
    }
    if let Some(workspace) = wanted.workspace {
        only.push(format!(" AND r.workspace_id = '{workspace}'"));
    }
    let (since, id) = after.map_or((Timestamp(i64::MIN), ""), |(at, id)| (at, id.as_str()));
    let mut values = vec![Value::from(wanted.status), Value::from(since), Value::from(id)];
    if is_planned && !wanted.closed.is_nowhere() {
        only.push(format!(" AND NOT {}", wanted.closed.holds_up("r", "w", &mut values)));
    }
    let only = only.concat();
    let sql = format!(
        "SELECT r.id, r.status, r.workspace_id, w.project_id, r.created_at, r.terraform_version AS wished, \
         w.terraform_version AS setting, COALESCE(r.engine, w.engine) AS engine, {mode} AS mode, {pool} AS pool \
         FROM runs r \
         JOIN workspaces w ON w.id = r.workspace_id \
         JOIN projects p ON p.id = w.project_id \
         JOIN organizations o ON o.name = w.organization_name \
         LEFT JOIN jobs j ON j.run_id = r.id AND j.kind = '{plan}' \
         WHERE r.status = $1 AND r.created_at >= $2 AND (r.created_at > $2 OR (r.created_at = $2 AND r.id > $3)) \
         AND NOT {coming} \
         AND (NOT {turn} OR (w.lock_kind = '{by_run}' AND w.lock_holder_id = r.id) \
         OR (w.lock_kind IS NULL AND NOT {behind})){only} \
         ORDER BY r.created_at, r.id LIMIT {PAGE}"
    );
    Statement::from_sql_and_values(backend, sql, values)
}

/// Those of these that may have the agents of the pool that they name; the others wait for somebody to let them.
pub(super) async fn permitted(cx: &Ctx, candidates: &[Candidate]) -> Result<HashSet<WorkspaceId>> {
    let wanted: Vec<_> = candidates
        .iter()
        .filter_map(|candidate| match candidate.place() {
            Place::Pool(pool) => {
                Some((pool, candidate.workspace_id.clone(), candidate.project_id.clone()))
            }
            Place::Site | Place::Nowhere => None,
        })
        .collect();
    if wanted.is_empty() {
        return Ok(HashSet::new());
    }
    agent_pools::permitted(cx, &wanted).await
}
