"""People, teams and their access, keys and agents, through HashiCorp's own Python client."""

import pytest
from pytfe.errors import NotFound
from pytfe.models import (
    AgentPoolCreateOptions,
    AgentTokenCreateOptions,
    OrganizationMembershipCreateOptions,
    Project,
    ReservedTagKeyCreateOptions,
    ReservedTagKeyUpdateOptions,
    SSHKeyCreateOptions,
    Team,
    TeamProjectAccessAddOptions,
    TeamTokenCreateOptions,
    TeamWorkspaceAccessAddOptions,
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


def test_somebody_is_invited_into_a_team(tfe, organization, team):
    options = OrganizationMembershipCreateOptions(email="ada@example.com", teams=[team])
    invited = tfe.organization_memberships.create(organization, options)
    assert invited.status.value == "invited"
    emails = [found.email for found in tfe.organization_memberships.list(organization)]
    assert "ada@example.com" in emails
    assert tfe.organization_memberships.read(invited.id).email == "ada@example.com"
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
    tfe.team_workspace_accesses.remove(added.id)
    assert list(tfe.team_workspace_accesses.list(workspace.id)) == []


def test_access_to_a_project(tfe, organization, team):
    project = next(iter(tfe.projects.list(organization)))
    options = TeamProjectAccessAddOptions(
        access="maintain", team=team, project=Project(id=project.id, name=project.name)
    )
    added = tfe.team_project_accesses.add(options)
    assert tfe.team_project_accesses.read(added.id).access.value == "maintain"
    tfe.team_project_accesses.remove(added.id)
    with pytest.raises(NotFound):
        tfe.team_project_accesses.read(added.id)


def test_tokens_of_teams_and_organizations(tfe, organization, team):
    first = tfe.team_tokens.create(team.id)
    assert first.token
    named = tfe.team_tokens.create_with_options(team.id, TeamTokenCreateOptions(description="ci"))
    assert tfe.team_tokens.read_by_id(named.id).description == "ci"
    assert tfe.team_tokens.read_by_id(named.id).token is None
    tfe.team_tokens.delete(team.id)
    assert tfe.organization_tokens.create(organization).token
    assert tfe.organization_tokens.read(organization).token is None
    tfe.organization_tokens.delete(organization)
    with pytest.raises(NotFound):
        tfe.organization_tokens.read(organization)


def test_ssh_keys(tfe, organization, workspace, name):
    key = tfe.ssh_keys.create(organization, SSHKeyCreateOptions(name=name, value=KEY))
    assert tfe.ssh_keys.read(key.id).name == name
    options = WorkspaceAssignSSHKeyOptions(ssh_key_id=key.id)
    assert tfe.workspaces.assign_ssh_key(workspace.id, options).ssh_key.id == key.id
    assert tfe.workspaces.unassign_ssh_key(workspace.id).ssh_key is None
    tfe.ssh_keys.delete(key.id)
    assert name not in [found.name for found in tfe.ssh_keys.list(organization)]


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
    tfe.agent_pools.delete(pool.id)
    assert name not in [found.name for found in tfe.agent_pools.list(organization)]
