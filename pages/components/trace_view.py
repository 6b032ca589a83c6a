"""One trace: as a line of a list, and as a readable story."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import streamlit as st

from pages.components import agent_steps, agent_titles, erasing, opinion, remembering, scorer_failure, session
from services import agents, monitoring, traces
from services.traces import ORIGINS, Conversation, TraceRow, TraceStory, Verdict, archived
from services.traces.opinions import OPINION
from services.workspace import Workspace

_, say = session.text, session.say
SHORT = 90
JUDGED_WITHIN = timedelta(minutes=5)
SIGN = {True: ":material/check:", False: ":material/close:"}


def show_row(row: TraceRow, open_trace: Callable[[str], None]) -> None:
    with st.container(border=True):
        open_it, said, thought, when = st.columns([1.6, 6, 3, 2.4], vertical_alignment="center")
        open_it.button(_("Open"), key=f"open-{row.trace_id}", on_click=open_trace, args=(row.trace_id,))
        said.markdown(
            f"**{session.escape(_cut(row.question.strip())) or _('(empty question)')}**  \n{session.escape(_cut(row.answer))}"
        )
        thought.markdown(" ".join(_badges(row)))
        when.caption(f"{session.moment(row.time)}  \n{session.seconds(row.seconds)}")


def show_conversation(one: Conversation, open_conversation: Callable[[str], None]) -> None:
    with st.container(border=True):
        open_it, said, who, when = st.columns([1.6, 6, 3, 2.4], vertical_alignment="center")
        open_it.button(_("Open"), key=f"open-{one.session}", on_click=open_conversation, args=(one.session,))
        said.markdown(f"**{session.escape(_cut(one.first.question.strip())) or _('(empty question)')}**")
        who.caption("  \n".join([_("Questions: {n}", n=one.turns), *([session.escape(one.user)] if one.user else [])]))
        when.caption(session.moment(one.newest.time))


def show(workspace: Workspace, trace_id: str) -> None:
    """The whole story, with a way back to the list."""
    st.button(_("All traces"), icon=":material/arrow_back:", key="back", on_click=_back)
    with st.spinner(_("An answer's trace is written within some seconds.")):
        story = archived.story(workspace, trace_id) or traces.await_story(workspace, trace_id)
    if story.archived:
        st.info(
            _(
                "MLflow has lost this trace by its age; this is the archive's copy. To judge it, or to take it into a dataset, "
                "bring its day back to MLflow at the end of Monitoring."
            )
        )
    _show_head(workspace, story.row)
    _show_talk(story)
    _show_verdicts(workspace, story)
    if not story.archived:
        remembering.show(workspace, story.row.trace_id)
    st.header(_("What happened"), anchor=False)
    _show_steps(story)
    _show_facts(workspace, story)
    erasing.show(workspace, story)


def _back() -> None:
    """To the list as it was."""
    st.query_params.pop("trace", None)


def _show_head(workspace: Workspace, row: TraceRow) -> None:
    """How it stands, and the agent version that answered."""
    known = {one.model_id: one for one in agents.versions(workspace)} if row.model_id else {}
    agent = known.get(row.model_id or "")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(" ".join(_badges(row)), width="content")
        if agent:
            st.page_link(
                session.page("agents"),
                label=session.escape(agent_titles.label(agent)),
                icon=":material/smart_toy:",
                query_params={"agent": agent.model_id},
            )


def _show_talk(story: TraceStory) -> None:
    with st.chat_message("user"):
        st.markdown(_as_written(story.question) or _("(an empty message)"))
    with st.chat_message("assistant"):
        st.markdown(_as_written(story.answer) or _("(no answer)"))
        if story.cut:
            st.caption(_(":orange[The token limit ended this answer before it was complete.]"))
        if story.abandoned:
            st.caption(_("The person hung up before the answer was complete."))


def _show_verdicts(workspace: Workspace, story: TraceStory) -> None:
    st.header(_("What was thought of it"), anchor=False)
    if not story.verdicts and _waits_for_scorers(workspace, story.row):
        st.caption(
            _("The production scorers have not come to this answer yet. They look for new ones every few seconds.")
        )
        st.button(_("Look again"), icon=":material/refresh:", key="look-again")
    elif not story.verdicts:
        st.caption(_("Nobody has judged this answer."))
    if not story.archived:
        opinion.show_form(workspace, story.row.trace_id)
    for verdict in story.verdicts:
        with st.container(border=True):
            st.markdown(_headline(verdict))
            if verdict.own_words:
                scorer_failure.show(verdict.own_words)
            else:
                st.markdown(session.escape(say(verdict.reason)) or "–")
            version = [_("version {n}", n=verdict.version)] if verdict.version else []
            st.caption(session.escape(" · ".join([say(verdict.source), *version, session.moment(verdict.at)])))


def _waits_for_scorers(workspace: Workspace, row: TraceRow) -> bool:
    """Whether a verdict is still to come: an answer to people, minutes old, with scorers that watch."""
    fresh = datetime.now(UTC) - row.time < JUDGED_WITHIN
    return row.origin == "live" and fresh and any(one.running for one in monitoring.production_scorers(workspace))


def show_beside(workspace: Workspace, trace_id: str) -> None:
    """Folded beside an answer: what happened, step by step, read when it is opened."""
    folded = st.expander(
        _("What happened"), icon=":material/account_tree:", key=f"beside-{trace_id}", on_change="rerun"
    )
    if not folded.open:
        return
    with folded:
        _show_steps(traces.await_story(workspace, trace_id))


def _show_steps(story: TraceStory) -> None:
    for step in story.steps:
        indent = "&nbsp;" * 6 * step.depth
        sign = ":red[:material/error:]" if step.error else ":green[:material/check_circle:]"
        st.markdown(f"{indent}{sign} {session.escape(say(step.what))} :gray[{session.seconds(step.seconds)}]")
        if step.error:
            st.error(session.escape(step.error))
        if step.tool and (step.tool.given or step.tool.output):
            agent_steps.show_texts(step.tool)
    agent_steps.show(story.tools)


def _show_facts(workspace: Workspace, story: TraceStory) -> None:
    row = story.row
    st.header(_("What answered"), anchor=False)
    for name, version in row.prompts:
        st.page_link(
            session.page("prompts"),
            label=_("Prompt {name}, version {n}", name=session.escape(name), n=version),
            icon=":material/edit_note:",
            query_params={"prompt": name, "version": str(version)},
        )
    if not row.prompts:
        st.caption(_("It loaded no prompt from the registry."))
    if story.practice:
        st.caption(_("The practice model answered, not a real language model."))
    elif story.model:
        st.caption(_("Model: {name}", name=session.escape(story.model)))
    people = [_("Person: {name}", name=story.user)] if story.user else []
    talk = [_("Conversation: {id}", id=story.session)] if story.session else []
    tokens = [_("Tokens: {n}", n=row.tokens)] if row.tokens is not None else []
    tokens += [_("Cost: {cost}", cost=workspace.app.money.written(story.cost))] if story.cost is not None else []
    began = [_("First words after {time}", time=session.seconds(story.first))] if story.first is not None else []
    facts = [
        session.moment(row.time),
        session.seconds(row.seconds),
        *began,
        *tokens,
        *people,
        *talk,
        _("Trace: {id}", id=row.trace_id),
    ]
    st.caption(session.escape(" · ".join(facts)))


def _badges(row: TraceRow) -> list[str]:
    origin = f":gray-badge[{_(ORIGINS[row.origin])}]"
    state = [] if row.finished else [f":blue-badge[{_('under way')}]"]
    broken = [] if row.ok else [f":red-badge[{_('failed')}]"]
    scores = [
        f":{'green' if passed else 'red'}-badge[{SIGN[passed]} {_thumb(passed) if name == OPINION else session.escape(name)}]"
        for name, passed in sorted(row.scores.items())
    ]
    return [origin, *state, *broken, *scores]


def _headline(verdict: Verdict) -> str:
    """What was decided and by which scorer; a thumb, whoever gave it, is said in words alone."""
    if verdict.scorer == OPINION and isinstance(verdict.value, bool):
        return f":{'green' if verdict.value else 'red'}-badge[{_thumb(verdict.value)}]"
    return f"**{session.escape(verdict.scorer)}** {verdict_badge(verdict)}"


def _thumb(up: bool) -> str:
    return _("helped") if up else _("did not help")


def verdict_badge(verdict: Verdict, said: Callable[[Any], str] = str) -> str:
    """What a scorer decided, as a badge; `said` puts a value that is no yes or no into words."""
    if verdict.error:
        return f":orange-badge[{_('could not judge')}]"
    if verdict.value is None:
        return f":gray-badge[{_('no verdict')}]"
    if isinstance(verdict.value, bool):
        return f":green-badge[{_('passed')}]" if verdict.value else f":red-badge[{_('not passed')}]"
    return f":gray-badge[{session.escape(said(verdict.value))}]"


def _cut(text: str) -> str:
    return text if len(text) <= SHORT else text[:SHORT] + "…"


def _as_written(text: str) -> str:
    return session.escape(text).replace("\n", "  \n")
