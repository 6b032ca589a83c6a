"""A conversation with an agent under one or two prompt versions, the answers side by side as they grow."""

from typing import Any

import streamlit as st

from pages.components import agent_checks, agent_steps, choices, editor, feedback, opinion, session, sources, trace_view
from pages.components.prompts import titles
from services import agents, audit, jobs, prompts
from services.agents import AgentVersion, inputs, talking
from services.agents.checking import Finding
from services.agents.inputs import Inputs, Scalar
from services.audit import Verb
from services.errors import InvalidInputError
from services.jobs import Job, State
from services.kinds import Kind, ToolStep
from services.messages import Message
from services.sources import read as read_sources
from services.workspace import Workspace

_ = session.text


def version_labels(workspace: Workspace, name: str) -> dict[int, str]:
    """A prompt's versions as lists show them, newest first."""
    return titles.labels(prompts.history(workspace, name))


def show(workspace: Workspace, agent: AgentVersion, ready: list[AgentVersion]) -> None:
    """The form and, under it, the answers that the address names."""
    known = agent.prompt_name in prompts.names(workspace)
    versions = _choose_versions(agent, version_labels(workspace, agent.prompt_name)) if known else [None]
    asked = inputs.inputs(workspace, agent, versions)
    if asked.asks:
        st.text_area(
            _("Question"),
            choices.question(workspace.app.smoke_questions, session.language()),
            key=f"try-question/{workspace.app.id}",
            height=80,
        )
    _ask_inputs(agent, asked)
    st.button(
        _("Try"),
        key="try-out",
        type="primary",
        icon=":material/play_arrow:",
        on_click=_try_out,
        args=(workspace, agent),
        disabled=not audit.allowed(workspace, Verb.TRY_AGENT),
    )
    _show_answers(workspace, agent)


def _choose_versions(agent: AgentVersion, versions: dict[int, str]) -> list[int | None]:
    first: dict[int | None, str] = dict(versions.items()) or {None: _("as the agent has it")}
    second: dict[int | None, str] = {None: _("no second answer"), **dict(versions.items())}
    left, right = st.columns(2)
    # A pinned agent answers with its own version; another one is what somebody has to choose.
    own = list(first).index(agent.pinned) if agent.pinned in first else 0
    one = left.selectbox(
        _("With prompt version"), list(first), own, format_func=first.__getitem__, key=f"try-first/{agent.model_id}"
    )
    other = right.selectbox(
        _("Beside it"), list(second), format_func=second.__getitem__, key=f"try-second/{agent.model_id}"
    )
    return [one, *([other] if other else [])]


def _ask_inputs(agent: AgentVersion, asked: Inputs) -> None:
    """A field for each input beside the question, made from what the agent says of itself."""
    if not (asked.variables or asked.own):
        return
    st.markdown(f"**{_('Other inputs') if asked.asks else _('What it is given')}**")
    if not asked.asks:
        st.caption(_("This agent takes no question: these are the fields of its requests."))
    for name in asked.variables:
        st.text_input(session.escape(name), key=_input_key(agent, name), placeholder=_("filled in by who asks"))
    for name, example in (asked.own or {}).items():
        _ask_own(session.escape(name), example, _input_key(agent, name), lines=name in asked.lines)
    st.caption(_("The Review App of Databricks cannot show such inputs: people who review there ask without them."))


def _ask_own(label: str, example: Scalar, key: str, *, lines: bool) -> None:
    if lines:
        st.text_area(label, str(example), key=key, height=80, help=_("One per line"))
    elif isinstance(example, bool):
        st.toggle(label, example, key=key)
    elif isinstance(example, int | float):
        st.number_input(label, value=example, key=key)
    else:
        st.text_input(label, example, key=key)


def _input_key(agent: AgentVersion, name: str) -> str:
    return f"try-input/{agent.model_id}/{name}"


def _try_out(workspace: Workspace, agent: AgentVersion) -> None:
    # A click may overtake what was just typed: the fields are read here, not taken from the last run.
    question = str(st.session_state.get(f"try-question/{workspace.app.id}", ""))
    # An agent that asks no prompt has no versions to choose.
    first, second = (st.session_state.get(f"try-{place}/{agent.model_id}") for place in ("first", "second"))
    with feedback.action(Message("Asked. The answers appear below.")):
        versions = [first] if second in (None, first) else [first, second]
        asked = inputs.inputs(workspace, agent, versions)
        typed = {
            name: st.session_state[key]
            for name in (*asked.variables, *(asked.own or {}))
            if (key := _input_key(agent, name)) in st.session_state
        }
        question = question if asked.asks else asked.written(typed)
        if not question.strip():
            raise InvalidInputError(Message("The question is empty."), Message("Write one first."))
        started = [
            agents.try_out(workspace, agent.model_id, version, question.strip(), asked.request(typed))
            for version in versions
        ]
        st.query_params["tried"] = ",".join(str(job.id) for job in started)


