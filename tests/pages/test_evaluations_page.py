"""Evaluations: started by form, read row by row, compared in one sentence."""

import json
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime

import mlflow
import pandas as pd
import pytest
from mlflow.entities.trace_location import MlflowExperimentLocation

from services import agents, apps, datasets, evaluations, jobs, prompts, scorers, views
from services.agents import AgentForm, AgentVersion, Links
from services.datasets import Row
from services.evaluations import corrections, preferences, preflight, reading, table
from services.scorers import ScorerSpec
from tests.pages.conftest import texts
from tests.practice_server import practice_server

QUESTIONS = [
    "Where is my parcel?",
    "Can I return the lamp?",
    "返品できますか?",
    "Is bank transfer possible?",
    "Pause my plan",
    "The vase is cracked",
]


@pytest.fixture
def finished(workspace):
    """Two finished evaluations, as the job leaves them: the first fails on every short answer."""

    def make(version, passed):
        asked = {
            "model_id": "m-1", "prompt_name": "support", "requested_version": version, "dataset_id": "d-1", "dataset_name": "Questions",
            "dataset_sha256": "ab" * 32, "scorers": {"length": 1}, "practice": True, "actor": "ada", "job_id": 0,
        }  # fmt: skip
        tags = {"signalbox.kind": "evaluation", "signalbox.asked": json.dumps(asked)}
        run_id = workspace.client.create_run(workspace.app.experiment_id, tags=tags).info.run_id
        rows = pd.DataFrame(
            [
                {
                    "row_id": f"r{number}", "question": question, "expected": "Soon.", "critical": number == 0, "topic": "a" if number % 2 else "b",
                    "language": "en", "answer": f"Answer <b>{version}</b>", "state": "OK", "error": "", "trace_id": f"tr-{number}",
                    "prompt_version": version, "prompt_seen": True, "seconds": 0.5, "length": passed, "length.rationale": "Because of its length.", "length.reason": None,
                }
                for number, question in enumerate(QUESTIONS)
            ]
        )  # fmt: skip
        mean = float(rows["length"].mean())
        scores = {"length": {"mean": mean, "judged": len(rows), "rows": len(rows), "kind": "pass", "failed": 0}}
        whole = {"rows": len(rows), "failed": 0, "prompt_version": version, "prompt_seen": True, "scores": scores}
        table.keep(run_id, rows, whole)
        workspace.client.log_metric(run_id, "length/mean", mean)
        workspace.client.set_terminated(run_id, "FINISHED")
        return run_id

    return [make(1, False), make(2, True)]


def select(shown, run_id, row):
    """Click into a row of the table."""
    picked = {"selection": {"rows": [], "columns": [], "cells": [(row, "question")]}}
    shown.session_state[f"rows-{run_id}"] = picked
    return shown.run()


def asks(shown, name):
    """What the address says."""
    value = shown.query_params[name]
    return value[0] if isinstance(value, list) else value


def written(shown):
    return texts(shown).replace("\\", "")


def traced(workspace, question, run_id=None, **scores):
    """A real answer's trace; with a run, as MLflow's own function leaves it."""
    where = MlflowExperimentLocation(workspace.app.experiment_id)
    mlflow.tracing.set_destination(where, context_local=True)
    with mlflow.start_run(run_id=run_id) if run_id else nullcontext(), mlflow.start_span("answer") as span:
        span.set_inputs({"question": question})
        span.set_outputs(f"About {question}")
    mlflow.flush_trace_async_logging()
    for name, value in scores.items():
        metadata = {table.RUN_OF_ASSESSMENT: run_id}
        mlflow.log_feedback(trace_id=span.trace_id, name=name, value=value, rationale="Why.", metadata=metadata)
    return span.trace_id


def test_what_must_come_first_is_said(screen):
    assert "Log an agent first" in texts(screen("evaluations"))


