//! Who is asking, with all the rights that rules look at; found out from the token, once per request.

use std::collections::HashMap;

use db::{
    Timestamp,
    entity::{
        organization, project,
        team::{self, OrganizationAccess},
        team_workspace::Variables,
        workspace::{self, LockKind},
    },
    id::{
        AgentPoolId, ConfigurationVersionId, ProjectId, RunId, TaskResultId, TeamId, UserId,
        WorkspaceId,
    },
};

use super::{ProjectRights, WorkspaceRights};

#[derive(Clone, Debug)]
pub enum Actor {
    /// No token.
    Anyone,
    User(Person),
    /// A team's token.
    Team(TeamRights),
    /// An organization's token: manages teams and workspaces, but neither plans nor applies nor writes state.
    Organization(String),
    /// A token that may read the audit trail of an organization, and nothing else.
    AuditTrails(String),
    /// An agent, for the jobs of its pool; without a pool, those of the site.
    Agent(Option<AgentPoolId>),
    /// The engine inside a run.
    Run {
        run: RunId,
        workspace: WorkspaceId,
        project: ProjectId,
        organization: String,
        /// Workspaces that named this one as a consumer of their state.
        shared: Vec<WorkspaceId>,
    },
    /// A service that is asked about a run, by the token that it was given for this one question.
    RunTask {
        result: TaskResultId,
        /// What it may look at, as long as its answer counts.
        run: Option<RunId>,
        configuration: Option<ConfigurationVersionId>,
    },
    /// Work that nobody asked for; says which.
    System(&'static str),
}

#[derive(Clone, Debug)]
pub struct Person {
    pub id: UserId,
    pub username: String,
    pub is_site_admin: bool,
    pub creates_organizations: bool,
    /// Organizations that the person belongs to.
    pub organizations: Vec<String>,
    /// When the token was made that they come by; none in a browser's session.
    pub token_made_at: Option<Timestamp>,
    /// Organizations of theirs that do not let them in as they come, and why.
    pub shut_out_of: Vec<(String, ShutOut)>,
    pub teams: Vec<TeamRights>,
    /// Who it really is, where an administrator of the site looks at the server as this person.
    pub impersonated_by: Option<Impersonator>,
}

/// An administrator of the site who is somebody else for a while.
#[derive(Clone, Debug)]
pub struct Impersonator {
    pub id: UserId,
    pub username: String,
    pub reason: String,
    pub until: Timestamp,
}

/// Why somebody is shut out of an organization that they belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShutOut {
    /// It takes no tokens of people (`user-tokens-enabled`), or none so old; or asks for a second factor that they do not
    /// have.
    Proof,
    /// Its IP allow list does not have the address in it that they come from.
    Address,
}

impl Person {
    /// Takes the rights in these organizations away.
    pub(crate) fn shut_out(&mut self, of: Vec<String>, why: ShutOut) {
        self.organizations.retain(|name| !of.contains(name));
        self.teams.retain(|team| !of.contains(&team.organization));
        self.shut_out_of.extend(of.into_iter().map(|name| (name, why)));
    }
}

/// A team as far as rules look at it.
#[derive(Clone, Debug)]
pub struct TeamRights {
    pub id: TeamId,
    pub organization: String,
    pub is_owners: bool,
    pub access: OrganizationAccess,
    pub projects: HashMap<ProjectId, ProjectRights>,
    pub workspaces: HashMap<WorkspaceId, WorkspaceRights>,
}

impl Actor {
    /// Kind and id, as events name it.
    pub fn name(&self) -> (&'static str, Option<String>) {
        match self {
            Self::Anyone => ("anyone", None),
            Self::User(person) => ("user", Some(person.id.to_string())),
            Self::Team(team) => ("team", Some(team.id.to_string())),
            Self::Organization(name) => ("organization", Some(name.clone())),
            Self::AuditTrails(name) => ("audit-trails", Some(name.clone())),
            Self::Agent(pool) => ("agent", pool.as_ref().map(ToString::to_string)),
            Self::Run { run, .. } => ("run", Some(run.to_string())),
            Self::RunTask { result, .. } => ("run-task", Some(result.to_string())),
            Self::System(reason) => ("system", Some((*reason).to_owned())),
        }
    }

    /// The organization whose audit trail a token is for.
    pub fn audit_scope(&self) -> Option<&str> {
        match self {
            Self::Organization(name) | Self::AuditTrails(name) => Some(name),
            _ => None,
        }
    }

    /// The organizations that the caller belongs to, in whatever way, by name.
    pub fn organization_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = match self {
            Self::User(person) => {
                let through_teams = person.teams.iter().map(|team| team.organization.as_str());
                person.organizations.iter().map(String::as_str).chain(through_teams).collect()
            }
            Self::Team(team) => vec![&team.organization],
            Self::Organization(name) => vec![name],
            _ => Vec::new(),
        };
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The person, where one is asking.
    pub fn person(&self) -> Option<&Person> {
        match self {
            Self::User(person) => Some(person),
            _ => None,
        }
    }

