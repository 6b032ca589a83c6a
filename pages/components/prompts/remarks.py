"""What people say about a prompt and its versions."""

import streamlit as st

from pages.components import editor, feedback, session
from pages.components.prompts import titles
from services import audit
from services.audit import Verb
from services.messages import Message
from services.prompts import PromptVersion, comments
from services.prompts.comments import LONGEST, Comment
from services.workspace import Workspace

FIRST_SHOWN = 50
_ = session.text


def show(workspace: Workspace, name: str, found: list[PromptVersion]) -> None:
    """Every comment, newest last, and under them a place for another one."""
    said = comments.all(workspace, name)
    if not said:
        st.info(_("Nobody has said anything yet. Ask a question, or say what a version should do better."))
    earlier = len(said) - FIRST_SHOWN
    everything = earlier > 0 and st.toggle(_("Show earlier comments ({n})", n=earlier), key="earlier-comments")
    for one in said if everything else said[-FIRST_SHOWN:]:
        _show_comment(workspace, one)
    if audit.allowed(workspace, Verb.COMMENT):
        _show_form(workspace, name, found)
    else:
        st.caption(_("To comment you need the role “reviewer”."))


def _show_comment(workspace: Workspace, one: Comment) -> None:
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            about = _("about version {n}", n=one.version) if one.version else _("about the prompt")
            st.markdown(f"**{session.escape(one.actor)}** :gray-badge[{about}]", width="content")
            st.caption(session.moment(one.created_at), width="stretch")
            if one.actor == workspace.actor.id and audit.allowed(workspace, Verb.COMMENT):
                st.button(
                    _("Delete"),
                    key=f"delete-comment-{one.id}",
                    type="tertiary",
                    icon=":material/delete:",
                    on_click=_remove,
                    args=(workspace, one.id),
                )
        st.markdown(editor.as_written(one.text))


def _show_form(workspace: Workspace, name: str, found: list[PromptVersion]) -> None:
    labels = titles.labels(found)
    asked = session.number("version")
    options: list[int | None] = [None, *labels]
    with st.form(_key(workspace, name, "form"), border=False):
        st.selectbox(
            _("About"),
            options,
            index=options.index(asked) if asked in options else 0,
            format_func=lambda n: labels[n] if n else _("the prompt as a whole"),
            key=_key(workspace, name, f"about-{asked or ''}"),
            width=420,
        )
        st.text_area(_("Your comment"), key=_key(workspace, name, "text"), max_chars=LONGEST, height=100)
        st.form_submit_button(
            _("Comment"), type="primary", key="write-comment", on_click=_write, args=(workspace, name, asked)
        )


def _write(workspace: Workspace, name: str, asked: int | None) -> None:
    text = _key(workspace, name, "text")
    with feedback.action(Message("Commented.")):
        comments.write(
            workspace, name, st.session_state[_key(workspace, name, f"about-{asked or ''}")], st.session_state[text]
        )
        st.session_state[text] = ""


def _remove(workspace: Workspace, id: int) -> None:
    with feedback.action(Message("Deleted your comment.")):
        comments.remove(workspace, id)


def _key(workspace: Workspace, name: str, what: str) -> str:
    return f"comment-{workspace.app.id}-{name}-{what}"
