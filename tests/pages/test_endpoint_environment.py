"""What the versions are told, as the Endpoints screen and a release show it: drawn alone, without the rest of the screens."""

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from services.platforms.databricks import changing, served
from tests.pages.conftest import texts
from tests.workspace.support import SCOPE, adopt, deploy, keep_secret, register, sdk

pytest.importorskip("databricks.agents")
pytestmark = pytest.mark.usefixtures("no_platform_of_other_tests")


@pytest.fixture
def databricks_environ(databricks_environ):
    return databricks_environ | {"SIGNALBOX_SECRET_SCOPE": SCOPE}


def part():
    from pages.components import served_environment, session

    workspace = session.workspace()
    served_environment.show(workspace)
    served_environment.show_findings(workspace, 1)


def test_keys_in_plain_text_stand_open_and_are_never_shown(databricks, databricks_workspace, monkeypatch):
    databricks.admin("POST", "/config", {"deploy_seconds": 0.1})
    workspace = adopt(databricks_workspace)
    keep_secret(workspace)
    register(workspace, monkeypatch, versions=1)
    # Links need the whole console around them.
    monkeypatch.setattr(st, "page_link", lambda page, **_: st.caption(page))
    page = AppTest.from_function(part, default_timeout=60)
    page.session_state["app"] = "support"
    page.run()
    assert not page.expander and not page.exception, "nothing stands there, so nothing is shown"

    deploy(workspace, 1)
    page.run()
    assert "It is told all that it needs" in texts(page)
    assert not page.expander[0].proto.expanded and not page.warning

    now = sdk(workspace).serving_endpoints.get("support")
    (entity,) = served.kept(now)
    entity.environment_vars |= {"SHOP_API_KEY": "in-the-clear-0815", "MLFLOW_ENABLE_TRACING": "true"}
    changing.configure(workspace, workspace.platform.serving.client, now, [entity], {entity.name: 100})
    changing.settled(workspace.platform.serving.client, "support")
    page.run()
    shown = texts(page) + str([table.value for table in page.dataframe])
    assert page.expander[0].proto.expanded and "key in plain text" in shown and "does nothing" in shown
    assert "in-the-clear" not in shown
    (warning,) = page.warning
    assert "SHOP\\_API\\_KEY" in warning.value and "operate/endpoints.py" in shown and not page.exception
