"""Notifications, through HashiCorp's own Python client."""

import pytest
from pytfe.errors import NotFound, TFEError
from pytfe.models import (
    NotificationConfigurationCreateOptions,
    NotificationConfigurationListOptions,
    NotificationConfigurationSubscribableChoice,
    NotificationConfigurationUpdateOptions,
    NotificationDestinationType,
    NotificationTriggerType,
)
from pytfe.models.team import TeamCreateOptions


def generic(name: str, **options) -> NotificationConfigurationCreateOptions:
    return NotificationConfigurationCreateOptions(
        destination_type=NotificationDestinationType.GENERIC,
        # Whatever is enabled is asked at once whether it answers.
        enabled=False,
        name=name,
        url="https://hooks.example.com/runs",
        triggers=[NotificationTriggerType.COMPLETED, NotificationTriggerType.ERRORED],
        **options,
    )


def test_notifications_of_a_workspace(tfe, workspace, name):
    made = tfe.notification_configurations.create(workspace.id, generic(name, token="s3cret"))
    read = tfe.notification_configurations.read(made.id)
    assert (read.name, read.destination_type, read.enabled) == (name, "generic", False)
    assert read.url == "https://hooks.example.com/runs"
    assert not read.token
    assert read.triggers == [NotificationTriggerType.COMPLETED, NotificationTriggerType.ERRORED]
    assert read.delivery_responses == []
    listed = list(tfe.notification_configurations.list(workspace.id))
    assert [found.id for found in listed] == [made.id]
    changed = tfe.notification_configurations.update(
        made.id,
        NotificationConfigurationUpdateOptions(
            name=f"{name}-2", triggers=[NotificationTriggerType.CREATED]
        ),
    )
    assert changed.name == f"{name}-2"
    assert changed.triggers == [NotificationTriggerType.CREATED]
    assert changed.url == "https://hooks.example.com/runs"
    tfe.notification_configurations.delete(made.id)
    with pytest.raises((NotFound, TFEError)):
        tfe.notification_configurations.read(made.id)
    assert list(tfe.notification_configurations.list(workspace.id)) == []


def test_mail_for_people_of_the_organization(tfe, organization, workspace, name):
    me = tfe.users.read_current()
    options = NotificationConfigurationCreateOptions(
        destination_type=NotificationDestinationType.EMAIL,
        enabled=False,
        name=name,
        email_users=[me],
    )
    made = tfe.notification_configurations.create(workspace.id, options)
    read = tfe.notification_configurations.read(made.id)
    assert [user["id"] for user in read.email_users] == [me.id]


def test_a_neighbour_of_the_server_is_not_called(tfe, workspace, name, gate):
    """The server reaches the internet only, unless its operator says otherwise."""
    options = generic(name).model_copy(update={"url": f"http://127.0.0.1:{gate.port}/"})
    made = tfe.notification_configurations.create(workspace.id, options)
    with pytest.raises(TFEError):
        tfe.notification_configurations.verify(made.id)
    assert gate.lines == []


def test_notifications_of_a_team(tfe, organization, name):
    team = tfe.teams.create(organization, TeamCreateOptions(name=name))
    of_team = NotificationConfigurationSubscribableChoice(team=team)
    options = generic(name, subscribable_choice=of_team).model_copy(
        update={"triggers": [NotificationTriggerType.CHANGE_REQUEST_CREATED]}
    )
    made = tfe.notification_configurations.create(team.id, options)
    listed = tfe.notification_configurations.list(
        team.id, NotificationConfigurationListOptions(subscribable_choice=of_team)
    )
    assert [found.id for found in listed] == [made.id]
