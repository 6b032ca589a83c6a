"""An agent version's line from its prompt to its live answers, and whether it really uses its prompt."""

import json

import pytest
from sqlalchemy import Engine, event

from services import agents, production, prompts
from services.agents.lineage import lineage
from services.database import now
from services.errors import NotFoundError
from services.messages import render
from services.production import ModelAlias
from services.releases import Kind, Pair, State, records, registering
from tests.evaluated import summarised
from tests.left_traces import leave
from tests.standing import logged, stand

TITLES = ["Prompt", "Agent", "Evaluations", "Registered version", "Endpoint", "Live answers"]


@pytest.fixture
def written(workspace):
    for text in ("Be brief for Acme.", "Be kind for Acme."):
        prompts.save(workspace, "greeting", text, "")
    return workspace


def evaluation(workspace, model_id, version, score):
    """A finished evaluation run as the job leaves it."""
    asked = {
        "model_id": model_id, "prompt_name": "greeting", "requested_version": version, "dataset_id": "d",
        "dataset_name": "Questions", "dataset_sha256": "0", "scorers": {"polite": 1}, "practice": True,
        "actor": "ada", "job_id": 1,
    }  # fmt: skip
    return summarised(workspace, asked, {"rows": 10, "failed": 1, "scores": {"polite": [score, 10, 10]}})


def answered(workspace, model_id, version, sent, **how):
    prompt = json.dumps([{"name": "greeting", "version": str(version)}]) if version else "[]"
    return leave(workspace, model_id=model_id, prompt=prompt, sent=sent, **how)


@pytest.fixture
def live(written):
    """An agent that was released with prompt version 1, serves, and gave two live answers; its id and newest trace."""
    model_id = logged(written, "greeting")
    moves = {"prompt": "greeting", "before": Pair(None, None, None).__dict__, "after": Pair(model_id, None, 1).__dict__}
    release = records.get(written, records.add(written, Kind.AGENT, moves, "shorter answers"))
    registering.register(written, release)
    records.set_step(written, release.id, "register", state="done", ended_at=now())
    records.set_state(written, release.id, State.LIVE)
    production.move_alias(written, "greeting", None, 1, "release 1")
    production.move_model_alias(written, ModelAlias("support-agent", "champion"), None, 1, "release 1")
    stand(written, 1, model_id, weight=100)
    answered(written, model_id, 1, "Be brief for Acme.", hours_ago=1)
    return written, model_id, answered(written, model_id, 1, "Be brief for Acme.")


def stage(found, title):
    return next(one for one in found.stages if str(one.title) == title)


def links(found, title):
    return [(node.screen, dict(node.asks)) for node in stage(found, title).nodes]


def test_every_stage_of_a_live_agent_opens_its_own_screen(live):
    workspace, model_id, newest = live
    run = evaluation(workspace, model_id, 1, 0.9)
    found = lineage(workspace, model_id)
    assert [str(one.title) for one in found.stages] == TITLES
    assert links(found, "Prompt") == [("prompts", {"prompt": "greeting", "version": "1", "view": "versions"})]
    assert links(found, "Agent") == [("agents", {"agent": model_id})]
    assert links(found, "Evaluations") == [("evaluations", {"run": run})]
    assert links(found, "Registered version") == [("releases", {"release": "1"})]
    assert links(found, "Endpoint") == [("endpoints", {})]
    assert links(found, "Live answers") == [
        ("traces", {"agent": model_id, "hours": "720"}),
        ("traces", {"trace": newest}),
    ]


def test_every_stage_says_how_it_stands(live):
    workspace, model_id, _ = live
    evaluation(workspace, model_id, 1, 0.9)
    found = lineage(workspace, model_id)
    told = {str(one.title): [str(note) for node in one.nodes for note in node.notes] for one in found.stages}
    badges = {str(one.title): [str(badge.text) for node in one.nodes for badge in node.badges] for one in found.stages}
    assert told["Prompt"] == ["greeting", "answers with it now"] and badges["Prompt"] == ["live"]
    assert told["Evaluations"] == ["polite 90 %", "10 questions, 1 not answered"] and badges["Evaluations"] == [
        "no gate set"
    ]
    assert badges["Registered version"] == ["challenger", "champion"]
    assert render(stage(found, "Registered version").nodes[0].notes[0], "ja").endswith("shorter answers")
    assert badges["Endpoint"] == ["100 %"] and "It answers 100 % of the questions." in told["Endpoint"]
    assert str(stage(found, "Live answers").nodes[0].what) == "2 in 30 days"


def test_every_empty_stage_says_what_to_do_next(written):
    model_id = logged(written, "greeting")
    found = lineage(written, model_id)
    empty = {
        str(one.title): (str(one.next.what), one.next.screen, dict(one.next.asks))
        for one in found.stages
        if not one.nodes
    }
    assert empty == {
        "Prompt": ("Log it again", "agents", {"new": "1"}),
        "Evaluations": ("Evaluate it", "evaluations", {"agent": model_id}),
        "Registered version": ("Release it", "releases", {"agent": model_id}),
        "Endpoint": ("Release it", "releases", {"agent": model_id}),
        "Live answers": ("Try it", "agents", {"agent": model_id, "view": "try"}),
    }
    assert found.proof.used is None and "Try it once" in str(found.proof.told)


@pytest.mark.parametrize(
    ("version", "sent", "used", "told"),
    [
        (1, "Be brief for Acme.", True, "the words of prompt version 1"),
        (1, "Ignore what you were told.", False, "did not send it to the model"),
        (None, "Be brief for Acme.", False, "did not load its prompt"),
        (9, "Be brief for Acme.", None, "was deleted"),
    ],
)
def test_the_newest_answer_shows_whether_the_prompt_is_used(written, version, sent, used, told):
    model_id = logged(written, "greeting")
    answered(written, model_id, 2, "Be kind for Acme.", hours_ago=2)
    answered(written, "m-another", 2, "Be kind for Acme.")
    trace = answered(written, model_id, version, sent, origin="try", hours_ago=1)
    answered(written, model_id, None, "It broke.", error=True)
    proof = lineage(written, model_id).proof
    assert (proof.used, proof.trace_id, proof.origin) == (used, trace, "try")
    assert told in str(proof.told)


def test_the_line_takes_as_many_reads_for_many_traces_as_for_few(live):
    workspace, model_id, _ = live
    few = statements(workspace, model_id)
    for _ in range(10):
        answered(workspace, model_id, 1, "Be brief for Acme.")
    assert statements(workspace, model_id) <= few


def statements(workspace, model_id):
    """How many SQL statements one lineage takes, MLflow's and ours."""
    counted = []
    count = lambda *arguments: counted.append(1)  # noqa: E731
    event.listen(Engine, "before_cursor_execute", count)
    lineage(workspace, model_id)
    event.remove(Engine, "before_cursor_execute", count)
    return len(counted)


def test_an_older_description_stays_as_people_wrote_it(live):
    workspace, model_id, _ = live
    workspace.client.update_model_version("support-agent", "1", description="Ours, do not touch.")
    assert stage(lineage(workspace, model_id), "Registered version").nodes[0].notes == ("Ours, do not touch.",)


def test_another_apps_agent_has_no_line_here(written, bare_workspace):
    model_id = logged(written, "greeting")
    with pytest.raises(NotFoundError):
        lineage(bare_workspace, model_id)
    assert agents.get(written, model_id).model_id == model_id
