"""Tags of workspaces, as the command lines look for them and add them."""

import re

import pytest

# `cloud` blocks are older than keys with values, and 1.0.3 knows neither.
FLAT = 'tags = ["{name}", "app"]'
KEYED = 'tags = {{ team = "{name}", Tier = "web" }}'
CHANGES = re.compile(r"\b(POST|PATCH|PUT|DELETE) /api/v2/")


@pytest.fixture
def person(cli, org, name):
    def make(version, tags):
        terraform = cli(version)
        terraform.connect("cloud", org.name, tags.format(name=name))
        terraform.write("main.tf", "")
        return terraform

    return make


def requests(server, since):
    """What was asked of the server after the first `since` bytes of its log."""
    lines = server.tail(since, limit=1_000_000).splitlines()
    asked = [line for line in lines if " /api/v2/workspaces/" in line or "/workspaces" in line]
    assert asked, "the server's log tells what it was asked"
    return [line for line in lines if "/api/v2/" in line]


@pytest.mark.parametrize(
    ("version", "tags"),
    [
        ("1.8.4", FLAT), ("1.12.2", FLAT), ("1.15.5", FLAT),
        ("1.12.2", KEYED), ("1.15.5", KEYED),
    ],
)
def test_a_second_init_changes_nothing(version, tags, person, api, org, server, name):
    init = person(version, tags).talk("init")
    init.expect("There are no workspaces with the configured tags", "Enter a value:")
    init.answer(f"{name}-one")
    assert "has been successfully initialized!" in init.ends(0).flat

    workspace = org.workspace(f"{name}-one")
    bindings = api.get(f"workspaces/{workspace['id']}/tag-bindings")
    pairs = {b["attributes"]["key"]: b["attributes"]["value"] for b in bindings}
    effective = api.get(f"workspaces/{workspace['id']}/effective-tag-bindings")
    if tags == FLAT:
        assert sorted(workspace["attributes"]["tag-names"]) == sorted([name, "app"])
        assert pairs == {name: "", "app": ""}
        assert effective == []
    else:
        assert workspace["attributes"]["tag-names"] == []
        assert pairs == {"team": name, "Tier": "web"}
        assert len(effective) == 2

    # Somebody else, and then the same person once more.
    colleague = person(version, tags)
    for _ in range(2):
        since = server.log.stat().st_size
        colleague.run("init")
        changes = [line for line in requests(server, since) if CHANGES.search(line)]
        assert changes == []
    assert api.get(f"workspaces/{workspace['id']}/tag-bindings") == bindings
