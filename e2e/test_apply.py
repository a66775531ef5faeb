"""Applies: confirmed and discarded in every way, with variables and with each option."""

import json

from harness.waiting import until

COMPLETE = "Apply complete! Resources: {} added, {} changed, {} destroyed."


def test_confirmed_at_the_prompt(project, hcl, org, name):
    terraform = project(hcl.resource("a"))
    apply = terraform.talk("apply")
    apply.expect(f'Do you want to perform these actions in workspace "{name}"?', "Enter a value:")
    assert org.last_run(name)["attributes"]["status"] == "planned"
    apply.answer("yes")
    assert COMPLETE.format(1, 0, 0) in apply.ends(0).out


def test_confirmed_elsewhere_while_the_prompt_waits(project, hcl, api, org, name):
    terraform = project(hcl.resource("a"))
    apply = terraform.talk("apply")
    apply.expect("Enter a value:")
    api.act(f"runs/{org.last_run(name)['id']}/actions/apply")
    apply.expect("approved using the UI or API")
    assert COMPLETE.format(1, 0, 0) in apply.ends(0).out


def test_discarded_elsewhere_while_the_prompt_waits(project, hcl, api, org, name):
    terraform = project(hcl.resource("a"))
    apply = terraform.talk("apply")
    apply.expect("Enter a value:")
    api.act(f"runs/{org.last_run(name)['id']}/actions/discard")
    apply.expect("discarded using the UI or API")
    apply.ends(1)


def test_a_workspace_that_applies_by_itself_does_not_ask_remote_users(project, hcl, org, name):
    terraform = project(hcl.resource("a"), "remote")
    org.change_workspace(name, auto_apply=True)
    assert COMPLETE.format(1, 0, 0) in terraform.run("apply").out


def test_the_prompt_wins_over_a_workspace_that_applies_by_itself(project, hcl, org, name):
    terraform = project(hcl.resource("a"))
    org.change_workspace(name, auto_apply=True)
    apply = terraform.talk("apply")
    apply.expect("Enter a value:")
    apply.answer("no")
    apply.ends(1)
    assert org.last_run(name)["attributes"]["status"] == "discarded"


def test_without_input_nothing_is_applied_unasked(project, hcl, api, org, name):
    terraform = project(hcl.resource("a"))
    terraform.run("apply", "-input=false", code=1)
    run = org.last_run(name)
    assert run["attributes"]["status"] == "planned"
    api.act(f"runs/{run['id']}/actions/discard")


def test_variables_of_the_command_line_and_of_the_workspace(project, hcl, org, name):
    terraform = project(
        hcl.variable("given")
        + hcl.variable("kept")
        + hcl.variable("list", "list(string)")
        + hcl.variable("secret")
        + hcl.resource("a", "var.given", command='echo "SETTING is $SETTING"')
        + hcl.output("all", 'join(" ", concat([var.given, var.kept], var.list))')
        + hcl.output("secret", "var.secret", sensitive=True)
    )
    org.set_variable(name, "kept", "kept", "terraform")
    org.set_variable(name, "given", "overridden", "terraform")
    org.set_variable(name, "list", '["x", "y"]', "terraform", hcl=True)
    org.set_variable(name, "secret", "hush-hush", "terraform", sensitive=True)
    org.set_variable(name, "SETTING", "set")
    apply = terraform.run("apply", "-auto-approve", "-var=given=given")
    assert "SETTING is set" in apply.out
    assert 'all = "given kept x y"' in apply.out
    assert "hush-hush" not in apply.out
    assert json.loads(terraform.run("output", "-json").out)["secret"]["value"] == "hush-hush"


def test_target_then_replace_then_refresh_only(project, hcl):
    terraform = project(hcl.resource("a") + hcl.resource("b"))
    target = terraform.run("apply", "-auto-approve", "-target=terraform_data.a")
    assert COMPLETE.format(1, 0, 0) in target.out
    assert terraform.run("state", "list").out.split() == ["terraform_data.a"]

    replace = terraform.run("apply", "-auto-approve", "-replace=terraform_data.a")
    assert COMPLETE.format(2, 0, 1) in replace.out

    terraform.write("outputs.tf", hcl.output("new", '"1"'))
    refresh = terraform.run("apply", "-auto-approve", "-refresh-only")
    assert COMPLETE.format(0, 0, 0) in refresh.out
    assert terraform.run("output", "-raw", "new").out == "1"

    terraform.write("outputs.tf", hcl.output("newer", '"2"'))
    terraform.run("refresh")
    assert terraform.run("output", "-raw", "newer").out == "2"


def test_apply_destroy(project, hcl, org, name):
    terraform = project(hcl.resource("a"))
    terraform.run("apply", "-auto-approve")
    destroy = terraform.run("apply", "-destroy", "-auto-approve")
    assert COMPLETE.format(0, 0, 1) in destroy.out
    assert org.state(name)["resources"] == []


def test_a_destroy_that_is_not_confirmed_leaves_everything(project, hcl, org, name):
    terraform = project(hcl.resource("a"))
    terraform.run("apply", "-auto-approve")
    destroy = terraform.talk("destroy")
    destroy.expect("Enter a value:")
    destroy.answer("no")
    assert "Destroy discarded" in destroy.ends(1).flat
    assert org.state_addresses(name) == {"terraform_data.a"}


def test_nothing_to_do_is_not_asked_about(project, hcl, org, name):
    terraform = project(hcl.resource("a"))
    terraform.run("apply", "-auto-approve")
    serial = org.state(name)["serial"]
    assert "No changes." in terraform.run("apply").out
    assert org.last_run(name)["attributes"]["status"] == "planned_and_finished"
    assert org.state(name)["serial"] == serial


def test_the_state_is_saved_while_an_apply_still_runs(project, hcl, api, org, name, gate):
    terraform = project(
        hcl.resource("first") + hcl.resource("second", command=gate.wait, after="first")
    )
    apply = terraform.start("apply", "-auto-approve")
    gate.reached()
    workspace = org.workspace_id(name)
    path = f"workspaces/{workspace}/current-state-version"
    until(lambda: api.call("GET", path).status_code == 200, "a state is there", 60)
    assert org.state_addresses(name) == {"terraform_data.first"}
    assert org.workspace(name)["attributes"]["locked"] is True
    gate.open()
    apply.ends(0)
    assert org.state_addresses(name) == {"terraform_data.first", "terraform_data.second"}
    assert org.workspace(name)["attributes"]["locked"] is False
