"""Scorers: found in the catalogue, added, changed, removed, tried and trusted by form."""

import json
from dataclasses import asdict, replace

import mlflow
import pandas as pd
import pytest
from mlflow.entities import AssessmentSource, Feedback
from streamlit.testing.v1 import AppTest

from services import jobs, scorers, verdicts
from services.scorers import ScorerSpec, catalogue
from tests.left_traces import leave
from tests.pages.conftest import texts


@pytest.fixture
def specs(workspace):
    for spec in (
        ScorerSpec("short", "length", {"shortest": 5, "longest": 40}),
        ScorerSpec("safe", "word_list"),
        ScorerSpec("right", "guidelines", {"guidelines": ["The answer is right."]}),
        ScorerSpec("near", "similarity"),
    ):
        scorers.save(workspace, spec)
    return scorers.all(workspace)


def written(shown):
    return texts(shown).replace("\\", "")


def test_the_catalogue_says_what_each_scorer_needs_and_gives(screen):
    shown = screen("scorers")
    assert "no scorers yet" in texts(shown)
    shown.button(key="add-scorer").click().run()

    assert not shown.exception
    told = written(shown)
    assert (
        "Needs: a language model, an expected answer or expected facts in the dataset · Gives: passed or failed" in told
    )
    assert "Needs: the answer only" in told and "a conversation of several turns" in told
    assert 'Not installed. An engineer adds it with: pip install -U ragas "langchain-community' in told
    shown.text_input(key="find-entry-support").set_value("personal data").run()
    assert "No personal data" in texts(shown) and "Well written" not in texts(shown)


def test_the_first_scorer_is_added_by_form(screen, workspace):
    shown = screen("scorers", add="length")
    shown.text_input(key="name-new-support-length").set_value("not too long")
    shown.number_input(key="longest-new-support-length").set_value(200)
    shown.button(key="save-new-support-length").click().run()

    assert not shown.exception
    assert scorers.all(workspace) == [ScorerSpec("not too long", "length", {"shortest": 50, "longest": 200}, 1)]
    assert "not too long" in [one.value for one in shown.header]


def test_a_ready_scorer_is_named_already_and_what_is_typed_stays(screen, workspace):
    shown = screen("scorers", add="polite")
    name = shown.text_input(key="name-new-support-polite")
    assert name.value == "polite"
    shown.button(key="save-new-support-polite").click().run()
    assert [one.name for one in scorers.all(workspace)] == ["polite"]
    shown = screen("scorers", add="polite")
    assert shown.text_input(key="name-new-support-polite").value == "polite 2"
    shown.text_input(key="name-new-support-polite").set_value("kind").run()
    assert shown.text_input(key="name-new-support-polite").value == "kind"
    assert screen("scorers", add="judge").text_input(key="name-new-support-judge").value == ""


def test_every_entry_of_the_catalogue_has_a_form_that_opens(screen):
    shown = screen("scorers", add="all")
    for entry in catalogue.ALL:
        shown.query_params["add"] = entry.id
        shown.run()
        assert not shown.exception, entry.id
        assert shown.button(key=f"save-new-support-{entry.id}"), entry.id


def test_a_judge_is_written_by_form_and_a_wrong_field_is_named(screen, workspace):
    shown = screen("scorers", add="judge")
    shown.text_input(key="name-new-support-judge").set_value("kind")
    shown.text_area(key="instructions-new-support-judge").set_value("Is {{ reply }} kind?")
    shown.button(key="save-new-support-judge").click().run()
    assert "The judge cannot be given {{ reply }}." in written(shown)

    shown.text_area(key="instructions-new-support-judge").set_value("How kind is {{ outputs }}?")
    shown.radio(key="answer-new-support-judge").set_value("number").run()
    shown.number_input(key="high-new-support-judge").set_value(10)
    shown.button(key="save-new-support-judge").click().run()
    kept = scorers.all(workspace)[0]
    assert (kept.settings["answer"], kept.settings["high"]) == ("number", 10)


