"""Policies in Rego, at a terminal: what agrees, advises, stops a run, and what somebody overrides."""

import pytest

from harness.api import Api, succeeded
from harness.configurations import Configurations
from harness.policies import Policies
from harness.server import ADMIN_TOKEN
from harness.waiting import until

NOTHING_MORE = """\
package example

rule contains msg if {
  some change in input.plan.resource_changes
  "create" in change.change.actions
  msg := sprintf("%s must not be created in %s", [change.address, input.run.workspace.name])
}
"""
# As before OPA 1.0.
OLD_AND_CONTENT = 'package example rule["not allowed"] { false }'
# A gigabyte in steps that take no time.
EATS_MEMORY = "\n".join([
    "package example",
    't0 := "0123456789abcdef"',
    *(f't{n + 1} := concat("", [t{n}, t{n}])' for n in range(27)),
    "rule contains count(t27)",
])
COMPLETE = "Apply complete! Resources: 1 added, 0 changed, 0 destroyed."


@pytest.fixture
def policies(api, org, name) -> Policies:
    return Policies(api, org, name, "opa")


@pytest.fixture
def attach(policies, name):
    """Makes a policy, and a set with it for the test's workspace; returns the id of the set."""

    def make(level: str, code: str = NOTHING_MORE, **attributes) -> str:
        title = f"{name}-{level}"
        policy = {"description": "Nothing more", "query": "data.example.rule"}
        return policies.attach(title, level, code, policy, name=title, **attributes)

    return make


def test_what_policies_agree_with_is_applied(project, hcl, org, name, attach):
    terraform = project(hcl.resource("a"))
    attach("mandatory", OLD_AND_CONTENT)
    apply = terraform.run("apply", "-auto-approve")
    assert "OPA Policy Evaluation" in apply.out
    assert "Overall Result: PASSED" in apply.out
    assert COMPLETE in apply.out
    assert org.last_run(name)["attributes"]["status"] == "applied"


def test_an_advisory_policy_is_shown_and_stops_nothing(project, hcl, org, name, attach):
    terraform = project(hcl.resource("a"))
    attach("advisory")
    apply = terraform.run("apply", "-auto-approve")
    assert "Overall Result: PASSED (with advisory)" in apply.out
    assert "Advisory" in apply.out
    assert "Nothing more" in apply.out
    assert COMPLETE in apply.out
    assert org.last_run(name)["attributes"]["status"] == "applied"


def test_a_mandatory_policy_stops_the_run(project, hcl, api, org, name, attach):
    terraform = project(hcl.resource("a"))
    attach("mandatory")
    apply = terraform.run("apply", "-auto-approve", code=1)
    assert "Overall Result: FAILED" in apply.out
    assert "Failed" in apply.out
    assert "Task Stage failed." in apply.flat
    run = org.last_run(name)
    assert run["attributes"]["status"] == "errored"
    assert org.workspace(name)["attributes"]["locked"] is False
    assert org.workspace(name)["relationships"]["current-state-version"]["data"] is None
    stage = run["relationships"]["task-stages"]["data"][0]["id"]
    evaluation = api.get(f"task-stages/{stage}/policy-evaluations")[0]["id"]
    said = api.get(f"policy-evaluations/{evaluation}/policy-set-outcomes")[0]["attributes"]
    address = hcl.address("a")
    assert said["outcomes"][0]["output"] == [
        {"print": f"{address} must not be created in {name}"}
    ]


def test_a_policy_that_eats_memory_stops_its_run_and_not_the_server(
    project, hcl, api, org, name, attach
):
    terraform = project(hcl.resource("a"))
    attach("mandatory", EATS_MEMORY)
    attach("advisory")
    terraform.run("apply", "-auto-approve", code=1)
    run = org.last_run(name)
    assert run["attributes"]["status"] == "errored"
    stage = run["relationships"]["task-stages"]["data"][0]["id"]
    evaluation = api.get(f"task-stages/{stage}/policy-evaluations")[0]["id"]
    sets = api.get(f"policy-evaluations/{evaluation}/policy-set-outcomes")
    said = {one["attributes"]["policy-set-name"]: one["attributes"]["outcomes"][0] for one in sets}
    eater = said[f"{name}-mandatory"]
    assert eater["status"] == "errored"
    assert "more memory" in eater["output"][0]["print"]
    # The one behind it was asked all the same.
    assert said[f"{name}-advisory"]["status"] == "failed"


