//! What teams may do in single workspaces.

use db::{
    entity::{
        team,
        team_workspace::{
            self, Access, Runs, SentinelMocks, StateVersions, Variables, WorkspaceAccess,
        },
        workspace,
    },
    id::TeamWorkspaceId,
    page,
    sea_orm::{
        ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    },
};
use serde_json::json;

use crate::{
    Ctx, Error, Found, Granted, Happened, In, Page, Paging, Result, Subject,
    access::{Within, WorkspaceRights},
    can,
    row::{Team, TeamWorkspace, Workspace},
    workspaces,
};

/// The access of a team, with the workspace that it is to and the team.
pub type Held = In<TeamWorkspace, (Workspace, Team)>;

impl Within<Self> for (Workspace, Team) {
    fn on(&self) -> &Self {
        self
    }
}

/// What can be given on create and changed later; all but the level only for the custom one.
#[derive(Debug, Default)]
pub struct Change {
    pub access: Option<Access>,
    pub runs: Option<Runs>,
    pub variables: Option<Variables>,
    pub state_versions: Option<StateVersions>,
    pub sentinel_mocks: Option<SentinelMocks>,
    pub locking: Option<bool>,
    pub run_tasks: Option<bool>,
    pub policy_overrides: Option<bool>,
}

impl Change {
    fn apply(self, to: &mut TeamWorkspace) -> Result<()> {
        if let Some(access) = self.access {
            if access == Access::Custom && to.access != Access::Custom {
                // What is not sent stays as the level had it.
                let rights = WorkspaceRights::of_team(to).as_custom();
                // Custom access to a single workspace knows neither of these.
                to.custom.0 = WorkspaceAccess { delete: false, r#move: false, ..rights };
            }
            to.access = access;
        }
        if to.access != Access::Custom {
            to.custom.0 = WorkspaceAccess::default();
            let sent = [
                ("runs", self.runs.is_some()),
                ("variables", self.variables.is_some()),
                ("state-versions", self.state_versions.is_some()),
                ("sentinel-mocks", self.sentinel_mocks.is_some()),
                ("workspace-locking", self.locking.is_some()),
                ("run-tasks", self.run_tasks.is_some()),
                ("policy-overrides", self.policy_overrides.is_some()),
            ];
            return match sent.iter().find(|(_, sent)| *sent) {
                None => Ok(()),
                Some((name, _)) => Err(Error::invalid(name, read_only(to.access.as_str()))),
            };
        }
        macro_rules! set {
            ($($field:ident),+) => { $(if let Some(value) = self.$field { to.custom.$field = value; })+ };
        }
        set!(runs, variables, state_versions, sentinel_mocks, locking, run_tasks, policy_overrides);
        Ok(())
    }
}

/// In the words that clients know.
pub(super) fn read_only(level: &str) -> String {
    format!(
        "is read-only when access level is '{level}'; use the 'custom' access level to set this \
         attribute."
    )
}

pub async fn find(cx: &Ctx, id: &TeamWorkspaceId) -> Result<Found<Held>> {
    let row = team_workspace::Entity::find_by_id(id.clone())
        .one(cx.read())
        .await?
        .ok_or(Error::NotFound)?;
    let workspace = workspaces::by_id(cx, &row.workspace_id).await?.ok_or(Error::NotFound)?;
    let team = super::by_id(cx, &row.team_id).await?.ok_or(Error::NotFound)?;
    Ok(Found::new(In { row, of: (workspace, team) }))
}

/// A workspace and a team of the same organization, to be checked together.
///
/// # Errors
/// Not found if they are of different ones.
pub fn pair(workspace: Found<Workspace>, team: Found<Team>) -> Result<Found<(Workspace, Team)>> {
    let (workspace, team) = (workspace.into_unchecked(), team.into_unchecked());
    if workspace.organization_name != team.organization_name {
        return Err(Error::NotFound);
    }
    Ok(Found::new((workspace, team)))
}

/// Whose access, or access to what: at least one of them.
#[derive(Debug, Default)]
pub struct Of {
    pub workspace: Option<Granted<can::ReadWorkspace>>,
    pub team: Option<Granted<can::ReadTeam>>,
}

/// The accesses that the caller may see, the oldest first.
///
/// # Errors
/// Bad request where neither a workspace nor a team is named.
pub async fn list(cx: &Ctx, of: Of, paging: Paging) -> Result<Page<TeamWorkspace>> {
    let mut condition = Condition::all();
    if let Some(workspace) = &of.workspace {
        condition = condition.add(team_workspace::Column::WorkspaceId.eq(&workspace.id));
        if !cx.may::<can::UpdateWorkspace>(workspace) {
            let teams = team::Entity::find()
                .select_only()
                .column(team::Column::Id)
                .filter(super::visible(cx, &workspace.organization_name));
            condition =
                condition.add(team_workspace::Column::TeamId.in_subquery(teams.into_query()));
        }
    } else if let Some(team) = &of.team {
        condition = condition.add(seen_with(cx, team));
    } else {
        return Err(Error::BadRequest(
            "filter[workspace][id] or filter[team][id] is required.".into(),
        ));
    }
    if let Some(team) = &of.team {
        condition = condition.add(team_workspace::Column::TeamId.eq(&team.id));
    }
    let query = team_workspace::Entity::find()
        .filter(condition)
        .order_by_asc(team_workspace::Column::CreatedAt)
        .order_by_asc(team_workspace::Column::Id);
    Ok(page(cx.read(), query, paging).await?)
}

/// Holds for access to workspaces that the caller may see.
fn seen_with(cx: &Ctx, team: &Team) -> Condition {
    let seen = workspace::Entity::find()
        .select_only()
        .column(workspace::Column::Id)
        .filter(workspaces::visible(cx, &team.organization_name));
    Condition::all().add(team_workspace::Column::WorkspaceId.in_subquery(seen.into_query()))
}

pub async fn create(
    cx: &Ctx,
    on: &Granted<can::AddTeamToWorkspace>,
    change: Change,
) -> Result<TeamWorkspace> {
    let (workspace, team) = &**on;
    let access = change.access.ok_or_else(|| Error::invalid("access", "can't be blank"))?;
    let tx = cx.write().await?;
    let mut new = TeamWorkspace {
        id: TeamWorkspaceId::fresh(),
        team_id: team.id.clone(),
        workspace_id: workspace.id.clone(),
        access,
        custom: db::Json(WorkspaceAccess::default()),
        created_at: tx.now(),
    };
    change.apply(&mut new)?;
    let row = tx.insert(new).await.map_err(|error| match error {
        db::Error::Taken(_) => Error::invalid_relation(
            "team",
            "The team has already been given access to this workspace.",
        ),
        other => other.into(),
    })?;
    tx.emit(Happened::TeamAccessAdded, subject(&row, workspace), detail(&row)).await?;
    tx.commit().await?;
    Ok(row)
}

pub async fn update(
    cx: &Ctx,
    held: &Granted<can::ManageTeamWorkspace, Held>,
    change: Change,
) -> Result<TeamWorkspace> {
    let tx = cx.write().await?;
    let mut row =
        tx.lock::<team_workspace::Entity>(held.id.clone()).await?.ok_or(Error::NotFound)?;
    change.apply(&mut row)?;
    let row = tx.update(row).await?;
    tx.emit(Happened::TeamAccessUpdated, subject(&row, &held.of.0), detail(&row)).await?;
    tx.commit().await?;
    Ok(row)
}

pub async fn delete(cx: &Ctx, held: &Granted<can::ManageTeamWorkspace, Held>) -> Result<()> {
    let tx = cx.write().await?;
    let row = tx.lock::<team_workspace::Entity>(held.id.clone()).await?.ok_or(Error::NotFound)?;
    tx.emit(Happened::TeamAccessRemoved, subject(&row, &held.of.0), detail(&row)).await?;
    tx.delete(row).await?;
    tx.commit().await
}

fn detail(row: &TeamWorkspace) -> serde_json::Value {
    json!({ "team": row.team_id.as_str(), "access": row.access.as_str() })
}

fn subject<'a>(row: &'a TeamWorkspace, workspace: &'a Workspace) -> Subject<'a> {
    Subject {
        kind: "team-workspaces",
        id: row.id.as_str(),
        organization: Some(&workspace.organization_name),
        workspace: Some(&workspace.id),
        run: None,
    }
}
