"""The audit log on the screen: sentences, filters, the check, and home's news of others."""

from dataclasses import replace
from datetime import timedelta

import pytest

from pages.components import session
from services import apps, audit, database
from services.audit import Verb, chain, verifying, visits
from services.database import now
from services.people import Actor, Role
from tests.pages.conftest import texts


@pytest.fixture
def moved(workspace):
    with audit.change(workspace, Verb.MOVE_ALIAS, "greet|ing", before=1, after=2, why="<b>warmer</b>"):
        pass
    bob = replace(workspace, actor=Actor("bob", frozenset(Role)))
    apps.save_gate(bob, replace(workspace.app.gate, rows=12))
    return workspace


def labels(shown):
    return [one.label.replace("\\", "") for one in shown.expander]


def test_lines_are_sentences_and_open_their_difference(screen, moved):
    shown = screen("audit")
    alias = next(one for one in labels(shown) if "greet|ing" in one)
    assert "ada moved the production alias of the prompt greet|ing. **1 → 2**" in alias
    assert "| Questions | 1 | 12 |" in texts(shown)
    assert "{" not in "".join(one for one in labels(shown))


def test_filters_stand_in_the_address_and_narrow_the_list(screen, moved):
    shown = screen("audit", person="bob")
    assert len(labels(shown)) == 1
    shown.selectbox(key="audit-verb").set_value("move_alias").run()
    assert "No line fits" in texts(shown)
    next(one for one in shown.button if one.label == "Clear filters").click().run()
    assert len(labels(shown)) > 1
    assert "ゲートを変更しました" in "".join(labels(screen("audit", language="ja", person="bob")))


def test_a_check_says_whether_the_log_is_whole(screen, moved, finish):
    line = {"app_id": "other", "actor": "bob", "verb": "deploy", "subject": "x", "before": None, "after": None}
    with database.writing(moved.engine) as connection:
        chain.append(connection, line | {"why": "", "outcome": "intent", "intent_id": None})
    shown = screen("audit")
    next(one for one in shown.button if one.label == "Check the whole log").click().run()
    job = verifying.newest(moved)
    finish(moved, job)
    shown = screen("audit")
    assert "Unbroken" in texts(shown) and verifying.verdict(verifying.newest(moved)).hash in texts(shown)
    next(one for one in shown.button if one.label.startswith("Begun, but not ended yet in all apps")).click().run()
    assert shown.selectbox(key="audit-outcome").value == "intent" and shown.selectbox(key="audit-apps").value == "all"


def test_a_day_at_the_end_of_time_is_no_filter(screen, moved):
    for day in ("9999-12-31", "0001-01-01"):
        assert labels(screen("audit", **{"from": "2020-01-01", "to": day}))


def test_who_may_not_read_the_log_is_told_which_role_is_needed(screen, moved, monkeypatch):

    author = Actor("eve@example.com", frozenset({Role.AUTHOR, Role.VIEWER}))
    monkeypatch.setattr(session, "actor", lambda: author)
    shown = screen("audit")
    assert "approver" in texts(shown) and not shown.expander


def test_home_tells_what_others_changed_since_the_last_visit(screen, moved, monkeypatch):
    assert "Since your last visit" not in texts(screen("home"))
    bob = replace(moved, actor=Actor("bob", frozenset(Role)))
    apps.save_gate(bob, replace(moved.app.gate, rows=20))
    later = now() + timedelta(hours=3)
    monkeypatch.setattr(visits, "now", lambda: later)
    shown = texts(screen("home")).replace("\\", "")
    assert "Since your last visit" in shown and "bob changed the gate: support." in shown
    assert "ada changed" not in shown
