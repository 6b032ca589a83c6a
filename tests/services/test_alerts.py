"""Alerts: one open alert per rule, words that name what was changed, silence that is told, nothing for nothing."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from bench import alert_calibration as calibration
from services import alerts, audit, jobs, readmodel, scorers
from services.alerts import (
    Baseline,
    Channels,
    Maintenance,
    Rule,
    Series,
    State,
    Way,
    looking,
    muting,
    records,
    watching,
    words,
)
from services.alerts.seen import Found, same_hours
from services.audit import Verb
from services.database import now
from services.errors import ConflictError, ForbiddenError, InvalidInputError
from services.money import Currency
from services.people import Actor, Role
from services.platforms import MonitoredScorer
from services.readmodel.facts import SLOT_MS
from services.scorers import ScorerSpec
from tests.known_traces import asked, keep, verdict
from tests.left_traces import leave

ERRORS = Rule("", "Too many errors", Series.ERRORS, Way.ABOVE, limit=0.1)
LATE_MS = int(watching.LATE.total_seconds() * 1000)


@pytest.fixture
def start():
    """A quarter hour to come, in milliseconds: what is changed in a test happened before it."""
    return (int(now().timestamp() * 1000) // SLOT_MS + 2) * SLOT_MS


def hour(workspace, end, good, bad=0, **values):
    """An hour that ends at `end`, as it was read a little later."""
    facts = asked(end - 2 * SLOT_MS, good, **values) + asked(end - 2 * SLOT_MS, bad, state="ERROR")
    keep(workspace, facts, end + LATE_MS)


def told(workspace):
    """The states that were queued for people, oldest first."""
    return [job.args["letter"]["state"] for job in reversed(jobs.recent(workspace, "tell_alert", 100))]


@pytest.fixture
def mailed(workspace):
    """The app's alerts go to a Slack-compatible address."""
    from services.outgoing import Outgoing
    from services.secrets import Secret

    settings = replace(workspace.settings, outgoing=Outgoing({"slack": Secret("http://127.0.0.1:9/never")}))
    place = replace(workspace, platform=replace(workspace.platform, settings=settings))
    alerts.save_channels(place, Channels(slack="slack"))
    return place


def test_a_limit_opens_one_alert_that_says_what_to_do(workspace, start):
    scorers.save(workspace, ScorerSpec("short", "length", {"shortest": 1, "longest": 20}))
    rule = alerts.save(workspace, ERRORS)
    hour(workspace, start, 20, bad=10)

    assert [alerts.tick(workspace), alerts.tick(workspace)] == [1, 0]

    (one,) = alerts.standings(workspace)
    text = one.alert.text
    assert (one.rule, one.state) == (rule, State.FIRING)
    assert str(text.what) == "33.3 % of 30 questions got no answer; the limit is at most 10 %."
    assert str(text.suspect) == "The last change before: The scorer short was made."
    assert text.step.page == "traces" and text.step.query["state"] == "ERROR"
    assert [event.after["state"] for event in audit.of_verbs(workspace, [Verb.NOTICE_ALERT])] == ["firing"]


def test_a_suspected_release_is_named_with_the_way_back(workspace, start):
    with audit.change(workspace, Verb.MOVE_ALIAS, "greeting", after=2, why="release 7"):
        pass
    alerts.save(workspace, ERRORS)
    hour(workspace, start, 20, bad=10)
    alerts.tick(workspace)
    text = alerts.firing(workspace)[0].alert.text
    assert str(text.suspect) == "The last change before, by release 7: Prompt greeting: version 2 went live."
    assert text.step.page == "releases" and text.step.query == {"release": "7"}
    assert "roll it back" in str(text.step.what)


def test_two_calm_looks_end_it_and_it_may_fire_again(workspace, start):
    alerts.save(workspace, ERRORS)
    for place, bad in enumerate((10, 0, 0, 10)):
        hour(workspace, start + place * 3600_000, 30, bad)
        alerts.tick(workspace)
        (now_open,) = alerts.standings(workspace)
        assert (now_open.alert is not None) is (place != 2)
    assert len(alerts.history(workspace)) == 1


def test_two_lookers_open_one_alert(workspace, start):
    rule = alerts.save(workspace, ERRORS)
    hour(workspace, start, 20, bad=10)
    alerts.tick(workspace)
    records.start(workspace, rule, alerts.firing(workspace)[0].alert.text)
    assert len(records.open_alerts(workspace)) == 1


