"""Run tasks, at a terminal: a service on loopback is asked, and what it says is shown, advises, or stops the run."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from harness.configurations import Configurations

COMPLETE = "Apply complete! Resources: 1 added, 0 changed, 0 destroyed."


class Service:
    """Comes back with what it was told to say as soon as it is asked; reads the plan first, where there is one."""

    def __init__(self) -> None:
        self.says = {"status": "passed", "message": "Nothing against it"}
        self.asked: list[dict] = []
        self.plans: list[dict] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_) -> None:
                pass

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()
                question = json.loads(body)
                if question["access_token"] != "test-token":
                    outer.asked.append(question)
                    threading.Thread(target=outer.answer, args=[question]).start()

        self.server = ThreadingHTTPServer(("127.0.0.2", 0), Handler)
        self.url = f"http://127.0.0.2:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, question: dict) -> None:
        headers = {"authorization": f"Bearer {question['access_token']}"}
        if question["plan_json_api_url"]:
            plan = httpx.get(question["plan_json_api_url"], headers=headers, follow_redirects=True)
            self.plans.append(plan.raise_for_status().json())
        body = {"data": {"type": "task-results", "attributes": self.says}}
        httpx.patch(question["task_result_callback_url"], headers=headers, json=body).raise_for_status()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def service():
    service = Service()
    yield service
    service.close()


@pytest.fixture
def ask(api, org, name, service):
    """Gives the test's workspace a run task in these stages."""

    def attach(level: str, *stages: str) -> None:
        made = api.create(
            f"organizations/{org.name}/tasks",
            "tasks",
            {"name": name, "category": "task", "url": service.url, "hmac-key": "s3cret"},
        )
        api.create(
            f"workspaces/{org.workspace_id(name)}/tasks",
            "workspace-tasks",
            {"enforcement-level": level, "stages": list(stages)},
            task={"type": "tasks", "id": made["id"]},
        )

    return attach


def test_a_run_task_is_shown_in_every_stage_that_the_command_line_knows(
    project, hcl, org, name, service, ask
):
    terraform = project(hcl.resource("a"))
    ask("mandatory", "pre_plan", "post_plan", "pre_apply", "post_apply")
    apply = terraform.run("apply", "-auto-approve")
    for stage in ["Pre-plan Tasks", "Post-plan Tasks", "Pre-apply Tasks"]:
        assert stage in apply.out
    assert "All tasks completed! 1 passed, 0 failed" in apply.out
    assert "Nothing against it" in apply.out
    assert COMPLETE in apply.out
    assert [one["stage"] for one in service.asked][:3] == ["pre_plan", "post_plan", "pre_apply"]
    assert all("planned_values" in plan for plan in service.plans)


def test_an_advisory_run_task_is_shown_and_stops_nothing(project, hcl, org, name, service, ask):
    terraform = project(hcl.resource("a"))
    service.says = {"status": "failed", "message": "Too dear", "url": "https://example.com/why"}
    ask("advisory", "post_plan")
    apply = terraform.run("apply", "-auto-approve")
    assert "Too dear" in apply.out and "https://example.com/why" in apply.out
    assert "Overall Result: Passed with advisory failure" in apply.out
    assert COMPLETE in apply.out


def test_a_mandatory_run_task_stops_the_run(project, hcl, org, name, service, ask):
    terraform = project(hcl.resource("a"))
    service.says = {"status": "failed", "message": "Too dear"}
    ask("mandatory", "post_plan")
    apply = terraform.run("apply", "-auto-approve", code=1)
    assert "Too dear" in apply.out
    assert "Overall Result: Failed" in apply.out
    assert COMPLETE not in apply.out
    assert org.last_run(name)["attributes"]["status"] == "errored"


# Those that connect by the backend `remote` wait for what comes after a plan from 1.12 on only.
@pytest.mark.parametrize(
    ("version", "backend", "stage"),
    [
        ("1.0.3", "remote", "pre_plan"),
        ("1.8.4", "cloud", "post_plan"),
        ("1.12.2", "cloud", "post_plan"),
        ("1.12.2", "remote", "post_plan"),
    ],
)
def test_every_command_line_gets_past_a_run_task(
    version, backend, stage, project, name, service, ask
):
    terraform = project(Configurations(version).resource("a"), backend, version)
    ask("mandatory", stage)
    assert COMPLETE in terraform.run("apply", "-auto-approve").out
    assert len(service.asked) == 1
