"""What stands around runs, through HashiCorp's own Python client."""

import pytest
from pytfe.errors import NotFound, TFEError
from pytfe.models import (
    CategoryType,
    CommentCreateOptions,
    ProjectCreateOptions,
    RunCancelOptions,
    RunDiscardOptions,
    RunEventIncludeOpt,
    RunEventReadOptions,
    RunIncludeOpt,
    RunListForOrganizationOptions,
    RunReadOptions,
    RunTriggerCreateOptions,
    RunTriggerFilterOp,
    RunTriggerListOptions,
    VariableSetApplyToProjectsOptions,
    VariableSetApplyToWorkspacesOptions,
    VariableSetCreateOptions,
    VariableSetRemoveFromProjectsOptions,
    VariableSetRemoveFromWorkspacesOptions,
    VariableSetUpdateOptions,
    VariableSetUpdateWorkspacesOptions,
    VariableSetVariableCreateOptions,
    VariableSetVariableUpdateOptions,
    WorkspaceCreateOptions,
)

from harness.client_runs import RESOURCE, queue, reaches, upload


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


def test_variables_of_a_set_and_where_it_holds(tfe, organization, name):
    project = tfe.projects.create(organization, ProjectCreateOptions(name=name[:40]))
    inside = tfe.workspaces.create(organization, WorkspaceCreateOptions(name=f"{name}-inside"))
    outside = tfe.workspaces.create(organization, WorkspaceCreateOptions(name=f"{name}-outside"))
    tfe.projects.move_workspaces(project.id, [inside.id])
    sets = tfe.variable_sets
    ours = sets.create(organization, VariableSetCreateOptions(name=name, **{"global": False})).id
    assert ours in [found.id for found in sets.list(organization)]

    variable = tfe.variable_set_variables.create(
        ours,
        VariableSetVariableCreateOptions(key="region", value="north", category=CategoryType.ENV),
    )
    changed = tfe.variable_set_variables.update(
        ours, variable.id, VariableSetVariableUpdateOptions(value="south", description="moved")
    )
    assert (changed.key, changed.value, changed.description) == ("region", "south", "moved")
    assert tfe.variable_set_variables.read(ours, variable.id).value == "south"

    def holds_for(workspace) -> bool:
        applied = ours in [found.id for found in sets.list_for_workspace(workspace.id)]
        # What a workspace could be given is what it does not have.
        possible = tfe.workspaces.list_applicable_varsets(workspace.id)
        assert applied != (ours in [found["id"] for found in possible])
        return applied

    sets.apply_to_projects(ours, VariableSetApplyToProjectsOptions(projects=[project]))
    assert [found.id for found in sets.list_for_project(project.id)] == [ours]
    assert (holds_for(inside), holds_for(outside)) == (True, False)
    sets.remove_from_projects(ours, VariableSetRemoveFromProjectsOptions(projects=[project]))
    assert list(sets.list_for_project(project.id)) == []

    sets.apply_to_workspaces(ours, VariableSetApplyToWorkspacesOptions(workspaces=[outside]))
    assert (holds_for(inside), holds_for(outside)) == (False, True)
    updated = sets.update_workspaces(ours, VariableSetUpdateWorkspacesOptions(workspaces=[inside]))
    assert updated.id == ours
    assert (holds_for(inside), holds_for(outside)) == (True, False)
    sets.remove_from_workspaces(
        ours, VariableSetRemoveFromWorkspacesOptions(workspaces=[inside])
    )
    assert (holds_for(inside), holds_for(outside)) == (False, False)

    changed = sets.update(
        ours, VariableSetUpdateOptions(name=f"{name}-2", priority=True, **{"global": True})
    )
    assert (changed.name, changed.global_, changed.priority) == (f"{name}-2", True, True)
    assert (holds_for(inside), holds_for(outside)) == (True, True)
    sets.delete(ours)


def test_events_of_a_run(tfe, workspace, tmp_path):
    upload(tfe, workspace, tmp_path, RESOURCE)
    run = reaches(tfe, queue(tfe, workspace), "planned")
    tfe.runs.discard(run.id, RunDiscardOptions(comment="not today"))
    reaches(tfe, run, "discarded")
    events = {event.action: event for event in tfe.run_events.list(run.id)}
    assert {"created", "planning", "discarded"} <= set(events)
    discarded = events["discarded"]
    assert tfe.run_events.read(discarded.id).description == discarded.description
    with_everything = RunEventReadOptions(
        include=[RunEventIncludeOpt.RUN_EVENT_ACTOR, RunEventIncludeOpt.RUN_EVENT_COMMENT]
    )
    read = tfe.run_events.read_with_options(events["commented"].id, with_everything)
    assert read.actor.username == "admin"
    assert read.comment.body == "not today"


def test_runs_wait_are_found_and_are_canceled(tfe, organization, workspace, tmp_path):
    upload(tfe, workspace, tmp_path, RESOURCE)
    first = reaches(tfe, queue(tfe, workspace), "planned")
    waiting = queue(tfe, workspace, message="second in line")
    tfe.runs.cancel(waiting.id, RunCancelOptions(comment="no need"))
    reaches(tfe, waiting, "canceled")
    with pytest.raises(TFEError):
        tfe.runs.force_cancel(waiting.id)

    urgent = queue(tfe, workspace, message="urgent")
    tfe.runs.force_execute(urgent.id)
    reaches(tfe, first, "discarded")
    reaches(tfe, urgent, "planned")
    found = tfe.runs.list_for_organization(
        organization,
        RunListForOrganizationOptions(workspace_names=workspace.name, status="canceled"),
    )
    assert [run.id for run in found] == [waiting.id]
    included = RunReadOptions(include=[RunIncludeOpt.RUN_PLAN, RunIncludeOpt.RUN_CREATED_BY])
    read = tfe.runs.read_with_options(urgent.id, included)
    assert read.plan.resource_additions == 1
    assert read.created_by.username == "admin"

    plan = tfe.plans.read_for_run(urgent.id)
    assert (plan.id, plan.status.value) == (read.plan.id, "finished")
    changes = tfe.plans.read_json_output_for_run(urgent.id)["resource_changes"]
    assert [change["address"] for change in changes] == ["terraform_data.a"]
    # The client itself does not read logs yet; that there is an address is all that it checks.
    assert tfe.plans.logs(plan.id) == ""
    tfe.runs.discard(urgent.id)


def test_a_configuration_is_shown_with_its_readme(tfe, workspace, tmp_path):
    (tmp_path / "README.md").write_text("# What this is for\n")
    upload(tfe, workspace, tmp_path, RESOURCE)
    assert tfe.workspaces.readme(workspace.id) == "# What this is for\n"


def test_comments(tfe, workspace, tmp_path):
    upload(tfe, workspace, tmp_path, 'output "a" {\n  value = 1\n}\n')
    run = queue(tfe, workspace)
    made = tfe.comments.create(run.id, CommentCreateOptions(body="looks good"))
    assert tfe.comments.read(made.id).body == "looks good"
    assert [found.body for found in tfe.comments.list(run.id)] == ["looks good"]
