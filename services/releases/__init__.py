"""Releases: propose what should go live, run the train, take it back."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from services import agents, audit, interlocks, jobs, production, prompts
from services.audit import Verb
from services.errors import BlockedError, ConflictError, ConsoleError, InvalidInputError, NotReadyError
from services.interlocks import Candidate, Finding
from services.messages import Message
from services.releases import records, steps
from services.releases.records import STEPS, Kind, Pair, Proof, Release, State, Step, all, get, of_prompt

if TYPE_CHECKING:
    from services.jobs import Work
    from services.workspace import Workspace

__all__ = [
    "STEPS",
    "Kind",
    "Live",
    "Pair",
    "Proof",
    "Proposal",
    "Release",
    "State",
    "Step",
    "all",
    "get",
    "live",
    "of_prompt",
    "preflight",
    "propose",
    "roll_back",
    "rollback_target",
    "run",
    "start",
    "stop",
]


@dataclass(frozen=True)
class Proposal:
    """What someone wants to make live."""

    model_id: str
    prompt_version: int
    why: str = ""


@dataclass(frozen=True)
class Live:
    """What answers people now, read from the platform, and the release, or the rollback, that made it so."""

    pair: Pair
    prompt_name: str | None
    release: Release | None
    moved_outside: bool


def live(workspace: "Workspace") -> Live:
    """What production serves now; `moved_outside` when it is not what the last release left behind."""
    moved = _moved(workspace)
    newest = moved[0][0] if moved else None
    pair = _live_pair(workspace, newest)
    return Live(pair, newest.prompt_name if newest else None, newest, newest is not None and pair != newest.after)


def preflight(workspace: "Workspace", proposal: Proposal) -> list[Finding]:
    """What the interlocks would say about a proposal now; nothing is written."""
    return interlocks.check(_candidate(workspace, proposal))


def propose(workspace: "Workspace", proposal: Proposal) -> Release:
    """Record what should move; a release moves one pointer, the alias or the traffic.

    Raises ConflictError while another release is on its way, InvalidInputError when two pointers would move.
    """
    candidate = _candidate(workspace, proposal)
    busy = [one for one in all(workspace) if one.working]
    if busy:
        raise ConflictError(
            Message("Release {id} is on its way.", id=busy[0].id), Message("Wait until it has ended, or stop it.")
        )
    now = live(workspace)
    kind = _kind(candidate, now)
    evaluation = candidate.evaluation.run_id if candidate.evaluation else None
    moves = {
        "prompt": candidate.prompt.name,
        "before": asdict(now.pair),
        "evaluation": evaluation,
        "after": asdict(Pair(proposal.model_id, _known_version(now, proposal), proposal.prompt_version)),
    }
    with audit.change(workspace, Verb.PROPOSE_RELEASE, kind.value, moves["before"], moves["after"], proposal.why):
        id = records.add(workspace, kind, moves, proposal.why)
        found = [finding.to_json() for finding in interlocks.check(candidate)]
        records.set_state(workspace, id, State.PROPOSED, findings=found)
    return get(workspace, id)


def start(workspace: "Workspace", id: int) -> Release:
    """Run a proposed release, or resume a stopped or failed one at the step where it stopped.

    Raises BlockedError while an interlock is red: also when the page is bypassed.
    """
    audit.require(workspace, Verb.START_RELEASE)
    found = get(workspace, id)
    if not found.startable:
        raise ConflictError(
            Message("Release {id} cannot be started again.", id=id),
            Message("Propose a new release."),
        )
    with audit.change(workspace, Verb.START_RELEASE, f"release {id}"):
        _nothing_moved(workspace, found)
        if not found.moving and found.kind is not Kind.ROLLBACK:
            interlocks.hold(
                preflight(workspace, Proposal(str(found.after.model_id), int(found.after.prompt_version or 0)))
            )
        job = jobs.submit(workspace, "release", {"release": id}, exclusive=f"pointer:{workspace.app.id}")
        if job.args["release"] != id:
            raise ConflictError(
                Message("Release {id} is on its way.", id=job.args["release"]),
                Message("Wait until it has ended, or stop it."),
            )
        records.set_state(workspace, id, State.RUNNING, found.revision, job_id=job.id, error=None)
    return get(workspace, id)


def stop(workspace: "Workspace", id: int) -> None:
    """Ask a running release to stop after its current step; it can be resumed or left."""
    audit.require(workspace, Verb.STOP_RELEASE)
    found = get(workspace, id)
    if not found.working or found.job_id is None:
        raise ConflictError(Message("Release {id} is not running.", id=id))
    jobs.cancel(workspace, found.job_id)


def rollback_target(workspace: "Workspace") -> Release | None:
    """The last good release before the one that is live: proven, and not the same pair. Not the highest number."""
    current = _newest_moved(workspace)
    if current is None or current.moved_at is None:
        return None
    earlier = [one for one, at in _moved(workspace) if at < current.moved_at and one.kind is not Kind.ROLLBACK]
    good = [one for one in earlier if one.state is State.LIVE and one.after != current.after]
    return good[0] if good else None


def roll_back(workspace: "Workspace", why: str) -> Release:
    """Take the live release back to the last good one, at once; raises NotReadyError when there is none."""
    audit.require(workspace, Verb.ROLL_BACK)
    current, target = _newest_moved(workspace), rollback_target(workspace)
    if current is None or target is None:
        raise NotReadyError(
            Message("There is no earlier good release to go back to."), Message("Make a better version and release it.")
        )
    now = live(workspace)
    moves = {
        "prompt": target.prompt_name,
        "before": asdict(now.pair),
        "after": asdict(target.after),
        "undoes": current.id,
        "restores": target.id,
    }
    with audit.change(workspace, Verb.ROLL_BACK, f"release {current.id}", moves["before"], moves["after"], why):
        id = records.add(workspace, Kind.ROLLBACK, moves, why)
    try:
        return start(workspace, id)
    except ConsoleError as error:
        _end_badly(workspace, id, error)
        raise


def run(workspace: "Workspace", work: "Work") -> dict[str, Any]:
    """The release job: every step that is not done yet, in order; each is idempotent and can be repeated."""
    id = work.args["release"]
    try:
        for position, name in enumerate(STEPS[get(workspace, id).kind]):
            work.progress(position, len(STEPS[get(workspace, id).kind]) + 1)
            if not get(workspace, id).done(name):
                steps.take(workspace, work, id, name)
    except jobs.Cancelled:
        records.set_state(workspace, id, State.STOPPED)
        raise
    except ConsoleError as error:
        _end_badly(workspace, id, error)
        raise
    _end_well(workspace, get(workspace, id))
    return {"release": id}


def _end_well(workspace: "Workspace", release: Release) -> None:
    """What is neither live nor the way back is stopped: a standing version costs memory."""
    records.set_state(workspace, release.id, State.LIVE)
    target = rollback_target(workspace)
    needed = {release.after.agent_version, target.after.agent_version if target else None}
    endpoint = workspace.platform.serving.endpoint(workspace, workspace.app.endpoint)
    for one in endpoint.versions if endpoint else ():
        if one.version not in needed and one.weight == 0:
            production.retire(workspace, one.version, why=f"release {release.id} is live")


def _end_badly(workspace: "Workspace", id: int, error: ConsoleError) -> None:
    """Say what happened; a version that failed before it got traffic is taken down again."""
    found = get(workspace, id)
    moved = _has_moved(workspace, found)
    state = State.UNPROVEN if moved else State.BLOCKED if isinstance(error, BlockedError) else State.FAILED
    written = {"message": error.message.to_json(), "remedy": error.remedy.to_json() if error.remedy else None}
    records.set_state(workspace, id, state, error=written)
    if moved is False and found.kind is Kind.AGENT and found.after.agent_version is not None:
        _take_down(workspace, found)


def _has_moved(workspace: "Workspace", release: Release) -> bool | None:
    """Whether the traffic or the alias has moved, also when the step did not end; None when nobody can say now."""
    before, after = release.before, release.after
    if release.done("shift") or not release.moving:
        return release.done("shift")
    try:
        shares, alias = production.traffic(workspace), production.alias(workspace, release.prompt_name)
    except ConsoleError:
        return None
    if before.agent_version != after.agent_version and shares.get(after.agent_version or 0, 0) > 0:
        return True
    return before.model_id is not None and before.prompt_version != after.prompt_version == alias


def _nothing_moved(workspace: "Workspace", release: Release) -> None:
    """Raise ConflictError when what is live is not what the release started from, or has brought about itself."""
    begun = release.moving and not release.done("shift")
    expected = release.after if release.done("shift") else release.before
    if not begun and live(workspace).pair != expected:
        raise ConflictError(
            Message("What is live has changed since release {id} was proposed.", id=release.id),
            Message("Look at what is live, then propose it again."),
        )


def _take_down(workspace: "Workspace", release: Release) -> None:
    """Leave nothing of a failed agent release standing; its steps are taken again when it is resumed."""
    why = f"release {release.id} failed"
    for name in ("deploy", "ready", "smoke"):
        if release.done(name):
            records.set_step(workspace, release.id, name, state="waiting")
    production.retire(workspace, int(release.after.agent_version or 0), why)
    handle = next(one.handle for one in release.steps if one.name == "deploy")
    if "alias" in handle:
        production.restore_alias(workspace, release.prompt_name, handle["alias"], why)


def _candidate(workspace: "Workspace", proposal: Proposal) -> Candidate:
    agent = agents.get(workspace, proposal.model_id)
    prompt = prompts.version(workspace, agent.prompt_name, proposal.prompt_version)
    now = live(workspace).pair
    return interlocks.candidate(workspace, agent, prompt, now.model_id, now.prompt_version)


def _kind(candidate: Candidate, now: Live) -> Kind:
    same_agent = candidate.agent.model_id == now.pair.model_id
    same_prompt = candidate.prompt.version == now.pair.prompt_version and candidate.prompt.name == now.prompt_name
    if same_agent and same_prompt:
        raise InvalidInputError(
            Message("This agent version with this prompt version is live already."), Message("Choose another version.")
        )
    if same_agent:
        return Kind.PROMPT
    if now.pair.model_id is not None and not same_prompt and candidate.agent.pinned is None:
        raise InvalidInputError(
            Message("Agent and prompt would change together, and two pointers cannot move at once."),
            Message("Release them one after the other, or log the agent pinned to the prompt version."),
        )
    return Kind.AGENT


def _known_version(now: Live, proposal: Proposal) -> int | None:
    return now.pair.agent_version if proposal.model_id == now.pair.model_id else None


def _newest_moved(workspace: "Workspace") -> Release | None:
    """The release that moved the pointer last and was not taken back; after a rollback, the one it restored."""
    moved = _moved(workspace)
    if not moved:
        return None
    newest = moved[0][0]
    restored = newest.restores is not None and newest.state is State.LIVE
    return get(workspace, int(newest.restores or 0)) if restored else newest


def _moved(workspace: "Workspace") -> list[tuple[Release, datetime]]:
    """The releases that moved the pointer and were not taken back, with the time, newest first."""
    everything = all(workspace)
    undone = {one.undoes for one in everything if one.moved_at}
    kept = [one for one in everything if one.state is not State.TAKEN_BACK and one.id not in undone]
    found = [(one, one.moved_at) for one in kept]
    return sorted(((one, at) for one, at in found if at), key=lambda pair: pair[1], reverse=True)


def _live_pair(workspace: "Workspace", known: Release | None) -> Pair:
    endpoint = workspace.platform.serving.endpoint(workspace, workspace.app.endpoint)
    shown = [one for one in endpoint.versions if one.weight] if endpoint else []
    if not shown or known is None:
        return Pair(None, None, None)
    most = max(shown, key=lambda one: one.weight)
    pinned = agents.get(workspace, most.model_id).pinned
    return Pair(most.model_id, most.version, pinned or production.alias(workspace, known.prompt_name))
