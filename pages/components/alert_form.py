"""A rule as a form, with when it would have fired."""

from dataclasses import replace

import streamlit as st

from pages.components import alert_preview, feedback, session
from pages.components.alert_choices import AGAIN, BASELINE, CHANNEL, ONCE_IN, SERIES, USUAL, WAY
from services import alerts, audit, scorers
from services.alerts import (
    CHANGING,
    DAYS,
    LONGEST_NAME,
    OF_SCORERS,
    SAMPLE_OF_DRIFT,
    SHARES,
    TOTALS,
    WINDOW,
    WINDOWS_OF_DRIFT,
    Rule,
    Series,
    Way,
)
from services.audit import Verb
from services.errors import NotFoundError
from services.messages import LANGUAGES, Message, render
from services.money import Currency
from services.workspace import Workspace

_, say = session.text, session.say

LEAST_POINTS, LEAST_PART = 0.05, 0.2


def show(workspace: Workspace, id: str) -> None:
    """The rule of this id, or a new one."""
    try:
        stored = alerts.get(workspace, id) if id else None
    except NotFoundError as error:
        feedback.show_error(error)
        return
    form, preview = st.columns([2, 3], gap="large")
    with form:
        rule = _fields(workspace, stored)
        may = audit.allowed(workspace, Verb.SAVE_ALERT)
        label = _("Save the rule")
        st.button(
            label,
            key=f"save-{_place(workspace, stored)}",
            type="primary",
            on_click=_save,
            args=(workspace, rule),
            disabled=not may,
        )
    with preview:
        alert_preview.show(workspace, rule)


def _fields(workspace: Workspace, stored: Rule | None) -> Rule:
    key = _place(workspace, stored)
    names = [one.name for one in scorers.all(workspace)]
    series = st.selectbox(
        _("What is watched"),
        list(SERIES),
        list(SERIES).index(stored.series) if stored else 1,
        format_func=lambda one: _(SERIES[one]),
        key=f"series-{key}",
    )
    way = stored.way if stored and stored.series is series else USUAL[series][0]
    scorer = _scorer(series, names, stored, f"scorer-{key}-{series.value}")
    rule = stored or Rule("", "", series, way)
    rule = replace(rule, series=series, scorer=scorer)
    rule = _when(workspace, rule, way, stored, f"{key}-{series.value}")
    rule = _more(rule, f"{key}-{series.value}")
    return _who(workspace, rule, stored, key)


def _scorer(series: Series, names: list[str], stored: Rule | None, key: str) -> str:
    if series not in (*OF_SCORERS, Series.SILENCE):
        return ""
    options = [""] * (series is Series.SILENCE) + sorted(
        {*names, *([stored.scorer] if stored and stored.scorer else [])}
    )
    if not options:
        st.info(_("This app has no scorers yet. Make some on the Scorers screen."))
        return ""
    before = stored.scorer if stored and stored.scorer in options else options[0]
    return st.selectbox(
        _("Scorer"),
        options,
        options.index(before),
        format_func=lambda one: one or _("None: the questions themselves"),
        key=key,
    )


def _when(workspace: Workspace, rule: Rule, way: Way, stored: Rule | None, key: str) -> Rule:
    drift = rule.series is Series.DRIFT
    windows = list(WINDOWS_OF_DRIFT if drift else WINDOW)
    minutes = st.selectbox(
        _("Over the last"),
        windows,
        windows.index(rule.minutes) if rule.minutes in windows else 0,
        format_func=lambda one: _(WINDOW[one]),
        key=f"window-{key}",
    )
    if rule.series is Series.SILENCE:
        return replace(rule, way=Way.STOPS, minutes=minutes, limit=0.0)
    if drift:
        before = stored if stored and stored.series is Series.DRIFT else None
        return _compared(replace(rule, way=Way.CHANGES, minutes=minutes), before, key)
    way = st.radio(
        _("Tell when"), list(WAY), list(WAY).index(way), format_func=lambda one: _(WAY[one]), key=f"way-{key}"
    )
    rule = replace(rule, way=way, minutes=minutes)
    before = stored if stored and (stored.series, stored.way in CHANGING) == (rule.series, way in CHANGING) else None
    if way not in CHANGING:
        limit = before.limit if before else USUAL[rule.series][1]
        return replace(rule, limit=_limit(workspace.app.money, rule, limit, f"limit-{key}-{way.value}"))
    return _compared(rule, before, key)


