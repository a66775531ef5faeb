"""People, teams and their access, keys and agents, through HashiCorp's own Python client."""

import pytest
from pytfe.errors import NotFound
from pytfe.models import (
    AgentPoolAssignToProjectsOptions,
    AgentPoolAssignToWorkspacesOptions,
    AgentPoolCreateOptions,
    AgentPoolRemoveFromWorkspacesOptions,
    AgentPoolUpdateOptions,
    AgentTokenCreateOptions,
    OrgMembershipIncludeOpt,
    OrganizationMembershipCreateOptions,
    OrganizationMembershipReadOptions,
    Project,
    ReservedTagKeyCreateOptions,
    ReservedTagKeyUpdateOptions,
    SSHKeyCreateOptions,
    SSHKeyUpdateOptions,
    Team,
    TeamProjectAccessAddOptions,
    TeamProjectAccessListOptions,
    TeamProjectAccessUpdateOptions,
    TeamProjectAccessWorkspacePermissionsOptions,
    TeamTokenCreateOptions,
    TeamWorkspaceAccessAddOptions,
    TeamWorkspaceAccessUpdateOptions,
    WorkspaceAssignSSHKeyOptions,
)
from pytfe.models.team import OrganizationAccessOptions, TeamCreateOptions, TeamUpdateOptions

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nbm90IGEga2V5\n-----END OPENSSH PRIVATE KEY-----\n"


@pytest.fixture
def team(tfe, organization, name) -> Team:
    return tfe.teams.create(organization, TeamCreateOptions(name=name))


def test_teams(tfe, organization, team, name):
    assert name in [found.name for found in tfe.teams.list(organization)]
    access = OrganizationAccessOptions(manage_workspaces=True)
    changed = tfe.teams.update(team.id, TeamUpdateOptions(organization_access=access))
    assert changed.organization_access.manage_workspaces is True
    assert tfe.teams.read(team.id).organization_access.manage_policies is False
    tfe.teams.delete(team.id)
    with pytest.raises(NotFound):
        tfe.teams.read(team.id)


def test_people_of_a_team(tfe, organization, team):
    me = tfe.users.read_current()
    tfe.teams.add_users(team.id, [me.username])
    assert [user.username for user in tfe.teams.list_users(team.id)] == [me.username]
    mine = [one.user.id for one in tfe.organization_memberships.list(organization)]
    assert me.id in mine
    tfe.teams.remove_users(team.id, [me.username])
    assert list(tfe.teams.list_users(team.id)) == []


def test_somebody_is_invited_into_a_team(tfe, organization, team):
    options = OrganizationMembershipCreateOptions(email="ada@example.com", teams=[team])
    invited = tfe.organization_memberships.create(organization, options)
    assert invited.status.value == "invited"
    emails = [found.email for found in tfe.organization_memberships.list(organization)]
    assert "ada@example.com" in emails
    assert tfe.organization_memberships.read(invited.id).email == "ada@example.com"
    included = OrganizationMembershipReadOptions(include=[OrgMembershipIncludeOpt.TEAMS])
    read = tfe.organization_memberships.read_with_options(invited.id, included)
    assert team.id in [found.id for found in read.teams]
    tfe.teams.remove_organization_memberships(team.id, [invited.id])
    tfe.teams.add_organization_memberships(team.id, [invited.id])
    tfe.organization_memberships.delete(invited.id)
    with pytest.raises(NotFound):
        tfe.organization_memberships.read(invited.id)


def test_access_to_a_workspace(tfe, team, workspace):
    options = TeamWorkspaceAccessAddOptions(
        team_id=team.id, workspace_id=workspace.id, access="custom", runs="plan", variables="read"
    )
    added = tfe.team_workspace_accesses.add(options)
    read = tfe.team_workspace_accesses.read(added.id)
    assert (read.access.value, read.runs.value, read.variables.value) == ("custom", "plan", "read")
    assert [found.id for found in tfe.team_workspace_accesses.list(workspace.id)] == [added.id]
    more = TeamWorkspaceAccessUpdateOptions(access="custom", runs="apply")
    changed = tfe.team_workspace_accesses.update(added.id, more)
    assert (changed.runs.value, changed.variables.value) == ("apply", "read")
    tfe.team_workspace_accesses.remove(added.id)
    assert list(tfe.team_workspace_accesses.list(workspace.id)) == []


