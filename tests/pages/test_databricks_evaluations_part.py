"""The choice of where a large evaluation runs: the form alone, because the screen around it is tested elsewhere."""

import sys

import pytest
from streamlit.testing.v1 import AppTest

from services import jobs, scorers
from services.evaluations import where
from services.platforms.databricks.compute import ENVIRONMENTS
from services.scorers import ScorerSpec
from tests.left_traces import leave
from tests.workspace.support import adopt

pytestmark = [
    pytest.mark.usefixtures("no_platform_of_other_tests"),
    pytest.mark.skipif(
        sys.version_info[:2] not in ENVIRONMENTS,
        reason="a workspace has no compute with this Python, and the form says so",
    ),
]


def part():
    from pages.components import feedback, session
    from pages.components.evaluations import form

    feedback.show_outcome()
    form.show(session.workspace())


def keys(page):
    return [one.key for one in page.segmented_control]


def test_a_large_evaluation_goes_to_the_workspace_and_a_second_click_makes_no_other(databricks_workspace, monkeypatch):
    workspace = adopt(databricks_workspace)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", workspace.app.experiment_id)
    scorers.save(workspace, ScorerSpec("short", "length", {"shortest": 1, "longest": 500}))
    for question in ("Where is my parcel?", "How do I return a shoe?"):
        leave(workspace, question)
    page = AppTest.from_function(part, default_timeout=60)
    page.session_state["app"] = "support"
    page.run().segmented_control(key="evaluate-source-support").set_value("traces").run()
    assert not page.button(key="start").disabled and "evaluate-where-support" not in keys(page)

    page.number_input(key="evaluate-large-support").set_value(2).run()
    assert where.large_from(workspace) == 2
    assert page.segmented_control(key="evaluate-where-support").value == where.AWAY
    for _ in range(2):
        page.button(key="start").click().run()
    (job,) = jobs.recent(workspace, "evaluate")
    assert job.args["where"] == "workspace" and job.elsewhere and not page.exception

    page.segmented_control(key="evaluate-where-support").set_value(where.HERE).run().button(key="start").click().run()
    assert ["where" in one.args for one in jobs.recent(workspace, "evaluate")] == [False, True]
