"""States and what they hold, through HashiCorp's own Python client."""

import json

import pytest
from pytfe.errors import NotFound, TFEError
from pytfe.models import (
    StateVersionCurrentOptions,
    StateVersionIncludeOpt,
    StateVersionReadOptions,
    WorkspaceAddRemoteStateConsumersOptions,
    WorkspaceCreateOptions,
    WorkspaceLockOptions,
    WorkspaceRemoveRemoteStateConsumersOptions,
    WorkspaceUpdateOptions,
    WorkspaceUpdateRemoteStateConsumersOptions,
)

from harness.client_states import upload_state

RESOURCES = [
    {
        "mode": "managed",
        "type": "terraform_data",
        "name": "plain",
        "provider": 'provider["terraform.io/builtin/terraform"]',
        "instances": [{"schema_version": 0, "attributes": {"id": "1"}}],
    },
    {
        "module": "module.network",
        "mode": "managed",
        "type": "terraform_data",
        "name": "many",
        "provider": 'provider["terraform.io/builtin/terraform"]',
        "instances": [
            {"index_key": 0, "schema_version": 0, "attributes": {"id": "2"}},
            {"index_key": 1, "schema_version": 0, "attributes": {"id": "3"}},
        ],
    },
]


def test_the_resources_of_a_workspace(tfe, workspace):
    assert list(tfe.workspace_resources.list(workspace.id)) == []
    version = upload_state(tfe, workspace, 1, resources=RESOURCES)
    found = {one.address: one for one in tfe.workspace_resources.list(workspace.id)}
    assert set(found) == {
        "terraform_data.plain",
        "network.terraform_data.many[0]",
        "network.terraform_data.many[1]",
    }
    plain = found["terraform_data.plain"]
    assert (plain.name, plain.provider_type, plain.name_index) == ("plain", "terraform_data", None)
    assert plain.modified_by_state_version_id == version.id
    assert found["network.terraform_data.many[1]"].name_index == "1"


def test_outputs(tfe, workspace):
    outputs = {
        "names": {"value": ["a", "b"], "type": ["list", "string"]},
        "secret": {"value": "s", "type": "string", "sensitive": True},
    }
    version = upload_state(tfe, workspace, 1, outputs=outputs)
    current = {one.name: one for one in tfe.state_version_outputs.read_current(workspace.id)}
    assert current["names"].value == ["a", "b"]
    assert current["names"].type == "array"
    assert (current["secret"].sensitive, current["secret"].value) == (True, None)
    assert tfe.state_version_outputs.read(current["secret"].id).value == "s"
    listed = {one.id for one in tfe.state_versions.list_outputs(version.id)}
    assert listed == {one.id for one in current.values()}
    with_outputs = StateVersionReadOptions(include=[StateVersionIncludeOpt.OUTPUTS])
    read = tfe.state_versions.read_with_options(version.id, with_outputs)
    assert read.id == version.id
    with_outputs = StateVersionCurrentOptions(include=[StateVersionIncludeOpt.OUTPUTS])
    read = tfe.state_versions.read_current_with_options(workspace.id, with_outputs)
    assert read.id == version.id


def test_an_older_state_is_made_the_current_one_again(tfe, workspace):
    first = upload_state(tfe, workspace, 1)
    upload_state(tfe, workspace, 2)
    with pytest.raises(TFEError):
        tfe.state_versions.rollback(workspace.id, first.id)
    tfe.workspaces.lock(workspace.id, WorkspaceLockOptions(reason="back"))
    made = tfe.state_versions.rollback(workspace.id, first.id)
    tfe.workspaces.unlock(workspace.id)
    current = tfe.state_versions.read_current(workspace.id)
    assert (current.id, current.serial) == (made.id, 3)
    content = json.loads(tfe.state_versions.download_current(workspace.id))
    assert content["outputs"]["serial"]["value"] == 1


def test_who_may_read_the_state_of_a_workspace(tfe, organization, workspace, name):
    other = tfe.workspaces.create(organization, WorkspaceCreateOptions(name=f"{name}-other"))
    third = tfe.workspaces.create(organization, WorkspaceCreateOptions(name=f"{name}-third"))
    tfe.workspaces.update_by_id(workspace.id, WorkspaceUpdateOptions(global_remote_state=False))
    workspaces = tfe.workspaces

    def consumers() -> set[str]:
        return {one.id for one in workspaces.list_remote_state_consumers(workspace.id)}

    options = WorkspaceAddRemoteStateConsumersOptions(workspaces=[other])
    workspaces.add_remote_state_consumers(workspace.id, options)
    assert consumers() == {other.id}
    options = WorkspaceUpdateRemoteStateConsumersOptions(workspaces=[third])
    workspaces.update_remote_state_consumers(workspace.id, options)
    assert consumers() == {third.id}
    options = WorkspaceRemoveRemoteStateConsumersOptions(workspaces=[third])
    workspaces.remove_remote_state_consumers(workspace.id, options)
    assert consumers() == set()


def test_a_workspace_without_a_state(tfe, workspace):
    with pytest.raises(NotFound):
        tfe.state_versions.read_current(workspace.id)
