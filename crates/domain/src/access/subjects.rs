//! What permissions are about, where it is more than a row: named here, so that this room knows none of the nouns'.

use db::entity::{
    github_app_installation, organization, organization_membership, project::Model as Project,
    run::Status, team::Model as Team, token::Model as Token, user::Model as User,
    workspace::Model as Workspace,
};

use super::In;

/// A person with the names of the organizations that they belong to.
#[derive(Clone, Debug)]
pub struct Member {
    pub user: User,
    pub organizations: Vec<String>,
}

/// A token with the team that it is for, if it is a team's.
#[derive(Clone, Debug)]
pub struct HeldToken {
    pub token: Token,
    pub team: Option<Team>,
}

/// An installation of the site's GitHub App, with the organizations that may use it.
#[derive(Clone, Debug)]
pub struct Installed {
    pub row: github_app_installation::Model,
    pub organizations: Vec<organization::Model>,
}

/// A membership with the organization that it is about.
pub type Membership = In<organization_membership::Model, organization::Model>;

/// What notifications are about.
#[derive(Clone, Debug)]
pub enum Subscribable {
    Workspace(Box<Workspace>),
    Project(Project),
    Team(Team),
}

impl Subscribable {
    pub fn organization_name(&self) -> &str {
        match self {
            Self::Workspace(workspace) => &workspace.organization_name,
            Self::Project(project) => &project.organization_name,
            Self::Team(team) => &team.organization_name,
        }
    }
}

/// The workspaces that a run trigger connects: where runs are queued, and whose applies queue them.
#[derive(Clone, Debug)]
pub struct Ends {
    pub workspace: Workspace,
    pub source: Workspace,
}

/// Whose a variable set is.
#[derive(Clone, Debug)]
pub enum Owner {
    Organization(String),
    Project(Project),
}

impl Owner {
    pub fn organization_name(&self) -> &str {
        match self {
            Self::Organization(name) => name,
            Self::Project(project) => &project.organization_name,
        }
    }
}

/// What a run waits for from a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// That it is applied.
    Confirm,
    /// That it goes on although policies say no.
    Override,
}

/// The decision that a run in this status waits for. Saved plans wait for the command line that made them.
pub fn awaited(status: Status) -> Option<Decision> {
    match status {
        Status::Planned
        | Status::CostEstimated
        | Status::PolicyChecked
        | Status::PostPlanCompleted => Some(Decision::Confirm),
        Status::PolicyOverride | Status::PostPlanAwaitingDecision => Some(Decision::Override),
        _ => None,
    }
}
