"""The versions of a prompt: who wrote them, why, and which one is live."""

import streamlit as st

from pages.components import editor, session
from pages.components.prompts import opening, writing
from services import audit
from services.audit import Verb
from services.prompts import PromptVersion
from services.workspace import Workspace

FIRST_SHOWN = 10
LONGEST_NOTE = 200
_ = session.text


def show(workspace: Workspace, name: str, found: list[PromptVersion]) -> None:
    everything = len(found) > FIRST_SHOWN and st.toggle(_("Show all versions ({n})", n=len(found)), key="all-versions")
    for one in found if everything else found[:FIRST_SHOWN]:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(
                _("**Version {n}**", n=one.version) + (f" :green-badge[{_('live')}]" if one.live else ""),
                width="content",
            )
            st.markdown(session.escape(one.note[:LONGEST_NOTE].replace("\n", " ")) or "–")
            st.caption(f"{session.escape(one.author or '–')} · {session.moment(one.created_at)}", width="content")
            st.button(
                _("Write from it"),
                key=f"from-{one.version}",
                on_click=_write_from,
                disabled=not audit.allowed(workspace, Verb.SAVE_PROMPT),
                args=(workspace, one, found[0]),
            )


def _write_from(workspace: Workspace, version: PromptVersion, newest: PromptVersion) -> None:
    text = editor.key(workspace, version.name)
    editor.prefill(text, newest)
    writing.start_from(text, version.template, "")
    opening.open_prompt(version.name)
