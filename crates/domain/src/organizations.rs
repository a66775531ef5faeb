//! Organizations: they own everything else.

mod on_site;

use std::collections::HashSet;

use db::{
    entity::{
        organization::{self, CollaboratorAuthPolicy},
        organization_membership::{self as membership, Status},
        project, run, team, team_membership, user,
        workspace::ExecutionMode,
    },
    id::{AgentPoolId, OrganizationId, OrganizationMembershipId, ProjectId, TeamId, UserId},
    page,
    sea_orm::{
        ActiveModelTrait, ActiveValue, ColumnTrait, Condition, EntityTrait, PaginatorTrait,
        QueryFilter, QueryOrder, QuerySelect, QueryTrait,
        sea_query::{Expr, ExprTrait, Func},
    },
};
use serde_json::json;

pub(crate) use on_site::has_room_for_workspace;
pub use on_site::{
    Allowed, Counted, allow, counted, find_on_site, list_of_site, load_of_site, owners,
};

use crate::{
    Ctx, Error, Found, Granted, Happened, In, Page, Paging, Result, Subject, accounts, agent_pools,
    can, context::Key, error::taken, names, row::Organization, run_limits, workspaces,
};

/// Characters. HCP Terraform's documents say 40, and its clients' own tests make longer ones.
const NAME_LIMIT: usize = 64;

/// Names of organizations are printed in addresses by clients.
fn check_name(name: &str) -> Result<()> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    names::check("name", name, NAME_LIMIT)?;
    if name.len() > NAME_LIMIT || name.len() < 3 || !name.chars().all(allowed) {
        return Err(Error::invalid(
            "name",
            format!(
                "can only include letters, numbers, -, and _, and has 3 to {NAME_LIMIT} of them"
            ),
        ));
    }
    if PAGES.iter().any(|page| name.eq_ignore_ascii_case(page)) {
        return Err(Error::invalid("name", "is that of pages of this server"));
    }
    Ok(())
}

/// What stands in addresses where organizations do.
const PAGES: [&str; 2] = ["settings", "site"];

/// The settings that can be given on create and changed later; absent ones keep their value.
#[derive(Debug, Default)]
pub struct Change {
    pub name: Option<String>,
    pub email: Option<String>,
    pub session_timeout: Option<Option<i64>>,
    pub session_remember: Option<Option<i64>>,
    pub collaborator_auth_policy: Option<CollaboratorAuthPolicy>,
    pub cost_estimation_enabled: Option<bool>,
    pub passing_statuses_for_untriggered: Option<bool>,
    pub aggregated_commit_status_enabled: Option<bool>,
    pub speculative_plan_management: Option<bool>,
    pub pull_request_comments: Option<bool>,
    pub allow_force_delete_workspaces: Option<bool>,
    pub assessments_enforced: Option<bool>,
    pub default_execution_mode: Option<ExecutionMode>,
    /// Only together with the execution mode agent.
    pub default_agent_pool_id: Option<Option<AgentPoolId>>,
    pub owners_team_saml_role_id: Option<Option<String>>,
    pub user_tokens_enabled: Option<bool>,
    pub max_ttl_enabled: Option<bool>,
    pub policy_http_enabled: Option<bool>,
    pub run_limits: run_limits::Change,
    pub ask_name_above: Option<Option<i64>>,
}

