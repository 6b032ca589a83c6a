"""The sources under an answer, as people read them."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from services import jobs
from services.database import served, writing
from services.jobs import queue
from services.platforms import Delta, ServedState
from services.sources import Source
from services.workspace import Workspace
from tests.pages.conftest import texts

FOUND = (Source("Delivery [free]", "https://acme.test/1", "1"), Source("<b>Sly</b>", "javascript:alert(1)", "2"))


def links(test: AppTest) -> dict[str, str]:
    return {link.proto.label: link.proto.page for link in test.get("page_link") if link.proto.external}


def test_addresses_become_links_and_everything_else_text(settings: Any) -> None:
    def page() -> None:
        import streamlit as st

        from pages.components import sources

        sources.show(st.session_state["found"])

    test = AppTest.from_function(page, default_timeout=30)
    test.session_state["found"] = FOUND
    test.run()

    assert not test.exception
    assert list(links(test).values()) == ["https://acme.test/1"]
    assert test.caption[0].value == "Sources"
    assert "javascript:alert" in test.caption[1].value.replace("\\", "")
    assert "<b>" not in test.caption[1].value.replace("\\<", "")


def test_an_answer_without_sources_shows_none(settings: Any) -> None:
    def page() -> None:
        from pages.components import sources

        sources.show([])

    test = AppTest.from_function(page, default_timeout=30).run()
    assert not test.exception
    assert len(test.caption) == 0


def test_the_chat_shows_the_sources_under_each_answer(
    screen: Callable[..., AppTest], workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.platform.serving.deploy(workspace, "support", 1, "m-1", {})
    with writing(workspace.engine) as connection:
        connection.execute(served.update().values(state=ServedState.READY.value, weight=100))

    def stream(self: Any, workspace: Any, endpoint: str, request: Any) -> Iterator[Delta]:
        yield Delta("Two days.")
        yield Delta(done=True, sources=FOUND)

    monkeypatch.setattr("services.platforms.local.serving.LocalServing.stream", stream)
    page = screen("endpoints")
    page.chat_input[0].set_value("Where is my parcel?").run()
    page.chat_input[0].set_value("And when?").run()

    assert not page.exception
    assert texts(page).count("Sources") == 2
    assert [link.proto.page for link in page.get("page_link") if link.proto.external] == ["https://acme.test/1"] * 2


def test_a_tried_answer_shows_its_sources(workspace: Any) -> None:
    st.cache_resource.clear()
    jobs.submit(workspace, "try_agent", {"model_id": "m-1", "prompt_version": None, "question": "?"})
    result = {"answer": "Two days.", "trace_id": None, "seconds": 1, "sources": [{"title": "Delivery", "doc_uri": ""}]}
    job = jobs.claim(workspace.engine)
    assert job
    queue.finish(workspace.engine, job, result)

    def page() -> None:
        import streamlit as st

        from pages.components import agent_try, session
        from services import jobs

        agent_try._show_ended(jobs.get(session.workspace(), st.session_state["job"]))

    test = AppTest.from_function(page, default_timeout=30)
    test.session_state["job"], test.session_state["app"] = job.id, "support"
    test.run()

    assert not test.exception
    assert "Sources" in texts(test) and "Delivery" in texts(test)
