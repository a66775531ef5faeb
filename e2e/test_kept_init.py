"""What `init` made for a workspace is used by its next run, if nothing that it goes by has changed."""

import subprocess

import pytest

from harness import engines
from harness.api import Api
from harness.server import ADMIN_TOKEN, Server

VERSIONS = ["1.0.3", "1.15.5"]
MAIN = 'resource "null_resource" "a" {}\n'

every_version = pytest.mark.parametrize("version", VERSIONS)


class OneSlot(Server):
    """Each slot has a cache of providers of its own: which one takes a run must not matter."""

    def command(self):
        return [*super().command(), "--concurrency=1"]


@pytest.fixture(scope="module")
def server(tmp_path_factory, mirror):
    server = OneSlot(tmp_path_factory.mktemp("one-slot"), mirror, ADMIN_TOKEN, VERSIONS)
    yield server.start()
    server.stop()


@pytest.fixture(scope="module")
def api(server):
    return Api(server.address, ADMIN_TOKEN)


@pytest.fixture
def lock_file(mirror, tmp_path):
    """As somebody's own `init` writes it."""

    def make(version):
        (tmp_path / "main.tf").write_text(MAIN)
        (tmp_path / "cli.tfrc").write_text(engines.mirror_config(mirror))
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "CHECKPOINT_DISABLE": "1"}
        environment["TF_CLI_CONFIG_FILE"] = str(tmp_path / "cli.tfrc")
        init = [engines.terraform(version), "init"]
        subprocess.run(init, cwd=tmp_path, env=environment, check=True)
        return (tmp_path / ".terraform.lock.hcl").read_text()

    return make


@pytest.fixture
def run(api, org, server, name):
    """Runs to the end, and says which way each phase was initialized."""

    def make(files, **attributes):
        since = server.log.stat().st_size
        queued = org.queue_run(name, org.configuration(name, files), **attributes)
        ended = api.run_ends(queued["id"])
        assert ended["attributes"]["status"] in ["applied", "planned_and_finished"], api.logs(ended)
        lines = server.tail(since, limit=10_000_000).splitlines()
        said = [line for line in lines if f"init of {ended['id']} " in line]
        words = {"is taken from an earlier run": "kept", " runs": "run"}
        return [way for line in said for text, way in words.items() if text in line]

    return make


@every_version
def test_a_run_is_initialized_by_what_was_kept(org, name, version, lock_file, run):
    files = {"main.tf": MAIN, ".terraform.lock.hcl": lock_file(version)}
    org.create_workspace(name, terraform_version=version)
    assert run(files, auto_apply=True) == ["run", "kept"]
    # The state has a resource now, and init goes by the providers of a state.
    assert run(files) == ["run"]
    assert run(files) == ["kept"]
    files["main.tf"] += 'output "a" {\n  value = 1\n}\n'
    assert run(files, auto_apply=True) == ["run", "kept"]


@every_version
def test_without_a_lock_file_each_run_is_initialized(org, name, version, run):
    org.create_workspace(name, terraform_version=version)
    assert run({"main.tf": MAIN}, plan_only=True) == ["run"]
    assert run({"main.tf": MAIN}, plan_only=True) == ["run"]
