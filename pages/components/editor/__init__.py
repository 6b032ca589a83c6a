"""The editor of a prompt: a text or chat messages, with the variables that something fills and those that nothing fills."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from pages.components import session
from services.apps import RUNTIME_VARIABLES
from services.prompts import Content
from services.prompts.checks import LONGEST
from services.workspace import Workspace

HERE = Path(__file__).parent
MOST_BADGES = 30
LONGEST_NAME = 40
_ = session.text
_EDITOR = st.components.v2.component(
    "prompt_editor", css=(HERE / "editor.css").read_text("utf-8"), js=(HERE / "editor.js").read_text("utf-8")
)


def known(workspace: Workspace) -> frozenset[str]:
    """The variables that the app fills in."""
    return frozenset(workspace.app.variables) | RUNTIME_VARIABLES


def sent(key: str) -> Mapping[str, Any] | None:
    """What the editor sent last: id, epoch, revision and the template as the registry takes it."""
    state = st.session_state.get(key)
    return state.get("value") if state else None


def show(
    key: str, content: Content, state: Mapping[str, Any], on_change: Callable[[], Any], on_save: Callable[[], None]
) -> Mapping[str, Any] | None:
    """Draw the editor and return what it sent last; `on_change` keeps it even when the page is left at once.

    `state` holds `epoch` (a new one makes the editor take over `content`), `session`, `store` (where a tab
    leaves what was not confirmed), `seen`, `revision`, `known`
    variables, `disabled`, and `kept`, the words that say since when the draft is safe.
    """
    data = {**state, "value": content.registered, "known": sorted(state["known"]), "limit": LONGEST, "texts": _texts()}
    shown = _EDITOR(key=key, data=data, default={"value": None}, on_value_change=on_change, on_save_change=on_save)
    return shown.value


def as_written(text: str) -> str:
    """Markdown that shows outside text as it is, line by line."""
    return session.escape(text).replace("\n", "  \n")


def braces(name: str) -> str:
    """A variable as it stands in a prompt, safe in markdown."""
    short = name if len(name) <= LONGEST_NAME else name[:LONGEST_NAME] + "…"
    return session.escape("{{" + short + "}}")


def _texts() -> dict[str, Any]:
    """Everything the editor says; the values in braces are filled in there."""
    return {
        "label": _("What the assistant is told"),
        "placeholder": _("You answer customers of {variable}. Be brief and polite.", variable="{{company_name}}"),
        "kind": _("The prompt is"),
        "one_text": _("one text"),
        "chat": _("chat messages"),
        "roles": {
            "system": _("system: what always holds"),
            "user": _("user: what the customer says"),
            "assistant": _("assistant: how it answers"),
        },
        "message": _("Message {n}", n="{n}"),
        "role": _("Role of message {n}", n="{n}"),
        "up": _("Move message {n} up", n="{n}"),
        "down": _("Move message {n} down", n="{n}"),
        "remove": _("Remove message {n}", n="{n}"),
        "add": _("Add a message"),
        "removed": _("Message {n} was removed.", n="{n}"),
        "put_back": _("Put it back"),
        "insert": _("Insert:"),
        "counts": _("Characters: {n} · tokens: about {tokens}", n="{n}", tokens="{tokens}"),
        "too_long": _(
            "Characters: {n}, but {limit} are allowed. Shorten it before you save.", n="{n}", limit="{limit}"
        ),
        "unknown": _("Nothing fills {names}: the agent would fail on every question.", names="{names}"),
        "mend": _("Correct the name, or give it a value under Apps and then log a new agent version."),
        "typing": _("Keeping the draft …"),
        "not_kept": _("Not kept yet: the console does not answer. Your words stay in this window."),
    }
