"""Makes what `test_old_data.py` opens: the data of an older release, with rows of every noun.

    STATEHOUSE_BIN=… [STATEHOUSE_E2E_DATABASE_URL=…] python -m old_data.make

is run in `e2e` with the binary of that release, and writes `sqlite.tar.xz` or `postgres.tar.xz` beside this file:
the data directory, what the database held where it is not in there, and all that the release answered.
"""

import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx

from harness import engines
from harness.api import ENDED, Api, Organization, archive, related, succeeded
from harness.configurations import Configurations
from harness.browser import Browser
from harness.server import ADMIN_TOKEN, Server, binary
from harness.waiting import until

from old_data.answers import crawl

HERE = Path(__file__).parent
ORGANIZATION = "meridian"
NEVER = 'package example\n\nrule contains "no" if { true }\n'
ALWAYS = 'package example\n\nrule contains "no" if { false }\n'
REFERENCE = {"type": "workspaces"}
PERSON, PASSWORD = "ada", "correct horse battery staple"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        mirror = engines.provider_mirror(Path(folder) / "providers")
        server = Older(Path(folder) / "server", mirror, ADMIN_TOKEN, [engines.NEWEST]).start()
        recipient = Recipient()
        try:
            tokens = make(server, recipient)
            answers = crawl(server.address, ADMIN_TOKEN)
        finally:
            code = server.stop()
        assert code == 0, server.tail()
        pack(server, {"address": server.address, "tokens": tokens, "answers": answers})


def make(server: Server, recipient: "Recipient") -> dict[str, str]:
    """Rows of every noun; returns the tokens that were handed out."""
    api = Api(server.address, ADMIN_TOKEN)
    attributes = {"name": ORGANIZATION, "email": "it@example.com"}
    api.create("organizations", "organizations", attributes)
    org = Organization(api, ORGANIZATION)
    tokens = people(api) | sign_in(server)
    workplaces(org, tokens)
    variables(org)
    policies(org)
    notifications(org, recipient)
    runs(org, server)
    return tokens


def people(api: Api) -> dict[str, str]:
    """Teams with their access, members, tokens of each kind."""
    at = f"organizations/{ORGANIZATION}"
    tokens = {}
    for name, access in {"platform": {"manage-workspaces": True}, "readers": {}}.items():
        body = {"name": name, "organization-access": access}
        team = api.create(f"{at}/teams", "teams", body)
        made = api.create(f"teams/{team['id']}/authentication-token", "authentication-tokens", {})
        tokens[f"team {name}"] = made["attributes"]["token"]
        person = {"email": f"{name}@example.com"}
        of = {"teams": [{"type": "teams", "id": team["id"]}]}
        path = f"{at}/organization-memberships"
        api.create(path, "organization-memberships", person, **of)
    made = api.create(f"{at}/authentication-token", "authentication-tokens", {})
    tokens["organization"] = made["attributes"]["token"]
    me = api.get("account/details")
    path = f"users/{me['id']}/authentication-tokens"
    made = api.create(path, "authentication-tokens", {"description": "for the terminal"})
    tokens["user"] = made["attributes"]["token"]
    return tokens


def sign_in(server: Server) -> dict[str, str]:
    """Somebody with a password, whose browser stays signed in."""
    command = [binary(), "admin", "create-user", PERSON, "--email=ada@example.com"]
    command += ["--password-stdin", f"--data-dir={server.folder / 'data'}"]
    subprocess.run(command, env=server.environment(), input=PASSWORD.encode(), check=True)
    browser = Browser()
    browser.sign_in(f"{server.address}/app", PERSON, PASSWORD)
    return {"password": PASSWORD}


