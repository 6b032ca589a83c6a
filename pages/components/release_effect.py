"""What production was like before a release and after it."""

from datetime import datetime, timedelta

import streamlit as st

from pages.components import session
from pages.components.production.links import between
from services import monitoring, releases
from services.money import Currency
from services.readmodel import Part, Scored
from services.releases import Release
from services.workspace import Workspace

_, say = session.text, session.say
P95 = 2


def show(workspace: Workspace, release: Release) -> None:
    """Nothing for a release that moved nothing, or that customers did not meet."""
    if release.moved_at is None or not workspace.app.environment.live:
        return
    folded = st.expander(
        _("Production before and after"), icon=":material/monitoring:", key=f"effect-{release.id}", on_change="rerun"
    )
    if not folded.open:
        return
    with folded:
        _show(workspace, release)


def _show(workspace: Workspace, release: Release) -> None:
    assert release.moved_at is not None
    next_one = releases.successors(workspace).get(release.id)
    ended = releases.get(workspace, next_one).moved_at if next_one else None
    found = monitoring.effect(workspace, release.moved_at, ended)
    if found is None:
        st.write(_("Too early, or live for too short a time: whole quarter hours of both are compared."))
        return
    st.caption(
        _(
            "{length} before the move, beside the same time after it. The quarter hour of the move is left out.",
            length=_length(found.length),
        )
    )
    money = workspace.app.money
    st.table(
        {
            _("Live traffic"): _names(),
            _("Before"): _column(found.before, money),
            _("After"): _column(found.after, money),
        }
    )
    if found.scores:
        st.table(
            {
                _("Scorer"): [session.escape(one.now.name) for one in found.scores],
                _("Before"): [_share(one.before) for one in found.scores],
                _("After"): [_share(one.now) for one in found.scores],
                _("Verdict"): [say(monitoring.told(one)) for one in found.scores],
            }
        )
        st.caption(
            _(
                "“Cannot tell yet” means that chance alone makes such a difference in more than 5 of 100 cases. What people "
                "asked may have changed too: the evaluation compares the same questions."
            )
        )
    with st.container(horizontal=True):
        _link(_("Traces before"), found.since, found.moved)
        _link(_("Traces after"), found.resumed, found.until)


def _names() -> list[str]:
    return [
        _("Questions"),
        _("Failed"),
        _("Median time"),
        _("95 of 100 within"),
        _("First words, median"),
        _("Tokens per answer"),
        _("Cost per answer"),
    ]


def _column(part: Part, money: Currency) -> list[str]:
    answered = part.count - part.errors
    return [
        f"{part.count:,}",
        f"{part.errors:,}" + (f" ({session.percent(part.errors / part.count)})" if part.count else ""),
        session.millis(part.millis[0]),
        session.millis(part.millis[P95]),
        session.millis(part.first[0]),
        f"{part.tokens / answered:,.0f}" if answered and part.tokens else "–",
        session.escape(money.written(part.cost / answered if answered and part.cost is not None else None)),
    ]


def _share(scored: Scored | None) -> str:
    if scored is None or scored.rate is None:
        return "–"
    return _("{share} of {n}", share=session.percent(scored.rate), n=scored.judged)


def _length(length: timedelta) -> str:
    hours = round(length.total_seconds() / 3600)
    if hours >= 48:
        return _("{n} {n:day|days}", n=round(hours / 24))
    if hours >= 2:
        return _("{n} {n:hour|hours}", n=hours)
    n = round(length.total_seconds() / 60)
    return _("{n} {n:minute|minutes}", n=n)


def _link(label: str, since: datetime, until: datetime) -> None:
    st.page_link(
        session.page("traces"),
        label=label,
        icon=":material/account_tree:",
        query_params=between(since, until),
    )
