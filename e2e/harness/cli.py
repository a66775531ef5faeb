"""Someone at a terminal with the real command line, a home and a directory of their own."""

import json
import re
import signal
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pexpect

from harness import engines

# Never resolved: the host block in the CLI configuration says where its services are.
HOST = "statehouse.test"

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def plain(text: str) -> str:
    """Without colours and cursor movements."""
    return ESCAPES.sub("", text).replace("\r\n", "\n")


def flat(text: str) -> str:
    """As one line without the frames around messages, so that wrapped sentences are found."""
    return re.sub(r"[\s╷│╵]+", " ", plain(text))


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @cached_property
    def flat(self) -> str:
        return flat(f"{self.out}\n{self.err}")


def expression(value: object) -> str:
    """As in a CLI configuration file."""
    if isinstance(value, dict):
        return "{\n" + "".join(f'"{k}" = {expression(v)}\n' for k, v in value.items()) + "}"
    return json.dumps(value)


class Conversation:
    """A command on a terminal that asks questions."""

    def __init__(self, argv: list[str], folder: Path, environment: dict[str, str]) -> None:
        self._process = pexpect.spawn(
            argv[0], argv[1:], cwd=str(folder), env=environment,
            dimensions=(50, 250), encoding="utf-8", codec_errors="replace", timeout=60,
        )
        self._printed = ""

    def expect(self, *phrases: str, seconds: float = 60) -> int:
        """Waits until it prints one of the phrases, and says which."""
        patterns = [re.compile(r"[\s╷│╵]+".join(map(re.escape, p.split()))) for p in phrases]
        try:
            found = self._process.expect(patterns, timeout=seconds)
        except (pexpect.TIMEOUT, pexpect.EOF) as error:
            raise AssertionError(
                f"it did not print {phrases!r} but:\n{self.text}{plain(self._process.before or '')}"
            ) from error
        self._printed += self._process.before + self._process.after
        return found

    def answer(self, text: str) -> None:
        self._process.sendline(text)

    def interrupt(self) -> None:
        """Ctrl-C."""
        self._process.sendintr()

    def ends(self, code: int, seconds: float = 60) -> Said:
        try:
            self._process.expect(pexpect.EOF, timeout=seconds)
        except pexpect.TIMEOUT as error:
            self._process.close(force=True)
            raise AssertionError(
                f"it did not end:\n{self.text}{plain(self._process.before)}"
            ) from error
        self._printed += self._process.before
        self._process.close()
        said = Said(self._process.exitstatus, self.text, "")
        assert said.code == code, f"exit code {said.code}, not {code}:\n{said.out}"
        return said

    @property
    def text(self) -> str:
        return plain(self._printed)


class Terraform:
    """One directory, driven with one version of the command line."""

    def __init__(
        self, version: str, folder: Path, services: dict, mirror: Path, token: str | None
    ) -> None:
        self.version = version
        self.program = str(engines.terraform(version))
        self.home = folder / "home"
        self.folder = folder / "configuration"
        # `login` does not make the folder that it writes to.
        (self.home / ".terraform.d").mkdir(parents=True)
        self.folder.mkdir()
        text = f'host "{HOST}" {{\n  services = {expression(services)}\n}}\n'
        if token:
            text += f'credentials "{HOST}" {{\n  token = "{token}"\n}}\n'
        (self.home / ".terraformrc").write_text(text + engines.mirror_config(mirror))
        self.environment = {
            "HOME": str(self.home),
            "PATH": "/usr/bin:/bin",
            "TERM": "xterm",
            "CHECKPOINT_DISABLE": "1",
        }

    # What stands in the directory

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def connect(self, backend: str, organization: str, workspaces: str) -> None:
        """Points the directory at the server, by `cloud` or by `remote`."""
        kind = "cloud" if backend == "cloud" else 'backend "remote"'
        self.write(
            "backend.tf",
            f"""\
terraform {{
  {kind} {{
    hostname     = "{HOST}"
    organization = "{organization}"
    workspaces {{
      {workspaces}
    }}
  }}
}}
""",
        )

    # Commands

    def run(self, *args: str, code: int | None = 0, stdin: str = "", seconds: float = 120) -> Said:
        """Runs a command without a terminal and checks its exit code."""
        done = subprocess.run(
            [self.program, *args], cwd=self.folder, env=self.environment, input=stdin,
            capture_output=True, text=True, errors="replace", timeout=seconds,
        )
        said = Said(done.returncode, plain(done.stdout), plain(done.stderr))
        assert code is None or said.code == code, (
            f"terraform {' '.join(args)}: exit code {said.code}, not {code}\n{said.out}\n{said.err}"
        )
        return said

    def start(self, *args: str) -> "Background":
        return Background(self, args)

    def talk(self, *args: str) -> Conversation:
        """Runs a command on a terminal; colours are off, as they would split phrases."""
        command = [self.program, *args, "-no-color"]
        return Conversation(command, self.folder, self.environment)


class Background:
    """A command that runs while the test does something else."""

    def __init__(self, terraform: Terraform, args: tuple[str, ...]) -> None:
        self._process = subprocess.Popen(
            [terraform.program, *args], cwd=terraform.folder, env=terraform.environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, errors="replace",
        )

    def interrupt(self) -> None:
        self._process.send_signal(signal.SIGINT)

    def ends(self, code: int, seconds: float = 60) -> Said:
        try:
            out, err = self._process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            out, err = self._process.communicate()
            raise AssertionError(f"it did not end within {seconds:g} s:\n{out}\n{err}") from None
        said = Said(self._process.returncode, plain(out), plain(err))
        assert said.code == code, f"exit code {said.code}, not {code}\n{said.out}\n{said.err}"
        return said
