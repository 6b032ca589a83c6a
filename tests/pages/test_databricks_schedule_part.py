"""Production scorers of a workspace on the Monitoring screen: drawn alone, because the charts above are tested elsewhere."""

import pytest
from mlflow.genai.scorers import Guidelines
from streamlit.testing.v1 import AppTest

from services import monitoring, scorers
from services.platforms.databricks import schedule
from services.scorers import ScorerSpec
from tests.pages.conftest import texts
from tests.workspace.support import adopt

pytest.importorskip("databricks.agents")
pytestmark = pytest.mark.usefixtures("no_platform_of_other_tests")


def part():
    from pages.components import feedback, session
    from pages.components.production import watching
    from services import readmodel

    feedback.show_outcome()
    readmodel.catch_up(session.workspace())
    watching.show(session.workspace(), 24)


def test_a_scorer_is_started_with_a_filter_and_the_job_is_seen(databricks, databricks_workspace):
    workspace = adopt(databricks_workspace)
    scorers.save(workspace, ScorerSpec("kind", "guidelines", {"guidelines": ["Be polite"]}))
    Guidelines(name="theirs", guidelines=["Be brief"]).register(experiment_id=workspace.app.experiment_id)
    page = AppTest.from_function(part, default_timeout=60)
    page.session_state["app"] = "support"
    page.run()
    assert "not there yet" in texts(page) and "1 of 20" in str([one.label for one in page.expander])

    page.checkbox(key="watch-support-kind-on").check()
    page.text_input(key="watch-support-kind-only").set_value("tags.channel = 'web'")
    page.button(key="FormSubmitter:watching-Save").click().run()
    (kind,) = [one for one in monitoring.production_scorers(workspace) if one.running]
    assert (kind.name, kind.only) == ("kind", "tags.channel = 'web'")
    assert "active" in texts(page) and "It has not run yet" in texts(page)

    page.number_input(key="schedule-support-minutes").set_value(5)
    page.button(key="save-rhythm").click().run()
    assert "every 5 minutes" in texts(page)

    assert "delete-scorer-kind" not in [one.key for one in page.button], "what judges is stopped first"
    page.button(key="delete-scorer-theirs").click().run()
    assert [one.name for one in schedule.state(workspace).registered] == ["kind"] and not page.exception
