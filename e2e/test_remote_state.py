"""`terraform_remote_state` inside a run: the states of workspaces that share theirs, and no others."""

import re

import httpx
import pytest

from harness.api import related, succeeded
from harness.engines import NEWEST
from harness.waiting import until

# What every token of the server looks like.
TOKEN = re.compile(r"[0-9A-Za-z]{14}\.atlasv1\.[0-9A-Za-z]{60,}")

READER = """\
data "terraform_remote_state" "other" {{
  backend = "remote"
  config = {{
    hostname     = "{host}"
    organization = "{organization}"
    workspaces   = {{ name = "{workspace}" }}
  }}
}}
output "seen" {{
  value = data.terraform_remote_state.other.outputs.colour
}}
"""


@pytest.fixture
def producer(api, org, name) -> str:
    """A workspace whose state says that the colour is blue."""
    workspace = f"{name[:70]}-producer"
    org.create_workspace(workspace, terraform_version=NEWEST)
    files = {"main.tf": 'output "colour" {\n  value = "blue"\n}\n'}
    run = org.queue_run(workspace, org.configuration(workspace, files), auto_apply=True)
    api.run_reaches(run["id"], "applied")
    return workspace


@pytest.fixture
def read(api, org, server, name, producer):
    """Runs a configuration that reads the producer's state, to its end."""

    def run(version: str = NEWEST, **attributes) -> dict:
        if not org.has_workspace(name):
            org.create_workspace(name, terraform_version=version)
        host = server.address.removeprefix("http://")
        text = READER.format(host=host, organization=org.name, workspace=producer)
        configuration = org.configuration(name, {"main.tf": text})
        run = org.queue_run(name, configuration, auto_apply=True, **attributes)
        return api.run_ends(run["id"])

    return run


def outputs(org, workspace: str) -> dict:
    return {key: output["value"] for key, output in org.state(workspace)["outputs"].items()}


@pytest.mark.parametrize("version", ["1.0.3", "1.15.5"])
def test_a_state_that_is_shared_with_all_is_read(version, api, org, name, producer, read):
    org.change_workspace(producer, global_remote_state=True)
    run = read(version)
    assert run["attributes"]["status"] == "applied", api.logs(run)
    assert outputs(org, name) == {"seen": "blue"}


def test_a_state_is_read_by_its_consumers_alone(api, org, name, producer, read):
    run = read()
    assert run["attributes"]["status"] == "errored", api.logs(run)
    assert outputs(org, producer) == {"colour": "blue"}

    consumers = f"workspaces/{org.workspace_id(producer)}/relationships/remote-state-consumers"
    consumer = {"type": "workspaces", "id": org.workspace_id(name)}
    assert api.call("POST", consumers, {"data": [consumer]}).status_code == 204
    run = read()
    assert run["attributes"]["status"] == "applied", api.logs(run)
    assert outputs(org, name) == {"seen": "blue"}

    assert api.call("DELETE", consumers, {"data": [consumer]}).status_code == 204
    run = read()
    assert run["attributes"]["status"] == "errored", api.logs(run)
    assert "blue" not in api.logs(run)


def test_what_lets_the_engine_in_shows_nowhere(api, org, name, producer, read):
    org.change_workspace(producer, global_remote_state=True)
    run = read(debugging_mode=True)
    assert run["attributes"]["status"] == "applied", api.logs(run)
    plan = related(run, "plan")
    redirected = api.call("GET", f"plans/{plan}/json-output", follow_redirects=True)
    texts = {
        "logs": api.logs(run),
        "plan": succeeded(redirected).text,
        "state": str(org.state(name)),
    }
    assert "TRACE" in texts["logs"] or "trace" in texts["logs"]
    assert "blue" in texts["plan"] and "blue" in texts["state"]
    for where, text in texts.items():
        assert not TOKEN.search(text), where


def test_the_token_ends_with_the_run(api, org, name, gate, server, hcl):
    """A run gives its own token away; it is worth something only while the run lasts."""
    org.create_workspace(name, terraform_version=NEWEST)
    token = "$(grep -o '[^\"]*atlasv1[^\"]*' $TF_CLI_CONFIG_FILE)"
    files = {"main.tf": hcl.resource("a", command=gate.tell(token))}
    run = org.queue_run(name, org.configuration(name, files), auto_apply=True)
    (told,) = until(lambda: gate.lines, "the run has told its token")
    own = f"{server.address}/api/v2/workspaces/{org.workspace_id(name)}"
    bearer = {"Authorization": f"Bearer {told}"}
    assert httpx.get(own, headers=bearer).status_code == 200
    gate.open()
    assert api.run_ends(run["id"])["attributes"]["status"] == "applied"
    assert httpx.get(own, headers=bearer).status_code == 401
