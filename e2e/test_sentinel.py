"""Policies in Sentinel's language, at a terminal: in policy checks, which every command line knows, and in task stages."""

import httpx
import pytest

from harness.api import archive, succeeded
from harness.configurations import Configurations
from harness.waiting import until

AGREES = "main = rule { true }"
NOTHING_MORE = """\
# Nothing more is created.

import "tfplan/v2" as tfplan
import "tfrun"

created = filter tfplan.resource_changes as _, change {
  change.change.actions contains "create"
}
for created as address, _ {
  print(address, "must not be created in", tfrun.workspace.name)
}
# What is there stays.
main = rule { created is empty }
"""
COMPLETE = "Apply complete! Resources: 1 added, 0 changed, 0 destroyed."
OLD_AND_NEW = pytest.mark.parametrize(
    ("version", "backend"),
    [("1.0.3", "remote"), ("1.8.4", "cloud"), ("1.15.5", "remote"), ("1.15.5", "cloud")],
)


@pytest.fixture
def attach(api, org, name):
    """Makes a set for the test's workspace, with a policy in it."""

    def make(level: str, code: str = NOTHING_MORE, **attributes) -> str:
        policy = api.create(
            f"organizations/{org.name}/policies",
            "policies",
            {"name": f"{name}-tags", "kind": "sentinel", "enforcement-level": level},
        )
        succeeded(api.http.put(f"policies/{policy['id']}/upload", content=code.encode()))
        made = api.create(
            f"organizations/{org.name}/policy-sets",
            "policy-sets",
            {"name": f"{name}-set", "kind": "sentinel", **attributes},
            policies=[{"type": "policies", "id": policy["id"]}],
            workspaces=[{"type": "workspaces", "id": org.workspace_id(name)}],
        )
        return made["id"]

    return make


@OLD_AND_NEW
def test_what_a_policy_check_agrees_with_is_applied(
    project, org, name, attach, version, backend
):
    terraform = project(Configurations(version).resource("a"), backend, version)
    attach("hard-mandatory", AGREES)
    apply = terraform.run("apply", "-auto-approve")
    assert "organization policy check" in apply.flat.lower()
    assert "Sentinel Result: true" in apply.out
    assert "1 policies evaluated." in apply.out
    assert COMPLETE in apply.out
    assert org.last_run(name)["attributes"]["status"] == "applied"


@OLD_AND_NEW
def test_a_policy_that_only_advises_is_shown_and_stops_nothing(
    project, org, name, attach, version, backend
):
    hcl = Configurations(version)
    terraform = project(hcl.resource("a"), backend, version)
    attach("advisory")
    apply = terraform.run("apply", "-auto-approve")
    assert "Sentinel Result: true" in apply.out
    assert f"## Policy 1: {name}-set/{name}-tags (advisory)" in apply.out
    assert f"{hcl.address('a')} must not be created in {name}" in apply.flat
    assert COMPLETE in apply.out


@OLD_AND_NEW
def test_a_hard_mandatory_policy_stops_the_run(project, org, name, attach, version, backend):
    terraform = project(Configurations(version).resource("a"), backend, version)
    attach("hard-mandatory")
    apply = terraform.run("apply", "-auto-approve", code=1)
    assert "organization policy check hard failed." in apply.flat.lower()
    assert 'Rule "main"' in apply.out
    assert "What is there stays." in apply.out
    assert org.last_run(name)["attributes"]["status"] == "errored"
    assert org.workspace(name)["attributes"]["locked"] is False
    assert org.workspace(name)["relationships"]["current-state-version"]["data"] is None


@OLD_AND_NEW
def test_somebody_overrides_at_the_prompt(project, org, name, attach, version, backend):
    terraform = project(Configurations(version).resource("a"), backend, version)
    attach("soft-mandatory")
    apply = terraform.talk("apply")
    apply.expect("Do you want to override the soft failed policy check?")
    assert org.last_run(name)["attributes"]["status"] == "policy_override"
    apply.answer("override")
    apply.expect("Do you want to perform these actions")
    apply.answer("yes")
    assert COMPLETE in apply.ends(0).out
    assert org.last_run(name)["attributes"]["status"] == "applied"


