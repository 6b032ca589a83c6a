"""Reviews: make a queue, work through it by keys or clicks, read what it found."""

from dataclasses import replace

import mlflow
import pytest
from mlflow.entities import AssessmentSource, AssessmentSourceType

from services import datasets, home, reviews
from services.datasets import Row
from services.people import Actor, Role
from services.reviews import desk, stored
from services.reviews.records import Form, Kind, Label, Pick, Rule
from tests.left_traces import leave
from tests.pages.conftest import texts

RIGHT = Label("right", Kind.PASS, "Is it right?")
TONE = Label("tone", Kind.CATEGORY, "How does it sound?", ("warm", "cold"))
JUDGE = AssessmentSource(AssessmentSourceType.LLM_JUDGE, "openai:/judge")


@pytest.fixture
def answers(workspace):
    """Three answers, of which a judge failed the second."""
    ids = [leave(workspace, f"Question {number}?", f"Answer {number}.") for number in range(3)]
    mlflow.log_feedback(trace_id=ids[1], name="polite", value=False, rationale="It is curt.", source=JUDGE)
    return ids


def queue_of(workspace, labels=(RIGHT,), **more):
    return reviews.make(workspace, Form("Fresh", Rule(Pick.RANDOM, share=1.0), labels, **more))


def said(workspace, trace_id):
    found = workspace.client.get_trace(trace_id).info.assessments
    return {one.name: (one.feedback or one.expectation).value for one in found if one.source.source_type == "HUMAN"}


def test_a_queue_is_made_by_form_and_opens_with_its_first_answer(screen, workspace, answers):
    page = screen("reviews")
    assert "No answers wait for people yet" in texts(page)
    page.button(key="new-queue").click().run()
    page.text_input(key="queue-name").set_value("Curt answers")
    page.button(key="make-queue").click().run()

    assert not page.exception and not page.error
    assert page.query_params["queue"] in ("1", ["1"])
    shown = texts(page).replace("\\", "")
    assert "Question 1?" in shown and "Answer 1." in shown and "It is curt." in shown
    queue = reviews.get(workspace, 1)
    assert (queue.name, queue.rule.pick, [one.name for one in queue.labels]) == (
        "Curt answers", Pick.FAILED, ["helpful", "expected_response"],
    )  # fmt: skip
    page = screen("reviews")
    assert "Curt answers" in texts(page) and page.button(key="review-1").label == "Review (1)"


def test_what_is_asked_follows_the_rule_until_somebody_changes_it(screen, workspace):
    page = screen("reviews", new="1")
    page.selectbox(key="queue-pick").set_value(Pick.CRITICAL).run()
    assert page.text_input(key="review-asked/2/ask").value == "It is right"
    page.selectbox(key="review-asked/2/kind").set_value(Kind.CATEGORY).run()
    page.text_input(key="review-asked/2/options").set_value("warm, cold、warm").run()
    page.selectbox(key="queue-pick").set_value(Pick.RANDOM).run()
    page.button(key="review-asked/add").click().run()
    page.text_input(key="review-asked/4/ask").set_value("How many stars?").run()
    page.selectbox(key="review-asked/4/kind").set_value(Kind.NUMBER).run()
    page.text_input(key="queue-name").set_value("Tones")
    page.button(key="make-queue").click().run()
    assert not page.exception and not page.error
    tone, right, stars = reviews.get(workspace, 1).labels
    assert (tone.name, tone.kind, tone.options) == ("It is right", Kind.CATEGORY, ("warm", "cold"))
    assert (right.name, right.needed) == ("expected_response", False)
    assert (stars.name, stars.ask, stars.low, stars.high) == ("How many stars", "How many stars?", 1, 5)


def test_what_cannot_be_a_queue_says_why_and_keeps_the_form(screen, workspace):
    page = screen("reviews", new="1")
    page.button(key="make-queue").click().run()
    assert "needs a name" in texts(page) and reviews.all(workspace) == []
    assert page.button(key="make-queue")


def test_one_press_says_it_and_the_next_answer_comes(screen, workspace, answers):
    queue = queue_of(workspace)
    page = screen("reviews", queue=str(queue.id))
    shortcuts = {one.key: one.proto.shortcut for one in page.button if one.proto.shortcut}
    assert shortcuts | {"say-right-P": "p", "say-right-F": "f", "review-skip": "s", "review-undo": "u"} == shortcuts
    assert (shortcuts["review-left"], shortcuts["review-right"], shortcuts["review-sheet"]) == ("left", "right", "k")
    assert "Question 2?" in texts(page).replace("\\", "")

    page.text_area[0].set_value("It names no day.").run()
    page.button(key="say-right-F").click().run()
    assert said(workspace, answers[2]) == {"right": False}
    assert workspace.client.get_trace(answers[2]).info.assessments[0].rationale == "It names no day."
    now = texts(page).replace("\\", "")
    assert "Question 1?" in now and "Saved: does not pass" in now and not page.error

    page.button(key="review-undo").click().run()
    assert said(workspace, answers[2]) == {} and "Question 2?" in texts(page).replace("\\", "")
    assert page.text_area[0].value == "It names no day."
    for _answer in answers:
        page.button(key="say-right-P").click().run()
    assert "Every answer is judged or set aside" in texts(page)


