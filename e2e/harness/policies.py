"""Policies and sets of them, as their authors bring them to a server."""

from typing import Any

import httpx

from .api import Api, Organization, archive, succeeded
from .waiting import until


class Policies:
    """Of one kind, for one workspace."""

    def __init__(self, api: Api, org: Organization, workspace: str, kind: str):
        self.api, self.org, self.workspace, self.kind = api, org, workspace, kind

    def attach(
        self, policy_name: str, level: str, code: str, policy: dict[str, Any], **attributes: Any
    ) -> str:
        """Makes a policy, and a set with it; returns the id of the set."""
        made = self.api.create(
            f"organizations/{self.org.name}/policies",
            "policies",
            {"name": policy_name, "kind": self.kind, "enforcement-level": level, **policy},
        )
        succeeded(self.api.http.put(f"policies/{made['id']}/upload", content=code.encode()))
        policies = [{"type": "policies", "id": made["id"]}]
        return self._set(attributes, policies=policies)["id"]

    def upload(self, name: str, files: dict[str, str]) -> None:
        """Makes a set whose policies come in an archive."""
        made = self._set({"name": name})
        version = self.api.call("POST", f"policy-sets/{made['id']}/versions")
        version = succeeded(version).json()["data"]
        succeeded(httpx.put(version["links"]["upload"], content=archive(files), timeout=30))
        path = f"policy-set-versions/{version['id']}"
        until(lambda: self.api.get(path)["attributes"]["status"] == "ready", "it is ready")

    def _set(self, attributes: dict[str, Any], **relationships) -> dict[str, Any]:
        workspace = {"type": "workspaces", "id": self.org.workspace_id(self.workspace)}
        return self.api.create(
            f"organizations/{self.org.name}/policy-sets",
            "policy-sets",
            {"kind": self.kind, **attributes},
            workspaces=[workspace],
            **relationships,
        )
