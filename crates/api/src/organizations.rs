//! `/organizations`

use domain::{
    Ctx, Timestamp, can, deletions,
    entity::{organization::CollaboratorAuthPolicy, workspace::ExecutionMode},
    id::AgentPoolId,
    organizations::{self, Change},
    retention,
    row::{DataRetentionPolicy, Organization},
    site_settings::Span,
};
use jsonapi::{
    Body, Document, Empty, Field, Query, Relationships, Resource, ToOne, Typed, Unsupported,
};
use serde::{Deserialize, Serialize};

use crate::{
    May, Result, Routes, includes::INCLUDES, paging::paging, parameters::text, run_limits,
};

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/organizations", list)
        .post("/api/v2/organizations", create)
        .get("/api/v2/organizations/{organization_name}", show)
        .patch("/api/v2/organizations/{organization_name}", update)
        .put("/api/v2/organizations/{organization_name}", update)
        .delete("/api/v2/organizations/{organization_name}", delete)
        .get("/api/v2/organizations/{organization_name}/capacity", capacity)
}

/// An organization on the wire.
pub struct View {
    row: Organization,
    retention: Option<DataRetentionPolicy>,
    /// Everybody in it has what it asks of them.
    is_conformant: bool,
    permissions: Permissions,
}

/// One query for each kind of thing, however many organizations there are.
pub async fn views(cx: &Ctx, rows: Vec<Organization>) -> Result<Vec<View>> {
    let names: Vec<_> = rows.iter().map(|row| row.name.clone()).collect();
    let mut policies = retention::of_organizations(cx, &names).await?;
    let lacking = organizations::without_second_factors(cx, &rows).await?;
    let each = |row: Organization| {
        let policy = policies.remove(&row.name);
        let is_conformant = !lacking.contains(&row.name);
        View { is_conformant, ..View::new(cx, row, policy) }
    };
    Ok(rows.into_iter().map(each).collect())
}

