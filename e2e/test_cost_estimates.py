"""What a run would cost, at a terminal: the estimator of the examples is asked, and a run goes on without it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.configurations import Configurations

EXAMPLE = Path(__file__).parent.parent / "examples" / "cost-estimator"
VERSION = "1.15.5"


@pytest.fixture
def estimator(api, org):
    """The example with its prices, on an address that the server may reach; the organization wants to hear of it."""
    command = [sys.executable, EXAMPLE / "estimator.py", EXAMPLE / "prices.json", "--listen=127.0.0.2:0"]
    environment = os.environ | {"ESTIMATOR_SECRET": "s3cret"}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    url = process.stdout.readline().split()[-1]

    def settings(**attributes):
        api.change("admin/cost-estimation-settings", "cost-estimation-settings", **attributes)

    settings(enabled=True, **{"estimator-url": url, "estimator-secret": "s3cret"})
    api.change(f"organizations/{org.name}", "organizations", **{"cost-estimation-enabled": True})
    yield process
    settings(enabled=False)
    process.kill()
    process.wait()


def test_a_plan_says_what_it_costs_and_an_apply_goes_on_without_an_estimator(
    project, org, name, estimator
):
    terraform = project(Configurations(VERSION).resource("a"), "cloud", VERSION)
    plan = terraform.run("plan")
    assert "Cost Estimation:" in plan.out
    assert "Resources: 1 of 1 estimated" in plan.out
    assert "$1.25/mo +$1.25" in plan.out
    estimator.kill()
    estimator.wait()
    apply = terraform.run("apply", "-auto-approve")
    assert "errored" in apply.out
    assert "Apply complete! Resources: 1 added, 0 changed, 0 destroyed." in apply.out
    assert org.last_run(name)["attributes"]["status"] == "applied"
