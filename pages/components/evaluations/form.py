"""Start an evaluation: what is evaluated, on which questions, by which scorers, and what stands in the way."""

from typing import Any

import streamlit as st

from pages.components import agent_titles, feedback, session
from pages.components.datasets import titles as dataset_titles
from pages.components.evaluations import checks, place
from pages.components.prompts import titles as prompt_titles
from services import agents, datasets, endpoints, evaluations, prompts, scorers
from services.agents import AgentVersion
from services.evaluations import Choice, Source, preflight
from services.evaluations.plan import MOST_REPEATS
from services.evaluations.preflight import Order
from services.evaluations.sources import AGENT, ENDPOINT, MOST_TRACES, TRACES
from services.messages import Message, mark
from services.traces.rows import ORIGINS
from services.workspace import Workspace

_ = session.text
SOURCES = {
    AGENT: mark("An agent version"),
    ENDPOINT: mark("What answers at the endpoint now"),
    TRACES: mark("Answers that exist"),
}
HOURS = {1: mark("Last hour"), 24: mark("Last 24 hours"), 168: mark("Last 7 days"), 720: mark("Last 30 days")}


def show(workspace: Workspace) -> None:
    """The whole form; a start is remembered under `job_key`."""
    kind = _source(workspace)
    ready = _ready(workspace)
    if _missing(workspace, kind, ready):
        return
    source, agent, version, dataset_id = Source(kind), None, None, ""
    if kind == TRACES:
        source = _answers(workspace)
    elif kind == AGENT:
        agent, version = _agent(workspace, ready)
        dataset_id = _dataset(workspace, st.container())
    else:
        st.caption(_("The questions go to the address that everyone uses; what is released now answers them."))
        dataset_id = _dataset(workspace, st.container())
    order = _options(workspace, source, agent, version, dataset_id)
    told = kind == ENDPOINT or (agent is not None and agent.model_told)
    if workspace.settings.practice and told:
        st.caption(
            _(
                "The practice model answers: it follows rules, so its scores show how the console works, not how a real model would do."
            )
        )
    checks.show(workspace, place.choose(workspace, order), start)


def start(order: Order) -> None:
    """A click's write, in a callback."""
    workspace = session.workspace()
    with feedback.action(Message("The evaluation is on its way.")):
        job = evaluations.start(
            workspace,
            order.model_id,
            order.prompt_version,
            order.dataset_id,
            repeats=order.repeats,
            scorer_names=order.scorer_names,
            source=order.source,
            choice=order.choice,
            per_minute=order.per_minute,
            where=order.where,
        )
        st.session_state[job_key(workspace)] = job.id


def job_key(workspace: Workspace) -> str:
    """Where this session keeps the job that it started; jobs of another app cannot be read."""
    return f"evaluation-job-{workspace.app.id}"


def _source(workspace: Workspace) -> str:
    chosen = st.segmented_control(
        _("What is evaluated"),
        list(SOURCES),
        default=AGENT,
        required=True,
        format_func=lambda kind: _(SOURCES[kind]),
        key=f"evaluate-source-{workspace.app.id}",
    )
    return str(chosen or AGENT)


def _ready(workspace: Workspace) -> dict[str, AgentVersion]:
    return {one.model_id: one for one in agents.versions(workspace) if one.status == "READY"}


def _missing(workspace: Workspace, kind: str, ready: dict[str, AgentVersion]) -> bool:
    """Say what must come first, with a link to its screen."""
    if kind == AGENT and not ready:
        st.info(_("Log an agent first: an evaluation asks one agent version with one prompt version."))
        st.page_link(session.page("agents"), label=_("Open Agents"), icon=":material/smart_toy:")
    elif kind == ENDPOINT and endpoints.current(workspace) is None:
        st.info(_("Nothing is released yet: release an agent version first, then its answers can be evaluated here."))
        st.page_link(session.page("releases"), label=_("Open Releases"), icon=":material/rocket_launch:")
    elif kind != TRACES and not datasets.all(workspace):
        st.info(_("Collect questions first: an evaluation asks every question of a dataset."))
        st.page_link(session.page("datasets"), label=_("Open Datasets"), icon=":material/dataset:")
    else:
        return False
    return True


def _agent(workspace: Workspace, ready: dict[str, AgentVersion]) -> tuple[AgentVersion, int | None]:
    """One under the other: notes and names are long."""
    labels = agent_titles.labels(ready.values())
    _choose_asked("agent", f"evaluate-agent-{workspace.app.id}", list(ready))
    model_id = st.selectbox(
        _("Agent version"),
        list(ready),
        format_func=labels.__getitem__,
        key=f"evaluate-agent-{workspace.app.id}",
        on_change=lambda: _choose_pinned(workspace, ready[st.session_state[f"evaluate-agent-{workspace.app.id}"]]),
    )
    agent = ready[model_id]
    name = agent.prompt_name
    if name not in prompts.names(workspace):
        st.query_params.pop("version", None)
        st.text_input(
            _("Prompt version"),
            _("none: its instructions are in its code"),
            disabled=True,
            key=f"evaluate-prompt-{workspace.app.id}-none",
        )
        return agent, None
    versions = prompt_titles.labels(prompts.history(workspace, name))
    _choose_asked("version", f"evaluate-prompt-{workspace.app.id}-{name}", list(versions))
    pinned = agent.pinned
    version = st.selectbox(
        _("Prompt version"),
        list(versions),
        index=list(versions).index(pinned) if pinned in versions else 0,
        format_func=versions.__getitem__,
        key=f"evaluate-prompt-{workspace.app.id}-{name}",
    )
    return agent, version


