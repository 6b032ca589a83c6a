"""What should go live, and what the interlocks say of it, before anything moves."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from services import agents, audit, interlocks, prompts
from services.agents import AgentVersion, servers
from services.audit import Verb
from services.errors import InvalidInputError
from services.interlocks import Candidate, Finding
from services.messages import Message
from services.prompts import PromptVersion
from services.releases import canary, circumstances, records, steps, stopping, telling
from services.releases.facts import Kind, Pair, Release
from services.releases.pointer import Live, live
from services.releases.records import get

if TYPE_CHECKING:
    from services.workspace import Workspace


@dataclass(frozen=True)
class Proposal:
    """What someone wants to make live; with `canary` the traffic moves step by step, as the app's plan says.

    With `test` it is split until people choose. With `shadow` the version first gets copies of questions: `harmless` is the
    proposer's word that its answers change nothing elsewhere.
    `prompt_version` is None for an agent that asks no prompt of the app.
    """

    model_id: str
    prompt_version: int | None
    why: str = ""
    canary: bool = False
    test: bool = False
    shadow: bool = False
    harmless: bool = False

    @property
    def compared(self) -> bool:
        """Whether the two versions are compared with people's questions before all the traffic moves."""
        return self.canary or self.test or self.shadow


def preflight(workspace: "Workspace", proposal: Proposal) -> list[Finding]:
    """What the interlocks would say about a proposal now; nothing is written."""
    return interlocks.check(_candidate(workspace, proposal))


def propose(workspace: "Workspace", proposal: Proposal) -> Release:
    """Record what should move; a release moves one pointer, the alias or the traffic.

    Raises ConflictError while another release is on its way, InvalidInputError when two pointers would move.
    """
    audit.require(workspace, Verb.PROPOSE_RELEASE)
    candidate = _candidate(workspace, proposal)
    stopping.nothing_on_its_way(workspace)
    now = live(workspace)
    kind = _kind(candidate, now)
    evaluation = candidate.evaluation.run_id if candidate.evaluation else None
    before = asdict(now.pair)
    after = asdict(Pair(proposal.model_id, _known_version(now, proposal), proposal.prompt_version))
    name = candidate.prompt.name if candidate.prompt else ""
    moves: dict[str, Any] = {"prompt": name, "before": before, "evaluation": evaluation, "after": after}
    moves["registered"] = candidate.agent.registered
    if proposal.compared:
        moves["canary"] = _plan(workspace, proposal, kind, now)
    # Before anything is stored: a check that cannot be made leaves no proposal behind.
    findings, basis = interlocks.check(candidate), steps.basis(candidate)
    line = audit.change(workspace, Verb.PROPOSE_RELEASE, kind.value, before, after, proposal.why)
    with line as change:
        id = records.add(workspace, kind, moves, proposal.why)
        change.after = after | ({"changes_nothing": True} if proposal.shadow else {}) | records.reference(workspace, id)
        records.set_findings(workspace, get(workspace, id), findings, basis)
        telling.tell(workspace, "proposed", get(workspace, id))
    return get(workspace, id)


def _candidate(workspace: "Workspace", proposal: Proposal) -> Candidate:
    agent = agents.get(workspace, proposal.model_id)
    prompt, now = _prompt(workspace, agent, proposal.prompt_version), live(workspace)
    replaced, wanted = (now.pair.model_id, now.pair.prompt_version), (proposal.model_id, proposal.prompt_version)
    return interlocks.candidate(workspace, agent, prompt, replaced, circumstances.proposed(workspace, now, wanted))


def _prompt(workspace: "Workspace", agent: AgentVersion, version: int | None) -> PromptVersion | None:
    """The version that would be live with the agent; None for one that asks no prompt of the app.

    Raises InvalidInputError for a version too many or too few, and for a prompt that is put away.
    """
    name = agent.prompt_name
    tags = prompts.every_name(workspace).get(name)
    if tags is None and version is not None:
        raise InvalidInputError(
            Message("This agent version asks no prompt of the app."), Message("Propose it without a prompt version.")
        )
    if tags is None:
        return None
    _require_in_use(name, tags)
    if version is None:
        raise InvalidInputError(
            Message("No prompt version is chosen."), Message("Choose the one that the agent is to answer with.")
        )
    return prompts.version(workspace, name, version)


