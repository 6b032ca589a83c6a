"""Scorers: described in words, added, changed, removed and tried by form."""

import pytest

from services import scorers
from services.scorers import ScorerSpec
from tests.pages.conftest import texts


@pytest.fixture
def specs(workspace):
    for spec in (
        ScorerSpec("short", "length", {"shortest": 5, "longest": 40}),
        ScorerSpec("safe", "word_list"),
        ScorerSpec("right", "guidelines", {"guidelines": ["The answer is right."]}),
    ):
        scorers.save(workspace, spec)
    return scorers.all(workspace)


def test_the_first_scorer_is_added_by_form(screen, workspace):
    shown = screen("scorers")
    assert "no scorers yet" in texts(shown)

    shown.text_input(key="name-new-support").set_value("not too long")
    shown.number_input(key="longest-new-support-length").set_value(200)
    shown.button(key="save-new-support").click().run()

    assert not shown.exception
    assert scorers.all(workspace) == [ScorerSpec("not too long", "length", {"shortest": 50, "longest": 200}, 1)]


@pytest.mark.parametrize(
    ("kind", "field", "value", "wanted"),
    [
        ("mentions", "phrase-new-support-mentions", "Acme", {"phrase": "Acme"}),
        ("polite", None, None, {}),
        ("word_list", None, None, {}),
        ("grounded", None, None, {}),
    ],
)
def test_every_rule_has_its_form(screen, workspace, kind, field, value, wanted):
    shown = screen("scorers")
    shown.selectbox(key="kind-new-support").set_value(kind).run()
    shown.text_input(key="name-new-support").set_value("mine")
    if field:
        shown.text_input(key=field).set_value(value)
    shown.button(key="save-new-support").click().run()

    assert scorers.all(workspace) == [ScorerSpec("mine", kind, wanted, 1)]


def test_guidelines_are_typed_one_per_line(screen, workspace):
    shown = screen("scorers")
    shown.selectbox(key="kind-new-support").set_value("guidelines").run()
    assert "practice model answers here" in texts(shown)
    shown.text_input(key="name-new-support").set_value("right")
    shown.text_area(key="guidelines-new-support-guidelines").set_value("One.\n\nTwo.")
    shown.button(key="save-new-support").click().run()

    assert scorers.all(workspace)[0].settings == {"guidelines": ["One.", "Two."]}


def test_scorers_are_described_in_plain_words(screen, specs):
    written = texts(screen("scorers")).replace("\\", "")

    assert "The answer has 5 to 40 characters." in written
    assert "Word list: the answer uses none" in written
    assert "A language model checks: The answer is right." in written


def test_a_change_makes_a_new_version(screen, workspace, specs):
    shown = screen("scorers")
    shown.button(key="change-short").click().run()
    shown.number_input(key="longest-support-short-length").set_value(99)
    shown.button(key="save-support-short").click().run()

    changed = next(one for one in scorers.all(workspace) if one.name == "short")
    assert (changed.version, changed.settings["longest"]) == (2, 99)


def test_a_scorer_is_removed_after_its_consequence_is_read(screen, workspace, specs):
    shown = screen("scorers")
    shown.button(key="remove-safe").click().run()

    assert [one.name for one in scorers.all(workspace)] == ["short", "right"]


def test_an_answer_is_tried_on_every_rule(screen, specs):
    shown = screen("scorers")
    shown.text_area(key="try-answer").set_value("You idiot").run()

    written = texts(shown).replace("\\", "")
    assert "The word list found “idiot”." in written
    assert "run an evaluation to see it" in written


def test_a_scorer_may_be_called_new(screen, workspace):
    scorers.save(workspace, ScorerSpec("new", "length", {"shortest": 5, "longest": 40}))
    shown = screen("scorers").button(key="change-new").click().run()

    assert not shown.exception
    assert shown.number_input(key="longest-support-new-length").value == 40


def test_a_bad_name_is_explained(screen, workspace):
    shown = screen("scorers")
    shown.text_input(key="name-new-support").set_value("a/b")
    shown.button(key="save-new-support").click().run()

    assert "cannot be a scorer's name" in texts(shown).replace("\\", "")
    assert scorers.all(workspace) == []