@pytest.mark.parametrize(("tell", "state"), [(False, State.PENDING), (True, State.FIRING)])
def test_too_little_data_is_told_by_choice(workspace, start, tell, state):
    alerts.save(workspace, replace(ERRORS, tell_no_data=tell))
    hour(workspace, start, 3, bad=1)
    alerts.tick(workspace)
    (one,) = alerts.standings(workspace)
    assert one.state is state
    if one.alert:
        assert "Too little to tell: 4 answers" in str(one.alert.text.what)


def test_windows_are_not_looked_at_before_everything_arrived(workspace, start):
    alerts.save(workspace, ERRORS)
    keep(workspace, asked(start - SLOT_MS, 30, state="ERROR"), start + LATE_MS - 1)
    alerts.tick(workspace)
    assert alerts.standings(workspace)[0].looked_at.timestamp() * 1000 == start - SLOT_MS
    assert alerts.firing(workspace) == []


def test_a_clock_that_was_put_back_does_not_blind_a_rule(workspace, start):
    """The window of a clock that was hours ahead was looked at: the right one's are looked at all the same."""
    alerts.save(workspace, ERRORS)
    hour(workspace, start + 5 * 3600_000, 30)
    assert alerts.tick(workspace) == 1
    hour(workspace, start, 20, bad=10)
    assert alerts.tick(workspace) == 1
    assert len(alerts.firing(workspace)) == 1


def test_it_is_told_again_until_somebody_looks_after_it(mailed, start, monkeypatch):
    alerts.save(mailed, replace(ERRORS, to=("slack",), again_hours=1))
    hour(mailed, start, 20, bad=10)
    alerts.tick(mailed)
    alerts.tick(mailed)
    assert told(mailed) == ["firing"]
    clock = [now()]
    for module in (watching, records):
        monkeypatch.setattr(module, "now", lambda: clock[0])
    for _ in range(2):
        clock[0] += timedelta(hours=1, minutes=1)
        alerts.tick(mailed)
    assert told(mailed) == ["firing", "still_firing", "still_firing"]
    (one,) = alerts.firing(mailed)
    alerts.acknowledge(mailed, one.alert.id)
    with pytest.raises(ConflictError):
        alerts.acknowledge(mailed, one.alert.id)
    clock[0] += timedelta(hours=9)
    alerts.tick(mailed)
    assert told(mailed)[3:] == []
    for place in (1, 2):
        hour(mailed, start + place * 3600_000, 30)
        alerts.tick(mailed)
    assert told(mailed)[3:] == ["resolved"]


def test_nothing_is_still_so_that_nobody_knows(mailed, start, monkeypatch):
    """The next windows hold too little to tell."""
    alerts.save(mailed, replace(ERRORS, to=("slack",), again_hours=1))
    hour(mailed, start, 20, bad=10)
    alerts.tick(mailed)
    hour(mailed, start + 3 * 3600_000, 1)
    clock = now() + timedelta(hours=2)
    monkeypatch.setattr(watching, "now", lambda: clock)
    assert alerts.tick(mailed) == 1
    assert told(mailed) == ["firing"] and alerts.firing(mailed)


def test_a_rule_that_watches_something_else_ends_what_it_told(workspace, start):
    rule = alerts.save(workspace, ERRORS)
    hour(workspace, start, 20, bad=10)
    alerts.tick(workspace)
    alerts.save(workspace, replace(rule, name="The same by another name"))
    assert alerts.tick(workspace) == 0 and alerts.firing(workspace)
    alerts.save(workspace, replace(rule, series=Series.LATENCY, limit=1e6))
    # A look of the rule as it was, which ended after the change.
    assert alerts.standings(workspace)[0].looked_at is None
    assert alerts.tick(workspace) == 1
    (one,) = alerts.standings(workspace)
    assert (one.state, one.alert) == (State.OK, None)


def test_a_rule_never_gets_the_number_of_one_that_is_gone(workspace, start):
    gone = alerts.save(workspace, replace(ERRORS, name="エラーが多い"))
    hour(workspace, start, 20, bad=10)
    alerts.tick(workspace)
    alerts.mute(workspace, gone.id, now() + timedelta(hours=1))
    alerts.remove(workspace, gone.id)
    alerts.save(workspace, replace(ERRORS, name="遅い", series=Series.LATENCY, limit=1e6))
    (one,) = alerts.standings(workspace)
    assert (one.state, one.alert, one.looked_at) == (State.PENDING, None, None)


