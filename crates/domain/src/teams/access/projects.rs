//! What teams may do in single projects and in all workspaces of them.

use db::{
    Json, Timestamp,
    entity::{
        event::Happened,
        project,
        team_project::{self, Access, Column, ProjectAccess, Settings, Teams, VariableSets},
        team_workspace::{Runs, SentinelMocks, StateVersions, Variables, WorkspaceAccess},
    },
    id::{ProjectId, TeamId, TeamProjectId},
    sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect, QueryTrait},
};

use super::{Place, Row, read_only};
use crate::{
    Ctx, Error, Granted, Result,
    access::ProjectRights,
    can, projects,
    row::{Project, Team, TeamProject},
};

impl Place for Project {
    const NOUN: &'static str = "project";
    const PLURAL: &'static str = "projects";
    const KIND: &'static str = "team-projects";
    const PARAMETER: &'static str = "team_project_id";
    const ADDED: Happened = Happened::TeamProjectAccessAdded;
    const UPDATED: Happened = Happened::TeamProjectAccessUpdated;
    const REMOVED: Happened = Happened::TeamProjectAccessRemoved;

    type Read = can::ReadProjectTeams;
    type Look = can::ReadTeamProject;
    type Give = can::AddTeamToProject;
    type Manage = can::ManageTeamProject;
    type Change = Change;
    type Entity = team_project::Entity;
    type Key = team_project::PrimaryKey;
    type Row = TeamProject;
    type Active = team_project::ActiveModel;

    fn id(&self) -> &str {
        self.id.as_str()
    }

    async fn of(cx: &Ctx, row: &TeamProject) -> Result<Self> {
        Ok(projects::find(cx, &row.project_id).await?.into_unchecked())
    }

    fn here(_: &Ctx, project: &Granted<can::ReadProjectTeams>) -> Condition {
        Condition::all().add(Column::ProjectId.eq(&project.id))
    }

    async fn seen(cx: &Ctx, team: &Team) -> Result<Condition> {
        let of_team = team_project::Entity::find()
            .select_only()
            .column(Column::ProjectId)
            .filter(Column::TeamId.eq(&team.id));
        let projects = project::Entity::find()
            .filter(project::Column::Id.in_subquery(of_team.into_query()))
            .all(cx.read())
            .await?;
        let seen: Vec<ProjectId> = projects
            .into_iter()
            .filter(|project| cx.may::<can::ReadProjectTeams>(project))
            .map(|project| project.id)
            .collect();
        Ok(Condition::all().add(Column::ProjectId.is_in(seen)))
    }

    fn of_team(team: &TeamId) -> Condition {
        Condition::all().add(Column::TeamId.eq(team))
    }

    fn order() -> [Column; 2] {
        [Column::CreatedAt, Column::Id]
    }

    fn given_to(&self, team: &Team, change: &Change, now: Timestamp) -> Option<TeamProject> {
        Some(TeamProject {
            id: TeamProjectId::fresh(),
            team_id: team.id.clone(),
            project_id: self.id.clone(),
            access: change.access?,
            project_access: Json::default(),
            workspace_access: Json::default(),
            created_at: now,
        })
    }

    fn apply(change: Change, to: &mut TeamProject) -> Result<()> {
        change.apply(to)
    }
}

impl Row for TeamProject {
    type Id = TeamProjectId;

    fn id(&self) -> &TeamProjectId {
        &self.id
    }

    fn team_id(&self) -> &TeamId {
        &self.team_id
    }

    fn level(&self) -> &'static str {
        self.access.as_str()
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
            let level = to.access;
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
