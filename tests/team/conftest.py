"""The set-up of a team: the console's database on a real PostgreSQL, a fresh one for every test."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from services import database
from services import settings as settings_module
from tests.postgresql import Server, programs, running


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    there = programs()
    if there is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    with running(there) as server:
        yield server


@pytest.fixture(scope="session")
def migrated_database(postgresql: Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a database with every table, to be copied."""
    environ = {
        "SIGNALBOX_HOME": str(tmp_path_factory.mktemp("home")),
        "SIGNALBOX_DATABASE_URL": postgresql.make("ours"),
    }
    database.migrate(settings_module.load(environ))
    return "ours"


@pytest.fixture
def environ(environ: dict[str, str], postgresql: Server, migrated_database: str) -> Iterator[dict[str, str]]:
    """The console's environment with its database on the server, and no file that could be taken for it."""
    (Path(environ["SIGNALBOX_HOME"]) / "signalbox.db").unlink()
    name = uuid4().hex
    yield environ | {"SIGNALBOX_DATABASE_URL": postgresql.make(name, migrated_database)}
    postgresql.drop(name)
