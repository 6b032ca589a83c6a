"""An agent version's line from its prompt to its live answers, and whether it really uses its prompt.

Thirteen reads of MLflow, however many answers there are (one more for every 200 of the counted ones): the agent (2),
its prompt's versions (3), evaluations, registered version, live answers, the newest answer, its trace and the
prompt version that it loaded (3).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from mlflow.entities import Trace

from services import agents, endpoints, prompts, traces
from services.agents import stages
from services.agents.records import AgentVersion
from services.agents.stages import Stage
from services.errors import NotFoundError, translated
from services.messages import Message
from services.prompts import PromptVersion
from services.releases import proving

if TYPE_CHECKING:
    from services.workspace import Workspace

MOST_TRACES = 500
NEWEST = 20


@dataclass(frozen=True)
class PromptProof:
    """Whether the newest answer shows its prompt's words in the model's input; `used` is None before any answer."""

    used: bool | None
    told: Message
    trace_id: str | None = None
    origin: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class Lineage:
    """The stages in order, and the proof."""

    stages: tuple[Stage, ...]
    proof: PromptProof


def lineage(workspace: "Workspace", model_id: str) -> Lineage:
    """Where an agent version comes from and where it went; raises NotFoundError for one of another app."""
    agent = agents.get(workspace, model_id)
    history = _history(workspace, agent.prompt_name)
    now = stages.answers_with(agent, history)
    endpoint = endpoints.current(workspace)
    serving = endpoint is not None and any(one.model_id == model_id for one in endpoint.live)
    live = traces.find(workspace, stages.traces_of(model_id, "live", MOST_TRACES))
    line = (
        stages.prompted(agent, history, now, serving),
        stages.logged(agent),
        stages.evaluated(workspace, agent, now),
        stages.registered(workspace, agent),
        stages.served(agent, endpoint),
        stages.live_answers(agent, live.rows, live.more, serving),
    )
    return Lineage(line, prompt_proof(workspace, agent))


def prompt_proof(workspace: "Workspace", agent: AgentVersion) -> PromptProof:
    """What the newest whole answer of the agent shows, whoever asked: people, a release, an evaluation, a try."""
    found = traces.find(workspace, stages.traces_of(agent.model_id, None, NEWEST)).rows
    newest = next((one for one in found if one.ok and one.finished), None)
    with translated(Message("Reading the trace")):
        trace = traces.stored(workspace, newest.trace_id) if newest else None
    if agent.links.none:
        return PromptProof(
            None, Message("It was logged without a prompt: its instructions are in its code or loaded by it.")
        )
    if newest is None or trace is None:
        return PromptProof(None, Message("Not seen yet: no answer of this agent version left a trace. Try it once."))
    used, told = _shown(workspace, trace, agent)
    return PromptProof(used, told, newest.trace_id, newest.origin, newest.time)


def _shown(workspace: "Workspace", trace: Trace, agent: AgentVersion) -> tuple[bool | None, Message]:
    if not agent.prompt_name:
        return False, Message("No: it names no prompt.")
    try:
        use = proving.prompt_use(workspace, trace, agent.prompt_name)
    except NotFoundError:
        return None, Message("Nobody can tell: the prompt version of its newest answer was deleted.")
    if use.doubt:
        return False, Message("No: {doubt}", doubt=use.doubt)
    return True, Message("Yes: the words of prompt version {n} stand in what the model was sent.", n=use.version or "–")


def _history(workspace: "Workspace", name: str) -> dict[int, PromptVersion]:
    """The versions of its prompt by number; none for a prompt that does not exist or belongs to another app."""
    try:
        return {one.version: one for one in prompts.history(workspace, name)} if name else {}
    except NotFoundError:
        return {}
