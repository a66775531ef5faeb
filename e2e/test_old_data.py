"""What an older release kept is all there for this one, and works on.

`old_data/make.py` made it, with the release before the queue, the stages and the events were built anew.
"""

import json
import os
import re
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from harness import engines
from harness.api import Api, Organization
from harness.browser import Browser
from harness.server import ADMIN_TOKEN, Server, binary
from harness.waiting import until

from old_data.answers import crawl

OLD = Path(__file__).parent / "old_data"

# What is answered otherwise now: where, and why.
CHANGED = {
    r"terraform-versions.*\.(url|sha|archs)": "known for the versions that the server was given, too",
    r"admin/terraform-versions\.meta\.pagination\.total-count": "OpenTofu's versions are listed beside Terraform's",
    r"admin/sentinel-versions\.meta\.pagination\.total-count|entitlement-set\..*\.sentinel:":
        "Sentinel is a part of the server",
    r"entitlement-set\..*\.audit-logging:": "there is an audit trail",
    r"entitlement-set\..*\.vcs-integrations:": "repositories are connected",
    r"entitlement-set\..*\.(global-)?run-tasks:": "run tasks are asked",
    r"\.permissions\.can-view2fa-settings": "there are second factors",
    r"\.(is-exportable|can-export): ": "plans are exported as mocks",
    r"\.tag-names|/relationships/tags\.|/effective-tag-bindings\.":
        "names show flat tags only, effective bindings those with a key only",
    r"\.relationships\.comments: data": "an address only: the contract has another type there than go-tfe",
    r"authentication-tokens.*\.last-used-at": "asking is using",
    r"\.delivery-responses": "what could not be sent goes on being tried",
    r"users.*\.(avatar-url|is-confirmed)": "an address counts once it is confirmed",
}


@pytest.fixture(scope="module")
def record(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "answers.json").read_text())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("old")
    kind = "postgres" if os.environ.get("STATEHOUSE_E2E_DATABASE_URL") else "sqlite"
    with tarfile.open(OLD / f"{kind}.tar.xz") as tar:
        tar.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def old(folder: Path, mirror: Path) -> Iterator[Server]:
    """This release, on what the older one has left."""
    server = Server(folder, mirror, ADMIN_TOKEN, [engines.NEWEST])
    if server.database_url:
        restore(server.database_url, (folder / "dump.sql").read_text())
    yield server.start()
    server.stop()


def restore(url: str, dump: str) -> None:
    import psycopg

    # What begins so is meant for psql.
    statements = [line for line in dump.splitlines() if not line.startswith("\\")]
    with psycopg.connect(url) as connection:
        connection.execute("\n".join(statements))


@pytest.fixture(scope="module")
def now(old: Server, record: dict[str, Any]) -> dict[str, Any]:
    """What this release answers, read before any test changes something."""
    return crawl(old.address, ADMIN_TOKEN)


def test_whatever_it_answered_is_still_answered(record, now, old):
    missing = sorted(record["answers"].keys() - now.keys())
    assert missing == []
    differences = []
    for path, was in record["answers"].items():
        text = json.dumps(was).replace(record["address"], old.address)
        compare(path, json.loads(text), now[path], differences)
    unknown = [d for d in differences if not any(re.search(why, d) for why in CHANGED)]
    assert unknown == [], "\n".join(unknown[:40])
    unused = [why for why in CHANGED if not any(re.search(why, d) for d in differences)]
    assert unused == []


def compare(path: str, was: Any, is_now: Any, differences: list[str]) -> None:
    """Something may be new, but nothing may be gone or another."""
    was, is_now = by_identity(was), by_identity(is_now)
    if isinstance(was, dict) and isinstance(is_now, dict):
        for key, value in was.items():
            if is_fleeting(value):
                continue
            if key not in is_now:
                differences.append(f"{path}: {key} is gone")
            else:
                compare(f"{path}.{key}", value, is_now[key], differences)
    elif was != is_now:
        differences.append(f"{path}: {was!r} is {is_now!r} now")


def by_identity(value: Any) -> Any:
    """Lists of resources by what they are, whatever their order."""
    if isinstance(value, list) and all(isinstance(v, dict) and "id" in v for v in value):
        return {f"{v.get('type')} {v['id']}": v for v in value}
    return value


def is_fleeting(value: Any) -> bool:
    """An address that is signed anew for everybody who asks."""
    return isinstance(value, str) and "/_archivist/" in value


def test_nothing_of_it_is_damaged(old, now):
    command = [binary(), "verify", f"--data-dir={old.folder / 'data'}"]
    done = subprocess.run(command, env=old.environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_tokens_and_passwords_are_as_good_as_they_were(old, record, now):
    tokens = record["tokens"]
    Browser().sign_in(f"{old.address}/app", "ada", tokens.pop("password"))
    agent = tokens.pop("agent pool")
    body = {"name": "a", "version": "0", "instance": "i", "engines": []}
    headers = {"Authorization": f"Bearer {agent}"}
    answer = httpx.post(f"{old.address}/agent/v1/register", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    for whose, token in tokens.items():
        answer = Api(old.address, token).call("GET", "organizations/meridian")
        assert answer.status_code == 200, f"{whose}: {answer.text}"


def test_runs_go_on_where_they_stood(old, now):
    api = Api(old.address, ADMIN_TOKEN)
    org = Organization(api, "meridian")
    runs = {run["attributes"]["message"]: run["id"] for run in org.runs("applied")}
    state = org.state("applied")
    assert state["outputs"]["region"]["value"] == "north"
    # Planned by the older release, applied by this one.
    api.act(f"runs/{runs['Waits']}/actions/apply")
    api.run_reaches(runs["Waits"], "applied")
    assert org.state("applied")["serial"] > state["serial"]
    # It stood behind that one, and its variables were sealed by the older release.
    api.run_reaches(runs["Behind it"], "planned")
    (saved,) = [run for run in org.runs("planned") if run["attributes"]["save-plan"]]
    api.act(f"runs/{saved['id']}/actions/apply")
    api.run_reaches(saved["id"], "applied")
    # Policies that the older release had asked wait for a decision, and for the rest of the way.
    judged = org.last_run("judged")
    (stage,) = api.get(f"runs/{judged['id']}/task-stages")
    api.act(f"task-stages/{stage['id']}/actions/override")
    until(lambda: api.run(judged["id"])["attributes"]["status"] == "post_plan_completed", "it goes on")
    api.act(f"runs/{judged['id']}/actions/apply")
    api.run_reaches(judged["id"], "applied")
