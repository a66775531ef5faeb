"""The first user of a server, `terraform login`, and the pages that a command line prints."""

import json
import re

import httpx
import pytest

from harness.api import Api
from harness.browser import Browser
from harness.cli import HOST, Terraform
from harness.waiting import until

USERNAME, PASSWORD = "ada", "correct horse battery staple"


@pytest.fixture(scope="module")
def server(new_server):
    return new_server(admin_token=None, versions=["1.0.3", "1.15.5"])


@pytest.fixture(scope="module")
def api(server):
    """The first user, made as Terraform Enterprise makes hers."""
    iact = httpx.get(f"{server.address}/admin/retrieve-iact")
    assert iact.status_code == 200, iact.text
    user = {"username": USERNAME, "email": "ada@example.com", "password": PASSWORD}
    made = httpx.post(
        f"{server.address}/admin/initial-admin-user", params={"token": iact.text.strip()}, json=user
    )
    assert made.status_code in (200, 201), made.text
    assert made.json()["status"] == "created"
    return Api(server.address, made.json()["token"])


@pytest.fixture
def logged_in(server, api, mirror, tmp_path):
    """Someone who has just done `terraform login`."""

    def make(version):
        terraform = Terraform(version, tmp_path / version, server.services(), mirror, None)
        login = terraform.talk("login", HOST)
        login.expect("Do you want to proceed?", "Enter a value:")
        login.answer("yes")
        login.expect("Terraform will now wait for the host to signal that login was successful.")
        # Where it finds a browser it cannot start, it says the address again.
        (address,) = set(re.findall(r"http://\S+/oauth/[^\s']+", login.text))
        browser = Browser()
        browser.sign_in(address, USERNAME, PASSWORD)
        # Without PKCE's challenge and a state, a code would be anyone's.
        assert {"code_challenge", "state"} <= set(httpx.URL(address).params)
        try:
            callback = browser.submit("authorize")
            assert callback.url.host == "localhost", callback.text
        except httpx.RemoteProtocolError:
            # The command line has its code, and may end before it has answered the browser.
            pass
        login.ends(0)
        return terraform

    return make


def test_there_is_only_one_first_user(server, api):
    assert httpx.get(f"{server.address}/admin/retrieve-iact").status_code in (401, 403, 404, 410)


@pytest.mark.parametrize("version", ["1.0.3", "1.15.5"])
def test_login_stores_a_token_that_works(version, logged_in, api):
    terraform = logged_in(version)
    stored = terraform.home / ".terraform.d" / "credentials.tfrc.json"
    token = json.loads(stored.read_text())["credentials"][HOST]["token"]
    user = Api(api.address, token).get("account/details")
    assert user["attributes"]["username"] == USERNAME

    org = api.organization()
    terraform.connect("cloud" if version == "1.15.5" else "remote", org.name, 'name = "mine"')
    terraform.write("main.tf", 'output "o" {\n  value = 1\n}\n')
    terraform.run("init")
    assert org.has_workspace("mine")


def test_a_code_is_used_once_and_only_with_its_verifier(server, api):
    callback = "http://localhost:10000/login"
    query = {
        "client_id": server.services()["login.v1"]["client"],
        # The S256 challenge of the verifier below, from RFC 7636, appendix B.
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
        "redirect_uri": callback,
        "response_type": "code",
        "state": "a-state",
    }
    login = server.services()["login.v1"]
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

    def code() -> str:
        browser = Browser()
        browser.sign_in(str(httpx.URL(login["authz"], params=query)), USERNAME, PASSWORD)
        with pytest.raises(httpx.ConnectError) as nobody_listens:
            browser.submit("authorize")
        sent_to = nobody_listens.value.request.url
        assert str(sent_to).startswith(callback)
        assert sent_to.params["state"] == "a-state"
        return sent_to.params["code"]

    def exchange(code: str, verifier: str) -> httpx.Response:
        form = {
            "client_id": query["client_id"],
            "code": code,
            "code_verifier": verifier,
            "grant_type": "authorization_code",
            "redirect_uri": callback,
        }
        return httpx.post(login["token"], data=form)

    assert exchange(code(), "x" * 43).status_code == 400
    used = code()
    token = exchange(used, verifier)
    assert token.status_code == 200, token.text
    assert token.json()["token_type"].lower() == "bearer"
    assert Api(api.address, token.json()["access_token"]).get("account/details")
    assert exchange(used, verifier).status_code == 400


def test_a_wrong_password_does_not_sign_in(server, api):
    browser = Browser()
    browser.open(f"{server.address}/app")
    with pytest.raises(AssertionError, match="40[13]|422"):
        browser.submit(**{browser._name_field(): USERNAME, "password": "wrong"})


def test_the_page_of_a_run_shows_its_log_and_confirms_it(server, api):
    org = api.organization()
    org.create_workspace("paged")
    text = 'resource "terraform_data" "seen_on_the_page" {}\n'
    run = org.queue_run("paged", org.configuration("paged", {"main.tf": text}))
    api.run_reaches(run["id"], "planned")
    for path in (f"app/{org.name}/paged/runs", f"app/{org.name}/workspaces/paged/runs"):
        page = f"{server.address}/{path}/{run['id']}"
        stranger = Browser()
        stranger.open(page)
        assert run["id"] not in re.sub(r'"[^"]*"', "", stranger.page.text)
        assert "seen_on_the_page" not in stranger.page.text

        browser = Browser()
        browser.sign_in(page, USERNAME, PASSWORD)
        shown = browser.open(page)
        assert shown.status_code == 200
        assert run["id"] in shown.text
    browser.submit("confirm")
    api.run_reaches(run["id"], "applied")
    until(lambda: "applied" in browser.open(page).text.lower(), "the page says so")
    missing = browser.open(f"{server.address}/app/{org.name}/paged/runs/run-1111111111111111")
    assert missing.status_code == 404
