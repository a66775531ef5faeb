"""Policies in Sentinel's language, at a terminal: in policy checks, which every command line knows, and in task stages."""

import io
import os
import subprocess
import tarfile

import pytest

from harness.api import succeeded
from harness.configurations import Configurations
from harness.policies import Policies
from harness.server import ADMIN_TOKEN, binary
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
GROWS = "for range(100000) as i { for range(100000) as j { k = j } }\nmain = true"
SLOW = """import "decimal"
n = decimal.new("1e2000000000")
for range(1000000) as i { x = n.ln() }
main = true
"""
COMPLETE = "Apply complete! Resources: 1 added, 0 changed, 0 destroyed."
OLD_AND_NEW = pytest.mark.parametrize(
    ("version", "backend"),
    [("1.0.3", "remote"), ("1.8.4", "cloud"), ("1.15.5", "remote"), ("1.15.5", "cloud")],
)


@pytest.fixture
def policies(api, org, name) -> Policies:
    return Policies(api, org, name, "sentinel")


@pytest.fixture
def attach(policies, name):
    """Makes a set for the test's workspace, with a policy in it."""

    def make(level: str, code: str = NOTHING_MORE, **attributes) -> str:
        return policies.attach(f"{name}-tags", level, code, {}, name=f"{name}-set", **attributes)

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
        (GROWS, "bytes of memory"),
        (SLOW, "10s of time"),
    ],
    ids=["mistake", "memory", "time"],
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


def test_fifty_policies_of_an_archive_are_asked(project, hcl, api, org, name, policies):
    terraform = project(hcl.resource("a"))
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
    policies.upload(f"{name}-archive", files)
    plan = terraform.run("plan", code=1)
    assert "50 policies evaluated." in plan.out
    check = api.get(f"runs/{org.last_run(name)['id']}/policy-checks")[0]
    result = check["attributes"]["result"]
    # One resource is one more than none.
    assert (result["passed"], result["hard-failed"]) == (49, 1)


def test_a_draft_is_tried_on_mocks_and_on_recorded_plans(
    project, hcl, api, org, name, tmp_path
):
    """As its author goes about it, before it is in force anywhere."""
    terraform = project(hcl.resource("a"))
    terraform.run("apply", "-auto-approve")
    run = org.last_run(name)
    plan = run["relationships"]["plan"]["data"]
    export = api.create(
        "plan-exports", "plan-exports", {"data-type": "sentinel-mock-bundle-v0"}, plan=plan
    )
    path = f"plan-exports/{export['id']}"
    until(lambda: api.get(path)["attributes"]["status"] == "finished", "the mocks are made")
    bundle = succeeded(api.http.get(f"{path}/download", follow_redirects=True)).content
    with tarfile.open(fileobj=io.BytesIO(bundle)) as tar:
        tar.extractall(tmp_path)
    draft = tmp_path / "draft"
    draft.mkdir()
    (draft / "nothing.sentinel").write_text(NOTHING_MORE)

    def statehouse(*arguments: str):
        environment = {**os.environ, "STATEHOUSE_TOKEN": ADMIN_TOKEN}
        return subprocess.run(
            [binary(), *arguments], env=environment, cwd=tmp_path, capture_output=True, text=True
        )

    applied = statehouse("sentinel", "apply", "-config=sentinel.hcl", "draft/nothing.sentinel")
    assert applied.returncode == 1, applied.stdout + applied.stderr
    said = f"{hcl.address('a')} must not be created in {name}"
    assert said in applied.stdout
    replayed = statehouse(
        "policy", "replay", f"--address={api.address}",
        f"--organization={org.name}", f"--workspace={name}", "draft",
    )
    assert replayed.returncode == 1, replayed.stdout + replayed.stderr
    assert f"failed   {name} {run['id']}" in replayed.stdout
    assert said in replayed.stdout
    assert replayed.stdout.endswith("1 plans: 0 passed, 1 failed, 0 errored\n")
