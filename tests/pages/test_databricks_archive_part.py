"""The archive of a workspace on the Monitoring screen: drawn alone, because the charts above it are tested elsewhere."""

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from services import apps
from services.apps import AppForm
from tests.pages.conftest import texts

pytest.importorskip("databricks.agents")


@pytest.fixture(autouse=True)
def no_platform_of_other_tests():
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()


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
    databricks.admin("POST", "/jobs/tick")
    page.run()
    assert "is there" in texts(page)
    assert any("`acme`.`llmops`.`traces_support`" in one.value for one in page.code)
    assert any("pass_rate" in one.value for one in page.code)
    page.button(key="stop-archive").click().run()
    assert "keeps what it has" in texts(page) and not page.exception
