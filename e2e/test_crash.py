"""The server is killed at random moments of a plan-apply cycle, and started again."""

import os
import random
import threading
import time
from collections import Counter

import httpx
import pytest

from harness.api import ENDED, Api
from harness.gate import Gate
from harness.server import ADMIN_TOKEN
from harness.waiting import until

ROUNDS = 50

# Each run replaces the one resource and reports the run that made it. The pause makes the apply
# about as long as the plan, so that both are hit.
CONFIGURATION = """\
variable "round" {{
  type = number
}}
resource "terraform_data" "made" {{
  triggers_replace = var.round
  input            = var.round
  provisioner "local-exec" {{
    interpreter = ["/bin/bash", "-c"]
    command     = "{report}; sleep 0.5"
  }}
}}
output "round" {{
  value = terraform_data.made.output
}}
"""


class Cycle:
    """One workspace that plans and applies, and what is known of it from outside."""

    def __init__(self, server, gate: Gate) -> None:
        self.server = server
        self.gate = gate
        self.api = Api(server.address, ADMIN_TOKEN)
        self.org = self.api.organization()
        self.org.create_workspace("crash", auto_apply=True)
        text = CONFIGURATION.format(report=gate.tell("$TFC_RUN_ID"))
        self.configuration = self.org.configuration("crash", {"main.tf": text})

    def queue(self, number: int) -> str:
        variables = [{"key": "round", "value": str(number)}]
        return self.org.queue_run("crash", self.configuration, variables=variables)["id"]

    def status_when_killed(self, number: int, delay: float) -> str:
        """Queues a run, kills the server `delay` seconds later, and says how far the run was."""
        status = "not yet there"
        killer = threading.Timer(delay, self.server.process.kill)
        killer.start()
        try:
            run = self.queue(number)
            while True:
                status = self.api.run(run)["attributes"]["status"]
                if status in ENDED and not killer.is_alive():
                    break
        except httpx.TransportError:
            pass
        killer.join()
        self.server.process.wait()
        return status

    def all_runs(self) -> list[dict]:
        workspace = self.org.workspace_id("crash")
        runs, page = [], 1
        while page:
            found = self.api.document(f"workspaces/{workspace}/runs", **{"page[number]": page})
            runs += found["data"]
            page = found["meta"]["pagination"]["next-page"]
        return runs

    def unended(self) -> list[str]:
        return [
            f"{run['id']} is {run['attributes']['status']}"
            for run in self.all_runs()
            if run["attributes"]["status"] not in ENDED
        ]


@pytest.mark.timeout(900)
def test_killed_at_fifty_random_moments(new_server, gate):
    seed = int(os.environ.get("STATEHOUSE_E2E_SEED") or random.SystemRandom().randrange(2**32))
    print(f"seed: STATEHOUSE_E2E_SEED={seed}")
    draw = random.Random(seed)
    gate.open()
    server = new_server(versions=["1.15.5"])
    cycle = Cycle(server, gate)

    started = time.monotonic()
    cycle.api.run_reaches(cycle.queue(0), "applied")
    usual = time.monotonic() - started
    first = cycle.org.state("crash")

    killed_in: Counter[str] = Counter()
    serial = first["serial"]
    for number in range(1, ROUNDS + 1):
        killed_in[cycle.status_when_killed(number, draw.uniform(0, usual * 1.1))] += 1
        server.start()
        until(lambda: not cycle.unended(), f"all runs ended (seed {seed}, round {number})", 60)
        state = cycle.org.state("crash")
        assert state["lineage"] == first["lineage"]
        assert state["serial"] >= serial
        serial = state["serial"]
    print(f"a cycle takes {usual:.1f} s; killed in: {dict(killed_in)}")

    # It still works, and the state is of the last run.
    cycle.api.run_reaches(cycle.queue(ROUNDS + 1), "applied")
    state = cycle.org.state("crash")
    assert state["outputs"]["round"]["value"] == ROUNDS + 1
    versions = cycle.api.get(
        "state-versions",
        **{"filter[organization][name]": cycle.org.name, "filter[workspace][name]": "crash"},
    )
    assert state["serial"] == max(version["attributes"]["serial"] for version in versions)
    assert cycle.org.workspace("crash")["attributes"]["locked"] is False

    made = Counter(gate.lines)
    runs = {run["id"]: run["attributes"]["status"] for run in cycle.all_runs()}
    assert made.keys() <= runs.keys()
    assert {run: count for run, count in made.items() if count > 1} == {}
    assert [run for run, status in runs.items() if status == "applied" and run not in made] == []
    assert killed_in["planning"] > 0 and killed_in["applying"] > 0, killed_in
