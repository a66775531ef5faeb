//! What a team may do in a workspace or a project, resolved from fixed levels and custom access
//! (source: the API documents' "Workspace permissions" and "Project permissions").

use db::entity::{
    team_project::{self, ProjectAccess, Settings, Teams, VariableSets},
    team_workspace::{self, Runs, SentinelMocks, StateVersions, Variables, WorkspaceAccess},
};

/// Single rights in one workspace. The default is none at all: the workspace is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkspaceRights {
    pub runs: Option<Runs>,
    pub variables: Variables,
    pub state_versions: StateVersions,
    pub sentinel_mocks: SentinelMocks,
    pub locking: bool,
    pub run_tasks: bool,
    pub policy_overrides: bool,
    pub delete: bool,
    pub r#move: bool,
    /// Settings, access, force-unlock: everything else.
    pub admin: bool,
}

impl WorkspaceRights {
    pub const NONE: Self = Self {
        runs: None,
        variables: Variables::None,
        state_versions: StateVersions::None,
        sentinel_mocks: SentinelMocks::None,
        locking: false,
        run_tasks: false,
        policy_overrides: false,
        delete: false,
        r#move: false,
        admin: false,
    };
    /// Seeing that the workspace is there, and its runs.
    pub const RUNS: Self = Self { runs: Some(Runs::Read), ..Self::NONE };
    pub const READ: Self = Self {
        runs: Some(Runs::Read),
        variables: Variables::Read,
        state_versions: StateVersions::Read,
        ..Self::NONE
    };
    /// What `terraform_remote_state` reads: the workspace by its name, and its state.
    pub const SHARED_STATE: Self = Self { variables: Variables::None, ..Self::READ };
    pub const PLAN: Self = Self { runs: Some(Runs::Plan), ..Self::READ };
    pub const WRITE: Self = Self {
        runs: Some(Runs::Apply),
        variables: Variables::Write,
        state_versions: StateVersions::Write,
        sentinel_mocks: SentinelMocks::Read,
        locking: true,
        ..Self::READ
    };
    pub const ADMIN: Self = Self {
        run_tasks: true,
        policy_overrides: true,
        delete: true,
        r#move: true,
        admin: true,
        ..Self::WRITE
    };

    pub fn of_team(access: &team_workspace::Model) -> Self {
        match access.access {
            team_workspace::Access::Read => Self::READ,
            team_workspace::Access::Plan => Self::PLAN,
            team_workspace::Access::Write => Self::WRITE,
            team_workspace::Access::Admin => Self::ADMIN,
            team_workspace::Access::Custom => Self::custom(&access.custom),
        }
    }

    fn custom(access: &WorkspaceAccess) -> Self {
        Self {
            runs: Some(access.runs),
            variables: access.variables,
            state_versions: access.state_versions,
            sentinel_mocks: access.sentinel_mocks,
            locking: access.locking,
            run_tasks: access.run_tasks,
            policy_overrides: access.policy_overrides,
            delete: access.delete,
            r#move: access.r#move,
            admin: false,
        }
    }

    /// The same rights one by one. Those that only an administrator has cannot be had so.
    pub(crate) fn as_custom(self) -> WorkspaceAccess {
        WorkspaceAccess {
            runs: self.runs.unwrap_or(Runs::Read),
            variables: self.variables,
            state_versions: self.state_versions,
            sentinel_mocks: self.sentinel_mocks,
            locking: self.locking,
            run_tasks: self.run_tasks,
            policy_overrides: self.policy_overrides,
            delete: self.delete,
            r#move: self.r#move,
            ..WorkspaceAccess::default()
        }
    }

    /// What either allows.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            runs: self.runs.max(other.runs),
            variables: self.variables.max(other.variables),
            state_versions: self.state_versions.max(other.state_versions),
            sentinel_mocks: self.sentinel_mocks.max(other.sentinel_mocks),
            locking: self.locking || other.locking,
            run_tasks: self.run_tasks || other.run_tasks,
            policy_overrides: self.policy_overrides || other.policy_overrides,
            delete: self.delete || other.delete,
            r#move: self.r#move || other.r#move,
            admin: self.admin || other.admin,
        }
    }
}

/// Single rights in one project, and in every workspace of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProjectRights {
    /// Absent where the project is not there for the actor.
    pub settings: Option<Settings>,
    pub teams: Teams,
    pub variable_sets: VariableSets,
    pub create_workspaces: bool,
    pub workspaces: WorkspaceRights,
}

impl ProjectRights {
    pub const NONE: Self = Self {
        settings: None,
        teams: Teams::None,
        variable_sets: VariableSets::None,
        create_workspaces: false,
        workspaces: WorkspaceRights::NONE,
    };
    pub const READ: Self = Self {
        settings: Some(Settings::Read),
        variable_sets: VariableSets::Read,
        workspaces: WorkspaceRights::READ,
        ..Self::NONE
    };
    /// With sets of variables: <https://developer.hashicorp.com/terraform/cloud-docs/variables/managing-variables#permissions>
    pub const WRITE: Self = Self {
        variable_sets: VariableSets::Write,
        workspaces: WorkspaceRights::WRITE,
        ..Self::READ
    };
    pub const MAINTAIN: Self =
        Self { create_workspaces: true, workspaces: WorkspaceRights::ADMIN, ..Self::WRITE };
    pub const ADMIN: Self =
        Self { settings: Some(Settings::Delete), teams: Teams::Manage, ..Self::MAINTAIN };

    pub fn of_team(access: &team_project::Model) -> Self {
        match access.access {
            team_project::Access::Read => Self::READ,
            team_project::Access::Write => Self::WRITE,
            team_project::Access::Maintain => Self::MAINTAIN,
            team_project::Access::Admin => Self::ADMIN,
            team_project::Access::Custom => {
                Self::custom(access.project_access.0, &access.workspace_access)
            }
        }
    }

    fn custom(project: ProjectAccess, workspace: &WorkspaceAccess) -> Self {
        Self {
            settings: Some(project.settings),
            teams: project.teams,
            variable_sets: project.variable_sets,
            create_workspaces: workspace.create,
            workspaces: WorkspaceRights::custom(workspace),
        }
    }

    /// The same rights one by one: on the project, and in its workspaces.
    pub(crate) fn as_custom(self) -> (ProjectAccess, WorkspaceAccess) {
        let project = ProjectAccess {
            settings: self.settings.unwrap_or(Settings::Read),
            teams: self.teams,
            variable_sets: self.variable_sets,
        };
        let create = self.create_workspaces;
        (project, WorkspaceAccess { create, ..self.workspaces.as_custom() })
    }

    /// What either allows.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            settings: self.settings.max(other.settings),
            teams: self.teams.max(other.teams),
            variable_sets: self.variable_sets.max(other.variable_sets),
            create_workspaces: self.create_workspaces || other.create_workspaces,
            workspaces: self.workspaces.or(other.workspaces),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_level_contains_the_one_before() {
        let levels = [
            WorkspaceRights::NONE,
            WorkspaceRights::READ,
            WorkspaceRights::PLAN,
            WorkspaceRights::WRITE,
            WorkspaceRights::ADMIN,
        ];
        for pair in levels.windows(2) {
            assert_eq!(pair[0].or(pair[1]), pair[1]);
            assert_ne!(pair[0], pair[1]);
        }
    }
}
