"""A second process, `statehouse agent`, that executes the runs of workspaces which want it to."""

import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytfe.errors import TFEError

from harness import engines
from harness.server import binary
from harness.waiting import until

COMPLETE = "Apply complete! Resources: {} added, {} changed, {} destroyed."


class Agent:
    """`statehouse agent` with a data directory of its own."""

    def __init__(self, folder: Path, address: str, token: str, name: str) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "token").write_text(token)
        self.log = folder / "agent.log"
        command = [binary(), "agent", f"--address={address}", f"--name={name}"]
        command += [f"--token-file={folder / 'token'}", f"--data-dir={folder / 'data'}"]
        command += [f"--engine={engines.terraform(engines.NEWEST)}", "--concurrency=1"]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                command, env={"PATH": "/usr/bin:/bin", "HOME": str(folder)},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


@pytest.fixture
def pool(api, org, name) -> str:
    path = f"organizations/{org.name}/agent-pools"
    return api.create(path, "agent-pools", {"name": name})["id"]


@pytest.fixture
def folder() -> Iterator[Path]:
    """With a short path: providers make sockets below it, whose paths have little room."""
    with tempfile.TemporaryDirectory(prefix="e2e-") as folder:
        yield Path(folder)


@pytest.fixture
def new_agent(api, server, folder, pool) -> Iterator[Callable[[str], Agent]]:
    agents: list[Agent] = []

    def make(name: str) -> Agent:
        path = f"agent-pools/{pool}/authentication-tokens"
        minted = api.create(path, "authentication-tokens", {"description": name})
        token = minted["attributes"]["token"]
        agents.append(Agent(folder / name, server.address, token, name))
        return agents[-1]

    yield make
    for agent in agents:
        if agent.process.poll() is None:
            agent.process.kill()
            agent.process.wait()


def statuses(api, pool: str) -> dict[str, str]:
    agents = api.get(f"agent-pools/{pool}/agents")
    return {a["attributes"]["name"]: a["attributes"]["status"] for a in agents}


def test_plan_and_apply_by_an_agent(project, hcl, api, org, name, pool, new_agent):
    org.create_workspace(name, execution_mode="agent", agent_pool_id=pool)
    terraform = project(hcl.resource("a", command="echo made here"))
    apply = terraform.start("apply", "-auto-approve")
    run = until(lambda: org.runs(name), "there is a run")[0]["id"]
    assert api.run(run)["attributes"]["status"] == "pending", "nobody is there to execute it"

    agent = new_agent("basement")
    done = apply.ends(0)
    assert COMPLETE.format(1, 0, 0) in done.out
    assert "made here" in done.out
    assert org.state_addresses(name) == {"terraform_data.a"}
    for phase in ("plan", "apply"):
        details = api.get(f"runs/{run}/{phase}")["attributes"]["execution-details"]
        assert details["mode"] == "agent"
        assert details["agent-name"] == "basement"
        assert details["agent-pool-id"] == pool
    # The command line ends with the run; the agent tidies up behind it.
    until(lambda: statuses(api, pool) == {"basement": "idle"}, "the agent is idle")
    assert agent.stop() == 0, agent.log.read_text()
    assert statuses(api, pool) == {"basement": "exited"}


def test_an_agent_reads_shared_states_as_its_run(api, org, name, server, pool, new_agent):
    """What lets the engine in comes from the server, wherever the agent is."""
    producer = f"{name[:70]}-producer"
    org.create_workspace(
        producer, terraform_version=engines.NEWEST, global_remote_state=True
    )
    files = {"main.tf": 'output "colour" {\n  value = "blue"\n}\n'}
    run = org.queue_run(producer, org.configuration(producer, files), auto_apply=True)
    api.run_reaches(run["id"], "applied")

    new_agent("basement")
    org.create_workspace(
        name, terraform_version=engines.NEWEST, execution_mode="agent", agent_pool_id=pool
    )
    host = server.address.removeprefix("http://")
    reader = f"""\
data "terraform_remote_state" "other" {{
  backend = "remote"
  config = {{
    hostname     = "{host}"
    organization = "{org.name}"
    workspaces   = {{ name = "{producer}" }}
  }}
}}
output "seen" {{
  value = data.terraform_remote_state.other.outputs.colour
}}
"""
    run = org.queue_run(name, org.configuration(name, {"main.tf": reader}), auto_apply=True)
    ended = api.run_ends(run["id"])
    assert ended["attributes"]["status"] == "applied", api.logs(ended)
    assert org.state(name)["outputs"]["seen"]["value"] == "blue"


def test_agents_through_the_python_client(tfe, pool, new_agent):
    agent = new_agent("cellar")
    [listed] = until(lambda: list(tfe.agents.list(pool)), "the agent has registered")
    read = tfe.agents.read(listed.id)
    assert (read.name, read.status.value) == ("cellar", "idle")
    with pytest.raises(TFEError):
        tfe.agents.delete(listed.id)
    assert agent.stop() == 0, agent.log.read_text()
    tfe.agents.delete(listed.id)
    assert list(tfe.agents.list(pool)) == []


def test_an_agent_with_a_wrong_token_gets_nothing(api, server, folder, pool):
    agent = Agent(folder / "stranger", server.address, "a-token-that-nobody-minted", "stranger")
    try:
        until(lambda: "401" in agent.log.read_text(), "the agent is refused", seconds=30)
        assert statuses(api, pool) == {}
    finally:
        agent.process.kill()
        agent.process.wait()
