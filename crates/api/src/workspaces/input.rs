//! What a request may say of a workspace, on create and on update.

use std::collections::BTreeSet;

use domain::{
    Timestamp,
    entity::{tool_version::Engine, workspace::ExecutionMode},
    id::{AgentPoolId, ProjectId},
    workspaces::Change,
};
use jsonapi::{Error, Field, ToMany, ToOne, Typed, Unsupported};
use serde::Deserialize;

use crate::{Result, repositories, tags};

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Input {
    name: Option<String>,
    #[serde(deserialize_with = "jsonapi::prose")]
    description: Field<String>,
    execution_mode: Option<ExecutionMode>,
    /// Deprecated spelling of the execution mode.
    operations: Option<bool>,
    #[serde(deserialize_with = "jsonapi::id")]
    agent_pool_id: Field<String>,
    setting_overwrites: Option<SettingOverwrites>,
    terraform_version: Field<String>,
    /// Ours: which engine's version that is.
    #[serde(deserialize_with = "jsonapi::id")]
    engine: Field<Engine>,
    working_directory: Field<String>,
    auto_apply: Option<bool>,
    auto_apply_run_trigger: Option<bool>,
    /// Ours, as the next one.
    confirmations_required: Option<i64>,
    confirmed_by_others: Option<bool>,
    auto_destroy_at: Field<Timestamp>,
    auto_destroy_activity_duration: Field<String>,
    inherits_project_auto_destroy: Option<bool>,
    allow_destroy_plan: Option<bool>,
    assessments_enabled: Option<bool>,
    file_triggers_enabled: Option<bool>,
    trigger_prefixes: Field<Vec<String>>,
    trigger_patterns: Field<Vec<String>>,
    queue_all_runs: Option<bool>,
    speculative_enabled: Option<bool>,
    structured_run_output_enabled: Option<bool>,
    global_remote_state: Option<bool>,
    project_remote_state: Option<bool>,
    source_name: Option<String>,
    source_url: Option<String>,
    vcs_repo: Field<repositories::Input>,
    tag_names: Option<Vec<String>>,
}

impl Input {
    /// Tags are given and changed by a relationship. Whoever changes other things may send the names along that they
    /// were shown: those of a new workspace are none.
    pub fn check_tag_names(&self, shown: &[String]) -> Result<()> {
        let Some(sent) = &self.tag_names else { return Ok(()) };
        if sent.iter().collect::<BTreeSet<_>>() == shown.iter().collect() {
            return Ok(());
        }
        let why = "tag-names only shows tags: name them in relationships/tags";
        Err(Error::invalid("tag-names", why).into())
    }

    pub fn has_tag_names(&self) -> bool {
        self.tag_names.is_some()
    }
}

impl Typed for Input {
    const TYPE: &'static str = "workspaces";
    const UNSUPPORTED: &'static [Unsupported] = &[
        ("attributes/hyok-enabled", "cannot be switched on: keys are the server's own here"),
        (
            "attributes/migration-environment",
            "cannot be set: no workspaces are moved here from Terraform Enterprise",
        ),
        (
            "attributes/vcs-repo/source-directory",
            "cannot be set: only modules of a registry have it, and this server has none",
        ),
        (
            "attributes/vcs-repo/tag-prefix",
            "cannot be set: only modules of a registry have it, and this server has none",
        ),
    ];
}

/// False gives a setting back to the default of the project or organization.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct SettingOverwrites {
    execution_mode: Option<bool>,
    agent_pool: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Relations {
    project: Option<ToOne<ProjectId>>,
    tags: ToMany<String>,
    tag_bindings: ToMany<String>,
}

pub fn change(input: Input, relations: Relations) -> Result<Change> {
    let execution_mode = execution_mode(&input)?;
    let agent_pool_id = agent_pool(&input)?;
    let project_id = match relations.project {
        Some(one) => one.of_kind("projects", "project")?,
        None => None,
    };
    Ok(Change {
        name: input.name,
        description: input.description.into_change(),
        agent_pool_id,
        execution_mode,
        terraform_version: input.terraform_version.into_option(),
        engine: input.engine.into_change(),
        working_directory: input.working_directory.into_change().map(Option::unwrap_or_default),
        auto_apply: input.auto_apply,
        auto_apply_run_trigger: input.auto_apply_run_trigger,
        confirmations_required: input.confirmations_required,
        confirmed_by_others: input.confirmed_by_others,
        auto_destroy_at: input.auto_destroy_at.into_change(),
        auto_destroy_activity_duration: input.auto_destroy_activity_duration.into_change(),
        inherits_project_auto_destroy: input.inherits_project_auto_destroy,
        allow_destroy_plan: input.allow_destroy_plan,
        assessments_enabled: input.assessments_enabled,
        file_triggers_enabled: input.file_triggers_enabled,
        trigger_prefixes: input.trigger_prefixes.into_change().map(Option::unwrap_or_default),
        trigger_patterns: input.trigger_patterns.into_change().map(Option::unwrap_or_default),
        queue_all_runs: input.queue_all_runs,
        speculative_enabled: input.speculative_enabled,
        structured_run_output_enabled: input.structured_run_output_enabled,
        global_remote_state: input.global_remote_state,
        project_remote_state: input.project_remote_state,
        vcs_repo: input.vcs_repo.map(Into::into).into_change(),
        project_id,
        source: None,
        source_name: input.source_name,
        source_url: input.source_url,
        tags: relations.tags.0.as_deref().map(tags::flat).transpose()?,
        tag_bindings: relations.tag_bindings.0.as_deref().map(tags::keyed).transpose()?,
    })
}

/// The three ways to say where runs execute; two at once is a mistake (Workspaces reference).
fn execution_mode(input: &Input) -> Result<Option<Option<ExecutionMode>>> {
    if input.execution_mode.is_some() && input.operations.is_some() {
        return Err(Error::invalid(
            "operations",
            "Operations cannot be specified together with execution-mode",
        )
        .into());
    }
    let own = input.setting_overwrites.as_ref().and_then(|settings| settings.execution_mode);
    match (own, input.execution_mode) {
        (Some(false), _) => Ok(Some(None)),
        (Some(true), None) if input.operations.is_none() => Err(Error::invalid(
            "execution-mode",
            "Execution mode must be specified when setting-overwrites.execution-mode is true",
        )
        .into()),
        (_, Some(mode)) => Ok(Some(Some(mode))),
        (_, None) => Ok(input
            .operations
            .map(|remote| Some(if remote { ExecutionMode::Remote } else { ExecutionMode::Local }))),
    }
}

/// An id, or nothing where the workspace gives its pool back. Clients that give it back send the inherited id along.
fn agent_pool(input: &Input) -> Result<Option<Option<AgentPoolId>>> {
    let own = input.setting_overwrites.as_ref().and_then(|settings| settings.agent_pool);
    match (&input.agent_pool_id, own) {
        (_, Some(false)) | (Field::Null, _) => Ok(Some(None)),
        (Field::Absent, _) => Ok(None),
        (Field::Value(text), _) => {
            let why = || format!("Agent pool {text} does not exist in this organization");
            let id = text.parse().map_err(|_| Error::invalid("agent-pool-id", why()))?;
            Ok(Some(Some(id)))
        }
    }
}