def _choose_pinned(workspace: Workspace, agent: AgentVersion) -> None:
    """An agent that always answers with one version is asked with that one, unless somebody chooses another."""
    if pinned := agent_titles.pinned(workspace, agent):
        st.session_state[f"evaluate-prompt-{workspace.app.id}-{agent.prompt_name}"] = pinned


def _choose_asked(name: str, key: str, known: list[Any]) -> None:
    """What the address asks for stands in the field; once, so that it can be changed afterwards."""
    asked = st.query_params.pop(name, None)
    found = [one for one in known if str(one) == asked]
    if found:
        st.session_state[key] = found[0]


def _dataset(workspace: Workspace, column: Any) -> str:
    labels = dataset_titles.labels(datasets.all(workspace))
    ids = list(labels)
    _choose_asked("dataset", f"evaluate-dataset-{workspace.app.id}", ids)
    return str(
        column.selectbox(
            _("Dataset"),
            ids,
            index=ids.index(workspace.app.dataset_id) if workspace.app.dataset_id in ids else 0,
            format_func=labels.__getitem__,
            key=f"evaluate-dataset-{workspace.app.id}",
        )
    )


def _answers(workspace: Workspace) -> Source:
    """Which of the answers that were recorded."""
    id = workspace.app.id
    left, middle, right = st.columns(3)
    hours = left.selectbox(
        _("Period"), list(HOURS), index=1, format_func=lambda n: _(HOURS[n]), key=f"evaluate-hours-{id}"
    )
    origin = middle.selectbox(
        _("Where the questions came from"),
        ["", *ORIGINS],
        index=1,
        format_func=lambda name: _(ORIGINS[name]) if name else _("Anywhere"),
        key=f"evaluate-origin-{id}",
    )
    newest = right.number_input(_("Newest answers, at most"), 1, MOST_TRACES, 50, key=f"evaluate-newest-{id}")
    left, right = st.columns(2)
    words = left.text_input(_("With these words"), key=f"evaluate-words-{id}")
    talk = right.text_input(
        _("Of this conversation"),
        key=f"evaluate-session-{id}",
        help=_("The conversation's name as the Traces screen shows it; empty for all."),
    )
    return Source(TRACES, hours, int(newest), origin, talk.strip(), words.strip())


def _options(
    workspace: Workspace, source: Source, agent: AgentVersion | None, version: int | None, dataset_id: str
) -> Order:
    """What rarely changes stands folded away, all of it with a default."""
    id, specs = workspace.app.id, [spec.name for spec in scorers.all(workspace)]
    with st.expander(_("Questions, scorers and limits"), icon=":material/tune:"):
        names = st.multiselect(
            _("Scorers"), specs, default=specs, key=f"evaluate-scorers-{id}", placeholder=_("Choose scorers")
        )
        choice, repeats = Choice(), 1
        if source.kind != TRACES:
            choice, repeats = _rows(workspace, dataset_id)
        limit = st.number_input(
            _("Requests per minute, at most"),
            1,
            None,
            None,
            key=f"evaluate-limit-{id}",
            placeholder=_("No limit"),
            help=_("Questions and judgements together. Set it to what your model's contract allows."),
        )
        place.threshold(workspace)
    return Order(
        source, agent, version, dataset_id, tuple(names), choice, repeats, None if limit is None else int(limit)
    )


def _rows(workspace: Workspace, dataset_id: str) -> tuple[Choice, int]:
    rows = preflight.content(workspace, dataset_id)
    splits, topics = sorted({row.split for row in rows} - {""}), sorted({row.topic for row in rows} - {""})
    first, second, third, fourth = st.columns(4)
    split = first.selectbox(
        _("Part"),
        ["", *splits],
        format_func=lambda name: name or _("All"),
        key=f"evaluate-split-{dataset_id}",
        disabled=not splits,
    )
    topic = second.selectbox(
        _("Topic"),
        ["", *topics],
        format_func=lambda name: name or _("All"),
        key=f"evaluate-topic-{dataset_id}",
        disabled=not topics,
    )
    only = third.number_input(
        _("Only the first"), 1, None, None, key=f"evaluate-first-{dataset_id}", placeholder=_("All")
    )
    repeats = fourth.number_input(
        _("Ask each question"),
        1,
        MOST_REPEATS,
        1,
        key=f"evaluate-repeats-{dataset_id}",
        help=_("How many times. A model may answer differently each time; repeats show how steady it is."),
    )
    return Choice(split, topic, None if only is None else int(only)), int(repeats)
