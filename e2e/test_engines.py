"""What the server asks of engines, with each version that it runs."""

import pytest

from harness import engines
from harness.configurations import Configurations

SECRET = "hunter2-s3cret"

every_version = pytest.mark.parametrize("version", engines.VERSIONS)

ELSEWHERE = """\
terraform {
  backend "local" {
    path          = "other.tfstate"
    workspace_dir = "elsewhere"
  }
}
"""

CHECKED = """\
variable "n" {
  validation {
    condition     = length(var.n) > 1000
    error_message = "It is too short."
  }
}
"""


def run(api, org, name, files, **attributes):
    queued = org.queue_run(name, org.configuration(name, files), **attributes)
    return api.run_ends(queued["id"])


@every_version
@pytest.mark.parametrize("structured", [False, True], ids=["human", "json"])
def test_no_complaint_about_a_sensitive_value_quotes_it(api, org, name, version, structured):
    org.create_workspace(
        name, terraform_version=version, structured_run_output_enabled=structured
    )
    org.set_variable(name, "n", SECRET, "terraform", sensitive=True)
    for configuration in ['variable "n" {\n  type = number\n}\n', CHECKED]:
        ended = run(api, org, name, {"main.tf": configuration})
        assert ended["attributes"]["status"] == "errored"
        log = api.logs(ended)
        assert "Invalid value for" in log
        assert SECRET not in log
    other = f"{name}-hcl"[-60:]
    org.create_workspace(
        other, terraform_version=version, structured_run_output_enabled=structured
    )
    # All that is open is closed, so that only the engine sees what is wrong.
    broken = f'{{\n  "{SECRET}" = [1 2,\n\n  "{SECRET}"]\n}}\n'
    org.set_variable(other, "n", broken, "terraform", sensitive=True, hcl=True)
    ended = run(api, org, other, {"main.tf": 'variable "n" {}\n'})
    assert ended["attributes"]["status"] == "errored"
    assert SECRET not in api.logs(ended)


@every_version
def test_nothing_moves_the_state_elsewhere(api, org, name, version):
    hcl = Configurations(version)
    org.create_workspace(name, terraform_version=version)
    files = {
        "main.tf": hcl.resource("a", command="rm -rf .statehouse *.tfstate") + hcl.output("o", "1"),
        "zzzz_override.tf": ELSEWHERE,
    }
    ended = run(api, org, name, files, auto_apply=True)
    assert ended["attributes"]["status"] == "applied", api.logs(ended)
    assert org.state_addresses(name) == {hcl.address("a")}
    assert org.state(name)["outputs"]["o"]["value"] == 1
    again = run(api, org, name, files, auto_apply=True)
    assert again["attributes"]["status"] == "planned_and_finished", api.logs(again)