def test_an_evaluation_is_started_by_form(screen, workspace, environ, finish, monkeypatch):
    monkeypatch.setattr(preflight, "SECONDS", 60.0)
    with practice_server(int(environ["SIGNALBOX_GATEWAY_PORT"])):
        prompts.save(workspace, "support", "Be polite for {{company_name}}.", "first")
        finish(workspace, agents.log(workspace, AgentForm("support", "support", 1, False, "practice")))
        assert "Collect questions first" in texts(screen("evaluations"))
        scorers.save(workspace, ScorerSpec("polite", "polite"))
        datasets.create(workspace, "Questions", [Row("", question) for question in QUESTIONS])
        shown = screen("evaluations")
        shown.button(key="start").click().run()
        assert not shown.exception
        job = jobs.recent(workspace, "evaluate")[0]
        finish(workspace, job)

    assert evaluations.all(workspace)[0].scores["polite"].mean == 1.0
    assert "The evaluation is finished" in texts(shown.run())
    shown.button(key=f"open-{job.id}").click().run()
    assert shown.query_params["run"] == evaluations.all(workspace)[0].run_id


def test_a_model_of_another_make_may_be_evaluated_without_a_prompt(screen, workspace, monkeypatch):
    foreign = AgentVersion(
        "m-9", "other", datetime.now(UTC), "READY", "", "", "", None, None, Links(None, None, None), None, {}
    )
    monkeypatch.setattr(agents, "versions", lambda workspace: [foreign])

    shown = screen("evaluations")

    assert not shown.exception
    assert "Collect questions first" in texts(shown)


def test_the_list_opens_one_and_compares_two(screen, workspace, finished):
    shown = screen("evaluations")
    assert shown.button(key="open").disabled and shown.button(key="compare").disabled

    shown.session_state["evaluations"] = {"selection": {"rows": [0, 1], "columns": [], "cells": []}}
    shown.run()
    shown.button(key="compare").click().run()

    assert not shown.exception
    assert "Better: 6 of 6 questions got better, 0 got worse" in texts(shown).replace("\\", "")


def test_a_comparison_names_both_sides(screen, workspace, finished):
    worse = texts(screen("evaluations", run=finished[0], against=finished[1])).replace("\\", "")
    assert "What changes from support version 2" in worse and "to support version 1" in worse
    assert "Critical questions that pass with support version 2" in worse


def test_a_count_shows_its_questions_and_one_is_read_side_by_side(screen, workspace, finished):
    shown = screen("evaluations", run=finished[1], against=finished[0])
    assert shown.button(key="change-length-worse").disabled and shown.button(key="change-length-same").disabled
    shown.button(key="change-length-better").click().run()
    assert asks(shown, "change") == "better" and asks(shown, "scorer") == "length"
    assert set(shown.dataframe[-1].value["length"]) == {"✗ → ✓"}
    select(shown, finished[1], 0)
    drawn = "".join(one.proto.body for one in shown.get("html"))
    assert "<del>" in drawn and "Answer &lt;b&gt;" in drawn
    assert "**1 of 6**" in texts(shown)
    assert "not passed" in texts(shown) and shown.button(key="row-previous").disabled
    shown.button(key="row-next").click().run()
    assert "**2 of 6**" in texts(shown) and "Can I return the lamp?" in written(shown)


def test_an_unknown_evaluation_leads_back_to_the_list(screen, finished):
    shown = screen("evaluations", run="nope")
    assert "There is no evaluation nope" in texts(shown)
    shown.button(key="back").click().run()
    assert "All evaluations" in [one.value for one in shown.header]


def test_a_click_in_a_row_chooses_it(screen, finished):
    shown = select(screen("evaluations", run=finished[1]), finished[1], 2)
    assert asks(shown, "row") == "r2"
    assert "Because of its length" in written(shown) and "返品できますか?" in written(shown)


def test_one_evaluation_shows_scores_and_their_rows(screen, finished):
    shown = screen("evaluations", run=finished[1])

    assert not shown.exception
    assert [metric.value for metric in shown.metric][:2] == ["100 %", "0.50"]
    assert "6 of 6 judged" in texts(shown) and "MLflow:" not in texts(shown)
    assert "prompt version 2 reached the model" in texts(shown).replace("\\", "")
    assert "practice model" in texts(shown)


def test_rows_are_filtered_by_failure_and_topic(screen, finished):
    shown = screen("evaluations", run=finished[0])
    assert len(shown.dataframe[-1].value) == 6

    shown.multiselect(key="rows-topic").set_value(["a"]).run()
    assert len(shown.dataframe[-1].value) == 3
    assert asks(shown, "topic") == "a"

    passing = screen("evaluations", run=finished[1], verdict="failed")
    assert "No question fits" in texts(passing)
    passing.button(key="clear-rows").click().run()
    assert len(passing.dataframe[-1].value) == 6


