"""The whole text of a version, read where it stands in the list."""

import html

import streamlit as st

from pages.components import session
from pages.components.prompts import fields
from services.prompts import PromptVersion
from services.prompts.difference import VARIABLE
from services.prompts.drafts import Draft

STYLE = """
.sb-read summary{cursor:pointer;padding:.2rem 0;width:fit-content} .sb-read summary::marker{color:rgba(128,128,128,.9)}
.sb-text{max-height:26rem;overflow:auto;white-space:pre-wrap;overflow-wrap:anywhere;unicode-bidi:plaintext;
 padding:.5rem .8rem;margin:0 0 .5rem;border-radius:8px;background:rgba(128,128,128,.1);font-family:inherit}
.sb-text b{font-weight:600;border-radius:3px;background:rgba(60,120,220,.18)}
.sb-role{font-size:.85em;opacity:.75}
"""
_ = session.text


def show(one: PromptVersion, expanded: bool) -> None:
    """Closed until it is asked for; the browser has the text already and opens it without asking the server."""
    body = "".join(_message(one, role, content) for role, content in _messages(one))
    chosen = fields.summary(Draft(one.name, one.content))
    if chosen:
        body += f'<div class="sb-role">{html.escape(_("This version sets: {settings}", settings=chosen))}</div>'
    st.html(
        f'<style>{STYLE}</style><details class="sb-read"{" open" if expanded else ""}>'
        f"<summary>{html.escape(_('Text'))}</summary>{body}</details>"
    )


def _messages(one: PromptVersion) -> list[tuple[str, str]]:
    """The messages with their roles; a text has none."""
    return [(message.role if one.content.is_chat else "", message.content) for message in one.content.messages]


def _message(one: PromptVersion, role: str, content: str) -> str:
    """Everything escaped; drawn as plain text, which a browser does at once where a code block takes its time."""
    told = f'<div class="sb-role">{html.escape(role)}</div>' if role else ""
    marked = VARIABLE.sub(lambda found: f"<b>{found[0]}</b>", html.escape(content, quote=False))
    label = html.escape(_("The text of version {n}", n=one.version))
    return f'{told}<pre class="sb-text" role="region" tabindex="0" aria-label="{label}">{marked}</pre>'
