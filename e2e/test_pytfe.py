"""HashiCorp's own Python client, through its public calls."""

import json
import uuid

import pytest
from pytfe.errors import NotFound, TFEError
from pytfe.models import (
    CategoryType,
    ConfigurationVersionCreateOptions,
    OrganizationCreateOptions,
    OrganizationUpdateOptions,
    ProjectCreateOptions,
    ProjectUpdateOptions,
    ReadRunQueueOptions,
    RunApplyOptions,
    RunVariable,
    StateVersionListOptions,
    Tag,
    TagBinding,
    VariableCreateOptions,
    VariableUpdateOptions,
    WorkspaceAddTagBindingsOptions,
    WorkspaceAddTagsOptions,
    WorkspaceCreateOptions,
    WorkspaceListOptions,
    WorkspaceLockOptions,
    WorkspaceUpdateOptions,
)

from harness.client_runs import queue, reaches
from harness.client_states import state, state_options
from harness.waiting import until

CONFIGURATION = """\
variable "greeting" {
  type = string
}
variable "secret" {
  type      = string
  sensitive = true
}
resource "terraform_data" "a" {
  input = var.greeting
}
output "greeting" {
  value = terraform_data.a.output
}
output "secret" {
  value     = var.secret
  sensitive = true
}
"""


def test_an_organization_from_creation_to_deletion(tfe):
    name = f"pytfe-{uuid.uuid4().hex[:8]}"
    made = tfe.organizations.create(OrganizationCreateOptions(name=name, email="a@example.com"))
    assert made.name == name
    assert tfe.organizations.read(name).email == "a@example.com"
    assert name in [found.name for found in tfe.organizations.list()]
    changed = tfe.organizations.update(name, OrganizationUpdateOptions(email="b@example.com"))
    assert changed.email == "b@example.com"
    assert tfe.organizations.read_entitlements(name).operations is True
    assert tfe.organizations.read_capacity(name).running == 0
    assert tfe.organizations.read_run_queue(name, ReadRunQueueOptions()).items == []
    tfe.organizations.delete(name)
    with pytest.raises(NotFound):
        tfe.organizations.read(name)


def test_projects(tfe, organization):
    made = tfe.projects.create(organization, ProjectCreateOptions(name="Network", description="n"))
    assert tfe.projects.read(made.id).name == "Network"
    assert {p.name for p in tfe.projects.list(organization)} >= {"Network", "Default Project"}
    changed = tfe.projects.update(made.id, ProjectUpdateOptions(name="Networks"))
    assert changed.name == "Networks"
    tfe.projects.delete(made.id)
    with pytest.raises(NotFound):
        tfe.projects.read(made.id)


def test_workspaces(tfe, organization, workspace, name):
    assert tfe.workspaces.read(name, organization=organization).id == workspace.id
    assert tfe.workspaces.read_by_id(workspace.id).name == name
    options = WorkspaceUpdateOptions(name=f"{name}-2", auto_apply=True, description="changed")
    changed = tfe.workspaces.update(name, options, organization=organization)
    assert (changed.name, changed.auto_apply, changed.description) == (f"{name}-2", True, "changed")
    found = tfe.workspaces.list(organization, WorkspaceListOptions(search=f"{name}-2"))
    assert [w.id for w in found] == [workspace.id]

    locked = tfe.workspaces.lock(workspace.id, WorkspaceLockOptions(reason="testing"))
    assert locked.locked is True
    with pytest.raises(TFEError):
        tfe.workspaces.lock(workspace.id, WorkspaceLockOptions(reason="again"))
    assert tfe.workspaces.unlock(workspace.id).locked is False
    tfe.workspaces.lock(workspace.id, WorkspaceLockOptions(reason="testing"))
    assert tfe.workspaces.force_unlock(workspace.id).locked is False

    tfe.workspaces.safe_delete_by_id(workspace.id)
    with pytest.raises(NotFound):
        tfe.workspaces.read_by_id(workspace.id)


def test_tags_and_tag_bindings(tfe, workspace):
    tfe.workspaces.add_tags(workspace.id, WorkspaceAddTagsOptions(tags=[Tag(name="plain")]))
    assert [tag.name for tag in tfe.workspaces.list_tags(workspace.id)] == ["plain"]
    options = WorkspaceAddTagBindingsOptions(tag_bindings=[TagBinding(key="tier", value="web")])
    list(tfe.workspaces.add_tag_bindings(workspace.id, options))
    bindings = {(b.key, b.value or "") for b in tfe.workspaces.list_tag_bindings(workspace.id)}
    assert bindings == {("plain", ""), ("tier", "web")}