def test_a_row_shows_question_answer_and_verdicts(screen, finished):
    shown = screen("evaluations", run=finished[0], row="r1", words="?")
    assert "Can I return the lamp?" in written(shown) and "Because of its length." in written(shown)
    assert "Answer <b>1</b>" in written(shown) and "<b>1</b>" not in texts(shown)
    assert "**2 of 4**" in texts(shown)
    shown.button(key="rows-back").click().run()
    assert "row" not in shown.query_params and asks(shown, "words") == "?"


def test_what_failed_is_told_in_the_readers_language_and_its_own_words_stand_folded(screen, workspace, finished):
    rows = evaluations.rows(workspace, finished[0]).astype({"length": object})
    rows.loc[rows["row_id"] == "r1", ["length", "length.error", "length.rationale"]] = [
        None,
        "429 slow down",
        "429 slow down",
    ]
    rows.loc[rows["row_id"] == "r3", ["state", "error"]] = ["ERROR", "the cable is unplugged"]
    told = workspace.client.get_run(finished[0]).data.tags[table.SUMMARY_TAG]
    table.keep(finished[0], rows, json.loads(told))
    reading._rows.cache_clear()

    judged = screen("evaluations", language="ja", run=finished[0], row="r1")
    assert "スコアラーがエラーで失敗したため" in written(judged) and "429" not in written(judged)
    assert [one.value for one in judged.code] == ["429 slow down"]
    asked = screen("evaluations", language="ja", run=finished[0], row="r3")
    assert "回答なし：エージェントがエラーで失敗しました。" in written(asked)
    assert [one.value for one in asked.code] == ["the cable is unplugged"]


def test_a_worse_version_is_called_worse(screen, workspace, finished):
    shown = screen("evaluations", run=finished[0], against=finished[1])

    assert "Worse: 6 of 6 questions got worse" in written(shown)
    assert "by scorers that do not gate: 1. They stop no release." in written(shown)
    apps.save_gate(workspace, apps.Gate({"length": 0.5}, rows=1))
    told = written(screen("evaluations", run=finished[0], against=finished[1]))
    assert "They stop a release from the one to the other." in told and "They stop no release" not in told


def test_an_unfinished_run_says_why_it_is_empty(screen, workspace, finished):
    workspace.client.set_terminated(finished[0], "KILLED")

    assert "This evaluation ended early" in texts(screen("evaluations", run=finished[0]))


def test_an_unknown_run_is_said(screen):
    assert "There is no evaluation nothing" in texts(screen("evaluations", run="nothing")).replace("\\", "")


def test_the_screens_speak_japanese(screen, finished):
    assert not screen("evaluations", language="ja", run=finished[1], against=finished[0]).exception


def test_a_baseline_is_pinned_and_others_open_beside_it(screen, workspace, finished):
    screen("evaluations", run=finished[0]).button(key="pin").click().run()

    shown = screen("evaluations")
    shown.session_state["evaluations"] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    shown.run().button(key="open").click().run()
    assert asks(shown, "run") == finished[1] and asks(shown, "against") == finished[0]
    assert shown.selectbox(key="against").value == finished[0]
    shown.selectbox(key="against").set_value(None).run()
    assert "against" not in shown.query_params
    shown.button(key="to-baseline").click().run()
    assert asks(shown, "against") == finished[0]


def test_a_choice_of_rows_is_saved_for_every_evaluation(screen, workspace, finished):
    shown = screen("evaluations", run=finished[0], topic="a")
    shown.selectbox(key="rows-verdict").set_value("failed").run()
    shown.text_input(key="view-name").set_value("Failures of a")
    shown.button(key="save-view").click().run()
    assert [one.name for one in views.all(workspace, "evaluation")] == ["Failures of a"]

    other = screen("evaluations", run=finished[1])
    other.button(key="view-of-Failures of a").click().run()
    assert (asks(other, "verdict"), asks(other, "topic")) == ("failed", "a")
    assert "No question fits" in texts(other)
    other.button(key="delete-view-Failures of a").click().run()
    assert views.all(workspace, "evaluation") == []