def _require_in_use(name: str, tags: Mapping[str, str]) -> None:
    again = Message("Bring it back on the Prompts screen, then propose again.")
    if prompts.TRASH_TAG in tags:
        raise InvalidInputError(Message("The prompt “{name}” is in the trash.", name=name), again)
    if prompts.ARCHIVE_TAG in tags:
        raise InvalidInputError(Message("The prompt “{name}” is archived.", name=name), again)


def _plan(workspace: "Workspace", proposal: Proposal, kind: Kind, now: Live) -> dict[str, Any]:
    """The parts that it takes of the app's plan; raises InvalidInputError where nothing can be compared."""
    if not workspace.app.environment.live:
        raise InvalidInputError(
            Message("Two versions are compared with live traffic, which there is in production alone."),
            Message("Propose the release without that."),
        )
    if kind is not Kind.AGENT or now.pair.agent_version is None:
        raise InvalidInputError(
            Message("To compare, there must be a live agent version and another one beside it."),
            Message("For a new prompt, log the same agent pinned to that prompt version, and propose that agent."),
        )
    if proposal.canary and proposal.test:
        raise InvalidInputError(
            Message("A canary and an A/B test cannot both share the traffic."), Message("Choose one of the two.")
        )
    if (proposal.canary or proposal.test) and not workspace.platform.serving.rules.splits_traffic:
        raise InvalidInputError(
            Message("This platform cannot split the traffic: a new version gets all of it at once."),
            Message("Propose the release without a canary."),
        )
    if proposal.shadow:
        _require_harmless(workspace, proposal)
    wanted = canary.plan(workspace)
    shadow = (wanted.shadow,) if proposal.shadow else ()
    sharing = wanted.parts if proposal.canary else (wanted.test,) if proposal.test else ()
    return replace(wanted, parts=(*shadow, *sharing)).to_json()


def _require_harmless(workspace: "Workspace", proposal: Proposal) -> None:
    reason = unshadowed(workspace, agents.get(workspace, proposal.model_id))
    if reason is not None:
        raise InvalidInputError(reason, Message("Propose the release without copies of questions."))
    if not proposal.harmless:
        raise InvalidInputError(
            Message("Nobody has said that the answers of this version change nothing elsewhere."),
            Message("Make sure that answering writes no order, ticket or mail, then say so and propose again."),
        )


def unshadowed(workspace: "Workspace", agent: AgentVersion) -> Message | None:
    """Why an agent version cannot get copies of live questions; None when it can."""
    if not workspace.platform.serving.rules.copies:
        return Message("This platform cannot copy questions to another version.")
    if workspace.app.practice:
        return Message("Only customers' questions are copied, and a practice copy has no customers.")
    acting = [str(one["name"]) for one in agent.tools if one["asks"]]
    if acting:
        return Message(
            "Tools of this agent version may change something and ask a person first: {names}. It gets no copies of questions.",
            names=", ".join(acting),
        )
    unasked = [str(one.get("name")) for one in agent.servers if one.get("asks") == servers.NEVER]
    if unasked:
        return Message(
            "The tools of these MCP servers never ask a person, so nobody knows which of them change something: {names}. "
            "This agent version gets no copies of questions.",
            names=", ".join(unasked),
        )
    return None


def _kind(candidate: Candidate, now: Live) -> Kind:
    same_agent, prompt = candidate.agent.model_id == now.pair.model_id, candidate.prompt
    same_prompt = prompt is None or (prompt.version, prompt.name) == (now.pair.prompt_version, now.prompt_name)
    if same_agent and prompt is None:
        raise InvalidInputError(Message("This agent version is live already."), Message("Choose another version."))
    if same_agent and same_prompt:
        raise InvalidInputError(
            Message("This agent version with this prompt version is live already."), Message("Choose another version.")
        )
    if same_agent:
        return Kind.PROMPT
    # Where nothing live asks a prompt, the alias can be set before the traffic moves, and nobody notices.
    if now.pair.prompt_version is not None and not same_prompt and candidate.agent.pinned is None:
        raise InvalidInputError(
            Message("Agent and prompt would change together, and two pointers cannot move at once."),
            Message("Release them one after the other, or log the agent pinned to the prompt version."),
        )
    return Kind.AGENT


def _known_version(now: Live, proposal: Proposal) -> int | None:
    return now.pair.agent_version if proposal.model_id == now.pair.model_id else None
