//! Making a workspace and changing its settings; both obey the same rules.

use db::{
    Json, Timestamp,
    entity::{
        tool_version::Engine,
        workspace::{self, ExecutionMode, Source},
    },
    id::{AgentPoolId, ProjectId, WorkspaceId},
};
use serde_json::json;

use super::{auto_destroy, confirmations, execution::pool_for, subject, triggers};
use crate::{
    Ctx, Error, Found, Granted, Happened, Result, agent_pools, can, connected_repositories,
    error::taken,
    free_text, names, oauth_clients, organizations, repositories,
    row::{Organization, Project, Workspace},
    site_settings,
    tags::{self, Binding, Kind},
    tool_versions::{self, Wish},
};

/// How often a change begins anew because the settings have become others meanwhile.
const ATTEMPTS: usize = 20;
/// Characters of each.
const TEXT_LIMIT: usize = 4_000;
const PATH_LIMIT: usize = 1_000;

/// What can be set on create and changed later; absent fields keep their value.
#[derive(Clone, Debug, Default)]
pub struct Change {
    pub name: Option<String>,
    pub description: Option<Option<String>>,
    /// `Some(None)` gives the setting back to the project's or organization's default.
    pub execution_mode: Option<Option<ExecutionMode>>,
    /// Only together with the execution mode agent.
    pub agent_pool_id: Option<Option<AgentPoolId>>,
    pub terraform_version: Option<String>,
    /// `Some(None)` leaves it to the number again.
    pub engine: Option<Option<Engine>>,
    pub working_directory: Option<String>,
    pub auto_apply: Option<bool>,
    pub auto_apply_run_trigger: Option<bool>,
    pub confirmations_required: Option<i64>,
    pub confirmed_by_others: Option<bool>,
    pub auto_destroy_at: Option<Option<Timestamp>>,
    pub auto_destroy_activity_duration: Option<Option<String>>,
    pub inherits_project_auto_destroy: Option<bool>,
    pub allow_destroy_plan: Option<bool>,
    pub assessments_enabled: Option<bool>,
    pub file_triggers_enabled: Option<bool>,
    pub trigger_prefixes: Option<Vec<String>>,
    pub trigger_patterns: Option<Vec<String>>,
    pub queue_all_runs: Option<bool>,
    pub speculative_enabled: Option<bool>,
    pub structured_run_output_enabled: Option<bool>,
    pub global_remote_state: Option<bool>,
    pub project_remote_state: Option<bool>,
    pub vcs_repo: Option<Option<repositories::Change>>,
    pub project_id: Option<ProjectId>,
    /// Only on create.
    pub source: Option<Source>,
    pub source_name: Option<String>,
    pub source_url: Option<String>,
    /// On create these are all of its flat tags; on update, `Some` replaces them.
    pub tags: Option<Vec<Binding>>,
    /// The same for those that are keys.
    pub tag_bindings: Option<Vec<Binding>>,
}

impl Change {
    /// When it is to be destroyed: as it says itself, or as the project says that it is in, or goes to.
    async fn schedule(
        &self,
        cx: &Ctx,
        project: Option<&ProjectId>,
        to: &mut Workspace,
    ) -> Result<()> {
        if let Some(Some(duration)) = &self.auto_destroy_activity_duration {
            auto_destroy::seconds("auto-destroy-activity-duration", duration)?;
        }
        if let Some(Some(at)) = self.auto_destroy_at {
            auto_destroy::check(at, to.auto_destroy_at, cx.now())?;
        }
        // Null is nothing of its own: who inherits goes on to inherit.
        let own = matches!(self.auto_destroy_at, Some(Some(_)))
            || matches!(self.auto_destroy_activity_duration, Some(Some(_)));
        to.inherits_project_auto_destroy = match self.inherits_project_auto_destroy {
            Some(inherits) => inherits,
            None => to.inherits_project_auto_destroy && !own,
        };
        let duration = if to.inherits_project_auto_destroy {
            let is_new = to.name.is_empty();
            if !is_new && project.is_none() && self.inherits_project_auto_destroy.is_none() {
                return Ok(());
            }
            let project = project.unwrap_or(&to.project_id);
            let project = crate::projects::find(cx, project).await?.into_unchecked();
            let inherited = project.auto_destroy_activity_duration;
            // Some clients send along what they were shown.
            if self
                .auto_destroy_activity_duration
                .iter()
                .flatten()
                .any(|own| Some(own) != inherited.as_ref())
            {
                let why = "can't be another one than the project's together with inherits-project-auto-destroy";
                return Err(Error::invalid("auto-destroy-activity-duration", why));
            }
            Some(inherited)
        } else if self.auto_destroy_at == Some(None) {
            // No time at all: HashiCorp's provider says so, and nothing else, to take a duration away.
            Some(self.auto_destroy_activity_duration.clone().flatten())
        } else {
            self.auto_destroy_activity_duration.clone()
        };
        if let Some(duration) = duration {
            let at = auto_destroy::after(duration.as_deref(), cx.now());
            auto_destroy::schedule(to, at, cx.now());
            to.auto_destroy_activity_duration = duration;
        }
        if let Some(Some(at)) = self.auto_destroy_at {
            auto_destroy::schedule(to, Some(at), cx.now());
        }
        if to.auto_destroy_at.is_some() {
            to.auto_destroy_status = None;
        }
        Ok(())
    }