def test_it_is_said_before_saving_when_live_answers_cannot_be_judged(screen):
    assert "Live answers have no expected answer" in texts(screen("scorers", add="Correctness"))


def test_the_list_says_what_is_asked_and_where_it_is_used(screen, specs):
    told = written(screen("scorers"))

    assert "The answer has 5 to 40 characters." in told
    assert "A language model checks: The answer is right." in told
    assert "Evaluations; not started for live answers." in told
    assert "Evaluations only. Live answers have no expected answer to compare with." in told
    assert "people judged 0 of 20" in told


def test_a_change_makes_a_new_version_whose_difference_is_shown(screen, workspace, specs):
    shown = screen("scorers", scorer="short")
    shown.number_input(key="longest-support-length-short").set_value(99)
    shown.button(key="save-support-length-short").click().run()
    assert [(one.version, one.settings["longest"]) for one in scorers.versions(workspace, "short")] == [
        (1, 40),
        (2, 99),
    ]

    shown = screen("scorers", scorer="short", part="versions")
    assert not shown.exception
    assert any("<del>40</del>" in str(one.proto) or "99" in str(one.proto) for one in shown.get("html"))


def test_a_scorer_kept_before_there_were_several_phrases_is_changed_by_form(screen, workspace):
    scorers.save(workspace, ScorerSpec("names us", "mentions", {"phrase": "Acme"}))
    shown = screen("scorers", scorer="names us")
    assert shown.text_area(key="must-support-mentions-names us").value == "Acme"
    shown.text_area(key="must_not-support-mentions-names us").set_value("rival")
    shown.button(key="save-support-mentions-names us").click().run()

    assert scorers.all(workspace)[0].settings == {"must": ["Acme"], "must_not": ["rival"]}


def test_a_scorer_is_removed_after_its_consequence_is_read(screen, workspace, specs):
    screen("scorers", scorer="safe").button(key="remove-safe").click().run()

    assert [one.name for one in scorers.all(workspace)] == ["short", "right", "near"]


def test_an_answer_is_tried_on_every_rule(screen, specs):
    shown = screen("scorers")
    shown.text_area(key="try-answer").set_value("You idiot").run()

    assert "The word list found “idiot”." in written(shown)
    assert "right: it needs more than the answer" in written(shown)


def test_a_name_that_is_taken_or_bad_is_explained(screen, workspace, specs):
    shown = screen("scorers", add="polite")
    shown.text_input(key="name-new-support-polite").set_value("a/b")
    shown.button(key="save-new-support-polite").click().run()
    assert "cannot be a scorer's name" in written(shown)

    shown.text_input(key="name-new-support-polite").set_value("short")
    shown.button(key="save-new-support-polite").click().run()
    assert "There is already a scorer short." in written(shown)
    assert len(scorers.all(workspace)) == 4


def test_the_line_for_judges_is_set_by_form(screen, workspace, specs):
    from services.scorers import health

    shown = screen("scorers", scorer="right", part="health")
    assert "No person judged an answer" in texts(shown)
    shown.number_input(key="kappa-line-support").set_value(0.6)
    shown.toggle(key="first-line-support").set_value(True)
    shown.button(key="save-line-support").click().run()

    assert health.line(workspace) == health.Line(0.6, 20, 0.1, True)
    assert "people judged 0 answers" in str(scorers.may_gate(workspace, "right")).lower()
    assert scorers.may_gate(workspace, "short") is None


def test_answers_on_which_a_judge_and_people_differ_are_named_by_their_questions(screen, workspace, specs):
    trace_id = leave(workspace, "Where is *my* parcel?")
    judge = AssessmentSource("LLM_JUDGE", "openai:/judge")
    said = Feedback(name="right", value=True, source=judge, metadata={"signalbox.version": "1"})
    mlflow.log_assessment(trace_id, said)
    mlflow.log_feedback(trace_id=trace_id, name="helpful", value=False, source=AssessmentSource("HUMAN", "bob"))

    shown = screen("scorers", scorer="right", part="health")

    assert "It passed, people found it wrong" in texts(shown) and "It failed" not in texts(shown)
    assert r"Where is \*my\* parcel?" in [one.proto.label for one in shown.get("page_link")]


