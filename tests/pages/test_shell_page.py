"""The frame of every screen: person, app, language, navigation, and the one boundary for errors."""

import logging
import re
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from pages.components import session
from pages.components.screens import ABOUT, SCREENS
from services import apps, home
from services.apps import AppForm
from services.errors import NotReadyError
from services.messages import Message, render
from tests.pages.conftest import SHELL, texts


@pytest.fixture
def shell(settings, workspace):
    """The console as a browser opens it, before anything was chosen."""
    st.cache_resource.clear()

    def open_shell(**context):
        test = AppTest.from_file(str(SHELL), default_timeout=60)
        test.context = context
        return test.run()

    return open_shell


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("name", [one.name for one in SCREENS])
def test_every_screen_opens_on_a_new_app(screen, name, language):
    shown = screen(name, language)
    assert not shown.exception
    assert shown.title
    assert not shown.error


def test_the_side_bar_leads_to_every_screen_and_leaves_what_is_open(screen):
    links = [link.proto for link in screen("datasets", dataset="any").sidebar.get("page_link")]
    assert [link.page for link in links] == ["" if one.name == "home" else one.name for one in SCREENS]
    assert not any(link.query_string for link in links)


def test_the_first_language_is_the_browsers(shell):
    assert shell(locale="ja-JP").sidebar.selectbox(key="language").value == "ja"
    assert shell(locale="fr-FR").sidebar.selectbox(key="language").value == "en"


def test_a_chosen_language_is_remembered_for_the_next_visit(shell):
    shell(locale="en-GB").sidebar.selectbox(key="language").select("ja").run()
    assert shell(locale="en-GB").sidebar.selectbox(key="language").value == "ja"


def test_what_was_chosen_stays_when_the_language_changes(screen):
    """The browser knows choices by their words, and sends the old ones along with the new language."""
    agents = screen("agents")
    agents.radio(key="agent-own-support").set_value(True).run()
    agents.sidebar.selectbox(key="language").select("ja").run()
    assert agents.radio(key="agent-own-support").value is True and not agents.exception
    told = agents.radio(key="agent-own-support").proto
    assert told.set_value and told.raw_value in told.options

    traces = screen("traces")
    traces.selectbox(key="traces-state").select("ERROR").run()
    traces.sidebar.selectbox(key="language").select("ja").run()
    told = traces.selectbox(key="traces-state").proto
    assert told.set_value and told.raw_value == "失敗" and traces.query_params["state"] == "ERROR"


def test_a_chosen_app_is_remembered_for_the_next_visit(shell, workspace):
    form = AppForm(id="returns", name="Returns", company="Acme", model="practice", endpoint="returns")
    apps.create(workspace, form)
    first = shell()
    other = next(id for id in ("returns", "support") if id != first.sidebar.selectbox(key="app").value)
    first.sidebar.selectbox(key="app").select(other).run()
    assert first.title[0].value == {"returns": "Returns", "support": "Support"}[other]
    assert shell().sidebar.selectbox(key="app").value == other


def test_a_browser_that_missed_the_first_run_begins_with_the_language_and_app_of_the_person(shell, workspace):
    """It sends what a field it was never told of begins with, as if somebody had chosen that."""
    form = AppForm(id="returns", name="Returns", company="Acme", model="practice", endpoint="returns")
    apps.create(workspace, form)
    second = shell().sidebar.selectbox(key="app").options[1]
    begun = shell(locale="ja-JP")
    assert (begun.run().sidebar.selectbox(key="language").proto.default, begun.warning) == (1, [])
    begun.sidebar.selectbox(key="app").select_index(1).run()
    field = begun.run().sidebar.selectbox(key="app")
    assert (field.proto.default, field.options[field.proto.default]) == (1, second)


def test_the_person_is_named(shell):
    assert "Signed in as ada" in texts(shell())


def test_a_request_without_identity_sees_a_sentence_only(shell, settings, monkeypatch, tmp_path):
    (tmp_path / "roles.toml").write_text("[roles]\n")
    monkeypatch.setenv("SIGNALBOX_IDENTITY", "proxy")
    monkeypatch.setenv("SIGNALBOX_ROLES_FILE", str(tmp_path / "roles.toml"))
    shown = shell()
    assert not shown.exception
    assert "did not say who you are" in shown.error[0].value
    assert not shown.title
    assert not shown.sidebar.selectbox


def test_a_store_that_does_not_answer_is_a_sentence_and_is_asked_again(shell, monkeypatch):
    prepare = home.prepare

    def fail(settings):
        raise NotReadyError(Message("The store is asleep."), Message("Wake it."))

    monkeypatch.setattr(home, "prepare", fail)
    shown = shell()
    assert shown.error[0].value == r"The store is asleep\.  " "\n" r"Wake it\."
    monkeypatch.setattr(home, "prepare", prepare)
    assert shown.run().title


