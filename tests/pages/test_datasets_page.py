"""Datasets: first questions, the grid, pasting, and the one that releases are judged on."""

import pytest

from services import apps, datasets
from services.datasets import Row
from tests.pages.conftest import texts

ROWS = [
    Row("", "Where is my parcel?", "Soon.", True, "delivery", "en"),
    Row("", "返品できますか?", "", False, "returns", "ja"),
]


@pytest.fixture
def dataset(workspace):
    return datasets.create(workspace, "Questions", ROWS)


def test_the_first_questions_are_pasted(screen, workspace):
    shown = screen("datasets")
    assert "no questions yet" in texts(shown)

    shown.text_input(key="new-support-name").set_value("March")
    shown.text_area(key="new-support-text").set_value("One?\n\nTwo?")
    shown.text_input(key="new-support-topic").set_value("delivery")
    shown.button(key="create").click().run()

    assert not shown.exception
    made = datasets.all(workspace)[0]
    assert [(row.question, row.topic) for row in datasets.rows(workspace, made.id)] == [
        ("One?", "delivery"),
        ("Two?", "delivery"),
    ]


def test_a_dataset_without_questions_is_refused_in_words(screen, workspace):
    shown = screen("datasets")
    shown.text_input(key="new-support-name").set_value("March")
    shown.button(key="create").click().run()

    assert "There are no questions" in texts(shown).replace("\\", "")
    assert datasets.all(workspace) == []


def test_the_grid_shows_and_saves_rows(screen, workspace, dataset):
    shown = screen("datasets", dataset=dataset.id)
    assert "Questions: 2" in texts(shown) and "critical: 1" in texts(shown)

    key = f"grid-{dataset.id}-{dataset.updated_at.timestamp()}"
    shown.session_state[key] = {
        "edited_rows": {1: {"expected": "Yes."}},
        "added_rows": [{"question": "New?"}, {}],
        "deleted_rows": [0],
    }
    shown.run()
    shown.button(key="save").click().run()

    assert not shown.exception
    saved = datasets.rows(workspace, dataset.id)
    assert [(row.question, row.expected) for row in saved] == [("返品できますか?", "Yes."), ("New?", "")]


def test_what_another_person_saved_meanwhile_is_kept(screen, workspace, dataset):
    shown = screen("datasets", dataset=dataset.id)
    datasets.save_rows(workspace, dataset.id, [Row("", "Theirs?")])

    shown.button(key="save").click().run()

    assert "was changed while you worked on it" in texts(shown).replace("\\", "")
    assert [row.question for row in datasets.rows(workspace, dataset.id)] == ["Theirs?"]


def test_an_empty_question_survives_saving(screen, workspace):
    made = datasets.create(workspace, "Empty one", [Row("", ""), Row("", "Two?")])
    shown = screen("datasets", dataset=made.id)

    shown.button(key="save").click().run()

    assert [row.question for row in datasets.rows(workspace, made.id)] == ["", "Two?"]


def test_many_questions_are_added_at_once(screen, workspace, dataset):
    shown = screen("datasets", dataset=dataset.id)

    shown.text_area(key="add-support-text").set_value("Three?\nFour?")
    shown.button(key="add").click().run()

    assert len(datasets.rows(workspace, dataset.id)) == 4
    assert shown.text_area(key="add-support-text").value == ""


def test_one_dataset_is_chosen_for_releases(screen, workspace, dataset):
    shown = screen("datasets", dataset=dataset.id)

    shown.button(key="use").click().run()

    assert apps.get(workspace, "support").dataset_id == dataset.id
    assert not [one for one in shown.button if one.key == "use"]


def test_an_unknown_dataset_is_said(screen, dataset):
    assert "There is no dataset" in texts(screen("datasets", dataset="d-unknown"))


def test_the_screen_speaks_japanese(screen, dataset):
    shown = screen("datasets", language="ja")

    assert not shown.exception
