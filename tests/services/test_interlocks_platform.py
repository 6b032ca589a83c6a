"""The interlocks on judges, platform, traffic and people, green and red, on a real store."""

import json
import platform
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlparse

import pytest

from services import interlocks, scorers
from services.apps import Environment, Gate, Stage
from services.interlocks import Circumstances, Light, movement, surroundings, watching
from services.interlocks.python import python_served
from services.interlocks.served import can_be_served
from services.messages import Message
from services.scorers import ScorerSpec
from tests.services.test_interlocks import AGENT, evaluated_well, red
from tests.standing import gateway, logged, stand

KEY = "sk-" + "a1" * 16


@pytest.fixture
def candidate(workspace):
    return evaluated_well(workspace)


def within(candidate, **rules):
    """The candidate on a platform with these rules."""
    serving = candidate.workspace.platform.serving
    other = type("Serving", (type(serving),), {"rules": replace(serving.rules, **rules)})()
    platform = replace(candidate.workspace.platform, serving=other)
    return replace(candidate, workspace=replace(candidate.workspace, platform=platform))


def surrounded(candidate, **chosen):
    """The candidate where the app's environment decides that."""
    app = candidate.workspace.app
    environment = Environment(Stage.PRODUCTION, app.endpoint, **chosen)
    return replace(candidate, workspace=candidate.workspace.for_app(replace(app, environment=environment)))


def told(candidate, **circumstances):
    return replace(candidate, circumstances=Circumstances(**circumstances))


def test_6_holds_when_what_the_release_started_does_not_watch(candidate):
    assert watching.scorers_ready(candidate).light is Light.GREEN
    red(watching.scorers_ready(told(candidate, watching=True)), "do not watch production: short")


def test_8_knows_the_names_that_a_platform_and_an_agent_read(candidate):
    assert surroundings.settings_known(candidate).light is Light.GREEN
    fine = surrounded(candidate, variables={"ENABLE_MLFLOW_TRACING": "true", "SHOP_URL": "https://shop.example"})
    assert surroundings.settings_known(fine).light is Light.GREEN
    red(surroundings.settings_known(surrounded(candidate, variables={"ENABLE_MLFLOW_TRACE": "true"})), "MLFLOW_TRACE")
    red(surroundings.settings_known(surrounded(candidate, config={"temprature": "0"})), "temprature")


def test_8_holds_what_a_platform_would_refuse_or_ignore(candidate):
    agent = replace(AGENT, config={"temperature": "0.5"})
    set_again = replace(surrounded(candidate, config={"temperature": "0"}), agent=agent)
    assert surroundings.settings_known(set_again).light is Light.GREEN
    red(surroundings.settings_known(within(set_again, overrides_config=False)), "temperature")
    small = surrounded(candidate, variables={"shop_url": "https://shop.example"})
    assert surroundings.settings_known(small).light is Light.GREEN
    red(surroundings.settings_known(within(small, capital_names=True)), "shop_url")
    fixed = surrounded(candidate, variables={"ENABLE_MLFLOW_TRACING": "false"})
    red(surroundings.settings_known(within(fixed, fixed_environment=frozenset({"ENABLE_MLFLOW_TRACING"}))), "itself")


@pytest.mark.parametrize("chosen", [{"SHOP_TOKEN": "1234"}, {"ACCESS_TOKENS": "abc123"}, {"NOTE": KEY}])
def test_9_holds_a_secret_in_plain_text(candidate, chosen):
    assert surroundings.secrets_by_reference(candidate).light is Light.GREEN
    finding = surroundings.secrets_by_reference(surrounded(within(candidate, secret_references=True), variables=chosen))
    red(finding, next(iter(chosen)))
    assert "{{secrets/scope/key}}" in str(finding.mend) and KEY not in json.dumps(finding.to_json())
    by_reference = dict.fromkeys(chosen, "{{secrets/shop/token}}")
    for harmless in (by_reference, {"MAX_TOKENS": "4096", "TOKENIZERS_PARALLELISM": "false"}):
        assert surroundings.secrets_by_reference(surrounded(candidate, variables=harmless)).light is Light.GREEN


def test_9_holds_a_key_that_was_logged_with_the_agent(candidate):
    agent = replace(AGENT, config={"search": {"key": KEY}})
    red(surroundings.secrets_by_reference(replace(candidate, agent=agent)), "search.key")


def test_10_holds_traces_that_would_get_lost(candidate, bare_workspace):
    assert surroundings.traces_kept(candidate).light is Light.GREEN
    elsewhere = surrounded(candidate, variables={"MLFLOW_EXPERIMENT_ID": "77"})
    red(surroundings.traces_kept(elsewhere), "experiment 77")
    client, app = candidate.workspace.client, candidate.workspace.app
    tied = client.create_experiment("/Repos/ada/agent", tags={"mlflow.experimentType": "NOTEBOOK"})
    in_folder = replace(candidate, workspace=candidate.workspace.for_app(replace(app, experiment_id=tied)))
    red(surroundings.traces_kept(in_folder), "Git folder")
    client.delete_experiment(app.experiment_id)
    red(surroundings.traces_kept(candidate), "is deleted")


def test_11_holds_an_agent_that_did_not_declare_its_model(candidate):
    assert surroundings.rights_declared(candidate).light is Light.GREEN
    there = within(candidate, declares_resources=True)
    names = {"plain": {}, "declared": {"resources": {"databricks": {"serving_endpoint": [{"name": "practice"}]}}}}
    lights = {}
    for name, more in names.items():
        model_id = logged(candidate.workspace, "greeting")
        file = Path(urlparse(candidate.workspace.client.get_logged_model(model_id).artifact_location).path) / "MLmodel"
        file.write_text(json.dumps(json.loads(file.read_text()) | more))
        lights[name] = surroundings.rights_declared(replace(there, agent=replace(AGENT, model_id=model_id)))
    red(lights["plain"], "practice and did not declare it")
    assert lights["declared"].light is Light.GREEN and "practice" in str(lights["declared"].found)