def workplaces(org: Organization, tokens: dict[str, str]) -> None:
    """Projects, workspaces, what hangs on them, and pools of agents."""
    api, at = org.api, f"organizations/{ORGANIZATION}"
    pool = api.create(f"{at}/agent-pools", "agent-pools", {"name": "behind-the-wall"})
    path = f"agent-pools/{pool['id']}/authentication-tokens"
    made = api.create(path, "authentication-tokens", {"description": "rack 7"})
    tokens["agent pool"] = made["attributes"]["token"]
    scoped = api.create(
        f"{at}/agent-pools", "agent-pools", {"name": "scoped", "organization-scoped": False}
    )
    body = {"name": "network", "description": "All that routes"}
    project = api.create(f"{at}/projects", "projects", body)
    inside = {"project": {"type": "projects", "id": project["id"]}}
    path = f"{at}/workspaces"
    body = {"name": "routes", "description": "Where packets go", "auto-apply": True}
    routes = api.create(path, "workspaces", body, **inside)
    org.create_workspace("planned", terraform_version=engines.NEWEST, working_directory="live")
    org.create_workspace("applied", terraform_version=engines.NEWEST)
    org.create_workspace("follower", terraform_version=engines.NEWEST)
    org.create_workspace("judged", terraform_version=engines.NEWEST)
    org.create_workspace("checked", terraform_version=engines.NEWEST)
    remote = {"execution-mode": "agent", "agent-pool-id": pool["id"]}
    api.create(path, "workspaces", {"name": "remote", **remote})
    local = org.create_workspace("local", execution_mode="local")
    allowed = {
        "allowed-workspaces": {"data": [REFERENCE | {"id": local["id"]}]},
        "allowed-projects": {"data": [{"type": "projects", "id": project["id"]}]},
    }
    body = {"data": {"type": "agent-pools", "relationships": allowed}}
    succeeded(api.call("PATCH", f"agent-pools/{scoped['id']}", body))

    key = api.create(f"{at}/ssh-keys", "ssh-keys", {"name": "modules", "value": PRIVATE_KEY})
    body = {"data": {"type": "workspaces", "attributes": {"id": key["id"]}}}
    path = f"workspaces/{routes['id']}/relationships/ssh-key"
    succeeded(api.call("PATCH", path, body))
    body = {"data": [{"type": "tags", "attributes": {"name": "core"}}]}
    succeeded(api.call("POST", f"workspaces/{routes['id']}/relationships/tags", body))
    bound = {"type": "tag-bindings", "attributes": {"key": "stage", "value": "live"}}
    for noun in (f"workspaces/{routes['id']}", f"projects/{project['id']}"):
        succeeded(api.call("PATCH", f"{noun}/tag-bindings", {"data": [bound]}))
    body = {"key": "stage", "disable-overrides": False}
    api.create(f"{at}/reserved-tag-keys", "reserved-tag-keys", body)
    consumer = {"data": [REFERENCE | {"id": org.workspace_id("applied")}]}
    path = f"workspaces/{routes['id']}/relationships/remote-state-consumers"
    succeeded(api.call("POST", path, consumer))
    body = {"delete-older-than-n-days": 90}
    kind = "data-retention-policy-delete-olders"
    for noun in (f"workspaces/{routes['id']}", at):
        api.create(f"{noun}/relationships/data-retention-policy", kind, body)
    succeeded(api.call("POST", f"workspaces/{routes['id']}/actions/lock", {"reason": "moving"}))

    teams = {team["attributes"]["name"]: team["id"] for team in api.get(f"{at}/teams")}
    readers = {"team": {"type": "teams", "id": teams["readers"]}}
    place = REFERENCE | {"id": org.workspace_id("applied")}
    body = {"access": "custom", "runs": "plan", "variables": "read", "state-versions": "read"}
    api.create("team-workspaces", "team-workspaces", body, workspace=place, **readers)
    place = {"type": "projects", "id": project["id"]}
    api.create("team-projects", "team-projects", {"access": "maintain"}, project=place, **readers)
    source = {"sourceable": REFERENCE | {"id": org.workspace_id("applied")}}
    path = f"workspaces/{org.workspace_id('follower')}/run-triggers"
    api.create(path, "run-triggers", {}, **source)
    limit = {"token-type": "team", "max-ttl-ms": 86_400_000_000}
    body = {"token-ttl-policies": [limit]}
    policy = {"data": {"type": "organization-token-ttl-policies", "attributes": body}}
    succeeded(api.call("PATCH", f"{at}/token-ttl-policies", policy))