def test_all_is_well_only_while_somebody_looks(workspace):
    rule = alerts.save(workspace, ERRORS)
    for ago, state in ((15, State.OK), (45, State.STALE)):
        seen = {"found": "calm", "watched": rule.watched}
        records.keep_look(workspace, rule.id, now() - timedelta(minutes=ago), seen)
        assert alerts.standings(workspace)[0].state is state


def test_muting_holds_back_what_is_told_and_nothing_else(mailed, start):
    rule = alerts.save(mailed, replace(ERRORS, to=("slack",)))
    alerts.mute(mailed, rule.id, now() + timedelta(hours=1))
    hour(mailed, start, 20, bad=10)
    alerts.tick(mailed)
    (one,) = alerts.standings(mailed)
    assert (one.state, told(mailed)) == (State.MUTED, []) and one.alert
    alerts.mute(mailed, rule.id, None)
    alerts.save_maintenance(mailed, [Maintenance(now() - timedelta(hours=1), now() + timedelta(hours=1), "Move")])
    alerts.tick(mailed)
    assert told(mailed) == [] and alerts.standings(mailed)[0].state is State.MUTED
    alerts.save_maintenance(mailed, [])
    alerts.tick(mailed)
    assert told(mailed) == ["firing"]


def test_a_scorer_that_fell_silent_is_told(workspace, start):
    rule = alerts.save(workspace, Rule("", "Silent", Series.SILENCE, Way.STOPS, "short"))
    week = [one for day in range(1, 8) for one in asked(start - day * 86_400_000, 50, marks=(verdict(True),))]
    keep(workspace, week + asked(start - 2 * SLOT_MS, 40), start + LATE_MS)
    alerts.tick(workspace)
    (one,) = alerts.firing(workspace)
    assert one.rule.id == rule.id and str(one.alert.text.what) == "“short” gave no verdict on 40 answers."
    assert one.alert.text.step.page == "monitoring"


