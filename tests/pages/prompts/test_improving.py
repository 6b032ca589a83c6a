"""Improving: what hinders the start is said; a result is shown with its scores and taken as a draft."""

import pytest
from sqlalchemy import update

from services import datasets, jobs, prompts, scorers
from services.database import job as table
from services.database import now, writing
from services.messages import Message
from services.prompts import Content, drafts, improve
from services.scorers import ScorerSpec
from tests.pages.conftest import texts
from tests.stub_model import stub_model


def read(shown):
    return texts(shown).replace("\\", "")


@pytest.fixture
def written(workspace):
    """A prompt, five questions and a scorer."""
    prompts.save(workspace, "greeting", "Be short.", "first")
    scorers.save(workspace, ScorerSpec("short", "length", {"shortest": 1, "longest": 50}))
    datasets.create(workspace, "Questions", datasets.pasted("\n".join(f"Question {n}?" for n in range(5))))
    return workspace


@pytest.fixture
def connected(environ, request):
    """The same with a model that could write."""
    with stub_model() as stub:
        environ |= {"OPENAI_BASE_URL": stub.url, "OPENAI_API_KEY": "secret-key"}
        yield request.getfixturevalue("written")


def end(workspace, id, **result):
    """Let a queued run end as the worker would."""
    verdict = {"word": "cannot tell", "better": 1, "worse": 0, "p_value": 1.0, "rows": 3, "new_critical": []}
    whole = {
        "content": Content("Be short and <b>kind</b>.").to_json(),
        "rows": 3,
        "scores": [{"scorer": "short", "before": 1, "after": 2}],
        "verdict": verdict,
        "unjudged": 0,
        "changed": True,
        "refused": None,
    } | result
    with writing(workspace.engine) as connection:
        connection.execute(update(table).where(table.c.id == id).values(state="done", result=whole, ended_at=now()))


def test_the_practice_model_is_told_before_the_start(screen, written):
    shown = screen("prompts", view="improve")
    assert "The practice model follows rules" in read(shown)
    assert shown.button(key="improve-prompt").disabled


def test_without_questions_or_scorers_nothing_can_start(screen, workspace):
    prompts.save(workspace, "greeting", "Be short.", "")
    assert "Make a dataset and a scorer first." in read(screen("prompts", view="improve"))


def test_a_result_is_read_compared_and_taken_as_a_draft(connected, request):
    shown = request.getfixturevalue("screen")("prompts", view="improve")
    assert "About 11 model calls." in read(shown)
    shown.button(key="improve-prompt").click().run()
    job = improve.latest(connected, "greeting")
    assert job.args["request"]["rows"] == 5

    end(connected, job.id)
    shown.run()
    told = read(shown)
    assert "Cannot tell: 1 of 3 questions got better" in told
    assert "Measured on 3 questions that it did not learn from." in told
    assert shown.dataframe[0].value.to_dict("records") == [
        {"Scorer": "short", "Passed before": "1 of 3", "Passed after": "2 of 3"}
    ]
    shown.button(key="take-improved").click().run()

    draft = drafts.mine(connected, "greeting")
    assert (draft.content.template, draft.base) == ("Be short and <b>kind</b>.", 1)
    assert draft.note == "Improved from version 1"
    assert shown.query_params["view"] == "write"
    assert len(prompts.history(connected, "greeting")) == 1


def test_an_unchanged_text_and_a_refused_one_are_said(connected, request):
    screen = request.getfixturevalue("screen")
    asked = improve.Request("greeting", 1, datasets.all(connected)[0].id, ("short",), 5)
    end(connected, improve.start(connected, asked).id, changed=False)
    assert "nothing better" in read(screen("prompts", view="improve"))

    end(connected, improve.start(connected, asked).id, refused=Message("The prompt is empty.").to_json())
    assert "Its text cannot be saved: The prompt is empty." in read(screen("prompts", view="improve"))


def test_a_run_that_was_cancelled_takes_no_earlier_result_away(connected, request):
    asked = improve.Request("greeting", 1, datasets.all(connected)[0].id, ("short",), 5, "gepa")
    end(connected, improve.start(connected, asked).id)
    jobs.cancel(connected, improve.start(connected, asked).id)
    told = read(request.getfixturevalue("screen")("prompts", view="improve"))
    assert "It was cancelled." in told
    assert "What it wrote from version 1" in told and "Many rewrites (GEPA)" in told
