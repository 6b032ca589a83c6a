"""The way to production, stretch by stretch."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services import agents, datasets, evaluations, prompts, scorers
from services.audit import Verb
from services.messages import Message
from services.releases import Live

if TYPE_CHECKING:
    from services.workspace import Workspace


@dataclass(frozen=True)
class Stage:
    """One stretch of the way to production; `page` is where it is done, by those who may `verb`."""

    title: Message
    page: str
    done: bool
    detail: Message
    verb: Verb


def all(workspace: "Workspace", live: Live) -> tuple[Stage, ...]:
    """The stretches in their order, as the stores are now."""
    return tuple(stage(workspace, live) for stage in _STAGES)


def _prompt(workspace: "Workspace", live: Live) -> Stage:
    names = prompts.names(workspace)
    detail = Message("Prompts: {n}.", n=len(names)) if names else Message("Write what the assistant is told.")
    return Stage(Message("Write a prompt"), "prompts", bool(names), detail, Verb.SAVE_PROMPT)


def _agent(workspace: "Workspace", live: Live) -> Stage:
    ready = [one for one in agents.versions(workspace) if one.status == "READY"]
    detail = Message("Agent versions: {n}.", n=len(ready)) if ready else Message("Log an agent that uses the prompt.")
    return Stage(Message("Log an agent"), "agents", bool(ready), detail, Verb.LOG_AGENT)


def _dataset(workspace: "Workspace", live: Live) -> Stage:
    chosen = [one for one in datasets.all(workspace) if one.id == workspace.app.dataset_id]
    detail = (
        Message("{name}: {rows} questions.", name=chosen[0].name, rows=chosen[0].rows)
        if chosen
        else Message("Collect the questions that answers are judged on.")
    )
    return Stage(
        Message("Choose questions and scorers"),
        "datasets",
        bool(chosen and scorers.all(workspace)),
        detail,
        Verb.SAVE_DATASET,
    )


def _evaluation(workspace: "Workspace", live: Live) -> Stage:
    done = [one for one in evaluations.all(workspace) if one.finished]
    detail = (
        Message("Finished evaluations: {n}.", n=len(done))
        if done
        else Message("Run the agent over the questions and look at the scores.")
    )
    return Stage(Message("Evaluate"), "evaluations", bool(done), detail, Verb.EVALUATE)


def _release(workspace: "Workspace", live: Live) -> Stage:
    pair, detail = live.pair, Message("Nothing is live yet.")
    if pair.model_id and pair.prompt_version is None:
        detail = Message("Agent version {agent} is live, without a prompt.", agent=pair.agent_version or "–")
    elif pair.model_id:
        detail = Message(
            "Prompt version {prompt} with agent version {agent} is live.",
            prompt=pair.prompt_version or "–",
            agent=pair.agent_version or "–",
        )
    return Stage(Message("Release"), "releases", pair.model_id is not None, detail, Verb.PROPOSE_RELEASE)


_STAGES: tuple[Callable[["Workspace", Live], Stage], ...] = (_prompt, _agent, _dataset, _evaluation, _release)