def test_a_scorer_of_which_little_is_known_or_that_judges_less_on_purpose_is_not_silent(workspace, start):
    rule = Rule("", "Silent", Series.SILENCE, Way.STOPS, "short")
    keep(workspace, asked(start - 86_400_000, 1, marks=(verdict(True),)) + asked(start - SLOT_MS, 40), start)
    (seen,) = looking.at(workspace, rule, [start // SLOT_MS])
    assert seen.found is Found.CALM
    keep(workspace, asked(start - 2 * 86_400_000, 350, marks=(verdict(True),)), start)
    assert looking.at(workspace, rule, [start // SLOT_MS])[0].found is Found.FIRES
    workspace.platform.scoring.apply(workspace, [MonitoredScorer("short", 1, 0.1, True)])
    assert looking.at(workspace, rule, [start // SLOT_MS])[0].found is Found.CALM
    keep(workspace, asked(start - SLOT_MS, 4), start)
    workspace.platform.scoring.apply(workspace, [MonitoredScorer("short", 1, 1.0, True)])
    assert looking.at(workspace, rule, [start // SLOT_MS])[0].found is Found.CALM


def test_a_preview_knows_no_more_than_the_tick_did(workspace, start):
    """The first question lies before what the tick reads: to it these days are the first ones."""
    rule = Rule("", "More", Series.VOLUME, Way.RISES, least=1)
    day = 86_400_000
    keep(workspace, asked(start - 14 * day, 5) + asked(start - day, 30), start)
    ends = [start // SLOT_MS - 14 * 96, start // SLOT_MS]
    assert looking.at(workspace, rule, ends)[-1] == looking.at(workspace, rule, ends[-1:])[0]


def test_numbers_are_read_as_people_write_them():
    seen = [words.amount(Series.LATENCY, one, Currency()) for one in (0.5, 99.96, 1000.0)]
    assert [str(one) for one in seen] == ["0.5 s", "100 s", "1,000 s"]
    assert words.amount(Series.COST, 0.004, Currency("JPY", 150.0)) == "¥0.6"


def test_two_people_lose_neither_a_window_nor_a_channel(workspace):
    window = Maintenance(now(), now() + timedelta(hours=1), "Move")
    read, chosen = alerts.maintenance_version(workspace), alerts.channels_version(workspace)
    alerts.save_maintenance(workspace, [window], read)
    alerts.save_channels(workspace, Channels(language="ja"), chosen)
    with pytest.raises(ConflictError):
        alerts.save_maintenance(workspace, [replace(window, why="Another")], read)
    with pytest.raises(ConflictError):
        alerts.save_channels(workspace, Channels(), chosen)
    assert alerts.maintenance(workspace) == [window] and alerts.channels(workspace).language == "ja"


@pytest.mark.parametrize(
    ("since", "until", "why", "told"),
    [(0, 1, " ", "needs a reason"), (1, 1, "Move", "begins before it ends"), (-2, -1, "Move", "is over already")],
)
def test_a_window_that_cannot_be_says_what_is_wrong_with_it(workspace, since, until, why, told):
    begun = now()
    wanted = Maintenance(begun + timedelta(hours=since), begun + timedelta(hours=until), why)
    with pytest.raises(InvalidInputError, match=told):
        alerts.save_maintenance(workspace, [wanted])


def test_a_window_that_ended_meanwhile_is_no_reason_to_refuse_another(workspace, monkeypatch):
    first = Maintenance(now(), now() + timedelta(hours=1), "Move")
    alerts.save_maintenance(workspace, [first])
    later = first.end + timedelta(hours=1)
    monkeypatch.setattr(muting, "now", lambda: later)
    second = Maintenance(later, later + timedelta(hours=1), "Move again")
    alerts.save_maintenance(workspace, [first, second])
    assert alerts.maintenance(workspace) == [second]


def test_no_traffic_is_told_where_there_was_some(workspace, start):
    alerts.save(workspace, Rule("", "Silence", Series.SILENCE, Way.STOPS))
    keep(workspace, [], start + LATE_MS)
    alerts.tick(workspace)
    assert alerts.standings(workspace)[0].state is State.PENDING
    keep(workspace, asked(start - 86_400_000, 5), start + SLOT_MS + LATE_MS)
    alerts.tick(workspace)
    assert str(alerts.firing(workspace)[0].alert.text.what) == "Nobody asked anything."


def test_people_who_differ_from_the_scorer_are_counted_once_per_answer(workspace, start):
    differing = (verdict(True), verdict(False, person="bob"), verdict(True, person="eve"))
    agreeing = (verdict(True), verdict(True, person="bob"))
    facts = asked(start - SLOT_MS, 6, marks=differing) + asked(start - SLOT_MS, 4, marks=agreeing)
    keep(workspace, facts, start + LATE_MS)
    rule = Rule("", "Differ", Series.DISAGREEMENT, Way.ABOVE, "short", limit=0.5, least=5)
    (seen,) = looking.at(workspace, rule, [start // SLOT_MS])
    assert (seen.found, seen.now, seen.n) == (Found.FIRES, 0.6, 10)


def test_what_is_watched_is_what_the_charts_show(workspace, start):
    facts = asked(start - SLOT_MS, 95, millis=1000, cost=2_000_000) + asked(start - SLOT_MS, 5, millis=9000, cost=0)
    keep(workspace, facts, start + LATE_MS)
    shown = readmodel.read(workspace, readmodel.Window((start - 4 * SLOT_MS, start))).total
    for series, value in (
        (Series.VOLUME, shown.count),
        (Series.TOKENS, shown.tokens),
        (Series.COST, shown.cost),
        (Series.LATENCY, 1.0),
    ):
        (seen,) = looking.at(workspace, Rule("", "", series, Way.ABOVE), [start // SLOT_MS])
        assert seen.now == pytest.approx(value, rel=0.01), series


def test_a_cost_that_nobody_knows_is_no_cost_of_nought(workspace, start):
    keep(workspace, asked(start - SLOT_MS, 30), start + LATE_MS)
    (seen,) = looking.at(workspace, Rule("", "", Series.COST, Way.BELOW, limit=1), [start // SLOT_MS])
    assert seen.found is Found.NO_DATA


KINDS = {kind.name: kind for kind in calibration.KINDS}


@pytest.mark.parametrize("name", ["pass rate 90 %", "volume, days", "cost, days"])
def test_a_quiet_series_fires_no_more_often_than_stated(name):
    """At one in a week, 30 weeks may show 47 by chance (Poisson, 99.9 %)."""
    chance, found = np.random.default_rng(1), {}
    for _ in range(30):
        held = calibration.quiet(KINDS[name], 1, chance)
        for rule in calibration.rules(KINDS[name]):
            found[rule] = found.get(rule, 0) + calibration.alarms(held, rule)
    assert max(found.values()) <= 47


@pytest.mark.parametrize(
    ("name", "factor", "worse", "way"),
    [
        ("pass rate 90 %", 1.0, 0.2, Way.FALLS),
        ("errors 1 %", 1.0, -0.06, Way.RISES),
        ("95 of 100 within", 1.0, 1.0, Way.RISES),
        ("volume", 0.3, 0.0, Way.FALLS),
        ("volume, days", 3.0, 0.0, Way.RISES),
        ("cost, days", 4.0, 0.0, Way.RISES),
    ],
)
@pytest.mark.parametrize("baseline", Baseline)
def test_a_real_change_is_found_in_its_direction_only(name, factor, worse, way, baseline):
    held = calibration.quiet(KINDS[name], 1, np.random.default_rng(5), factor, worse)
    since = 2 * calibration.WEEK - calibration.DAY - 24
    rule = Rule("r", "r", KINDS[name].series, way, "short", 360, baseline=baseline, least=1)
    other = replace(rule, way=Way.FALLS if way is Way.RISES else Way.RISES)
    assert calibration.alarms(held, rule, since) >= 1
    # Three times the morning's rise is three times the evening's fall: both are more than usual beside the time before.
    if baseline is Baseline.SAME_HOURS or not KINDS[name].rhythm:
        assert calibration.alarms(held, other, since) == 0


def test_a_change_too_small_to_matter_is_not_told():
    held = calibration.quiet(KINDS["pass rate 90 %"], 1, np.random.default_rng(5), worse=0.2)
    rule = Rule("r", "r", Series.PASSED, Way.FALLS, "short", 360, least=1, limit=0.5)
    assert calibration.alarms(held, rule) == 0


DRIFT = Rule("", "Drift", Series.DRIFT, Way.CHANGES, minutes=360, baseline=Baseline.BEFORE, limit=0.05)


def test_what_people_ask_in_another_language_is_told_without_their_words(workspace, start):
    rule = alerts.save(workspace, DRIFT)
    look = rule.step * SLOT_MS
    start = -(-start // look) * look
    english = {"question": "Parcel", "answer": "Here."}
    japanese = {"question": "荷物はどこ？", "answer": "ここです。"}
    moments = [(start - slot * SLOT_MS + part * SLOT_MS // 3, slot <= 24) for slot in range(1, 49) for part in range(3)]
    facts = [one for at, late in moments for one in asked(at, 1, **(japanese if late else english))]
    keep(workspace, facts, start + LATE_MS)
    assert watching.tick(workspace) == 1
    (alert,) = records.open_alerts(workspace)
    said = str(alert.text.what)
    assert said.startswith("Questions in Japanese: changed by 100 points in a sample of ")
    assert "Parcel" not in str(alert.text.to_json()) and "荷物" not in str(alert.text.to_json())
    assert (alert.text.step.page, alert.text.step.query) == ("monitoring", {"hours": "6"})
    end = start // SLOT_MS
    seen = looking.at(workspace, rule, [end - 24, end])
    assert [one.found for one in seen] == [Found.NO_BASELINE, Found.FIRES], "a preview sees it too"


def test_few_questions_are_no_drift(workspace, start):
    for slot in range(1, 49):
        keep(
            workspace, asked(start - slot * SLOT_MS, 1, question="日本語" if slot == 1 else "English"), start + LATE_MS
        )
    seen = looking.at(workspace, replace(DRIFT, least=1), [start // SLOT_MS, start // SLOT_MS - 24])
    assert [one.found for one in seen] == [Found.NO_DATA, Found.NO_DATA]
    for wrong in (replace(DRIFT, minutes=60), replace(DRIFT, least=301)):
        with pytest.raises(InvalidInputError):
            alerts.save(workspace, wrong)


@pytest.mark.parametrize("baseline", Baseline)
def test_drift_is_told_when_questions_change_and_seldom_when_not(baseline):
    """At one in a week, 2 weeks may show 8 by chance (Poisson, 99.9 %)."""
    chance = np.random.default_rng(4)
    pool, other = (calibration.questions(600, chance) for _ in range(2))
    rule = replace(DRIFT, baseline=baseline, once_in="week", limit=0.0)
    week, end = calibration.WEEK, 3 * calibration.WEEK
    quiet = [calibration.drifts(calibration.drawn(pool, chance), rule, end - week, end - 1) for _ in range(2)]
    assert sum(quiet) <= 8
    # Other subjects, and longer answers.
    longer = replace(other, lengths=np.add(other.lengths, [0, 80]))
    assert calibration.drifts(calibration.drawn(pool, chance, longer, end - 24), rule, end - 24, end) == 1


def test_the_same_hours_are_those_of_the_clock():
    """In Berlin clocks went back on 25 October 2026: nine in the morning is another hour of UTC."""
    end = 1_793_001_600_000 // SLOT_MS  # 2026-10-26 08:00 UTC, 09:00 in Berlin
    rule = Rule("r", "r", Series.VOLUME, Way.FALLS)
    days = same_hours(rule, np.array([end]), "Europe/Berlin")[0]
    assert (end - days).tolist() == [7 * 96 + 4, 6 * 96 + 4, 5 * 96 + 4, 4 * 96 + 4, 3 * 96 + 4, 2 * 96 + 4, 96]


def test_the_preview_fires_when_the_tick_would(workspace, start):
    rule = replace(ERRORS, minutes=15)
    facts = [one for back in range(1, 200) for one in asked(start - back * SLOT_MS, 25)]
    for back in (100, 99, 50):
        facts += asked(start - back * SLOT_MS, 25, state="ERROR")
    keep(workspace, facts, start + LATE_MS)
    found = watching_free_preview(workspace, rule)
    began = [one.since.timestamp() * 1000 for one in found.episodes]
    assert began == [start - 99 * SLOT_MS, start - 49 * SLOT_MS]
    assert found.unknown == len(found.seen) - 199


def watching_free_preview(workspace, rule):
    """Without reading MLflow again, which holds none of these traces."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(readmodel, "catch_up", lambda *arguments: None)
        return alerts.preview(workspace, rule)


def test_the_job_reads_and_looks(workspace):
    for _ in range(3):
        leave(workspace, error=True, hours_ago=0.4)
    alerts.save(workspace, replace(ERRORS, least=3))
    job = jobs.submit(workspace, watching.JOB, {})
    while (taken := jobs.claim(workspace.engine)).id != job.id:
        jobs.finish(workspace.engine, taken, {})
    assert watching.run(workspace, jobs.Work(workspace.engine, taken)) == {"looked": 1}
    assert "100 % of 3 questions" in str(alerts.firing(workspace)[0].alert.text.what)


def test_only_apps_with_rules_are_looked_at(workspace):
    jobs.ensure(workspace.engine, watching.JOB, 60, having="alert_rules")
    assert jobs.recent(workspace, watching.JOB) == []
    alerts.save(workspace, ERRORS)
    jobs.ensure(workspace.engine, watching.JOB, 60, having="alert_rules")
    assert len(jobs.recent(workspace, watching.JOB)) == 1


def test_rules_are_kept_by_version_and_checked(workspace, start):
    rule = alerts.save(workspace, ERRORS)
    again = alerts.save(workspace, replace(rule, limit=0.2))
    assert (again.id, alerts.all(workspace)) == (rule.id, [again])
    for wrong in (
        replace(ERRORS, name=" "),
        replace(ERRORS, limit=2),
        replace(ERRORS, minutes=7),
        replace(ERRORS, series=Series.PASSED),
    ):
        with pytest.raises(InvalidInputError):
            alerts.save(workspace, wrong)
    hour(workspace, start, 20, bad=10)
    alerts.tick(workspace)
    alerts.remove(workspace, rule.id)
    alerts.tick(workspace)
    assert alerts.all(workspace) == records.open_alerts(workspace) == []


@pytest.mark.parametrize(
    ("role", "write"),
    [
        (Role.REVIEWER, lambda place: alerts.save(place, ERRORS)),
        (Role.REVIEWER, lambda place: alerts.mute(place, "r", None)),
        (Role.VIEWER, lambda place: alerts.acknowledge(place, 1)),
        (Role.AUTHOR, lambda place: alerts.save_channels(place, Channels())),
        (Role.AUTHOR, lambda place: alerts.tell_test(place, "slack")),
    ],
)
def test_who_may_not_is_refused(workspace, role, write):
    with pytest.raises(ForbiddenError):
        write(replace(workspace, actor=Actor("bob", frozenset({role}))))