def test_12_is_never_green_with_a_practice_judge_and_red_without_any(candidate):
    assert watching.judges_fit(candidate).light is Light.GREEN
    workspace = candidate.workspace
    scorers.save(workspace, ScorerSpec("kind", "guidelines", {"guidelines": ["Be polite."]}))
    judged = replace(candidate, workspace=workspace.for_app(replace(workspace.app, gate=Gate({"kind": 0.5}, rows=1))))
    red(watching.judges_fit(replace(judged, evaluation=None)), "does not answer now")
    assert watching.judges_fit(judged).light is Light.AMBER
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hi"}}
    said = {"id": "1", "object": "chat.completion", "created": 0, "model": "practice", "choices": [choice]}
    with gateway(workspace.settings.gateway_port, lambda n: (200, said)):
        found = watching.judges_fit(judged)
    assert found.light is Light.AMBER and "practice model judges" in str(found.found)


def test_13_holds_a_version_that_has_traffic_and_knows_the_way_back(candidate):
    assert movement.way_back(candidate).light is Light.GREEN
    live = replace(candidate, live_agent="m-0", live_prompt=1)
    assert movement.way_back(live).light is Light.AMBER
    assert movement.way_back(told(live, good=4)).light is Light.GREEN
    assert movement.way_back(within(told(live, good=4), splits_traffic=False)).light is Light.AMBER
    stand(candidate.workspace, 2, "m-1", weight=100)
    red(movement.way_back(told(live, good=4)), "gets traffic already")
    assert movement.way_back(told(live, good=4, live=("m-1", 1))).light is Light.GREEN


def test_14_holds_where_nothing_more_fits(candidate, monkeypatch):
    with gateway(candidate.workspace.settings.gateway_port, lambda n: (200, {})):
        assert surroundings.room_left(candidate).light is Light.AMBER
    stand(candidate.workspace, 1, "m-0")
    red(surroundings.room_left(within(candidate, served_versions=1)), "no more fit")
    red(surroundings.room_left(within(candidate, scorers=0)), "at most 0")
    monkeypatch.setattr(surroundings, "FULL", 10**18)
    monkeypatch.setattr(surroundings, "LITTLE", 10**18)
    red(surroundings.room_left(candidate), "MB are free")


def test_15_knows_who_agreed(candidate):
    assert movement.agreed_by_another(candidate).light is Light.GREEN
    assert movement.agreed_by_another(told(candidate, agreement=True)).light is Light.AMBER
    own = told(candidate, agreement=True, agreed_by="ada", own=frozenset({"ada"}))
    red(movement.agreed_by_another(own), "wrote themselves")
    other = told(candidate, agreement=True, agreed_by="grace", own=frozenset({"ada"}))
    assert movement.agreed_by_another(other).light is Light.GREEN


def test_16_holds_whatever_moved_since_the_proposal(candidate):
    then = candidate.state
    assert movement.nothing_moved(told(candidate, then=then, live=(None, None))).light is Light.GREEN
    red(movement.nothing_moved(told(candidate, then=then, live=("m-9", 1))), "What is live is not")
    for name, word in (
        ("prompt", "settings of the prompt"),
        ("scorers", "Scorers were"),
        ("baseline", "evaluated anew"),
    ):
        red(movement.nothing_moved(told(candidate, then=then | {name: "another"})), word)
    assert movement.nothing_moved(told(candidate, then=then, live=("m-1", 1))).light is Light.GREEN


def test_18_tells_of_a_python_that_is_not_known_to_be_served(candidate):
    lights = {}
    for version in ("3.12.4", "3.9.18", "3.13.0", ""):
        found = python_served(
            replace(within(candidate, pythons=("3.10", "3.11", "3.12")), agent=replace(AGENT, python=version))
        )
        lights[version] = found.light
        assert found.light is Light.GREEN or "Log the agent again" in str(found.mend)
    assert lights == {"3.12.4": Light.GREEN, "3.9.18": Light.AMBER, "3.13.0": Light.AMBER, "": Light.AMBER}
    here = replace(AGENT, python=platform.python_version())
    assert python_served(replace(candidate, agent=here)).light is Light.GREEN


def test_20_holds_what_the_way_of_serving_does_not_take(candidate):
    assert can_be_served(candidate).light is Light.GREEN
    serving = candidate.workspace.platform.serving
    told = (Message("An app takes no {kind}.", kind="ChatAgent"), Message("Convert it."))
    other = type("Serving", (type(serving),), {"refuses": lambda self, workspace, kind: told})()
    platform = replace(candidate.workspace.platform, serving=other)
    held = can_be_served(replace(candidate, workspace=replace(candidate.workspace, platform=platform)))
    red(held, "An app takes no ChatAgent.")
    assert held.mend == told[1]


def test_a_step_is_held_by_what_changed_since_the_proposal(candidate):
    """Each step asks the interlocks that protect it, and only those."""
    then = candidate.state
    scorers.save(candidate.workspace, ScorerSpec("short", "length", {"shortest": 1, "longest": 5}))
    found = interlocks.check(told(candidate, then=then), before="register")
    assert [one.number for one in found] == [7, 16] and found[1].light is Light.RED
    assert interlocks.check(candidate, before="ready") == []