    /// `project` is where the workspace goes, if it moves.
    async fn apply(
        mut self,
        cx: &Ctx,
        project: Option<&ProjectId>,
        to: &mut Workspace,
    ) -> Result<()> {
        self.schedule(cx, project, to).await?;
        triggers::set(&mut self, to)?;
        if let Some(name) = self.name {
            check_name(&name)?;
            to.name = name;
        }
        free_text::prose(
            "description",
            self.description.iter().flatten().next().map_or("", String::as_str),
            TEXT_LIMIT,
        )?;
        for (attribute, text) in [("source-name", &to.source_name), ("source-url", &to.source_url)]
        {
            free_text::line(attribute, text.as_deref().unwrap_or_default(), TEXT_LIMIT)?;
        }
        if let Some(directory) = self.working_directory {
            free_text::line("working-directory", &directory, PATH_LIMIT)?;
            check_directory(&directory)?;
            to.working_directory = directory;
        }
        set_execution(cx, self.execution_mode, self.agent_pool_id, to).await?;
        // Clients send along what is there already, which may have gone since.
        let version = self.terraform_version.unwrap_or_else(|| to.terraform_version.clone());
        let engine = self.engine.unwrap_or(to.engine);
        if version != to.terraform_version || engine != to.engine {
            tool_versions::check(cx, Wish { version: &version, engine }, to).await?;
            (to.terraform_version, to.engine) = (version, engine);
        }
        if let Some(repo) = self.vcs_repo {
            let before = to.vcs_repo.take();
            let after = repo.map(|change| change.apply(before.as_deref())).transpose()?.flatten();
            let (of, project) = (&to.organization_name, Some(project.unwrap_or(&to.project_id)));
            oauth_clients::choose(cx, after.as_ref(), before.as_deref(), of, project).await?;
            to.vcs_repo = after.map(Json);
        }
        if let Some(project) = project {
            let repo = to.vcs_repo.as_deref();
            oauth_clients::go_along(cx, repo, &to.organization_name, project).await?;
        }
        macro_rules! set {
            ($($field:ident),+) => { $(if let Some(value) = self.$field { to.$field = value; })+ };
        }
        set!(
            description,
            auto_apply,
            auto_apply_run_trigger,
            confirmations_required,
            confirmed_by_others,
            allow_destroy_plan,
            assessments_enabled,
            file_triggers_enabled,
            queue_all_runs,
            speculative_enabled,
            structured_run_output_enabled
        );
        confirmations::check(to)?;
        set_sharing(self.global_remote_state, self.project_remote_state, to)
    }
}

/// Whoever shares with all shares with a project as well, so that only one of them can be meant.
fn set_sharing(global: Option<bool>, project: Option<bool>, to: &mut Workspace) -> Result<()> {
    if global.is_none() && project.is_none() {
        return Ok(());
    }
    to.global_remote_state = global.unwrap_or(to.global_remote_state);
    to.project_remote_state = project.unwrap_or(to.project_remote_state);
    if to.global_remote_state && to.project_remote_state {
        let message = "cannot be enabled when global remote state sharing is enabled";
        return Err(Error::invalid("project-remote-state", message));
    }
    Ok(())
}

async fn set_execution(
    cx: &Ctx,
    mode: Option<Option<ExecutionMode>>,
    pool: Option<Option<AgentPoolId>>,
    to: &mut Workspace,
) -> Result<()> {
    if mode.is_none() && pool.is_none() {
        return Ok(());
    }
    to.execution_mode = mode.unwrap_or(to.execution_mode);
    let before = to.agent_pool_id.take();
    let pool = pool_for(to.execution_mode, pool, before.clone(), "agent-pool-id")?;
    if let Some(id) = &pool
        && before.as_ref() != Some(id)
    {
        agent_pools::choose(cx, id, to).await?;
    }
    to.agent_pool_id = pool;
    Ok(())
}

