//! `/team-workspaces`

use domain::{
    Ctx, Found,
    access::WorkspaceRights,
    entity::team_workspace::{Access, Runs, SentinelMocks, StateVersions, Variables},
    id::{TeamId, WorkspaceId},
    row::{TeamWorkspace, Workspace},
    teams::access::ChangeInWorkspace,
};
use jsonapi::{ToOne, Typed};
use serde::{Deserialize, Serialize};

use super::{Filters, Relations, Wire};
use crate::parameters::ById;

impl Wire for Workspace {
    type Id = WorkspaceId;
    type Input = Input;
    type Filters = Narrowed;
    type Relations = Between;

    async fn find(cx: &Ctx, id: &WorkspaceId) -> domain::Result<Found<Self>> {
        domain::workspaces::find(cx, id).await
    }

    fn attributes(row: &TeamWorkspace) -> impl Serialize {
        let rights = WorkspaceRights::of_team(row);
        Attributes {
            access: row.access,
            runs: rights.runs.unwrap_or(Runs::Read),
            variables: rights.variables,
            state_versions: rights.state_versions,
            sentinel_mocks: rights.sentinel_mocks,
            workspace_locking: rights.locking,
            run_tasks: rights.run_tasks,
            policy_overrides: rights.policy_overrides,
        }
    }

    fn id_of(row: &TeamWorkspace) -> &str {
        row.workspace_id.as_str()
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Narrowed {
    workspace: ById,
    team: ById,
}

impl Filters for Narrowed {
    fn place(&self) -> &ById {
        &self.workspace
    }

    fn team(&self) -> &ById {
        &self.team
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Between {
    workspace: Option<ToOne<WorkspaceId>>,
    team: Option<ToOne<TeamId>>,
}

impl Relations for Between {
    type Id = WorkspaceId;

    fn both(self) -> (Option<ToOne<WorkspaceId>>, Option<ToOne<TeamId>>) {
        (self.workspace, self.team)
    }
}

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

/// The attributes of a request to give access or to change it.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Input {
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

impl From<Input> for ChangeInWorkspace {
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
