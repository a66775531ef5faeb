"""Policies, their sets, and what they say about runs, through HashiCorp's own Python client."""

import pytest
from pytfe.errors import NotFound, TFEError
from pytfe.models import (
    EnforcementLevel,
    Policy,
    PolicyCreateOptions,
    PolicyKind,
    PolicySetAddPoliciesOptions,
    PolicySetAddProjectExclusionsOptions,
    PolicySetAddProjectsOptions,
    PolicySetAddWorkspaceExclusionsOptions,
    PolicySetAddWorkspacesOptions,
    PolicySetCreateOptions,
    PolicySetIncludeOpt,
    PolicySetListOptions,
    PolicySetParameterCreateOptions,
    PolicySetParameterUpdateOptions,
    PolicySetReadOptions,
    PolicySetRemovePoliciesOptions,
    PolicySetRemoveProjectExclusionsOptions,
    PolicySetRemoveProjectsOptions,
    PolicySetRemoveWorkspaceExclusionsOptions,
    PolicySetRemoveWorkspacesOptions,
    PolicySetUpdateOptions,
    PolicyUpdateOptions,
    ProjectCreateOptions,
    TaskStageIncludeOpt,
    TaskStageReadOptions,
)
from pytfe.models.policy_set_outcome import (
    PolicySetOutcomeListFilter,
    PolicySetOutcomeListOptions,
)

from harness.client_runs import RESOURCE, queue, reaches, upload
from harness.waiting import until

NOTHING_MORE = """\
package example

rule contains msg if {
  some change in input.plan.resource_changes
  "create" in change.change.actions
  msg := sprintf("%s must not be created", [change.address])
}
"""


def options(name: str, kind: PolicyKind = PolicyKind.OPA) -> PolicyCreateOptions:
    return PolicyCreateOptions(
        name=name,
        kind=kind,
        query="data.example.rule" if kind == PolicyKind.OPA else None,
        enforcement_level=EnforcementLevel.ENFORCEMENT_MANDATORY
        if kind == PolicyKind.OPA
        else EnforcementLevel.ENFORCEMENT_SOFT,
    )


@pytest.fixture
def policy(tfe, organization, name) -> Policy:
    made = tfe.policies.create(organization, options(name))
    tfe.policies.upload(made.id, NOTHING_MORE.encode())
    return made


@pytest.fixture
def policy_set(tfe, organization, name):
    return tfe.policy_sets.create(
        organization, PolicySetCreateOptions(name=name, kind=PolicyKind.OPA)
    )


def test_policies(tfe, organization, policy, name):
    read = tfe.policies.read(policy.id)
    assert (read.name, read.kind, read.query) == (name, PolicyKind.OPA, "data.example.rule")
    assert tfe.policies.download(policy.id) == NOTHING_MORE.encode()
    assert policy.id in [found.id for found in tfe.policies.list(organization)]
    changed = tfe.policies.update(
        policy.id,
        PolicyUpdateOptions(
            description="changed", enforcement_level=EnforcementLevel.ENFORCEMENT_ADVISORY
        ),
    )
    assert changed.description == "changed"
    assert changed.enforcement_level == EnforcementLevel.ENFORCEMENT_ADVISORY
    assert changed.query == "data.example.rule"
    tfe.policies.delete(policy.id)
    with pytest.raises(NotFound):
        tfe.policies.read(policy.id)


def test_policy_sets(tfe, organization, policy_set, name):
    found = tfe.policy_sets.list(
        organization, PolicySetListOptions(search=name, kind=PolicyKind.OPA)
    )
    assert [one.id for one in found] == [policy_set.id]
    changed = tfe.policy_sets.update(
        policy_set.id, PolicySetUpdateOptions(description="changed", overridable=True)
    )
    assert (changed.name, changed.description, changed.overridable) == (name, "changed", True)
    tfe.policy_sets.delete(policy_set.id)
    with pytest.raises(NotFound):
        tfe.policy_sets.read(policy_set.id)


