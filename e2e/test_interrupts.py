"""Ctrl-C during plans and applies, and cancels from elsewhere."""

import pytest

from harness.configurations import GATED, Configurations
from harness.waiting import until

REMOTES = ["1.0.3", "1.15.5"]

# The command line decides on its exit code before it sends the cancel: the run was well then.
CANCELLED = 0


@pytest.fixture
def gated(project, org, name, gate):
    """A plan that waits at the gate."""

    def make(backend, version):
        terraform = project(GATED, backend, version)
        org.set_variable(name, "GATE", str(gate.port))
        return terraform

    return make


@pytest.mark.parametrize("version", REMOTES)
def test_a_remote_plan_is_cancelled_after_asking(version, gated, api, org, name, gate):
    plan = gated("remote", version).talk("plan")
    gate.reached()
    # Before it follows the plan's log, the command line ends at Ctrl-C without asking anything.
    plan.expect("Initializing plugins and modules...")
    plan.interrupt()
    plan.expect("Do you want to cancel the remote operation?", "Enter a value:")
    plan.answer("yes")
    plan.expect("The remote operation was successfully cancelled.")
    plan.ends(CANCELLED)
    run = api.run_ends(org.last_run(name)["id"], seconds=90)
    assert run["attributes"]["status"] == "canceled"
    assert org.workspace(name)["attributes"]["locked"] is False


def test_a_cloud_plan_goes_on_without_its_command_line(gated, api, org, name, gate):
    terraform = gated("cloud", "1.15.5")
    plan = terraform.talk("plan")
    gate.reached()
    plan.interrupt()
    plan.ends(1)
    gate.open()
    run = api.run_ends(org.last_run(name)["id"])
    assert run["attributes"]["status"] == "planned_and_finished"


CLIS = [("1.0.3", "remote"), ("1.8.4", "cloud"), ("1.15.5", "remote"), ("1.15.5", "cloud")]


@pytest.mark.parametrize(("version", "backend"), CLIS)
def test_an_apply_is_cancelled_after_asking(version, backend, project, api, org, name, gate):
    hcl = Configurations(version)
    terraform = project(
        hcl.resource("first")
        + hcl.resource("second", command=gate.wait, after="first")
        + hcl.resource("third", after="second"),
        backend,
        version,
    )
    apply = terraform.talk("apply")
    apply.expect("Enter a value:")
    apply.answer("yes")
    gate.reached()
    # Before it follows the apply's log, the command line ends at Ctrl-C without asking anything.
    apply.expect("Creating...")
    apply.interrupt()
    apply.expect("Do you want to cancel the remote operation?", "Enter a value:")
    apply.answer("yes")
    apply.expect("The remote operation was successfully cancelled.")
    apply.ends(CANCELLED)
    run = api.run_ends(org.last_run(name)["id"])
    assert run["attributes"]["status"] == "canceled"
    kept = org.state_addresses(name)
    assert hcl.address("first") in kept
    assert hcl.address("third") not in kept
    assert org.workspace(name)["attributes"]["locked"] is False


def test_an_automatic_apply_is_cancelled_without_asking(project, hcl, api, org, name, gate):
    terraform = project(hcl.resource("a", command=gate.wait))
    apply = terraform.talk("apply", "-auto-approve")
    gate.reached()
    # Before it follows the apply's log, the command line ends at Ctrl-C without cancelling anything.
    apply.expect("Creating...")
    apply.interrupt()
    apply.expect("The remote operation was successfully cancelled.")
    apply.ends(CANCELLED)
    assert api.run_ends(org.last_run(name)["id"])["attributes"]["status"] == "canceled"


def test_an_answer_other_than_yes_lets_the_apply_go_on(project, hcl, api, org, name, gate):
    terraform = project(hcl.resource("a", command=gate.wait))
    apply = terraform.talk("apply")
    apply.expect("Enter a value:")
    apply.answer("yes")
    gate.reached()
    # Before it follows the apply's log, the command line ends at Ctrl-C without asking anything.
    apply.expect("Creating...")
    apply.interrupt()
    apply.expect("Do you want to cancel the remote operation?", "Enter a value:")
    apply.answer("no")
    apply.expect("The remote operation was not cancelled.")
    gate.open()
    assert api.run_ends(org.last_run(name)["id"])["attributes"]["status"] == "applied"


def test_a_run_cancelled_elsewhere_ends_its_command_line(project, hcl, api, org, name, gate):
    terraform = project(hcl.resource("a", command=gate.wait))
    apply = terraform.start("apply", "-auto-approve")
    gate.reached()
    api.act(f"runs/{org.last_run(name)['id']}/actions/cancel")
    apply.ends(1)
    assert org.last_run(name)["attributes"]["status"] == "canceled"


def test_a_waiting_run_is_cancelled_before_it_starts(project, hcl, api, org, name, gate):
    terraform = project(hcl.resource("a", command=gate.wait))
    first = terraform.start("apply", "-auto-approve")
    gate.reached()
    second = terraform.talk("apply")
    second.expect("Waiting for 1 run(s) to finish before being queued...")
    second.interrupt()
    second.expect("Do you want to cancel the remote operation?", "Enter a value:")
    second.answer("yes")
    second.expect("The remote operation was successfully cancelled.")
    second.ends(CANCELLED)
    assert org.last_run(name)["attributes"]["status"] == "canceled"
    gate.open()
    first.ends(0)
    until(lambda: not org.workspace(name)["attributes"]["locked"], "the workspace is unlocked")
