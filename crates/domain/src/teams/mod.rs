//! Teams: through them people get their rights.

pub mod access;
mod list;
mod members;

use std::collections::{BTreeMap, HashMap};

use db::{
    entity::{
        organization_membership as membership,
        team::{self, OrganizationAccess, Visibility},
        team_membership,
    },
    id::{OrganizationMembershipId, TeamId, UserId},
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter},
};
use serde_json::json;

pub(crate) use list::visible;
pub use list::{Filter, list, load};
pub use members::{Members, add_members, remove_members};
pub(crate) use members::{
    another_owner_stays, join, leave_all, lock_if_owner, move_all, of_member, owners_of,
};

use crate::{
    Ctx, Error, Found, Granted, Happened, Result, Subject, can,
    error::taken,
    free_text, names,
    row::{Organization, Team},
};

/// What can be given on create and changed later; absent ones keep their value.
#[derive(Debug, Default)]
pub struct Change {
    pub name: Option<String>,
    pub visibility: Option<Visibility>,
    pub sso_team_id: Option<Option<String>>,
    pub allow_member_token_management: Option<bool>,
    /// By the names that [`rights`] gives.
    pub organization_access: BTreeMap<&'static str, bool>,
}

/// The rights of a team in its whole organization, each with its name on the wire.
pub fn rights(access: &mut OrganizationAccess) -> impl Iterator<Item = (&'static str, &mut bool)> {
    macro_rules! all {
        ($($name:literal $field:ident),+ $(,)?) => { [$(($name, &mut access.$field)),+].into_iter() };
    }
    all!(
        "manage-policies" manage_policies,
        "manage-policy-overrides" manage_policy_overrides,
        "delegate-policy-overrides" delegate_policy_overrides,
        "manage-workspaces" manage_workspaces,
        "manage-vcs-settings" manage_vcs_settings,
        "manage-modules" manage_modules,
        "manage-providers" manage_providers,
        "manage-run-tasks" manage_run_tasks,
        "manage-projects" manage_projects,
        "manage-membership" manage_membership,
        "manage-teams" manage_teams,
        "manage-organization-access" manage_organization_access,
        "access-secret-teams" access_secret_teams,
        "read-projects" read_projects,
        "read-workspaces" read_workspaces,
        "manage-agent-pools" manage_agent_pools,
        "manage-public-providers" manage_public_providers,
        "manage-public-modules" manage_public_modules,
        "manage-registry-components" manage_registry_components,
        "manage-registry-artifact-tags" manage_registry_artifact_tags,
        "manage-registry-artifact-version-tags" manage_registry_artifact_version_tags,
    )
}

/// What the team may really do: owners may do everything, whatever their row says.
pub fn effective_access(team: &Team) -> OrganizationAccess {
    let mut access = team.organization_access.0;
    if team.is_owners() {
        rights(&mut access).for_each(|(_, right)| *right = true);
    }
    access
}

impl Change {
    fn apply(self, cx: &Ctx, to: &mut Team) -> Result<()> {
        if let Some(name) = self.name {
            if to.is_owners() && name != to.name {
                return Err(Error::invalid("name", "of the owners team cannot be changed"));
            }
            if to.name.is_empty() || name != to.name {
                check_name(&name)?;
            }
            to.name = name;
        }
        if let Some(visibility) = self.visibility {
            if to.is_owners() && visibility != to.visibility {
                return Err(Error::invalid("visibility", "of the owners team cannot be changed"));
            }
            to.visibility = visibility;
        }
        if let Some(id) = self.sso_team_id {
            free_text::line("sso-team-id", id.as_deref().unwrap_or_default(), 255)?;
            to.sso_team_id = id;
        }
        if let Some(allow) = self.allow_member_token_management {
            to.allow_member_token_management = allow;
        }
        apply_access(cx, &self.organization_access, to)
    }
}

fn apply_access(cx: &Ctx, wanted: &BTreeMap<&'static str, bool>, to: &mut Team) -> Result<()> {
    let refused = |message: &str| Error::invalid("organization-access", message);
    let mut access = effective_access(to);
    let before = access;
    for (name, right) in rights(&mut access) {
        if let Some(wanted) = wanted.get(name) {
            *right = *wanted;
        }
    }
    if access == before {
        return Ok(());
    }
    if to.is_owners() {
        return Err(refused("of the owners team cannot be changed"));
    }
    if !cx.may::<can::UpdateOrganizationAccess>(to) {
        return Err(refused("can only be set by those who manage organization access"));
    }
    // Prerequisites, as the service has them.
    if access.manage_teams && !access.manage_membership {
        return Err(refused("needs manage-membership for manage-teams"));
    }
    if access.manage_organization_access && !access.manage_teams {
        return Err(refused("needs manage-teams for manage-organization-access"));
    }
    if access.access_secret_teams && !access.manage_membership {
        return Err(refused("needs manage-membership for access-secret-teams"));
    }
    to.organization_access.0 = access;
    Ok(())
}

fn check_name(name: &str) -> Result<()> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ' ' | '/');
    names::check("name", name, 90)?;
    if name.len() > 90 || !name.chars().all(allowed) {
        return Err(Error::invalid(
            "name",
            "can only include letters, numbers, spaces, -, _, and /, and has at most 90 of them",
        ));
    }
    Ok(())
}

