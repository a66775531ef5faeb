"""Runs by way of HashiCorp's Python client: what several of its tests begin with."""

from pathlib import Path
from typing import Any

from pytfe import TFEClient
from pytfe.models import (
    ConfigurationVersion,
    ConfigurationVersionCreateOptions,
    Run,
    RunCreateOptions,
    Workspace,
)

from harness.waiting import until

RESOURCE = 'resource "terraform_data" "a" {\n  input = "a"\n}\n'


def upload(tfe: TFEClient, workspace: Workspace, folder: Path, text: str) -> ConfigurationVersion:
    (folder / "main.tf").write_text(text)
    options = ConfigurationVersionCreateOptions(auto_queue_runs=False)
    version = tfe.configuration_versions.create(workspace.id, options)
    tfe.configuration_versions.upload(version.upload_url, str(folder))
    return version


def queue(tfe: TFEClient, workspace: Workspace, **options: Any) -> Run:
    """A run of what was uploaded last, unless the options say otherwise."""
    return tfe.runs.create(RunCreateOptions(workspace=Workspace(id=workspace.id), **options))


def reaches(tfe: TFEClient, run: Run, status: str) -> Run:
    return until(lambda: (r := tfe.runs.read(run.id)).status.value == status and r, status)
