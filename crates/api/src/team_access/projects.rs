//! `/team-projects`

use domain::{
    Site,
    access::ProjectRights,
    can,
    entity::{
        team_project::{Access, Settings, Teams, VariableSets},
        team_workspace::{Runs, SentinelMocks, StateVersions, Variables},
    },
    id::{ProjectId, TeamId},
    row::TeamProject,
    teams::{
        self,
        project_access::{self, Change, ChangeProject, ChangeWorkspaces, Held, Of},
    },
};
use jsonapi::{Body, Document, Empty, Query, Relationships, Resource, ToOne, Typed};
use serde::{Deserialize, Serialize};

use super::{filtered, required, team};
use crate::{
    May, Named, Result, Routes,
    includes::INCLUDES,
    paging::paging,
    parameters::{ById, Filtered},
};

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/team-projects", list)
        .post("/api/v2/team-projects", create)
        .get("/api/v2/team-projects/{team_project_id}", show)
        .patch("/api/v2/team-projects/{team_project_id}", update)
        .delete("/api/v2/team-projects/{team_project_id}", delete)
}

/// A team's access to a project on the wire.
struct View(TeamProject);

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

impl Resource for View {
    const TYPE: &'static str = "team-projects";

    fn id(&self) -> String {
        self.0.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        let rights = ProjectRights::of_team(&self.0);
        let workspaces = rights.workspaces;
        Attributes {
            access: self.0.access,
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

    fn relationships(&self, to: &mut Relationships) {
        let (team, project) = (&self.0.team_id, &self.0.project_id);
        to.one_with_link("team", "teams", Some(team), format!("/api/v2/teams/{team}"));
        let related = format!("/api/v2/projects/{project}");
        to.one_with_link("project", "projects", Some(project), related);
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Filters {
    project: ById,
    team: ById,
}

async fn list(
    caller: May<can::UseToken, Site>,
    query: Query<Filtered<Filters>>,
) -> Result<Document> {
    let cx = &caller.cx;
    let filter = &query.own.filter;
    let project = match &filter.project.id {
        Some(id) => {
            let found = domain::projects::find(cx, &filtered::<ProjectId>(id)?).await?;
            Some(cx.check::<can::ReadProjectTeams, _>(found)?)
        }
        None => None,
    };
    let of = Of { project, team: team(cx, filter.team.id.as_deref()).await? };
    let paging = paging(&query);
    let page = project_access::list(cx, of, paging).await?.map(View);
    Document::page(&page.items, page.total, &query, &INCLUDES, cx).await
}

async fn show(held: May<can::ReadTeamProject, Held>, query: Query) -> Result<Document> {
    let view = View(held.granted.into_inner().row);
    Document::one_with(&view, &query, &INCLUDES, &held.cx).await
}

/// The attributes of a request to give access or to change it.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Input {
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

impl From<Input> for Change {
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

#[derive(Default, Deserialize)]
#[serde(default)]
struct Relations {
    project: Option<ToOne<ProjectId>>,
    team: Option<ToOne<TeamId>>,
}

async fn create(
    caller: Named<can::AddTeamToProject>,
    body: Body<Input, Relations>,
) -> Result<Document> {
    let cx = &caller.cx;
    let project = required(body.relationships.project, "project")?;
    let team = required(body.relationships.team, "team")?;
    let project = domain::projects::find(cx, &project).await?;
    let pair = project_access::pair(project, teams::find(cx, &team).await?)?;
    let on = caller.check(pair)?;
    let row = project_access::create(cx, &on, body.attributes.into()).await?;
    Ok(Document::one(&View(row)).created())
}

async fn update(held: May<can::ManageTeamProject, Held>, body: Body<Input>) -> Result<Document> {
    let row = project_access::update(&held.cx, &held, body.attributes.into()).await?;
    Ok(Document::one(&View(row)))
}

async fn delete(held: May<can::ManageTeamProject, Held>) -> Result<Empty> {
    project_access::delete(&held.cx, &held).await?;
    Ok(Empty)
}
