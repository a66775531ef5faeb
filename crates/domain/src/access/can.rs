//! Every permission there is, one line each: name, on what, when. Reading this file is reading the policy.

use std::sync::Arc;

use db::entity::{
    agent::Model as Agent,
    configuration_version::Model as ConfigurationVersion,
    job::Model as Job,
    organization::Model as Organization,
    phase::Model as Phase,
    project::Model as Project,
    run::Model as Run,
    task_result::Model as TaskResult,
    team::Model as Team,
    team_project::{Settings, Teams, VariableSets},
    team_workspace::{Runs, SentinelMocks, StateVersions, Variables},
    token::Kind,
    user::Model as User,
    workspace::Model as Workspace,
};

use super::{
    Actor, Ends, HeldToken, In, Installed, Member, Membership, Owner, Permission, Subscribable,
    subjects::{Decision, awaited},
};
use crate::{Error, Site};

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident on $on:ty $(, of its $organization:ident)? $(, 403 for those who $seen:ident)?: |$a:ident, $r:pat_param| $when:expr;)+) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;

        impl Permission for $name {
            type On = $on;
            const NAME: &'static str = stringify!($name);

            fn allowed($a: &Actor, $r: &$on) -> bool {
                $when
            }

            $(fn organization(on: &$on) -> Option<&str> {
                Some(&on.$organization)
            })?

            fn denied(_actor: &Actor, _on: &$on) -> Error {
                $(if $seen::allowed(_actor, _on) {
                    return Error::Forbidden("You are not allowed to do this.".into());
                })?
                Error::NotFound
            }
        }
    )+};
}

