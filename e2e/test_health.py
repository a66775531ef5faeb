"""What somebody changes behind the engine's back is found, told, and gone after a run."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from harness.waiting import until

CONFIGURATION = """\
terraform {
  required_providers {
    drifting = { source = "statehouse/drifting" }
  }
}
resource "drifting_thing" "declared" {
  name    = "declared"
  content = "right"
}
resource "drifting_thing" "gone" {
  name    = "gone"
  content = "right"
}
resource "drifting_thing" "ignored" {
  name    = "ignored"
  content = "right"
  lifecycle { ignore_changes = [content] }
}
resource "drifting_thing" "still" {
  name    = "still"
  content = "right"
}
check "declared" {
  assert {
    condition     = drifting_thing.declared.content == "right"
    error_message = "Somebody has changed it."
  }
}
"""


@pytest.fixture
def cloud() -> Iterator[tuple[str, dict[str, str]]]:
    """Its address, and the things that are in it."""
    things: dict[str, str] = {}

    class Cloud(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = things.get(self.path[1:])
            self.send_response(404 if found is None else 200)
            self.end_headers()
            self.wfile.write((found or "").encode())

        def do_PUT(self) -> None:
            things[self.path[1:]] = self.rfile.read(int(self.headers["content-length"])).decode()
            self.send_response(204)
            self.end_headers()

        def do_DELETE(self) -> None:
            things.pop(self.path[1:], None)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Cloud)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", things
    server.shutdown()
    server.server_close()


def test_drift_is_found_and_repaired(api, org, name, cloud):
    address, things = cloud
    workspace = org.create_workspace(name, auto_apply=True, assessments_enabled=True)["id"]
    org.set_variable(name, "CLOUD", address)
    # The provider has no certificate.
    org.set_variable(name, "TF_DISABLE_PLUGIN_TLS", "1")

    configuration = org.configuration(name, {"main.tf": CONFIGURATION})

    def apply() -> None:
        run = org.queue_run(name, configuration)["id"]
        api.run_reaches(run, "applied")

    def assessed() -> dict:
        """The result of an assessment that begins now."""
        before = api.get(f"workspaces/{workspace}")["attributes"]["last-assessment-result-at"]
        api.act(f"workspaces/{workspace}/actions/assess")

        def look() -> dict | None:
            shown = api.get(f"workspaces/{workspace}")["attributes"]
            return shown if shown["last-assessment-result-at"] != before else None

        until(look, "the assessment has a result", 60, every=0.1)
        assert not api.get(f"workspaces/{workspace}")["attributes"]["locked"]
        return api.get(f"workspaces/{workspace}/current-assessment-result")

    apply()
    assert things == dict.fromkeys(["declared", "gone", "ignored", "still"], "right")
    state = api.get(f"workspaces/{workspace}/current-state-version")["id"]

    things.update(declared="wrong", ignored="wrong")
    del things["gone"]
    result = assessed()
    found = result["attributes"]
    assert found["succeeded"], found["error-message"]
    assert (found["resources-drifted"], found["resources-undrifted"]) == (2, 2)
    # The check looks at what is really there, and not at what an apply would make of it.
    assert (found["checks-failed"], found["checks-passed"]) == (1, 0)
    assert found["drifted"] and not found["all-checks-succeeded"]
    path = f"assessment-results/{result['id']}"
    plan = api.call("GET", f"{path}/json-output", follow_redirects=True).json()
    actions = {
        change["address"]: change["change"]["actions"] for change in plan["resource_changes"]
    }
    assert actions == {
        "drifting_thing.declared": ["update"],
        "drifting_thing.gone": ["create"],
        "drifting_thing.ignored": ["no-op"],
        "drifting_thing.still": ["no-op"],
    }
    log = api.call("GET", f"{path}/log-output", headers={"Accept": "text/plain"}).text
    assert "Drift detected" in log
    schemas = api.call("GET", f"{path}/json-schema", follow_redirects=True).json()
    assert "registry.terraform.io/statehouse/drifting" in schemas["provider_schemas"]
    # Nothing was changed.
    assert things == {"declared": "wrong", "ignored": "wrong", "still": "right"}
    assert api.get(f"workspaces/{workspace}/current-state-version")["id"] == state

    apply()
    assert things["declared"] == things["gone"] == "right"
    found = assessed()["attributes"]
    assert (found["resources-drifted"], found["resources-undrifted"]) == (0, 4)
    assert found["all-checks-succeeded"] and found["checks-passed"] == 1
