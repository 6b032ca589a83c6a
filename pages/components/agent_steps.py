"""The tools that an agent used before its answer, as steps to read."""

from collections.abc import Callable, Iterable
from typing import Any

import streamlit as st

from pages.components import session
from services import audit
from services.audit import Verb
from services.kinds import ToolStep
from services.workspace import Workspace

_ = session.text


def show(steps: Iterable[ToolStep], *, at_work: bool = False, progress: str = "") -> None:
    """Each tool with what it was given and what came back; nothing for an answer without tools.

    `at_work`: more is still to come, so a tool without an answer is being used now; `progress`: how far it has come.
    """
    for step in steps:
        waits = step.output is None and not step.error and not step.asks and step.allowed is None
        with st.container(border=True, gap="small"):
            st.markdown(f":material/{_icon(step)}: {_title(step, now=at_work and waits)}")
            show_texts(step)
            if step.error:
                st.error(session.escape(step.error))
            elif waits:
                working = _("At work: {progress}", progress=session.escape(progress)) if progress else _("At work …")
                st.caption(working if at_work else _("No answer of the tool is told."))


def show_texts(step: ToolStep) -> None:
    """What the tool was given, and what came back."""
    _show_text(_("Given"), step.given)
    if step.output is not None and not step.error:
        _show_text(_("Came back"), step.output or _("(nothing)"))


def ask_for_yes(workspace: Workspace, key: str, of: str, decide: Callable[..., None], *args: Any) -> None:
    """Two buttons: nothing is done with the tool before one was clicked; `decide` is told `args` and the decision."""
    may = audit.allowed(workspace, Verb.TRY_AGENT)
    with st.container(horizontal=True):
        for allowed, label, icon in ((True, _("Allow it"), "check"), (False, _("Refuse it"), "block")):
            st.button(
                label,
                key=f"{key}-{allowed}/{of}",
                icon=f":material/{icon}:",
                on_click=decide,
                args=(*args, allowed),
                disabled=not may,
            )


def _icon(step: ToolStep) -> str:
    if step.allowed is not None:
        return "check" if step.allowed else "block"
    return "pan_tool" if step.asks else "error" if step.error else "build"


def _title(step: ToolStep, *, now: bool) -> str:
    values = {"name": session.escape(step.name), "place": session.escape(step.place)}
    if step.asks:
        return _("The agent wants to use **{name}** and waits for a yes.", **values)
    if step.allowed is not None:
        return _("**{name}** was allowed", **values) if step.allowed else _("**{name}** was refused", **values)
    if now:
        return _("Using the tool **{name}**", **values)
    if step.place:
        return _("Used the tool **{name}** of {place}", **values)
    return _("Used the tool **{name}**", **values)


def _show_text(label: str, text: str) -> None:
    if text:
        st.markdown(f":gray[{label}]  \n" + session.escape(text).replace("\n", "  \n"))