permissions! {
    // The site.
    /// People, if the site lets them.
    CreateOrganization    on Site: |a, _| a.person().is_some_and(|person| person.creates_organizations);
    ManageSite            on Site: |a, _| a.is_site_admin();
    /// The pages of whoever is signed in.
    BePerson              on Site: |a, _| a.person().is_some();
    /// Never for whoever looks at the server as somebody else.
    SpeakForOneself       on Site: |a, _| a.person().is_some_and(|person| person.impersonated_by.is_none());
    /// One's own account, tokens and sessions.
    UseAccount            on Site: |a, s| SpeakForOneself::allowed(a, s);
    EndImpersonation      on Site: |a, _| a.impersonator().is_some();
    /// Whatever a valid token of any kind may ask.
    UseToken              on Site: |a, _| !matches!(a, Actor::Anyone);
    /// What can be subscribed to, for those who belong to an organization or could.
    ReadFeatureSets       on Site: |a, _| matches!(a, Actor::User(_) | Actor::Team(_) | Actor::Organization(_));
    /// What happened in its organization, for the tokens that are made for that and for the organization's own.
    ReadOwnAuditTrail     on Site: |a, _| matches!(a, Actor::Organization(_) | Actor::AuditTrails(_));
    WorkAsAgent           on Site: |a, _| matches!(a, Actor::Agent(_));
    /// As often as one likes: what runs are made of is never held up.
    AskWithoutLimit       on Site: |a, _| matches!(a, Actor::Agent(_) | Actor::Run { .. } | Actor::RunTask { .. } | Actor::System(_));
    /// Agents are given what their job needs, and nothing else: whatever address they have is good.
    FollowAnyAddress      on Site: |a, _| matches!(a, Actor::Agent(_) | Actor::System(_));

    // Agents, by the pool whose token they show.
    BeAgent               on Agent: |a, agent| a.works_for(agent.agent_pool_id.as_ref());
    WorkOnJob             on Job: |a, job| a.works_for(job.agent_pool_id.as_ref());

    // People.
    /// Oneself, and those of one's organizations.
    ReadUser              on Member: |a, m| a.is_user(&m.user.id) || a.is_site_admin()
                              || m.organizations.iter().any(|name| a.belongs_to_named(name));
    ManageUserTokens      on User: |a, u| a.is_really(&u.id);
    ManageToken           on HeldToken: |a, t| match t.token.kind {
                              Kind::User => t.token.user_id.as_ref().is_some_and(|id| a.is_really(id)),
                              Kind::Team => t.team.as_ref().is_some_and(|team| ManageTeamTokens::allowed(a, team)),
                              Kind::Organization | Kind::AuditTrails => t.token.organization_name.as_ref().is_some_and(|name| a.owns_named(name)),
                              Kind::Agent => t.token.organization_name.as_ref().is_some_and(|name| a.manages_agent_pools_of(name)),
                          };

    // Organizations.
    ReadOrganization      on Organization, of its name: |a, o| a.belongs_to(o);
    /// What the server can do for an organization; the engine inside a run asks before it reads a state.
    ReadEntitlements      on Organization: |a, o| a.belongs_to(o) || matches!(a, Actor::Run { organization, .. } if *organization == o.name);
    UpdateOrganization    on Organization: |a, o| a.owns(o);
    /// Who did what in it, for people; programs have a token for that.
    ReadAuditTrail        on Organization: |a, o| a.owns(o);
    DestroyOrganization   on Organization: |a, o| a.owns(o);
    CreateProject         on Organization: |a, o| a.has(o, |r| r.manage_projects);
    CreateWorkspace       on Organization: |a, o| a.has(o, |r| r.manage_workspaces || r.manage_projects);
    CreateTeam            on Organization: |a, o| a.has(o, |r| r.manage_teams);
    ManageMembership      on Organization: |a, o| a.has(o, |r| r.manage_membership);
    /// Everybody's membership; one's own can be read without.
    ReadMemberships       on Organization: |a, o| a.has(o, |r| r.manage_membership || r.manage_teams);
    ManageOrganizationToken on Organization: |a, o| a.owns(o);
    /// From where it is reached; who may see that may change it.
    ManageCidrRangeLists  on Organization: |a, o| a.owns(o);
    ManageTokenTtl        on Organization, of its name, 403 for those who ReadOrganization: |a, o| a.owns(o);
    ManagePolicies        on Organization: |a, o| a.has(o, |r| r.manage_policies);
    ReadPolicies          on Organization: |a, o| a.has(o, |r| r.manage_policies || r.manage_policy_overrides);
    ReadRunTasks          on Organization: |a, o| a.belongs_to(o);
    ManageRunTasks        on Organization: |a, o| a.has(o, |r| r.manage_run_tasks);
    ManageVcsSettings     on Organization: |a, o| a.has(o, |r| r.manage_vcs_settings);
    ManageSshKeys         on Organization: |a, o| a.has(o, |r| r.manage_vcs_settings);
    ReadSshKeys           on Organization: |a, o| a.has(o, |r| r.manage_vcs_settings) || a.administers_workspaces_in(&o.name);
    ManageTags            on Organization: |a, o| a.has(o, |r| r.manage_workspaces || r.manage_projects);
    ManageModules         on Organization: |a, o| a.has(o, |r| r.manage_modules);
    ManageProviders       on Organization: |a, o| a.has(o, |r| r.manage_providers);
    /// Those who give agent pools to workspaces see what there is.
    ReadAgentPools        on Organization: |a, o| a.has(o, |r| r.manage_agent_pools) || a.administers_workspaces_in(&o.name);
    ManageAgentPools      on Organization: |a, o| a.has(o, |r| r.manage_agent_pools);
    /// Those who give repositories to workspaces and policy sets see by what these can be reached.
    ReadOauthClients      on Organization: |a, o| a.has(o, |r| r.manage_vcs_settings || r.manage_policies) || a.administers_workspaces_in(&o.name);

    // The GitHub App.
    /// Administrators of the site, and those who see by what repositories can be reached in an organization that may use it.
    ReadInstallation      on Installed: |a, i| a.is_site_admin() || i.organizations.iter().any(|o| ReadOauthClients::allowed(a, o));
    /// Whose an installation is only GitHub knows: administrators of the site say which organization may use it.
    LinkInstallation      on Organization, 403 for those who ReadOauthClients: |a, _| a.is_site_admin();

    // Who belongs to an organization.
    ReadMembership        on Membership: |a, m| a.is_user(&m.user_id) || ReadMemberships::allowed(a, &m.of);
    /// Others, or oneself: anybody may leave.
    DestroyMembership     on Membership, 403 for those who ReadMembership:
        |a, m| a.is_user(&m.user_id) || ManageMembership::allowed(a, &m.of);
    /// Owners are removed by other owners, never by themselves.
    DestroyOwnership      on Membership: |a, m| a.owns(&m.of) && !a.is_user(&m.user_id);

    // Teams. That of the owners is managed by owners alone, or anybody who manages teams could become one.
    ReadTeam              on Team: |a, t| a.sees_team(t);
    UpdateTeam            on Team: |a, t| a.manages_team(t, |r| r.manage_teams || r.manage_organization_access);
    UpdateTeamSettings    on Team: |a, t| a.manages_team(t, |r| r.manage_teams);
    RenameTeam            on Team: |a, t| !t.is_owners() && a.manages_team(t, |r| r.manage_teams);
    UpdateOrganizationAccess on Team: |a, t| !t.is_owners() && a.manages_team(t, |r| r.manage_organization_access);
    DestroyTeam           on Team, 403 for those who UpdateTeam: |a, t| RenameTeam::allowed(a, t);
    UpdateTeamMembers     on Team, 403 for those who ReadTeam: |a, t| a.manages_team(t, |r| r.manage_membership);
    ManageTeamTokens      on Team: |a, t| a.manages_team(t, |r| r.manage_teams) || (t.allow_member_token_management && a.is_member_of(&t.id));

    // Access of teams.
    ReadTeamWorkspace     on (Workspace, Team): |a, (w, t)| a.workspace(w).admin || (ReadWorkspace::allowed(a, w) && a.sees_team(t));
    ManageTeamWorkspace   on (Workspace, Team): |a, (w, _)| a.workspace(w).admin;
    AddTeamToWorkspace    on (Workspace, Team): |a, (w, t)| a.workspace(w).admin && a.sees_team(t);
    ReadTeamProject       on (Project, Team): |a, (p, _)| ReadProjectTeams::allowed(a, p);
    ManageTeamProject     on (Project, Team): |a, (p, _)| ManageProjectTeams::allowed(a, p);
    AddTeamToProject      on (Project, Team): |a, (p, t)| ManageProjectTeams::allowed(a, p) && a.sees_team(t);

    // Projects.
    ReadProject           on Project, of its organization_name: |a, p| a.project(p).settings.is_some();
    UpdateProject         on Project: |a, p| a.project(p).settings >= Some(Settings::Update);
    DestroyProject        on Project: |a, p| a.project(p).settings >= Some(Settings::Delete);
    ReadProjectTeams      on Project: |a, p| a.project(p).teams >= Teams::Read;
    ManageProjectTeams    on Project: |a, p| a.project(p).teams >= Teams::Manage;
    CreateWorkspaceIn     on Project: |a, p| a.project(p).create_workspaces;
    MoveWorkspaceInto     on Project: |a, p| a.project(p).create_workspaces;

    // Notifications, by what they are about.
    ManageNotifications   on Subscribable: |a, s| match s {
                              Subscribable::Workspace(w) => a.workspace(w).admin,
                              Subscribable::Project(p) => UpdateProject::allowed(a, p),
                              Subscribable::Team(t) => UpdateTeam::allowed(a, t),
                          };

    // Variable sets, by the project or the organization that owns them.
    ReadVariableSets      on Owner: |a, o| match o {
                              Owner::Project(p) => a.project(p).variable_sets >= VariableSets::Read,
                              Owner::Organization(name) => a.reads_variables_in(name),
                          };
    ManageVariableSets    on Owner: |a, o| match o {
                              Owner::Project(p) => a.project(p).variable_sets >= VariableSets::Write,
                              Owner::Organization(name) => a.manages_all_workspaces_of(name),
                          };

    // Workspaces.
    ReadWorkspace         on Workspace, of its organization_name: |a, w| a.workspace(w).runs.is_some();
    UpdateWorkspace       on Workspace: |a, w| a.workspace(w).admin;
    /// Whether it is assessed, and when.
    ManageAssessments     on Workspace: |a, w| a.workspace(w).admin;
    /// What an assessment has printed shows values that the state would show. Never for an organization's token.
    ReadAssessmentOutput  on Workspace: |a, w| a.workspace(w).admin && !matches!(a, Actor::Organization(_));
    DestroyWorkspace      on Workspace: |a, w| a.workspace(w).delete;
    /// Without looking whether it still manages resources. Owners only, unless the organization lets admins.
    ForceDeleteWorkspace  on (Workspace, Arc<Organization>), 403 for those who MayDestroyInOrganization:
        |a, (w, o)| a.owns(o) || matches!(a, Actor::Organization(own) if *own == o.name)
            || (o.allow_force_delete_workspaces && a.workspace(w).delete);
    MayDestroyInOrganization on (Workspace, Arc<Organization>): |a, (w, _)| a.workspace(w).delete;
    MoveWorkspace         on Workspace: |a, w| a.workspace(w).r#move;
    LockWorkspace         on Workspace: |a, w| a.workspace(w).locking;
    UnlockWorkspace       on Workspace: |a, w| a.workspace(w).locking;
    ForceUnlockWorkspace  on Workspace: |a, w| a.workspace(w).admin;
    /// Only who can see all consumers can replace them all.
    ReplaceStateConsumers on Workspace: |a, w| a.workspace(w).admin && a.manages_all_workspaces_of(&w.organization_name);
    ManageWorkspaceTags   on Workspace: |a, w| a.workspace(w).admin;
    ManageWorkspaceTasks  on Workspace: |a, w| a.workspace(w).run_tasks;
    ReadVariables         on Workspace: |a, w| a.workspace(w).variables >= Variables::Read;
    UpdateVariables       on Workspace: |a, w| a.workspace(w).variables >= Variables::Write;
    ReadState             on Workspace: |a, w| a.workspace(w).state_versions >= StateVersions::Read;
    ReadStateOutputs      on Workspace: |a, w| a.workspace(w).state_versions >= StateVersions::ReadOutputs;
    CreateStateVersion    on Workspace: |a, w| a.workspace(w).state_versions >= StateVersions::Write;
    /// Those that it had elsewhere, at the times when it had them.
    ImportStates          on Workspace: |a, w| a.owns_named(&w.organization_name);
    /// Beside the right to write at all: whoever writes a state holds the lock.
    WriteLockedState      on Workspace: |a, w| a.holds_lock_of(w);

    // Runs, by the workspace that they are in.
    ReadRun               on Workspace: |a, w| a.workspace(w).runs >= Some(Runs::Read);
    /// The JSON form of a plan shows values that the state would show.
    ReadPlanJson          on Workspace: |a, w| a.workspace(w).runs >= Some(Runs::Read) && a.workspace(w).state_versions >= StateVersions::Read;
    /// Mocks have no secrets that somebody has marked, and everything else of the plan.
    ExportPlan            on Workspace: |a, w| a.workspace(w).runs >= Some(Runs::Read) && a.workspace(w).sentinel_mocks >= SentinelMocks::Read;
    QueueRun              on Workspace: |a, w| a.workspace(w).runs >= Some(Runs::Plan);
    QueueApply            on Workspace: |a, w| a.workspace(w).runs >= Some(Runs::Apply);
    QueueDestroy          on Workspace: |a, w| w.allow_destroy_plan && a.workspace(w).runs >= Some(Runs::Apply);
    ApplyRun              on Workspace: |a, w| a.workspace(w).runs >= Some(Runs::Apply);
    /// What a run waits for from a person, if it waits for one.
    DecideRun             on In<Run>: |a, r| match awaited(r.status) {
                              Some(Decision::Override) => OverridePolicies::allowed(a, &r.of),
                              Some(Decision::Confirm) => ApplyRun::allowed(a, &r.of),
                              None => false,
                          };
    DiscardRun            on Workspace: |a, w| a.workspace(w).runs >= Some(Runs::Apply);
    CancelRun             on Workspace: |a, w| a.workspace(w).runs >= Some(Runs::Plan);
    /// Of either end: where runs are queued, or whose applies queue them.
    ReadRunTrigger        on Ends: |a, e| ReadRun::allowed(a, &e.workspace) || ReadRun::allowed(a, &e.source);
    /// People and their programs, not what is being run.
    /// The same for one plan: a run task's token shows no other.
    DownloadPlanJson      on In<Phase>: |a, p| a.is_asked_about(&p.run_id) || ReadPlanJson::allowed(a, &p.of);
    CommentOnRun          on Workspace: |a, w| a.workspace(w).runs >= Some(Runs::Read) && !matches!(a, Actor::Run { .. });
    ForceCancelRun        on Workspace: |a, w| a.workspace(w).admin && a.workspace(w).runs >= Some(Runs::Apply);
    ForceExecuteRun       on Workspace: |a, w| a.workspace(w).admin && a.workspace(w).runs >= Some(Runs::Apply);
    /// For owners, who say why.
    BreakFreeze           on Workspace: |a, w| a.owns_named(&w.organization_name);
    OverridePolicies      on Workspace: |a, w| a.workspace(w).policy_overrides;
    ArchiveConfiguration  on Workspace: |a, w| a.workspace(w).runs >= Some(Runs::Apply);
    /// For how long the data behind its versions is kept.
    ManageRetention       on Workspace: |a, w| a.workspace(w).admin;
    ManageBackingData     on Workspace: |a, w| a.owns_named(&w.organization_name);
    CreateConfiguration   on Workspace: |a, w| a.workspace(w).runs >= Some(Runs::Plan);
    ReadConfiguration     on Workspace: |a, w| a.workspace(w).runs >= Some(Runs::Read);
    /// The same for one version: a run task's token shows no other.
    DownloadConfiguration on In<ConfigurationVersion>: |a, c| a.is_asked_with(&c.id) || ReadConfiguration::allowed(a, &c.of);

    // What run tasks say, by the token that they were given for it.
    CallBack              on In<TaskResult>: |a, r| a.is_asked_for(&r.id);
}
