"""Talk with the live endpoint: the answer as it is written, then its trace."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from pages.components import agent_steps, feedback, opinion, session, sources
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
    tools: tuple[ToolStep, ...] = ()


@dataclass
class Talk:
    """One conversation of this browser tab with one app."""

    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    turns: list[Turn] = field(default_factory=list)

    def with_question(self, question: str) -> list[dict[str, str]]:
        said = [
            message
            for turn in self.turns
            if turn.answer
            for message in ({"role": "user", "content": turn.question}, {"role": "assistant", "content": turn.answer})
        ]
        return [*said, {"role": "user", "content": question}]


def show(workspace: Workspace) -> None:
    """The conversation so far, and a field for the next question."""
    key = f"talk-{workspace.app.id}"
    talk: Talk = st.session_state.setdefault(key, Talk())
    for turn in talk.turns:
        _draw(workspace, turn)
    question = st.chat_input(
        _("Ask {endpoint}", endpoint=workspace.app.endpoint), key=f"ask-{workspace.app.id}", max_chars=4000
    )
    if question:
        talk.turns.append(_ask(workspace, talk, question))
    if talk.turns:
        st.button(_("New conversation"), key="new-talk", on_click=lambda: st.session_state.pop(key, None))


def _ask(workspace: Workspace, talk: Talk, question: str) -> Turn:
    with st.chat_message("user"):
        st.markdown(_as_written(question))
    pieces: list[str] = []
    items: list[Mapping[str, Any]] = []
    with st.chat_message("assistant"):
        try:
            last = _write(endpoints.stream(workspace, talk.with_question(question), talk.id), pieces, items)
        except ConsoleError as error:
            turn = Turn(question, "".join(pieces), None, error)
        else:
            broken = (
                PlatformError(last.error, Message("Open its trace: it shows where it stopped.")) if last.error else None
            )
            turn = Turn(question, "".join(pieces), last.trace_id, broken, last.cut, last.sources, kinds.steps(items))
        _draw_end(workspace, turn)
    return turn


def _write(deltas: Iterator[Delta], pieces: list[str], items: list[Mapping[str, Any]]) -> Delta:
    """Draw the tools as they are used and the text as it grows; returns the last delta."""
    tools, place, last = st.empty(), st.empty(), Delta(done=True)
    for delta in deltas:
        if delta.items:
            items.extend(delta.items)
            with tools.container():
                agent_steps.show(kinds.steps(items))
        pieces.append(delta.text)
        place.markdown(_as_written("".join(pieces)))
        last = delta
    return last


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


def _as_written(text: str) -> str:
    return session.escape(text).replace("\n", "  \n")
