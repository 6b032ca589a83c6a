"""Try versions of a prompt side by side: the same questions, straight to the model, nothing released."""

import streamlit as st

from pages.components import feedback, session
from pages.components.playground import answers, desk, questions, running, variants
from services import prompts
from services.errors import ConsoleError

_ = session.text


def choose(names: list[str]) -> str:
    """The prompt that the address names, else the first; another choice starts an address of its own."""
    asked = st.query_params.get("prompt")
    if asked is not None and asked not in names:
        st.warning(_("There is no prompt “{name}” in this app. Choose one from the list.", name=session.escape(asked)))
    key = f"playground-prompt-{workspace.app.id}"
    st.session_state[key] = asked if asked in names else names[0]
    return str(st.selectbox(_("Prompt"), names, key=key, on_change=lambda: turn_to(st.session_state[key]), width=320))


def turn_to(name: str) -> None:
    for param in ("versions", "draft"):
        st.query_params.pop(param, None)
    st.query_params["prompt"] = name


workspace = session.workspace()
st.title(_("Playground"), anchor=False)
st.caption(_("Ask several versions the same questions and read the answers side by side. Nothing goes live here."))
names = prompts.names(workspace)
if not names:
    st.info(_("There is no prompt yet. Write one first, then compare its versions here."))
    st.page_link(session.page("prompts"), label=_("Open Prompts"), icon=":material/edit_note:")
    st.stop()
with st.container(horizontal=True, vertical_alignment="bottom"):
    name = choose(names)
    st.page_link(
        session.page("prompts"),
        label=_("Open in Prompts"),
        icon=":material/edit_note:",
        query_params={"prompt": name},
    )
place = desk.enter(workspace, name)
if "trace" in st.query_params:
    try:
        questions.add_from_address(workspace, name)
        place = desk.enter(workspace, name)
    except ConsoleError as error:
        feedback.show_error(error)
variants.show(place)
questions.show(place)
running.show(place)
answers.show(place)
