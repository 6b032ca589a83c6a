"""One evaluation at a glance: who answered what, each scorer's mean with what it rests on, time and money."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from pages.components import session
from pages.components.evaluations import titles
from services.evaluations import Evaluation, comparing, mlflow_numbers
from services.evaluations.records import TEXT
from services.evaluations.sources import AGENT

_, say = session.text, session.say
ACROSS = 4
# US dollars: a smaller difference per question is none.
LEAST_COST = 1e-4
NOTHING = comparing.Spent(None, None, None, None, None)


def head(made: Evaluation, pinned: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(session.escape(titles.title(made)), anchor=False, width="content")
        st.badge(_(titles.STATE.get(made.state, made.state)), color=titles.COLOUR.get(made.state, "gray"))
        if pinned:
            st.badge(_("baseline"), icon=":material/keep:", color="violet")
        if made.outside:
            st.badge(
                _("made outside the console"),
                color="gray",
                help=_("A notebook or another tool ran it. What was asked and scored is read from its traces."),
            )
        if made.practice_answered:
            st.badge(
                _("practice model"),
                color="orange",
                help=_("The built-in practice model answered, not a real language model."),
            )
        if made.practice_judged:
            st.badge(
                _("practice judge"),
                color="orange",
                help=_("The built-in practice model judged: it decides by rules, not by understanding."),
            )
    told = [_("dataset {name}", name=made.dataset_name)] if made.dataset_name else []
    told += [_("started by {person}", person=made.actor)] if made.actor else []
    told += [_("each question asked {n} times", n=made.repeats)] if made.repeats > 1 else []
    told += [_("live at its start: {versions}", versions=made.live)] if made.live else []
    known = _("The dataset's content then: {hash}. Equal letters mean equal questions.", hash=made.dataset_sha256[:8])
    st.caption(session.escape(" · ".join(told)), help=known if made.dataset_sha256 else None)


def proof(made: Evaluation) -> None:
    """Which prompt version the traces themselves show."""
    if made.outside:
        return
    if made.source != AGENT:
        st.caption(
            _(
                "No prompt version was asked for, and it is not known which agent version gave each answer. This evaluation cannot carry a release."
            )
        )
    elif not made.prompt_name and made.loaded:
        found = _(
            "It is logged without a prompt, but the evaluation's traces show that it loads one: {names}.",
            names=session.escape(_(", ").join(made.loaded)),
        )
        st.warning(found, icon=":material/warning:")
    elif not made.prompt_name:
        st.caption(
            _(
                "This agent version asks no prompt of the app: its instructions are part of its code, so there is no prompt version. It can be compared with other versions and released."
            )
        )
    elif made.prompt_version is None:
        st.warning(
            _(
                "The traces do not agree on one prompt version: the agent may ignore its prompt. This evaluation cannot carry a release."
            ),
            icon=":material/warning:",
        )
    elif not made.prompt_seen:
        st.warning(
            _("The prompt's text was not seen in what the model was sent: the agent may not use its prompt."),
            icon=":material/warning:",
        )
    else:
        st.caption(
            _("The traces show that prompt version {n} reached the model in every answer.", n=made.prompt_version)
        )


def scores(made: Evaluation, rows: pd.DataFrame, kinds: Mapping[str, str]) -> None:
    """Our number with its n; where MLflow's is another one, both and why."""
    differing = {one.scorer: one for one in mlflow_numbers.differences(made, rows, kinds)}
    for start in range(0, len(made.scores), ACROSS):
        for column, (name, score) in zip(
            st.columns(ACROSS), list(made.scores.items())[start : start + ACROSS], strict=False
        ):
            with column.container(border=True, height="stretch"):
                st.metric(session.escape(name), _words(rows, name) if score.kind == TEXT else titles.score(score))
                st.caption(titles.standing(score))
                if name in differing:
                    st.caption(session.escape(say(differing[name].why)))
    if made.failed:
        st.warning(
            _(
                "{n} of {rows} {rows:question was|questions were} not answered. This counts as a failure of every scorer.",
                n=made.failed,
                rows=made.rows,
            )
        )


def spent(now: pd.DataFrame, before: pd.DataFrame | None = None) -> None:
    """Seconds, tokens and cost of an answer, with the difference to what it is compared with."""
    here, there = comparing.spent(now), comparing.spent(before) if before is not None else NOTHING
    columns = st.columns(ACROSS)
    told = (
        (_("Seconds, typical"), here.seconds, there.seconds, 2, _("Half of the answers took no longer.")),
        (_("Seconds, slow ones"), here.slowest, there.slowest, 2, _("95 of 100 answers took no longer.")),
        (_("Tokens per question"), _sum(here), _sum(there), 0, None),
        (_("Cost per question"), here.cost, there.cost, None, None),
    )
    for column, (label, value, old, digits, meaning) in zip(columns, told, strict=True):
        column.metric(
            label,
            _shown(value, digits),
            _difference(value, old, digits),
            delta_color="inverse",
            help=_("No price or token count is known for these answers.") if value is None else meaning,
        )


def _sum(found: comparing.Spent) -> float | None:
    known = [one for one in (found.input_tokens, found.output_tokens) if one is not None]
    return sum(known) if known else None


def _shown(value: float | None, digits: int | None) -> str:
    if value is None:
        return "–"
    return session.escape(session.money(value)) if digits is None else f"{value:,.{digits}f}"


def _difference(value: float | None, old: float | None, digits: int | None) -> str | None:
    if value is None or old is None:
        return None
    by = value - old
    if digits is None:
        # A metric tells better from worse by the first sign, which must not be escaped.
        return f"{'-' if by < 0 else '+'}{session.escape(session.money(abs(by)))}" if abs(by) >= LEAST_COST else None
    return f"{by:+,.{digits}f}" if abs(by) >= 10**-digits else None


def _words(rows: pd.DataFrame, name: str) -> str:
    """The value that a scorer of words gave most often."""
    found = rows[name].dropna().value_counts()
    return session.escape(f"{found.index[0]} ({found.iloc[0]})") if len(found) else "–"
