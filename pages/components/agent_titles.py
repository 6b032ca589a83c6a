"""How every list names an agent version: its number in the registry, else when it was logged."""

from collections.abc import Iterable

from pages.components import choices, session
from services import prompts
from services.agents import AgentVersion
from services.workspace import Workspace

_ = session.text


def labels(found: Iterable[AgentVersion]) -> dict[str, str]:
    """The agent versions by model id as a list to choose from shows them, in the order given."""
    return choices.apart({one.model_id: label(one) for one in found})


def label(one: AgentVersion) -> str:
    """“agent version 2 · support”; plain text, to be escaped where markdown is drawn."""
    if one.registered:
        return _("agent version {n} · {name}", n=one.registered, name=one.name)
    return _("{name}, logged {time}, never released", name=one.name, time=session.moment(one.created_at))


def pinned(workspace: Workspace, agent: AgentVersion) -> int | None:
    """The prompt version that it always answers with, where that can be chosen; None for one that follows."""
    if agent.pinned is None or agent.prompt_name not in prompts.names(workspace):
        return None
    known = (one.version for one in prompts.history(workspace, agent.prompt_name))
    return agent.pinned if agent.pinned in known else None
