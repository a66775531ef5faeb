//! What lists may show to a caller: the permissions to read, as conditions on many rows.

use db::{
    entity::team_project::VariableSets,
    id::{ProjectId, TeamId, WorkspaceId},
};

use super::Actor;

/// Which workspaces of an organization a list may show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    All,
    Some {
        projects: Vec<ProjectId>,
        workspaces: Vec<WorkspaceId>,
    },
    /// To the engine of a run: its own, and those that share their state with it.
    Engine {
        own: WorkspaceId,
        project: ProjectId,
        shared: Vec<WorkspaceId>,
    },
}

/// Which teams of an organization a list may show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TeamScope {
    All,
    /// The visible ones, and these.
    Visible(Vec<TeamId>),
    /// To who does not belong to the organization, such as an engine.
    None,
}

impl Actor {
    /// The teams of an organization that lists may show.
    pub fn team_scope(&self, organization: &str) -> TeamScope {
        if !self.belongs_to_named(organization) {
            return TeamScope::None;
        }
        if self.sees_secret_teams(organization) {
            return TeamScope::All;
        }
        TeamScope::Visible(self.teams_of(organization).map(|team| team.id.clone()).collect())
    }

    /// The projects of an organization whose own variable sets lists may show; `None` for all.
    pub fn variable_set_scope(&self, organization: &str) -> Option<Vec<ProjectId>> {
        if self.manages(organization, |access| {
            access.manage_workspaces || access.manage_projects || access.read_projects
        }) {
            return None;
        }
        let projects = self.teams_of(organization).flat_map(|team| &team.projects);
        let readable = projects.filter(|(_, rights)| rights.variable_sets >= VariableSets::Read);
        Some(readable.map(|(id, _)| id.clone()).collect())
    }

    /// The workspaces of an organization that this actor may see, for lists.
    pub fn workspace_scope(&self, organization: &str) -> Scope {
        let all = self.manages(organization, |access| {
            access.manage_workspaces
                || access.manage_projects
                || access.read_workspaces
                || access.read_projects
                || access.manage_policies
                || access.manage_policy_overrides
        });
        if all {
            return Scope::All;
        }
        if let Self::Run { workspace, project, shared, organization: own, .. } = self
            && own == organization
        {
            return Scope::Engine {
                own: workspace.clone(),
                project: project.clone(),
                shared: shared.clone(),
            };
        }
        let mut projects = Vec::new();
        let mut workspaces = Vec::new();
        for team in self.teams_of(organization) {
            projects.extend(
                team.projects
                    .iter()
                    .filter(|(_, rights)| rights.workspaces.runs.is_some())
                    .map(|(id, _)| id.clone()),
            );
            workspaces.extend(team.workspaces.keys().cloned());
        }
        Scope::Some { projects, workspaces }
    }

    /// The projects of an organization that lists may show; `None` for all.
    pub fn project_scope(&self, organization: &str) -> Option<Vec<ProjectId>> {
        let all = self.manages(organization, |access| {
            access.manage_projects || access.manage_workspaces || access.read_projects
        });
        if all {
            return None;
        }
        Some(self.teams_of(organization).flat_map(|team| team.projects.keys().cloned()).collect())
    }
}
