"""Debian's Chromium, without a screen, that tells what went wrong behind the page."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright


@contextmanager
def chromium() -> Iterator[Browser]:
    found = shutil.which("chromium")
    assert found, "Chromium is not installed; on Debian: apt-get install -y chromium"
    with sync_playwright() as playwright:
        # As root in a container, Chromium's own sandbox does not start; it opens nothing but ours.
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


class Visitor:
    """Somebody at a browser of a certain width and colour scheme."""

    def __init__(
        self, browser: Browser, address: str, width: int = 1440, scheme: str = "light"
    ) -> None:
        self.address = address
        self.context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme
        )
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.hosts: set[str] = set()
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))

    def _heard(self, message) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def open(self, path: str) -> Page:
        answer = self.page.goto(self.address + path)
        assert answer.ok, f"{path}: {answer.status}"
        return self.page

    def sign_in(self, username: str, password: str) -> None:
        self.open("/session/new")
        self.page.get_by_label("Username or e-mail").fill(username)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(f"{self.address}/")

    def findings(self) -> list[str]:
        """What is wrong with the page that is shown, for whoever cannot see or is on a telephone."""
        found = [
            f"{violation['id']}: {[node['target'] for node in violation['nodes']]}"
            for violation in Axe().run(self.page).response["violations"]
        ]
        over = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if over > 0:
            found.append(f"scrolls sideways by {over} px")
        if self.complaints:
            found.append(f"the browser complains: {self.complaints}")
        elsewhere = self.hosts - {urlsplit(self.address).netloc}
        if elsewhere:
            found.append(f"asks other hosts: {elsewhere}")
        return found
