"""Workspaces whose runs happen where the command line is: the server keeps state and lock."""

import json

import pytest

from harness.configurations import Configurations

CLIS = [("1.0.3", "remote"), ("1.8.4", "cloud"), ("1.12.2", "remote"), ("1.15.5", "cloud")]
several = pytest.mark.parametrize(
    ("version", "backend"), CLIS, ids=[f"{version}-{backend}" for version, backend in CLIS]
)


@several
def test_plan_apply_and_destroy_here(version, backend, project, org, name):
    hcl = Configurations(version)
    terraform = project(hcl.resource("a") + hcl.output("o", '"1"'), backend, version)
    org.change_workspace(name, execution_mode="local")
    plan = terraform.run("plan")
    assert "Output will stream here" not in plan.flat
    assert "Plan: 1 to add, 0 to change, 0 to destroy." in plan.out
    apply = terraform.run("apply", "-auto-approve")
    assert "Apply complete! Resources: 1 added, 0 changed, 0 destroyed." in apply.out
    assert org.runs(name) == []
    assert org.state_addresses(name) == {hcl.address("a")}
    assert terraform.run("output", "-raw", "o").out == "1"
    assert org.workspace(name)["attributes"]["locked"] is False
    assert "1 destroyed" in terraform.run("destroy", "-auto-approve").out
    assert org.state(name)["resources"] == []


@several
def test_only_one_at_a_time_has_the_lock(version, backend, project, org, name, gate):
    hcl = Configurations(version)
    terraform = project(hcl.resource("a", command=gate.wait), backend, version)
    org.change_workspace(name, execution_mode="local")
    first = terraform.start("apply", "-auto-approve")
    gate.reached()
    assert org.workspace(name)["attributes"]["locked"] is True
    refused = terraform.run("plan", code=1)
    assert "Error acquiring the state lock" in refused.flat
    patient = terraform.start("apply", "-auto-approve", "-lock-timeout=60s")
    gate.open()
    first.ends(0)
    assert "0 added, 0 changed, 0 destroyed" in patient.ends(0).out
    assert org.workspace(name)["attributes"]["locked"] is False


@several
def test_init_moves_a_local_state_to_the_server(version, backend, cli, org, name):
    hcl = Configurations(version)
    terraform = cli(version)
    terraform.write("main.tf", hcl.resource("a"))
    terraform.run("init")
    terraform.run("apply", "-auto-approve")
    local = json.loads((terraform.folder / "terraform.tfstate").read_text())

    terraform.connect(backend, org.name, f'name = "{name}"')
    init = terraform.talk("init")
    init.expect("Do you wish to proceed?", "Do you want to copy existing state to the new backend?")
    init.answer("yes")
    assert "has been successfully initialized!" in init.ends(0).flat
    moved = org.state(name)
    # Its lineage is a new one: so the command line treats a backend that had no state.
    assert moved["resources"] == local["resources"]
    assert org.workspace(name)["attributes"]["locked"] is False
    assert "No changes." in terraform.run("plan").out


def test_an_interrupted_apply_leaves_its_state_and_no_lock(project, hcl, org, name, gate):
    terraform = project(
        hcl.resource("first") + hcl.resource("second", command=gate.wait, after="first")
    )
    org.change_workspace(name, execution_mode="local")
    apply = terraform.start("apply", "-auto-approve")
    gate.reached()
    apply.interrupt()
    apply.ends(1)
    assert "terraform_data.first" in org.state_addresses(name)
    assert org.workspace(name)["attributes"]["locked"] is False
