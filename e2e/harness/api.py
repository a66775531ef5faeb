"""Someone who drives the server by its JSON:API, with nothing but a token."""

import io
import tarfile
import uuid
from typing import Any

import httpx

from harness.waiting import until

Resource = dict[str, Any]

# The statuses after which a run never changes again.
ENDED = {
    "applied",
    "planned_and_finished",
    "errored",
    "canceled",
    "force_canceled",
    "discarded",
    "policy_soft_failed",
}


class Api:
    def __init__(self, address: str, token: str) -> None:
        self.address = address
        self.token = token
        self.http = httpx.Client(
            base_url=f"{address}/api/v2/",
            timeout=30,
            headers={
                "Authorization": f"Bearer {token}",
                "Content-Type": "application/vnd.api+json",
            },
        )

    # Requests

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> httpx.Response:
        return self.http.request(method, path, json=body, **options)

    def get(self, path: str, **query: Any) -> Any:
        """The primary data of a document."""
        return self.document(path, **query)["data"]

    def document(self, path: str, **query: Any) -> Any:
        return succeeded(self.call("GET", path, params=query)).json()

    def create(self, path: str, type_: str, attributes: dict, **relationships: Any) -> Resource:
        body = {"data": {"type": type_, "attributes": attributes}}
        if relationships:
            body["data"]["relationships"] = {
                name.replace("_", "-"): {"data": data} for name, data in relationships.items()
            }
        return succeeded(self.call("POST", path, body)).json()["data"]

    def change(self, path: str, type_: str, **attributes: Any) -> Resource:
        attributes = {name.replace("_", "-"): value for name, value in attributes.items()}
        body = {"data": {"type": type_, "attributes": attributes}}
        return succeeded(self.call("PATCH", path, body)).json()["data"]

    def act(self, path: str, comment: str = "by the end-to-end tests") -> None:
        succeeded(self.call("POST", path, {"comment": comment}))

    # Nouns

    def organization(self) -> "Organization":
        name = f"e2e-{uuid.uuid4().hex[:10]}"
        attributes = {"name": name, "email": "e2e@example.com"}
        self.create("organizations", "organizations", attributes)
        return Organization(self, name)

    def run(self, run_id: str) -> Resource:
        return self.get(f"runs/{run_id}")

    def run_reaches(self, run_id: str, *statuses: str, seconds: float = 60) -> Resource:
        """Waits for one of the statuses; a run that ended in another one fails at once."""

        def look() -> Resource | None:
            run = self.run(run_id)
            status = run["attributes"]["status"]
            if status in statuses:
                return run
            assert status not in ENDED, f"{run_id} ended as {status}:\n{self.logs(run)}"
            return None

        return until(look, f"{run_id} is {' or '.join(statuses)}", seconds, every=0.1)

    def run_ends(self, run_id: str, seconds: float = 60) -> Resource:
        return self.run_reaches(run_id, *ENDED, seconds=seconds)

    def log(self, run: Resource, phase: str) -> bytes:
        """All of a phase's log, markers included."""
        return httpx.get(self.log_url(run, phase), params={"limit": 1 << 30, "offset": 0}).content

    def log_url(self, run: Resource, phase: str) -> str:
        phase_id = related(run, phase)
        return self.get(f"{phase}s/{phase_id}" if phase == "plan" else f"applies/{phase_id}")[
            "attributes"
        ]["log-read-url"]

    def logs(self, run: Resource) -> str:
        return "".join(
            f"--- {phase}\n{self.log(run, phase).decode(errors='replace')}\n"
            for phase in ("plan", "apply")
        )


class Organization:
    """An organization of its own for a test, so that tests never meet."""

    def __init__(self, api: Api, name: str) -> None:
        self.api = api
        self.name = name

    def create_workspace(self, name: str, **attributes: Any) -> Resource:
        attributes = {key.replace("_", "-"): value for key, value in attributes.items()}
        path = f"organizations/{self.name}/workspaces"
        return self.api.create(path, "workspaces", {"name": name, **attributes})

    def workspace(self, name: str) -> Resource:
        return self.api.get(f"organizations/{self.name}/workspaces/{name}")

    def has_workspace(self, name: str) -> bool:
        path = f"organizations/{self.name}/workspaces/{name}"
        return self.api.call("GET", path).status_code == 200

    def workspace_id(self, name: str) -> str:
        return self.workspace(name)["id"]

    def change_workspace(self, name: str, **attributes: Any) -> Resource:
        return self.api.change(f"workspaces/{self.workspace_id(name)}", "workspaces", **attributes)

    def set_variable(
        self, workspace: str, key: str, value: str, category: str = "env", **attributes: Any
    ) -> Resource:
        return self.api.create(
            f"workspaces/{self.workspace_id(workspace)}/vars",
            "vars",
            {"key": key, "value": value, "category": category, **attributes},
        )

    def runs(self, workspace: str) -> list[Resource]:
        """Newest first."""
        return self.api.get(f"workspaces/{self.workspace_id(workspace)}/runs")

    def last_run(self, workspace: str) -> Resource:
        return self.runs(workspace)[0]

    def state(self, workspace: str) -> Any:
        """The state itself, as Terraform wrote it."""
        path = f"workspaces/{self.workspace_id(workspace)}/current-state-version"
        url = self.api.get(path)["attributes"]["hosted-state-download-url"]
        return succeeded(self.api.call("GET", url)).json()

    def state_addresses(self, workspace: str) -> set[str]:
        """Of what there is: an interrupted apply may leave entries without instances."""
        resources = self.state(workspace)["resources"]
        return {f"{r['type']}.{r['name']}" for r in resources if r["instances"]}

    def configuration(self, workspace: str, files: dict[str, str], **attributes: Any) -> str:
        """Uploads the files and returns the id of their configuration version, once usable."""
        attributes = {name.replace("_", "-"): value for name, value in attributes.items()}
        version = self.api.create(
            f"workspaces/{self.workspace_id(workspace)}/configuration-versions",
            "configuration-versions",
            {"auto-queue-runs": False, **attributes},
        )
        upload = version["attributes"]["upload-url"]
        succeeded(httpx.put(upload, content=archive(files), timeout=30))
        path = f"configuration-versions/{version['id']}"
        until(lambda: self.api.get(path)["attributes"]["status"] == "uploaded", "it is uploaded")
        return version["id"]

    def queue_run(self, workspace: str, configuration: str, **attributes: Any) -> Resource:
        return self.api.create(
            "runs",
            "runs",
            {name.replace("_", "-"): value for name, value in attributes.items()},
            workspace={"type": "workspaces", "id": self.workspace_id(workspace)},
            configuration_version={"type": "configuration-versions", "id": configuration},
        )


def related(resource: Resource, name: str) -> str:
    return resource["relationships"][name]["data"]["id"]


def succeeded(response: httpx.Response) -> httpx.Response:
    request = response.request
    assert response.status_code < 300, (
        f"{request.method} {request.url}\n{request.content.decode(errors='replace')[:2000]}\n"
        f"-> {response.status_code}\n{response.text[:2000]}"
    )
    return response


def archive(files: dict[str, str]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            tar.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()
