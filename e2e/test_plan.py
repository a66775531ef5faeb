"""What `terraform plan` can be asked for, and saved plans."""

import json
import re

import pytest


@pytest.fixture
def applied(project, hcl):
    """Two resources, already made."""
    terraform = project(
        hcl.resource("a", "var.value")
        + hcl.resource("b")
        + hcl.variable("value", default='"1"')
        + hcl.output("value", "var.value")
    )
    terraform.run("apply", "-auto-approve")
    return terraform


def test_target_plans_only_what_is_asked_for(project, hcl):
    terraform = project(hcl.resource("a") + hcl.resource("b"))
    plan = terraform.run("plan", "-target=terraform_data.b")
    assert "Plan: 1 to add, 0 to change, 0 to destroy." in plan.out
    assert "terraform_data.b will be created" in plan.out
    assert "Resource targeting is in effect" in plan.flat


def test_replace_refresh_only_and_destroy(applied, org, name):
    replace = applied.run("plan", "-replace=terraform_data.a")
    assert "terraform_data.a will be replaced, as requested" in replace.out
    assert "Plan: 1 to add, 0 to change, 1 to destroy." in replace.out
    assert org.last_run(name)["attributes"]["replace-addrs"] == ["terraform_data.a"]

    refresh = applied.run("plan", "-refresh-only", "-detailed-exitcode")
    assert "No changes. Your infrastructure still matches the configuration." in refresh.flat
    assert org.last_run(name)["attributes"]["refresh-only"] is True

    destroy = applied.run("plan", "-destroy")
    assert "Plan: 0 to add, 0 to change, 2 to destroy." in destroy.out
    assert org.last_run(name)["attributes"]["is-destroy"] is True

    no_refresh = applied.run("plan", "-refresh=false")
    assert "No changes." in no_refresh.out
    assert "Refreshing state" not in no_refresh.out
    assert org.last_run(name)["attributes"]["refresh"] is False


def test_variables_of_the_command_line(project, hcl):
    terraform = project(
        hcl.variable("name")
        + hcl.variable("sizes", "map(number)")
        + hcl.output("joined", '"${var.name}: ${join(\",\", values(var.sizes))}"')
    )
    plan = terraform.run("plan", "-var=name=it's \"quoted\"", '-var=sizes={ a = 1, b = 2 }')
    assert r'+ joined = "it\'s \"quoted\": 1,2"'.replace(r"\'", "'") in plan.out
    missing = terraform.run("plan", "-input=false", code=1)
    assert "No value for required variable" in missing.flat


def test_files_beside_the_configuration_give_variables(project, hcl):
    terraform = project(hcl.variable("name") + hcl.output("name", "var.name"))
    terraform.write("some.auto.tfvars", 'name = "from the file"\n')
    assert '+ name = "from the file"' in terraform.run("plan").out


def test_a_value_that_is_no_hcl_is_named_without_the_way_to_its_file(project, hcl, org, name):
    terraform = project(hcl.variable("sizes", "map(number)") + hcl.output("sizes", "var.sizes"))
    org.set_variable(name, "sizes", "{ a = 1 + }", "terraform", hcl=True)
    refused = terraform.run("plan", code=1)
    assert re.search(r"on (\.\./)*workspace\.tfvars line 1", refused.flat), refused.flat


def test_a_saved_plan_is_shown_and_applied_once(project, hcl, org, name):
    terraform = project(hcl.resource("a", '"saved"') + hcl.output("o", '"saved"'))
    plan = terraform.run("plan", "-out=saved.tfplan", "-detailed-exitcode", code=2)
    assert "Plan: 1 to add, 0 to change, 0 to destroy." in plan.out
    bookmark = json.loads((terraform.folder / "saved.tfplan").read_text())
    run = org.last_run(name)
    assert bookmark["run_id"] == run["id"]
    assert run["attributes"]["status"] == "planned_and_saved"
    assert org.workspace(name)["attributes"]["locked"] is False

    assert "terraform_data.a will be created" in terraform.run("show", "saved.tfplan").out
    shown = json.loads(terraform.run("show", "-json", "saved.tfplan").out)
    assert [c["address"] for c in shown["resource_changes"]] == ["terraform_data.a"]

    apply = terraform.run("apply", "saved.tfplan")
    assert "Apply complete! Resources: 1 added, 0 changed, 0 destroyed." in apply.out
    again = terraform.run("apply", "saved.tfplan", code=1)
    assert "Saved plan is already applied" in again.flat
    assert terraform.run("output", "-raw", "o").out == "saved"


def test_a_saved_plan_is_stale_after_another_apply(project, hcl, org, name):
    terraform = project(hcl.resource("a"))
    terraform.run("plan", "-out=saved.tfplan")
    terraform.run("apply", "-auto-approve")
    serial = org.state(name)["serial"]
    stale = terraform.run("apply", "saved.tfplan", code=1)
    assert "Saved plan" in stale.flat
    assert org.state(name)["serial"] == serial


def test_a_saved_plan_without_changes_cannot_be_applied(applied):
    applied.run("plan", "-out=saved.tfplan", "-detailed-exitcode")
    assert "Saved plan has no changes" in applied.run("apply", "saved.tfplan", code=1).flat


def test_a_working_directory_is_where_the_engine_runs(project, hcl, org, name):
    terraform = project(hcl.resource("a"))
    org.change_workspace(name, working_directory="configuration")
    (terraform.folder.parent / "beside.txt").write_text("from beside")
    terraform.write("main.tf", hcl.output("beside", 'file("../beside.txt")'))
    assert '+ beside = "from beside"' in terraform.run("plan").out
