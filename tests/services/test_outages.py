"""MLflow away is not the same as “there is none”: every reader says which of the two it is."""

from dataclasses import replace

import mlflow
import pytest

from services import agents, datasets, evaluations, production, prompts
from services.errors import NotFoundError, PlatformError
from tests.standing import logged

READERS = [
    lambda workspace: production.alias(workspace, "greeting"),
    lambda workspace: prompts.version(workspace, "greeting", 1),
    lambda workspace: prompts.live(workspace, "greeting"),
    lambda workspace: prompts.history(workspace, "greeting"),
    lambda workspace: agents.get(workspace, "m-1"),
    lambda workspace: datasets.get(workspace, "d-1"),
    lambda workspace: evaluations.get(workspace, "r-1"),
]


@pytest.fixture
def away(workspace, monkeypatch):
    """The app's workspace while its tracking server is not reachable."""
    address = "http://127.0.0.1:9"
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    mlflow.set_tracking_uri(address)
    mlflow.set_registry_uri(address)
    settings = replace(workspace.settings, tracking_uri=address)
    yield replace(workspace, platform=replace(workspace.platform, settings=settings))
    mlflow.set_tracking_uri(workspace.settings.tracking_uri)
    mlflow.set_registry_uri(workspace.settings.tracking_uri)


@pytest.mark.parametrize("read", READERS)
def test_an_outage_is_told_as_an_outage(away, read):
    with pytest.raises(PlatformError, match="could not be reached") as raised:
        read(away)
    assert raised.value.retryable


def test_what_does_not_exist_is_told_as_missing(workspace):
    prompts.save(workspace, "greeting", "Hello", "")
    assert production.alias(workspace, "greeting") is None
    assert prompts.live(workspace, "greeting") is None
    for read in (
        lambda: prompts.version(workspace, "greeting", 9),
        lambda: prompts.version(workspace, "other", 1),
        lambda: agents.get(workspace, "m-1"),
        lambda: datasets.get(workspace, "d-1"),
        lambda: evaluations.get(workspace, "r-1"),
    ):
        with pytest.raises(NotFoundError):
            read()


def test_a_broken_store_is_not_an_empty_one(workspace):
    """The store's file is there, but it is no database."""
    prompts.save(workspace, "greeting", "Hello", "")
    agent = logged(workspace, "greeting")
    (workspace.settings.home / "mlflow.db").write_bytes(b"not a database" * 100)
    for name in ("mlflow.db-wal", "mlflow.db-shm"):
        (workspace.settings.home / name).unlink(missing_ok=True)
    for read in (
        lambda: production.alias(workspace, "greeting"),
        lambda: prompts.version(workspace, "greeting", 1),
        lambda: agents.get(workspace, agent),
    ):
        with pytest.raises(PlatformError):
            read()