def test_a_person_corrects_the_judge_and_keeps_the_question(screen, workspace, finished):
    trace = traced(workspace, "Where is my parcel?")
    kept = pd.read_parquet(mlflow.artifacts.download_artifacts(run_id=finished[0], artifact_path=table.ROWS_FILE))
    made = workspace.client.get_run(finished[0])
    again = workspace.client.create_run(workspace.app.experiment_id, tags={
        name: made.data.tags[name] for name in ("signalbox.kind", "signalbox.asked")
    }).info.run_id  # fmt: skip
    kept.loc[0, "trace_id"] = trace
    table.keep(again, kept, json.loads(made.data.tags["signalbox.summary"]))
    workspace.client.set_terminated(again, "FINISHED")
    dataset = datasets.create(workspace, "Hard ones", [Row("", "Another question?")])

    shown = screen("evaluations", run=again, row="r0")
    assert shown.button(key="save-verdict").disabled
    shown.segmented_control(key=f"judge/{trace}/passed").set_value(True).run()
    shown.text_area(key=f"judge/{trace}/why").set_value("It is long enough.").run()
    shown.button(key="save-verdict").click().run()
    [said] = corrections.of(workspace, trace)
    assert (said.scorer, said.value, said.actor) == ("length", True, "ada")
    assert "It is long enough." in written(shown) and "not passed" in written(shown)

    shown.text_area(key="add-expected/r0").set_value("Within two days.")
    shown.button(key="add-row").click().run()
    added = datasets.rows(workspace, dataset.id)
    assert [(one.question, one.expected, one.critical) for one in added][1] == (QUESTIONS[0], "Within two days.", True)


def test_a_question_that_is_there_already_keeps_what_was_noted(screen, workspace, finished):
    noted = Row("", QUESTIONS[0], "Newer.", topic="t", split="test", expected_facts=("f",), guidelines=("g",))
    dataset = datasets.create(workspace, "Hard ones", [noted, Row("", "Another question?")])
    shown = screen("evaluations", run=finished[0], row="r0")

    shown.toggle(key="add-critical/r0").set_value(False)
    shown.button(key="add-row").click().run()
    assert replace(datasets.rows(workspace, dataset.id)[0], id="") == noted
    shown.text_area(key="add-expected/r0").set_value("Within two days.")
    shown.button(key="add-row").click().run()

    first, second = datasets.rows(workspace, dataset.id)
    assert replace(first, id="") == replace(noted, expected="Within two days.")
    assert second.question == "Another question?"


def test_the_better_answer_is_chosen_without_names(screen, workspace, finished):
    shown = screen("evaluations", run=finished[1], against=finished[0])
    shown.button(key="blind").click().run()
    assert "shows when you have judged every question" in texts(shown)
    for _ in QUESTIONS:
        shown.button(key="prefer-left").click().run()
    found = preferences.result(workspace, finished[1], finished[0])
    assert found.now + found.before == 6 and found.people == 1
    assert "You have judged every question" in texts(shown) and "Exact sign test" in written(shown)


def test_an_evaluation_of_a_notebook_is_listed_and_read(screen, workspace):
    tags = {"mlflow.runType": "genai_evaluate"}
    run_id = workspace.client.create_run(workspace.app.experiment_id, tags=tags, run_name="my notebook").info.run_id
    traced(workspace, "Where is my parcel?", run_id, polite="yes", words=3)
    traced(workspace, "Pause my plan", run_id, polite="no", words=4.5)
    workspace.client.log_metric(run_id, "polite/mean", 0.5)
    workspace.client.set_terminated(run_id, "FINISHED")

    listed = screen("evaluations")
    assert listed.dataframe[0].value["note"].tolist() == ["made outside the console"]
    shown = screen("evaluations", run=run_id)
    assert not shown.exception and "my notebook" in written(shown)
    assert [one.value for one in shown.metric][:2] == ["50 %", "3.75"] and "2 of 2 judged" in texts(shown)
    rows = shown.dataframe[-1].value.set_index("question")
    assert (rows.at["Pause my plan", "polite"], rows.at["Pause my plan", "words"]) == ("✗", "4.5")


def test_paper_gets_every_row_in_full(screen, finished):
    shown = screen("evaluations", language="ja", run=finished[1], against=finished[0], show="paper")
    drawn = "".join(one.proto.body for one in shown.get("html"))
    assert not shown.exception and len(shown.dataframe) == 0
    assert all(question in drawn for question in QUESTIONS) and "✗ → ✓ length" in drawn
    assert "改善 6 件" in texts(shown)