def variables(org: Organization) -> None:
    api, at = org.api, f"organizations/{ORGANIZATION}"
    org.set_variable("applied", "region", "north", "terraform", description="Where it stands")
    org.set_variable("applied", "zones", '["a", "b"]', "terraform", hcl=True)
    org.set_variable("applied", "API_KEY", "sealed-before-the-change", sensitive=True)
    body = {"name": "everywhere", "global": True, "priority": True}
    everywhere = api.create(f"{at}/varsets", "varsets", body)
    some = api.create(
        f"{at}/varsets", "varsets", {"name": "some", "global": False},
        workspaces=[REFERENCE | {"id": org.workspace_id("applied")}],
    )
    for number, varset in enumerate((everywhere, some)):
        body = {"key": f"LEVEL_{number}", "value": "1", "category": "env", "sensitive": number == 1}
        api.create(f"varsets/{varset['id']}/relationships/vars", "vars", body)


def policies(org: Organization) -> None:
    """Of both kinds; those in Rego are for one workspace, where a run meets them."""
    api, at = org.api, f"organizations/{ORGANIZATION}"
    levels = {"soft": ("mandatory", NEVER), "fine": ("advisory", ALWAYS)}
    members = []
    for name, (level, code) in levels.items():
        body = {"name": name, "kind": "opa", "query": "data.example.rule"}
        policy = api.create(f"{at}/policies", "policies", body | {"enforcement-level": level})
        succeeded(api.http.put(f"policies/{policy['id']}/upload", content=code.encode()))
        members.append({"type": "policies", "id": policy["id"]})
    body = {"name": "rego", "kind": "opa", "overridable": True}
    place = REFERENCE | {"id": org.workspace_id("judged")}
    made = api.create(
        f"{at}/policy-sets", "policy-sets", body, policies=members, workspaces=[place]
    )
    body = {"key": "limit", "value": "7", "sensitive": True, "category": "policy-set"}
    api.create(f"policy-sets/{made['id']}/parameters", "vars", body)
    body = {"name": "stored", "kind": "sentinel", "enforcement-level": "soft-mandatory"}
    policy = api.create(f"{at}/policies", "policies", body)
    succeeded(api.http.put(f"policies/{policy['id']}/upload", content=b"main = rule { true }"))
    place = REFERENCE | {"id": org.workspace_id("checked")}
    code = [{"type": "policies", "id": policy["id"]}]
    body = {"name": "sentinel", "kind": "sentinel"}
    api.create(f"{at}/policy-sets", "policy-sets", body, policies=code, workspaces=[place])
    made = api.create(f"{at}/policy-sets", "policy-sets", {"name": "uploaded", "kind": "sentinel"})
    version = api.create(f"policy-sets/{made['id']}/versions", "policy-set-versions", {})
    files = {"sentinel.hcl": 'policy "a" { source = "a.sentinel" }\n', "a.sentinel": "main = true"}
    succeeded(httpx.put(version["links"]["upload"], content=archive(files)))


def notifications(org: Organization, recipient: "Recipient") -> None:
    """To somebody who answers, and to nobody, so that something is left to do."""
    for workspace, path in {"applied": "", "judged": "once"}.items():
        body = {
            "name": "chat", "destination-type": "generic", "url": recipient.url + path, "enabled": True,
            "token": "shared-secret", "triggers": ["run:created", "run:completed"],
        }
        path = f"workspaces/{org.workspace_id(workspace)}/notification-configurations"
        org.api.create(path, "notification-configurations", body)


