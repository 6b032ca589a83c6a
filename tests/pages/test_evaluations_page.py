"""Evaluations: started by form, read row by row, compared in one sentence."""

import json
from datetime import UTC, datetime

import pandas as pd
import pytest

from services import agents, datasets, evaluations, jobs, prompts, scorers
from services.agents import AgentForm, AgentVersion, Links
from services.datasets import Row
from services.evaluations import table
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
            "dataset_sha256": "ab" * 32, "scorers": {"length": 1}, "practice": True, "actor": "ada", "job_id": 1,
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
        table.keep(run_id, rows, table.summary(rows, ["length"]))
        workspace.client.set_terminated(run_id, "FINISHED")
        return run_id

    return [make(1, False), make(2, True)]


def test_what_must_come_first_is_said(screen):
    assert "Log an agent first" in texts(screen("evaluations"))


def test_an_evaluation_is_started_by_form(screen, workspace, environ, finish, monkeypatch):
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


def test_models_of_another_make_are_not_offered(screen, workspace, monkeypatch):
    foreign = AgentVersion(
        "m-9", "other", datetime.now(UTC), "READY", "", "", "", None, None, Links(None, None, None), None, {}
    )
    monkeypatch.setattr(agents, "versions", lambda workspace: [foreign])

    shown = screen("evaluations")

    assert not shown.exception
    assert "Log an agent first" in texts(shown)


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


def test_a_changed_question_is_read_side_by_side(screen, workspace, finished):
    shown = screen("evaluations", run=finished[1], against=finished[0])
    changed = next(one.value for one in shown.dataframe if "scorers" in one.value)
    assert set(changed["scorers"]) == {"length"}
    shown.session_state["changed-Got better"] = {"selection": {"rows": [], "columns": [], "cells": [(0, "question")]}}
    read = texts(shown.run()).replace("\\", "")
    assert "Answer <b>1</b>" in read and "Answer <b>2</b>" in read


def test_an_unknown_evaluation_leads_back_to_the_list(screen, finished):
    shown = screen("evaluations", run="nope")
    assert "There is no evaluation nope" in texts(shown)
    shown.button(key="back").click().run()
    assert "All evaluations" in [one.value for one in shown.subheader]


def test_a_click_in_a_row_chooses_it(screen, finished):
    shown = screen("evaluations", run=finished[1])
    shown.session_state[f"rows-{finished[1]}"] = {"selection": {"rows": [], "columns": [], "cells": [(2, "question")]}}
    assert "Because of its length" in texts(shown.run()).replace("\\", "")


def test_one_evaluation_shows_scores_and_their_rows(screen, finished):
    shown = screen("evaluations", run=finished[1])

    assert not shown.exception
    assert [metric.value for metric in shown.metric] == ["100 %"]
    assert "mean of 6 rows" in texts(shown)
    assert "prompt version 2 reached the model" in texts(shown).replace("\\", "")
    assert "practice model" in texts(shown)


def test_rows_are_filtered_by_failure_and_topic(screen, finished):
    shown = screen("evaluations", run=finished[0])
    assert len(shown.dataframe[0].value) == 6

    shown.multiselect(key=f"topics-{finished[0]}").set_value(["a"]).run()
    assert len(shown.dataframe[0].value) == 3

    passing = screen("evaluations", run=finished[1])
    passing.toggle(key=f"failed-{finished[1]}").set_value(True).run()
    assert "No question fits" in texts(passing)


def test_a_row_shows_question_answer_and_verdicts(screen, finished):
    shown = screen("evaluations", run=finished[0])
    shown.session_state[f"rows-{finished[0]}"] = {"selection": {"rows": [1], "columns": [], "cells": []}}
    shown.run()

    written = texts(shown).replace("\\", "")
    assert "Can I return the lamp?" in written and "Because of its length." in written
    assert "Answer <b>1</b>" in written and "<b>1</b>" not in texts(shown)


def test_a_worse_version_is_called_worse(screen, finished):
    shown = screen("evaluations", run=finished[0], against=finished[1])

    written = texts(shown).replace("\\", "")
    assert "Worse: 6 of 6 questions got worse" in written
    assert "and fail with support version 1" in written


def test_an_unfinished_run_says_why_it_is_empty(screen, workspace, finished):
    workspace.client.set_terminated(finished[0], "KILLED")

    assert "still running, failed, or was cancelled" in texts(screen("evaluations", run=finished[0]))


def test_an_unknown_run_is_said(screen):
    assert "There is no evaluation nothing" in texts(screen("evaluations", run="nothing")).replace("\\", "")


def test_the_screens_speak_japanese(screen, finished):
    assert not screen("evaluations", language="ja", run=finished[1], against=finished[0]).exception
