"""Archive a prompt, move it or one of its versions to the trash, bring them back, delete them for good."""

from datetime import datetime

import streamlit as st

from pages.components import feedback, session
from pages.components.prompts import exporting, opening, titles
from services import audit, prompts
from services.audit import Verb
from services.messages import Message
from services.prompts import PromptVersion, bin
from services.workspace import Workspace

_ = session.text


def show(workspace: Workspace, name: str) -> None:
    """What can be done with the prompt as a whole, and its versions in the trash."""
    menu = st.popover(_("Manage"), icon=":material/settings:", key=f"manage-{name}", on_change="rerun")
    if not menu.open:
        return
    with menu:
        exporting.button(workspace, name)
        _show_archive(workspace, name)
        st.button(
            _("Move the prompt to the trash"),
            icon=":material/delete:",
            key="trash-prompt",
            on_click=trash,
            args=(workspace, name),
            disabled=not audit.allowed(workspace, Verb.TRASH_PROMPT),
        )
        st.markdown(f"**{_('Versions in the trash')}**")
        hidden = [one for one in prompts.every_version(workspace, name) if one.trashed]
        for one in hidden:
            _show_trashed(workspace, name, one)
        if not hidden:
            st.caption(_("No version is in the trash."))
        _show_prompts(workspace, name)


def show_hidden(workspace: Workspace) -> None:
    """The prompts that are archived or in the trash."""
    menu = st.popover(_("Archive and trash"), icon=":material/inventory_2:", key="hidden-prompts", on_change="rerun")
    if not menu.open:
        return
    with menu:
        if not _show_prompts(workspace, ""):
            st.caption(_("No prompt is archived or in the trash."))


def show_undo(workspace: Workspace) -> None:
    """Right after something went to the trash: the way back, in one click."""
    gone = st.session_state.get(_undo_key(workspace))
    if gone is None:
        return
    name, version = gone
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(
            _("{name} is in the trash.", name=session.escape(name))
            if version is None
            else _("Version {n} of {name} is in the trash.", n=version, name=session.escape(name))
        )
        st.button(
            _("Undo"), icon=":material/undo:", key="undo-trash", on_click=restore, args=(workspace, name, version)
        )
        st.button(
            _("Dismiss"),
            key="dismiss-undo",
            type="tertiary",
            on_click=st.session_state.pop,
            args=(_undo_key(workspace), None),
        )


def trash(workspace: Workspace, name: str, version: int | None = None) -> None:
    """The click's whole work: hide it, and offer to undo that; a whole prompt leaves the screen."""
    beside = "" if version is None else place(workspace, name, version)
    with feedback.action(Message("Moved to the trash. It is kept for {n} days.", n=bin.KEPT.days), beside):
        bin.trash(workspace, name, version)
        st.session_state[_undo_key(workspace)] = name, version
        if version is None:
            opening.open_list()


def place(workspace: Workspace, name: str, version: int | None) -> str:
    """Where a refusal about it stands: beside it."""
    return f"{workspace.app.id}/{name}/{version or ''}"


def restore(workspace: Workspace, name: str, version: int | None) -> None:
    with feedback.action(Message("Restored.")):
        bin.restore(workspace, name, version)
        st.session_state.pop(_undo_key(workspace), None)


def _show_prompts(workspace: Workspace, open_now: str) -> bool:
    """The other prompts that are archived or in the trash; whether there are any."""
    archived = [name for name in bin.archived(workspace) if name != open_now]
    trashed = bin.trashed(workspace)
    if archived:
        st.markdown(f"**{_('Archived prompts')}**")
    for name in archived:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(name, key=f"open-archived-{name}", type="tertiary", on_click=opening.open_prompt, args=(name,))
            _bring_back(workspace, name)
    if trashed:
        st.markdown(f"**{_('Prompts in the trash')}**")
    for name, at in trashed.items():
        _show_gone(workspace, name, None, session.escape(name), at)
    return bool(archived or trashed)


def _show_archive(workspace: Workspace, name: str) -> None:
    if name in bin.archived(workspace):
        st.caption(_("This prompt is archived: it is in no list."))
        _bring_back(workspace, name)
        return
    st.button(
        _("Archive the prompt"),
        icon=":material/inventory_2:",
        key="archive-prompt",
        on_click=_archive,
        args=(workspace, name, True),
        help=_("It leaves every list, and nothing is deleted."),
        disabled=not audit.allowed(workspace, Verb.ARCHIVE_PROMPT),
    )


def _bring_back(workspace: Workspace, name: str) -> None:
    st.button(
        _("Bring back"),
        key=f"unarchive-{name}",
        on_click=_archive,
        args=(workspace, name, False),
        disabled=not audit.allowed(workspace, Verb.ARCHIVE_PROMPT),
    )


def _archive(workspace: Workspace, name: str, archived: bool) -> None:
    done = (
        Message("Archived {name}. Nothing was deleted.", name=name)
        if archived
        else Message("Brought {name} back.", name=name)
    )
    with feedback.action(done):
        bin.archive(workspace, name, archived)
        if archived:
            opening.open_list()


def _show_trashed(workspace: Workspace, name: str, one: PromptVersion) -> None:
    assert one.trashed_at is not None
    _show_gone(workspace, name, one.version, session.escape(titles.label(one)), one.trashed_at)


def _show_gone(workspace: Workspace, name: str, version: int | None, label: str, at: datetime) -> None:
    """One thing in the trash: until when it can come back, and both ways out of it."""
    key = f"{name}-{version or ''}"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(label)
        st.caption(_("deleted for good after {time}", time=session.moment(at + bin.KEPT)), width="content")
        st.button(
            _("Restore"),
            key=f"restore-{key}",
            on_click=restore,
            args=(workspace, name, version),
            disabled=not audit.allowed(workspace, Verb.TRASH_PROMPT),
        )
    if audit.allowed(workspace, Verb.ERASE_PROMPT):
        sure = st.checkbox(_("Delete it now, and nobody can bring it back"), key=f"sure-{key}")
        st.button(
            _("Delete for good"),
            key=f"erase-{key}",
            icon=":material/delete_forever:",
            on_click=_erase,
            args=(workspace, name, version),
            disabled=not sure,
        )
    feedback.show_refusal(place(workspace, name, version))


def _erase(workspace: Workspace, name: str, version: int | None) -> None:
    with feedback.action(Message("Deleted for good."), place(workspace, name, version)):
        bin.erase(workspace, name, version)
        if st.session_state.get(_undo_key(workspace)) == (name, version):
            st.session_state.pop(_undo_key(workspace))


def _undo_key(workspace: Workspace) -> str:
    return f"prompt-trashed-{workspace.app.id}"
