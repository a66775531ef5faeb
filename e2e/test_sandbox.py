"""A run that wants to know more than it should."""

import json

import pytest

from harness.cli import plain

HOSTILE = """\
resource "terraform_data" "hostile" {{
  provisioner "local-exec" {{
    interpreter = ["/bin/bash", "-c"]
    command     = {command}
  }}
}}
"""


@pytest.fixture(scope="module")
def execute(api, org):
    """Runs a script in an apply, in a workspace of its own, and gives what it printed."""

    def run(name: str, script: str) -> list[str]:
        org.create_workspace(name, auto_apply=True, structured_run_output_enabled=False)
        # Not as a part of the configuration, which the engine prints.
        files = {
            "main.tf": HOSTILE.format(command=json.dumps("source ./script")),
            "script": script,
        }
        configuration = org.configuration(name, files)
        run = org.queue_run(name, configuration)["id"]
        run = api.run_reaches(run, "applied", seconds=120)
        lines = plain(api.log(run, "apply").decode()).splitlines()
        marker = "terraform_data.hostile (local-exec): "
        printed = [line.partition(marker)[2] for line in lines if marker in line]
        # The first says what is executed.
        return printed[1:]

    return run


def test_what_the_server_and_its_operator_have_is_out_of_reach(execute, server):
    (server.folder / "operator.env").write_text("STATEHOUSE_DATABASE_URL=postgres://secret\n")
    (server.folder / "data" / "statehouse.toml").write_text("# a secret\n")
    server_id = server.process.pid
    paths = [
        server.folder / "operator.env",
        server.folder / "data" / "statehouse.toml",
        server.folder / "data" / "statehouse.key",
        server.folder / "data" / "statehouse.db",
        server.folder / "data" / "blobs",
        server.folder / "agent.tfrc",
        server.log,
        f"/proc/{server_id}/environ",
        f"/proc/{server_id}/cwd/",
        f"/proc/{server_id}/root/etc/shadow",
        "/etc/shadow",
        "/root/.profile",
        "/dev/vda",
        "/dev/sda",
        "/dev/mem",
    ]
    script = "".join(
        f"if [ -d '{path}' ]; then ls '{path}'; else head -c 1 '{path}'; fi > /dev/null 2>&1 "
        f"&& echo 'reached {path}'\n"
        for path in paths
    )
    script += f"kill -0 {server_id} 2> /dev/null && echo 'reached the process'\n"
    script += "head -c 1 $TF_CLI_CONFIG_FILE > /dev/null && echo 'its own'\n"
    try:
        assert execute("curious", script) == ["its own"]
    finally:
        (server.folder / "data" / "statehouse.toml").unlink()


def test_nothing_of_a_run_is_there_for_the_next_one(execute):
    leave = """\
mkfifo $TMPDIR/up
setsid bash -c 'trap "" TERM HUP INT; echo x > /tmp/left; exec -a leftover sleep 1000 > $TMPDIR/up' > /dev/null 2>&1 &
read -t 0 < $TMPDIR/up
echo left
"""
    assert execute("leaves", leave) == ["left"]
    look = """\
ls /tmp /var/tmp /dev/shm | grep left
grep -l leftover /proc/[0-9]*/cmdline
echo looked
"""
    assert execute("looks", look) == ["looked"]
