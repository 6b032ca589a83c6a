"""Traces: find one, read what happened."""

import time
from dataclasses import replace

import mlflow
import pytest
from mlflow.entities import Feedback

from bench import trace_maker
from pages.components import erasing
from services import apps, archive, datasets, monitoring, scorers, traces, views
from services.archive import plan
from services.datasets import Row, remembering
from services.datasets.remembering import Memory
from services.errors import ForbiddenError, InvalidInputError
from services.people import ALL_ROLES, Actor, Role
from services.traces import opinions
from tests.archived import work
from tests.left_traces import leave
from tests.pages.conftest import texts
from tests.standing import logged


def test_an_empty_list_says_what_to_do(screen, workspace):
    assert "No trace yet. Ask something on the Endpoints screen" in texts(screen("traces"))
    leave(workspace, "Where is it?", hours_ago=30)
    assert "No trace fits. Choose a longer time. Choose another origin." in texts(screen("traces"))
    narrow = texts(screen("traces", hours="87600", origin="any", text="parcel", state="ERROR"))
    assert (
        "No trace fits. Change the words: each of them must stand in the question or the answer. Take a filter away."
        in narrow.splitlines()
    )


def test_a_conversation_is_read_from_its_beginning(screen, workspace):
    for ago, question in ((2, "First?"), (1, "Second?")):
        leave(workspace, question, hours_ago=ago, more={"mlflow.trace.session": "s-1"})
    told = texts(screen("traces", session="s-1"))
    assert told.index("First?") < told.index("Second?")
    told = texts(screen("traces"))
    assert told.index("Second?") < told.index("First?")


def test_a_list_shows_live_questions_and_opens_one(screen, workspace):
    id = leave(workspace, "Where is <b>it</b>?")
    leave(workspace, "a probe", origin="probe")
    page = screen("traces")
    assert "Where is <b>it</b>?" in texts(page).replace("\\", "")
    assert "a probe" not in texts(page)

    page.button(key=f"open-{id}").click().run()
    assert "What happened" in texts(page)
    page.button(key="back").click().run()
    assert "What happened" not in texts(page)


def test_a_choice_is_saved_and_opened_without_the_person_of_the_moment(screen, workspace):
    leave(workspace, "Where is it?")
    page = screen("traces", hours="168", state="OK", user="u-7")
    page.text_input(key="view-name").set_value("Answered")
    page.button(key="save-view").click().run()
    assert views.all(workspace, "traces")[0].choice == {"hours": ["168"], "state": ["OK"]}

    other = screen("traces", state="ERROR", user="u-7")
    assert "Where is it?" not in texts(other)
    other.button(key="view-of-Answered").click().run()
    assert other.selectbox(key="traces-state").value == "OK" and "user" not in other.query_params
    assert "Where is it?" in texts(other)


def test_an_empty_question_is_named(screen, workspace):
    leave(workspace, " ")
    assert "(empty question)" in texts(screen("traces")).replace("\\", "")


def test_an_unknown_trace_leads_back_to_the_list(screen, monkeypatch):
    monkeypatch.setattr(traces, "PATIENCE", 0.1)
    page = screen("traces", trace="tr-0123")
    assert "The trace tr-0123 does not exist" in texts(page).replace("\\", "")
    page.button(key="back").click().run()
    assert "No trace yet" in texts(page)


def test_a_fresh_answer_says_that_its_scorers_are_on_their_way(screen, workspace):
    fresh, old = leave(workspace, "Now?"), leave(workspace, "Then?", hours_ago=2)
    assert "Nobody has judged this answer" in texts(screen("traces", trace=fresh))
    spec = scorers.save(workspace, scorers.ScorerSpec("polite", "polite"))
    monitoring.save_scorers(workspace, [monitoring.MonitoredScorer(spec.name, spec.version, 1.0, True)])
    assert "have not come to this answer yet" in texts(screen("traces", trace=fresh))
    assert "Nobody has judged this answer" in texts(screen("traces", trace=old))


