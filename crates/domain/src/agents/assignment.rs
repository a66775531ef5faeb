//! All that an agent needs to know to execute a phase, or an assessment.

use std::collections::BTreeMap;

use db::entity::{job, phase, project, state_version, variable, workspace};
use db::sea_orm::EntityTrait;
use secrecy::SecretString;

use crate::{
    Ctx, Error, Result, Tx,
    archivist::{self, Content},
    assessments,
    identity::{self, Workload},
    organizations,
    row::{Job, Run, ToolVersion, Workspace},
    run_limits::{self, Limits},
    runs::circumstances::Circumstances,
    task_stages,
    tool_versions::Source,
};

/// A claimed job with everything around it; secrets are in the clear.
#[derive(Debug)]
pub struct Assignment {
    pub job: Job,
    /// For an assessment: the one that was applied last, as if it were planned again.
    pub run: Run,
    /// The id of the run or of the assessment.
    pub subject: String,
    pub workspace: Workspace,
    /// The workspace's settings as the run was planned with them, and its variables, the run's own among them.
    pub circumstances: Circumstances,
    pub tool: ToolVersion,
    /// Where its agent gets the tool from, unless it has it.
    pub source: Option<Source>,
    pub configuration: Option<String>,
    pub state: Option<String>,
    pub plan_file: Option<String>,
    pub lock_file: Option<String>,
    /// Stages of the run wait for what a plan is shown by.
    pub documents_first: bool,
    /// What its engine shows to this server.
    pub token: crypto::Token,
    pub ssh_key: Option<SecretString>,
    /// By which the run is vouched for, by the audiences that its environment names.
    pub identity_tokens: BTreeMap<String, SecretString>,
    pub limits: Limits,
    /// Bytes of the log that an earlier agent has left.
    pub log_offset: u64,
}

/// What is handed out with a job, read before it is.
pub(super) struct Package {
    kind: job::Kind,
    run: Run,
    workspace: Workspace,
    tool: ToolVersion,
    source: Option<Source>,
    circumstances: Circumstances,
}

impl Package {
    /// # Errors
    /// NotFound if something of it is gone.
    pub async fn of(
        cx: &Ctx,
        kind: job::Kind,
        run: Run,
        tool: ToolVersion,
        source: Option<Source>,
    ) -> Result<Self> {
        let workspace = workspace::Entity::find_by_id(run.workspace_id.clone()).one(cx.read());
        let workspace = workspace.await?.ok_or(Error::NotFound)?;
        let (run, circumstances) = match kind.phase() {
            Some(phase::Kind::Plan) => {
                let now = Circumstances::now(cx, &run, &workspace).await?;
                (run, now)
            }
            Some(phase::Kind::Apply) => {
                let then = Circumstances::of_plan(cx, &run, &workspace).await?;
                (run, then)
            }
            None => {
                let now = assessments::circumstances(cx, &workspace).await?;
                (assessments::planned_again(run), now)
            }
        };
        Ok(Self { kind, run, workspace, tool, source, circumstances })
    }

    /// In the transaction that hands out the job: the apply gets what the plan got.
    pub async fn keep(&self, tx: &Tx) -> Result<()> {
        if self.kind == job::Kind::Plan {
            let state = self.workspace.current_state_version_id.clone();
            self.circumstances.keep(tx, &self.run.id, state).await?;
        }
        Ok(())
    }
}

pub(super) async fn assemble(
    cx: &Ctx,
    job: Job,
    token: crypto::Token,
    package: Package,
) -> Result<Assignment> {
    let Package { kind, run, workspace, tool, source, circumstances } = package;
    let address = |content, id: &str| relative(cx, content, id);
    let (mut plan_file, mut lock_file) = (None, None);
    if kind == job::Kind::Apply {
        let plan = phase::Entity::find_by_id(run.plan_id.as_str()).one(cx.read()).await?;
        let has = |name: &str| plan.as_ref().is_some_and(|plan| plan.artifacts.has(name));
        plan_file = has("plan-file").then(|| address(Content::PlanFile, run.plan_id.as_str()));
        lock_file = has("lock-file").then(|| address(Content::LockFile, run.plan_id.as_str()));
    }
    let documents_first =
        kind == job::Kind::Plan && task_stages::follow_the_plan(cx, &run.id).await?;
    let state = workspace.current_state_version_id.clone();
    let state = match state {
        Some(id) => state_version::Entity::find_by_id(id).one(cx.read()).await?,
        None => None,
    };
    let log = super::log_of(cx, &job).await?;
    let ssh_key = match &workspace.ssh_key_id {
        Some(id) => crate::ssh_keys::value(cx, id).await?,
        None => None,
    };
    let limits = run_limits::of(cx, &run.organization_name, job.agent_pool_id.as_ref(), kind);
    let limits = limits.await?;
    let lifetime = limits.seconds.most;
    let subject = match kind.phase() {
        Some(_) => run.id.to_string(),
        None => super::assessing::of(cx, &job).await?.id.to_string(),
    };
    let identity_tokens =
        identity_tokens(cx, &subject, &workspace, &circumstances, kind, lifetime).await?;
    Ok(Assignment {
        configuration: run
            .configuration_version_id
            .as_ref()
            .map(|id| address(Content::Configuration, id.as_str())),
        state: state.map(|row| address(Content::State, row.id.as_str())),
        plan_file,
        lock_file,
        documents_first,
        circumstances,
        token,
        ssh_key,
        identity_tokens,
        limits,
        log_offset: cx.blobs().log_length(&log).await?,
        job,
        run,
        workspace,
        tool,
        source,
        subject,
    })
}

async fn identity_tokens(
    cx: &Ctx,
    run: &str,
    workspace: &Workspace,
    circumstances: &Circumstances,
    kind: job::Kind,
    lifetime: u64,
) -> Result<BTreeMap<String, SecretString>> {
    let own = circumstances.variables.iter();
    let own = own.filter(|variable| variable.category == variable::Category::Environment);
    let environment: engine_env::identity::Environment<'_> =
        own.map(|variable| (variable.key.as_str(), variable.value.as_str())).collect();
    let audiences = environment.audiences();
    if audiences.is_empty() {
        return Ok(BTreeMap::new());
    }
    let organization = organizations::by_name(cx, &workspace.organization_name).await?;
    let organization = organization.ok_or(Error::NotFound)?;
    // By the names of now, not of the plan: whoever is trusted is trusted where it is.
    let project = project::Entity::find_by_id(workspace.project_id.clone()).one(cx.read());
    let project = project.await?.ok_or(Error::NotFound)?;
    let workload = Workload {
        organization: (organization.id.as_str(), &organization.name),
        project: (project.id.as_str(), &project.name),
        workspace: (workspace.id.as_str(), &workspace.name),
        run,
        // An assessment reads as a plan does.
        phase: if kind == job::Kind::Apply { "apply" } else { "plan" },
        lifetime,
    };
    identity::tokens(cx, workload, &audiences).await
}

/// The engine that the run was given when it left the queue.
pub(super) async fn tool_of(cx: &Ctx, run: &Run) -> Result<Option<ToolVersion>> {
    match &run.terraform_version {
        Some(version) => {
            let wish = crate::tool_versions::Wish { version, engine: run.engine };
            crate::tool_versions::given(cx, wish).await
        }
        None => Ok(None),
    }
}

/// Agents reach this server in their own way, so they get the path only.
fn relative(cx: &Ctx, content: Content, id: &str) -> String {
    let absolute = archivist::address(cx, content, id);
    absolute.strip_prefix(&cx.settings().public_url).unwrap_or(&absolute).to_owned()
}
