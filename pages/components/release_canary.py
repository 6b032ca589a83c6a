"""Two versions compared by people's questions: how they do beside each other."""

import streamlit as st

from pages.components import release_choice, session
from pages.components.verdict_view import WORD
from services.messages import mark
from services.releases import Release, Step, canary, looking
from services.releases.canary import Measure
from services.releases.plan import Plan, Way, watched
from services.workspace import Workspace

_ = session.text
TITLE = {
    Way.CANARY: mark("Canary: {n} % of the traffic"),
    Way.TEST: mark("A/B test: {n} % of the traffic"),
    Way.SHADOW: mark("Shadow: copies of {n} % of the questions"),
}


def title(step: Step) -> str:
    """What a step that compares is called on the page."""
    way, n = step.name.split(" ")
    return _(TITLE[Way(way)], n=n)


def ahead(release: Release, step: Step) -> str:
    """When a step that compares will end, before it begins; nothing for any other."""
    if step.state != "waiting" or not watched(step.name):
        return ""
    part = canary.part_of(release, step.name)
    if part.minutes:
        return _(
            "ends after {m} answers of the new version and {minutes} minutes, both",
            m=part.answers,
            minutes=part.minutes,
        )
    return _("ends after {m} answers of the new version", m=part.answers)


def show(workspace: Workspace, release: Release) -> None:
    """Nothing for a release that compares nothing, or before it has begun; the newest step stands open."""
    seen = [one for one in release.steps if watched(one.name) and one.handle.get("measures")]
    for step in seen[:-1]:
        with st.expander(title(step), icon=":material/compare:"):
            _show_step(workspace, release, step)
    if seen:
        with st.container(border=True):
            st.markdown(f"**{title(seen[-1])}**")
            _show_step(workspace, release, seen[-1])
            release_choice.show(workspace, release, seen[-1])


def _show_step(workspace: Workspace, release: Release, step: Step) -> None:
    found = [Measure(**one) for one in step.handle["measures"]]
    way = Way(step.name.split(" ")[0])
    plan = release.canary or Plan()
    _show_copies(release, step)
    _show_how_far(release, step)
    if way is Way.CANARY:
        _show_table(release, found)
    else:
        _show_verdicts(release, found)
    values: dict[str, int | str] = {"line": round(found[0].line), "alarm": f"{plan.alarm * 100:g}"}
    st.caption(_told(way, values))
    _show_couples(workspace, release, step)


def _show_how_far(release: Release, step: Step) -> None:
    """What is still missing until the step under way ends; one that waits for somebody, or for its time, says so by itself."""
    halted = release.waits or release.due_at is not None or not release.working
    if step.state != "running" or "answers" not in step.handle or halted:
        return
    part = canary.part_of(release, step.name)
    far = {"n": step.handle["answers"], "m": part.answers, "minutes": part.minutes}
    if part.minutes:
        told = _("It ends after {m} answers and {minutes} minutes, both; answers so far: {n}.", **far)
    else:
        told = _("It ends after {m} answers; answers so far: {n}.", **far)
    st.markdown(told)


def _told(way: Way, values: dict[str, int | str]) -> str:
    if way is Way.CANARY:
        return _(
            "Shares of good answers since the canary began; the first answer of each conversation counts. In speed, cost "
            "and tokens an answer is good within what four of five answers before needed, and up to {more} % more. Evidence "
            "of {line} shows harm: looked at after every answer, it reaches that by chance in {alarm} % of canaries at most.",
            more=round(canary.DEARER * 100),
            **values,
        )
    if way is Way.TEST:
        return _(
            "Shares of good answers since the test began; the first answer of each conversation counts. The change most "
            "likely lies between the two numbers. Looked at after every answer, “better” and “worse” come by chance in "
            "{alarm} % of tests at most, each.",
            **values,
        )
    return _(
        "Shares of good answers to the same questions; the copies' answers went to nobody and count in no number of "
        "production. The change most likely lies between the two numbers. Looked at after every answer, “better” and "
        "“worse” come by chance in {alarm} % of shadows at most, each.",
        **values,
    )


def _sides(release: Release) -> tuple[str, str]:
    """Each agent version by its number: once all the traffic has moved, “live” is the other one."""
    before, after = release.before.agent_version or "–", release.agent_version or "–"
    return _("Before: version {n}", n=before), _("After: version {n}", n=after)


def _show_table(release: Release, found: list[Measure]) -> None:
    before, after = _sides(release)
    st.dataframe(
        [
            {
                _("Compared in"): _name(one),
                before: _share(one.other_share, one.other_answers),
                after: _share(one.share, one.answers),
                _("Evidence of harm"): one.evidence,
                _("Harm shown"): _("yes") if one.harmful else _("no"),
            }
            for one in found
        ],
        hide_index=True,
    )


def _show_verdicts(release: Release, found: list[Measure]) -> None:
    before, after = _sides(release)
    st.dataframe(
        [
            {
                _("Compared in"): _name(one),
                _("Verdict"): _(WORD[one.word]),
                before: _share(one.other_share, one.other_answers),
                after: _share(one.share, one.answers),
                _("Change in points"): _between(one),
            }
            for one in found
        ],
        hide_index=True,
    )


def _between(one: Measure) -> str:
    if one.low is None or one.high is None:
        return "–"
    low, high = (f"{value * 100:+.1f}".replace("-", "−") for value in (one.low, one.high))
    return _("{low} to {high}", low=low, high=high)


def _name(one: Measure) -> str:
    return _(one.name) if one.name in canary.NAMED else one.name


def _share(share: float | None, answers: int) -> str:
    return "–" if share is None else _("{share} of {n}", share=session.percent(share), n=answers)


def _show_copies(release: Release, step: Step) -> None:
    copies = step.handle.get("copies")
    if not copies:
        return
    told = _(
        "Questions copied: {n}. Answered by both so far: {m}, in {k} conversations, of which the first counts.",
        n=copies["copied"],
        m=copies["answered"],
        k=step.handle["answers"],
    )
    if copies["dropped"]:
        dropped = _(
            "Not copied, because too many waited or the question was too long: {n}. People's answers come first.",
            n=copies["dropped"],
        )
        told = session.joined(told, dropped)
    st.markdown(told)
    if copies["unanswered"] and step.name != release.unanswered:
        st.warning(
            _(
                "Copies that the new version never answered: {n}. It does not lead on while they are more than {percent} % "
                "of the answered ones. Look at its state on the Endpoints screen; to begin anew, stop and resume.",
                n=copies["unanswered"],
                percent=round(looking.MOST_UNANSWERED * 100),
            )
        )


def _show_couples(workspace: Workspace, release: Release, step: Step) -> None:
    shown = step.handle.get("couples")
    if not shown or not st.toggle(_("Answers side by side"), key=f"couples-{release.id}-{step.name}"):
        return
    before, after = _sides(release)
    for one in looking.couples(workspace, step):
        st.markdown(f"**{session.escape(one.live.question) or '–'}**")
        live, new = st.columns(2, gap="large")
        for column, name, row in (
            (live, before, one.live),
            (new, _("{version}, seen by nobody", version=after), one.new),
        ):
            with column:
                st.caption(name)
                st.markdown(session.escape(row.answer) or f":gray[{_('no answer')}]")
                st.page_link(
                    session.page("traces"),
                    label=_("Open the trace"),
                    icon=":material/account_tree:",
                    query_params={"trace": row.trace_id},
                )
