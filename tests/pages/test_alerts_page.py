"""The Alerts screen: what fires and what to do, a rule tried on the past before it is saved, where it goes."""

from dataclasses import replace
from datetime import date, time, timedelta

import pytest

from services import alerts, apps, audit, readmodel
from services.alerts import Rule, Series, State, Way, drifting, records
from services.apps import AppForm
from services.audit import Verb
from services.database import now
from services.readmodel.facts import SLOT_MS
from tests.known_traces import asked, keep
from tests.pages.conftest import texts
from tests.services.test_alerts import ERRORS, LATE_MS


@pytest.fixture
def failing(workspace, monkeypatch):
    """Thirty questions in the last full hour, ten of which failed; MLflow, which holds none of them, is not asked."""
    monkeypatch.setattr(readmodel, "catch_up", lambda *arguments: None)
    end = int(now().timestamp() * 1000) // SLOT_MS * SLOT_MS
    keep(workspace, asked(end - SLOT_MS, 20) + asked(end - SLOT_MS, 10, state="ERROR"), end + LATE_MS)
    return workspace


def test_without_rules_the_screen_says_what_they_are_for(screen):
    page = screen("alerts")
    assert "Nobody is told of anything yet" in texts(page)
    assert not page.exception


def test_what_fires_says_what_to_do_here_and_on_other_screens(failing, screen):
    rule = alerts.save(failing, ERRORS)
    alerts.tick(failing)

    page = screen("alerts")
    shown = texts(page)
    assert "fires" in shown and "33\\.3 % of 30 questions got no answer" in shown
    links = [link.proto.query_string for link in page.get("page_link")]
    assert any("state=ERROR" in link and "since=" in link for link in links)
    page.button(key=f"keep-support-{alerts.firing(failing)[0].alert.id}").click().run()
    assert "ada looks after it since" in texts(page)
    page.button(key=f"mute-8-support-{rule.id}").click().run()
    assert alerts.standings(failing)[0].state is State.MUTED and "muted" in texts(page)
    page.button(key=f"unmute-support-{rule.id}").click().run()
    assert alerts.standings(failing)[0].state is State.FIRING

    for name in ("home", "monitoring"):
        assert "Too many errors" in texts(screen(name))
    japanese = texts(screen("alerts", language="ja"))
    assert "30 件の質問のうち 33\\.3 % が回答を得られませんでした" in japanese and "発生中" in japanese


def test_a_rule_is_tried_on_the_past_and_saved(failing, screen):
    page = screen("alerts", view="write")
    assert "It would have fired 1 time in the last 14 days" in texts(page)
    assert len(page.get("plotly_chart")) == 1
    page.number_input(key="limit-support-new-errors-above").set_value(50.0).run()
    assert "It would not have fired" in texts(page)
    page.number_input(key="limit-support-new-errors-above").set_value(20.0).run()
    page.button(key="save-support-new").click().run()

    (rule,) = alerts.all(failing)
    assert (rule.series, rule.way, rule.limit) == (Series.ERRORS, Way.ABOVE, 0.2)
    assert rule.name == "Share of failed questions above 20 % in 1 hour"
    shown = texts(screen("alerts"))
    assert "not looked at yet" in shown and "too little data" not in shown
    assert not page.exception


def test_too_little_to_try_a_rule_on_says_what_to_change(failing, screen):
    page, few = screen("alerts", view="write"), "few-support-new-errors"
    assert "let fewer answers do" not in texts(page)
    page.number_input(key=few).set_value(40).run()
    assert "There is too little data" in texts(page) and "let fewer answers do" in texts(page)


def test_every_series_and_way_has_a_form(failing, screen):
    page = screen("alerts", view="write")
    for series in Series:
        page.selectbox(key="series-support-new").set_value(series).run()
        assert not page.exception, series
    page.selectbox(key="series-support-new").set_value(Series.VOLUME).run()
    assert page.radio(key="once-support-new-volume").value == "month"
    assert "There is too little data" in texts(page)


def test_what_took_seconds_is_kept_while_a_name_is_written(failing, screen, monkeypatch):
    page = screen("alerts", view="write")
    page.selectbox(key="series-support-new").set_value(Series.DRIFT).run()
    assert "There is too little data" in texts(page)
    looks = []
    monkeypatch.setattr(drifting, "at", lambda *asked: looks.append(asked) or [])
    page.text_input(key="name-support-new").set_value("Other questions").run()
    assert "There is too little data" in texts(page) and looks == []
    page.radio(key="once-support-new-drift").set_value("week").run()
    assert len(looks) == 1


