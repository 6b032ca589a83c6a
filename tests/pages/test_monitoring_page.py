"""Monitoring: numbers with their rows, charts with a sentence, silence with its reason."""

from dataclasses import replace
from datetime import timedelta

import mlflow

from pages.components import charts
from services import jobs, monitoring, readmodel, scorers
from services.messages import Message
from services.monitoring import Marker
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
    assert "No answer of this time says that it was streamed" in texts(screen("monitoring"))
    leave(workspace, first=0.25)

    page = screen("monitoring")

    assert [(metric.label, metric.value) for metric in page.metric][:2] == [("Questions", "4"), ("Failed", "1")]
    assert (page.metric[4].label, page.metric[4].value) == ("First words, median", "0.25 s")
    line = page.table[0].value.iloc[0]
    assert (line["Scorer"], line["In production"]) == ("short", "50 % (9 % to 91 %, n = 2)")
    shown = texts(page)
    assert "No scorer watches production" in shown
    assert "4 questions, none in the time before." in shown and "1 got no answer (25 %)." in shown
    assert "The first words came within 0.25 s for half of the 1 streamed answer," in shown
    assert "The lowest is “short”: 1 of 2 judged answers passed" in shown
    assert "The scorer short was made" in shown
    assert len(page.get("plotly_chart")) == 3
    assert not page.exception

    page.radio(key="more").set_value("people").run()
    assert "Nobody has said yet" in texts(page)
    page.radio(key="more").set_value("cost").run()
    assert "40 tokens" in texts(page) and "No cost is known" in texts(page)
    page.radio(key="window").set_value(168).run()
    assert page.query_params["hours"] == "168"
    assert not page.exception


def test_versions_stand_beside_each_other_in_tables_that_wrap(screen, workspace):
    scorers.save(workspace, ScorerSpec("a_b", "length", {"shortest": 1, "longest": 20}))
    mlflow.log_feedback(trace_id=leave(workspace, prompt='[{"name": "a_b", "version": "1"}]'), name="a_b", value=True)
    page = screen("monitoring")
    assert not page.dataframe
    line = page.table[2].value.iloc[0]
    assert (line["Prompt version"], line["a\\_b"]) == ("a\\_b, version 1", "100 % (n = 1)")
    assert "First words, median" not in line

    leave(workspace, first=0.25)
    assert "First words, median" in screen("monitoring").table[2].value.iloc[0]


def test_a_version_is_watched_alone(screen, workspace):
    leave(workspace, prompt='[{"name": "a", "version": "1"}]')
    leave(workspace, prompt='[{"name": "a", "version": "2"}]')
    page = screen("monitoring", prompt="a/2")
    assert page.metric[0].value == "1"
    links = [link.proto.query_string for link in page.get("page_link")]
    assert any("prompt=a%2F2" in link and "hours=24" in link for link in links)


def test_a_choice_is_saved_and_opened(screen, workspace):
    page = screen("monitoring", hours="168")
    page.text_input(key="view-name").set_value("name")
    page.button(key="save-view").click().run()

    other = screen("monitoring")
    assert other.radio(key="window").value == 24
    other.button(key="view-of-name").click().run()
    assert other.radio(key="window").value == 168


def test_a_new_subject_is_told_with_the_way_to_its_traces(screen, workspace, monkeypatch):
    leave(workspace, "Where is it?", hours_ago=0.2)
    page = screen("monitoring")
    page.radio(key="more").set_value("drift").run()
    assert "1 answered questions of this time and 0 of the time before, one of each conversation" in texts(page)
    assert "at least 30 of each are needed" in texts(page)

    sides = iter(([("Where is it?", "Here.")] * 100, [("A <b>recall</b>?", "Here.")] * 100))
    monkeypatch.setattr(readmodel, "sample", lambda *_: next(sides))
    page.run()
    assert "Words in more or fewer questions" in texts(page) and "No change was found" not in texts(page)
    assert any("recall: 0.0 % → 100 %" in one.proto.label for one in page.get("page_link"))


def test_marks_near_to_each_other_share_their_letters(workspace):
    leave(workspace)
    found = monitoring.overview(workspace, monitoring.Asked(24))
    at = [found.times[0] + timedelta(hours=hours) for hours in (2, 12, 12.1, 12.2, 20)]
    marked = replace(found, markers=tuple(Marker(one, Message("It moved."), None, False) for one in at))
    assert charts.signs(marked) == [(at[0], "A"), (at[1], "B–D"), (at[4], "E")]
    assert [one.text for one in charts.volume(marked).layout.annotations] == ["A", "B–D", "E"]


def test_a_day_with_answers_between_silent_days_is_seen(screen, workspace):
    for days_ago in (20, 10, 9):
        leave(workspace, hours_ago=24 * days_ago)
    found = monitoring.overview(workspace, monitoring.Asked(24 * 90))
    drawn = charts.seconds(found)
    line = drawn.data[0]
    assert [size for size, value in zip(line.marker.size, line.y, strict=True) if value == value] == [7, 0, 0]
    assert drawn.layout.xaxis.tickformat == "%m-%d"
    assert "Most from " in texts(screen("monitoring", hours="2160"))


def test_versions_can_be_chosen_only_where_there_are_some(screen, workspace):
    leave(workspace, prompt='[{"name": "a", "version": "1"}]')
    leave(workspace, model_id="")
    hint = "Choose one version above"
    shown = screen("monitoring")
    assert hint not in texts(shown) and "not told by its traces" in list(shown.table[0].value["Agent version"])
    leave(workspace, prompt='[{"name": "a", "version": "2"}]')
    assert hint in texts(screen("monitoring"))


def test_traces_that_tell_no_tokens_are_not_drawn_as_none(screen, workspace):
    mlflow.start_span_no_context("answer", inputs="Where?", experiment_id=workspace.app.experiment_id).end()
    mlflow.flush_trace_async_logging()
    page = screen("monitoring")
    drawn = len(page.get("plotly_chart"))
    page.radio(key="more").set_value("cost").run()
    assert "No tokens and no cost are known" in texts(page) and "0 tokens" not in texts(page)
    assert len(page.get("plotly_chart")) == drawn


def test_a_clicked_bucket_is_found():
    assert charts.clicked({"selection": {"points": [{"point_index": 3}]}}) == 3
    assert charts.clicked({"selection": {"points": []}}) is None


def test_everything_can_be_read_again(screen, workspace):
    leave(workspace)
    page = screen("monitoring")
    page.button(key="rebuild").click().run()
    assert [job.args for job in jobs.recent(workspace, kind="read_traces")] == [{"rebuild": True}]


def test_scorers_can_be_started_here(screen, workspace):
    scorers.save(workspace, ScorerSpec("short", "length", {"shortest": 1, "longest": 20}))
    page = screen("monitoring")
    page.checkbox(key="watch-support-short-on").check()
    page.number_input(key="watch-support-short-share").set_value(25)
    page.button(key="FormSubmitter:watching-Save").click().run()

    (one,) = monitoring.production_scorers(workspace)
    assert (one.name, one.rate, one.running) == ("short", 0.25, True)