    /// Why a person who belongs to the organization is not let in as they come, if that is so.
    pub fn shut_out_of(&self, organization: &str) -> Option<ShutOut> {
        let mut of = self.person()?.shut_out_of.iter();
        of.find(|(name, _)| name.eq_ignore_ascii_case(organization)).map(|(_, why)| *why)
    }

    /// Who the person really is, if it is somebody else.
    pub fn impersonator(&self) -> Option<&Impersonator> {
        self.person()?.impersonated_by.as_ref()
    }

    /// The person, where it is really that one who asks.
    pub fn is_really(&self, id: &UserId) -> bool {
        self.is_user(id) && self.impersonator().is_none()
    }

    pub fn user_id(&self) -> Option<UserId> {
        self.person().map(|person| person.id.clone())
    }

    /// The pool of an agent; none for those of the site.
    pub fn agent_pool(&self) -> Option<&AgentPoolId> {
        match self {
            Self::Agent(pool) => pool.as_ref(),
            _ => None,
        }
    }

    /// An agent of this pool; without one, of the site.
    pub fn works_for(&self, pool: Option<&AgentPoolId>) -> bool {
        matches!(self, Self::Agent(own) if own.as_ref() == pool)
    }

    /// A run task whose answer this is.
    pub fn is_asked_for(&self, result: &TaskResultId) -> bool {
        matches!(self, Self::RunTask { result: own, .. } if own == result)
    }

    /// A run task that is asked about this run.
    pub fn is_asked_about(&self, run: &RunId) -> bool {
        matches!(self, Self::RunTask { run: Some(own), .. } if own == run)
    }

    /// A run task that is asked about a run with this configuration.
    pub fn is_asked_with(&self, configuration: &ConfigurationVersionId) -> bool {
        matches!(self, Self::RunTask { configuration: Some(own), .. } if own == configuration)
    }

    /// As whom the caller locks workspaces; engines are given the lock by their run.
    pub fn lock_holder(&self) -> Option<(LockKind, String)> {
        match self {
            Self::User(person) => Some((LockKind::User, person.id.to_string())),
            Self::Team(team) => Some((LockKind::Team, team.id.to_string())),
            Self::Organization(name) => Some((LockKind::Organization, name.clone())),
            _ => None,
        }
    }

    /// The caller, or the run that the engine works for, has locked the workspace.
    pub fn holds_lock_of(&self, workspace: &workspace::Model) -> bool {
        let holder = match self {
            Self::System(_) => return true,
            Self::Run { run, workspace: own, .. } if *own == workspace.id => {
                Some((LockKind::Run, run.to_string()))
            }
            _ => self.lock_holder(),
        };
        holder.is_some_and(|(kind, id)| {
            workspace.lock_kind == Some(kind) && workspace.lock_holder_id == Some(id)
        })
    }

    fn teams(&self) -> &[TeamRights] {
        match self {
            Self::User(person) => &person.teams,
            Self::Team(team) => std::slice::from_ref(team),
            _ => &[],
        }
    }

