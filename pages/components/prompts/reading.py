"""The whole text of a version, read where it stands in the list."""

import html

import streamlit as st

from pages.components import session
from pages.components.prompts import fields
from services.prompts import PromptVersion
from services.prompts.difference import VARIABLE
from services.prompts.drafts import Draft

STYLE = """
.sb-text{max-height:26rem;overflow:auto;white-space:pre-wrap;overflow-wrap:anywhere;unicode-bidi:plaintext;
 padding:.5rem .8rem;margin:0 0 .5rem;border-radius:8px;background:rgba(128,128,128,.1);font-family:inherit}
.sb-text b{font-weight:600;border-radius:3px;background:rgba(60,120,220,.18)}
.sb-role{font-size:.85em;opacity:.75}
"""
_ = session.text


# Only this part runs again when a text is opened: the list around it stays as it is.
@st.fragment
def show(one: PromptVersion, expanded: bool) -> None:
    text = st.expander(
        _("Text"),
        icon=":material/article:",
        expanded=expanded,
        key=f"text/{one.name}/{one.version}",
        on_change="rerun",
    )
    if not text.open:
        return
    with text:
        st.html(f"<style>{STYLE}</style>" + "".join(_message(one, role, content) for role, content in _messages(one)))
        chosen = fields.summary(Draft(one.name, one.content))
        if chosen:
            st.caption(_("This version sets: {settings}", settings=session.escape(chosen)))


def _messages(one: PromptVersion) -> list[tuple[str, str]]:
    """The messages with their roles; a text has none."""
    return [(message.role if one.content.is_chat else "", message.content) for message in one.content.messages]


def _message(one: PromptVersion, role: str, content: str) -> str:
    """Everything escaped; drawn as plain text, which a browser does at once where a code block takes its time."""
    told = f'<div class="sb-role">{html.escape(role)}</div>' if role else ""
    marked = VARIABLE.sub(lambda found: f"<b>{found[0]}</b>", html.escape(content, quote=False))
    label = html.escape(_("The text of version {n}", n=one.version))
    return f'{told}<pre class="sb-text" role="region" tabindex="0" aria-label="{label}">{marked}</pre>'
