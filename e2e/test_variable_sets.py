"""Which values a real run gets from variable sets, and runs that follow those of other workspaces."""

import json

from harness.waiting import until

KEYS = ("region", "access_key", "var1", "key1", "var2", "key2", "replicas", "file")


def variable_set(org, name, variables, **attributes):
    """A set of Terraform variables, and one of the environment."""
    vars_ = [
        {"type": "vars", "attributes": {"key": key, "value": value, "category": "terraform"}}
        for key, value in variables.items()
    ]
    path = f"organizations/{org.name}/varsets"
    return org.api.create(path, "varsets", {"name": name, **attributes}, vars=vars_)["id"]


def apply_to(org, varset, kind, id_):
    path = f"varsets/{varset}/relationships/{kind}"
    answer = org.api.call("POST", path, {"data": [{"type": kind, "id": id_}]})
    assert answer.status_code == 204, answer.text


def test_a_run_gets_the_values_that_precedence_says(project, hcl, org, name):
    terraform = project(
        "".join(hcl.variable(key, default='"default"') for key in KEYS)
        + hcl.output("all", "[" + ", ".join(f"var.{key}" for key in KEYS) + "]")
        + hcl.resource("a", '"x"', command='echo "environment: $FROM_SET $FORCED"')
    )
    terraform.write("a.auto.tfvars", 'file = "file"\nregion = "file"\n')
    workspace = org.workspace(name)
    ws, prj = workspace["id"], workspace["relationships"]["project"]["data"]["id"]

    # The example of HashiCorp's documents on the precedence of variables.
    variable_set(org, "1_Variable_Set", {"region": "us-east-1"}, priority=True, **{"global": True})
    second = variable_set(org, "2_Variable_Set", {"region": "us-east-2"}, priority=True)
    apply_to(org, second, "projects", prj)
    third = variable_set(org, "3_Variable_Set", {"region": "us-west-1"}, priority=True)
    apply_to(org, third, "workspaces", ws)
    a_set = variable_set(org, "A_Variable_Set", {"var1": "y", "key1": "x", "replicas": "2"})
    apply_to(org, a_set, "workspaces", ws)
    of_project = {"access_key": "g47fh474", "key1": "b", "var2": "z", "replicas": "3"}
    b_set = variable_set(org, "B_Variable_Set", of_project)
    apply_to(org, b_set, "projects", prj)
    variable_set(
        org, "C_Variable_Set", {"var2": "a", "key2": "c", "replicas": "4"}, **{"global": True}
    )
    org.set_variable(name, "var1", "h", "terraform")
    org.set_variable(name, "replicas", "1", "terraform")
    # The environment goes by the same rules.
    for varset, key, value in ((a_set, "FROM_SET", "set"), (third, "FORCED", "set")):
        attributes = {"key": key, "value": value, "category": "env", "sensitive": False}
        org.api.create(f"varsets/{varset}/relationships/vars", "vars", attributes)
    org.set_variable(name, "FROM_SET", "workspace")
    org.set_variable(name, "FORCED", "workspace")

    applied = terraform.run("apply", "-auto-approve", "-var=region=us-west-2", "-var=replicas=9")
    assert "environment: workspace set" in applied.out
    expected = ["us-east-1", "g47fh474", "h", "x", "z", "c", "9", "file"]
    assert json.loads(terraform.run("output", "-json", "all").out) == expected

    # Nothing of the command line stays: now the workspace decides.
    terraform.run("apply", "-auto-approve")
    expected[KEYS.index("replicas")] = "1"
    assert json.loads(terraform.run("output", "-json", "all").out) == expected


def test_an_apply_is_followed_by_the_runs_that_wait_for_it(project, hcl, org, name):
    target = f"{name}-target"
    org.create_workspace(target, auto_apply_run_trigger=True)
    files = {"main.tf": hcl.resource("b", '"followed"')}
    org.configuration(target, files)
    terraform = project(hcl.resource("a", '"first"'))
    source = org.workspace_id(name)
    org.api.create(
        f"workspaces/{org.workspace_id(target)}/run-triggers",
        "run-triggers",
        {},
        sourceable={"type": "workspaces", "id": source},
    )
    terraform.run("apply", "-auto-approve")
    cause = org.last_run(name)
    until(lambda: org.runs(target), "a run is queued in the target")
    followed = org.api.run_ends(org.last_run(target)["id"])
    assert followed["attributes"]["status"] == "applied"
    assert followed["relationships"]["triggering-run"]["data"]["id"] == cause["id"]
    assert org.state_addresses(target) == {"terraform_data.b"}
    # Without changes nothing is applied, and so nothing follows.
    terraform.run("apply", "-auto-approve")
    assert org.last_run(name)["attributes"]["status"] == "planned_and_finished"
    assert len(org.runs(target)) == 1
