"""Monitoring: numbers with their rows, charts with a sentence, silence with its reason."""

import mlflow

from services import monitoring, scorers
from services.scorers import ScorerSpec
from tests.left_traces import leave
from tests.pages.conftest import texts


def test_an_empty_screen_explains_itself(screen):
    page = screen("monitoring")
    shown = texts(page)
    assert "Nothing is deployed yet" in shown
    assert "This app has no scorers yet" in shown
    assert not page.metric


def test_numbers_and_rows_are_shown(screen, workspace):
    scorers.save(workspace, ScorerSpec("short", "length", {"shortest": 1, "longest": 20}))
    for value in (True, False):
        mlflow.log_feedback(trace_id=leave(workspace), name="short", value=value)
    leave(workspace, error=True)
    leave(workspace, origin="probe")

    page = screen("monitoring")

    assert [(metric.label, metric.value) for metric in page.metric][:2] == [("Questions", "3"), ("Failed", "1")]
    assert page.dataframe[0].value.iloc[0].tolist() == ["short", 50, 2]
    assert "No scorer watches production" in texts(page)
    assert len(page.get("plotly_chart")) == 3
    assert not page.exception


def test_scorers_can_be_started_here(screen, workspace):
    scorers.save(workspace, ScorerSpec("short", "length", {"shortest": 1, "longest": 20}))
    page = screen("monitoring")
    page.checkbox(key="watch-support-short-on").check()
    page.number_input(key="watch-support-short-share").set_value(25)
    next(button for button in page.button if button.label == "Save").click().run()

    (one,) = monitoring.production_scorers(workspace)
    assert (one.name, one.rate, one.running) == ("short", 0.25, True)


def test_a_full_window_is_said(screen, workspace, monkeypatch):
    monkeypatch.setattr(monitoring, "MOST_READ", 1)
    leave(workspace)
    leave(workspace)
    assert "Only the newest 1 traces" in texts(screen("monitoring"))
