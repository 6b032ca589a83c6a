"""Real consoles, one with a sign-in service of its own and one behind a proxy's headers."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Server
from tests.sign_in.browser import Browser
from tests.sign_in.provider import CLIENT, CLIENT_SECRET, Provider, oidc_provider

ROLES = """contact = "the help desk"

[roles]
viewer = ["vera@example.com"]
author = ["group:writers"]
admin = ["root@example.com"]
"""


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with oidc_provider() as running:
        yield running


@pytest.fixture(scope="module")
def roles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("roles") / "roles.toml"


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory, roles: Path) -> Iterator[Callable[..., Server]]:
    started: list[Server] = []
    roles.write_text(ROLES)

    def begin(**environ: str) -> Server:
        server = Server(tmp_path_factory.mktemp("console") / "home", SIGNALBOX_ROLES_FILE=str(roles), **environ)
        server.environ = {name: value.replace("URL-OF-IT", server.url) for name, value in server.environ.items()}
        started.append(server)
        return server.start()

    yield begin
    for server in started:
        server.stop()


@pytest.fixture(scope="module")
def console(start: Callable[..., Server], provider: Provider) -> Server:
    return start(
        SIGNALBOX_IDENTITY="oidc",
        SIGNALBOX_OIDC_URL=provider.url,
        SIGNALBOX_OIDC_CLIENT_ID=CLIENT,
        SIGNALBOX_OIDC_CLIENT_SECRET=CLIENT_SECRET,
        SIGNALBOX_PUBLIC_URL="URL-OF-IT",
    )


@pytest.fixture(scope="module")
def behind_proxy(start: Callable[..., Server]) -> Server:
    return start(SIGNALBOX_IDENTITY="proxy")


@pytest.fixture
def browse() -> Iterator[Callable[..., Browser]]:
    """A browser of somebody's own; `browse(server, **headers)` as a proxy would send them."""
    opened: list[Browser] = []

    def begin(server: Server, **headers: str) -> Browser:
        opened.append(Browser(server.url, {name.replace("_", "-"): value for name, value in headers.items()}))
        return opened[-1]

    yield begin
    for one in opened:
        one.close()
        one.http.close()