def test_access_to_a_project(tfe, organization, team):
    project = next(iter(tfe.projects.list(organization)))
    options = TeamProjectAccessAddOptions(
        access="maintain", team=team, project=Project(id=project.id, name=project.name)
    )
    added = tfe.team_project_accesses.add(options)
    assert tfe.team_project_accesses.read(added.id).access.value == "maintain"
    of_project = TeamProjectAccessListOptions(project_id=project.id)
    assert added.id in [found.id for found in tfe.team_project_accesses.list(of_project)]
    custom = TeamProjectAccessUpdateOptions(
        access="custom",
        workspace_access=TeamProjectAccessWorkspacePermissionsOptions(runs="plan", locking=True),
    )
    changed = tfe.team_project_accesses.update(added.id, custom)
    assert (changed.access.value, changed.workspace_access.runs.value) == ("custom", "plan")
    assert changed.workspace_access.locking is True
    tfe.team_project_accesses.remove(added.id)
    with pytest.raises(NotFound):
        tfe.team_project_accesses.read(added.id)


def test_tokens_of_teams_and_organizations(tfe, organization, team):
    first = tfe.team_tokens.create(team.id)
    assert first.token
    named = tfe.team_tokens.create_with_options(team.id, TeamTokenCreateOptions(description="ci"))
    assert tfe.team_tokens.read_by_id(named.id).description == "ci"
    assert tfe.team_tokens.read_by_id(named.id).token is None
    assert tfe.team_tokens.read(team.id).id == first.id
    assert {first.id, named.id} <= {token.id for token in tfe.team_tokens.list(organization)}
    tfe.team_tokens.delete_by_id(named.id)
    assert named.id not in [token.id for token in tfe.team_tokens.list(organization)]
    tfe.team_tokens.delete(team.id)
    assert tfe.organization_tokens.create(organization).token
    assert tfe.organization_tokens.read(organization).token is None
    tfe.organization_tokens.delete(organization)
    with pytest.raises(NotFound):
        tfe.organization_tokens.read(organization)


def test_ssh_keys(tfe, organization, workspace, name):
    key = tfe.ssh_keys.create(organization, SSHKeyCreateOptions(name=name, value=KEY))
    assert tfe.ssh_keys.update(key.id, SSHKeyUpdateOptions(name=f"{name}-2")).name == f"{name}-2"
    assert tfe.ssh_keys.read(key.id).name == f"{name}-2"
    options = WorkspaceAssignSSHKeyOptions(ssh_key_id=key.id)
    assert tfe.workspaces.assign_ssh_key(workspace.id, options).ssh_key.id == key.id
    assert tfe.workspaces.unassign_ssh_key(workspace.id).ssh_key is None
    tfe.ssh_keys.delete(key.id)
    assert key.id not in [found.id for found in tfe.ssh_keys.list(organization)]


def test_reserved_tag_keys(tfe, organization):
    options = ReservedTagKeyCreateOptions(key="stage", disable_overrides=False)
    key = tfe.reserved_tag_key.create(organization, options)
    assert [found.key for found in tfe.reserved_tag_key.list(organization)] == ["stage"]
    changed = ReservedTagKeyUpdateOptions(key="stage", disable_overrides=True)
    assert tfe.reserved_tag_key.update(key.id, changed).disable_overrides is True
    tfe.reserved_tag_key.delete(key.id)
    assert list(tfe.reserved_tag_key.list(organization)) == []


def test_agent_pools(tfe, organization, name):
    pool = tfe.agent_pools.create(organization, AgentPoolCreateOptions(name=name))
    assert tfe.agent_pools.read(pool.id).name == name
    token = tfe.agent_tokens.create(pool.id, AgentTokenCreateOptions(description="in the cellar"))
    assert token.token
    assert [found.id for found in tfe.agent_tokens.list(pool.id)] == [token.id]
    assert tfe.agent_tokens.read(token.id).token is None
    tfe.agent_tokens.delete(token.id)
    assert list(tfe.agents.list(pool.id)) == []
    changed = tfe.agent_pools.update(pool.id, AgentPoolUpdateOptions(name=f"{name}-2"))
    assert changed.name == f"{name}-2"
    tfe.agent_pools.delete(pool.id)
    assert pool.id not in [found.id for found in tfe.agent_pools.list(organization)]


def test_whose_runs_a_pool_executes(tfe, organization, workspace, name):
    options = AgentPoolCreateOptions(name=name, organization_scoped=False)
    pool = tfe.agent_pools.create(organization, options)
    project = next(iter(tfe.projects.list(organization)))
    allowed = AgentPoolAssignToWorkspacesOptions(workspace_ids=[workspace.id])
    changed = tfe.agent_pools.assign_to_workspaces(pool.id, allowed)
    assert [one.id for one in changed.allowed_workspaces] == [workspace.id]
    allowed = AgentPoolAssignToProjectsOptions(project_ids=[project.id])
    changed = tfe.agent_pools.assign_to_projects(pool.id, allowed)
    assert [one.id for one in changed.allowed_projects] == [project.id]
    excluded = AgentPoolRemoveFromWorkspacesOptions(workspace_ids=[workspace.id])
    changed = tfe.agent_pools.remove_from_workspaces(pool.id, excluded)
    assert [one.id for one in changed.excluded_workspaces] == [workspace.id]
