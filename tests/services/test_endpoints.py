"""Endpoints: the state of what is served, in plain words."""

import pytest

from services import endpoints
from services.errors import PlatformError
from services.platforms import Served, ServedState
from services.processes.lock import Lock


@pytest.mark.parametrize(
    ("version", "words"),
    [
        (Served(1, "m", 0, ServedState.STARTING), "It is starting"),
        (Served(1, "m", 0, ServedState.READY), "gets no traffic"),
        (Served(1, "m", 40, ServedState.READY), "answers 40 %"),
        (Served(1, "m", 0, ServedState.FAILED, "ImportError: no torch"), "no torch"),
        (Served(1, "m", 100, ServedState.STARTING, "killed"), "starting again: killed"),
        (Served(1, "m", 0, ServedState.STOPPED), "stopped"),
    ],
)
def test_every_state_has_a_sentence(version, words):
    assert words in str(endpoints.describe(version))


def test_nothing_deployed_is_nothing(workspace):
    assert endpoints.current(workspace) is None


def test_a_gateway_that_is_gone_is_said(workspace):
    assert "not running" in str(endpoints.trouble(workspace))
    lock = Lock(workspace.settings.run_folder / "gateway.lock")
    lock.acquire()
    assert endpoints.trouble(workspace) is None
    lock.tell(error="Port 8502 cannot be used.")
    lock.release()
    assert "Port 8502" in str(endpoints.trouble(workspace))


def test_asking_without_a_gateway_is_a_plain_error(workspace):
    with pytest.raises(PlatformError):
        list(endpoints.stream(workspace, [{"role": "user", "content": "Hello"}]))
