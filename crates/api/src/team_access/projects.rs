//! `/team-projects`

use domain::{
    Ctx, Found,
    access::ProjectRights,
    entity::{
        team_project::{Access, Settings, Teams, VariableSets},
        team_workspace::{Runs, SentinelMocks, StateVersions, Variables},
    },
    id::{ProjectId, TeamId},
    row::{Project, TeamProject},
    teams::access::{ChangeInProject, ChangeProject, ChangeWorkspaces},
};
use jsonapi::{ToOne, Typed};
use serde::{Deserialize, Serialize};

use super::{Filters, Relations, Wire};
use crate::parameters::ById;

impl Wire for Project {
    type Id = ProjectId;
    type Input = Input;
    type Filters = Narrowed;
    type Relations = Between;

    async fn find(cx: &Ctx, id: &ProjectId) -> domain::Result<Found<Self>> {
        domain::projects::find(cx, id).await
    }

    fn attributes(row: &TeamProject) -> impl Serialize {
        let rights = ProjectRights::of_team(row);
        let workspaces = rights.workspaces;
        Attributes {
            access: row.access,
            project_access: ProjectAccess {
                settings: rights.settings.unwrap_or(Settings::Read),
                teams: rights.teams,
                variable_sets: rights.variable_sets,
            },
            workspace_access: WorkspaceAccess {
                runs: workspaces.runs.unwrap_or(Runs::Read),
                variables: workspaces.variables,
                state_versions: workspaces.state_versions,
                sentinel_mocks: workspaces.sentinel_mocks,
                create: rights.create_workspaces,
                locking: workspaces.locking,
                r#move: workspaces.r#move,
                delete: workspaces.delete,
                run_tasks: workspaces.run_tasks,
                policy_overrides: workspaces.policy_overrides,
            },
        }
    }

    fn id_of(row: &TeamProject) -> &str {
        row.project_id.as_str()
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Narrowed {
    project: ById,
    team: ById,
}

impl Filters for Narrowed {
    fn place(&self) -> &ById {
        &self.project
    }

    fn team(&self) -> &ById {
        &self.team
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Between {
    project: Option<ToOne<ProjectId>>,
    team: Option<ToOne<TeamId>>,
}

impl Relations for Between {
    type Id = ProjectId;

    fn both(self) -> (Option<ToOne<ProjectId>>, Option<ToOne<TeamId>>) {
        (self.project, self.team)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes {
    access: Access,
    project_access: ProjectAccess,
    workspace_access: WorkspaceAccess,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct ProjectAccess {
    settings: Settings,
    teams: Teams,
    variable_sets: VariableSets,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct WorkspaceAccess {
    runs: Runs,
    variables: Variables,
    state_versions: StateVersions,
    sentinel_mocks: SentinelMocks,
    create: bool,
    locking: bool,
    r#move: bool,
    delete: bool,
    run_tasks: bool,
    policy_overrides: bool,
}

/// The attributes of a request to give access or to change it.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Input {
    access: Option<Access>,
    project_access: Option<ProjectInput>,
    workspace_access: Option<WorkspaceInput>,
}

impl Typed for Input {
    const TYPE: &'static str = "team-projects";
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct ProjectInput {
    settings: Option<Settings>,
    teams: Option<Teams>,
    variable_sets: Option<VariableSets>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct WorkspaceInput {
    runs: Option<Runs>,
    variables: Option<Variables>,
    state_versions: Option<StateVersions>,
    sentinel_mocks: Option<SentinelMocks>,
    create: Option<bool>,
    locking: Option<bool>,
    r#move: Option<bool>,
    delete: Option<bool>,
    run_tasks: Option<bool>,
    policy_overrides: Option<bool>,
}

impl From<Input> for ChangeInProject {
    fn from(input: Input) -> Self {
        Self {
            access: input.access,
            project: input.project_access.map(|project| ChangeProject {
                settings: project.settings,
                teams: project.teams,
                variable_sets: project.variable_sets,
            }),
            workspaces: input.workspace_access.map(|workspaces| ChangeWorkspaces {
                runs: workspaces.runs,
                variables: workspaces.variables,
                state_versions: workspaces.state_versions,
                sentinel_mocks: workspaces.sentinel_mocks,
                create: workspaces.create,
                locking: workspaces.locking,
                r#move: workspaces.r#move,
                delete: workspaces.delete,
                run_tasks: workspaces.run_tasks,
                policy_overrides: workspaces.policy_overrides,
            }),
        }
    }
}
