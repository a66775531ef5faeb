"""Logs are complete to the byte, however they are read."""

import json
import random

import httpx
import pytest

from harness.cli import plain
from harness.configurations import Configurations

LINES = 4000
STX, ETX = b"\x02", b"\x03"


@pytest.fixture(scope="module")
def talkative(api, org, talkative_configuration):
    """An applied run that printed some 300 KB, with characters of several bytes."""
    org.create_workspace("talkative", auto_apply=True)
    configuration = org.configuration("talkative", {"main.tf": talkative_configuration})
    run = org.queue_run("talkative", configuration)
    return api.run_reaches(run["id"], "applied", seconds=120)


@pytest.fixture(scope="module")
def talkative_configuration():
    return f"""\
resource "terraform_data" "talkative" {{
  provisioner "local-exec" {{
    interpreter = ["/bin/bash", "-c"]
    command     = "for i in {{1..{LINES}}}; do echo \\"zeile $i äöü 日本語 🏛 $i\\"; done"
  }}
}}
output "long" {{
  value = join("", [for i in range(1000) : join("", [for j in range(30) : "0123456789"])])
}}
"""


def read_in_chunks(url: str, sizes) -> bytes:
    """As the command line reads: by offset, until an ETX has come last."""
    log = b""
    for size in sizes:
        response = httpx.get(url, params={"limit": size, "offset": len(log)})
        assert response.status_code == 200
        assert "content-encoding" not in response.headers
        assert len(response.content) <= size
        log += response.content
        if not response.content:
            return log
    raise AssertionError("the log does not end")


@pytest.mark.parametrize("phase", ["plan", "apply"])
def test_any_chunk_size_gives_the_same_bytes(talkative, api, phase):
    whole = api.log(talkative, phase)
    assert whole[:1] == STX
    assert whole[-1:] == ETX
    assert whole.count(STX) == whole.count(ETX) == 1
    url = api.log_url(talkative, phase)
    draw = random.Random(2)
    for sizes in (
        iter(lambda: 65_536, None),
        iter(lambda: 4_093, None),
        iter(lambda: draw.randrange(1, 20_000), None),
    ):
        assert read_in_chunks(url, sizes) == whole
    for offset in range(120):
        (byte,) = [httpx.get(url, params={"limit": 1, "offset": offset}).content]
        assert byte == whole[offset : offset + 1]


def test_reading_past_the_end_is_empty_and_not_an_error(talkative, api):
    url = api.log_url(talkative, "apply")
    length = len(api.log(talkative, "apply"))
    for offset in (length, length + 1, 10 * length):
        response = httpx.get(url, params={"limit": 65_536, "offset": offset})
        assert (response.status_code, response.content) == (200, b"")


def test_every_line_is_in_the_log_once_and_in_order(talkative, api):
    log = plain(api.log(talkative, "apply").decode())
    assert len(log) > 200_000
    numbers = [n for n in range(1, LINES + 1) if f"zeile {n} äöü 日本語 🏛 {n}\n" in log]
    assert numbers == list(range(1, LINES + 1))
    assert log.count("(local-exec): zeile ") == LINES


def test_a_line_of_300_kilobytes_is_whole(talkative, api):
    assert "0123456789" * 30_000 in api.log(talkative, "plan").decode()


def test_a_log_address_needs_no_token_and_cannot_be_guessed(talkative, api):
    url = api.log_url(talkative, "plan")
    assert httpx.URL(url).query == b""
    assert httpx.get(url).status_code == 200
    changed = url[:-1] + ("a" if url[-1] != "a" else "b")
    assert httpx.get(changed).status_code in (401, 403, 404)


@pytest.mark.parametrize("version", ["1.0.3", "1.15.5"])
def test_the_command_line_prints_all_of_it(version, project, talkative_configuration):
    hcl = Configurations(version)
    text = talkative_configuration.replace("terraform_data", hcl.type)
    terraform = project(text, "cloud" if hcl.builtin else "remote", version)
    apply = terraform.run("apply", "-auto-approve")
    printed = [line for line in apply.out.splitlines() if "(local-exec): zeile " in line]
    assert [line.rsplit(" ", 1)[1] for line in printed] == [str(n + 1) for n in range(LINES)]
    assert "Apply complete! Resources: 1 added" in apply.out


def test_a_reader_sees_the_log_grow(project, hcl, api, org, name, gate):
    terraform = project(
        hcl.resource("a", command="echo before the gate")
        + hcl.resource("b", command=gate.wait, after="a")
    )
    apply = terraform.talk("apply", "-auto-approve")
    apply.expect("before the gate")
    gate.reached()
    run = org.last_run(name)
    growing = api.log(run, "apply")
    assert growing[:1] == STX
    assert ETX not in growing
    gate.open()
    apply.ends(0)
    assert api.log(run, "apply").startswith(growing)


@pytest.mark.parametrize("structured", [True, False], ids=["structured", "plain"])
@pytest.mark.parametrize("version", ["1.8.4", "1.15.5"])
def test_the_plan_is_printed_once(structured, version, project, hcl, org, name):
    terraform = project(
        hcl.resource("a", '"visible"')
        + hcl.variable("secret", default='"t0p-secret"').replace("type", "sensitive = true\n  type")
        + hcl.resource("b", "var.secret", command="echo made")
        + hcl.output("o", '"shown"'),
        version=version,
    )
    org.change_workspace(name, structured_run_output_enabled=structured)
    plan = terraform.run("plan")
    assert plan.out.count("Plan: 2 to add, 0 to change, 0 to destroy.") == 1
    assert plan.out.count('+ input            = "visible"') == 1
    assert "t0p-secret" not in plan.out
    apply = terraform.run("apply", "-auto-approve")
    assert apply.out.count("Plan: 2 to add, 0 to change, 0 to destroy.") == 1
    assert "terraform_data.a: Creation complete" in apply.out
    assert "Apply complete! Resources: 2 added, 0 changed, 0 destroyed." in apply.out
    assert 'o = "shown"' in apply.out
    assert "@message" not in apply.out
    terraform.write("more.tf", hcl.output("bad", "var.missing"))
    assert "Reference to undeclared input variable" in terraform.run("plan", code=1).flat


def test_the_log_of_a_structured_workspace_is_json_lines(project, hcl, api, org, name):
    terraform = project(hcl.resource("a"))
    org.change_workspace(name, structured_run_output_enabled=True)
    terraform.run("plan")
    lines = api.log(org.last_run(name), "plan")[1:-1].decode().splitlines()
    events = [json.loads(line) for line in lines if line.startswith("{")]
    assert {"version", "planned_change", "change_summary"} <= {event["type"] for event in events}
