"""The charts of the monitoring screen, each with its sentence and the way to its traces."""

import plotly.graph_objects as go
import streamlit as st

from pages.components import agent_titles, charts, session
from pages.components.production import drifting, sentences
from pages.components.production.links import between, chosen, link
from services.agents import AgentVersion
from services.messages import mark
from services.monitoring import HELPFUL, Overview, Score
from services.readmodel import Part, Scored
from services.workspace import Workspace

_, say = session.text, session.say

MORE = {
    "versions": mark("By version"),
    "cost": mark("Tokens and cost"),
    "people": mark("What people said"),
    "drift": mark("What people ask"),
}


def totals(found: Overview) -> None:
    asked, failed, median, slow, *began = st.columns([2, 2, 3, 3, 4] if found.total.streamed else 4)
    total, before = found.total, found.before
    asked.metric(
        _("Questions"),
        f"{total.count:,}",
        f"{total.count - before.count:+,}" if before.count else None,
        delta_color="off",
    )
    failed.metric(
        _("Failed"),
        f"{total.errors:,}",
        help=_("{share} of all questions", share=session.percent(total.errors / total.count)),
    )
    median.metric(_("Median time"), session.millis(total.millis[0]))
    slow.metric(_("95 of 100 within"), session.millis(total.millis[2]))
    for place in began:
        place.metric(
            _("First words, median"),
            session.millis(total.first[0]),
            help=_(
                "{n} of {all} answers were streamed.", n=f"{total.streamed:,}", all=f"{total.count - total.errors:,}"
            ),
        )


def first(found: Overview) -> None:
    left, right = st.columns(2)
    with left.container(border=True, height="stretch"):
        st.markdown(_("**How much is asked.** Failed questions got no answer."))
        _chart(found, charts.volume(found), "volume", sentences.volume(found))
        with st.container(horizontal=True):
            link(found, _("Show these traces"))
            if found.total.errors:
                link(found, _("Show the failed ones"), state="ERROR")
    with right.container(border=True, height="stretch"):
        st.markdown(
            _(
                "**How long an answer takes.** Half are faster than the median; 95 of 100 are faster than the upper line."
            )
        )
        _chart(found, charts.seconds(found), "seconds", f"{sentences.seconds(found)} {sentences.first_words(found)}")
    with st.container(border=True):
        st.markdown(_("**How good the answers are.** The share that each scorer passed, of the answers it judged."))
        _quality(found)
    _marks(found)


def more(workspace: Workspace, found: Overview, agents: dict[str, AgentVersion]) -> None:
    """One further look at a time: every chart costs the reader's browser."""
    with st.container(border=True):
        look = st.radio(
            _("More about this time"), list(MORE), format_func=lambda one: _(MORE[one]), key="more", horizontal=True
        )
        if look == "cost":
            _spent(found)
        elif look == "people":
            _people(found)
        elif look == "drift":
            drifting.show(workspace, found)
        else:
            _versions(found, agents)


def _quality(found: Overview) -> None:
    judged = found.of_kind("production")
    if not found.scores:
        st.caption(_("No answer of this time has a verdict yet."))
        return
    if judged:
        _chart(found, charts.pass_rates(found, "production"), "scores", sentences.scores(judged))
    if found.judging_changed:
        st.caption(_("What judges was changed in this time, see the marks: scores may have moved without the app."))
    _table(found)
    failing = [one.now.name for one in judged if one.now.passed < one.now.judged]
    with st.container(horizontal=True):
        for name in failing:
            link(found, _("Show what failed “{scorer}”", scorer=session.escape(name)), failed=name)


def _table(found: Overview) -> None:
    """Each voice in a column of its own: the same name never adds up over production, evaluations and people."""
    names = sorted({one.now.name for one in found.scores})
    by = {(one.now.kind, one.now.name): one for one in found.scores}
    voices = {
        _("In production"): [_share(by.get(("production", name))) for name in names],
        _("In the time before"): [
            _rate(one.before if (one := by.get(("production", name))) else None) for name in names
        ],
        _("By people"): [_share(by.get(("people", name))) for name in names],
        _("In evaluations"): [_share(by.get(("evaluation", name))) for name in names],
    }
    st.table({_("Scorer"): [session.escape(name) for name in names], **voices})
    st.caption(_("In brackets: the range that holds the true share in 95 of 100 cases, and n, the judged answers."))


