"""The line of an agent version as the operator reads it, every thing one click away."""

import json

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from pages.components import session
from services import prompts
from tests.left_traces import leave
from tests.pages.conftest import texts
from tests.standing import logged, stand


@pytest.fixture
def agent(workspace):
    prompts.save(workspace, "greeting", "Be <brief> for Acme.", "")
    model_id = logged(workspace, "greeting", pinned=1)
    return workspace, model_id


@pytest.fixture
def line(settings, monkeypatch):
    """The component alone, among empty screens that its links lead to."""
    st.cache_resource.clear()
    monkeypatch.setattr(session, "page", session.page)

    def script(model_id: str, language: str) -> None:
        import streamlit as st

        from pages.components import agent_lineage, screens, session
        from services import agents, apps
        from services.workspace import Workspace

        pages = {one.name: st.Page(lambda: None, title=one.name, url_path=one.name) for one in screens.SCREENS}
        st.navigation(list(pages.values()), position="hidden")
        session.page = pages.__getitem__
        st.session_state["language"] = language
        place = Workspace(session.platform(), session.actor())
        place = place.for_app(apps.get(place, "support"))
        agent_lineage.show(place, agents.get(place, model_id))

    def shown(model_id: str, language: str = "en") -> AppTest:
        return AppTest.from_function(script, default_timeout=60, args=(model_id, language)).run()

    return shown


def links(shown):
    return {(one.proto.label.replace("\\", ""), one.proto.query_string) for one in shown.get("page_link")}


def test_an_agent_nobody_used_says_what_to_do_at_every_stage(line, agent):
    _, model_id = agent
    shown = line(model_id)
    assert not shown.exception
    assert "Not seen yet" in texts(shown) and "Not serving" in texts(shown)
    assert ("Evaluate it", f"agent={model_id}&version=1") in links(shown)
    assert ("Release it", f"agent={model_id}") in links(shown)
    shown.button(key="lineage/proof").click().run()
    assert dict(shown.query_params) == {"agent": model_id, "view": "try"}


def test_a_live_agent_leads_to_its_prompt_endpoint_and_answers(line, agent):
    workspace, model_id = agent
    stand(workspace, 1, model_id, weight=100)
    loaded = json.dumps([{"name": "greeting", "version": "1"}])
    trace = leave(workspace, model_id=model_id, prompt=loaded, sent="Be <brief> for Acme.")
    shown = line(model_id)
    found = links(shown)
    assert ("Version 1", "prompt=greeting&version=1&view=versions") in found
    assert ("The newest one", f"trace={trace}") in found and ("Open the trace", f"trace={trace}") in found
    assert ("1 in 30 days", f"agent={model_id}&hours=720") in found
    assert "Yes: the words of prompt version 1" in texts(shown).replace("\\", "")
    assert "100 %" in texts(shown)


def test_the_line_is_told_in_japanese(line, agent):
    shown = line(agent[1], "ja")
    assert "本当にプロンプトを使っていますか？" in texts(shown) and "未評価です" in texts(shown)
    assert ("評価する", f"agent={agent[1]}&version=1") in links(shown)
