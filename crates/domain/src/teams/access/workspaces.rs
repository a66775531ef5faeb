//! What teams may do in single workspaces.

use db::{
    Json, Timestamp,
    entity::{
        event::Happened,
        team,
        team_workspace::{
            self, Access, Column, Runs, SentinelMocks, StateVersions, Variables, WorkspaceAccess,
        },
        workspace,
    },
    id::{TeamId, TeamWorkspaceId, WorkspaceId},
    sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect, QueryTrait},
};

use super::{Place, Row, read_only};
use crate::{
    Ctx, Error, Granted, Result,
    access::WorkspaceRights,
    can,
    row::{Team, TeamWorkspace, Workspace},
    teams, workspaces,
};

impl Place for Workspace {
    const NOUN: &'static str = "workspace";
    const PLURAL: &'static str = "workspaces";
    const KIND: &'static str = "team-workspaces";
    const PARAMETER: &'static str = "team_workspace_id";
    const ADDED: Happened = Happened::TeamAccessAdded;
    const UPDATED: Happened = Happened::TeamAccessUpdated;
    const REMOVED: Happened = Happened::TeamAccessRemoved;

    type Read = can::ReadWorkspace;
    type Look = can::ReadTeamWorkspace;
    type Give = can::AddTeamToWorkspace;
    type Manage = can::ManageTeamWorkspace;
    type Change = Change;
    type Entity = team_workspace::Entity;
    type Key = team_workspace::PrimaryKey;
    type Row = TeamWorkspace;
    type Active = team_workspace::ActiveModel;

    fn id(&self) -> &str {
        self.id.as_str()
    }

    fn workspace(&self) -> Option<&WorkspaceId> {
        Some(&self.id)
    }

    async fn of(cx: &Ctx, row: &TeamWorkspace) -> Result<Self> {
        workspaces::by_id(cx, &row.workspace_id).await?.ok_or(Error::NotFound)
    }

    fn here(cx: &Ctx, workspace: &Granted<can::ReadWorkspace>) -> Condition {
        let here = Condition::all().add(Column::WorkspaceId.eq(&workspace.id));
        if cx.may::<can::UpdateWorkspace>(workspace) {
            return here;
        }
        let teams = team::Entity::find()
            .select_only()
            .column(team::Column::Id)
            .filter(teams::visible(cx, &workspace.organization_name));
        here.add(Column::TeamId.in_subquery(teams.into_query()))
    }

    async fn seen(cx: &Ctx, team: &Team) -> Result<Condition> {
        let seen = workspace::Entity::find()
            .select_only()
            .column(workspace::Column::Id)
            .filter(workspaces::visible(cx, &team.organization_name));
        Ok(Condition::all().add(Column::WorkspaceId.in_subquery(seen.into_query())))
    }

    fn of_team(team: &TeamId) -> Condition {
        Condition::all().add(Column::TeamId.eq(team))
    }

    fn order() -> [Column; 2] {
        [Column::CreatedAt, Column::Id]
    }

    fn given_to(&self, team: &Team, change: &Change, now: Timestamp) -> Option<TeamWorkspace> {
        Some(TeamWorkspace {
            id: TeamWorkspaceId::fresh(),
            team_id: team.id.clone(),
            workspace_id: self.id.clone(),
            access: change.access?,
            custom: Json::default(),
            created_at: now,
        })
    }

    fn apply(change: Change, to: &mut TeamWorkspace) -> Result<()> {
        change.apply(to)
    }
}

impl Row for TeamWorkspace {
    type Id = TeamWorkspaceId;

    fn id(&self) -> &TeamWorkspaceId {
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
                Some((name, _)) => Err(Error::invalid(name, read_only(to.access))),
            };
        }
        macro_rules! set {
            ($($field:ident),+) => { $(if let Some(value) = self.$field { to.custom.$field = value; })+ };
        }
        set!(runs, variables, state_versions, sentinel_mocks, locking, run_tasks, policy_overrides);
        Ok(())
    }
}