@pytest.fixture
def stranger(shell, monkeypatch, tmp_path):
    """The console before a sign-in by OpenID Connect, whose roles file names one admin and no contact."""
    (tmp_path / "roles.toml").write_text('[roles]\nadmin = ["root@example.com"]\n')
    monkeypatch.setenv("SIGNALBOX_IDENTITY", "oidc")
    monkeypatch.setenv("SIGNALBOX_ROLES_FILE", str(tmp_path / "roles.toml"))
    return shell


def test_who_has_not_signed_in_reads_no_admins_name(stranger):
    shown = stranger()
    shown.query_params["sign_in"] = "failed"
    shown.run()
    assert not shown.exception
    assert "ask an admin" in shown.error[0].value
    assert "root" not in texts(shown)


def test_who_has_not_signed_in_does_not_read_what_does_not_answer(stranger, monkeypatch):
    def fail(settings):
        raise NotReadyError(Message("The store at /srv/secret is asleep."), Message("Wake it."))

    monkeypatch.setattr(home, "prepare", fail)
    shown = stranger()
    assert not shown.exception
    assert "cannot be opened right now" in shown.error[0].value and "asleep" not in shown.error[0].value


def test_what_a_screen_cannot_load_is_a_sentence_and_a_next_step(shell, monkeypatch):
    def fail(workspace):
        raise NotReadyError(Message("Nothing for {name}.", name="<img src=x>"), Message("Add some."))

    monkeypatch.setattr(home, "summary", fail)
    shown = shell()
    assert not shown.exception
    assert shown.error[0].value == r"Nothing for \<img src=x\>\.  " "\n" r"Add some\."
    assert shown.sidebar.selectbox(key="app").value == "support"


def test_a_defect_leaves_a_number_and_its_traceback_in_the_log(caplog):
    def page():
        from pages.components import feedback

        feedback.show_defect(ZeroDivisionError("by zero, with a secret"))

    with caplog.at_level(logging.ERROR, "signalbox.web"):
        shown = AppTest.from_function(page).run()
    number = caplog.records[0].getMessage().removeprefix("defect ")
    assert number in shown.error[0].value
    assert "secret" not in shown.error[0].value
    assert caplog.records[0].exc_info[0] is ZeroDivisionError


def test_an_archived_app_is_no_longer_offered(shell, workspace):
    other = apps.create(workspace, AppForm(id="old", name="Old", company="Acme", model="practice", endpoint="old"))
    apps.archive(workspace.for_app(other))
    assert shell().sidebar.selectbox(key="app").options == ["Support"]


def test_outside_text_is_shown_as_it_is():
    def page():
        import streamlit as st

        from pages.components import session

        st.markdown(session.escape("<b>x</b> **y** [z](https://example.com) :red[w] $1$ `c` ![p](q)"))

    shown = AppTest.from_function(page).run().markdown[0].value
    assert shown == (r"\<b\>x\<\/b\> \*\*y\*\* \[z\]\(https\:\/\/example\.com\) \:red\[w\] \$1\$ \`c\` \!\[p\]\(q\)")


@pytest.mark.parametrize(("zone", "shown"), [("Asia/Tokyo", "2026-01-01 09:00"), (None, "2026-01-01 00:00 UTC")])
def test_times_are_shown_in_the_viewers_zone(zone, shown):
    def page():
        from datetime import UTC, datetime

        import streamlit as st

        from pages.components import session

        st.write(session.moment(datetime(2026, 1, 1, tzinfo=UTC)))

    test = AppTest.from_function(page)
    test.context = {"timezone": zone} if zone else {}
    assert test.run().markdown[0].value == shown


@pytest.mark.parametrize(("written", "read"), [("7", 7), ("-7", None), ("seven", None), ("", None), ("9" * 30, None)])
def test_a_number_in_the_address_is_checked(written, read):
    def page():
        import streamlit as st

        from pages.components import session

        st.write(repr(session.number("version")))

    test = AppTest.from_function(page)
    test.query_params["version"] = written
    assert test.run().markdown[0].value == repr(read)


def test_a_screen_says_what_its_noun_is_until_one_is_open(screen):
    said = [render(Message(ABOUT["jobs"]), language) for language in ("en", "ja")]
    assert said[0] in texts(screen("jobs")) and said[1] in texts(screen("jobs", language="ja"))
    assert said[0] not in texts(screen("jobs", run="1"))


def test_every_word_that_the_style_sheet_says_is_given_to_it():
    style = Path(session.__file__).with_name("page.css").read_text("utf-8")
    assert set(re.findall(r"var\(--say-([a-z]+)\)", style)) == set(session._STREAMLITS)