def _share(one: Score | None) -> str:
    if one is None:
        return "–"
    if not one.now.judged:
        return _("mean {mean} (n = {n})", mean=f"{one.now.mean:.2f}", n=f"{one.now.n:,}")
    low, high = one.interval
    return _(
        "{share} ({low} to {high}, n = {n})",
        share=_rate(one.now),
        low=session.percent(low),
        high=session.percent(high),
        n=f"{one.now.judged:,}",
    )


def _rate(one: Scored | None) -> str:
    return session.percent(one.rate) if one is not None and one.rate is not None else "–"


def _marks(found: Overview) -> None:
    if not found.markers:
        return
    with st.container(border=True):
        st.markdown(_("**What was changed in this time**, as the letters on the charts."))
        for position, one in enumerate(found.markers):
            text = f"**{charts.letter(position)}** {session.moment(one.at)} · {session.escape(say(one.what))}"
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(text, width="content")
                if one.release is not None:
                    st.page_link(
                        session.page("releases"),
                        label=_("Release {id}", id=one.release),
                        query_params={"release": str(one.release)},
                    )


def _spent(found: Overview) -> None:
    if not found.total.tokens and found.total.cost is None:
        st.caption(
            _("No tokens and no cost are known: no trace of this time says how many tokens its models read and wrote.")
        )
        return
    left, right = st.columns(2)
    with left:
        _chart(found, charts.tokens(found), "tokens", sentences.tokens(found))
    with right:
        if found.total.cost is None:
            st.caption(sentences.cost(found))
        else:
            _chart(found, charts.cost(found), "cost", sentences.cost(found))


def _people(found: Overview) -> None:
    said = [one for one in found.of_kind("people") if one.now.judged]
    if not said:
        st.caption(_("Nobody has said yet whether an answer of this time helped."))
        return
    one = next((one for one in said if one.now.name == HELPFUL), said[0])
    _chart(found, charts.opinions(found, one.now.name), "people", sentences.opinions(one))
    with st.container(horizontal=True):
        link(found, _("Show what did not help"), opinion="0")
        link(found, _("Show what helped"), opinion="1")


def _versions(found: Overview, agents: dict[str, AgentVersion]) -> None:
    labels = agent_titles.labels(agents.values())
    priced = found.total.cost is not None
    by_agent = [
        (labels.get(id, id) or _("not told by its traces"), part, found.series.model_scores.get(id))
        for id, part in found.series.by_model.items()
    ]
    by_prompt = [
        (_prompt(name), part, found.series.prompt_scores.get(name)) for name, part in found.series.by_prompt.items()
    ]
    # Cells that wrap: a table of data would scroll sideways, as wide as its longest words.
    for title, lines in ((_("Agent version"), by_agent), (_("Prompt version"), by_prompt)):
        st.table(
            [_line(found, title, *one) | (_per_thousand(found, one[1]) if priced else {}) for one in lines],
            hide_index=True,
        )
    # The fields to choose one stand above only where there is more than one.
    if any(len([name for name in by if name]) > 1 for by in (found.series.by_model, found.series.by_prompt)):
        st.caption(_("Choose one version above to see its charts alone."))


def _line(found: Overview, title: str, label: str, part: Part, scores: list[Scored] | None) -> dict[str, str]:
    rated = {
        session.escape(one.name): f"{_rate(one)} (n = {one.judged:,})"
        for one in scores or []
        if one.kind == "production" and one.judged
    }
    return {
        title: session.escape(label),
        _("Questions"): f"{part.count:,}",
        _("Failed"): session.percent(part.errors / part.count),
        _("Median time"): session.millis(part.millis[0]),
        _("95 of 100 within"): session.millis(part.millis[2]),
        **({_("First words, median"): session.millis(part.first[0])} if found.total.streamed else {}),
        **rated,
    }


def _per_thousand(found: Overview, part: Part) -> dict[str, str]:
    cost = None if part.cost is None else part.cost / part.count * sentences.PER
    return {_("Cost of 1,000 questions"): found.money.written(cost)}


def _prompt(name: str) -> str:
    prompt, _slash, number = name.rpartition("/")
    return _("{name}, version {n}", name=prompt, n=number) if prompt else _("no prompt of the registry")


def _chart(found: Overview, figure: go.Figure, key: str, told: str) -> None:
    """Draw it over its sentence; a click on a bucket opens its traces."""
    bucket = charts.show(figure, f"chart-{key}", told)
    st.caption(told)
    if bucket is not None and bucket < len(found.series.buckets):
        st.switch_page(
            session.page("traces"),
            query_params=between(found.times[bucket], found.times[bucket + 1]) | chosen(found),
        )
