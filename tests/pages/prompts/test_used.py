"""Where a version is used, each place one click away."""

import mlflow
import pytest

from services import prompts
from tests import standing
from tests.left_traces import leave
from tests.pages.conftest import texts
from tests.services.prompts.conftest import agent, evaluation, release


@pytest.fixture
def written(workspace):
    for text in ("One", "Two"):
        prompts.save(workspace, "greeting", text, "")
    return workspace


def used(screen, **query):
    return screen("prompts", prompt="greeting", view="used", **query)


def links(shown):
    return {one.proto.label.replace("\\", ""): one.proto.query_string for one in shown.get("page_link")}


def test_what_is_used_nowhere_says_what_to_do(screen, written):
    shown = used(screen)
    assert shown.selectbox(key="used-version-support-greeting").value == 2
    assert "Nothing uses this version yet" in texts(shown)


def test_every_place_is_one_click_away(screen, written):
    model, run, id = agent(written, linked=1), evaluation(written, 1, found=1), release(written, None, 1)
    mlflow.genai.set_prompt_alias("greeting", "production", 1)
    standing.stand(written, 1, model, weight=100)
    written.client.link_prompt_versions_to_trace([written.client.get_prompt_version("greeting", 1)], leave(written))
    shown = used(screen)
    found = links(shown)
    assert found["agent"] == f"agent={model}"
    assert f"run={run}" in found.values()
    assert found[f"Release {id}"] == f"release={id}"
    assert found["Answers of the last 30 days: 1"] == "prompt=greeting%2F1&hours=720"
    assert "support" in found
    assert found["agent version 1 gets 100 % of the traffic"] == f"agent={model}"
    assert "follows what is live" in texts(shown)


def test_another_version_is_chosen_by_address_and_by_hand(screen, written):
    agent(written, linked=1)
    shown = used(screen, version="1")
    assert "was logged with it" in texts(shown)
    shown.selectbox(key="used-version-support-greeting").set_value(2).run()
    assert shown.query_params["version"] == "2"
    assert "Nothing uses this version yet" in texts(shown)
    assert "There is no version 9" in texts(used(screen, version="9"))


def test_the_traces_screen_shows_only_that_versions_answers(screen, written):
    for version, question in ((1, "First?"), (2, "Second?")):
        trace = leave(written, question)
        written.client.link_prompt_versions_to_trace([written.client.get_prompt_version("greeting", version)], trace)
    shown = screen("traces", prompt="greeting/2", hours="720")
    told = texts(shown)
    assert "Second?" in told and "First?" not in told
    assert "Only answers given with greeting, version 2" in told
    shown.button(key="everything").click().run()
    assert "First?" in texts(shown)
    assert "Only answers given" not in texts(screen("traces", prompt="greeting"))


def test_the_agents_screen_shows_the_asked_version_first(screen, written):
    old = agent(written, linked=1)
    for _ in range(11):
        agent(written, linked=2)
    without = [
        one for one in screen("agents").markdown if "ready-badge" in str(one.value) or "badge[ready]" in str(one.value)
    ]
    assert len(without) == 10
    shown = screen("agents", agent=old)
    assert "badge[ready]" in texts(shown)


def test_where_it_is_used_in_japanese(screen, written):
    agent(written, linked=1)
    assert "このバージョンで記録" in texts(used(screen, language="ja", version="1"))
