"""The main way of work, with each version of the command line and each way to connect it."""

import json
import re

import pytest

from harness.cli import HOST
from harness.configurations import Configurations

CLIS = [
    ("1.0.3", "remote"),
    ("1.8.4", "remote"),
    ("1.8.4", "cloud"),
    ("1.12.2", "remote"),
    ("1.12.2", "cloud"),
    ("1.15.5", "remote"),
    ("1.15.5", "cloud"),
]

every_cli = pytest.mark.parametrize(
    ("version", "backend"), CLIS, ids=[f"{version}-{backend}" for version, backend in CLIS]
)


@every_cli
def test_from_init_to_destroy(version, backend, api, org, project, name):
    hcl = Configurations(version)
    terraform = project(
        hcl.resource("first", '"one"')
        + hcl.resource("second", '"two"', command="echo made the second", after="first")
        + hcl.output("greeting", '"Grüße"')
        + hcl.output("hidden", '"t0p-secret"', sensitive=True),
        backend,
        version,
    )
    workspace = org.workspace(name)
    assert workspace["attributes"]["terraform-version"] == version

    plan = terraform.run("plan", "-detailed-exitcode", code=2)
    assert "Output will stream here" in plan.flat
    assert f"Terraform v{version}" in plan.out
    assert plan.out.count("Plan: 2 to add, 0 to change, 0 to destroy.") == 1
    assert f"{hcl.address('first')} will be created" in plan.out
    assert "t0p-secret" not in plan.out
    address = re.search(rf"https://{HOST}/app/{org.name}/{name}/runs/(run-\w+)", plan.out)
    assert address, plan.out
    assert api.run(address[1])["attributes"]["status"] == "planned_and_finished"
    assert api.run(address[1])["attributes"]["plan-only"] is True

    apply = terraform.run("apply", "-auto-approve")
    assert apply.out.count("Plan: 2 to add, 0 to change, 0 to destroy.") == 1
    assert "Apply complete! Resources: 2 added, 0 changed, 0 destroyed." in apply.out
    assert "(local-exec): made the second" in apply.out
    assert 'greeting = "Grüße"' in apply.out
    assert "t0p-secret" not in apply.out
    assert org.last_run(name)["attributes"]["status"] == "applied"

    again = terraform.run("plan", "-detailed-exitcode")
    assert "No changes." in again.out

    assert terraform.run("output", "-raw", "greeting").out == "Grüße"
    outputs = json.loads(terraform.run("output", "-json").out)
    assert outputs["hidden"] == {"sensitive": True, "type": "string", "value": "t0p-secret"}
    shown = terraform.run("show")
    assert f"# {hcl.address('first')}:" in shown.out
    assert terraform.run("state", "list").out.split() == [
        hcl.address("first"),
        hcl.address("second"),
    ]
    assert json.loads(terraform.run("state", "pull").out) == org.state(name)

    destroy = terraform.talk("destroy")
    destroy.expect("Do you really want to destroy all resources", "Enter a value:")
    destroy.answer("yes")
    assert "Resources: 0 added, 0 changed, 2 destroyed." in destroy.ends(0).out
    assert org.state(name)["resources"] == []


@every_cli
def test_an_answer_other_than_yes_discards_the_run(version, backend, org, project, name):
    hcl = Configurations(version)
    terraform = project(hcl.resource("a"), backend, version)
    apply = terraform.talk("apply")
    apply.expect("Do you want to perform these actions")
    apply.answer("no")
    assert "Apply discarded" in apply.ends(1).flat
    assert org.last_run(name)["attributes"]["status"] == "discarded"


@every_cli
def test_a_failed_apply_exits_1_and_keeps_what_was_made(version, backend, org, project, name):
    hcl = Configurations(version)
    terraform = project(
        hcl.resource("first") + hcl.resource("second", command="exit 7", after="first"),
        backend,
        version,
    )
    apply = terraform.run("apply", "-auto-approve", code=1)
    assert "exit status 7" in apply.flat
    assert org.last_run(name)["attributes"]["status"] == "errored"
    assert hcl.address("first") in terraform.run("state", "list").out.split()


@every_cli
def test_a_broken_configuration_fails_the_plan(version, backend, org, project, name):
    hcl = Configurations(version)
    terraform = project(hcl.output("a", "var.missing"), backend, version)
    plan = terraform.run("plan", code=1)
    assert "Reference to undeclared input variable" in plan.flat
    assert org.last_run(name)["attributes"]["status"] == "errored"
    assert "Reference to undeclared" in terraform.run("apply", "-auto-approve", code=1).flat