impl Change {
    fn apply(self, to: &mut Organization) -> Result<()> {
        if let Some(name) = self.name {
            check_name(&name)?;
            to.name = name;
        }
        if let Some(email) = self.email {
            accounts::check_email(&email)?;
            to.email = email;
        }
        for (attribute, minutes) in
            [("session-timeout", self.session_timeout), ("session-remember", self.session_remember)]
        {
            if minutes.flatten().is_some_and(|minutes| minutes < 1) {
                return Err(Error::invalid(attribute, "must be greater than 0"));
            }
        }
        if self.ask_name_above.flatten().is_some_and(|number| number < 0) {
            return Err(Error::invalid("ask-name-above", "must not be less than 0"));
        }
        if self.default_execution_mode.is_some() || self.default_agent_pool_id.is_some() {
            to.default_execution_mode =
                self.default_execution_mode.unwrap_or(to.default_execution_mode);
            to.default_agent_pool_id = workspaces::pool_for(
                Some(to.default_execution_mode),
                self.default_agent_pool_id,
                to.default_agent_pool_id.take(),
                "default-agent-pool-id",
            )?;
        }
        to.run_limits.0 = self.run_limits.applied_to(to.run_limits.0)?;
        macro_rules! set {
            ($($field:ident),+) => { $(if let Some(value) = self.$field { to.$field = value; })+ };
        }
        set!(
            session_timeout,
            session_remember,
            collaborator_auth_policy,
            cost_estimation_enabled,
            passing_statuses_for_untriggered,
            aggregated_commit_status_enabled,
            speculative_plan_management,
            pull_request_comments,
            allow_force_delete_workspaces,
            assessments_enforced,
            owners_team_saml_role_id,
            user_tokens_enabled,
            max_ttl_enabled,
            policy_http_enabled,
            ask_name_above
        );
        Ok(())
    }
}

/// By name, whatever its case.
pub async fn find(cx: &Ctx, name: &str) -> Result<Found<Organization>> {
    by_name(cx, name).await?.map(Found::new).ok_or(Error::NotFound)
}

pub(crate) async fn by_name(cx: &Ctx, name: &str) -> Result<Option<Organization>> {
    let column = Expr::expr(Func::lower(Expr::col(organization::Column::Name)));
    Ok(organization::Entity::find().filter(column.eq(name.to_lowercase())).one(cx.read()).await?)
}

/// The row of this id, with the organization that it names.
pub(crate) async fn find_in<E: EntityTrait>(
    cx: &Ctx,
    id: &Key<E>,
    name: fn(&E::Model) -> &str,
) -> Result<Found<In<E::Model, Organization>>>
where
    Key<E>: Clone,
{
    let row = cx.row::<E>(id).await?;
    let of = by_name(cx, name(&row)).await?.ok_or(Error::NotFound)?;
    Ok(Found::new(In { row, of }))
}

/// Parts of what organizations are to have; each narrows the list further.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// Of the name or of the address.
    pub any: Option<String>,
    pub name: Option<String>,
    pub email: Option<String>,
}

impl Search {
    fn condition(self) -> Condition {
        let name = |text: String| db::contains(organization::Column::Name, &text);
        let email = |text: String| db::contains(organization::Column::Email, &text);
        let any = self.any.map(|text| Condition::any().add(name(text.clone())).add(email(text)));
        Condition::all()
            .add_option(any)
            .add_option(self.name.map(name))
            .add_option(self.email.map(email))
    }
}

/// Those that the caller belongs to, by name.
pub async fn list(
    cx: &Ctx,
    _caller: &Granted<can::UseToken>,
    search: Search,
    paging: Paging,
) -> Result<Page<Organization>> {
    let own = organization::Column::Name.is_in(cx.actor().organization_names());
    let condition = search.condition().add(own);
    let query = organization::Entity::find().filter(condition);
    let query = query.order_by_asc(organization::Column::Name);
    Ok(page(cx.read(), query, paging).await?)
}

/// For includes: those of these that the caller may see.
pub async fn load(cx: &Ctx, names: &[String]) -> Result<Vec<Organization>> {
    let rows = organization::Entity::find()
        .filter(organization::Column::Name.is_in(names))
        .all(cx.read())
        .await?;
    Ok(rows.into_iter().filter(|row| cx.may::<can::ReadOrganization>(row)).collect())
}

/// Creates an organization with its default project and its owners team, and the caller in it.
pub async fn create(
    cx: &Ctx,
    _site: &Granted<can::CreateOrganization>,
    change: Change,
) -> Result<Organization> {
    let owner = cx.actor().user_id().ok_or(Error::NotFound)?;
    create_owned(cx, owner, change).await
}

