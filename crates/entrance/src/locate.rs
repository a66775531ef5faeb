//! From the path of a request to the resource that it names.

use std::sync::Arc;

use domain::{
    Ctx, Found, In, Site, accounts, agent_pools, assessments, cidr_range_lists, configurations,
    cost_estimates, entity::tool_version::Kind, freezes, github_app, memberships, notifications,
    oauth_clients, organizations, plan_exports, policies, policy_evaluations, policy_replays,
    policy_sets, projects, row, run_schedules, run_tasks, run_triggers, runs, ssh_keys, states,
    subscriptions, tags, task_results, task_stages, teams, tool_versions, variable_sets, variables,
    workspace_tasks, workspaces,
};

use crate::Path;

/// Something that the path of a request can name.
pub trait Located: Sized + Send + Sync {
    fn locate(cx: &Ctx, path: &Path) -> impl Future<Output = domain::Result<Found<Self>>> + Send;
}

macro_rules! located {
    (|$path:ident, $found:ident| $placed:expr; $($what:ty = $find:path, by $name:literal;)+) => {$(
        impl Located for $what {
            async fn locate(cx: &Ctx, $path: &Path) -> domain::Result<Found<Self>> {
                let $found = $find(cx, &$path.id($name)?).await?;
                $placed
            }
        }
    )+};
}

// By its id, in the organization and the workspace that the path may name beside it.
located! {
    |path, found| path.holds(found);
    cidr_range_lists::Held = cidr_range_lists::find, by "cidr_range_list_id";
    cidr_range_lists::ranges::Held = cidr_range_lists::ranges::find, by "cidr_range_id";
    accounts::HeldToken = accounts::find_token, by "token_id";
    In<row::AgentPool, row::Organization> = agent_pools::find, by "agent_pool_id";
    In<agent_pools::HeldAgent, row::Organization> = agent_pools::find_agent, by "agent_id";
    In<row::ConfigurationVersion> = configurations::find, by "configuration_version_id";
    memberships::Membership = memberships::find, by "organization_membership_id";
    notifications::Configuration = notifications::find, by "notification_configuration_id";
    oauth_clients::HeldToken = oauth_clients::find_token, by "oauth_token_id";
    In<row::Policy, row::Organization> = policies::find, by "policy_id";
    In<row::PolicyReplay, row::Organization> = policy_replays::find, by "policy_replay_id";
    In<row::PolicySet, row::Organization> = policy_sets::find, by "policy_set_id";
    row::Project = projects::find, by "project_id";
    In<row::Run> = runs::find, by "run_id";
    In<row::RunSchedule> = run_schedules::find, by "run_schedule_id";
    run_triggers::Trigger = run_triggers::find, by "run_trigger_id";
    In<row::RunTask, row::Organization> = run_tasks::find, by "task_id";
    In<row::SshKey, row::Organization> = ssh_keys::find, by "ssh_key_id";
    In<row::StateVersion> = states::find, by "state_version_id";
    row::Team = teams::find, by "team_id";
    variable_sets::Set = variable_sets::find, by "varset_id";
}

// By its id, wherever it is.
located! {
    |path, found| Ok(found);
    accounts::Member = accounts::find_member, by "user_id";
    In<row::User, Site> = accounts::find_on_site, by "user_id";
    In<In<row::Run>, Site> = runs::find_on_site, by "run_id";
    In<row::Workspace, Site> = workspaces::find_on_site, by "workspace_id";
    github_app::Installed = github_app::find, by "github_app_installation_id";
    row::User = accounts::find_user, by "user_id";
    In<row::PlanExport> = plan_exports::find, by "plan_export_id";
    In<row::AssessmentResult> = assessments::find, by "assessment_result_id";
    In<row::CostEstimate> = cost_estimates::find, by "cost_estimate_id";
    In<row::Freeze, row::Organization> = freezes::find, by "freeze_id";
    In<row::PolicyCheck> = policy_evaluations::find_check, by "policy_check_id";
    In<row::PolicyEvaluation> = policy_evaluations::find_evaluation, by "policy_evaluation_id";
    In<row::PolicySetOutcome> = policy_evaluations::find_outcome, by "policy_set_outcome_id";
    In<row::PolicySetVersion, row::Organization> = policy_sets::find_version,
        by "policy_set_version_id";
    runs::Apply = runs::find_apply, by "apply_id";
    In<row::Comment> = runs::find_comment, by "comment_id";
    In<runs::RunEvent> = runs::find_event, by "run_event_id";
    runs::Plan = runs::find_plan, by "plan_id";
    subscriptions::Subscription = subscriptions::find, by "subscription_id";
    In<row::StateVersionOutput> = states::find_output, by "state_version_output_id";
    In<row::Tag, row::Organization> = tags::find, by "tag_id";
    In<row::ReservedTagKey, row::Organization> = tags::find_reserved, by "reserved_tag_key_id";
    In<row::TaskResult> = task_results::find, by "task_result_id";
    In<row::TaskResultOutcome> = task_results::find_outcome, by "task_result_outcome_id";
    In<row::TaskStage> = task_stages::find, by "task_stage_id";
}