def _show_answers(workspace: Workspace, agent: AgentVersion) -> None:
    named, recent = st.query_params.get("tried", "").split(","), reversed(jobs.recent(workspace, "try_agent", 50))
    tried = [job for job in recent if str(job.id) in named and job.args["model_id"] == agent.model_id]
    if not tried:
        return
    asked = _("What it is given") if agent.kind is Kind.FORM else _("Question")
    if not any("talk" in job.args for job in tried):
        st.markdown(f"**{asked}**  \n" + editor.as_written(tried[0].args["question"]))
    for column, job in zip(st.columns(len(tried)), tried, strict=True):
        with column, st.container(border=True, height="stretch"):
            _show_answer(job, agent)
    _show_going_on(agent, tried)


def _show_going_on(agent: AgentVersion, tried: list[Job]) -> None:
    """The field for a further question, once every answer is there; an agent with a form has no conversation."""
    waiting = any(job.state is not State.DONE or job.result.get("items") for job in tried)
    if waiting or agent.kind is Kind.FORM:
        return
    with st.container():
        st.chat_input(
            _("Ask on, in the same conversation"),
            key=_on_key(agent),
            max_chars=4000,
            on_submit=_ask_on,
            args=(agent, [job.id for job in tried]),
            disabled=not audit.allowed(session.workspace(), Verb.TRY_AGENT),
        )


def _on_key(agent: AgentVersion) -> str:
    return f"ask-on/{agent.model_id}"


def _ask_on(agent: AgentVersion, ids: list[int]) -> None:
    workspace = session.workspace()
    with feedback.action(Message("Asked. The answers appear below.")):
        question = str(st.session_state[_on_key(agent)] or "")
        started = [agents.ask_on(workspace, jobs.get(workspace, id), question) for id in ids]
        st.query_params["tried"] = ",".join(str(job.id) for job in started)


def _show_talk(talk: list[dict[str, Any]]) -> None:
    """What was said before the answer, with the newest question."""
    for turn in talk:
        if turn.get("role") in ("user", "assistant") and turn.get("content"):
            with st.chat_message(turn["role"]):
                st.markdown(editor.as_written(str(turn["content"])))


def _show_growing(job: Job) -> None:
    """What is said so far, as it grows; of an answer that broke off, what had been said, with its trace."""
    if job.live:

        @st.fragment(run_every=0.5)
        def follow() -> None:
            now = jobs.get(session.workspace(), job.id)
            used, progress = talking.tools_now(now)
            agent_steps.show(used, at_work=True, progress=progress)
            st.markdown(editor.as_written(talking.said(now)))

        follow()
        return
    if job.state is State.DONE:
        return
    told, trace_id = talking.said(job), talking.failed_trace(job)
    agent_steps.show(talking.tools_now(job)[0])
    if told:
        st.markdown(editor.as_written(told))
        st.caption(_(":orange[The answer broke off here.]"))
    if trace_id:
        _show_trace(trace_id)


def _show_trace(trace_id: str) -> None:
    trace_view.show_beside(session.workspace(), trace_id)
    st.page_link(
        session.page("traces"),
        label=_("Open the trace"),
        icon=":material/account_tree:",
        query_params={"trace": trace_id},
    )


def _ask_for_yes(job: Job) -> None:
    """Until somebody said so, in whatever tab."""
    if "allowed" in job.result:
        st.caption(_("This was allowed.") if job.result["allowed"] else _("This was refused."))
        return
    agent_steps.ask_for_yes(session.workspace(), "allow", str(job.id), _go_on, job.id)


def _go_on(job_id: int, allowed: bool) -> None:
    workspace = session.workspace()
    with feedback.action(Message("Told the agent. Its answer appears below.")):
        next_job = agents.go_on(workspace, jobs.get(workspace, job_id), allowed)
        named = st.query_params.get("tried", "").split(",")
        st.query_params["tried"] = ",".join(str(next_job.id) if one == str(job_id) else one for one in named)


def _show_answer(job: Job, agent: AgentVersion) -> None:
    if not agent.links.none:
        version = job.args["prompt_version"]
        st.markdown(f"**{_('Prompt version {n}', n=version) if version else _('The prompt as the agent has it')}**")
    talk = job.args.get("talk") or []
    _show_talk(talk)
    with st.chat_message("assistant") if talk else st.container():
        agent_steps.show(talking.tools_before(job))
        _show_ended(job)


def _show_ended(job: Job) -> None:
    ended = feedback.job(job.id)
    _show_growing(ended)
    if ended.state is not State.DONE:
        return
    for finding in ended.result.get("findings") or []:
        agent_checks.show_finding(Finding.from_json(finding))
    agent_steps.show(ToolStep(**one) for one in ended.result.get("steps") or [])
    if ended.result.get("items"):
        _ask_for_yes(ended)
    st.markdown(editor.as_written(ended.result["answer"]))
    sources.show(read_sources(ended.result))
    st.caption(_("{seconds} s", seconds=ended.result["seconds"]))
    if ended.result["trace_id"]:
        if not ended.result.get("items"):  # else there is no answer yet that could be good or bad
            opinion.show_thumbs(session.workspace(), ended.result["trace_id"])
        _show_trace(ended.result["trace_id"])
