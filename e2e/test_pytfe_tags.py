"""Tags of organizations, projects and workspaces, through HashiCorp's own Python client."""

from pytfe.models import (
    ProjectAddTagBindingsOptions,
    ProjectCreateOptions,
    Tag,
    TagBinding,
    WorkspaceAddTagBindingsOptions,
    WorkspaceAddTagsOptions,
    WorkspaceCreateOptions,
    WorkspaceRemoveTagsOptions,
)
from pytfe.models.organization_tags import (
    AddWorkspacesToTagOptions,
    OrganizationTagsDeleteOptions,
    OrganizationTagsListOptions,
)


def pairs(bindings) -> set[tuple[str, str]]:
    return {(binding.key, binding.value or "") for binding in bindings}


def test_tags_of_an_organization(tfe, organization, workspace, name):
    tags = tfe.organization_tags
    other = tfe.workspaces.create(organization, WorkspaceCreateOptions(name=f"{name}-other"))
    both = [Tag(name="network"), Tag(name="storage")]
    tfe.workspaces.add_tags(workspace.id, WorkspaceAddTagsOptions(tags=both))
    found = {tag.name: tag for tag in tags.list(organization)}
    assert found["network"].instance_count == 1
    found_by_name = tags.list(organization, OrganizationTagsListOptions(query="stor"))
    assert [tag.name for tag in found_by_name] == ["storage"]

    network = found["network"].id
    tags.add_workspaces(organization, network, AddWorkspacesToTagOptions(workspace_ids=[other.id]))
    assert [tag.name for tag in tfe.workspaces.list_tags(other.id)] == ["network"]
    missing = OrganizationTagsListOptions(filter=other.id)
    assert "network" not in [tag.name for tag in tags.list(organization, missing)]

    removed = WorkspaceRemoveTagsOptions(tags=[Tag(name="network")])
    tfe.workspaces.remove_tags(other.id, removed)
    assert list(tfe.workspaces.list_tags(other.id)) == []
    tags.delete(organization, OrganizationTagsDeleteOptions(ids=[network]))
    assert [tag.name for tag in tfe.workspaces.list_tags(workspace.id)] == ["storage"]


def test_tags_of_a_project_hold_for_its_workspaces(tfe, organization, name):
    project = tfe.projects.create(organization, ProjectCreateOptions(name=name[:40]))
    workspace = tfe.workspaces.create(organization, WorkspaceCreateOptions(name=name))
    tfe.projects.move_workspaces(project.id, [workspace.id])
    assert tfe.workspaces.read_by_id(workspace.id).project.id == project.id

    tier = ProjectAddTagBindingsOptions(tag_bindings=[TagBinding(key="tier", value="web")])
    assert pairs(tfe.projects.add_tag_bindings(project.id, tier)) == {("tier", "web")}
    assert pairs(tfe.projects.list_tag_bindings(project.id)) == {("tier", "web")}
    assert pairs(tfe.projects.list_effective_tag_bindings(project.id)) == {("tier", "web")}
    own = WorkspaceAddTagBindingsOptions(tag_bindings=[TagBinding(key="team", value="net")])
    list(tfe.workspaces.add_tag_bindings(workspace.id, own))
    effective = pairs(tfe.workspaces.list_effective_tag_bindings(workspace.id))
    assert effective == {("tier", "web"), ("team", "net")}
    assert pairs(tfe.workspaces.list_tag_bindings(workspace.id)) == {("team", "net")}

    tfe.workspaces.delete_all_tag_bindings(workspace.id)
    assert pairs(tfe.workspaces.list_effective_tag_bindings(workspace.id)) == {("tier", "web")}
    tfe.projects.delete_tag_bindings(project.id)
    assert list(tfe.workspaces.list_effective_tag_bindings(workspace.id)) == []
