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
    org.create_workspace("networking")
    text = 'variable "region" {\n  default = "eu-1"\n}\nresource "terraform_data" "a" {\n  input = var.region\n}\n'
    configuration = org.configuration("networking", {"main.tf": text})
    run = org.queue_run("networking", configuration)
    api.run_reaches(run["id"], "planned")
    org.waiting = run["id"]
    org.queue_run("networking", configuration)
    return org


def pages(org) -> list[str]:
    below = f"/app/{org.name}"
    workspace = f"{below}/workspaces/networking"
    return [
        "/",
        "/waiting",
        "/search?q=net",
        "/app/settings/tokens",
        "/app/settings/password",
        "/app/site",
        "/app/site/users",
        "/app/site/versions",
        "/app/site/settings",
        "/organizations/new",
        *(f"{below}/{part}" for part in (
            "workspaces", "projects", "runs", "teams", "members", "agents", "settings",
            "new-workspace", "new-project",
        )),
        workspace,
        *(f"{workspace}/{part}" for part in (
            "runs", f"runs/{org.waiting}", "states", "variables", "start-run", "settings",
            "settings/locking", "settings/destruction",
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
    # The page reads its status again meanwhile.
    with page.expect_response(lambda answer: answer.url.endswith("/status")):
        pass
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