async fn view(cx: &Ctx, row: Organization) -> Result<View> {
    Ok(views(cx, vec![row]).await?.swap_remove(0))
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Permissions {
    can_update: bool,
    can_update_authentication_token: bool,
    can_destroy: bool,
    can_access_via_teams: bool,
    can_create_module: bool,
    can_create_team: bool,
    can_create_workspace: bool,
    can_manage_users: bool,
    can_manage_subscription: bool,
    can_manage_sso: bool,
    can_update_oauth: bool,
    can_update_sentinel: bool,
    can_update_ssh_keys: bool,
    can_update_api_token: bool,
    can_traverse: bool,
    can_start_trial: bool,
    can_update_agent_pools: bool,
    can_manage_tags: bool,
    can_manage_varsets: bool,
    can_read_varsets: bool,
    can_manage_public_modules: bool,
    can_manage_public_providers: bool,
    can_create_provider: bool,
    can_manage_run_tasks: bool,
    can_read_policies: bool,
    can_read_run_tasks: bool,
    can_create_project: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes<'a> {
    external_id: &'a str,
    name: &'a str,
    email: &'a str,
    created_at: Timestamp,
    session_timeout: Option<i64>,
    session_remember: Option<i64>,
    collaborator_auth_policy: CollaboratorAuthPolicy,
    plan_expired: bool,
    plan_expires_at: Option<Timestamp>,
    plan_is_trial: bool,
    plan_is_enterprise: bool,
    plan_identifier: &'static str,
    cost_estimation_enabled: bool,
    send_passing_statuses_for_untriggered_speculative_plans: bool,
    aggregated_commit_status_enabled: bool,
    speculative_plan_management_enabled: bool,
    /// Ours.
    pull_request_comments_enabled: bool,
    allow_force_delete_workspaces: bool,
    fair_run_queuing_enabled: bool,
    saml_enabled: bool,
    owners_team_saml_role_id: Option<&'a str>,
    two_factor_conformant: bool,
    assessments_enforced: bool,
    default_execution_mode: ExecutionMode,
    user_tokens_enabled: bool,
    max_ttl_enabled: bool,
    policy_http_enabled: bool,
    /// HashiCorp's clients ask for them with every new organization, and learn from the answer that there are none.
    stacks_enabled: bool,
    #[serde(flatten)]
    limits: run_limits::Attributes,
    permissions: Permissions,
}

impl View {
    fn new(cx: &Ctx, row: Organization, retention: Option<DataRetentionPolicy>) -> Self {
        let owner = cx.may::<can::UpdateOrganization>(&row);
        let permissions = Permissions {
            can_update: owner,
            can_update_authentication_token: owner,
            can_destroy: cx.may::<can::DestroyOrganization>(&row),
            can_access_via_teams: owner,
            can_create_module: cx.may::<can::ManageModules>(&row),
            can_create_team: cx.may::<can::CreateTeam>(&row),
            can_create_workspace: cx.may::<can::CreateWorkspace>(&row),
            can_manage_users: cx.may::<can::ManageMembership>(&row),
            can_manage_subscription: false,
            can_manage_sso: false,
            can_update_oauth: cx.may::<can::ManageVcsSettings>(&row),
            can_update_sentinel: cx.may::<can::ManagePolicies>(&row),
            can_update_ssh_keys: cx.may::<can::ManageVcsSettings>(&row),
            can_update_api_token: owner,
            can_traverse: cx.may::<can::ReadOrganization>(&row),
            can_start_trial: false,
            can_update_agent_pools: cx.may::<can::ManageAgentPools>(&row),
            can_manage_tags: cx.may::<can::CreateWorkspace>(&row),
            can_manage_varsets: cx.may::<can::CreateWorkspace>(&row),
            can_read_varsets: cx.may::<can::ReadOrganization>(&row),
            can_manage_public_modules: cx.may::<can::ManageModules>(&row),
            can_manage_public_providers: cx.may::<can::ManageProviders>(&row),
            can_create_provider: cx.may::<can::ManageProviders>(&row),
            can_read_policies: cx.may::<can::ReadPolicies>(&row),
            can_manage_run_tasks: cx.may::<can::ManageRunTasks>(&row),
            can_read_run_tasks: cx.may::<can::ReadOrganization>(&row),
            can_create_project: cx.may::<can::CreateProject>(&row),
        };
        Self { row, retention, is_conformant: true, permissions }
    }
}

impl Resource for View {
    const TYPE: &'static str = "organizations";

    /// Clients take the id for the name (CLI protocol, gotcha 28).
    fn id(&self) -> String {
        self.row.name.clone()
    }

    fn attributes(&self) -> impl Serialize {
        let row = &self.row;
        Attributes {
            external_id: row.id.as_str(),
            name: &row.name,
            email: &row.email,
            created_at: row.created_at,
            session_timeout: row.session_timeout,
            session_remember: row.session_remember,
            collaborator_auth_policy: row.collaborator_auth_policy,
            plan_expired: false,
            plan_expires_at: None,
            plan_is_trial: false,
            plan_is_enterprise: true,
            plan_identifier: "self-hosted",
            cost_estimation_enabled: row.cost_estimation_enabled,
            send_passing_statuses_for_untriggered_speculative_plans: row
                .passing_statuses_for_untriggered,
            aggregated_commit_status_enabled: row.aggregated_commit_status_enabled,
            speculative_plan_management_enabled: row.speculative_plan_management,
            pull_request_comments_enabled: row.pull_request_comments,
            allow_force_delete_workspaces: row.allow_force_delete_workspaces,
            fair_run_queuing_enabled: false,
            saml_enabled: false,
            owners_team_saml_role_id: row.owners_team_saml_role_id.as_deref(),
            two_factor_conformant: self.is_conformant,
            assessments_enforced: row.assessments_enforced,
            default_execution_mode: row.default_execution_mode,
            user_tokens_enabled: row.user_tokens_enabled,
            max_ttl_enabled: row.max_ttl_enabled,
            policy_http_enabled: row.policy_http_enabled,
            stacks_enabled: false,
            limits: row.run_limits.0.into(),
            permissions: self.permissions,
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        let here = format!("/api/v2/organizations/{}", self.row.name);
        crate::data_retention::relate(self.retention.as_ref(), to);
        to.one(
            "default-agent-pool",
            "agent-pools",
            self.row.default_agent_pool_id.as_ref().map(|id| id as _),
        );
        to.one_with_link(
            "default-project",
            "projects",
            self.row.default_project_id.as_ref().map(|id| id as _),
            self.row
                .default_project_id
                .as_ref()
                .map_or_else(|| here.clone(), |id| format!("/api/v2/projects/{id}")),
        );
        to.link("entitlement-set", format!("{here}/entitlement-set"));
        to.link("subscription", format!("{here}/subscription"));
        to.link("authentication-token", format!("{here}/authentication-token"));
        to.link("oauth-tokens", format!("{here}/oauth-tokens"));
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ListParameters {
    q: Search,
}

/// `q` in a part of the name or of the address, or in one of them.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Search {
    #[serde(rename = "")]
    any: Option<String>,
    name: Option<String>,
    email: Option<String>,
}

impl Search {
    pub fn search(&self) -> organizations::Search {
        organizations::Search {
            any: text(self.any.as_deref()),
            name: text(self.name.as_deref()),
            email: text(self.email.as_deref()),
        }
    }
}

async fn list(caller: May<can::UseToken>, query: Query<ListParameters>) -> Result<Document> {
    let search = query.own.q.search();
    let paging = paging(&query);
    let page = organizations::list(&caller.cx, &caller, search, paging).await?;
    let views = views(&caller.cx, page.items).await?;
    Document::page(&views, page.total, &query, &INCLUDES, &caller.cx).await
}

async fn show(organization: May<can::ReadOrganization>, query: Query) -> Result<Document> {
    let cx = organization.cx;
    let view = view(&cx, organization.granted.into_inner()).await?;
    Document::one_with(&view, &query, &INCLUDES, &cx).await
}

/// The attributes of a request to create or to change an organization.
#[derive(Deserialize)]
#[serde(default, rename_all = "kebab-case")]
#[derive(Default)]
struct Input {
    name: Option<String>,
    email: Option<String>,
    session_timeout: Field<i64>,
    session_remember: Field<i64>,
    collaborator_auth_policy: Option<CollaboratorAuthPolicy>,
    cost_estimation_enabled: Option<bool>,
    send_passing_statuses_for_untriggered_speculative_plans: Option<bool>,
    aggregated_commit_status_enabled: Option<bool>,
    speculative_plan_management_enabled: Option<bool>,
    pull_request_comments_enabled: Option<bool>,
    allow_force_delete_workspaces: Option<bool>,
    assessments_enforced: Option<bool>,
    default_execution_mode: Option<ExecutionMode>,
    #[serde(deserialize_with = "jsonapi::id")]
    default_agent_pool_id: Field<AgentPoolId>,
    #[serde(deserialize_with = "jsonapi::id")]
    owners_team_saml_role_id: Field<String>,
    user_tokens_enabled: Option<bool>,
    max_ttl_enabled: Option<bool>,
    policy_http_enabled: Option<bool>,
    run_memory_bytes: Field<u64>,
    run_processes: Field<u64>,
    run_disk_bytes: Field<u64>,
    plan_timeout: Field<Span>,
    apply_timeout: Field<Span>,
}

impl Typed for Input {
    const TYPE: &'static str = "organizations";
    const UNSUPPORTED: &'static [Unsupported] = &[
        ("attributes/enforce-hyok", "cannot be switched on: keys are the server's own here"),
        (
            "attributes/global-module-sharing",
            "cannot be switched on: this server has no registry to share",
        ),
        (
            "attributes/global-provider-sharing",
            "cannot be switched on: this server has no registry to share",
        ),
        (
            "attributes/recoverable-items-enabled",
            "cannot be switched on: what is deleted is gone here",
        ),
        (
            "attributes/registry-monorepo-support-enabled",
            "cannot be switched on: this server has no registry",
        ),
        ("attributes/stacks-default-execution-mode", "cannot be set: this server has no stacks"),
        ("relationships/stacks-default-agent-pool", "cannot be set: this server has no stacks"),
    ];
}

/// The default agent pool is an attribute in the documents and a relationship in clients.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Relations {
    default_agent_pool: Option<ToOne<AgentPoolId>>,
}

fn change(input: Input, relations: Relations) -> Result<Change> {
    let default_agent_pool_id = match relations.default_agent_pool {
        Some(one) => Some(one.of_kind("agent-pools", "default-agent-pool")?),
        None => input.default_agent_pool_id.clone().into_change(),
    };
    Ok(Change { default_agent_pool_id, ..input.into() })
}

impl From<Input> for Change {
    fn from(input: Input) -> Self {
        Self {
            name: input.name,
            email: input.email,
            session_timeout: input.session_timeout.into_change(),
            session_remember: input.session_remember.into_change(),
            collaborator_auth_policy: input.collaborator_auth_policy,
            cost_estimation_enabled: input.cost_estimation_enabled,
            passing_statuses_for_untriggered: input
                .send_passing_statuses_for_untriggered_speculative_plans,
            aggregated_commit_status_enabled: input.aggregated_commit_status_enabled,
            speculative_plan_management: input.speculative_plan_management_enabled,
            pull_request_comments: input.pull_request_comments_enabled,
            allow_force_delete_workspaces: input.allow_force_delete_workspaces,
            assessments_enforced: input.assessments_enforced,
            default_execution_mode: input.default_execution_mode,
            default_agent_pool_id: None,
            owners_team_saml_role_id: input.owners_team_saml_role_id.into_change(),
            user_tokens_enabled: input.user_tokens_enabled,
            max_ttl_enabled: input.max_ttl_enabled,
            policy_http_enabled: input.policy_http_enabled,
            run_limits: run_limits::change!(input),
            // Pages ask for it, and set it.
            ask_name_above: None,
        }
    }
}

async fn create(
    site: May<can::CreateOrganization>,
    body: Body<Input, Relations>,
) -> Result<Document> {
    let change = change(body.attributes, body.relationships)?;
    let row = organizations::create(&site.cx, &site, change).await?;
    // The caller's rights are those of the token as it was read; the new organization is theirs since then.
    let cx = domain::accounts::refreshed(&site.cx).await?;
    Ok(Document::one(&view(&cx, row).await?).created())
}

async fn update(
    organization: May<can::UpdateOrganization>,
    body: Body<Input, Relations>,
) -> Result<Document> {
    let change = change(body.attributes, body.relationships)?;
    let row = organizations::update(&organization.cx, &organization, change).await?;
    let cx = domain::accounts::refreshed(&organization.cx).await?;
    Ok(Document::one(&view(&cx, row).await?))
}

async fn delete(organization: May<can::DestroyOrganization>) -> Result<Empty> {
    deletions::organization(&organization.cx, &organization).await?;
    Ok(Empty)
}

struct Capacity {
    organization: String,
    counts: organizations::Capacity,
}

impl Resource for Capacity {
    const TYPE: &'static str = "organization-capacity";

    fn id(&self) -> String {
        self.organization.clone()
    }

    fn attributes(&self) -> impl Serialize {
        serde_json::json!({ "pending": self.counts.pending, "running": self.counts.running })
    }

    fn path(&self) -> Option<String> {
        Some(format!("/api/v2/organizations/{}/capacity", self.organization))
    }
}

async fn capacity(organization: May<can::ReadOrganization>) -> Result<Document> {
    let counts = organizations::capacity(&organization.cx, &organization).await?;
    Ok(Document::one(&Capacity { organization: organization.name.clone(), counts }))
}
