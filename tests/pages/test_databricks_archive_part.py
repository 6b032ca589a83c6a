"""The archive of a workspace on the Monitoring screen: drawn alone, because the charts above it are tested elsewhere."""

import pytest
from streamlit.testing.v1 import AppTest

from services import apps
from services.apps import AppForm
from tests.pages.conftest import texts

pytest.importorskip("databricks.agents")
pytestmark = pytest.mark.usefixtures("no_platform_of_other_tests")
WAREHOUSE = "475b94ddc7cd5211"


@pytest.fixture
def databricks_environ(databricks_environ):
    return databricks_environ | {"SIGNALBOX_WAREHOUSE": WAREHOUSE}


def part():
    from pages.components import archive, feedback, session

    feedback.show_outcome()
    archive.show(session.workspace())


def test_the_workspaces_archive_is_switched_on_and_off_by_clicks(databricks, databricks_workspace):
    experiment = databricks_workspace.client.create_experiment("/Shared/support")
    form = AppForm(id="support", name="Support", company="Acme", model="m", endpoint="support")
    apps.adopt(databricks_workspace, form, experiment)
    page = AppTest.from_function(part, default_timeout=60)
    page.session_state["app"] = "support"
    page.run()
    assert not page.button, "nobody is asked before somebody wants to know"
    page.toggle(key="show-archive").set_value(True).run()
    page.button(key="start-archive").click().run()
    assert "is not there yet" in texts(page) and "Nothing is wrong" in texts(page)
    asked = {"experiment_id": experiment, "n": 20, "days": 2, "verdicts": {"kind": 0.5}}
    databricks.admin("POST", "/traces/generate", asked)
    databricks.admin("POST", "/jobs/tick")
    api = databricks_workspace.platform.serving.client.sdk.api_client
    api.do("POST", f"/api/2.0/sql/warehouses/{WAREHOUSE}/stop")
    page.run()
    assert "is there" in texts(page) and "is stopped" in texts(page)
    page.button(key="start-warehouse").click().run()
    # The emulated warehouse answers a statement as soon as it is up.
    statement = {"statement": "SELECT 1", "warehouse_id": WAREHOUSE, "wait_timeout": "30s"}
    api.do("POST", "/api/2.0/sql/statements", body=statement)
    page.run()
    page.button(key="draw-archive").click().run()
    assert "20 traces on" in texts(page) and len(page.get("plotly_chart")) == 2
    assert any("`acme`.`llmops`.`traces_support`" in one.value for one in page.code)
    assert any("pass_rate" in one.value for one in page.code)
    page.button(key="stop-archive").click().run()
    assert "keeps what it has" in texts(page) and not page.exception