def test_variables(tfe, workspace):
    secret = tfe.variables.create(
        workspace.id,
        VariableCreateOptions(
            key="secret", value="s", category=CategoryType.TERRAFORM, sensitive=True
        ),
    )
    plain = tfe.variables.create(
        workspace.id, VariableCreateOptions(key="PLAIN", value="1", category=CategoryType.ENV)
    )
    assert tfe.variables.read(workspace.id, plain.id).value == "1"
    assert not tfe.variables.read(workspace.id, secret.id).value
    options = VariableUpdateOptions(value="2", description="changed")
    assert tfe.variables.update(workspace.id, plain.id, options).value == "2"
    assert {v.key for v in tfe.variables.list(workspace.id)} == {"secret", "PLAIN"}
    tfe.variables.delete(workspace.id, plain.id)
    assert {v.key for v in tfe.variables.list_all(workspace.id)} == {"secret"}


def test_a_run_from_the_upload_to_its_outputs(tfe, workspace, tmp_path):
    for key, sensitive in (("greeting", False), ("secret", True)):
        tfe.variables.create(
            workspace.id,
            VariableCreateOptions(
                key=key, value=key, category=CategoryType.TERRAFORM, sensitive=sensitive
            ),
        )
    (tmp_path / "main.tf").write_text(CONFIGURATION)
    version = tfe.configuration_versions.create(
        workspace.id, ConfigurationVersionCreateOptions(auto_queue_runs=False)
    )
    tfe.configuration_versions.upload(version.upload_url, str(tmp_path))
    uploaded = until(
        lambda: (v := tfe.configuration_versions.read(version.id)).status.value == "uploaded" and v,
        "the configuration is uploaded",
    )
    assert uploaded.id in [v.id for v in tfe.configuration_versions.list(workspace.id)]
    assert tfe.configuration_versions.download(version.id)[:2] == b"\x1f\x8b"

    run = reaches(tfe, queue(tfe, workspace, message="by pytfe"), "planned")
    assert run.message == "by pytfe"
    assert run.has_changes is True
    assert run.actions.is_confirmable is True
    plan = tfe.plans.read(run.plan.id)
    assert (plan.status.value, plan.resource_additions) == ("finished", 1)
    changes = tfe.plans.read_json_output(run.plan.id)["resource_changes"]
    assert [change["address"] for change in changes] == ["terraform_data.a"]
    tfe.runs.apply(run.id, RunApplyOptions(comment="looks good"))
    applied = reaches(tfe, run, "applied")
    assert tfe.applies.read(applied.apply.id).resource_additions == 1
    assert run.id in [r.id for r in tfe.runs.list(workspace.id)]
    assert list(tfe.run_events.list(run.id))

    current = tfe.state_versions.read_current(workspace.id)
    content = json.loads(tfe.state_versions.download(current.id))
    assert content["outputs"]["greeting"]["value"] == "greeting"
    outputs = {o.name: o for o in tfe.state_version_outputs.read_current(workspace.id)}
    assert outputs["greeting"].value == "greeting"
    assert outputs["secret"].sensitive is True
    assert outputs["secret"].value is None
    assert tfe.state_version_outputs.read(outputs["secret"].id).value == "secret"

    discarded = reaches(tfe, queue(tfe, workspace, is_destroy=True), "planned")
    tfe.runs.discard(discarded.id)
    reaches(tfe, discarded, "discarded")
    with_variable = queue(
        tfe, workspace, plan_only=True, variables=[RunVariable(key="greeting", value='"another"')]
    )
    reaches(tfe, with_variable, "planned_and_finished")
    assert tfe.runs.read(with_variable.id).has_changes is True


def test_state_versions_uploaded_by_hand(tfe, organization, workspace, name):
    def upload(serial):
        content = state(serial)
        return tfe.state_versions.upload(
            workspace.id, raw_state=content, options=state_options(content, serial)
        )

    with pytest.raises(TFEError):
        upload(1)
    tfe.workspaces.lock(workspace.id, WorkspaceLockOptions(reason="upload"))
    upload(1)
    second = upload(2)
    assert tfe.state_versions.read_current(workspace.id).id == second.id
    assert json.loads(tfe.state_versions.download_current(workspace.id))["serial"] == 2
    with pytest.raises(TFEError):
        upload(1)
    listed = tfe.state_versions.list(
        StateVersionListOptions(organization=organization, workspace=name)
    )
    assert [version.serial for version in listed] == [2, 1]
    outputs = list(tfe.state_versions.list_outputs(second.id))
    assert [(output.name, output.value) for output in outputs] == [("serial", 2)]
    tfe.workspaces.unlock(workspace.id)
