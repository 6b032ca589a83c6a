"""A quick try beside the editor: one question under the words that stand there."""

import streamlit as st

from pages.components import choices, editor, feedback, session
from services import audit, playground
from services.audit import Verb
from services.errors import ConsoleError
from services.prompts import Content
from services.workspace import Workspace

_ = session.text


def show(workspace: Workspace, name: str | None, content: Content, written: bool) -> None:
    st.header(_("Try it"), anchor=False)
    st.caption(
        session.joined(
            _("The draft goes straight to the model; nothing is saved."),
            _("The practice model answers.") if workspace.settings.practice else "",
        )
    )
    question = st.text_area(
        _("Question"),
        choices.question(workspace.app.smoke_questions, session.language()),
        key=f"try-question-{workspace.app.id}",
        height=80,
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        asked = st.button(
            _("Try"),
            key="try-prompt",
            icon=":material/play_arrow:",
            disabled=not audit.allowed(workspace, Verb.TRY_AGENT),
        )
        if name is not None:
            st.page_link(
                session.page("playground"),
                label=_("Compare in the playground"),
                icon=":material/science:",
                query_params={"prompt": name} | ({"draft": "1"} if written else {}),
            )
    answered = f"try-answer-{workspace.app.id}-{name or ''}"
    if not asked:
        st.markdown(st.session_state.get(answered, ""))
    elif not question.strip():
        st.warning(_("The question is empty. Write one first."))
    else:
        st.session_state[answered] = ""
        _stream(workspace, content, question, answered)


def _stream(workspace: Workspace, content: Content, question: str, answered: str) -> None:
    """Draw the answer as it comes; an error in the middle leaves the rest of the page usable."""
    try:
        st.session_state[answered] = st.write_stream(
            map(editor.as_written, playground.stream(workspace, content, question))
        )
    except ConsoleError as error:
        feedback.show_error(error)