def test_members_of_a_policy_set(tfe, organization, policy, policy_set, workspace, name):
    project = tfe.projects.create(organization, ProjectCreateOptions(name=name[:40]))
    sets, ours = tfe.policy_sets, policy_set.id

    def members(relation: str) -> list[str]:
        included = PolicySetReadOptions(include=[PolicySetIncludeOpt(relation)])
        read = sets.read_with_options(ours, included)
        return [member.id for member in getattr(read, relation)]

    sets.add_policies(ours, PolicySetAddPoliciesOptions(policies=[policy]))
    assert members("policies") == [policy.id]
    assert sets.read(ours).policy_count == 1
    sets.remove_policies(ours, PolicySetRemovePoliciesOptions(policies=[policy]))
    assert members("policies") == []

    sets.add_workspaces(ours, PolicySetAddWorkspacesOptions(workspaces=[workspace]))
    assert members("workspaces") == [workspace.id]
    sets.remove_workspaces(ours, PolicySetRemoveWorkspacesOptions(workspaces=[workspace]))
    assert members("workspaces") == []

    excluded = PolicySetAddWorkspaceExclusionsOptions(workspace_exclusions=[workspace])
    sets.add_workspace_exclusions(ours, excluded)
    assert members("workspace_exclusions") == [workspace.id]
    excluded = PolicySetRemoveWorkspaceExclusionsOptions(workspace_exclusions=[workspace])
    sets.remove_workspace_exclusions(ours, excluded)
    assert members("workspace_exclusions") == []

    sets.add_projects(ours, PolicySetAddProjectsOptions(projects=[project]))
    assert members("projects") == [project.id]
    sets.remove_projects(ours, PolicySetRemoveProjectsOptions(projects=[project]))
    assert members("projects") == []

    excluded = PolicySetAddProjectExclusionsOptions(project_exclusions=[project])
    sets.add_project_exclusions(ours, excluded)
    assert members("project_exclusions") == [project.id]
    excluded = PolicySetRemoveProjectExclusionsOptions(project_exclusions=[project])
    sets.remove_project_exclusions(ours, excluded)
    assert members("project_exclusions") == []


def test_parameters_of_a_policy_set(tfe, policy_set):
    parameters, ours = tfe.policy_set_parameters, policy_set.id
    secret = parameters.create(
        ours, PolicySetParameterCreateOptions(key="secret", value="s", sensitive=True)
    )
    plain = parameters.create(ours, PolicySetParameterCreateOptions(key="plain", value="1"))
    assert parameters.read(ours, plain.id).value == "1"
    assert not parameters.read(ours, secret.id).value
    changed = parameters.update(ours, plain.id, PolicySetParameterUpdateOptions(value="2"))
    assert (changed.key, changed.value) == ("plain", "2")
    assert {found.key for found in parameters.list(ours)} == {"secret", "plain"}
    parameters.delete(ours, plain.id)
    assert [found.key for found in parameters.list(ours)] == ["secret"]


def test_a_version_of_a_policy_set_is_uploaded(tfe, policy_set, tmp_path):
    (tmp_path / "rule.rego").write_text(NOTHING_MORE)
    (tmp_path / "policies.hcl").write_text(
        'policy "nothing-more" {\n'
        '  query             = "data.example.rule"\n'
        '  enforcement_level = "mandatory"\n'
        "}\n"
    )
    version = tfe.policy_set_versions.create(policy_set.id)
    assert version.status.value == "pending"
    tfe.policy_set_versions.upload(version, str(tmp_path))
    until(
        lambda: tfe.policy_set_versions.read(version.id).status.value == "ready",
        "the version is ready",
    )
    read = tfe.policy_sets.read(policy_set.id)
    assert read.current_version.id == version.id
    assert read.policy_count == 1


