"""Workspaces made, found, chosen and deleted by the command line."""

import pytest


def listed(terraform) -> tuple[list[str], str]:
    """The workspaces that `workspace list` prints, and the selected one."""
    lines = terraform.run("workspace", "list").out.splitlines()
    selected = [line[2:] for line in lines if line.startswith("* ")]
    return sorted(line[2:].strip() for line in lines if line.strip()), (selected or [""])[0]


def tag(terraform, name):
    return f"{name}-{terraform.version}".replace(".", "-")


@pytest.fixture
def directory(cli, org):
    def make(version, backend, workspaces):
        terraform = cli(version)
        terraform.connect(backend, org.name, workspaces)
        terraform.write("main.tf", "")
        return terraform

    return make


@pytest.mark.parametrize("version", ["1.8.4", "1.12.2", "1.15.5"])
def test_a_workspace_picked_by_tags(version, directory, org, name):
    terraform = directory(version, "cloud", f'tags = ["{name}", "app"]')
    init = terraform.talk("init")
    init.expect("There are no workspaces with the configured tags", "Enter a value:")
    init.answer(f"{name}-one")
    assert "has been successfully initialized!" in init.ends(0).flat
    one = org.workspace(f"{name}-one")
    assert sorted(one["attributes"]["tag-names"]) == sorted([name, "app"])
    assert one["attributes"]["terraform-version"] == version

    new = terraform.run("workspace", "new", f"{name}-two")
    assert f'Created and switched to workspace "{name}-two"!' in new.out
    assert listed(terraform) == ([f"{name}-one", f"{name}-two"], f"{name}-two")

    select = terraform.run("workspace", "select", f"{name}-one")
    assert f'Switched to workspace "{name}-one".' in select.out
    assert terraform.run("workspace", "show").out.strip() == f"{name}-one"
    missing = terraform.run("workspace", "select", "nowhere", code=1)
    assert 'Workspace "nowhere" doesn\'t exist' in missing.flat

    delete = terraform.run("workspace", "delete", f"{name}-two")
    assert f'Deleted workspace "{name}-two"!' in delete.out
    assert listed(terraform) == ([f"{name}-one"], f"{name}-one")
    assert not org.has_workspace(f"{name}-two")


@pytest.mark.parametrize("version", ["1.12.2", "1.15.5"])
def test_key_value_tags_find_the_workspaces_that_have_all_pairs(version, directory, api, org, name):
    for number, pairs in enumerate([{"team": name, "tier": "web"}, {"team": name}]):
        workspace = org.create_workspace(f"{name}-{number}")
        bindings = [
            {"type": "tag-bindings", "attributes": {"key": key, "value": value}}
            for key, value in pairs.items()
        ]
        path = f"workspaces/{workspace['id']}/tag-bindings"
        assert api.call("PATCH", path, {"data": bindings}).status_code == 200

    terraform = directory(version, "cloud", f'tags = {{ team = "{name}", tier = "web" }}')
    terraform.run("init")
    assert listed(terraform) == ([f"{name}-0"], f"{name}-0")

    terraform.run("workspace", "new", f"{name}-2")
    made = api.get(f"workspaces/{org.workspace_id(f'{name}-2')}/tag-bindings")
    pairs = {b["attributes"]["key"]: b["attributes"]["value"] for b in made}
    assert pairs == {"team": name, "tier": "web"}
    assert listed(terraform)[0] == [f"{name}-0", f"{name}-2"]


@pytest.mark.parametrize("version", ["1.0.3", "1.8.4", "1.15.5"])
def test_workspaces_picked_by_a_prefix(version, directory, org, name):
    for suffix in ("dev", "prod"):
        org.create_workspace(f"{name}-{suffix}")
    terraform = directory(version, "remote", f'prefix = "{name}-"')
    init = terraform.talk("init")
    init.expect("Please enter a number to select a workspace", "Enter a value:")
    init.answer("2")
    init.ends(0)
    assert listed(terraform) == (["dev", "prod"], "prod")
    terraform.run("workspace", "new", "test")
    assert org.workspace(f"{name}-test")["attributes"]["terraform-version"] == version
    assert listed(terraform) == (["dev", "prod", "test"], "test")
    terraform.run("workspace", "select", "dev")
    terraform.run("workspace", "delete", "test")
    assert not org.has_workspace(f"{name}-test")
    assert listed(terraform) == (["dev", "prod"], "dev")


def test_a_workspace_with_resources_is_only_deleted_by_force(directory, api, org, hcl, name):
    terraform = directory("1.15.5", "cloud", f'tags = ["{name}"]')
    for suffix in ("other", "full"):
        workspace = org.create_workspace(f"{name}-{suffix}")
        bindings = [{"type": "tag-bindings", "attributes": {"key": name}}]
        api.call("PATCH", f"workspaces/{workspace['id']}/tag-bindings", {"data": bindings})
    terraform.environment["TF_WORKSPACE"] = f"{name}-full"
    terraform.run("init")
    terraform.write("main.tf", hcl.resource("a"))
    terraform.run("apply", "-auto-approve")
    terraform.environment["TF_WORKSPACE"] = f"{name}-other"

    refused = terraform.run("workspace", "delete", f"{name}-full", code=1)
    assert "is not empty" in refused.flat
    assert org.has_workspace(f"{name}-full")
    terraform.run("workspace", "delete", "-force", f"{name}-full")
    assert not org.has_workspace(f"{name}-full")


def test_init_puts_a_new_workspace_into_the_configured_project(directory, api, org, name):
    terraform = directory("1.15.5", "cloud", f'name = "{name}"\n      project = "made by init"')
    terraform.run("init")
    project = org.workspace(name)["relationships"]["project"]["data"]["id"]
    assert api.get(f"projects/{project}")["attributes"]["name"] == "made by init"


def test_an_unknown_organization_is_named(cli, name):
    terraform = cli()
    terraform.connect("cloud", "no-such-organization", f'name = "{name}"')
    init = terraform.run("init", code=1)
    assert 'organization "no-such-organization" at host statehouse.test not found' in init.flat


def test_a_wrong_token_is_refused(cli, org, name):
    terraform = cli(token="wrong-token-0123456789")
    terraform.connect("cloud", org.name, f'name = "{name}"')
    assert "unauthorized" in terraform.run("init", code=1).flat.lower()
    assert not org.has_workspace(name)
