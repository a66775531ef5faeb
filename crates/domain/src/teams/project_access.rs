//! What teams may do in single projects and in all workspaces of them.

use db::{
    entity::{
        project,
        team_project::{self, Access, ProjectAccess, Settings, Teams, VariableSets},
        team_workspace::{Runs, SentinelMocks, StateVersions, Variables, WorkspaceAccess},
    },
    id::{ProjectId, TeamProjectId},
    page,
    sea_orm::{
        ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    },
};
use serde_json::json;

use super::workspace_access::read_only;
use crate::{
    Ctx, Error, Found, Granted, Happened, In, Page, Paging, Result, Subject,
    access::{ProjectRights, Within},
    can, projects,
    row::{Project, Team, TeamProject},
};

/// The access of a team, with the project that it is to and the team.
pub type Held = In<TeamProject, (Project, Team)>;

impl Within<Self> for (Project, Team) {
    fn on(&self) -> &Self {
        self
    }
}

/// What can be given on create and changed later; all but the level only for the custom one.
#[derive(Debug, Default)]
pub struct Change {
    pub access: Option<Access>,
    pub project: Option<ChangeProject>,
    pub workspaces: Option<ChangeWorkspaces>,
}

/// Rights on the project itself; absent ones keep their value.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ChangeProject {
    pub settings: Option<Settings>,
    pub teams: Option<Teams>,
    pub variable_sets: Option<VariableSets>,
}

/// Rights on its workspaces; absent ones keep their value.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ChangeWorkspaces {
    pub runs: Option<Runs>,
    pub variables: Option<Variables>,
    pub state_versions: Option<StateVersions>,
    pub sentinel_mocks: Option<SentinelMocks>,
    pub create: Option<bool>,
    pub locking: Option<bool>,
    pub r#move: Option<bool>,
    pub delete: Option<bool>,
    pub run_tasks: Option<bool>,
    pub policy_overrides: Option<bool>,
}

macro_rules! set {
    ($from:ident to $to:expr; $($field:ident),+) => {
        $(if let Some(value) = $from.$field { $to.$field = value; })+
    };
}