def test_what_policies_say_about_a_run(tfe, policy, policy_set, workspace, tmp_path):
    tfe.policy_sets.update(policy_set.id, PolicySetUpdateOptions(overridable=True))
    tfe.policy_sets.add_policies(policy_set.id, PolicySetAddPoliciesOptions(policies=[policy]))
    to = PolicySetAddWorkspacesOptions(workspaces=[workspace])
    tfe.policy_sets.add_workspaces(policy_set.id, to)
    upload(tfe, workspace, tmp_path, RESOURCE)
    run = reaches(tfe, queue(tfe, workspace), "post_plan_awaiting_decision")

    [stage] = tfe.task_stages.list(run.id)
    assert (stage.stage.value, stage.status.value) == ("post_plan", "awaiting_override")
    with_evaluations = TaskStageReadOptions(
        include=[TaskStageIncludeOpt.TASK_STAGE_POLICY_EVALUATIONS]
    )
    [included] = tfe.task_stages.read(stage.id, with_evaluations).policy_evaluations
    [evaluation] = tfe.policy_evaluations.list(stage.id)
    assert evaluation.id == included.id
    assert (evaluation.status.value, evaluation.policy_kind) == ("failed", PolicyKind.OPA)
    assert evaluation.result_count.mandatory_failed == 1
    assert evaluation.policy_attachable.id == stage.id

    [outcome] = tfe.policy_set_outcomes.list(evaluation.id)
    assert outcome.policy_set_name == policy_set.name
    assert [one.status for one in outcome.outcomes] == ["failed"]
    assert outcome.outcomes[0].model_extra["output"] == [
        {"print": "terraform_data.a must not be created"}
    ]
    passed = PolicySetOutcomeListFilter(status="passed")
    only_passed = PolicySetOutcomeListOptions(filter={"0": passed}, page_size=20)
    assert list(tfe.policy_set_outcomes.list(evaluation.id, only_passed)) == []
    assert tfe.policy_set_outcomes.read(outcome.id).id == outcome.id

    overridden = tfe.task_stages.override(stage.id, comment="this once")
    assert overridden.id == stage.id
    tfe.runs.apply(reaches(tfe, run, "post_plan_completed").id)
    reaches(tfe, run, "applied")
    assert tfe.task_stages.read(stage.id).status.value == "passed"


def test_policy_checks(tfe, organization, workspace, name, tmp_path):
    """What Sentinel says: counts, traces and a log; and somebody who overrides it."""
    policy = tfe.policies.create(organization, options(name, PolicyKind.SENTINEL))
    tfe.policies.upload(policy.id, b"main = rule { false }")
    made = tfe.policy_sets.create(
        organization, PolicySetCreateOptions(name=name, kind=PolicyKind.SENTINEL)
    )
    tfe.policy_sets.add_policies(made.id, PolicySetAddPoliciesOptions(policies=[policy]))
    to = PolicySetAddWorkspacesOptions(workspaces=[workspace])
    tfe.policy_sets.add_workspaces(made.id, to)
    upload(tfe, workspace, tmp_path, RESOURCE)
    run = reaches(tfe, queue(tfe, workspace), "policy_override")
    [check] = tfe.policy_checks.list(run.id)
    read = tfe.policy_checks.read(check.id)
    assert read.status.value == "soft_failed"
    assert read.run.id == run.id
    assert read.actions.is_overridable is True
    assert read.permissions.can_override is True
    assert (read.result.passed, read.result.soft_failed) == (0, 1)
    assert read.result.result is False
    assert isinstance(read.result.sentinel, dict)
    log = tfe.policy_checks.logs(check.id)
    assert "1 policies evaluated" in log
    assert f"## Policy 1: {name}/{name} (soft-mandatory)" in log
    overridden = tfe.policy_checks.override(check.id)
    assert overridden.status.value == "overridden"
    reaches(tfe, run, "policy_checked")
    with pytest.raises(TFEError):
        tfe.policy_checks.override(check.id)
