//! Which workspaces are assessed, and when.

use db::{
    entity::{assessment, configuration_version, organization, run, tool_version::Engine},
    sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder},
};
use semver::Version;

use super::UNDER_WAY;
use crate::{
    Ctx, Result, Timestamp,
    row::{Run, Workspace},
    site_settings,
    workspaces::{self, Executor},
};

/// The first Terraform whose plans tell what has changed outside.
const FIRST: Version = Version::new(0, 15, 4);

/// Why a workspace is not assessed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// Neither the workspace nor its organization wants it.
    Off,
    /// Nobody here executes what is to be done for it.
    NoExecutor,
    NeverApplied,
    /// There is nothing that could drift.
    Empty,
    /// Its last run, or a plan, came to no good end.
    LastRun(run::Status),
    Run,
    Assessment,
    /// What was applied is not there any more.
    NoConfiguration,
    /// What was applied with is too old.
    Engine(String),
}

impl std::fmt::Display for Obstacle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Off => f.write_str("assessments are switched off for this workspace"),
            Self::NoExecutor => f.write_str(
                "nobody here executes its runs: the execution mode is local, or its agent pool is missing",
            ),
            Self::NeverApplied => f.write_str("no run has been applied yet"),
            Self::Empty => f.write_str("its state has no resources"),
            Self::LastRun(status) => {
                write!(f, "its last run is {status}; assessments go on when a run succeeds")
            }
            Self::Run => f.write_str("a run is under way"),
            Self::Assessment => f.write_str("an assessment is under way already"),
            Self::NoConfiguration => f.write_str(
                "the configuration that was applied last is not there any more; apply a run first",
            ),
            Self::Engine(version) => {
                write!(f, "Terraform {version} cannot tell drift; that takes {FIRST} or later")
            }
        }
    }
}

/// The run whose configuration and engine an assessment uses, and who executes it; or what is in its way.
pub(super) type Fitness = std::result::Result<(Run, Executor), Obstacle>;

pub(super) async fn fitness(db: &impl ConnectionTrait, workspace: &Workspace) -> Result<Fitness> {
    if !workspace.assessments_enabled && !is_enforced(db, workspace).await? {
        return Ok(Err(Obstacle::Off));
    }
    let executor = workspaces::executor(db, workspace).await?;
    if matches!(executor, Executor::Nobody(_)) {
        return Ok(Err(Obstacle::NoExecutor));
    }
    let under_way = assessment::Entity::find()
        .filter(assessment::Column::WorkspaceId.eq(&workspace.id))
        .filter(assessment::Column::Status.is_in(UNDER_WAY));
    if under_way.one(db).await?.is_some() {
        return Ok(Err(Obstacle::Assessment));
    }
    let Some(applied) = last_applied(db, workspace).await? else {
        return Ok(Err(Obstacle::NeverApplied));
    };
    let at_work = run::Entity::find()
        .filter(run::Column::WorkspaceId.eq(&workspace.id))
        .filter(run::Column::IsFinal.eq(false));
    if at_work.one(db).await?.is_some() {
        return Ok(Err(Obstacle::Run));
    }
    if let Some(status) = failed_last(db, workspace).await? {
        return Ok(Err(Obstacle::LastRun(status)));
    }
    if workspace.resource_count == 0 {
        return Ok(Err(Obstacle::Empty));
    }
    if let Some(version) = too_old(&applied) {
        return Ok(Err(Obstacle::Engine(version)));
    }
    let configuration = match &applied.configuration_version_id {
        Some(id) => configuration_version::Entity::find_by_id(id.clone()).one(db).await?,
        None => None,
    };
    let is_there =
        configuration.is_some_and(|row| row.status == configuration_version::Status::Uploaded);
    Ok(if is_there { Ok((applied, executor)) } else { Err(Obstacle::NoConfiguration) })
}

pub(super) async fn is_enforced(db: &impl ConnectionTrait, workspace: &Workspace) -> Result<bool> {
    let of = organization::Entity::find_by_id(workspace.organization_name.clone()).one(db).await?;
    Ok(of.is_some_and(|of| of.assessments_enforced))
}

/// Whether its organization wants the workspace assessed, whatever it wants itself.
pub async fn is_enforced_for(cx: &Ctx, workspace: &Workspace) -> Result<bool> {
    is_enforced(cx.read(), workspace).await
}

pub(super) async fn last_applied(
    db: &impl ConnectionTrait,
    workspace: &Workspace,
) -> Result<Option<Run>> {
    let applied = run::Entity::find()
        .filter(run::Column::WorkspaceId.eq(&workspace.id))
        .filter(run::Column::Status.eq(run::Status::Applied))
        .order_by_desc(run::Column::Number);
    Ok(applied.one(db).await?)
}

async fn failed_last(
    db: &impl ConnectionTrait,
    workspace: &Workspace,
) -> Result<Option<run::Status>> {
    use run::Status as S;
    let Some(id) = &workspace.latest_run_id else { return Ok(None) };
    let latest = run::Entity::find_by_id(id.clone()).one(db).await?;
    Ok(latest.map(|latest| latest.status).filter(|status| {
        matches!(
            status,
            S::Errored | S::Canceled | S::ForceCanceled | S::Discarded | S::PolicySoftFailed
        )
    }))
}

fn too_old(run: &Run) -> Option<String> {
    let version = run.terraform_version.as_ref().filter(|_| run.engine != Some(Engine::Tofu))?;
    version.parse::<Version>().is_ok_and(|it| it < FIRST).then(|| version.clone())
}

/// When a run was applied.
pub(super) fn applied_at(run: &Run) -> Timestamp {
    run.status_timestamps.get("applied-at").copied().unwrap_or(run.updated_at)
}

/// What keeps a workspace from being assessed just now, for people.
pub async fn obstacle(cx: &Ctx, workspace: &Workspace) -> Result<Option<Obstacle>> {
    Ok(fitness(cx.read(), workspace).await?.err())
}

/// When it is due next: an interval after the last apply or the last result, whichever is later.
pub async fn next_at(cx: &Ctx, workspace: &Workspace) -> Result<Option<Timestamp>> {
    let Some(applied) = last_applied(cx.read(), workspace).await? else { return Ok(None) };
    due_at(cx, workspace, &applied).await.map(Some)
}

pub(super) async fn due_at(cx: &Ctx, workspace: &Workspace, applied: &Run) -> Result<Timestamp> {
    let interval = site_settings::current(cx).await?.assessment_interval.seconds();
    let last = workspace.last_assessment_result_at.unwrap_or(Timestamp(0)).max(applied_at(applied));
    Ok(last.plus_seconds(i64::try_from(interval).unwrap_or(i64::MAX / 2000)))
}