/// The same for somebody else, who becomes its owner.
pub async fn create_for(
    cx: &Ctx,
    _site: &Granted<can::ManageSite>,
    owner: UserId,
    change: Change,
) -> Result<Organization> {
    create_owned(cx, owner, change).await
}

async fn create_owned(cx: &Ctx, owner: UserId, change: Change) -> Result<Organization> {
    if change.name.is_none() {
        return Err(Error::invalid("name", "can't be blank"));
    }
    if change.email.is_none() {
        return Err(Error::invalid("email", "can't be blank"));
    }
    if let Some(Some(id)) = &change.default_agent_pool_id {
        let why = format!("{id} does not exist in this organization");
        return Err(Error::invalid("default-agent-pool-id", why));
    }
    may_ask_for_second_factors(cx, change.collaborator_auth_policy).await?;
    let tx = cx.write().await?;
    let person = user::Entity::find_by_id(owner.clone()).one(tx.db()).await?;
    let person = person.ok_or(Error::NotFound)?;
    accounts::has_come(&person)?;
    let email = person.email;
    let now = tx.now();
    let project_id = ProjectId::fresh();
    let mut new = Organization {
        name: String::new(),
        id: OrganizationId::fresh(),
        email: String::new(),
        session_timeout: None,
        session_remember: None,
        collaborator_auth_policy: CollaboratorAuthPolicy::Password,
        cost_estimation_enabled: false,
        passing_statuses_for_untriggered: false,
        aggregated_commit_status_enabled: true,
        speculative_plan_management: true,
        pull_request_comments: false,
        allow_force_delete_workspaces: false,
        assessments_enforced: false,
        default_execution_mode: ExecutionMode::Remote,
        default_agent_pool_id: None,
        default_project_id: Some(project_id.clone()),
        owners_team_saml_role_id: None,
        user_tokens_enabled: true,
        max_ttl_enabled: false,
        policy_http_enabled: false,
        run_limits: db::Json::default(),
        ask_name_above: None,
        workspace_limit: None,
        created_at: now,
    };
    change.apply(&mut new)?;
    let organization = tx.insert(new).await.map_err(taken("name"))?;
    let name = organization.name.clone();
    tx.insert(project::Model {
        id: project_id,
        organization_name: name.clone(),
        name: "Default Project".into(),
        description: None,
        auto_destroy_activity_duration: None,
        default_execution_mode: None,
        default_agent_pool_id: None,
        created_at: now,
    })
    .await?;
    let team_id = TeamId::fresh();
    tx.insert(team::Model {
        id: team_id.clone(),
        organization_name: name.clone(),
        name: team::OWNERS.into(),
        visibility: team::Visibility::Organization,
        sso_team_id: None,
        organization_access: db::Json(team::OrganizationAccess::default()),
        allow_member_token_management: true,
        created_at: now,
    })
    .await?;
    tx.insert(membership::Model {
        id: OrganizationMembershipId::fresh(),
        organization_name: name.clone(),
        user_id: owner.clone(),
        status: Status::Active,
        created_at: now,
        is_proven: email.is_some(),
        email,
        invitations: 0,
    })
    .await?;
    tx.insert(team_membership::Model { team_id, user_id: owner }).await?;
    tx.emit(Happened::OrganizationCreated, subject(&organization), json!({})).await?;
    tx.commit().await?;
    Ok(organization)
}

/// Whoever asks others for a second factor has one, or would be shut out at once.
async fn may_ask_for_second_factors(
    cx: &Ctx,
    policy: Option<CollaboratorAuthPolicy>,
) -> Result<()> {
    if policy != Some(CollaboratorAuthPolicy::TwoFactorMandatory) {
        return Ok(());
    }
    let Some(id) = cx.actor().user_id() else { return Ok(()) };
    let row = user::Entity::find_by_id(id).one(cx.read()).await?.ok_or(Error::NotFound)?;
    if row.second_factor_at.is_none() {
        let why = "cannot be two_factor_mandatory before you have a second factor of your own";
        return Err(Error::invalid("collaborator-auth-policy", why));
    }
    Ok(())
}