def test_a_rule_is_changed_and_removed(failing, screen):
    rule = alerts.save(failing, replace(ERRORS, to=()))
    page = screen("alerts", view="write", rule=rule.id)
    page.text_input(key=f"name-support-{rule.id}").set_value("Broken").run()
    page.button(key=f"save-support-{rule.id}").click().run()
    assert [one.name for one in alerts.all(failing)] == ["Broken"]
    page.button(key=f"remove-support-{rule.id}").click().run()
    assert alerts.all(failing) == []
    assert "There is no such alert rule" in texts(screen("alerts", view="write", rule="gone"))


def test_opening_a_rule_changes_nothing_of_it(failing, screen):
    stored = alerts.save(failing, Rule("", "Dear", Series.COST, Way.ABOVE, limit=0.004))
    page = screen("alerts", view="write", rule=stored.id)
    assert page.number_input(key=f"few-support-{stored.id}-cost").disabled
    assert not page.checkbox(key=f"none-support-{stored.id}-cost").disabled
    page.button(key=f"save-support-{stored.id}").click().run()
    assert alerts.get(failing, stored.id) == stored


def test_a_name_that_was_the_sentence_follows_the_rule(failing, screen):
    named = alerts.save(failing, replace(ERRORS, name="Share of failed questions above 10 % in 1 hour"))
    page = screen("alerts", view="write", rule=named.id)
    page.number_input(key=f"limit-support-{named.id}-errors-above").set_value(20.0).run()
    page.button(key=f"save-support-{named.id}").click().run()
    assert alerts.get(failing, named.id).name == "Share of failed questions above 20 % in 1 hour"


def test_what_nobody_looks_at_any_more_is_not_called_well(workspace, screen):
    rule = alerts.save(workspace, ERRORS)
    seen = {"found": "calm", "watched": rule.watched}
    records.keep_look(workspace, rule.id, now() - timedelta(hours=2), seen)
    assert "not looked at any more" in texts(screen("alerts"))
    assert "nobody is told of anything new" in texts(screen("home"))


def test_a_channel_whose_address_is_gone_can_be_taken_back(workspace, screen):
    with audit.change(workspace, Verb.CHOOSE_CHANNELS, "alerts"):
        stored = {"webhook": True, "slack": "", "email": ["ada@example.com"], "language": "en"}
        apps.save_setting(workspace, "alert_channels", stored)
    page = screen("alerts", view="channels")
    page.checkbox(key="channel-webhook/support").uncheck()
    page.text_area(key="channel-email/support").set_value("")
    page.button(key="save-channels").click().run()
    assert alerts.channels(workspace).used == ()


def test_where_alerts_go_says_what_is_missing(screen):
    page = screen("alerts", view="channels")
    shown = texts(page)
    assert "SIGNALBOX\\_SLACK\\_URL" in shown and "SIGNALBOX\\_SMTP\\_URL" in shown
    assert page.checkbox(key="channel-webhook/support").disabled


def test_a_maintenance_window_is_added_and_ended(screen, workspace):
    page = screen("alerts", view="quiet")
    page.text_input(key="maintenance-why/support").set_value("The move").run()
    page.button(key="maintain").click().run()
    assert [one.why for one in alerts.maintenance(workspace)] == ["The move"]
    page.button(key="end-maintenance-0").click().run()
    assert alerts.maintenance(workspace) == []


def test_a_window_lasts_its_hours_when_clocks_go_back(screen, workspace):
    """In Berlin the hour from two to three comes twice on 31 October 2027."""
    here = {"id": "support", "name": "Support", "company": "Acme", "model": "practice", "endpoint": "support"}
    apps.save(workspace, AppForm(**here, time_zone="Europe/Berlin"))
    page = screen("alerts", view="quiet")
    page.date_input(key="maintenance-day/support").set_value(date(2027, 10, 31))
    page.time_input(key="maintenance-from/support").set_value(time(1))
    page.number_input(key="maintenance-hours/support").set_value(4)
    page.text_input(key="maintenance-why/support").set_value("The move")
    page.button(key="maintain").click().run()
    (one,) = alerts.maintenance(workspace)
    assert one.end - one.start == timedelta(hours=4)


def test_a_link_in_a_message_opens_its_app(screen, workspace, bare_workspace):
    apps.create(bare_workspace, AppForm(id="other", name="Another", company="Acme", model="practice", endpoint="other"))
    alerts.save(workspace, replace(ERRORS, name="Only there"))
    assert "Only there" not in texts(screen("alerts"))
    assert "Only there" in texts(screen("alerts", app="support"))


def test_a_silent_rule_asks_for_no_limit(failing, screen):
    rule = alerts.save(failing, Rule("", "Quiet", Series.SILENCE, Way.STOPS))
    page = screen("alerts", view="write", rule=rule.id)
    assert not page.exception and not [one for one in page.number_input if "Limit" in one.label]
