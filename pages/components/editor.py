"""The text of a prompt: where it is written, what it is made of, what nothing would fill."""

from collections.abc import Collection

import streamlit as st

from pages.components import session
from services import prompts
from services.apps import RUNTIME_VARIABLES
from services.prompts import PromptVersion
from services.workspace import Workspace

MOST_BADGES = 30
LONGEST_NAME = 40
_ = session.text


def key(workspace: Workspace, name: str) -> str:
    """Where the draft of a prompt lives in the session; without a name, that of a new prompt."""
    return f"prompt-text-{workspace.app.id}-{name}"


def known(workspace: Workspace) -> frozenset[str]:
    """The variables that the app fills in."""
    return frozenset(workspace.app.variables) | RUNTIME_VARIABLES


def prefill(key: str, newest: PromptVersion) -> PromptVersion:
    """Start from the newest version; a changed draft keeps the version that it started from, which is returned."""
    base = st.session_state.get(f"{key}-base")
    if base is None or st.session_state.get(key, base.template) == base.template:
        st.session_state[key], st.session_state[f"{key}-base"] = newest.template, newest
    return st.session_state[f"{key}-base"]


def restart(key: str) -> None:
    """Forget the draft and its note: the next `prefill` starts from the newest version again."""
    st.session_state[key] = st.session_state[f"{key}-note"] = ""
    st.session_state.pop(f"{key}-base", None)


def show(key: str, known: Collection[str]) -> str:
    """The draft, and under it its size and its variables; it outlasts a visit to another page."""
    text = st.text_area(
        _("What the assistant is told"),
        key=key,
        height=360,
        persist_state="session",
        placeholder=_("You answer customers of {variable}. Be brief and polite.", variable="{{company_name}}"),
    )
    st.caption(_("Characters: {n} · tokens: about {tokens}", n=f"{len(text):,}", tokens=f"{_tokens(text):,}"))
    _show_variables(sorted(prompts.variables(text)), known)
    return text


def as_written(text: str) -> str:
    """Markdown that shows outside text as it is, line by line."""
    return session.escape(text).replace("\n", "  \n")


def braces(name: str) -> str:
    """A variable as it stands in a prompt, safe in markdown."""
    short = name if len(name) <= LONGEST_NAME else name[:LONGEST_NAME] + "…"
    return session.escape("{{" + short + "}}")


def _show_variables(names: list[str], known: Collection[str]) -> None:
    unknown = [name for name in names if name not in known]
    badges = [f":{'orange' if name in unknown else 'blue'}-badge[{braces(name)}]" for name in names[:MOST_BADGES]]
    if len(names) > MOST_BADGES:
        badges.append(_("and {n} more", n=len(names) - MOST_BADGES))
    if badges:
        st.markdown(" ".join(badges))
    if unknown:
        listed = ", ".join(braces(name) for name in unknown[:MOST_BADGES])
        st.warning(
            _("Nothing fills {names}: the agent would fail on every question.", names=listed)
            + "  \n"
            + _("Correct the name, or give it a value under Apps and then log a new agent version."),
            icon=":material/warning:",
        )
    fillable = [name for name in sorted(known) if name not in names]
    if fillable:
        st.caption(_("You can also use:") + " " + " ".join(braces(name) for name in fillable[:MOST_BADGES]))


def _tokens(text: str) -> int:
    """A rough count: four characters of plain ASCII a token, every other character one."""
    plain = sum(character.isascii() for character in text)
    return len(text) - plain + -(-plain // 4)
