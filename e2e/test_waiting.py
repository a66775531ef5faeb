"""What an apply waits for beside agents and policies: the end of a freeze, and the yes of several people."""

import re
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from harness.api import Api, Organization
from harness.browser import Browser
from harness.server import Server, binary
from harness.waiting import until

COMPLETE = "Apply complete! Resources: 1 added, 0 changed, 0 destroyed."


@pytest.fixture(scope="module")
def another(server: Server, org: Organization) -> Api:
    """A second owner, who came by an invitation."""

    def admin(*arguments: str) -> str:
        command = [binary(), "admin", *arguments, f"--data-dir={server.folder / 'data'}"]
        done = subprocess.run(command, env=server.environment(), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    invited = admin("invite", "second@example.com", f"--organization={org.name}", "--team=owners")
    browser = Browser()
    browser.open(re.search(r"http://\S+", invited).group())
    browser.submit(username="second", password="correct-horse-battery")
    return Api(server.address, admin("mint-token", "second").split()[-1])


@pytest.fixture
def freeze(api, org, name):
    """Lets applies in the test's workspace wait for an hour, or until what it returns is taken away."""

    def make() -> str:
        workspace = {"type": "workspaces", "id": org.workspace_id(name)}
        now = datetime.now(UTC)
        times = {"starts-at": stamp(now), "ends-at": stamp(now + timedelta(hours=1))}
        path = f"organizations/{org.name}/freezes"
        made = api.create(path, "freezes", {"name": name, **times}, workspace=workspace)
        return f"freezes/{made['id']}"

    return make


def stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def waits_for(org, name: str, kind: str) -> str:
    """The run that a command line has begun, once this holds it up."""

    def look() -> str | None:
        runs = org.runs(name)
        if not runs:
            return None
        blocked = org.api.run(runs[0]["id"])["attributes"].get("blocked-by")
        return runs[0]["id"] if blocked and blocked["kind"] == kind else None

    return until(look, f"the run of {name} waits for {kind}")


def test_an_apply_waits_for_the_end_of_a_freeze(project, hcl, api, org, name, freeze):
    terraform = project(hcl.resource("a"))
    frozen = freeze()
    apply = terraform.start("apply", "-auto-approve")
    run = waits_for(org, name, "freeze")
    assert name in api.run(run)["attributes"]["waiting-reason"]
    api.call("DELETE", frozen).raise_for_status()
    assert COMPLETE in apply.ends(0).out


def test_an_owner_lets_one_apply_through_a_freeze(project, hcl, api, org, name, freeze):
    terraform = project(hcl.resource("a"))
    freeze()
    apply = terraform.start("apply", "-auto-approve")
    api.act(f"runs/{waits_for(org, name, 'freeze')}/actions/break-freeze", "It burns.")
    assert COMPLETE in apply.ends(0).out


def test_a_command_line_waits_until_another_person_has_confirmed(
    project, hcl, api, another, org, name
):
    terraform = project(hcl.resource("a"))
    org.change_workspace(name, confirmations_required=2)
    apply = terraform.talk("apply")
    apply.expect("Enter a value:")
    apply.answer("yes")
    run = org.last_run(name)["id"]
    said = until(lambda: api.document(f"runs/{run}/confirmations")["data"], "one has confirmed")
    assert len(said) == 1
    assert api.run(run)["attributes"]["blocked-by"]["kind"] == "people"
    # Nobody counts twice.
    assert api.call("POST", f"runs/{run}/actions/apply", {}).status_code == 409
    another.act(f"runs/{run}/actions/apply")
    assert COMPLETE in apply.ends(0).out
    assert api.run_ends(run)["attributes"]["status"] == "applied"
