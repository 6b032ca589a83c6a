"""One question to an agent under one or two prompt versions, the answers side by side."""

import streamlit as st

from pages.components import agent_titles, editor, feedback, session
from pages.components.prompts import titles
from services import agents, audit, jobs, prompts
from services.agents import AgentVersion
from services.audit import Verb
from services.errors import InvalidInputError
from services.jobs import Job, State
from services.messages import Message
from services.workspace import Workspace

_ = session.text


def version_labels(workspace: Workspace, name: str) -> dict[int, str]:
    """A prompt's versions as lists show them, newest first."""
    return titles.labels(prompts.history(workspace, name))


def show(workspace: Workspace, ready: list[AgentVersion], names: list[str]) -> None:
    """The form and, under it, the answers that the address names; `names` are the app's prompts."""
    st.subheader(_("Try an agent"), anchor=False)
    if not ready:
        st.info(_("An agent can be tried as soon as one is logged; it need not be deployed."))
        return
    labels = agent_titles.labels(ready)
    chosen = st.selectbox(
        _("Agent version"), list(labels), format_func=labels.__getitem__, key=_key(workspace, "agent")
    )
    agent = next(one for one in ready if one.model_id == chosen)
    _choose_versions(workspace, version_labels(workspace, agent.prompt_name) if agent.prompt_name in names else {})
    st.text_area(_("Question"), "".join(workspace.app.smoke_questions[:1]), key=_key(workspace, "question"), height=80)
    st.button(
        _("Try"),
        key="try-out",
        icon=":material/play_arrow:",
        on_click=_try_out,
        args=(workspace,),
        disabled=not audit.allowed(workspace, Verb.TRY_AGENT),
    )
    _show_answers(workspace)


def _key(workspace: Workspace, name: str) -> str:
    return f"try-{name}-{workspace.app.id}"


def _choose_versions(workspace: Workspace, versions: dict[int, str]) -> None:
    first: dict[int | None, str] = dict(versions.items()) or {None: _("as the agent has it")}
    second: dict[int | None, str] = {None: _("no second answer"), **dict(versions.items())}
    left, right = st.columns(2)
    with left:
        st.selectbox(_("With prompt version"), list(first), format_func=first.__getitem__, key=_key(workspace, "first"))
    with right:
        st.selectbox(_("Beside it"), list(second), format_func=second.__getitem__, key=_key(workspace, "second"))


def _try_out(workspace: Workspace) -> None:
    # A click may overtake what was just typed: the fields are read here, not taken from the last run.
    agent, question, first, second = (
        st.session_state[_key(workspace, name)] for name in ("agent", "question", "first", "second")
    )
    with feedback.action(Message("Asked. The answers appear below.")):
        if not question.strip():
            raise InvalidInputError(Message("The question is empty."), Message("Write one first."))
        asked = [first] if second in (None, first) else [first, second]
        started = [agents.try_out(workspace, agent, version, question.strip()) for version in asked]
        st.query_params["tried"] = ",".join(str(job.id) for job in started)


def _show_answers(workspace: Workspace) -> None:
    named = st.query_params.get("tried", "").split(",")
    tried = [job for job in reversed(jobs.recent(workspace, "try_agent", 50)) if str(job.id) in named]
    if not tried:
        return
    st.markdown(f"**{_('Question')}**  \n" + editor.as_written(tried[0].args["question"]))
    for column, job in zip(st.columns(len(tried)), tried, strict=True):
        with column, st.container(border=True, height="stretch"):
            _show_answer(job)


def _show_answer(job: Job) -> None:
    version = job.args["prompt_version"]
    st.markdown(f"**{_('Prompt version {n}', n=version) if version else _('The prompt as the agent has it')}**")
    ended = feedback.job(job.id)
    if ended.state is not State.DONE:
        return
    st.markdown(editor.as_written(ended.result["answer"]))
    st.caption(_("{seconds} s", seconds=ended.result["seconds"]))
    if ended.result["trace_id"]:
        st.page_link(
            session.page("traces"),
            label=_("Open the trace"),
            icon=":material/account_tree:",
            query_params={"trace": ended.result["trace_id"]},
        )
