"""What site administrators and people about themselves do, through HashiCorp's own Python client."""

import uuid

import pytest
from pytfe import TFEClient, TFEConfig
from pytfe.errors import NotFound, TFEError
from pytfe.models import WorkspaceCreateOptions
from pytfe.models.admin_version import (
    TerraformVersion,
    TerraformVersionCreateOptions,
    TerraformVersionUpdateOptions,
    ToolVersionArchitecture,
)
from pytfe.models.user import UserUpdateCurrentOptions

from harness.waiting import until

URL = "https://releases.example.com/terraform_linux_amd64.zip"
SHA = "0123456789abcdef" * 4


def test_terraform_versions(tfe, organization, name):
    versions = tfe.admin.terraform_versions
    number = f"0.1.2-{uuid.uuid4().hex[:8]}"
    made = versions.create(
        TerraformVersionCreateOptions(version=number, url=URL, sha=SHA, beta=True)
    )
    read = versions.read(made.id)
    assert (read.version, read.url, read.sha) == (number, URL, SHA)
    assert (read.official, read.enabled, read.beta, read.usage) == (False, True, True, 0)
    default = ToolVersionArchitecture(url=URL, sha=SHA, os="linux", arch="amd64")
    assert read.archs == [default]
    assert number in [found.version for found in versions.list()]

    arm = ToolVersionArchitecture(url=f"{URL}.arm", sha=SHA, os="linux", arch="arm64")
    changed = versions.update(
        made.id,
        TerraformVersionUpdateOptions(
            archs=[default, arm], deprecated=True, deprecated_reason="for tests alone"
        ),
    )
    assert changed.archs == [default, arm]
    assert (changed.deprecated, changed.deprecated_reason) == (True, "for tests alone")
    with pytest.raises(TFEError):
        versions.update(made.id, TerraformVersionUpdateOptions(sha="short"))

    workspace = tfe.workspaces.create(
        organization, WorkspaceCreateOptions(name=name, terraform_version=number)
    )
    assert versions.read(made.id).usage == 1
    with pytest.raises(TFEError):
        versions.delete(made.id)
    tfe.workspaces.delete_by_id(workspace.id)
    versions.delete(made.id)
    with pytest.raises(NotFound):
        versions.read(made.id)


def test_what_agents_have_at_hand_is_listed(tfe, server):
    def known() -> dict[str, TerraformVersion]:
        """What the agent of a server that has just started may not have told yet, is only listed."""
        found = {version.version: version for version in tfe.admin.terraform_versions.list()}
        return found if all(found[version].enabled for version in server.versions) else {}

    found = until(known, "the agent has told what it has")
    for version in server.versions:
        assert found[version].url.endswith(f"/terraform_{version}_linux_amd64.zip")
    only_listed = found["1.9.8"]
    assert (only_listed.official, only_listed.enabled) == (True, False)
    assert only_listed.url.endswith("/terraform/1.9.8/terraform_1.9.8_linux_amd64.zip")


def test_people_about_themselves(tfe):
    me = tfe.users.read_current()
    assert me.username == "admin"
    assert me.is_service_account is False
    assert tfe.users.read(me.id).username == "admin"
    changed = tfe.users.update_current(UserUpdateCurrentOptions(email="root@example.com"))
    assert (changed.username, changed.email) == ("admin", "root@example.com")
    assert tfe.users.read_current().email == "root@example.com"


def test_a_token_of_an_organization_is_no_administrator(tfe, server, organization):
    token = tfe.organization_tokens.create(organization).token
    with TFEClient(TFEConfig(address=server.address, token=token, http2=False)) as client:
        with pytest.raises(NotFound):
            list(client.admin.terraform_versions.list())