def test_several_things_are_said_by_one_key_each_and_saved_together(screen, workspace, answers):
    stars = Label("stars", Kind.NUMBER, "How good?", low=1, high=5, needed=False)
    right = Label("expected_response", Kind.ANSWER, "What would be right?", needed=False)
    queue = queue_of(workspace, (RIGHT, TONE, stars, right))
    page = screen("reviews", queue=str(queue.id))

    def keys():
        return [one.key for one in page.button if one.key.startswith("say-") and one.proto.shortcut]

    assert keys() == ["say-right-P", "say-right-F"]
    page.button(key="review-save").click().run()
    assert "is still open" in texts(page)
    page.button(key="say-right-F").click().run()
    assert keys() == ["say-tone-1", "say-tone-2"] and said(workspace, answers[2]) == {}
    page.button(key="say-tone-2").click().run()
    page.button(key="say-stars-4").click().run()
    page.text_area[0].set_value("On Friday.").run()
    page.button(key="review-save").click().run()
    assert said(workspace, answers[2]) == {
        "right": False,
        "tone": "cold",
        "stars": 4,
        "expected_response": "On Friday.",
    }
    page.button(key="review-left").click().run()
    assert "You have judged it" in texts(page) and page.text_area[0].value == "On Friday."


def test_an_answer_is_skipped_with_a_reason_by_its_digit(screen, workspace, answers):
    queue = queue_of(workspace)
    page = screen("reviews", queue=str(queue.id))
    page.text_area[0].set_value("Half a sentence").run()
    page.button(key="review-skip").click().run()
    page.button(key="skip-back").click().run()
    assert page.text_area[0].value == "Half a sentence", "a look at the reasons loses nothing"
    page.button(key="review-skip").click().run()
    assert page.button(key="skip-1").proto.shortcut == "1"
    assert not [one for one in page.button if one.key.startswith("say-")], "the digits are the reasons' now"
    page.button(key="skip-1").click().run()
    item = stored.items(workspace, queue.id)[0]
    assert item.aside and item.of("ada").why == "I do not know enough about it"
    assert "Skipped" in texts(page) and "Question 1?" in texts(page).replace("\\", "")
    page.button(key="review-left").click().run()
    assert "You skipped it" in texts(page)


def test_the_keys_are_told_on_a_sheet(screen, workspace, answers):
    page = screen("reviews", queue=str(queue_of(workspace).id))
    assert "write a comment" not in texts(page)
    page.button(key="review-sheet").click().run()
    assert "write a comment" in texts(page) and "take back what you did last" in texts(page)


def test_verdicts_are_hidden_until_one_has_judged_where_that_is_asked(screen, workspace, answers):
    queue = queue_of(workspace, blind=True)
    item = next(one for one in stored.items(workspace, queue.id) if one.trace_id == answers[1])
    page = screen("reviews", queue=str(queue.id), item=str(item.id))
    assert "It is curt" not in texts(page) and "show when you have judged" in texts(page)
    page.button(key="say-right-P").click().run()
    page.button(key="review-left").click().run()
    assert "It is curt" in texts(page).replace("\\", "")


def test_what_was_found_leads_to_health_and_into_a_dataset_with_one_click(screen, workspace, answers):
    queue = queue_of(workspace, double=True)
    dataset = datasets.create(workspace, "Questions", [Row("", "Else?")])
    bob = replace(workspace, actor=Actor("bob", frozenset({Role.REVIEWER})))
    for place, values in ((workspace, (True, False, True)), (bob, (True, False, False))):
        for item, value in zip(stored.items(workspace, queue.id), values, strict=True):
            desk.judge(place, queue, item.id, {"right": value})
    page = screen("reviews", queue=str(queue.id), view="found")
    told = texts(page).replace("\\", "")
    assert "The two agree on 2 of 3 answers" in told and "wait for a referee: 1" in told
    assert "polite and people" in told and page.dataframe[0].value["Agrees with people"].tolist() == ["1 of 1"]
    assert page.selectbox(key=f"found/{queue.id}/which").value == "Is it right?: does not pass (1)"
    page.button(key="collect").click().run()
    assert [row.question for row in datasets.rows(workspace, dataset.id)] == ["Else?", "Question 1?"]


def test_who_may_not_review_reads_but_cannot_judge(screen, workspace, answers, monkeypatch):
    from services import people

    queue = queue_of(workspace)
    monkeypatch.setattr(people, "identify", lambda *_: Actor("eve", frozenset({Role.VIEWER})))
    page = screen("reviews")
    assert page.button(key="new-queue").disabled and not page.exception
    page = screen("reviews", queue=str(queue.id))
    assert not page.exception and not page.error and not [one for one in page.button if one.key.startswith("say-")]


def test_home_says_how_many_answers_wait(screen, workspace, answers):
    assert "answers wait for you" not in texts(screen("home"))
    queue = queue_of(workspace)
    assert [(one.id, n) for one, n in home.summary(workspace).reviews] == [(queue.id, 3)]
    page = screen("home")
    assert "3 answers wait for you · Fresh" in [one.proto.label for one in page.get("page_link")]


def test_an_unknown_queue_says_so(screen):
    assert "There is no review queue 7" in texts(screen("reviews", queue="7"))


def test_reviews_speak_japanese(screen, workspace, answers):
    queue = queue_of(workspace)
    for query in ({}, {"new": "1"}, {"queue": str(queue.id)}, {"queue": str(queue.id), "view": "found"}):
        page = screen("reviews", language="ja", **query)
        assert not page.exception and "レビュー" in "".join([texts(page), *(one.label for one in page.button)])
