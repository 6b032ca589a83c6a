"""The findings of a check as the engineer reads them, in both languages."""

import pytest
import streamlit as st
from sqlalchemy import update
from streamlit.testing.v1 import AppTest

from services.agents import checking
from services.agents.checking import Report
from services.database import job as table
from services.database import writing
from services.jobs import State
from tests.pages.conftest import texts
from tests.services.agents import agent_files as files


@pytest.fixture
def checks(settings):
    """The component alone."""
    st.cache_resource.clear()

    def script(job_id: int, language: str) -> None:
        import streamlit as st

        from pages.components import agent_checks, session
        from services import apps
        from services.workspace import Workspace

        st.session_state["language"] = language
        st.session_state["app"] = "support"
        place = Workspace(session.platform(), session.actor())
        report = agent_checks.show(place.for_app(apps.get(place, "support")), job_id)
        st.caption(f"returned {report is not None}")

    def open_it(job_id: int, language: str = "en") -> AppTest:
        return AppTest.from_function(script, default_timeout=60, args=(job_id, language)).run()

    return open_it


def ended(workspace, report: Report) -> int:
    """A check that ended with this report."""
    job = checking.submit(workspace, files.TEXTS)
    with writing(workspace.engine) as connection:
        values = {"state": State.DONE.value, "result": report.to_json()}
        connection.execute(update(table).where(table.c.id == job.id).values(values))
    return job.id


def told(shown: AppTest) -> str:
    return texts(shown).replace("\\", "")


def test_a_running_check_shows_its_progress(workspace, checks):
    shown = checks(checking.submit(workspace, files.TEXTS).id)
    assert [button.label for button in shown.button] == ["Cancel"]
    assert "returned False" in told(shown)


def test_a_clean_file_is_told_what_was_tried(workspace, checks):
    shown = checks(ended(workspace, Report("ChatAgent", True, ())))
    assert shown.success[0].value.replace("\\", "") == (
        "Nothing to mend. The file was read and run by itself as a ChatAgent: one question, one streamed answer, two "
        "conversations in turn, and a request without a message."
    )
    assert not shown.error and "returned True" in told(shown)


TWO = 'import mlflow\nKEY = "sk-abcdefghijklmnop1234"\nPROMPT = "prompts:/a_[b](c)@latest"\n'


def test_what_blocks_stands_before_what_is_good_to_know(workspace, checks):
    found = checking.read(TWO + files.TEXTS)
    shown = checks(ended(workspace, Report("PythonModel", False, found)))
    assert shown.error[0].value.startswith("To be mended before the agent is logged: 1")
    lines = [one.value.replace("\\", "") for one in shown.markdown]
    assert lines[0] == "**A key or password is written in the file.** :red-badge[to be mended] :gray-badge[line 2]"
    assert lines[2] == "**A prompt is loaded with @latest.** :gray-badge[good to know] :gray-badge[line 3]"
    assert "sk-" not in told(shown)


def test_only_good_to_know_says_it_can_be_logged(workspace, checks):
    found = checking.read(TWO.replace("sk-abcdefghijklmnop1234", "none") + files.TEXTS)
    shown = checks(ended(workspace, Report("PythonModel", False, found)))
    assert shown.info[0].value.startswith("It can be logged. Good to know: 1") and not shown.error


def test_japanese_reads_the_same_findings(workspace, checks):
    found = checking.read(TWO + files.TEXTS)
    shown = checks(ended(workspace, Report("PythonModel", False, found)), language="ja")
    assert "キーまたはパスワードがファイルに書かれています。" in told(shown)
    assert "ファイルを読み取り、PythonModel として単独で実行しました" in told(shown)


def test_what_the_agent_said_is_not_markdown(workspace, checks):
    found = checking.read("def f(:")
    hostile = Report.from_json(Report("", False, found).to_json() | {"kind": "**[x](http://y)**"})
    shown = checks(ended(workspace, hostile))
    assert r"\*\*\[x\]\(http\:\/\/y\)\*\*" in shown.error[0].value


def test_a_real_check_ends_on_the_screen(workspace, checks, finish):
    job = finish(workspace, checking.submit(workspace, files.TEXTS))
    shown = checks(job.id)
    assert shown.success[0].value.startswith("Nothing to mend.")