def test_a_scorer_without_settings_offers_nothing_to_save(screen, workspace, specs):
    scorers.save(workspace, ScorerSpec("answers", "builtin", {"scorer": "RelevanceToQuery"}))
    shown = screen("scorers", scorer="answers")
    assert "There is nothing to set for this scorer." in texts(shown)
    assert not [one for one in shown.button if one.label == "Save scorer"]
    assert [one for one in screen("scorers", scorer="right").button if one.label == "Save scorer"]


def test_a_proposal_of_an_optimiser_is_read_beside_today_and_kept_by_a_click(screen, workspace):
    settings = {"instructions": "Is {{ outputs }} kind?", "answer": "yes_no", "low": 1, "high": 5}
    base = scorers.save(workspace, ScorerSpec("kind", "judge", {**settings, "categories": [], "passing": []}))
    rows = pd.DataFrame({"row_id": list("abcdefghij"), "state": "OK", "critical": False})
    verdict = verdicts.compare(rows.assign(agrees=True), rows.assign(agrees=[True, *[False] * 9]), ["agrees"])
    written_anew = {**base.settings, "instructions": "Is {{ outputs }} kind? Look for thanks."}
    agreed = {"n": 10, "kappa": None, "low": None, "high": None, "failed": 0}
    result = {
        "spec": asdict(replace(base, settings=written_anew)), "learned": 12, "changed": True, "refused": None,
        "before": {**agreed, "agreed": 1}, "after": {**agreed, "agreed": 10}, "verdict": verdict.to_json(),
    }  # fmt: skip
    jobs.submit(workspace, "align_judge", {"name": "kind", "version": 1, "optimizer": "simba"})
    jobs.finish(workspace.engine, jobs.claim(workspace.engine, []), result)

    shown = screen("scorers", scorer="kind", part="health")

    assert not shown.exception
    told = written(shown)
    assert "People judged 0 answers; 20 are needed" in told and "The practice model follows rules" in told
    assert [one.value for one in shown.metric if "Agrees with people" in one.label] == ["1 of 10", "10 of 10"]
    assert "more often, and by more than chance would do" in told
    assert scorers.all(workspace)[0].version == 1, "nothing changes before it is kept"
    shown.button(key="take-aligned-support-kind").click().run()
    assert scorers.all(workspace) == [ScorerSpec("kind", "judge", written_anew, 2)]


def weeks_page(language):
    from datetime import UTC, datetime

    import streamlit as st

    from pages.components.scorers import weeks
    from services.scorers import ScorerSpec
    from services.scorers.health import Health
    from services.scorers.health.facts import Week
    from services.verdicts import agreement

    st.session_state["language"] = language
    told = [
        Week(datetime(2026, 11, 2, tzinfo=UTC), 10, 0.8, 0, 4, 4),
        Week(datetime(2026, 11, 9, tzinfo=UTC), 8, 0.5, 2, 4, 1),
    ]
    weeks.show(Health(ScorerSpec("right", "guidelines", {}), 18, 2, agreement.measure([], []), weeks=tuple(told)))


@pytest.mark.parametrize(("language", "words"), [("en", "it drifts from"), ("ja", "判定がずれて")])
def test_a_judge_that_drifts_from_people_is_seen_week_by_week(language, words):
    shown = AppTest.from_function(weeks_page, args=(language,), default_timeout=60).run()

    assert not shown.exception and words in texts(shown)
    said, agreed = json.loads(shown.get("plotly_chart")[0].proto.spec)["data"]
    assert (said["y"], said["customdata"]) == ([0.8, 0.5], [10, 8])
    assert (agreed["y"], agreed["customdata"]) == ([1.0, 0.25], [4, 4])