def test_a_speculative_plan_that_policies_refuse_fails(project, hcl, org, name, attach):
    terraform = project(hcl.resource("a"))
    attach("soft-mandatory")
    plan = terraform.run("plan", code=1)
    assert "Overall Result: FAILED" in plan.out
    assert org.last_run(name)["attributes"]["status"] == "policy_soft_failed"


def test_somebody_overrides_at_the_prompt(project, hcl, org, name, attach):
    terraform = project(hcl.resource("a"))
    attach("mandatory", overridable=True)
    apply = terraform.talk("apply")
    apply.expect("Overall Result: FAILED")
    apply.expect("Do you want to override the failed policies?")
    assert org.last_run(name)["attributes"]["status"] == "post_plan_awaiting_decision"
    apply.answer("override")
    apply.expect("Do you want to perform these actions")
    apply.answer("yes")
    assert COMPLETE in apply.ends(0).out
    assert org.last_run(name)["attributes"]["status"] == "applied"


def test_whoever_does_not_override_discards_the_run(project, hcl, org, name, attach):
    terraform = project(hcl.resource("a"))
    attach("soft-mandatory")
    apply = terraform.talk("apply")
    apply.expect("Do you want to override the failed policies?")
    apply.answer("no")
    apply.ends(1)
    assert org.last_run(name)["attributes"]["status"] == "discarded"


def test_an_old_command_line_applies_nothing_that_policies_refuse(
    project, api, org, name, attach
):
    terraform = project(Configurations("1.0.3").resource("a"), "remote", "1.0.3")
    attach("mandatory")
    # It knows nothing of task stages: its exit code says how far the run was when it looked.
    apply = terraform.run("apply", "-auto-approve", code=None)
    assert "Plan: 1 to add" in apply.out
    assert api.run_ends(org.last_run(name)["id"])["attributes"]["status"] == "errored"
    assert org.workspace(name)["relationships"]["current-state-version"]["data"] is None


def test_the_policies_of_an_archive_count(project, hcl, org, name, policies):
    terraform = project(hcl.resource("a"))
    manifest = 'policy "nothing" {\n query = "data.example.rule"\n enforcement_level = "mandatory"\n}'
    files = {"policies.hcl": manifest, "rules/example.rego": NOTHING_MORE}
    policies.upload("archive", files)
    plan = terraform.run("plan", code=1)
    assert "Policy set 1: archive (1)" in plan.out
    assert "Policy name: nothing" in plan.out
    assert org.last_run(name)["attributes"]["status"] == "errored"


def test_policies_are_judged_after_the_server_was_killed(new_server, hcl):
    """Whatever moment it is killed at, a refused plan is never applied."""
    server = new_server(versions=["1.15.5"])
    api = Api(server.address, ADMIN_TOKEN)
    org = api.organization()
    org.create_workspace("crash", auto_apply=True)
    policy = api.create(
        f"organizations/{org.name}/policies",
        "policies",
        {
            "name": "slow", "kind": "opa", "query": "data.example.rule",
            "enforcement-level": "mandatory",
        },
    )
    # Long enough to be hit, and then the answer is no.
    slow = """\
package example
busy := count([1 | some i in numbers.range(1, 400); some j in numbers.range(1, 400); i == j])
rule contains "no" if busy > 0
"""
    succeeded(api.http.put(f"policies/{policy['id']}/upload", content=slow.encode()))
    api.create(
        f"organizations/{org.name}/policy-sets",
        "policy-sets",
        {"name": "all", "kind": "opa", "global": True},
        policies=[{"type": "policies", "id": policy["id"]}],
    )
    configuration = org.configuration("crash", {"main.tf": hcl.resource("a")})
    run = org.queue_run("crash", configuration)
    stage = run["relationships"]["task-stages"]["data"][0]["id"]
    until(
        lambda: api.get(f"task-stages/{stage}")["attributes"]["status"] == "running",
        "the evaluation runs",
    )
    server.kill()
    server.start()
    ended = api.run_ends(run["id"], seconds=120)
    assert ended["attributes"]["status"] == "errored"
    # Where the machine is slow, the time for the policy ends first: that is no yes either.
    assert api.get(f"task-stages/{stage}")["attributes"]["status"] in ("failed", "errored")
    assert org.workspace("crash")["relationships"]["current-state-version"]["data"] is None
    assert "applying-at" not in ended["attributes"]["status-timestamps"]