/// Creates a workspace in a project, see [`destination`].
pub async fn create(
    cx: &Ctx,
    project: &Granted<can::CreateWorkspaceIn>,
    mut change: Change,
) -> Result<Workspace> {
    if change.name.is_none() {
        return Err(Error::invalid("name", "can't be blank"));
    }
    let mut tags = change.tags.take().unwrap_or_default();
    tags.extend(change.tag_bindings.take().unwrap_or_default());
    let now = cx.now();
    let mut new = Workspace {
        id: WorkspaceId::fresh(),
        organization_name: project.organization_name.clone(),
        project_id: project.id.clone(),
        name: String::new(),
        description: None,
        execution_mode: None,
        agent_pool_id: None,
        terraform_version: tool_versions::default_version(cx, change.engine.flatten()).await?,
        engine: None,
        working_directory: String::new(),
        auto_apply: false,
        auto_apply_run_trigger: false,
        confirmations_required: 1,
        confirmed_by_others: false,
        auto_destroy_at: None,
        auto_destroy_activity_duration: None,
        inherits_project_auto_destroy: true,
        allow_destroy_plan: true,
        assessments_enabled: false,
        file_triggers_enabled: true,
        trigger_prefixes: Json::default(),
        trigger_patterns: Json::default(),
        queue_all_runs: false,
        speculative_enabled: true,
        structured_run_output_enabled: false,
        global_remote_state: site_settings::current(cx).await?.default_remote_state_access,
        project_remote_state: false,
        source: change.source.unwrap_or(Source::Api),
        source_name: change.source_name.take(),
        source_url: change.source_url.take(),
        vcs_repo: None,
        ssh_key_id: None,
        lock_kind: None,
        lock_holder_id: None,
        lock_reason: None,
        locked_at: None,
        current_run_id: None,
        latest_run_id: None,
        latest_plan_status: None,
        current_state_version_id: None,
        current_configuration_id: None,
        latest_change_at: now,
        resource_count: 0,
        run_count: 0,
        created_at: now,
        updated_at: now,
        auto_destroy_status: None,
        auto_destroy_reminded_at: None,
        performance: Json::default(),
        current_run_status: None,
        current_run_created_at: None,
        current_assessment_result_id: None,
        last_assessment_result_at: None,
        repository_id: None,
    };
    Box::pin(change.apply(cx, None, &mut new)).await?;
    let tx = cx.write().await?;
    organizations::has_room_for_workspace(&tx, &new.organization_name).await?;
    connected_repositories::connect_workspace(&tx, &mut new, None).await?;
    let workspace = tx.insert(new).await.map_err(taken("name"))?;
    tags::bind(&tx, &workspace, tags).await?;
    tx.emit(Happened::WorkspaceCreated, subject(&workspace), json!({ "name": workspace.name }))
        .await?;
    tx.commit().await?;
    Ok(workspace)
}

pub async fn update(
    cx: &Ctx,
    workspace: &Granted<can::UpdateWorkspace>,
    mut change: Change,
) -> Result<Workspace> {
    let target = match change.project_id.take() {
        Some(id) if id != workspace.project_id => Some(move_target(cx, workspace, id).await?),
        _ => None,
    };
    let tags = [(Kind::Flat, change.tags.take()), (Kind::Keyed, change.tag_bindings.take())];
    let said_once = |name: &str, wanted: &Option<String>, now: &Option<String>| match wanted {
        Some(_) => Error::unless_same(name, Some(wanted), now),
        None => Ok(()),
    };
    said_once("source-name", &change.source_name, &workspace.source_name)?;
    said_once("source-url", &change.source_url, &workspace.source_url)?;
    let target = target.map(|project| project.id);
    let mut before = (**workspace).clone();
    for _ in 0..ATTEMPTS {
        // Rules that need other rows are checked before the row is locked, so that nothing else is read meanwhile.
        let mut checked = before.clone();
        Box::pin(change.clone().apply(cx, target.as_ref(), &mut checked)).await?;
        let tx = cx.write().await?;
        let mut row =
            tx.lock::<workspace::Entity>(workspace.id.clone()).await?.ok_or(Error::NotFound)?;
        if has_other_settings(&before, &row) {
            // Somebody else has changed some meanwhile: what was checked is not what is there.
            before = (*row).clone();
            tx.roll_back().await;
            continue;
        }
        let timed = checked.auto_destroy_at != before.auto_destroy_at;
        keep_moving_parts(&mut checked, &row, timed);
        *row = checked;
        if let Some(project) = target {
            row.project_id = project;
        }
        connected_repositories::connect_workspace(&tx, &mut row, Some(&before)).await?;
        row.updated_at = tx.now();
        let workspace = tx.update(row).await.map_err(taken("name"))?;
        for (kind, tags) in tags {
            if let Some(tags) = tags {
                tags::replace(&tx, &workspace, kind, tags).await?;
            }
        }
        tx.emit(Happened::WorkspaceUpdated, subject(&workspace), json!({})).await?;
        tx.commit().await?;
        return Ok(workspace);
    }
    Err(Error::Unavailable("Others change this workspace all the time. Try again shortly.".into()))
}