def _compared(rule: Rule, before: Rule | None, key: str) -> Rule:
    """With what, how sure, and how much of a change matters."""
    baseline = st.radio(
        _("Compared with"),
        list(BASELINE),
        list(BASELINE).index(rule.baseline),
        format_func=lambda one: _(BASELINE[one]),
        key=f"base-{key}",
    )
    once_in = st.radio(
        _("Of a quiet series, at most one false alarm"),
        list(DAYS),
        list(DAYS).index(rule.once_in),
        format_func=lambda one: _(ONCE_IN[one]),
        key=f"once-{key}",
        horizontal=True,
    )
    share = rule.series in (*SHARES, Series.DRIFT)
    asked = st.number_input(
        _("Least change that matters, in points of 100") if share else _("Least change that matters, in %"),
        0.0,
        100.0 if share else 1000.0,
        (before.limit if before else LEAST_POINTS if share else LEAST_PART) * 100,
        1.0,
        "%.0f",
        key=f"least-{key}",
    )
    return replace(rule, baseline=baseline, once_in=once_in, limit=asked / 100)


def _limit(money: Currency, rule: Rule, limit: float, key: str) -> float:
    if rule.series in SHARES:
        return st.number_input(_("Limit in %"), 0.0, 100.0, limit * 100, 1.0, "%.1f", key=key) / 100
    if rule.series is Series.COST:
        label = _("Limit in {currency}", currency=money.sign)
        shown = float(f"{money.of(limit):.12g}")
        return money.dollars(
            st.number_input(label, 0.0, None, shown, 1.0, "%g", key=f"{key}-{money.code}-{money.rate:g}")
        )
    label = _("Limit in seconds") if rule.series is Series.LATENCY else _("Limit")
    return float(st.number_input(label, 0.0, None, limit, 1.0, "%g", key=key))


def _more(rule: Rule, key: str) -> Rule:
    total, silence = rule.series in TOTALS, rule.series is Series.SILENCE
    most = SAMPLE_OF_DRIFT if rule.series is Series.DRIFT else 1_000_000
    with st.expander(_("More choices")):
        least = st.number_input(
            _("Fewer answers than this say nothing"), 1, most, min(rule.least, most), key=f"few-{key}",
            disabled=silence or (total and not rule.changing),
        )  # fmt: skip
        no_data = st.checkbox(
            _("Tell also when there are too few answers"), rule.tell_no_data, key=f"none-{key}",
            disabled=silence or (total and rule.series is not Series.COST),
        )  # fmt: skip
        again = st.selectbox(
            _("While nobody looks after it, tell again"),
            list(AGAIN),
            list(AGAIN).index(rule.again_hours) if rule.again_hours in AGAIN else 3,
            format_func=lambda one: _(AGAIN[one]),
            key=f"again-{key}",
        )
        on = st.toggle(_("The rule is on"), rule.on, key=f"on-{key}")
    return replace(rule, least=int(least), tell_no_data=no_data, again_hours=again, on=on)


def _who(workspace: Workspace, rule: Rule, stored: Rule | None, key: str) -> Rule:
    used = list(alerts.channels(workspace).used)
    if used:
        chosen = st.multiselect(
            _("Also tell by"),
            used,
            [one for one in (stored.to if stored else used) if one in used],
            format_func=lambda one: _(CHANNEL[one]),
            key=f"to-{key}",
            placeholder=_("Choose one or more"),
        )
    else:
        chosen = []
        st.caption(_("It shows on this screen, on Home and on Monitoring. Under “Where alerts go” you choose more."))
    sentence = say(alerts.describe(rule, workspace.app.money))
    name = st.text_input(_("Name"), _own_name(workspace, stored), placeholder=sentence, key=f"name-{key}")
    return replace(rule, name=name.strip() or sentence, to=tuple(chosen))


def _own_name(workspace: Workspace, stored: Rule | None) -> str:
    """What somebody wrote; a sentence that was taken for it follows the rule when that is changed."""
    if stored is None:
        return ""
    sentences = (render(alerts.describe(stored, workspace.app.money), language) for language in LANGUAGES)
    return "" if stored.name in [one[:LONGEST_NAME] for one in sentences] else stored.name


def _save(workspace: Workspace, rule: Rule) -> None:
    with feedback.action(Message("Saved the rule. It is looked at within a quarter of an hour.")):
        alerts.save(workspace, rule)
        st.query_params.clear()


def _place(workspace: Workspace, stored: Rule | None) -> str:
    return f"{workspace.app.id}-{stored.id if stored else 'new'}"
