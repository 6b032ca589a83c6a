"""Talk with the live endpoint: the answer as it is written, then its trace."""

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import streamlit as st

from pages.components import agent_steps, feedback, opinion, session, sources, trace_view
from services import endpoints, kinds
from services.errors import ConsoleError, PlatformError
from services.kinds import ToolStep
from services.messages import Message
from services.platforms import Delta
from services.sources import Source
from services.workspace import Workspace

_ = session.text


@dataclass(frozen=True)
class Turn:
    """A question with its answer."""

    question: str
    answer: str
    trace_id: str | None
    error: ConsoleError | None
    cut: bool = False
    sources: tuple[Source, ...] = ()
    items: tuple[Mapping[str, Any], ...] = ()

    @property
    def tools(self) -> tuple[ToolStep, ...]:
        return kinds.steps(self.items)

    @property
    def waits(self) -> bool:
        """Whether the agent waits for a yes or a no."""
        return self.error is None and bool(kinds.approvals(self.items))


@dataclass
class Talk:
    """One conversation of this browser tab with one app; `decided` is a yes or no that the agent was not told yet."""

    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    turns: list[Turn] = field(default_factory=list)
    decided: bool | None = None

    def with_question(self, question: str) -> list[Mapping[str, Any]]:
        said = [
            message
            for turn in self.turns
            if turn.answer
            for message in ({"role": "user", "content": turn.question}, {"role": "assistant", "content": turn.answer})
        ]
        return [*said, {"role": "user", "content": question}]


def show(workspace: Workspace) -> None:
    """The conversation so far, and a field for the next question."""
    key = f"talk-{workspace.app.endpoint}"
    talk: Talk = st.session_state.setdefault(key, Talk())
    allowed, talk.decided = talk.decided, None
    waiting = talk.turns[-1] if talk.turns and talk.turns[-1].waits else None
    for turn in talk.turns:
        if turn is not waiting or allowed is None:
            _draw(workspace, turn)
    if waiting and allowed is not None:
        talk.turns[-1] = waiting = _go_on(workspace, talk, allowed)
    question = st.chat_input(
        _("Ask {endpoint}", endpoint=workspace.app.endpoint), key=f"ask-{workspace.app.endpoint}", max_chars=4000
    )
    if question:
        talk.turns.append(_ask(workspace, talk, question))
    if talk.turns and talk.turns[-1].waits:
        agent_steps.ask_for_yes(workspace, "chat-allow", f"{talk.id}/{len(talk.turns)}", _decide, talk)
    if talk.turns:
        st.button(_("New conversation"), key="new-talk", on_click=lambda: st.session_state.pop(key, None))


def _ask(workspace: Workspace, talk: Talk, question: str) -> Turn:
    with st.chat_message("user"):
        st.markdown(_as_written(question))
    with st.chat_message("assistant"):
        return _answered(
            workspace,
            Turn(question, "", None, None),
            lambda: endpoints.stream(workspace, talk.with_question(question), talk.id),
        )


def _go_on(workspace: Workspace, talk: Talk, allowed: bool) -> Turn:
    """The last turn once more, with what the agent says to a person's yes or no."""
    waiting = talk.turns.pop()
    conversation = [*talk.with_question(waiting.question), *waiting.items]
    begun = replace(waiting, items=(*waiting.items, *kinds.responses(waiting.items, allowed)))
    # Kept before the agent is told: a second click while it answers must not run the tool again.
    talk.turns.append(begun)
    with st.chat_message("user"):
        st.markdown(_as_written(waiting.question))
    with st.chat_message("assistant"):
        return _answered(workspace, begun, lambda: endpoints.go_on(workspace, conversation, allowed, talk.id))


def _answered(workspace: Workspace, begun: Turn, ask: Callable[[], Iterator[Delta]]) -> Turn:
    """The turn with what the endpoint answers, drawn as it comes; `begun` has what was said and done before."""
    pieces = [f"{begun.answer}\n\n"] if begun.answer else []
    items = list(begun.items)
    try:
        last = _write(ask(), pieces, items)
    except ConsoleError as error:
        turn = replace(begun, answer="".join(pieces), error=error, items=tuple(items))
    else:
        broken = (
            PlatformError(last.error, Message("Open its trace: it shows where it stopped.")) if last.error else None
        )
        turn = Turn(begun.question, "".join(pieces), last.trace_id, broken, last.cut, last.sources, items=tuple(items))
    _draw_end(workspace, turn)
    return turn


def _write(deltas: Iterator[Delta], pieces: list[str], items: list[Mapping[str, Any]]) -> Delta:
    """Draw the tools as they are used and the text as it grows; returns the last delta."""
    tools, place, last = st.empty(), st.empty(), Delta(done=True)
    with tools.container():
        agent_steps.show(kinds.steps(items))
    for delta in deltas:
        if delta.items or delta.done or delta.progress:
            items.extend(delta.items)
            with tools.container():
                agent_steps.show(kinds.steps(items), at_work=not delta.done, progress=delta.progress)
        pieces.append(delta.text)
        place.markdown(_as_written("".join(pieces)))
        last = delta
    return last


def _decide(talk: Talk, allowed: bool) -> None:
    talk.decided = allowed


def _draw(workspace: Workspace, turn: Turn) -> None:
    with st.chat_message("user"):
        st.markdown(_as_written(turn.question))
    with st.chat_message("assistant"):
        agent_steps.show(turn.tools)
        st.markdown(_as_written(turn.answer))
        _draw_end(workspace, turn)


def _draw_end(workspace: Workspace, turn: Turn) -> None:
    if turn.error:
        feedback.show_error(turn.error)
    if turn.cut:
        st.caption(_(":orange[The token limit ended this answer before it was complete.]"))
    sources.show(turn.sources)
    if turn.trace_id:
        with st.container(horizontal=True, vertical_alignment="center"):
            opinion.show_thumbs(workspace, turn.trace_id)
            st.page_link(
                session.page("traces"),
                label=_("Open this answer's trace"),
                icon=":material/account_tree:",
                query_params={"trace": turn.trace_id},
            )
        trace_view.show_beside(workspace, turn.trace_id)


def _as_written(text: str) -> str:
    return session.escape(text).replace("\n", "  \n")
