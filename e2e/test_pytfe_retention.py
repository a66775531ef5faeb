"""What is deleted, what is kept and what is brought back, through HashiCorp's own Python client."""

import json

import pytest
from pytfe.errors import NotFound, TFEError
from pytfe.models import (
    DataRetentionPolicyDeleteOlderSetOptions,
    DataRetentionPolicyDontDeleteSetOptions,
    DataRetentionPolicySetOptions,
)

from harness.client_runs import RESOURCE, upload
from harness.client_states import upload_state


def test_a_retention_policy_of_an_organization(tfe, organization):
    older = DataRetentionPolicyDeleteOlderSetOptions(delete_older_than_n_days=90)
    made = tfe.organizations.set_data_retention_policy_delete_older(organization, older)
    assert made.delete_older_than_n_days == 90
    changed = tfe.organizations.set_data_retention_policy(
        organization, DataRetentionPolicySetOptions(delete_older_than_n_days=30)
    )
    assert changed.delete_older_than_n_days == 30
    kept = tfe.organizations.set_data_retention_policy_dont_delete(
        organization, DataRetentionPolicyDontDeleteSetOptions()
    )
    assert kept.id
    tfe.organizations.delete_data_retention_policy(organization)
    assert tfe.organizations.read_data_retention_policy_choice(organization) is None


def test_a_retention_policy_of_a_workspace(tfe, api, workspace):
    policy = f"workspaces/{workspace.id}/relationships/data-retention-policy"
    older = DataRetentionPolicyDeleteOlderSetOptions(delete_older_than_n_days=60)
    made = tfe.workspaces.set_data_retention_policy_delete_older(workspace.id, older)
    read = tfe.workspaces.read_data_retention_policy(workspace.id)
    assert (read.id, read.delete_older_than_n_days) == (made.id, 60)
    changed = tfe.workspaces.set_data_retention_policy(
        workspace.id, DataRetentionPolicySetOptions(delete_older_than_n_days=7)
    )
    assert changed.delete_older_than_n_days == 7
    kept = tfe.workspaces.set_data_retention_policy_dont_delete(workspace.id)
    # The client reads only policies that delete.
    read = api.get(policy)
    assert (read["type"], read["id"]) == ("data-retention-policy-dont-deletes", kept.id)
    tfe.workspaces.delete_data_retention_policy(workspace.id)
    with pytest.raises(NotFound):
        tfe.workspaces.read_data_retention_policy(workspace.id)


def test_a_configuration_is_deleted_in_two_steps(tfe, api, workspace, tmp_path):
    def status() -> str:
        """The client does not know the status of what is deleted."""
        return api.get(f"configuration-versions/{old.id}")["attributes"]["status"]

    old = upload(tfe, workspace, tmp_path, RESOURCE)
    upload(tfe, workspace, tmp_path, RESOURCE + "\n")
    versions = tfe.configuration_versions
    versions.soft_delete_backing_data(old.id)
    assert status() == "backing_data_soft_deleted"
    with pytest.raises(TFEError):
        versions.download(old.id)
    versions.restore_backing_data(old.id)
    assert versions.download(old.id)[:2] == b"\x1f\x8b"
    versions.soft_delete_backing_data(old.id)
    versions.permanently_delete_backing_data(old.id)
    assert status() == "backing_data_permanently_deleted"
    with pytest.raises(TFEError):
        versions.restore_backing_data(old.id)


def test_a_configuration_is_archived(tfe, workspace, tmp_path):
    old = upload(tfe, workspace, tmp_path, RESOURCE)
    upload(tfe, workspace, tmp_path, RESOURCE + "\n")
    tfe.configuration_versions.archive(old.id)
    assert tfe.configuration_versions.read(old.id).status.value == "archived"


def test_a_state_is_deleted_in_two_steps(tfe, api, workspace):
    def status() -> str:
        return api.get(f"state-versions/{old.id}")["attributes"]["status"]

    old, _ = upload_state(tfe, workspace, 1), upload_state(tfe, workspace, 2)
    states = tfe.state_versions
    states.soft_delete_backing_data(old.id)
    assert status() == "backing_data_soft_deleted"
    states.restore_backing_data(old.id)
    assert json.loads(states.download(old.id))["serial"] == 1
    states.soft_delete_backing_data(old.id)
    states.permanently_delete_backing_data(old.id)
    assert status() == "backing_data_permanently_deleted"
    with pytest.raises(TFEError):
        states.restore_backing_data(old.id)
    with pytest.raises(TFEError):
        states.soft_delete_backing_data(states.read_current(workspace.id).id)