fn has_other_settings(before: &Workspace, now: &Workspace) -> bool {
    let mut before = before.clone();
    keep_moving_parts(&mut before, now, false);
    before.updated_at = now.updated_at;
    before != *now
}

/// What runs and states write, and no setting may overwrite with an older value.
fn keep_moving_parts(checked: &mut Workspace, current: &Workspace, timed: bool) {
    checked.lock_kind = current.lock_kind;
    checked.lock_holder_id.clone_from(&current.lock_holder_id);
    checked.lock_reason.clone_from(&current.lock_reason);
    checked.locked_at = current.locked_at;
    checked.current_run_id.clone_from(&current.current_run_id);
    checked.current_run_status = current.current_run_status;
    checked.current_run_created_at = current.current_run_created_at;
    checked.latest_run_id.clone_from(&current.latest_run_id);
    checked.latest_plan_status = current.latest_plan_status;
    checked.current_state_version_id.clone_from(&current.current_state_version_id);
    checked.current_configuration_id.clone_from(&current.current_configuration_id);
    checked.latest_change_at = current.latest_change_at;
    checked.resource_count = current.resource_count;
    checked.run_count = current.run_count;
    if !timed {
        checked.auto_destroy_at = current.auto_destroy_at;
        checked.auto_destroy_status = current.auto_destroy_status;
        checked.auto_destroy_reminded_at = current.auto_destroy_reminded_at;
    }
    checked.performance = current.performance.clone();
}

/// Said of one that the caller may not use, too.
const UNKNOWN_PROJECT: &str =
    "does not exist in this organization, or takes no workspaces of yours";

/// The project that a new workspace of an organization is to be in: the default one where none is named.
///
/// # Errors
/// Where there is none, NotFound, as for one that the caller may not use; Invalid for those who may use all there are.
pub async fn destination(
    cx: &Ctx,
    organization: &Organization,
    wanted: Option<ProjectId>,
) -> Result<Found<Project>> {
    let refused = || match &wanted {
        Some(_) if cx.may::<can::CreateWorkspace>(organization) => {
            Error::invalid_relation("project", UNKNOWN_PROJECT)
        }
        _ => Error::NotFound,
    };
    let id = wanted.as_ref().or(organization.default_project_id.as_ref());
    let found = match id {
        Some(id) => crate::projects::find(cx, id).await,
        None => Err(Error::NotFound),
    };
    match found.and_then(|project| project.placed_in(Some(&organization.name), None)) {
        Err(Error::NotFound) => Err(refused()),
        other => other,
    }
}

async fn move_target(cx: &Ctx, workspace: &Workspace, id: ProjectId) -> Result<Project> {
    let unknown = || Error::invalid_relation("project", UNKNOWN_PROJECT);
    let project = match crate::projects::find(cx, &id).await {
        Ok(found) => cx.check::<can::MoveWorkspaceInto, _>(found).map_err(|_| unknown())?,
        Err(Error::NotFound) => return Err(unknown()),
        Err(other) => return Err(other),
    };
    if project.organization_name != workspace.organization_name {
        return Err(unknown());
    }
    if !cx.may::<can::MoveWorkspace>(workspace) {
        return Err(Error::Forbidden("You are not allowed to move this workspace.".into()));
    }
    Ok(project.into_inner())
}

fn check_name(name: &str) -> Result<()> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    names::check("name", name, 90)?;
    if name.len() > 90 || !name.chars().all(allowed) {
        return Err(Error::invalid(
            "name",
            "can only include letters, numbers, -, and _, and has at most 90 of them",
        ));
    }
    Ok(())
}

/// A path that stays inside; where it begins or ends with slashes, clients get them back.
fn check_directory(path: &str) -> Result<()> {
    let inside = !path.split('/').any(|part| part == "..");
    if inside {
        Ok(())
    } else {
        Err(Error::invalid("working-directory", "must stay inside the configuration"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_working_directory_stays_inside() {
        assert!(check_directory("/envs/prod/").is_ok());
        assert!(check_directory("./x").is_ok());
        assert!(check_directory("../x").is_err());
        assert!(check_directory("a/../../x").is_err());
    }
}