/// What a team may do in one place.
impl<P: teams::access::Place> Located for teams::access::Held<P> {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        let found = teams::access::find::<P>(cx, &path.id(P::PARAMETER)?).await?;
        let place = path.get(&format!("{}_id", P::NOUN));
        path.holds(teams::access::in_place(found, place)?)
    }
}

impl Located for Site {
    async fn locate(_: &Ctx, _: &Path) -> domain::Result<Found<Self>> {
        Ok(Self::found())
    }
}

impl Located for In<row::ToolVersion, Site> {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        for (name, kind) in [
            ("opa_version_id", Kind::Opa),
            ("sentinel_version_id", Kind::Sentinel),
            ("terraform_version_id", Kind::Terraform),
        ] {
            if path.get(name).is_some() {
                return tool_versions::find(cx, kind, &path.id(name)?).await;
            }
        }
        Err(domain::Error::NotFound)
    }
}

/// By its id, or by what stands in the addresses of browsers.
impl Located for oauth_clients::Held {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        match path.get("oauth_client_uid") {
            Some(uuid) => oauth_clients::find_by_uuid(cx, uuid).await,
            None => path.holds(oauth_clients::find(cx, &path.id("oauth_client_id")?).await?),
        }
    }
}

impl Located for github_app::OfOrganization {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        let id = path.id("github_app_installation_id")?;
        github_app::find_of(cx, path.text("organization_name")?, &id).await
    }
}

impl Located for row::Organization {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        organizations::find(cx, path.text("organization_name")?).await
    }
}

impl Located for In<row::Organization, Site> {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        organizations::find_on_site(cx, path.text("organization_name")?).await
    }
}

/// By id, or by organization and name.
impl Located for row::Workspace {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        match path.get("workspace_name") {
            Some(name) => {
                let organization = path.text("organization_name")?;
                workspaces::find_by_name(cx, organization, name).await
            }
            None => workspaces::find(cx, &path.id("workspace_id")?).await,
        }
    }
}

impl Located for (row::Workspace, Arc<row::Organization>) {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        let workspace = row::Workspace::locate(cx, path).await?;
        workspaces::with_organization(cx, workspace).await
    }
}

/// Of the workspace that the path names, if it names one.
impl Located for In<row::Variable> {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        let id = path.id("variable_id")?;
        match path.get("workspace_id") {
            Some(_) => variables::find_in(cx, &path.id("workspace_id")?, &id).await,
            None => path.holds(variables::find(cx, &id).await?),
        }
    }
}

impl Located for variable_sets::OfSet {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        let set = path.id("varset_id")?;
        path.holds(variable_sets::find_variable(cx, &set, &path.id("varset_variable_id")?).await?)
    }
}

/// A set as the workspace has it that the path names, too.
impl Located for variable_sets::Applied {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        let set = path.id("varset_id")?;
        variable_sets::find_applied(cx, &path.id("workspace_id")?, &set).await
    }
}

impl Located for In<row::Variable, variable_sets::Applied> {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        let (workspace, set) = (path.id("workspace_id")?, path.id("varset_id")?);
        let id = path.id("varset_variable_id")?;
        variable_sets::find_applied_variable(cx, &workspace, &set, &id).await
    }
}

/// Of the workspace that the path names, however it does.
impl Located for In<row::WorkspaceTask> {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        let id = path.id("workspace_task_id")?;
        match path.get("workspace_id") {
            Some(_) => workspace_tasks::find_in(cx, &path.id("workspace_id")?, &id).await,
            None => path.holds(workspace_tasks::find(cx, &id).await?),
        }
    }
}

/// Whatever the path names of what notifications can be about.
impl Located for notifications::Subscribable {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        if path.get("workspace_name").is_some() {
            return Ok(notifications::of_workspace(row::Workspace::locate(cx, path).await?));
        }
        if path.get("workspace_id").is_some() {
            return notifications::find_workspace(cx, &path.id("workspace_id")?).await;
        }
        if path.get("project_id").is_some() {
            return notifications::find_project(cx, &path.id("project_id")?).await;
        }
        notifications::find_team(cx, &path.id("team_id")?).await
    }
}

impl Located for In<row::PolicySetParameter, row::Organization> {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        let set = path.id("policy_set_id")?;
        policy_sets::find_parameter(cx, &set, &path.id("parameter_id")?).await
    }
}
