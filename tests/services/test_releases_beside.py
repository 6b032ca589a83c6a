"""One's own question to the version before and the one after."""

from dataclasses import asdict, replace

import pytest

from services import releases
from services.errors import ForbiddenError, InvalidInputError, NotReadyError
from services.people import Actor, Role
from services.releases import Kind, Pair, beside, records
from tests.standing import answered, gateway, logged, refused, stand


@pytest.fixture
def release(workspace):
    pairs = {"before": asdict(Pair("m-1", 1, 1)), "after": asdict(Pair("m-2", 2, 1))}
    return releases.get(workspace, records.add(workspace, Kind.AGENT, {"prompt": "greeting"} | pairs, ""))


def test_both_versions_answer_at_their_own_addresses(workspace, release):
    model = logged(workspace, "greeting")
    stand(workspace, 1, model, weight=100)
    with pytest.raises(NotReadyError):
        beside.ask(workspace, release, "Where is it?")
    stand(workspace, 2, model)
    with gateway(workspace.settings.gateway_port, lambda n: answered(f"tr-{n}")) as asked:
        old, new = beside.ask(workspace, release, "Where is it?")
    assert (old.version, new.version) == (1, 2)
    assert (old.text, new.text, old.error) == ("Yes.", "Yes.", None)
    assert sorted(path.rstrip("/").split("/")[-2] for path in asked) == ["1", "2"], asked

    with gateway(workspace.settings.gateway_port, lambda n: refused(503)):
        old, new = beside.ask(workspace, release, "Where is it?")
    assert old.error and new.error and not old.text


def test_only_who_may_try_agents_asks_and_only_something(workspace, release):
    with pytest.raises(InvalidInputError):
        beside.ask(workspace, release, "  ")
    with pytest.raises(ForbiddenError):
        beside.ask(replace(workspace, actor=Actor("bob", frozenset({Role.VIEWER}))), release, "Where?")


def test_a_prompt_release_has_one_agent_version_to_ask(workspace):
    pairs = {"before": asdict(Pair("m-1", 1, 1)), "after": asdict(Pair("m-1", 1, 2))}
    release = releases.get(workspace, records.add(workspace, Kind.PROMPT, {"prompt": "greeting"} | pairs, ""))
    assert beside.versions(workspace, release) is None
