"""The pages in a real browser: what people do with them, and whether everybody can."""

import httpx
import pytest

from harness.api import Api
from harness.chromium import Visitor, chromium

USERNAME, PASSWORD = "ada", "correct horse battery staple"


@pytest.fixture(scope="module")
def server(new_server):
    return new_server(admin_token=None, versions=["1.15.5"])


@pytest.fixture(scope="module")
def api(server):
    iact = httpx.get(f"{server.address}/admin/retrieve-iact")
    assert iact.status_code == 200, iact.text
    user = {"username": USERNAME, "email": "ada@example.com", "password": PASSWORD}
    made = httpx.post(
        f"{server.address}/admin/initial-admin-user", params={"token": iact.text.strip()}, json=user
    )
    return Api(server.address, made.json()["token"])


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def org(api):
    """With a run that waits for somebody, and one that stands behind it."""
    org = api.organization()
    workspace = org.create_workspace("networking")
    around(api, org, workspace["id"])
    text = 'variable "region" {\n  default = "eu-1"\n}\nresource "terraform_data" "a" {\n  input = var.region\n}\n'
    configuration = org.configuration("networking", {"main.tf": text})
    run = org.queue_run("networking", configuration)
    api.run_reaches(run["id"], "planned")
    org.waiting = run["id"]
    org.queue_run("networking", configuration)
    return org


def around(api, org, workspace: str) -> None:
    """Something for each page to show."""
    below = f"organizations/{org.name}"
    org.set = api.create(f"{below}/varsets", "varsets", {"name": "defaults", "global": True})["id"]
    for key, value, sensitive in [("region", "eu-1", False), ("token", "secret", True)]:
        attributes = {"key": key, "value": value, "category": "env", "sensitive": sensitive}
        api.create(f"varsets/{org.set}/relationships/vars", "vars", attributes)
    api.create(f"{below}/ssh-keys", "ssh-keys", {"name": "deploy", "value": "no real key"})
    hook = {"name": "pager", "destination-type": "generic", "enabled": False}
    hook |= {"url": "https://hooks.example/x", "triggers": ["run:errored", "run:created"]}
    path = f"workspaces/{workspace}/notification-configurations"
    org.notification = api.create(path, "notification-configurations", hook)["id"]
    api.create(f"{below}/policy-sets", "policy-sets", {"name": "basics", "kind": "opa"})
    team = api.create(f"{below}/teams", "teams", {"name": "crew", "visibility": "organization"})
    api.create(
        "team-workspaces",
        "team-workspaces",
        {"access": "plan"},
        team={"type": "teams", "id": team["id"]},
        workspace={"type": "workspaces", "id": workspace},
    )


def pages(org) -> list[str]:
    below = f"/app/{org.name}"
    workspace = f"{below}/workspaces/networking"
    return [
        "/",
        "/waiting",
        "/search?q=net",
        "/app/settings/tokens",
        "/app/settings/password",
        "/app/settings/sessions",
        "/first-steps",
        "/app/site",
        "/app/site/users",
        "/app/site/versions",
        "/app/site/settings",
        "/app/site/settings/plan-timeout",
        "/app/site/work",
        "/app/site/audit",
        "/app/site/runs",
        "/app/site/organizations",
        "/organizations/new",
        *(f"{below}/{part}" for part in (
            "workspaces", "projects", "runs", "teams", "members", "agents", "settings",
            "settings/lifetimes", "settings/ssh-keys", "settings/tags", "settings/retention",
            "variable-sets", f"variable-sets/{org.set}", "policies", "audit",
            "new-workspace", "new-project",
        )),
        workspace,
        *(f"{workspace}/{part}" for part in (
            "runs", f"runs/{org.waiting}", "states", "upload-state", "variables",
            "paste-variables", "start-run", "settings", "settings/tags", "settings/access",
            "settings/notifications", f"settings/notifications/{org.notification}",
            "settings/run-triggers", "settings/state-sharing", "settings/ssh-key",
            "settings/retention", "settings/locking", "settings/destruction",
        )),
    ]


@pytest.mark.parametrize("width", [1440, 375])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_for_everybody(browser, server, org, width, scheme):
    visitor = Visitor(browser, server.address, width, scheme)
    visitor.sign_in(USERNAME, PASSWORD)
    wrong = {}
    for path in pages(org):
        visitor.open(path)
        if findings := visitor.findings():
            wrong[path] = findings
    assert not wrong


def test_words_stay_while_the_page_follows_and_a_run_is_confirmed_and_seen_to_its_end(
    browser, server, org, api
):
    visitor = Visitor(browser, server.address)
    visitor.sign_in(USERNAME, PASSWORD)
    page = visitor.open(f"/app/{org.name}/workspaces/networking/runs/{org.waiting}")
    words = page.locator("#decision-comment")
    words.fill("Looks right to me")
    # A page that nobody sees listens to nothing; when it is seen again, it is told how things are.
    hide = "(is) => { Object.defineProperty(document, 'hidden', { value: is, configurable: true });"
    hide += " document.dispatchEvent(new Event('visibilitychange')); }"
    page.evaluate(hide, True)
    with page.expect_response(lambda answer: answer.url.endswith("/status/events")):
        page.evaluate(hide, False)
    assert words.input_value() == "Looks right to me"
    page.get_by_role("button", name="Confirm and apply").click()
    page.locator(".badge.big", has_text="Applied").wait_for(timeout=60_000)
    assert api.run(org.waiting)["attributes"]["status"] == "applied"
    page.reload()
    assert page.locator("#activity").get_by_text("Looks right to me").is_visible()
    assert not visitor.complaints


def test_anything_is_jumped_to_by_the_keyboard(browser, server, org):
    visitor = Visitor(browser, server.address)
    visitor.sign_in(USERNAME, PASSWORD)
    page = visitor.open("/")
    page.keyboard.press("Control+k")
    page.locator("dialog.palette[open]").wait_for()
    page.keyboard.type("networking")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/app/{org.name}/workspaces/networking")
    assert not visitor.complaints