def test_people_say_what_they_think_and_each_ones_newest_word_counts(screen, workspace):
    id = leave(workspace, "Where?")
    page = screen("traces", trace=id)
    assert page.button(key="give-opinion").disabled
    opinions.give(replace(workspace, actor=Actor("bob", ALL_ROLES)), id, True)
    opinions.give(workspace, id, True)
    page.session_state[f"opinion/{id}"] = 0
    page.text_input(key=f"opinion/{id}/why").set_value("It is <b>late</b>.")
    page.run().button(key="give-opinion").click().run()
    assert not page.exception
    shown = texts(page).replace("\\", "")
    assert "It is <b>late</b>." in shown
    assert shown.count(":red-badge[did not help]") == 1
    assert shown.count(":green-badge[helped]") == 1
    assert "said by bob" in shown and f"said by {workspace.actor.id}" in shown


def test_who_may_only_look_gives_no_opinion(workspace):
    id = leave(workspace, "Where?")
    with pytest.raises(ForbiddenError):
        opinions.give(replace(workspace, actor=Actor("eve", frozenset({Role.VIEWER}))), id, True)
    assert traces.get(workspace, id).verdicts == ()


def test_an_address_sets_the_filters(screen, workspace):
    fine, rude = leave(workspace, "One"), leave(workspace, "Two")
    mlflow.log_feedback(trace_id=fine, name="polite", value=True)
    mlflow.log_feedback(trace_id=rude, name="polite", value=False)
    shown = texts(screen("traces", failed="polite", hours="24"))
    assert "Two" in shown
    assert "One" not in shown
    # "m-1" is no agent version of the registry any more.
    gone = texts(screen("traces", agent="m-1", hours="24"))
    assert "Only answers of this agent: m\\-1." in gone and "One" in gone


def test_words_and_origin_filter(screen, workspace):
    leave(workspace, "配送はいつ")
    leave(workspace, "probing", origin="probe")
    page = screen("traces")
    page.text_input(key="traces-text").set_value("nothing like it").run()
    assert "No trace fits. Change the words" in texts(page)
    page.text_input(key="traces-text").set_value("").run()
    page.selectbox(key="traces-origin").select("probe").run()
    assert "probing" in texts(page)


def test_pages_and_the_stretch_of_a_chart_stand_in_the_address(screen, workspace):
    for number in range(22):
        leave(workspace, f"Question {number:02}", hours_ago=0.01 * (22 - number))
    page = screen("traces")
    assert "Question 21" in texts(page) and "Question 01" not in texts(page)
    page.button(key="older").click().run()
    assert "Question 01" in texts(page) and "Question 21" not in texts(page)
    assert "before" in page.query_params
    page.button(key="newer").click().run()
    assert "Question 21" in texts(page)

    page = screen("traces", since="2020-01-01T00:00Z", until="2020-01-02T00:00Z")
    assert "No trace fits" in texts(page) and "Only from 2020" in texts(page).replace("\\", "")
    page.button(key="everything").click().run()
    assert "Question 21" in texts(page)


def test_conversations_are_listed_and_opened(screen, workspace):
    made = trace_maker.Made(6, int(time.time() * 1000), 1)
    store = workspace.settings.tracking_uri.removeprefix("sqlite:///")
    trace_maker.write(store, workspace.app.experiment_id, trace_maker.traces(made))
    page = screen("traces")
    page.toggle(key="traces-conversations").set_value(True).run()
    assert "Questions: 4" in texts(page) and "Questions: 2" in texts(page)
    page.button(key="open-s-1").click().run()
    assert "Only the conversation s-1." in texts(page).replace("\\", "")
    assert len([button for button in page.button if button.label == "Open"]) == 2


def test_a_story_tells_verdicts_steps_and_prompt(screen, workspace):
    id = leave(workspace, "Where?", "Here.", error=True, prompt='[{"name": "support", "version": "3"}]')
    mlflow.log_feedback(trace_id=id, name="polite", value=False, rationale="Too short.")
    mlflow.log_assessment(id, Feedback(name="shy", value=None))
    page = screen("traces", trace=id)
    shown = texts(page).replace("\\", "")
    for words in (
        "Where?",
        "Here.",
        "not passed",
        "**shy** :gray-badge[no verdict]",
        "Too short.",
        "decided by a rule",
        "Asked the model practice",
        "The model is busy.",
        "practice model answered",
    ):
        assert words in shown
    assert any("Prompt support, version 3" in link.proto.label for link in page.get("page_link"))
    assert not page.exception