def test_whoever_does_not_override_discards_the_run(project, hcl, org, name, attach):
    terraform = project(hcl.resource("a"))
    attach("soft-mandatory")
    apply = terraform.talk("apply")
    apply.expect("Do you want to override the soft failed policy check?")
    apply.answer("no")
    apply.ends(1)
    assert org.last_run(name)["attributes"]["status"] == "discarded"


@OLD_AND_NEW
def test_a_speculative_plan_that_a_check_refuses_fails(
    project, org, name, attach, version, backend
):
    terraform = project(Configurations(version).resource("a"), backend, version)
    attach("soft-mandatory")
    plan = terraform.run("plan", code=1)
    assert "organization policy check soft failed." in plan.flat.lower()
    assert org.last_run(name)["attributes"]["status"] == "policy_soft_failed"


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("main = rule { 1 / 0 }", "an integer cannot be divided by zero"),
        ("for range(100000) as i { for range(100000) as j { k = j } }\nmain = true", "more than"),
    ],
    ids=["mistake", "endless"],
)
def test_a_policy_that_errs_or_never_ends_stops_the_run(
    project, hcl, org, name, attach, code, why
):
    terraform = project(hcl.resource("a"))
    attach("hard-mandatory", code)
    apply = terraform.run("apply", "-auto-approve", code=1)
    assert "An error occurred:" in apply.out
    assert why in apply.flat
    assert "organization policy check hard failed." in apply.flat.lower()
    assert org.last_run(name)["attributes"]["status"] == "errored"


def test_in_a_task_stage_policies_are_shown_one_by_one(project, hcl, org, name, attach):
    terraform = project(hcl.resource("a"))
    attach("soft-mandatory", overridable=True, **{"agent-enabled": True})
    apply = terraform.talk("apply")
    apply.expect("Sentinel Policy Evaluation")
    apply.expect("Overall Result: FAILED")
    apply.expect("Do you want to override the failed policies?")
    apply.answer("override")
    apply.expect("Do you want to perform these actions")
    apply.answer("yes")
    assert COMPLETE in apply.ends(0).out
    assert org.last_run(name)["attributes"]["status"] == "applied"


def test_fifty_policies_of_an_archive_are_asked(project, hcl, api, org, name):
    terraform = project(hcl.resource("a"))
    made = api.create(
        f"organizations/{org.name}/policy-sets",
        "policy-sets",
        {"name": f"{name}-archive", "kind": "sentinel"},
        workspaces=[{"type": "workspaces", "id": org.workspace_id(name)}],
    )
    version = succeeded(api.call("POST", f"policy-sets/{made['id']}/versions")).json()["data"]
    numbers = range(50)
    manifest = 'module "rules" {\n source = "./modules/rules.sentinel"\n}\n' + "\n".join(
        f'policy "p{n}" {{\n source = "./policies/p{n}.sentinel"\n'
        f' enforcement_level = "hard-mandatory"\n params = {{ most = {n} }}\n}}'
        for n in numbers
    )
    files = {
        "sentinel.hcl": manifest,
        "modules/rules.sentinel": 'import "tfplan/v2" as tfplan\n'
        "count = func() { return length(tfplan.resource_changes) }\n",
    }
    policy = 'import "rules"\nparam most\nmain = rule { rules.count() <= most }\n'
    files |= {f"policies/p{n}.sentinel": policy for n in numbers}
    succeeded(httpx.put(version["links"]["upload"], content=archive(files), timeout=30))
    path = f"policy-set-versions/{version['id']}"
    until(lambda: api.get(path)["attributes"]["status"] == "ready", "it is ready")
    plan = terraform.run("plan", code=1)
    assert "50 policies evaluated." in plan.out
    check = api.get(f"runs/{org.last_run(name)['id']}/policy-checks")[0]
    result = check["attributes"]["result"]
    # One resource is one more than none.
    assert (result["passed"], result["hard-failed"]) == (49, 1)