    pub(super) fn teams_of<'a>(
        &'a self,
        organization: &'a str,
    ) -> impl Iterator<Item = &'a TeamRights> {
        self.teams().iter().filter(move |team| team.organization == organization)
    }

    pub(super) fn manages(
        &self,
        organization: &str,
        what: impl Fn(&OrganizationAccess) -> bool,
    ) -> bool {
        match self {
            Self::System(_) => true,
            Self::Organization(own) => own == organization,
            _ => self.teams_of(organization).any(|team| team.is_owners || what(&team.access)),
        }
    }

    pub fn is_site_admin(&self) -> bool {
        matches!(self, Self::System(_)) || self.person().is_some_and(|person| person.is_site_admin)
    }

    pub fn is_user(&self, id: &UserId) -> bool {
        self.person().is_some_and(|person| person.id == *id)
    }

    /// Belongs to the organization, in whatever way.
    pub fn belongs_to(&self, organization: &organization::Model) -> bool {
        self.belongs_to_named(&organization.name)
    }

    /// The same, where only the name is at hand.
    pub fn belongs_to_named(&self, name: &str) -> bool {
        match self {
            Self::System(_) => true,
            Self::Organization(own) => own == name,
            Self::User(person) => {
                person.organizations.iter().any(|own| own == name)
                    || self.teams_of(name).next().is_some()
            }
            _ => self.teams_of(name).next().is_some(),
        }
    }

    pub fn owns(&self, organization: &organization::Model) -> bool {
        self.owns_named(&organization.name)
    }

    /// The same, where only the name is at hand.
    pub fn owns_named(&self, name: &str) -> bool {
        matches!(self, Self::System(_)) || self.teams_of(name).any(|team| team.is_owners)
    }

    /// Visible teams are there for the whole organization, secret ones for those in them and those who manage teams.
    pub fn sees_team(&self, team: &team::Model) -> bool {
        let name = &team.organization_name;
        self.belongs_to_named(name)
            && (team.visibility == team::Visibility::Organization
                || self.teams().iter().any(|own| own.id == team.id)
                || self.sees_secret_teams(name))
    }

    pub(super) fn sees_secret_teams(&self, organization: &str) -> bool {
        self.manages(organization, |access| access.manage_teams || access.access_secret_teams)
    }

    /// Those who have this right, of every team that they see but that of the owners, which is the owners' alone.
    pub fn manages_team(
        &self,
        team: &team::Model,
        right: impl Fn(&OrganizationAccess) -> bool,
    ) -> bool {
        let name = &team.organization_name;
        self.owns_named(name)
            || (!team.is_owners() && self.sees_team(team) && self.manages(name, right))
    }

    /// A person in the team, other than somebody with its token.
    pub fn is_member_of(&self, id: &TeamId) -> bool {
        self.person().is_some_and(|person| person.teams.iter().any(|team| team.id == *id))
    }

    /// An owner, an organization token, or a member of a team with this right in the organization.
    pub fn has(
        &self,
        organization: &organization::Model,
        right: impl Fn(&OrganizationAccess) -> bool,
    ) -> bool {
        self.manages(&organization.name, right)
    }

    /// Has the organization-wide right to manage workspaces.
    pub fn manages_all_workspaces_of(&self, organization: &str) -> bool {
        self.manages(organization, |access| access.manage_workspaces || access.manage_projects)
    }

    pub fn manages_agent_pools_of(&self, organization: &str) -> bool {
        self.manages(organization, |access| access.manage_agent_pools)
    }

    /// Administers at least one workspace of the organization.
    pub fn administers_workspaces_in(&self, organization: &str) -> bool {
        self.manages_all_workspaces_of(organization)
            || self.teams_of(organization).any(|team| {
                team.projects.values().any(|rights| rights.workspaces.admin)
                    || team.workspaces.values().any(|rights| rights.admin)
            })
    }

    /// May read the variables of at least one workspace of the organization.
    pub fn reads_variables_in(&self, organization: &str) -> bool {
        self.manages(organization, |access| {
            access.manage_workspaces
                || access.manage_projects
                || access.read_workspaces
                || access.read_projects
        }) || self.teams_of(organization).any(|team| {
            let of_projects = team.projects.values().map(|rights| rights.workspaces.variables);
            let of_workspaces = team.workspaces.values().map(|rights| rights.variables);
            of_projects.chain(of_workspaces).any(|variables| variables >= Variables::Read)
        })
    }

    pub fn project(&self, project: &project::Model) -> ProjectRights {
        let name = &project.organization_name;
        if self.manages(name, |access| access.manage_projects) {
            return ProjectRights::ADMIN;
        }
        let mut rights = ProjectRights::NONE;
        for team in self.teams_of(name) {
            if team.access.manage_workspaces {
                rights = rights.or(ProjectRights {
                    create_workspaces: true,
                    workspaces: WorkspaceRights::ADMIN,
                    ..ProjectRights::READ
                });
            }
            if team.access.read_projects {
                rights = rights.or(ProjectRights::READ);
            }
            if let Some(own) = team.projects.get(&project.id) {
                rights = rights.or(*own);
            }
        }
        rights
    }

    pub fn workspace(&self, workspace: &workspace::Model) -> WorkspaceRights {
        let name = &workspace.organization_name;
        match self {
            // Token powers: manages, but never touches runs or state (resource dictionary).
            Self::Organization(own) if own == name => {
                return WorkspaceRights {
                    runs: Some(db::entity::team_workspace::Runs::Read),
                    state_versions: db::entity::team_workspace::StateVersions::Read,
                    policy_overrides: false,
                    ..WorkspaceRights::ADMIN
                };
            }
            Self::Run { workspace: own, .. } if *own == workspace.id => {
                return WorkspaceRights::READ;
            }
            Self::Run { organization, project, shared, .. }
                if organization == name
                    && (workspace.global_remote_state
                        || if workspace.project_remote_state {
                            workspace.project_id == *project
                        } else {
                            shared.contains(&workspace.id)
                        }) =>
            {
                return WorkspaceRights::SHARED_STATE;
            }
            _ => {}
        }
        if self.manages(name, |access| access.manage_workspaces || access.manage_projects) {
            return WorkspaceRights::ADMIN;
        }
        let mut rights = WorkspaceRights::NONE;
        for team in self.teams_of(name) {
            if team.access.read_workspaces || team.access.read_projects {
                rights = rights.or(WorkspaceRights::READ);
            }
            if team.access.manage_policies || team.access.manage_policy_overrides {
                // Whoever answers for policies sees what they stop (API documents, "Manage policies").
                rights = rights.or(WorkspaceRights {
                    policy_overrides: team.access.manage_policy_overrides,
                    ..WorkspaceRights::RUNS
                });
            }
            if let Some(own) = team.projects.get(&workspace.project_id) {
                rights = rights.or(own.workspaces);
            }
            if let Some(own) = team.workspaces.get(&workspace.id) {
                rights = rights.or(*own);
            }
        }
        rights
    }
}
