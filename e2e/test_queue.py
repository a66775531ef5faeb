"""What someone sees whose run has to wait."""

import pytest

from harness.configurations import GATED, Configurations


@pytest.mark.parametrize(("version", "backend"), [("1.0.3", "remote"), ("1.15.5", "cloud")])
def test_a_second_run_waits_for_the_first(version, backend, project, api, org, name):
    hcl = Configurations(version)
    terraform = project(hcl.resource("a"), backend, version)
    first = terraform.talk("apply")
    first.expect("Enter a value:")
    first_run = org.last_run(name)["id"]
    second = terraform.talk("apply")
    second.expect("Waiting for 1 run(s) to finish before being queued...")
    assert org.last_run(name)["attributes"]["status"] == "pending"
    first.answer("yes")
    first.ends(0)
    assert api.run(first_run)["attributes"]["status"] == "applied"
    assert "No changes." in second.ends(0).out


def test_a_plan_does_not_wait_for_an_apply_of_its_workspace(project, hcl, gate):
    terraform = project(hcl.resource("a", command=gate.wait))
    apply = terraform.start("apply", "-auto-approve")
    gate.reached()
    assert "Plan: 1 to add" in terraform.run("plan").out
    gate.open()
    apply.ends(0)


def test_runs_are_applied_in_the_order_they_came(project, hcl, api, org, name, gate):
    terraform = project(GATED)
    org.set_variable(name, "GATE", str(gate.port))
    first = terraform.start("apply", "-auto-approve")
    gate.reached()
    configuration = org.configuration(name, {"main.tf": hcl.output("n", "timestamp()")})
    runs = [
        org.queue_run(name, configuration, auto_apply=True, message=f"number {n}")["id"]
        for n in range(3)
    ]
    assert {api.run(run)["attributes"]["status"] for run in runs} == {"pending"}
    gate.open()
    first.ends(0)
    for run in runs:
        api.run_reaches(run, "applied")
    applied_at = [api.run(run)["attributes"]["status-timestamps"]["applied-at"] for run in runs]
    assert applied_at == sorted(applied_at)


@pytest.mark.parametrize(("version", "backend"), [("1.0.3", "remote"), ("1.15.5", "cloud")])
def test_a_run_waits_for_a_manually_locked_workspace(version, backend, project, api, org, name):
    hcl = Configurations(version)
    terraform = project(hcl.resource("a"), backend, version)
    workspace = org.workspace_id(name)
    assert api.call("POST", f"workspaces/{workspace}/actions/lock", {}).status_code == 200
    apply = terraform.talk("apply", "-auto-approve")
    apply.expect("Waiting for the manually locked workspace to be unlocked...")
    assert org.last_run(name)["attributes"]["status"] == "pending"
    assert api.call("POST", f"workspaces/{workspace}/actions/unlock").status_code == 200
    assert "Apply complete! Resources: 1 added" in apply.ends(0).out


def test_lock_timeout_gives_up_a_waiting_run(project, hcl, api, org, name):
    terraform = project(hcl.resource("a"))
    workspace = org.workspace_id(name)
    api.call("POST", f"workspaces/{workspace}/actions/lock", {})
    # As after Ctrl-C, the exit code is that of a run that was well.
    gave_up = terraform.run("apply", "-auto-approve", "-lock-timeout=2s")
    assert "Lock timeout exceeded" in gave_up.flat
    assert api.run_ends(org.last_run(name)["id"])["attributes"]["status"] == "canceled"
