//! All that an agent needs to know to execute a phase.

use db::entity::{phase, run, state_version, tool_version, workspace};
use db::sea_orm::EntityTrait;
use secrecy::SecretString;

use crate::{
    Ctx, Error, Result,
    archivist::{self, Content},
    row::{Job, Run, ToolVersion, Workspace},
    variables::RunVariable,
};

/// A claimed job with everything around it; secrets are in the clear.
#[derive(Debug)]
pub struct Assignment {
    pub job: Job,
    pub run: Run,
    pub workspace: Workspace,
    pub project_name: String,
    pub tool: ToolVersion,
    pub configuration: Option<String>,
    pub state: Option<String>,
    pub plan_file: Option<String>,
    pub lock_file: Option<String>,
    /// Those in force in the workspace, and the run's own.
    pub variables: Vec<RunVariable>,
    /// What its engine shows to this server.
    pub token: crypto::Token,
    pub ssh_key: Option<SecretString>,
    pub timeout_seconds: u64,
    /// Bytes of the log that an earlier agent has left.
    pub log_offset: u64,
}

pub(super) async fn assemble(cx: &Ctx, job: Job, token: crypto::Token) -> Result<Assignment> {
    let run =
        run::Entity::find_by_id(job.run_id.clone()).one(cx.read()).await?.ok_or(Error::NotFound)?;
    let workspace = workspace::Entity::find_by_id(job.workspace_id.clone())
        .one(cx.read())
        .await?
        .ok_or(Error::NotFound)?;
    let project = db::entity::project::Entity::find_by_id(workspace.project_id.clone())
        .one(cx.read())
        .await?
        .ok_or(Error::NotFound)?;
    let tool = tool_of(cx, &run).await?.ok_or(Error::NotFound)?;
    let address = |content, id: &str| relative(cx, content, id);
    let (mut plan_file, mut lock_file) = (None, None);
    if job.phase == phase::Kind::Apply {
        let plan = phase::Entity::find_by_id(run.plan_id.as_str()).one(cx.read()).await?;
        let has = |name: &str| {
            plan.as_ref().is_some_and(|plan| plan.artifacts.iter().any(|other| other == name))
        };
        plan_file = has("plan-file").then(|| address(Content::PlanFile, run.plan_id.as_str()));
        lock_file = has("lock-file").then(|| address(Content::LockFile, run.plan_id.as_str()));
    }
    let state = workspace.current_state_version_id.clone();
    let state = match state {
        Some(id) => state_version::Entity::find_by_id(id).one(cx.read()).await?,
        None => None,
    };
    let own = crate::runs::variables_of(cx, &run)?;
    let variables = crate::variables::for_run(cx, &workspace, own).await?;
    let log = super::log_of(cx, &job).await?;
    let ssh_key = match &workspace.ssh_key_id {
        Some(id) => crate::ssh_keys::value(cx, id).await?,
        None => None,
    };
    let limits = crate::site_settings::current(cx).await?;
    Ok(Assignment {
        configuration: run
            .configuration_version_id
            .as_ref()
            .map(|id| address(Content::Configuration, id.as_str())),
        state: state.map(|row| address(Content::State, row.id.as_str())),
        plan_file,
        lock_file,
        variables,
        token,
        ssh_key,
        timeout_seconds: match job.phase {
            phase::Kind::Plan => limits.plan_timeout,
            phase::Kind::Apply => limits.apply_timeout,
        }
        .seconds(),
        log_offset: cx.blobs().log_length(&log).await?,
        project_name: project.name,
        job,
        run,
        workspace,
        tool,
    })
}

/// The engine that the run was given when it left the queue.
pub(super) async fn tool_of(cx: &Ctx, run: &Run) -> Result<Option<ToolVersion>> {
    match &run.terraform_version {
        Some(version) => crate::tool_versions::given(cx, version).await,
        None => Ok(None),
    }
}

/// Agents reach this server in their own way, so they get the path only.
fn relative(cx: &Ctx, content: Content, id: &str) -> String {
    let absolute = archivist::address(cx, content, id);
    absolute.strip_prefix(&cx.settings().public_url).unwrap_or(&absolute).to_owned()
}

/// Whether an agent that has these engines can use the tool.
pub(super) fn can_use(engines: &[String], tool: &tool_version::Model) -> bool {
    tool.url.is_some() || engines.contains(&super::engine_name(tool.kind, &tool.version))
}
