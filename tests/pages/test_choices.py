"""What is offered to choose from is told apart: two things of one name must not be taken for each other."""

import pytest

from pages.components import choices
from services import datasets
from services.datasets import Row
from tests.services.test_evaluations_reading import judged, kept, line
from tests.standing import logged


def test_only_what_reads_the_same_says_the_end_of_its_id():
    told = {"m-0000aaaaaa": "support", "m-0000bbbbbb": "support", 3: "other"}
    assert choices.apart(told) == {"m-0000aaaaaa": "support (aaaaaa)", "m-0000bbbbbb": "support (bbbbbb)", 3: "other"}


def test_a_field_for_a_question_begins_in_the_readers_language():
    asked = ("Where is it?", "送料はいくらですか？")
    assert [choices.question(asked, language) for language in ("en", "ja")] == list(asked)
    assert (choices.question(asked[:1], "ja"), choices.question((), "ja")) == (asked[0], "")


@pytest.mark.parametrize("place", [0, 1])
def test_each_of_two_evaluations_of_one_minute_can_be_compared_with(screen, workspace, place):
    told = {"source": {"kind": "endpoint"}, "model_id": "", "prompt_name": "", "live": "1 (100 %)"}
    columns = [line(0, **judged("length", True))]
    made = [kept(workspace, columns, {"length": [1.0, 1, 1]}, told) for _ in range(3)]
    shown = screen("evaluations", run=made[2].run_id)

    shown.selectbox(key="against").select_index(place).run()

    assert not shown.exception
    assert shown.query_params["against"] == made[1 - place].run_id


@pytest.mark.parametrize("place", [0, 1])
def test_each_of_two_datasets_of_one_name_can_be_evaluated(screen, workspace, place):
    made = [datasets.create(workspace, "Questions", [Row("", f"Question {n}?")]) for n in range(2)]
    offered = [one.id for one in datasets.all(workspace)]
    logged(workspace, "support")
    shown = screen("evaluations")

    shown.selectbox(key="evaluate-dataset-support").select_index(place).run()

    assert not shown.exception
    assert shown.selectbox(key="evaluate-dataset-support").value == offered[place]
    assert sorted(offered) == sorted(one.id for one in made)