def test_a_trace_leads_to_the_agent_version_and_back_to_its_answers(screen, workspace):
    model_id = logged(workspace, "support")
    id = leave(workspace, "Where?", model_id=model_id)
    leave(workspace, "Asked another agent", model_id="m-2")
    queries = [link.proto.query_string for link in screen("traces", trace=id).get("page_link")]
    assert f"agent={model_id}" in queries

    page = screen("traces", agent=model_id)
    assert "Where?" in texts(page) and "Asked another agent" not in texts(page)
    page.button(key="everything").click().run()
    assert "Asked another agent" in texts(page)


def test_a_missing_trace_is_a_plain_error(screen, monkeypatch):
    monkeypatch.setattr("services.traces.PATIENCE", 0.1)
    page = screen("traces", trace="tr-missing")
    assert "does not exist" in texts(page)


def test_what_mlflow_lost_is_opened_from_the_archive(screen, workspace, monkeypatch):
    monkeypatch.setattr(plan, "LEAST_IN_MLFLOW", 1)
    id = leave(workspace, "Where was it?", hours_ago=100)
    assert "traces-archive" not in [toggle.key for toggle in screen("traces").toggle]
    archive.start(workspace)
    work(workspace)
    archive.change_ages(workspace, None, 2)
    work(workspace)

    page = screen("traces", hours="720")
    assert "Where was it?" not in texts(page)
    page.toggle(key="traces-archive").set_value(True).run()
    assert "Where was it?" in texts(page)
    page.button(key=f"open-{id}").click().run()
    shown = texts(page)
    assert "this is the archive's copy" in shown and "On its way" in shown
    assert not [button for button in page.button if button.key and "opinion" in button.key]
    assert not page.exception


def test_a_trace_is_remembered_as_a_critical_question_once(screen, workspace):
    other = datasets.create(workspace, "Other", [Row("", "Anything else?")])
    judged = datasets.create(workspace, "Judged", [Row("", "Where is it?", "Here.")])
    apps.choose_dataset(workspace, judged.id)
    id = leave(workspace, "Will it ever come?", "No.")
    page = screen("traces", trace=id)
    assert page.selectbox(key="remember-dataset").value == judged.id
    page.text_area(key=f"remember-expected/{id}").set_value("Tomorrow.")
    page.toggle(key=f"remember-critical/{id}").set_value(True)
    page.button(key="remember").click().run()
    assert not page.exception
    row = datasets.rows(workspace, judged.id)[-1]
    assert (row.question, row.expected, row.critical, row.source) == ("Will it ever come?", "Tomorrow.", True, id)

    again = leave(workspace, "Where is it?", "Nowhere.")
    assert not remembering.remember(workspace, judged.id, Memory(again, "", True))
    assert not remembering.remember(workspace, judged.id, Memory(id, "The day after.", False))
    rows = [(one.question, one.expected, one.critical) for one in datasets.rows(workspace, judged.id)]
    assert rows == [("Where is it?", "Here.", True), ("Will it ever come?", "The day after.", True)]
    page.selectbox(key="remember-dataset").set_value(other.id).run()
    assert "Releases are judged on another dataset" in texts(page)


def test_whose_questions_would_go_and_how_many_is_told_before(screen, workspace, monkeypatch):
    first, _second = leave(workspace, user="taro*"), leave(workspace, user="taro*", origin="try")
    leave(workspace, user="eve")
    screen("traces")
    assert "This person is **taro\\***; questions in MLflow: 2." in texts(screen("traces", trace=first))
    monkeypatch.setattr(erasing, "MOST_COUNTED", 1)
    assert "questions in MLflow: 1 or more." in texts(screen("traces", trace=first))
    assert "This person is" not in texts(screen("traces", trace=leave(workspace)))


def test_a_trace_without_a_question_is_not_remembered(workspace):
    made = datasets.create(workspace, "Questions", [Row("", "Where is it?")])
    with pytest.raises(InvalidInputError, match="tells no question"):
        remembering.remember(workspace, made.id, Memory(leave(workspace, " ")))