pub async fn find(cx: &Ctx, id: &TeamId) -> Result<Found<Team>> {
    by_id(cx, id).await?.map(Found::new).ok_or(Error::NotFound)
}

pub(crate) async fn by_id(cx: &Ctx, id: &TeamId) -> Result<Option<Team>> {
    Ok(team::Entity::find_by_id(id.clone()).one(cx.read()).await?)
}

/// A team with those in it.
#[derive(Clone, Debug)]
pub struct Details {
    pub team: Team,
    /// Those who have accepted their invitation.
    pub users: Vec<UserId>,
    /// Of all who are in it, the invited ones included.
    pub memberships: Vec<OrganizationMembershipId>,
}

/// Two queries, however many teams there are.
pub async fn details(cx: &Ctx, teams: Vec<Team>) -> Result<Vec<Details>> {
    let mut of_team: HashMap<TeamId, Vec<UserId>> = HashMap::new();
    for row in team_membership::Entity::find()
        .filter(team_membership::Column::TeamId.is_in(teams.iter().map(|team| &team.id)))
        .all(cx.read())
        .await?
    {
        of_team.entry(row.team_id).or_default().push(row.user_id);
    }
    let organizations: std::collections::BTreeSet<_> =
        teams.iter().map(|team| team.organization_name.as_str()).collect();
    let users: std::collections::BTreeSet<_> = of_team.values().flatten().collect();
    let memberships: HashMap<_, _> = membership::Entity::find()
        .filter(membership::Column::OrganizationName.is_in(organizations))
        .filter(membership::Column::UserId.is_in(users))
        .all(cx.read())
        .await?
        .into_iter()
        .map(|row| ((row.organization_name.clone(), row.user_id.clone()), row))
        .collect();
    Ok(teams
        .into_iter()
        .map(|team| {
            let mut own: Vec<_> = of_team
                .remove(&team.id)
                .unwrap_or_default()
                .into_iter()
                .filter_map(|user| memberships.get(&(team.organization_name.clone(), user)))
                .collect();
            own.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
            Details {
                users: own
                    .iter()
                    .filter(|row| row.status == membership::Status::Active)
                    .map(|row| row.user_id.clone())
                    .collect(),
                memberships: own.iter().map(|row| row.id.clone()).collect(),
                team,
            }
        })
        .collect())
}

/// The same for one.
pub async fn details_of(cx: &Ctx, team: Team) -> Result<Details> {
    let mut all = details(cx, vec![team]).await?;
    Ok(all.swap_remove(0))
}

pub async fn create(
    cx: &Ctx,
    organization: &Granted<can::CreateTeam, Organization>,
    change: Change,
) -> Result<Team> {
    if change.name.is_none() {
        return Err(Error::invalid("name", "can't be blank"));
    }
    let tx = cx.write().await?;
    let mut new = Team {
        id: TeamId::fresh(),
        organization_name: organization.name.clone(),
        name: String::new(),
        visibility: Visibility::Secret,
        sso_team_id: None,
        organization_access: db::Json(OrganizationAccess::default()),
        allow_member_token_management: true,
        created_at: tx.now(),
    };
    change.apply(cx, &mut new)?;
    let team = tx.insert(new).await.map_err(taken("name"))?;
    tx.emit(Happened::TeamCreated, subject(&team), json!({ "name": team.name })).await?;
    tx.commit().await?;
    Ok(team)
}

pub async fn update(cx: &Ctx, team: &Granted<can::UpdateTeam>, change: Change) -> Result<Team> {
    let settings = change.name.is_some()
        || change.visibility.is_some()
        || change.sso_team_id.is_some()
        || change.allow_member_token_management.is_some();
    if settings && !cx.may::<can::UpdateTeamSettings>(team) {
        return Err(Error::Forbidden("Only those who manage teams may change these.".into()));
    }
    let tx = cx.write().await?;
    let mut row = tx.lock::<team::Entity>(team.id.clone()).await?.ok_or(Error::NotFound)?;
    change.apply(cx, &mut row)?;
    let team = tx.update(row).await.map_err(taken("name"))?;
    let access = &team.organization_access.0;
    tx.emit(Happened::TeamUpdated, subject(&team), json!({ "name": team.name, "access": access }))
        .await?;
    tx.commit().await?;
    Ok(team)
}

/// Deletes a team with its tokens and all that it had access to; never that of the owners.
pub async fn delete(cx: &Ctx, team: &Granted<can::DestroyTeam>) -> Result<()> {
    let tx = cx.write().await?;
    let row = tx.lock::<team::Entity>(team.id.clone()).await?.ok_or(Error::NotFound)?;
    tx.emit(Happened::TeamDeleted, subject(&row), json!({ "name": row.name })).await?;
    tx.delete(row).await?;
    tx.commit().await
}

pub(crate) fn subject(team: &Team) -> Subject<'_> {
    Subject {
        kind: "teams",
        id: team.id.as_str(),
        organization: Some(&team.organization_name),
        ..Subject::default()
    }
}
