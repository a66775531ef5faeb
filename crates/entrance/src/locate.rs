//! From the path of a request to the resource that it names.

use std::sync::Arc;

use domain::{
    Ctx, Found, In, Site, entity::tool_version::Kind, notifications, row, runs, variable_sets,
};

use crate::Path;

/// Something that the path of a request can name.
pub trait Located: Sized + Send + Sync {
    fn locate(cx: &Ctx, path: &Path) -> impl Future<Output = domain::Result<Found<Self>>> + Send;
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
                return domain::tool_versions::find(cx, kind, &path.id(name)?).await;
            }
        }
        Err(domain::Error::NotFound)
    }
}

impl Located for In<row::User, Site> {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        domain::accounts::find_on_site(cx, &path.id("user_id")?).await
    }
}

impl Located for row::Organization {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        domain::organizations::find(cx, path.text("organization_name")?).await
    }
}

impl Located for In<row::AgentPool, row::Organization> {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        path.holds(domain::agent_pools::find(cx, &path.id("agent_pool_id")?).await?)
    }
}

impl Located for In<domain::agent_pools::HeldAgent, row::Organization> {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        path.holds(domain::agent_pools::find_agent(cx, &path.id("agent_id")?).await?)
    }
}

impl Located for In<row::SshKey, row::Organization> {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        path.holds(domain::ssh_keys::find(cx, &path.id("ssh_key_id")?).await?)
    }
}

impl Located for In<row::Tag, row::Organization> {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        domain::tags::find(cx, &path.id("tag_id")?).await
    }
}

impl Located for In<row::ReservedTagKey, row::Organization> {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        domain::tags::find_reserved(cx, &path.id("reserved_tag_key_id")?).await
    }
}

impl Located for row::Project {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        path.holds(domain::projects::find(cx, &path.id("project_id")?).await?)
    }
}

/// By id, or by organization and name.
impl Located for row::Workspace {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        match path.get("workspace_name") {
            Some(name) => {
                let organization = path.text("organization_name")?;
                domain::workspaces::find_by_name(cx, organization, name).await
            }
            None => domain::workspaces::find(cx, &path.id("workspace_id")?).await,
        }
    }
}

impl Located for (row::Workspace, Arc<row::Organization>) {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        let workspace = row::Workspace::locate(cx, path).await?;
        domain::workspaces::with_organization(cx, workspace).await
    }
}

impl Located for domain::accounts::Member {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        domain::accounts::find_member(cx, &path.id("user_id")?).await
    }
}

impl Located for row::User {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        domain::accounts::find_user(cx, &path.id("user_id")?).await
    }
}

impl Located for domain::accounts::HeldToken {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        path.holds(domain::accounts::find_token(cx, &path.id("token_id")?).await?)
    }
}

impl Located for row::Team {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        path.holds(domain::teams::find(cx, &path.id("team_id")?).await?)
    }
}

impl Located for domain::memberships::Membership {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        path.holds(domain::memberships::find(cx, &path.id("organization_membership_id")?).await?)
    }
}

impl Located for domain::teams::workspace_access::Held {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        domain::teams::workspace_access::find(cx, &path.id("team_workspace_id")?).await
    }
}

impl Located for domain::teams::project_access::Held {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        domain::teams::project_access::find(cx, &path.id("team_project_id")?).await
    }
}

impl Located for In<row::ConfigurationVersion> {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        path.holds(domain::configurations::find(cx, &path.id("configuration_version_id")?).await?)
    }
}

/// Of the workspace that the path names, if it names one.
impl Located for In<row::Variable> {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        let id = path.id("variable_id")?;
        match path.get("workspace_id") {
            Some(_) => domain::variables::find_in(cx, &path.id("workspace_id")?, &id).await,
            None => path.holds(domain::variables::find(cx, &id).await?),
        }
    }
}

impl Located for variable_sets::Set {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        path.holds(variable_sets::find(cx, &path.id("varset_id")?).await?)
    }
}

impl Located for variable_sets::OfSet {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        let set = path.id("varset_id")?;
        variable_sets::find_variable(cx, &set, &path.id("varset_variable_id")?).await
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

/// Whatever the path names of what notifications can be about.
impl Located for notifications::Subscribable {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        if path.get("workspace_id").is_some() {
            return notifications::find_workspace(cx, &path.id("workspace_id")?).await;
        }
        if path.get("project_id").is_some() {
            return notifications::find_project(cx, &path.id("project_id")?).await;
        }
        notifications::find_team(cx, &path.id("team_id")?).await
    }
}

impl Located for notifications::Configuration {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        notifications::find(cx, &path.id("notification_configuration_id")?).await
    }
}

impl Located for In<row::Run> {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        path.holds(domain::runs::find(cx, &path.id("run_id")?).await?)
    }
}

impl Located for In<row::Comment> {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        runs::find_comment(cx, &path.id("comment_id")?).await
    }
}

impl Located for In<runs::RunEvent> {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        runs::find_event(cx, &path.id("run_event_id")?).await
    }
}

impl Located for domain::run_triggers::Trigger {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        domain::run_triggers::find(cx, &path.id("run_trigger_id")?).await
    }
}

impl Located for runs::Plan {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        runs::find_plan(cx, &path.id("plan_id")?).await
    }
}

impl Located for runs::Apply {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        runs::find_apply(cx, &path.id("apply_id")?).await
    }
}

impl Located for domain::In<row::StateVersion> {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        path.holds(domain::states::find(cx, &path.id("state_version_id")?).await?)
    }
}

impl Located for domain::In<row::StateVersionOutput> {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        domain::states::find_output(cx, &path.id("state_version_output_id")?).await
    }
}

impl Located for In<row::Policy, row::Organization> {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        path.holds(domain::policies::find(cx, &path.id("policy_id")?).await?)
    }
}

impl Located for In<row::PolicySet, row::Organization> {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        path.holds(domain::policy_sets::find(cx, &path.id("policy_set_id")?).await?)
    }
}

impl Located for In<row::PolicySetParameter, row::Organization> {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        let set = path.id("policy_set_id")?;
        domain::policy_sets::find_parameter(cx, &set, &path.id("parameter_id")?).await
    }
}

impl Located for In<row::PolicySetVersion, row::Organization> {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        domain::policy_sets::find_version(cx, &path.id("policy_set_version_id")?).await
    }
}

impl Located for In<row::TaskStage> {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        domain::task_stages::find(cx, &path.id("task_stage_id")?).await
    }
}

impl Located for In<row::PolicyEvaluation> {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        domain::policy_evaluations::find_evaluation(cx, &path.id("policy_evaluation_id")?).await
    }
}

impl Located for In<row::PolicySetOutcome> {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        domain::policy_evaluations::find_outcome(cx, &path.id("policy_set_outcome_id")?).await
    }
}

impl Located for In<row::PolicyCheck> {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        domain::policy_evaluations::find_check(cx, &path.id("policy_check_id")?).await
    }
}