def runs(org: Organization, server: Server) -> None:
    """One in each status in which a run can be met for long."""
    api, hcl = org.api, Configurations(engines.NEWEST)
    text = (
        hcl.variable("region") + hcl.variable("zones", "list(string)")
        + hcl.resource("a", "var.region") + hcl.output("region", "var.region")
        + hcl.output("secret", '"whispered"', sensitive=True)
    )
    uploaded = org.configuration("applied", {"main.tf": text, "README.md": "# Applied\n"})
    run = org.queue_run("applied", uploaded, message="First", auto_apply=True)
    api.run_reaches(run["id"], "applied")
    api.create(f"runs/{run['id']}/comments", "comments", {"body": "It holds."})
    api.run_reaches(org.queue_run("applied", uploaded, message="Again")["id"], "planned_and_finished")
    org.set_variable("applied", "region", "south", "env")
    destroy = org.queue_run("applied", uploaded, message="Not today", is_destroy=True)
    api.run_reaches(destroy["id"], "planned")
    api.act(f"runs/{destroy['id']}/actions/discard")
    broken = org.configuration("applied", {"main.tf": "resource {"})
    failed = org.queue_run("applied", broken, message="Broken")
    until(lambda: api.run(failed["id"])["attributes"]["status"] == "errored", "it fails")
    last = org.queue_run("applied", uploaded, message="Waits", is_destroy=True)
    api.run_reaches(last["id"], "planned")
    waiting = org.queue_run("applied", uploaded, message="Behind it")
    canceled = org.queue_run("applied", uploaded, message="Canceled")
    api.act(f"runs/{canceled['id']}/actions/cancel")
    assert api.run(waiting["id"])["attributes"]["status"] == "pending"

    files = {"live/main.tf": hcl.resource("b")}
    saved = org.queue_run("planned", org.configuration("planned", files), save_plan=True)
    api.run_reaches(saved["id"], "planned_and_saved")
    uploaded = org.configuration("judged", {"main.tf": hcl.resource("c")})
    judged = org.queue_run("judged", uploaded, message="Judged")
    api.run_reaches(judged["id"], "post_plan_awaiting_decision", "errored", "planned")
    uploaded = org.configuration("checked", {"main.tf": hcl.resource("c")})
    checked = org.queue_run("checked", uploaded, message="Checked")
    until(lambda: api.run(checked["id"])["attributes"]["status"] in ENDED, "it is checked")
    only = org.configuration("planned", files, speculative=True)
    api.run_reaches(org.queue_run("planned", only, plan_only=True)["id"], "planned_and_finished")
    # An upload that nobody has made yet.
    path = f"workspaces/{org.workspace_id('planned')}/configuration-versions"
    api.create(path, "configuration-versions", {"auto-queue-runs": False})
    # A run of a configuration whose agents are never there.
    files = {"main.tf": hcl.resource("d")}
    org.queue_run("remote", org.configuration("remote", files), message="Nobody is there")


class Older(Server):
    def environment(self) -> dict[str, str]:
        return super().environment() | {"STATEHOUSE_NOTIFICATION_NETWORKS": "127.0.0.0/8"}


class Recipient:
    """Somebody who takes every message, and at `/once` only the first."""

    def __init__(self) -> None:
        recipient = self
        self.taken = 0

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # noqa: N802
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                recipient.taken += self.path == "/once"
                self.send_response(200 if self.path == "/" or recipient.taken == 1 else 503)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.http = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


def pack(server: Server, record: dict[str, Any]) -> None:
    kind = "postgres" if server.database_url else "sqlite"
    with tarfile.open(HERE / f"{kind}.tar.xz", "w:xz") as tar:
        tar.add(server.folder / "data", "data", filter=without_work)
        add(tar, "answers.json", json.dumps(record).encode())
        if server.database_url:
            dump = ["pg_dump", "--inserts", "--no-owner", "--dbname", server.database_url]
            done = subprocess.run(dump, capture_output=True, check=True)
            add(tar, "dump.sql", done.stdout)


def without_work(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Neither engines nor what an agent leaves: only what has to be kept."""
    inside = Path(entry.name).parts[1:2]
    return None if inside and inside[0] in {"agent", "work", "engines", "jobs"} else entry


def add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))


# Made for this, and good for nothing.
PRIVATE_KEY = """\
-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
-----END OPENSSH PRIVATE KEY-----
"""

if __name__ == "__main__":
    main()