impl Change {
    fn apply(self, to: &mut TeamProject) -> Result<()> {
        if let Some(access) = self.access {
            if access == Access::Custom && to.access != Access::Custom {
                // What is not sent stays as the level had it.
                let rights = ProjectRights::of_team(to);
                (to.project_access.0, to.workspace_access.0) = rights.as_custom();
            }
            to.access = access;
        }
        // Clients send empty objects beside a level: they say nothing.
        let project = self.project.filter(|sent| *sent != ChangeProject::default());
        let workspaces = self.workspaces.filter(|sent| *sent != ChangeWorkspaces::default());
        if to.access != Access::Custom {
            to.project_access.0 = ProjectAccess::default();
            to.workspace_access.0 = WorkspaceAccess::default();
            let level = to.access.as_str();
            return match (project, workspaces) {
                (None, None) => Ok(()),
                (Some(_), _) => Err(Error::invalid("project-access", read_only(level))),
                (None, Some(_)) => Err(Error::invalid("workspace-access", read_only(level))),
            };
        }
        if let Some(from) = project {
            set!(from to to.project_access; settings, teams, variable_sets);
        }
        if let Some(from) = workspaces {
            set!(from to to.workspace_access; runs, variables, state_versions, sentinel_mocks,
                create, locking, r#move, delete, run_tasks, policy_overrides);
        }
        Ok(())
    }
}

pub async fn find(cx: &Ctx, id: &TeamProjectId) -> Result<Found<Held>> {
    let row = team_project::Entity::find_by_id(id.clone())
        .one(cx.read())
        .await?
        .ok_or(Error::NotFound)?;
    let project = projects::find(cx, &row.project_id).await?.into_unchecked();
    let team = super::by_id(cx, &row.team_id).await?.ok_or(Error::NotFound)?;
    Ok(Found::new(In { row, of: (project, team) }))
}

/// A project and a team of the same organization, to be checked together.
///
/// # Errors
/// Not found if they are of different ones.
pub fn pair(project: Found<Project>, team: Found<Team>) -> Result<Found<(Project, Team)>> {
    let (project, team) = (project.into_unchecked(), team.into_unchecked());
    if project.organization_name != team.organization_name {
        return Err(Error::NotFound);
    }
    Ok(Found::new((project, team)))
}

/// Whose access, or access to what: at least one of them.
#[derive(Debug, Default)]
pub struct Of {
    pub project: Option<Granted<can::ReadProjectTeams>>,
    pub team: Option<Granted<can::ReadTeam>>,
}

/// The accesses that the caller may see, the oldest first.
///
/// # Errors
/// Bad request where neither a project nor a team is named.
pub async fn list(cx: &Ctx, of: Of, paging: Paging) -> Result<Page<TeamProject>> {
    let mut condition = Condition::all();
    if let Some(project) = &of.project {
        condition = condition.add(team_project::Column::ProjectId.eq(&project.id));
    } else if let Some(team) = &of.team {
        condition =
            condition.add(team_project::Column::ProjectId.is_in(seen_with(cx, team).await?));
    } else {
        return Err(Error::BadRequest(
            "filter[project][id] or filter[team][id] is required.".into(),
        ));
    }
    if let Some(team) = &of.team {
        condition = condition.add(team_project::Column::TeamId.eq(&team.id));
    }
    let query = team_project::Entity::find()
        .filter(condition)
        .order_by_asc(team_project::Column::CreatedAt)
        .order_by_asc(team_project::Column::Id);
    Ok(page(cx.read(), query, paging).await?)
}

/// The projects of a team whose teams the caller may see.
async fn seen_with(cx: &Ctx, team: &Team) -> Result<Vec<ProjectId>> {
    let of_team = team_project::Entity::find()
        .select_only()
        .column(team_project::Column::ProjectId)
        .filter(team_project::Column::TeamId.eq(&team.id));
    let projects = project::Entity::find()
        .filter(project::Column::Id.in_subquery(of_team.into_query()))
        .all(cx.read())
        .await?;
    let seen = projects.into_iter().filter(|project| cx.may::<can::ReadProjectTeams>(project));
    Ok(seen.map(|project| project.id).collect())
}

pub async fn create(
    cx: &Ctx,
    on: &Granted<can::AddTeamToProject>,
    change: Change,
) -> Result<TeamProject> {
    let (project, team) = &**on;
    let access = change.access.ok_or_else(|| Error::invalid("access", "can't be blank"))?;
    let tx = cx.write().await?;
    let mut new = TeamProject {
        id: TeamProjectId::fresh(),
        team_id: team.id.clone(),
        project_id: project.id.clone(),
        access,
        project_access: db::Json(ProjectAccess::default()),
        workspace_access: db::Json(WorkspaceAccess::default()),
        created_at: tx.now(),
    };
    change.apply(&mut new)?;
    let row = tx.insert(new).await.map_err(|error| match error {
        db::Error::Taken(_) => Error::invalid_relation(
            "team",
            "The team has already been given access to this project.",
        ),
        other => other.into(),
    })?;
    tx.emit(Happened::TeamProjectAccessAdded, subject(&row, project), detail(&row)).await?;
    tx.commit().await?;
    Ok(row)
}

pub async fn update(
    cx: &Ctx,
    held: &Granted<can::ManageTeamProject, Held>,
    change: Change,
) -> Result<TeamProject> {
    let tx = cx.write().await?;
    let mut row = tx.lock::<team_project::Entity>(held.id.clone()).await?.ok_or(Error::NotFound)?;
    change.apply(&mut row)?;
    let row = tx.update(row).await?;
    tx.emit(Happened::TeamProjectAccessUpdated, subject(&row, &held.of.0), detail(&row)).await?;
    tx.commit().await?;
    Ok(row)
}

pub async fn delete(cx: &Ctx, held: &Granted<can::ManageTeamProject, Held>) -> Result<()> {
    let tx = cx.write().await?;
    let row = tx.lock::<team_project::Entity>(held.id.clone()).await?.ok_or(Error::NotFound)?;
    tx.emit(Happened::TeamProjectAccessRemoved, subject(&row, &held.of.0), detail(&row)).await?;
    tx.delete(row).await?;
    tx.commit().await
}

fn detail(row: &TeamProject) -> serde_json::Value {
    json!({ "team": row.team_id.as_str(), "access": row.access.as_str() })
}

fn subject<'a>(row: &'a TeamProject, project: &'a Project) -> Subject<'a> {
    Subject {
        kind: "team-projects",
        id: row.id.as_str(),
        organization: Some(&project.organization_name),
        ..Subject::default()
    }
}
