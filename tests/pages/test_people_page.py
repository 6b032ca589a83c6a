"""The screen of who was seen; signing in, being refused and a broken roles file, as people see them."""

import time
from dataclasses import replace

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from services import people
from services.people import roles, seen
from services.workspace import Workspace
from tests.pages.conftest import SHELL, texts

NOW = time.time()


@pytest.fixture
def team(settings, workspace, tmp_path, monkeypatch):
    """The console with a sign-in: `open_as("root@example.com")`, or with other claims."""
    file = tmp_path / "roles.toml"
    file.write_text('[roles]\nviewer = ["vera@example.com"]\nadmin = ["root@example.com"]\n')
    monkeypatch.setenv("SIGNALBOX_IDENTITY", "oidc")
    monkeypatch.setenv("SIGNALBOX_ROLES_FILE", str(file))
    monkeypatch.setenv("SIGNALBOX_OIDC_CLIENT_ID", "console")
    monkeypatch.setenv("SIGNALBOX_OIDC_URL", "https://id.example")
    st.cache_resource.clear()

    def open_as(email="", screen="people", language="en", **claims):
        test = AppTest.from_file(str(SHELL), default_timeout=60)
        test.context = {"locale": {"en": "en-GB", "ja": "ja-JP"}[language]}
        if email:
            test.user = {"is_logged_in": True, "email": email, "aud": "console", "iat": NOW, "nonce": "n"} | claims
        test.switch_page(f"admin/{screen}.py" if screen == "people" else "overview/home.py")
        return test.run()

    open_as.file = file
    return open_as


def test_on_ones_own_machine_it_says_who_everyone_is(screen):
    shown = screen("people")
    assert "is ada and has every role" in texts(shown)
    assert list(shown.dataframe[0].value["Person"]) == ["ada"]
    assert shown.dataframe[0].value["Roles"][0] == "every role"


def test_admins_see_who_came_why_and_who_never_did(team):
    team("vera@example.com", "home")
    shown = team("root@example.com")
    found = shown.dataframe[0].value.set_index("Person")
    assert found["Why"]["vera@example.com"] == "viewer: vera@example.com (line 2)"
    assert found["Roles"]["root@example.com"] == "every role"
    assert "Starting the release" in texts(shown)
    assert not [one for one in shown.expander if "never seen" in one.label]


def test_others_see_no_list_of_people(team):
    shown = team("vera@example.com")
    assert "needs the role “admin”" in shown.error[0].value.replace("\\", "")
    assert not shown.dataframe


@pytest.mark.parametrize(("language", "word"), [("en", "Sign in"), ("ja", "サインイン")])
def test_before_a_sign_in_there_is_only_the_way_to_it(team, language, word):
    shown = team(language=language)
    assert [one.label for one in shown.button] == [word]
    assert shown.title[0].value == word
    assert not shown.sidebar.selectbox


def test_who_is_not_in_the_file_reads_whom_to_ask(team):
    shown = team("eve@example.com")
    assert "Ask root@example.com to add you" in shown.error[0].value.replace("\\", "")
    assert [one.label for one in shown.button] == ["Sign in as somebody else"]
    assert not shown.sidebar.selectbox


def test_a_sign_in_that_is_over_asks_for_another(team):
    shown = team("vera@example.com", iat=1)
    assert "Drafts are kept" in shown.error[0].value
    assert [one.label for one in shown.button] == ["Sign in"]


def test_a_sign_in_that_failed_is_told(team):
    test = AppTest.from_file(str(SHELL), default_timeout=60)
    test.query_params["sign_in"] = "failed"
    assert "did not work" in test.run().error[0].value


def test_signing_out_ends_this_sign_in_everywhere(team, workspace):
    shown = team("vera@example.com", "home")
    assert next(one for one in shown.sidebar.button if one.key == "sign-out").label == "Sign out"
    again = team("vera@example.com", "home")
    shown.sidebar.button(key="sign-out").click().run()
    assert "is over" in again.run().error[0].value
    assert team("vera@example.com", "home", nonce="another").title


def test_admins_are_told_of_a_broken_roles_file(team):
    team("root@example.com")
    team.file.write_text("[roles")
    shown = team("root@example.com")
    assert "cannot be read" in shown.error[0].value and "stay in force" in shown.error[0].value
    assert shown.dataframe
    assert not team("vera@example.com", "home").error


def test_what_people_are_called_is_shown_as_it_is(screen, workspace):
    odd = replace(workspace, actor=people.Actor("<b>eve</b>@example.com", roles.ALL_ROLES))
    seen.note(Workspace(odd.platform, odd.actor))
    assert "<b>eve</b>@example.com" in list(screen("people").dataframe[0].value["Person"])
