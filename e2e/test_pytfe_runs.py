"""What stands around runs, through HashiCorp's own Python client."""

import pytest
from pytfe.errors import NotFound
from pytfe.models import (
    CategoryType,
    CommentCreateOptions,
    ConfigurationVersionCreateOptions,
    RunCreateOptions,
    RunTriggerCreateOptions,
    RunTriggerFilterOp,
    RunTriggerListOptions,
    VariableSetApplyToWorkspacesOptions,
    VariableSetCreateOptions,
    VariableSetVariableCreateOptions,
    Workspace,
    WorkspaceCreateOptions,
)


def test_variable_sets(tfe, organization, workspace, name):
    made = tfe.variable_sets.create(
        organization, VariableSetCreateOptions(name=name, **{"global": False})
    )
    options = VariableSetVariableCreateOptions(
        key="region", value="north", category=CategoryType.TERRAFORM, sensitive=True
    )
    variable = tfe.variable_set_variables.create(made.id, options)
    assert variable.value in (None, "")
    assert [found.key for found in tfe.variable_set_variables.list(made.id)] == ["region"]
    to = VariableSetApplyToWorkspacesOptions(workspaces=[workspace])
    tfe.variable_sets.apply_to_workspaces(made.id, to)
    assert [found.id for found in tfe.variable_sets.list_for_workspace(workspace.id)] == [made.id]
    assert "region" in [found.key for found in tfe.variables.list_all(workspace.id)]
    tfe.variable_set_variables.delete(made.id, variable.id)
    tfe.variable_sets.delete(made.id)
    with pytest.raises(NotFound):
        tfe.variable_sets.read(made.id)


def test_run_triggers(tfe, organization, workspace, name):
    source = tfe.workspaces.create(organization, WorkspaceCreateOptions(name=f"{name}-source"))
    made = tfe.run_triggers.create(workspace.id, RunTriggerCreateOptions(sourceable=source))
    assert tfe.run_triggers.read(made.id).id == made.id
    inbound = RunTriggerListOptions(run_trigger_type=RunTriggerFilterOp.RUN_TRIGGER_INBOUND)
    assert [found.id for found in tfe.run_triggers.list(workspace.id, inbound)] == [made.id]
    assert list(tfe.run_triggers.list(source.id, inbound)) == []
    tfe.run_triggers.delete(made.id)
    with pytest.raises(NotFound):
        tfe.run_triggers.read(made.id)


def test_comments(tfe, workspace, tmp_path):
    (tmp_path / "main.tf").write_text('output "a" {\n  value = 1\n}\n')
    options = ConfigurationVersionCreateOptions(auto_queue_runs=False)
    version = tfe.configuration_versions.create(workspace.id, options)
    tfe.configuration_versions.upload(version.upload_url, str(tmp_path))
    run = tfe.runs.create(RunCreateOptions(workspace=Workspace(id=workspace.id)))
    made = tfe.comments.create(run.id, CommentCreateOptions(body="looks good"))
    assert tfe.comments.read(made.id).body == "looks good"
    assert [found.body for found in tfe.comments.list(run.id)] == ["looks good"]
