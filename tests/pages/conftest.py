"""Screens run by Streamlit's AppTest on a real store."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from pages.components.screens import SCREENS
from services.settings import Settings
from services.workspace import Workspace

SHELL = Path(__file__).parent.parent.parent / "pages" / "_shell.py"


@pytest.fixture
def no_platform_of_other_tests() -> Iterator[None]:
    """For a page that connects by itself: the platform is kept between runs, hence between tests."""
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()


@pytest.fixture
def screen(settings: Settings, workspace: Workspace) -> Callable[..., AppTest]:
    """Open a screen as Ada on the app `support`: `screen("prompts", language="ja", prompt="greeting")`."""
    st.cache_resource.clear()

    def open_screen(name: str, language: str = "en", **query: str) -> AppTest:
        test = AppTest.from_file(str(SHELL), default_timeout=60)
        test.session_state["language"] = language
        for key, value in query.items():
            test.query_params[key] = value
        test.switch_page(next(one.file for one in SCREENS if one.name == name))
        return test.run()

    return open_screen


def bring(test: AppTest, name: str, content: bytes, kind: str = "text/x-python") -> AppTest:
    """Choose an agent file of one's own on the Agents screen."""
    test.radio(key="agent-own-support").set_value(True).run()
    return test.file_uploader(key="agent-file-support").upload(name, content, kind).run()


def texts(test: AppTest) -> str:
    """Everything written on the screen."""
    kinds = (test.title, test.header, test.markdown, test.caption, test.info, test.success, test.warning, test.error)
    return "\n".join(str(element.value) for kind in kinds for element in kind)
