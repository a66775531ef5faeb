"""One `statehouse serve` on loopback with a data directory of its own."""

import os
import signal
import socket
import subprocess
import uuid
from pathlib import Path
from typing import Any

import httpx

from harness import engines
from harness.waiting import until

ADMIN_TOKEN = "e2e-admin-token-0123456789abcdef"


class Server:
    def __init__(
        self,
        folder: Path,
        mirror: Path,
        admin_token: str | None,
        versions: list[str],
        settings: tuple[str, ...] = (),
    ) -> None:
        self.folder = folder
        self.admin_token = admin_token
        self.versions = versions
        # Flags beside those that every server of a test needs.
        self.settings = settings
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / "server.log"
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        self.database_url = new_database()
        self.cli_config = folder / "agent.tfrc"
        self.cli_config.write_text(engines.mirror_config(mirror))

    def start(self) -> "Server":
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.command(), env=self.environment(), stdin=subprocess.DEVNULL,
                stdout=log, stderr=log,
            )
        until(self.answers, "GET /api/v2/ping answers", seconds=60)
        return self

    def command(self) -> list[str]:
        command = [binary(), "serve", f"--data-dir={self.folder / 'data'}"]
        command += [f"--listen=127.0.0.1:{self.port}", f"--public-url={self.address}"]
        # Where services stand that are asked; everything else on this machine is closed, as it is by default.
        command += ["--notification-networks=127.0.0.2/32"]
        command += [f"--engine={engines.terraform(version)}" for version in self.versions]
        return [*command, f"--agent-cli-config={self.cli_config}", *self.settings]

    def environment(self) -> dict[str, str]:
        environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(self.folder),
            "RUST_BACKTRACE": "1",
        }
        if self.admin_token:
            environment["STATEHOUSE_ADMIN_TOKEN"] = self.admin_token
        if self.database_url:
            environment["STATEHOUSE_DATABASE_URL"] = self.database_url
        return environment

    def answers(self) -> bool:
        code = self.process.poll()
        assert code is None, f"statehouse serve ended with {code}:\n{self.tail()}"
        try:
            return httpx.get(f"{self.address}/api/v2/ping").status_code < 300
        except httpx.TransportError:
            return False

    def services(self) -> dict[str, Any]:
        """The discovery document, its addresses made absolute.

        A command line would read it over TLS only; in the tests it is told by a host block.
        """
        response = httpx.get(f"{self.address}/.well-known/terraform.json")
        assert response.status_code == 200, response.text
        assert response.headers["content-type"].split(";")[0] == "application/json"
        return {name: self.absolute(value) for name, value in response.json().items()}

    def absolute(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self.absolute(inner) for key, inner in value.items()}
        return f"{self.address}{value}" if isinstance(value, str) and value[:1] == "/" else value

    def kill(self) -> None:
        """As when the machine's memory is full: nothing is told beforehand."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError("the server did not stop within 30 s of SIGTERM") from None
        return self.process.returncode

    def tail(self, since: int = 0, limit: int = 12_000) -> str:
        """The end of what the server logged after the first `since` bytes."""
        return self.log.read_bytes()[since:][-limit:].decode(errors="replace")


def binary() -> str:
    found = os.environ.get("STATEHOUSE_BIN")
    assert found, "set STATEHOUSE_BIN to the statehouse binary; `cargo xtask test` does"
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def new_database() -> str | None:
    """A fresh database on the PostgreSQL of STATEHOUSE_E2E_DATABASE_URL; unset means SQLite."""
    url = os.environ.get("STATEHOUSE_E2E_DATABASE_URL")
    if not url:
        return None
    import psycopg

    name = f"e2e_{uuid.uuid4().hex}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return httpx.URL(url).copy_with(path=f"/{name}").__str__()
