//! `/team-workspaces`

use domain::{
    Site,
    access::WorkspaceRights,
    can,
    entity::team_workspace::{Access, Runs, SentinelMocks, StateVersions, Variables},
    id::{TeamId, WorkspaceId},
    row::TeamWorkspace,
    teams::{
        self,
        workspace_access::{self, Change, Held, Of},
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
        .get("/api/v2/team-workspaces", list)
        .post("/api/v2/team-workspaces", create)
        .get("/api/v2/team-workspaces/{team_workspace_id}", show)
        .patch("/api/v2/team-workspaces/{team_workspace_id}", update)
        .delete("/api/v2/team-workspaces/{team_workspace_id}", delete)
}

/// A team's access to a workspace on the wire.
struct View(TeamWorkspace);

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes {
    access: Access,
    runs: Runs,
    variables: Variables,
    state_versions: StateVersions,
    sentinel_mocks: SentinelMocks,
    workspace_locking: bool,
    run_tasks: bool,
    policy_overrides: bool,
}

impl Resource for View {
    const TYPE: &'static str = "team-workspaces";

    fn id(&self) -> String {
        self.0.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        let rights = WorkspaceRights::of_team(&self.0);
        Attributes {
            access: self.0.access,
            runs: rights.runs.unwrap_or(Runs::Read),
            variables: rights.variables,
            state_versions: rights.state_versions,
            sentinel_mocks: rights.sentinel_mocks,
            workspace_locking: rights.locking,
            run_tasks: rights.run_tasks,
            policy_overrides: rights.policy_overrides,
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        let (team, workspace) = (&self.0.team_id, &self.0.workspace_id);
        to.one_with_link("team", "teams", Some(team), format!("/api/v2/teams/{team}"));
        let related = format!("/api/v2/workspaces/{workspace}");
        to.one_with_link("workspace", "workspaces", Some(workspace), related);
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Filters {
    workspace: ById,
    team: ById,
}

async fn list(
    caller: May<can::UseToken, Site>,
    query: Query<Filtered<Filters>>,
) -> Result<Document> {
    let cx = &caller.cx;
    let filter = &query.own.filter;
    let workspace = match &filter.workspace.id {
        Some(id) => {
            let found = domain::workspaces::find(cx, &filtered::<WorkspaceId>(id)?).await?;
            Some(cx.check::<can::ReadWorkspace, _>(found)?)
        }
        None => None,
    };
    let of = Of { workspace, team: team(cx, filter.team.id.as_deref()).await? };
    let paging = paging(&query);
    let page = workspace_access::list(cx, of, paging).await?.map(View);
    Document::page(&page.items, page.total, &query, &INCLUDES, cx).await
}

async fn show(held: May<can::ReadTeamWorkspace, Held>, query: Query) -> Result<Document> {
    let view = View(held.granted.into_inner().row);
    Document::one_with(&view, &query, &INCLUDES, &held.cx).await
}

/// The attributes of a request to give access or to change it.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Input {
    access: Option<Access>,
    runs: Option<Runs>,
    variables: Option<Variables>,
    state_versions: Option<StateVersions>,
    sentinel_mocks: Option<SentinelMocks>,
    workspace_locking: Option<bool>,
    run_tasks: Option<bool>,
    policy_overrides: Option<bool>,
}

impl Typed for Input {
    const TYPE: &'static str = "team-workspaces";
}

impl From<Input> for Change {
    fn from(input: Input) -> Self {
        Self {
            access: input.access,
            runs: input.runs,
            variables: input.variables,
            state_versions: input.state_versions,
            sentinel_mocks: input.sentinel_mocks,
            locking: input.workspace_locking,
            run_tasks: input.run_tasks,
            policy_overrides: input.policy_overrides,
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Relations {
    workspace: Option<ToOne<WorkspaceId>>,
    team: Option<ToOne<TeamId>>,
}

async fn create(
    caller: Named<can::AddTeamToWorkspace>,
    body: Body<Input, Relations>,
) -> Result<Document> {
    let cx = &caller.cx;
    let workspace = required(body.relationships.workspace, "workspace")?;
    let team = required(body.relationships.team, "team")?;
    let workspace = domain::workspaces::find(cx, &workspace).await?;
    let pair = workspace_access::pair(workspace, teams::find(cx, &team).await?)?;
    let on = caller.check(pair)?;
    let row = workspace_access::create(cx, &on, body.attributes.into()).await?;
    Ok(Document::one(&View(row)).created())
}

async fn update(held: May<can::ManageTeamWorkspace, Held>, body: Body<Input>) -> Result<Document> {
    let row = workspace_access::update(&held.cx, &held, body.attributes.into()).await?;
    Ok(Document::one(&View(row)))
}

async fn delete(held: May<can::ManageTeamWorkspace, Held>) -> Result<Empty> {
    workspace_access::delete(&held.cx, &held).await?;
    Ok(Empty)
}
