"""What people ask and are answered now, beside the time before."""

import streamlit as st

from pages.components import session
from pages.components.production.links import link
from services import monitoring
from services.monitoring import Overview
from services.monitoring.drifting import FEWEST, Drift, Word
from services.workspace import Workspace

_ = session.text


def show(workspace: Workspace, found: Overview) -> None:
    drift = monitoring.drift(workspace, found)
    if not drift.enough:
        st.caption(
            _(
                "{now} answered questions of this time and {before} of the time before, one of each conversation: at least "
                "{n} of each are needed to tell whether something changed. Choose a longer time.",
                now=drift.now,
                before=drift.before,
                n=FEWEST,
            )
        )
        return
    st.markdown(_told(drift))
    st.table(
        {
            _("Compared"): [_(one.name) for one in drift.features],
            _("In the time before"): [_value(one.before) for one in drift.features],
            _("In this time"): [_value(one.now) for one in drift.features],
            _("Verdict"): [_("changed") if one.changed else _("no change found") for one in drift.features],
        }
    )
    if drift.words:
        st.markdown(_("**Words in more or fewer questions than before**"))
        with st.container(horizontal=True):
            for word in drift.words:
                link(found, _word(word), text=word.text)
    st.caption(
        _(
            "From {now} answered questions of this time and {before} of the time before, one of each conversation, spread evenly "
            "over the time. “Changed” means by more than chance, counting that {n} things were compared, and by 5 points or more. When what people ask "
            "changes, scores may move without a release.",
            now=f"{drift.now:,}",
            before=f"{drift.before:,}",
            n=len(drift.features),
        )
    )


def _told(drift: Drift) -> str:
    changed = [_(one.name) for one in drift.features if one.changed]
    if not changed:
        return _(
            "No change was found. A share that moved by about {n} points would have been found in 8 of 10 cases.",
            n=f"{drift.noticed * 100:.0f}",
        )
    return _("Something changed: {what}.", what="; ".join(changed))


def _value(value: tuple[float, ...]) -> str:
    if len(value) == 1:
        return session.percent(value[0])
    low, median, high = (f"{length:,.0f}" for length in value)
    return _("{median} (half: {low} to {high})", median=median, low=low, high=high)


def _word(word: Word) -> str:
    values = {"word": session.escape(word.text), "before": _share(word.before), "now": _share(word.now)}
    return _("{word}: {before} → {now}", **values)


def _share(share: float) -> str:
    return session.percent(share) if share >= 0.1 else _("{n} %", n=f"{share * 100:.1f}")