/// The names of those of these organizations that ask for a second factor and have members without one.
pub async fn without_second_factors(cx: &Ctx, rows: &[Organization]) -> Result<HashSet<String>> {
    let mandatory = CollaboratorAuthPolicy::TwoFactorMandatory;
    let asking = rows.iter().filter(|row| row.collaborator_auth_policy == mandatory);
    let asking: Vec<&str> = asking.map(|row| row.name.as_str()).collect();
    if asking.is_empty() {
        return Ok(HashSet::new());
    }
    let without = user::Entity::find()
        .select_only()
        .column(user::Column::Id)
        .filter(user::Column::SecondFactorAt.is_null())
        .into_query();
    let names: Vec<String> = membership::Entity::find()
        .select_only()
        .column(membership::Column::OrganizationName)
        .distinct()
        .filter(membership::Column::OrganizationName.is_in(asking))
        .filter(membership::Column::Status.eq(Status::Active))
        .filter(membership::Column::UserId.in_subquery(without))
        .into_tuple()
        .all(cx.read())
        .await?;
    Ok(names.into_iter().collect())
}

pub async fn update(
    cx: &Ctx,
    organization: &Granted<can::UpdateOrganization>,
    change: Change,
) -> Result<Organization> {
    if let Some(Some(pool)) = &change.default_agent_pool_id {
        agent_pools::fits_organization(cx, pool, &organization.name).await?;
    }
    may_ask_for_second_factors(cx, change.collaborator_auth_policy).await?;
    save(cx, &organization.name, |row| change.apply(row)).await
}

/// Changes what is in a row.
async fn save(
    cx: &Ctx,
    name: &str,
    change: impl FnOnce(&mut Organization) -> Result<()>,
) -> Result<Organization> {
    let tx = cx.write().await?;
    let before = tx
        .lock::<organization::Entity>(name.to_owned())
        .await?
        .ok_or(Error::NotFound)?
        .into_inner();
    let mut after = before.clone();
    change(&mut after)?;
    // The name is the key, so a rename names the row by what it was.
    let mut row: organization::ActiveModel = after.clone().into();
    row = row.reset_all();
    row.name = ActiveValue::Set(after.name.clone());
    organization::Entity::update_many()
        .set(row)
        .filter(organization::Column::Name.eq(&before.name))
        .exec(tx.db())
        .await
        .map_err(db::Error::from)
        .map_err(taken("name"))?;
    tx.emit(Happened::OrganizationUpdated, subject(&after), json!({})).await?;
    tx.commit().await?;
    Ok(after)
}

/// How many runs wait and how many are under way.
#[derive(Clone, Copy, Debug)]
pub struct Capacity {
    pub pending: u64,
    pub running: u64,
}

pub async fn capacity(cx: &Ctx, organization: &Granted<can::ReadOrganization>) -> Result<Capacity> {
    use run::Status as S;
    let count = |statuses: Vec<S>| {
        run::Entity::find()
            .filter(run::Column::IsFinal.eq(false))
            .filter(run::Column::OrganizationName.eq(&organization.name))
            .filter(run::Column::Status.is_in(statuses))
            .count(cx.read())
    };
    Ok(Capacity {
        pending: count(vec![S::Pending, S::PlanQueued, S::ApplyQueued]).await?,
        running: count(vec![S::Planning, S::Applying]).await?,
    })
}

pub(crate) fn subject(organization: &Organization) -> Subject<'_> {
    Subject {
        kind: "organizations",
        id: &organization.name,
        organization: Some(&organization.name),
        ..Subject::default()
    }
}
