"""How a workspace serves an app's agents, chosen on the Apps screen: drawn alone, without the rest of the screens."""

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from services import apps
from services.apps import Stage
from services.platforms import Target
from tests.workspace.support import adopt


@pytest.fixture(autouse=True)
def no_platform_of_other_tests():
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()


def part():
    from pages.components import environment_form, feedback, session

    feedback.show_outcome()
    environment_form.show(session.workspace())


def test_each_environment_keeps_how_its_agents_are_served(databricks, databricks_workspace):
    workspace = adopt(databricks_workspace)
    page = AppTest.from_function(part, default_timeout=60)
    page.session_state["app"] = "support"
    page.run()
    served = page.radio(key="environment-target/support/production")
    assert served.value == Target.AGENT
    assert served.options == ["As an agent of the workspace", "As a model on a CPU", "As apps of the workspace"]

    page.radio(key="environment-stage/support").set_value(Stage.STAGING).run()
    page.text_input(key="environment-endpoint/support/staging").set_value("support-staging")
    page.radio(key="environment-target/support/staging").set_value(Target.CPU)
    page.button(key="save-environment").click().run()
    assert "Saved the environment" in page.toast[0].value and not page.exception
    kept = {stage: one.target for stage, one in apps.environments_of(workspace).items()}
    assert kept == {Stage.PRODUCTION: Target.AGENT, Stage.STAGING: Target.CPU}
    assert page.radio(key="environment-target/support/staging").value is Target.CPU
