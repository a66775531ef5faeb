//! Who calls: each kind of caller is made when a test first speaks as one.

use std::collections::HashMap;

use db::{
    Db, Json, Timestamp,
    entity::{
        job, organization_membership, session,
        team::{self, OrganizationAccess},
        team_membership, team_project,
        team_workspace::{self, Access, Runs, StateVersions, WorkspaceAccess},
        token,
    },
    id::{
        OrganizationMembershipId, ProjectId, RunId, TeamId, TeamProjectId, TeamWorkspaceId,
        TokenId, UserId, WorkspaceId,
    },
};
use domain::{
    Site,
    accounts::{NewUser, create_user, mint_user_token},
    can, organizations,
    row::{User, Workspace},
};
use tokio::sync::Mutex;

use crate::{Client, Server};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Who {
    Nobody,
    Owner,
    SiteAdmin,
    Member,
    Stranger,
    Foreigner,
    InTeam(Reach),
    TeamToken(Reach),
    OrganizationToken,
    /// Somebody else's own token.
    Bearer(String),
}

/// What a team may do, and where.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Reach {
    Workspace(Access, WorkspaceId),
    Project(team_project::Access, ProjectId),
    /// All workspaces of the organization.
    Workspaces,
    /// The policies of the organization.
    Policies,
}

/// What custom access to a workspace gives in the tests: runs to their end, locks and outputs, but no variables.
fn custom() -> WorkspaceAccess {
    WorkspaceAccess {
        runs: Runs::Apply,
        state_versions: StateVersions::ReadOutputs,
        locking: true,
        ..WorkspaceAccess::default()
    }
}

/// Those who were made so far, with their tokens.
#[derive(Debug, Default)]
pub(crate) struct People(Mutex<HashMap<Who, Identity>>);

#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub token: String,
    pub user: Option<User>,
}

impl People {
    pub fn knowing(known: HashMap<Who, Identity>) -> Self {
        Self(Mutex::new(known))
    }

    pub fn into_known(self) -> HashMap<Who, Identity> {
        self.0.into_inner()
    }
}

