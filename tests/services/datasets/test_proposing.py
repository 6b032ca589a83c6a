"""A model proposes questions in a real job; none is written, and without a model it is said what is missing."""

import json

import pytest

from services import datasets
from services.datasets import Row, proposing
from services.datasets.proposing import Manner
from services.errors import NotReadyError
from services.jobs import State


@pytest.fixture
def model(model):
    model.answer = lambda system, question: json.dumps([f"{question} Please.", "Two?", "", f"{question} Please."])
    return model


@pytest.mark.parametrize(("manner", "expected"), [(Manner.REWORD, "1"), (Manner.RELATED, "")])
def test_proposals_are_shown_and_not_written(model, workspace, finish, manner, expected):
    made = datasets.create(workspace, "Questions", [Row("", "One?", "1", topic="t"), Row("", "Two?")])
    rows = datasets.rows(workspace, made.id)

    ended = finish(workspace, proposing.start(workspace, made.id, [rows[0].id], 3, manner))

    assert ended.state is State.DONE, ended.error
    (found,) = proposing.proposals(ended, rows)
    assert (found.row.question, found.row.expected, found.row.topic) == ("One? Please.", expected, "t")
    assert found.made_from == "One?" and found.row.id == datasets.row_id("One? Please.")
    assert datasets.rows(workspace, made.id) == rows
    assert proposing.latest(workspace, made.id).id == ended.id


def test_without_a_model_it_is_said_what_is_missing(workspace):
    made = datasets.create(workspace, "Questions", [Row("", "One?")])

    with pytest.raises(NotReadyError) as caught:
        proposing.start(workspace, made.id, [datasets.row_id("One?")], 3, Manner.REWORD)

    assert "OPENAI_BASE_URL" in str(caught.value.remedy)


def test_answers_that_are_no_list_are_read_by_lines():
    assert proposing.questions("1. One?\n- Two?\n\n") == ["One?", "Two?"]
    assert proposing.questions('Sure: ["A?", "B?"]') == ["A?", "B?"]
