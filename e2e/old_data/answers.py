"""All that a server answers about what it has: every address that leads to another, from the organizations on."""

from typing import Any, Iterator

import httpx

ROOTS = [
    "account/details", "organizations", "organization-memberships", "admin/terraform-versions",
    "admin/opa-versions", "admin/sentinel-versions", "admin/general-settings",
]
# Below each of a kind, beside what its documents link to.
BELOW = {
    "organizations": [
        "agent-pools", "capacity", "entitlement-set", "organization-memberships", "policies", "policy-sets",
        "projects", "relationships/data-retention-policy", "reserved-tag-keys", "runs", "ssh-keys", "tags",
        "team-tokens", "teams", "token-ttl-policies", "varsets", "workspaces",
    ],
    "workspaces": [
        "all-vars", "configuration-versions", "current-state-version", "effective-tag-bindings",
        "notification-configurations", "relationships/data-retention-policy",
        "relationships/remote-state-consumers", "relationships/tags", "resources", "runs",
        "run-triggers?filter[run-trigger][type]=inbound", "tag-bindings", "varsets", "vars",
    ],
    "runs": ["comments", "policy-checks", "run-events", "task-stages", "plan"],
    "agent-pools": ["agents", "authentication-tokens"],
    "projects": ["effective-tag-bindings", "tag-bindings", "varsets"],
    "policy-sets": ["parameters", "versions"],
    "policy-evaluations": ["policy-set-outcomes"],
    "state-versions": ["outputs"],
    "task-stages": ["policy-evaluations"],
    "teams": ["authentication-token", "relationships/organization-memberships"],
    "users": ["authentication-tokens"],
    "varsets": ["relationships/vars"],
    "plans": ["json-output"],
}


def crawl(address: str, token: str) -> dict[str, Any]:
    """Documents by address, below `/api/v2/`."""
    headers = {"Authorization": f"Bearer {token}"}
    found: dict[str, Any] = {}
    with httpx.Client(base_url=f"{address}/api/v2/", headers=headers, follow_redirects=True) as http:
        waiting = list(ROOTS)
        seen = set(waiting)
        while waiting:
            path = waiting.pop()
            answer = http.get(path)
            assert answer.status_code in {200, 204, 404, 405, 422}, f"{path}: {answer.status_code} {answer.text}"
            if answer.status_code != 200:
                continue
            found[path] = answer.json()
            for further in leads_to(found[path]):
                if further not in seen:
                    seen.add(further)
                    waiting.append(further)
    return found


def leads_to(document: Any) -> Iterator[str]:
    if not isinstance(document, dict):
        return
    data = document.get("data")
    for resource in data if isinstance(data, list) else [data]:
        if not isinstance(resource, dict) or "type" not in resource:
            continue
        own = resource.get("links", {}).get("self", "")
        if isinstance(own, str) and own.startswith("/api/v2/"):
            yield own.removeprefix("/api/v2/")
        for below in BELOW.get(resource["type"], []):
            yield f"{resource['type']}/{resource['id']}/{below}"
        for relation in resource.get("relationships", {}).values():
            related = relation.get("links", {})
            related = related.get("related", "") if isinstance(related, dict) else ""
            if isinstance(related, str) and related.startswith("/api/v2/"):
                yield related.removeprefix("/api/v2/")
