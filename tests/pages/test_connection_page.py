"""Connection: what works, what does not, and where things are kept."""

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from services import connection
from tests.pages.conftest import SHELL, texts


@pytest.fixture
def on_databricks(databricks_workspace):
    """Open the screen as Ada on a workspace, where there is no app yet."""
    st.cache_resource.clear()

    def open_screen(language: str = "en") -> AppTest:
        test = AppTest.from_file(str(SHELL), default_timeout=90)
        test.session_state["language"] = language
        test.switch_page("admin/connection.py")
        return test.run()

    yield open_screen
    st.cache_resource.clear()


def test_this_machine_shows_its_parts_and_the_way_to_databricks(screen):
    shown = screen("connection")
    assert "The built-in practice model answers" in texts(shown).replace("\\", "")
    assert "SIGNALBOX_PLATFORM=databricks" in shown.code[0].value


def test_a_workspace_is_shown_without_its_token(on_databricks):
    shown = on_databricks()
    written = texts(shown).replace("\\", "")
    assert "operator@example.com on http://127.0.0.1" in written
    assert "the token in DATABRICKS_TOKEN" in written
    assert "“acme.llmops” may be written." in written
    assert "dapi-test" not in written + str([one.value for one in shown.code])


def test_a_chosen_warehouse_is_kept(on_databricks, databricks_workspace):
    shown = on_databricks()
    assert shown.selectbox(key="place-catalog").disabled
    shown.selectbox(key="place-warehouse_id").select("475b94ddc7cd5211").run()
    shown.button(key="save-place").click().run()
    assert connection.place(databricks_workspace).warehouse_id == "475b94ddc7cd5211"
    assert "Serverless Starter Warehouse" in texts(shown)


def test_an_outage_is_asked_again_by_a_button(on_databricks, databricks):
    databricks.fault("/prompts/search", status=503, times=1)
    shown = on_databricks("ja")
    assert "(503)" in texts(shown).replace("\\", "")
    shown.button(key="check-again").click().run()
    assert "(503)" not in texts(shown).replace("\\", "")


def test_a_look_is_kept_until_somebody_asks_again(on_databricks, databricks):
    shown = on_databricks()
    before = len(databricks.requests())
    shown.run()
    assert len(databricks.requests()) == before
