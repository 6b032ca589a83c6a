"""The title and the labels of a version: shown as badges, changed at any time."""

from collections.abc import Iterable

import streamlit as st

from pages.components import feedback, session
from pages.components.prompts import opening, titles
from services import prompts
from services.messages import Message, mark
from services.prompts import PromptVersion, library
from services.prompts.content import LABELS, TITLE
from services.workspace import Workspace

LONGEST = 200
LONGEST_SHOWN = 40
NAMES = {
    TITLE: mark("Title"),
    "use_case": mark("Use case"),
    "department": mark("Department"),
    "language": mark("Language"),
    "version_type": mark("Kind of version"),
}
SUGGESTED = {
    "use_case": (mark("answer questions"), mark("summarise"), mark("classify"), mark("translate"), mark("extract facts")),
    "department": (mark("support"), mark("sales"), mark("marketing"), mark("finance"), mark("human resources")),
    "language": ("English", "日本語", "中文", "한국어", "Deutsch", "Español", "Français", mark("as the customer writes")),
    "version_type": (mark("initial"), mark("improvement"), mark("correction"), mark("experiment")),
}  # fmt: skip
_ = session.text


def choose(name: str, key: str, used: Iterable[str], off: bool = False) -> None:
    """One of the labels that everybody has: what was used before is offered, and anything else may be typed."""
    now = st.session_state.get(key)
    st.selectbox(
        _(NAMES[name]),
        list(dict.fromkeys([*([now] if now else []), *sorted(used), *SUGGESTED[name]])),
        index=None,
        format_func=_suggested,
        key=key,
        accept_new_options=True,
        disabled=off,
        placeholder=_("Choose or type"),
    )


def used(workspace: Workspace, found: Iterable[PromptVersion]) -> dict[str, set[str]]:
    """The values that these versions or any other prompt of the app have, by label."""
    values = {label: {one.content.labels[label] for one in found if label in one.content.labels} for label in LABELS}
    for label, value in library.choices(workspace).labels:
        if label in values:
            values[label].add(value)
    return values


def badges(one: PromptVersion) -> str:
    """The labels without the title, as markdown."""
    shown = [(key, value) for key, value in _in_order(one) if key != TITLE]
    return " ".join(f":gray-badge[{session.escape(told(key, value))}]" for key, value in shown)


def name(key: str) -> str:
    """A label's name in plain words; one that another tool made stays as it is."""
    return _(NAMES[key]) if key in NAMES else key


def told(key: str, value: str) -> str:
    """A label in one line; a value that the form suggests is told in the viewer's language, as it does."""
    return _("{name}: {value}", name=name(key), value=titles.short(_suggested(value), LONGEST_SHOWN))


def show_form(workspace: Workspace, one: PromptVersion, found: list[PromptVersion]) -> None:
    """Fields for the title and the labels; the text itself never changes."""
    fields = dict.fromkeys((TITLE, *LABELS), "") | dict(_in_order(one))
    # What stood here when the form was opened: what nobody typed over is not sent, so that it undoes nobody's edit.
    # A form that was left by another way than its buttons has no fields any more and is opened anew.
    if _field(workspace, one, TITLE) not in st.session_state:
        st.session_state[_field(workspace, one, "")] = fields
    drawn = st.session_state[_field(workspace, one, "")]
    with st.form(f"labels-form-{one.name}-{one.version}", border=False):
        _text(workspace, one, TITLE, fields[TITLE])
        columns, known = st.columns(2), used(workspace, found)
        for position, key in enumerate(LABELS):
            # A field that was drawn before keeps what was typed.
            st.session_state.setdefault(_field(workspace, one, key), fields[key] or None)
            with columns[position % 2]:
                choose(key, _field(workspace, one, key), known[key])
        for key in list(fields)[1 + len(LABELS) :]:
            _text(workspace, one, key, fields[key])
        with st.container(horizontal=True):
            st.form_submit_button(
                _("Save title and labels"),
                type="primary",
                key="save-labels",
                on_click=_save,
                args=(workspace, one, drawn),
            )
            st.form_submit_button(_("Cancel"), key="cancel-labels", on_click=_close, args=(workspace, one))


def _text(workspace: Workspace, one: PromptVersion, key: str, value: str) -> None:
    st.text_input(session.escape(name(key)), value, key=_field(workspace, one, key), max_chars=LONGEST)


def _suggested(value: str) -> str:
    return _(value) if any(value in fixed for fixed in SUGGESTED.values()) else value


def _save(workspace: Workspace, one: PromptVersion, drawn: dict[str, str]) -> None:
    typed = {key: st.session_state[_field(workspace, one, key)] or "" for key in drawn}
    with feedback.action(Message("Saved the labels of version {n}.", n=one.version)):
        changed = {key: value for key, value in typed.items() if value.strip() != drawn[key]}
        prompts.label(workspace, one.name, one.version, changed)
        _close(workspace, one)


def _close(workspace: Workspace, one: PromptVersion) -> None:
    st.session_state.pop(_field(workspace, one, ""), None)
    opening.open_prompt(one.name, "versions", version=one.version)


def _field(workspace: Workspace, one: PromptVersion, key: str) -> str:
    return f"label/{workspace.app.id}/{one.name}/{one.version}/{key}"


def _in_order(one: PromptVersion) -> list[tuple[str, str]]:
    known = [key for key in (TITLE, *LABELS) if key in one.content.labels]
    return [(key, one.content.labels[key]) for key in (*known, *sorted(set(one.content.labels) - set(known)))]
