"""The server of a test session, and the people who use it."""

import itertools
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytfe import TFEClient, TFEConfig
from pytfe.models import OrganizationCreateOptions, Workspace, WorkspaceCreateOptions

from harness import engines
from harness.api import Api, Organization
from harness.cli import Terraform
from harness.configurations import Configurations
from harness.gate import Gate
from harness.server import ADMIN_TOKEN, Server

SERVERS: list[Server] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--newest-only",
        action="store_true",
        help="of the tests that exist for several command lines, only those of the newest",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Command lines cannot tell databases apart: one of them is enough for the second database."""
    if not config.getoption("--newest-only"):
        return

    def is_older(item: pytest.Item) -> bool:
        parameters = item.callspec.params if hasattr(item, "callspec") else {}
        return parameters.get("version", engines.NEWEST) != engines.NEWEST

    config.hook.pytest_deselected(items=[item for item in items if is_older(item)])
    items[:] = [item for item in items if not is_older(item)]


@pytest.fixture(scope="session")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return engines.provider_mirror(tmp_path_factory.mktemp("providers"))


@pytest.fixture(scope="session")
def new_server(
    tmp_path_factory: pytest.TempPathFactory, mirror: Path
) -> Iterator[Callable[..., Server]]:
    """Makes servers, and stops them at the end."""
    made: list[Server] = []

    def make(
        admin_token: str | None = ADMIN_TOKEN,
        versions: list[str] = engines.VERSIONS,
        settings: tuple[str, ...] = (),
    ) -> Server:
        folder = tmp_path_factory.mktemp("server")
        server = Server(folder, mirror, admin_token, versions, settings)
        made.append(server)
        SERVERS.append(server)
        return server.start()

    yield make
    for server in made:
        server.stop()


@pytest.fixture(scope="session")
def server(new_server: Callable[..., Server]) -> Server:
    return new_server()


@pytest.fixture(scope="session")
def api(server: Server) -> Api:
    """The site admin's."""
    return Api(server.address, ADMIN_TOKEN)


@pytest.fixture(scope="module")
def org(api: Api) -> Organization:
    return api.organization()


@pytest.fixture
def cli(server: Server, mirror: Path, tmp_path: Path) -> Callable[..., Terraform]:
    """Makes people at terminals: `cli("1.15.5")`; each has a directory and a home of their own."""
    numbers = itertools.count(1)

    def make(version: str = engines.NEWEST, token: str | None = ADMIN_TOKEN) -> Terraform:
        person = tmp_path / f"person-{next(numbers)}"
        return Terraform(version, person, server.services(), mirror, token)

    return make


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.close()


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A workspace name of the test's own: its module's organization is shared."""
    kept = "".join(c if c.isalnum() else "-" for c in request.node.name)
    return kept.removeprefix("test-")[:80].strip("-")


@pytest.fixture
def project(
    cli: Callable[..., Terraform], org: Organization, name: str
) -> Callable[..., Terraform]:
    """Makes an initialised directory with a configuration, on the workspace `name`."""

    def make(
        configuration: str,
        backend: str = "cloud",
        version: str = engines.NEWEST,
        workspaces: str = "",
    ) -> Terraform:
        terraform = cli(version)
        terraform.connect(backend, org.name, workspaces or f'name = "{name}"')
        terraform.write("main.tf", configuration)
        terraform.run("init")
        return terraform

    return make


@pytest.fixture
def hcl() -> Configurations:
    """Configurations for the newest version."""
    return Configurations(engines.NEWEST)


@pytest.fixture(scope="module")
def tfe(server: Server) -> Iterator[TFEClient]:
    """HashiCorp's Python client, as the site admin."""
    with TFEClient(TFEConfig(address=server.address, token=ADMIN_TOKEN, http2=False)) as client:
        yield client


@pytest.fixture(scope="module")
def organization(tfe: TFEClient) -> str:
    """An organization that the Python client has made; its name."""
    name = f"pytfe-{uuid.uuid4().hex[:8]}"
    tfe.organizations.create(OrganizationCreateOptions(name=name, email="pytfe@example.com"))
    return name


@pytest.fixture
def workspace(tfe: TFEClient, organization: str, name: str) -> Workspace:
    return tfe.workspaces.create(organization, WorkspaceCreateOptions(name=name))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Remembers how long each server's log was, to show only what a failed test caused."""
    item.stash[LOG_LENGTHS] = {id(s): s.log.stat().st_size for s in SERVERS if s.log.exists()}
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[pytest.TestReport]:
    report = yield
    if report.failed:
        for server in SERVERS:
            since = item.stash[LOG_LENGTHS].get(id(server), 0)
            report.sections.append((f"log of {server.address}", server.tail(since)))
    return report


LOG_LENGTHS = pytest.StashKey[dict[int, int]]()