impl Server {
    fn client(&self, who: Who) -> Client<'_> {
        Client::new(self, who)
    }

    /// Without any token.
    pub fn nobody(&self) -> Client<'_> {
        self.client(Who::Nobody)
    }

    /// In the owners team of [`Server::ORGANIZATION`].
    pub fn owner(&self) -> Client<'_> {
        self.client(Who::Owner)
    }

    /// An administrator of the site, who is in no organization.
    pub fn site_admin(&self) -> Client<'_> {
        self.client(Who::SiteAdmin)
    }

    /// A user who is in no organization.
    pub fn stranger(&self) -> Client<'_> {
        self.client(Who::Stranger)
    }

    /// In the organization, but in no team.
    pub fn member(&self) -> Client<'_> {
        self.client(Who::Member)
    }

    /// The owner of another organization.
    pub fn foreigner(&self) -> Client<'_> {
        self.client(Who::Foreigner)
    }

    pub fn reader(&self, workspace: &Workspace) -> Client<'_> {
        self.in_workspace(Access::Read, workspace)
    }

    pub fn planner(&self, workspace: &Workspace) -> Client<'_> {
        self.in_workspace(Access::Plan, workspace)
    }

    pub fn writer(&self, workspace: &Workspace) -> Client<'_> {
        self.in_workspace(Access::Write, workspace)
    }

    pub fn admin_of(&self, workspace: &Workspace) -> Client<'_> {
        self.in_workspace(Access::Admin, workspace)
    }

    /// With custom access to the workspace: runs to their end, locks and outputs, but no variables.
    pub fn custom_in(&self, workspace: &Workspace) -> Client<'_> {
        self.in_workspace(Access::Custom, workspace)
    }

    fn in_workspace(&self, access: Access, workspace: &Workspace) -> Client<'_> {
        self.client(Who::InTeam(Reach::Workspace(access, workspace.id.clone())))
    }

    /// In a team with this access to the project of the workspace.
    pub fn in_project_of(&self, workspace: &Workspace, access: team_project::Access) -> Client<'_> {
        self.client(Who::InTeam(Reach::Project(access, workspace.project_id.clone())))
    }

    /// In a team that manages all workspaces of the organization.
    pub fn workspace_manager(&self) -> Client<'_> {
        self.client(Who::InTeam(Reach::Workspaces))
    }

    /// In a team that manages the policies of the organization.
    pub fn policy_manager(&self) -> Client<'_> {
        self.client(Who::InTeam(Reach::Policies))
    }

    /// The token of a team that may write to the workspace.
    pub fn team_token(&self, workspace: &Workspace) -> Client<'_> {
        self.client(Who::TeamToken(Reach::Workspace(Access::Write, workspace.id.clone())))
    }

    pub fn organization_token(&self) -> Client<'_> {
        self.client(Who::OrganizationToken)
    }

    /// Whoever this token belongs to.
    pub fn bearer(&self, token: impl Into<String>) -> Client<'_> {
        self.client(Who::Bearer(token.into()))
    }

    /// The engine inside a run, while an agent holds the run's plan.
    pub async fn engine(&self, run: &RunId, workspace: &Workspace) -> Client<'_> {
        let token = crypto::Token::mint();
        let row = job::Model {
            status: job::Status::Started,
            leased_until: Some(self.app.now().plus_seconds(3600)),
            attempts: 1,
            token_hash: Some(token.hash()),
            ..job::Model::queued(job::Kind::Plan, run, &workspace.id, self.app.now())
        };
        insert(&self.db, row).await;
        self.bearer(token.expose())
    }

    /// The cookie of a browser that this person has signed in with, without a password.
    pub(crate) async fn session(&self, user: &User) -> String {
        let cookie = crypto::Token::mint().expose().replace('.', "-");
        let row = session::Model {
            hash: crypto::hash_token(&cookie),
            user_id: user.id.clone(),
            created_at: self.app.now(),
            expires_at: self.app.now().plus_seconds(3600),
            used_at: self.app.now(),
            awaits_code: false,
            impersonated_id: None,
            impersonated_until: None,
            impersonation_reason: None,
        };
        insert(&self.db, row).await;
        cookie
    }

    pub(crate) async fn identity(&self, who: &Who) -> Option<Identity> {
        match who {
            Who::Nobody => return None,
            Who::Bearer(token) => return Some(Identity { token: token.clone(), user: None }),
            _ => {}
        }
        let mut known = self.people.0.lock().await;
        if let Some(identity) = known.get(who) {
            return Some(identity.clone());
        }
        let identity = Box::pin(self.make(who)).await;
        known.insert(who.clone(), identity.clone());
        Some(identity)
    }

    /// The organization of the test; whoever is its owner makes it.
    pub(crate) async fn found_organization(&self) {
        self.identity(&Who::Owner).await;
    }

    async fn make(&self, who: &Who) -> Identity {
        match who {
            Who::Owner => self.founder("owner", Self::ORGANIZATION).await,
            Who::Foreigner => self.founder("foreigner", "elsewhere").await,
            Who::Stranger => self.user("stranger", false).await,
            Who::SiteAdmin => self.user("site-admin", true).await,
            Who::Member => {
                let identity = self.user("member", false).await;
                self.join(identity.user()).await;
                identity
            }
            Who::InTeam(reach) => {
                let name = reach.name();
                let identity = self.user(&name, false).await;
                let team = self.team(&name, reach).await;
                self.join(identity.user()).await;
                let user_id = identity.user_id().clone();
                insert(&self.db, team_membership::Model { team_id: team, user_id }).await;
                identity
            }
            Who::TeamToken(reach) => {
                let team = self.team(&format!("token-{}", reach.name()), reach).await;
                self.token(token::Kind::Team, Some(team), None).await
            }
            Who::OrganizationToken => {
                let organization = Some(Self::ORGANIZATION.to_owned());
                self.token(token::Kind::Organization, None, organization).await
            }
            Who::Nobody | Who::Bearer(_) => unreachable!("they need not be made"),
        }
    }

    async fn user(&self, name: &str, is_site_admin: bool) -> Identity {
        let cx = self.system();
        let site = cx.check::<can::ManageSite, _>(Site::found()).expect("the system may");
        let new = NewUser {
            username: name.to_owned(),
            email: format!("{name}@example.com"),
            password: None,
            is_site_admin,
        };
        let user = create_user(&cx, &site, new).await.expect("a user is made");
        let minted = mint_user_token(&cx, &site, &user.id, None).await.expect("a token is minted");
        Identity { token: minted.secret.expose().to_owned(), user: Some(user) }
    }

    async fn founder(&self, name: &str, organization: &str) -> Identity {
        let identity = self.user(name, false).await;
        let cx = self.system();
        let site = cx.check::<can::ManageSite, _>(Site::found()).expect("the system may");
        let change = organizations::Change {
            name: Some(organization.to_owned()),
            email: Some(format!("{organization}@example.com")),
            ..Default::default()
        };
        let owner = identity.user_id();
        organizations::create_for(&cx, &site, owner.clone(), change)
            .await
            .expect("an organization is made");
        identity
    }

    async fn join(&self, user: &User) {
        let row = organization_membership::Model {
            id: OrganizationMembershipId::fresh(),
            organization_name: Self::ORGANIZATION.to_owned(),
            user_id: user.id.clone(),
            email: user.email.clone(),
            is_proven: user.email.is_some(),
            status: organization_membership::Status::Active,
            created_at: self.app.now(),
            invitations: 0,
        };
        insert(&self.db, row).await;
    }

    async fn team(&self, name: &str, reach: &Reach) -> TeamId {
        let now = self.app.now();
        let id = TeamId::fresh();
        let row = team::Model {
            id: id.clone(),
            organization_name: Self::ORGANIZATION.to_owned(),
            name: name.to_owned(),
            visibility: team::Visibility::Secret,
            sso_team_id: None,
            organization_access: Json(OrganizationAccess {
                manage_workspaces: *reach == Reach::Workspaces,
                manage_policies: *reach == Reach::Policies,
                ..OrganizationAccess::default()
            }),
            allow_member_token_management: true,
            created_at: now,
        };
        insert(&self.db, row).await;
        match reach {
            Reach::Workspace(access, workspace) => {
                let row = team_workspace::Model {
                    id: TeamWorkspaceId::fresh(),
                    team_id: id.clone(),
                    workspace_id: workspace.clone(),
                    access: *access,
                    custom: Json(custom()),
                    created_at: now,
                };
                insert(&self.db, row).await;
            }
            Reach::Project(access, project) => {
                let row = team_project::Model {
                    id: TeamProjectId::fresh(),
                    team_id: id.clone(),
                    project_id: project.clone(),
                    access: *access,
                    project_access: Json::default(),
                    workspace_access: Json(custom()),
                    created_at: now,
                };
                insert(&self.db, row).await;
            }
            Reach::Workspaces | Reach::Policies => {}
        }
        id
    }

    async fn token(
        &self,
        kind: token::Kind,
        team_id: Option<TeamId>,
        organization_name: Option<String>,
    ) -> Identity {
        let secret = crypto::Token::mint();
        let created_at: Timestamp = self.app.now();
        let row = token::Model {
            id: TokenId::fresh(),
            hash: secret.hash(),
            kind,
            user_id: None,
            team_id,
            organization_name,
            agent_pool_id: None,
            description: None,
            created_by_id: None,
            created_at,
            last_used_at: None,
            expires_at: None,
            is_members: false,
        };
        insert(&self.db, row).await;
        Identity { token: secret.expose().to_owned(), user: None }
    }
}

impl Reach {
    /// A user or a team may be called so.
    fn name(&self) -> String {
        match self {
            Self::Workspace(access, workspace) => format!("{access}-{workspace}"),
            Self::Project(access, project) => format!("{access}-{project}"),
            Self::Workspaces => "workspaces".to_owned(),
            Self::Policies => "policies".to_owned(),
        }
    }
}

impl Identity {
    fn user(&self) -> &User {
        self.user.as_ref().expect("made for a user")
    }

    fn user_id(&self) -> &UserId {
        &self.user().id
    }
}

async fn insert<M, A>(db: &Db, row: M)
where
    M: db::sea_orm::ModelTrait + db::sea_orm::IntoActiveModel<A>,
    A: db::sea_orm::ActiveModelTrait<Entity = M::Entity> + db::sea_orm::ActiveModelBehavior + Send,
    M::Entity: db::sea_orm::EntityTrait<Model = M>,
{
    let tx = db.write().await.expect("a transaction begins");
    tx.insert(row).await.expect("a row is inserted");
    tx.commit().await.expect("a transaction is kept");
}
