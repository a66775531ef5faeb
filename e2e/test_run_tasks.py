"""Run tasks, at a terminal: a service on loopback is asked, and what it says is shown, advises, or stops the run."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from harness.api import Api
from harness.configurations import Configurations
from harness.server import ADMIN_TOKEN, Server
from harness.waiting import until

STAGES = ["pre_plan", "post_plan", "pre_apply", "post_apply"]
COMPLETE = "Apply complete! Resources: 1 added, 0 changed, 0 destroyed."


@pytest.fixture(scope="module")
def server(new_server: Callable[..., Server]) -> Server:
    """One that soon gives up a run task which says nothing."""
    return new_server(settings=("--run-task-silence=3s",))


@pytest.fixture(scope="module")
def api(server: Server) -> Api:
    return Api(server.address, ADMIN_TOKEN)


class Service:
    """Comes back with what it was told to say as soon as it is asked; reads the plan first, where there is one. With
    nothing to say it never comes back.
    """

    def __init__(self) -> None:
        self.says: dict | None = {"status": "passed", "message": "Nothing against it"}
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
                    if outer.says is not None:
                        threading.Thread(target=outer.answer, args=[question]).start()

        self.server = ThreadingHTTPServer(("127.0.0.2", 0), Handler)
        self.url = f"http://127.0.0.2:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, question: dict) -> None:
        if question["plan_json_api_url"]:
            headers = self.headers(question)
            plan = httpx.get(question["plan_json_api_url"], headers=headers, follow_redirects=True)
            self.plans.append(plan.raise_for_status().json())
        self.come_back(question, self.says).raise_for_status()

    def come_back(self, question: dict, says: dict) -> httpx.Response:
        body = {"data": {"type": "task-results", "attributes": says}}
        return httpx.patch(question["task_result_callback_url"], headers=self.headers(question), json=body)

    def headers(self, question: dict) -> dict[str, str]:
        return {"authorization": f"Bearer {question['access_token']}"}

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
    """Gives the test's workspace a run task in these stages, or has it asked in others."""
    attached: list[str] = []

    def attach(level: str, *stages: str) -> None:
        if attached:
            api.change(attached[0], "workspace-tasks", stages=list(stages))
            return
        made = api.create(
            f"organizations/{org.name}/tasks",
            "tasks",
            {"name": name, "category": "task", "url": service.url, "hmac-key": "s3cret"},
        )
        tasks = f"workspaces/{org.workspace_id(name)}/tasks"
        its = api.create(
            tasks,
            "workspace-tasks",
            {"enforcement-level": level, "stages": list(stages)},
            task={"type": "tasks", "id": made["id"]},
        )
        attached.append(f"{tasks}/{its['id']}")

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


def test_an_advisory_run_task_is_shown_in_every_stage_and_stops_nothing(
    api, project, hcl, org, name, service, ask
):
    terraform = project(hcl.resource("a"))
    service.says = {"status": "failed", "message": "Too dear", "url": "https://example.com/why"}
    ask("advisory", *STAGES)
    apply = terraform.run("apply", "-auto-approve")
    assert "Too dear" in apply.out and "https://example.com/why" in apply.out
    # What comes after an apply is not shown.
    assert apply.out.count("Overall Result: Passed with advisory failure") == 3
    assert COMPLETE in apply.out
    run = org.last_run(name)["id"]
    api.run_reaches(run, "applied")
    assert {stage: one["status"] for stage, one in results(api, run).items()} == dict.fromkeys(
        STAGES, "failed"
    )


@pytest.mark.parametrize("stage", STAGES)
def test_a_mandatory_run_task_stops_the_run_unless_it_is_applied(
    stage, api, project, hcl, org, name, service, ask
):
    terraform = project(hcl.resource("a"))
    service.says = {"status": "failed", "message": "Too dear"}
    ask("mandatory", stage)
    is_applied = stage == "post_apply"
    apply = terraform.run("apply", "-auto-approve", code=0 if is_applied else 1)
    assert (COMPLETE in apply.out) == is_applied
    if not is_applied:
        assert "Too dear" in apply.out
        assert "Overall Result: Failed" in apply.out
    run = org.last_run(name)["id"]
    api.run_reaches(run, "applied" if is_applied else "errored")
    assert results(api, run)[stage]["status"] == "failed"


def results(api, run: str) -> dict[str, dict]:
    """What became of the run task in each stage of a run."""
    stages = api.document(f"runs/{run}/task-stages", include="task_results")
    said = [one["attributes"] for one in stages["included"] if one["type"] == "task-results"]
    return {one["stage"]: one for one in said}


def test_a_run_task_that_says_nothing_is_given_up_in_every_stage(
    api, project, hcl, org, name, service, ask
):
    terraform = project(hcl.resource("a"))
    service.says = None
    ask("advisory", *STAGES)
    apply = terraform.run("apply", "-auto-approve")
    assert "Nothing was heard of the run task for 3 seconds." in apply.flat
    assert apply.out.count("Overall Result: Passed with advisory failure") == 3
    assert COMPLETE in apply.out
    run = org.last_run(name)["id"]
    api.run_reaches(run, "applied")
    assert [one["stage"] for one in service.asked] == STAGES
    assert {one["status"] for one in results(api, run).values()} == {"errored"}


def test_a_mandatory_run_task_that_says_nothing_stops_the_run(
    project, hcl, org, name, service, ask
):
    terraform = project(hcl.resource("a"))
    service.says = None
    ask("mandatory", "pre_plan")
    apply = terraform.run("apply", "-auto-approve", code=1)
    assert "Nothing was heard of the run task for 3 seconds." in apply.flat
    assert COMPLETE not in apply.out
    assert org.last_run(name)["attributes"]["status"] == "errored"


def test_a_run_can_be_canceled_while_a_run_task_is_waited_for(
    api, project, hcl, org, name, service, ask
):
    """In each stage, one run after the other. What was applied is applied, whoever is still waited for."""
    terraform = project(hcl.resource("a"))
    says, service.says = service.says, None
    for stage in STAGES:
        ask("mandatory", stage)
        service.asked.clear()
        terraform.write("main.tf", hcl.resource(stage))
        apply = terraform.start("apply", "-auto-approve")
        until(lambda: service.asked, f"the run task is asked in {stage}")
        question = service.asked[0]
        assert question["stage"] == stage
        run = question["run_id"]
        api.act(f"runs/{run}/actions/cancel")
        is_applied = stage == "post_apply"
        said = apply.ends(0 if is_applied else 1)
        assert ("Apply complete!" in said.out) == is_applied, said.out
        shown = api.get(f"runs/{run}")["attributes"]
        assert shown["status"] == ("applied" if is_applied else "canceled")
        assert results(api, run)[stage]["status"] == "canceled"
        late = service.come_back(question, says)
        assert late.status_code == 409, late.text
        assert not api.get(f"workspaces/{org.workspace_id(name)}")["attributes"]["locked"]


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
