"""The versions of a prompt: who wrote them, why, and which one was live when."""

import streamlit as st

from pages.components import editor, feedback, session
from pages.components.prompts import labels, live_times, manage, opening, reading, writing
from services import audit, prompts
from services.audit import Verb
from services.messages import mark
from services.prompts import PromptVersion, comments, moves
from services.workspace import Workspace

PAGE = 10
LONGEST_NOTE = 400
GO = "prompt-version-to-try"
ACTIONS = {
    "compare": mark("Compare"),
    "playground": mark("Try in the playground"),
    "used": mark("Where it is used"),
    "comments": mark("Comments"),
    "labels": mark("Title and labels"),
    "trash": mark("Move to the trash"),
}
NEEDS = {"labels": Verb.LABEL_PROMPT, "trash": Verb.TRASH_PROMPT}
_ = session.text


def show(workspace: Workspace, name: str, found: list[PromptVersion]) -> None:
    if GO in st.session_state:
        _switch_to_playground(name, st.session_state.pop(GO), found)
    moves.notice(workspace, name)
    live, said = moves.periods(workspace, name), comments.counts(workspace, name)
    live_times.show(workspace, name)
    if not found:
        st.info(_("Every version of this prompt is in the trash. Restore one under Manage."))
    for one in _page(workspace, name, found):
        with st.container(border=True, gap="xsmall"):
            _show_version(workspace, one, found[0])
            feedback.show_refusal(manage.place(workspace, name, one.version))
            times = live_times.lines(live.get(one.version, []))
            st.caption("  \n".join([" · ".join(_facts(one, said.get(one.version, 0))), *times]))
            reading.show(one, expanded=one.version == session.number("version"))
            _show_form(workspace, one, found)


def _page(workspace: Workspace, name: str, found: list[PromptVersion]) -> list[PromptVersion]:
    """The versions of the chosen page; at first the one with the version that the address names."""
    if len(found) <= PAGE:
        return found
    asked = session.number("version")
    place = next((position for position, one in enumerate(found) if one.version == asked), 0)
    st.caption(_("{n} versions", n=len(found)))
    chosen = st.pagination(
        -(-len(found) // PAGE), default=place // PAGE + 1, key=f"versions-page-{workspace.app.id}-{name}-{asked or ''}"
    )
    return found[(chosen - 1) * PAGE : chosen * PAGE]


def _show_version(workspace: Workspace, one: PromptVersion, newest: PromptVersion) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(_heading(one), width="stretch")
        st.button(
            _("Write from it"),
            key=f"from-{one.version}",
            on_click=_write_from,
            disabled=not audit.allowed(workspace, Verb.SAVE_PROMPT),
            args=(workspace, one, newest),
        )
        key = f"do-{one.version}"
        st.menu_button(
            _("More"),
            [name for name in ACTIONS if name not in NEEDS or audit.allowed(workspace, NEEDS[name])],
            format_func=lambda name: _(ACTIONS[name]),
            key=key,
            type="tertiary",
            icon=":material/more_horiz:",
            on_click=_act,
            args=(workspace, one, key),
        )
    note = one.note[:LONGEST_NOTE] + ("…" if len(one.note) > LONGEST_NOTE else "")
    if note:
        st.markdown(editor.as_written(note))
    badges = labels.badges(one)
    if badges:
        st.markdown(badges)


def _heading(one: PromptVersion) -> str:
    title = f" {session.escape(one.title)}" if one.title else ""
    live = f" :green-badge[{_('live')}]" if one.live else ""
    trashed = f" :orange-badge[{_('in the trash')}]" if one.trashed else ""
    return _("**Version {n}**", n=one.version) + title + live + trashed


def _facts(one: PromptVersion, said: int) -> list[str]:
    base = [_("written from version {n}", n=one.base)] if one.base else []
    return _written(one) + base + ([_("comments: {n}", n=said)] if said else [])


def _written(one: PromptVersion) -> list[str]:
    """Who wrote it and when; of an imported one, also who brought it here."""
    author, saved = session.escape(one.author or "–"), session.moment(one.created_at)
    if one.origin is None:
        return [author, saved]
    first = session.escape(one.origin.author or "–")
    at = session.moment(one.origin.at) if one.origin.at else session.escape(one.origin.time)
    written = _("written by {author}, {time}", author=first, time=at) if at else _("written by {author}", author=first)
    return [written, _("imported by {author}, {time}", author=author, time=saved)]


def _show_form(workspace: Workspace, one: PromptVersion, found: list[PromptVersion]) -> None:
    if session.number("edit") == one.version and audit.allowed(workspace, Verb.LABEL_PROMPT):
        labels.show_form(workspace, one, found)


def _act(workspace: Workspace, one: PromptVersion, key: str) -> None:
    action = st.session_state[key]
    if action == "compare":
        live = prompts.live(workspace, one.name)
        against = {"against": live.version} if live and live.version != one.version else {}
        opening.open_prompt(one.name, "compare", version=one.version, **against)
    elif action == "playground":
        st.session_state[GO] = one.version
    elif action == "labels":
        opening.open_prompt(one.name, "versions", version=one.version, edit=one.version)
    elif action == "trash":
        manage.trash(workspace, one.name, one.version)
    elif action:
        opening.open_prompt(one.name, action, version=one.version)


def _switch_to_playground(name: str, version: int, found: list[PromptVersion]) -> None:
    """The version beside what is live, else beside the newest: a callback cannot switch the screen."""
    live = next((one.version for one in found if one.live), found[0].version)
    asked = ",".join(str(one) for one in dict.fromkeys([live, version]))
    st.switch_page(session.page("playground"), query_params={"prompt": name, "versions": asked})


def _write_from(workspace: Workspace, version: PromptVersion, newest: PromptVersion) -> None:
    writing.start_from(workspace, version, newest.version)
    opening.open_prompt(version.name)
