"""Releases: propose what should go live, run the train, take it back."""

import logging
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from services import agents, apps, audit, interlocks, jobs, production, prompts
from services.audit import Verb
from services.database import now
from services.errors import BlockedError, ConflictError, ConsoleError, InvalidInputError, NotReadyError
from services.interlocks import Candidate, Finding, Light
from services.messages import Message
from services.releases import (
    approving,
    canary,
    circumstances,
    evidence,
    offline,
    overriding,
    records,
    registering,
    sharing,
    steps,
    stopping,
    telling,
    waiting,
)
from services.releases.plan import STEP as CANARY
from services.releases.pointer import Live, live, newest_moved, rollback_target, successors
from services.releases.records import STEPS, Kind, Pair, Proof, Release, State, Step, all, get, of_prompt
from services.releases.stopping import cancel, stop

if TYPE_CHECKING:
    from services.jobs import Work
    from services.workspace import Workspace

FURTHEST = timedelta(days=60)
log = logging.getLogger("signalbox.worker")

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
    "adopt",
    "all",
    "approving",
    "canary",
    "cancel",
    "check_again",
    "evidence",
    "get",
    "go_on",
    "live",
    "of_prompt",
    "offline",
    "overriding",
    "preflight",
    "propose",
    "put_back",
    "roll_back",
    "rollback_target",
    "run",
    "start",
    "stop",
    "successors",
    "telling",
    "waiting",
    "withdraw",
]


@dataclass(frozen=True)
class MovedOutside:
    """What somebody made live past the console, and the release that had left something else behind."""

    pair: Pair
    prompt_name: str
    split: bool
    release: Release


@dataclass(frozen=True)
class Proposal:
    """What someone wants to make live; with `canary` the traffic moves step by step, as the app's plan says."""

    model_id: str
    prompt_version: int
    why: str = ""
    canary: bool = False


def preflight(workspace: "Workspace", proposal: Proposal) -> list[Finding]:
    """What the interlocks would say about a proposal now; nothing is written."""
    return interlocks.check(_candidate(workspace, proposal))


def propose(workspace: "Workspace", proposal: Proposal) -> Release:
    """Record what should move; a release moves one pointer, the alias or the traffic.

    Raises ConflictError while another release is on its way, InvalidInputError when two pointers would move.
    """
    audit.require(workspace, Verb.PROPOSE_RELEASE)
    candidate = _candidate(workspace, proposal)
    _nothing_on_its_way(workspace)
    now = live(workspace)
    kind = _kind(candidate, now)
    evaluation = candidate.evaluation.run_id if candidate.evaluation else None
    before = asdict(now.pair)
    after = asdict(Pair(proposal.model_id, _known_version(now, proposal), proposal.prompt_version))
    moves = {"prompt": candidate.prompt.name, "before": before, "evaluation": evaluation, "after": after}
    if proposal.canary:
        moves["canary"] = _canary_plan(workspace, kind, now)
    # Before anything is stored: a check that cannot be made leaves no proposal behind.
    findings, basis = interlocks.check(candidate), steps.basis(candidate)
    line = audit.change(workspace, Verb.PROPOSE_RELEASE, kind.value, before, after, proposal.why)
    with line as change:
        id = records.add(workspace, kind, moves, proposal.why)
        change.after = after | {"release": id}
        records.set_findings(workspace, get(workspace, id), findings, basis)
        telling.tell(workspace, "proposed", get(workspace, id))
    return get(workspace, id)


def check_again(workspace: "Workspace", id: int) -> Release:
    """Ask the interlocks anew, after something was mended or has changed: what is there now is what counts from now on.

    Raises ConflictError for a release that was started, unless an interlock has blocked it before anything moved.
    """
    found = get(workspace, id)
    if not found.checkable:
        raise ConflictError(
            Message("Release {id} is not waiting for its start.", id=id), Message("Reload the page and look at it.")
        )
    candidate = steps.looked_at_anew(workspace, found)
    with audit.change(workspace, Verb.CHECK_RELEASE, f"release {id}") as change:
        _nothing_moved(workspace, found)
        findings = overriding.applied(workspace, found, interlocks.check(candidate))
        waiting = replace(found, state=State.PROPOSED, error=None)
        records.set_findings(workspace, waiting, findings, steps.basis(candidate), found.revision)
        change.after = [one.number for one in findings if one.light is Light.RED]
    return get(workspace, id)


def withdraw(workspace: "Workspace", id: int) -> None:
    """Give up a release that moved nothing; a version it had started is stopped, an alias it had set put back.

    Raises ConflictError for one that is on its way, has ended or has moved what is live.
    """
    audit.require(workspace, Verb.WITHDRAW_RELEASE)
    found = get(workspace, id)
    if not found.startable:
        raise ConflictError(
            Message("Release {id} cannot be withdrawn.", id=id), Message("Reload the page and look at it.")
        )
    if _has_moved(workspace, found) is not False:
        raise ConflictError(
            Message("Release {id} has moved what is live, or may have.", id=id),
            Message("Resume it, or roll back instead."),
        )
    with audit.change(workspace, Verb.WITHDRAW_RELEASE, f"release {id}", before=found.state.value):
        if found.kind is Kind.AGENT and found.after.agent_version is not None:
            sharing.take_back(workspace, found)
            _answers_nobody(workspace, found)
            _take_down(workspace, found, f"release {id} was withdrawn")
            registering.give_up(workspace, found)
        records.set_state(workspace, id, State.WITHDRAWN, found.revision)


def _answers_nobody(workspace: "Workspace", release: Release) -> None:
    """Raise ConflictError while the version that is given up meets people beside the live one."""
    version = int(release.after.agent_version or 0)
    share = production.traffic(workspace).get(version)
    if share and release.before.agent_version is not None:
        raise ConflictError(
            Message("Agent version {n} still gets {share} % of the traffic.", n=version, share=share),
            Message("Put back what the last release left, then withdraw this one."),
        )


def start(workspace: "Workspace", id: int, at: datetime | None = None) -> Release:
    """Run a proposed release, or resume a stopped or failed one at the step where it stopped; `at` a time to come.

    Whatever must hold is asked now and again at that time.
    Raises BlockedError while an interlock is red or an approval is missing: also when the page is bypassed.
    """
    audit.require(workspace, Verb.START_RELEASE)
    found = get(workspace, id)
    if found.working:
        raise ConflictError(
            Message("Release {id} is on its way.", id=id), Message("Wait until it has ended, or stop it.")
        )
    if not found.startable:
        raise ConflictError(
            Message("Release {id} cannot be started again.", id=id),
            Message("Propose a new release."),
        )
    _check_time(workspace, found, at)
    with audit.change(workspace, Verb.START_RELEASE, f"release {id}", after={"at": at.isoformat()} if at else None):
        _nothing_moved(workspace, found)
        if not found.done("shift"):
            approving.hold(workspace, found, at=at)
        if not found.moving and found.judged:
            findings = interlocks.check(steps.candidate(workspace, found))
            interlocks.hold(overriding.applied(workspace, found, findings))
        sharing.renew(workspace, found)
        _submit(workspace, found, at)
    return get(workspace, id)


def _check_time(workspace: "Workspace", found: Release, at: datetime | None) -> None:
    if at is None:
        return
    if not now() < at < now() + FURTHEST:
        raise InvalidInputError(
            Message("A release starts in the next {n} days, not in the past.", n=FURTHEST.days),
            Message("Choose another time."),
        )
    period = apps.frozen_at(workspace, at) if found.judged else None
    if period is not None:
        raise InvalidInputError(
            Message("That time lies in a freeze period: {why}", why=period.why), Message("Choose a time after it.")
        )


def _submit(workspace: "Workspace", found: Release, at: datetime | None = None) -> None:
    """Claim the release first: a job that nobody knows of could not be stopped."""
    records.set_state(workspace, found.id, State.RUNNING, found.revision, error=None)
    job = jobs.submit(workspace, "release", {"release": found.id}, exclusive=f"pointer:{workspace.app.id}", due=at)
    if job.args["release"] != found.id:
        records.set_state(workspace, found.id, found.state)
        raise ConflictError(
            Message("Release {id} is on its way.", id=job.args["release"]),
            Message("Wait until it has ended, or stop it."),
        )
    records.set_job(workspace, found.id, job.id)


def go_on(workspace: "Workspace", id: int, why: str) -> None:
    """Let the canary's step under way pass although harm was shown, with a reason; raises ConflictError without one."""
    audit.require(workspace, Verb.START_RELEASE)
    found = get(workspace, id)
    running = [one.name for one in found.steps if one.state == "running" and one.name.startswith(CANARY)]
    if not found.working or not running:
        raise ConflictError(Message("Release {id} is not in its canary.", id=id), Message("Reload the page."))
    if not why.strip():
        raise InvalidInputError(
            Message("There is no reason."), Message("Type why it may go on: it stands in the evidence.")
        )
    moves = records.moves_of(found) | {"overruled": [*found.overruled, *running]}
    with audit.change(workspace, Verb.START_RELEASE, f"release {id}", after=f"{running[0]} overruled", why=why.strip()):
        records.set_state(workspace, id, found.state, found.revision, moves=moves)


def roll_back(workspace: "Workspace", why: str) -> Release:
    """Take the live release back to the last good one, at once; raises NotReadyError when there is none.

    A release that is planned or on its way is stopped first.
    """
    audit.require(workspace, Verb.ROLL_BACK)
    current, target = newest_moved(workspace), rollback_target(workspace)
    if current is None or target is None:
        raise NotReadyError(
            Message("There is no earlier good release to go back to."),
            Message("Take the endpoint offline with a message to everyone, then make a better version and release it."),
        )
    stopping.make_way(workspace)
    _still_leads_there(workspace, current, target)
    now = live(workspace)
    moves = {
        "prompt": target.prompt_name,
        "before": asdict(now.pair),
        "after": asdict(target.after),
        "undoes": current.id,
        "restores": target.id,
    }
    with audit.change(workspace, Verb.ROLL_BACK, f"release {current.id}", moves["before"], why=why) as change:
        id = records.add(workspace, Kind.ROLLBACK, moves, why)
        change.after = asdict(target.after) | {"release": id}
    return _started(workspace, id)


def _still_leads_there(workspace: "Workspace", current: Release, target: Release) -> None:
    """What was stopped may have moved the pointer in its last moment: then the way back is another one."""
    now, then = newest_moved(workspace), rollback_target(workspace)
    if now is None or then is None or (now.id, then.id) != (current.id, target.id):
        raise ConflictError(
            Message("What is live has changed a moment ago."), Message("Look at what is live, then roll back again.")
        )


def put_back(workspace: "Workspace", why: str) -> Release:
    """Undo a move made outside the console: what the last release left behind is live again, with a new proof.

    A release that is planned or on its way is stopped first.
    """
    audit.require(workspace, Verb.ROLL_BACK)
    _moved_outside(workspace)
    stopping.make_way(workspace)
    now = _moved_outside(workspace)
    last = now.release
    restored = last.restores or last.id
    moves = {"prompt": last.prompt_name, "before": asdict(now.pair), "after": asdict(last.after), "restores": restored}
    with audit.change(workspace, Verb.ROLL_BACK, f"release {last.id}", moves["before"], why=why) as change:
        id = records.add(workspace, Kind.ROLLBACK, moves, why)
        change.after = asdict(last.after) | {"release": id}
    return _started(workspace, id)


def adopt(workspace: "Workspace", why: str) -> Release:
    """Take over what was moved outside the console as a release of its own, which is good once it is proven."""
    audit.require(workspace, Verb.ADOPT_MOVE)
    if not why.strip():
        raise InvalidInputError(
            Message("There is no reason."), Message("Type why what others moved is right: it stands in the evidence.")
        )
    _nothing_on_its_way(workspace)
    now = _moved_outside(workspace)
    if now.pair.model_id is None:
        raise NotReadyError(
            Message("Nothing is live that could be adopted."), Message("Put back what the last release left, instead.")
        )
    if now.split:
        raise ConflictError(
            Message("Several agent versions share the traffic: that cannot be adopted."),
            Message("Put it back, or give one version all the traffic first."),
        )
    before, after = asdict(now.release.after), asdict(now.pair)
    moves = {"prompt": now.prompt_name, "before": before, "after": after}
    with audit.change(workspace, Verb.ADOPT_MOVE, f"release {now.release.id}", before, why=why) as change:
        id = records.add(workspace, Kind.ADOPTION, moves, why)
        change.after = after | {"release": id}
    return _started(workspace, id)


def run(workspace: "Workspace", work: "Work") -> dict[str, Any]:
    """The release job: every step that is not done yet, in order; each is idempotent and can be repeated."""
    id = work.args["release"]
    found = get(workspace, id)
    if found.state is not State.RUNNING:
        return _ended_before(workspace, found)
    try:
        names = [one.name for one in found.steps]
        for position, name in enumerate(names):
            work.progress(position, len(names) + 1)
            if not get(workspace, id).done(name):
                steps.take(workspace, work, id, name)
    except jobs.Cancelled:
        stopping.halt(workspace, id)
        raise
    except sharing.Paused as paused:
        stopping.halt(workspace, id, paused.told)
        return {"release": id}
    except ConsoleError as error:
        _end_badly(workspace, id, error)
        raise
    records.set_state(workspace, id, State.LIVE)
    return _end_well(workspace, get(workspace, id))


def _ended_before(workspace: "Workspace", release: Release) -> dict[str, Any]:
    """What an interrupted attempt had not cleared away; raises ConflictError: nothing moves for who gave it up."""
    if release.state is State.LIVE:
        return _end_well(workspace, release)
    if release.state in (State.FAILED, State.BLOCKED) and _has_moved(workspace, release) is False:
        _clear_away(workspace, release)
    raise ConflictError(
        release.error or Message("Release {id} was stopped or withdrawn before it ran.", id=release.id),
        release.remedy or Message("Look at it on the Releases screen."),
    )


def _nothing_on_its_way(workspace: "Workspace") -> None:
    for one in all(workspace):
        if one.working:
            raise stopping.on_its_way(one)


def _started(workspace: "Workspace", id: int) -> Release:
    """Start at once; what cannot start is over and says why."""
    try:
        return start(workspace, id)
    except ConsoleError as error:
        _end_badly(workspace, id, error)
        raise


def _moved_outside(workspace: "Workspace") -> MovedOutside:
    """What is live, and the release that left something else behind; raises ConflictError when nothing was moved."""
    now = live(workspace)
    if now.release is None or not now.moved_outside:
        raise ConflictError(
            Message("Nothing was moved outside the console."), Message("Reload the page and look at what is live.")
        )
    return MovedOutside(now.pair, now.prompt_name or now.release.prompt_name, now.split, now.release)


def _end_well(workspace: "Workspace", release: Release) -> dict[str, Any]:
    """Tell and keep what happened; then what is neither live nor the way back is stopped."""
    telling.tell(workspace, "rolled back" if release.kind is Kind.ROLLBACK else "live", release)
    _keep_evidence(workspace, release.id)
    try:
        _tidy(workspace, release)
    except ConsoleError as error:
        log.warning("What release %s left standing was not stopped: %s", release.id, error)
    return {"release": release.id}


def _tidy(workspace: "Workspace", release: Release) -> None:
    """A standing version costs memory."""
    target = rollback_target(workspace)
    needed = {release.after.agent_version, target.after.agent_version if target else None}
    endpoint = workspace.platform.serving.endpoint(workspace, workspace.app.endpoint)
    for one in endpoint.versions if endpoint else ():
        if one.version not in needed and one.weight == 0:
            production.retire(workspace, one.version, why=f"release {release.id} is live")


def _keep_evidence(workspace: "Workspace", id: int) -> None:
    """What is live stays live without it: the release's page offers to keep it again."""
    try:
        evidence.keep(workspace, id)
    except ConsoleError as error:
        log.warning("The evidence of release %s was not kept: %s", id, error)


def _end_badly(workspace: "Workspace", id: int, error: ConsoleError) -> None:
    """Say what happened; a version that failed before it got traffic is taken down again."""
    found = get(workspace, id)
    moved = _has_moved(workspace, found)
    state = State.UNPROVEN if moved else State.BLOCKED if isinstance(error, BlockedError) else State.FAILED
    written = {"message": error.message.to_json(), "remedy": error.remedy.to_json() if error.remedy else None}
    records.set_state(workspace, id, state, error=written)
    if moved is False:
        _clear_away(workspace, found)


def _clear_away(workspace: "Workspace", release: Release) -> None:
    """What cannot be cleared away now does not hide why the release failed: withdrawing it tries again."""
    if release.kind is not Kind.AGENT or release.after.agent_version is None:
        return
    try:
        sharing.take_back(workspace, release)
        _take_down(workspace, release, f"release {release.id} failed")
        registering.give_up(workspace, release)
    except ConsoleError as error:
        log.warning("What release %s left standing was not cleared away: %s", release.id, error)


def _has_moved(workspace: "Workspace", release: Release) -> bool | None:
    """Whether the traffic or the alias has moved, also when the step did not end; None when nobody can say now."""
    before, after = release.before, release.after
    if release.done("shift") or not release.moving or release.kind is Kind.ADOPTION:
        return release.done("shift")
    try:
        shares, alias = production.traffic(workspace), production.alias(workspace, release.prompt_name)
    except ConsoleError:
        return None
    if before.agent_version != after.agent_version and shares.get(after.agent_version or 0) == 100:
        return True
    return before.model_id is not None and before.prompt_version != after.prompt_version == alias


def _nothing_moved(workspace: "Workspace", release: Release) -> None:
    """Raise ConflictError when what is live is not what the release started from, or has brought about itself."""
    begun = release.moving and not release.done("shift")
    moved = release.done("shift") or release.kind is Kind.ADOPTION
    expected = release.after if moved else release.before
    if not begun and live(workspace).pair != expected:
        raise ConflictError(
            Message("What is live has changed since release {id} was proposed.", id=release.id),
            Message("Look at what is live, then propose it again."),
        )


def _take_down(workspace: "Workspace", release: Release, why: str) -> None:
    """Leave nothing of an agent release standing; its steps are taken again when it is resumed."""
    for step in release.steps:
        if step.state == "done" and step.name in ("deploy", "ready", "smoke"):
            records.set_step(workspace, release.id, step.name, state="waiting")
    sharing.forget(workspace, release)
    production.retire(workspace, int(release.after.agent_version or 0), why)
    handle = next(one.handle for one in release.steps if one.name == "deploy")
    if "alias" in handle:
        ours = release.after.prompt_version
        production.restore_alias(workspace, release.prompt_name, ours, handle["alias"], why)


def _candidate(workspace: "Workspace", proposal: Proposal) -> Candidate:
    agent = agents.get(workspace, proposal.model_id)
    prompt = prompts.version(workspace, agent.prompt_name, proposal.prompt_version)
    now = live(workspace)
    replaced = (now.pair.model_id, now.pair.prompt_version)
    return interlocks.candidate(workspace, agent, prompt, replaced, circumstances.proposed(workspace, now))


def _canary_plan(workspace: "Workspace", kind: Kind, now: Live) -> dict[str, Any]:
    """The app's plan; raises InvalidInputError where nothing can share the traffic."""
    if kind is not Kind.AGENT or now.pair.agent_version is None:
        raise InvalidInputError(
            Message("A canary needs a live agent version and another one to share its traffic with."),
            Message("For a new prompt, log the same agent pinned to that prompt version, and propose that agent."),
        )
    if not workspace.platform.serving.rules.splits_traffic:
        raise InvalidInputError(
            Message("This platform cannot split the traffic: a new version gets all of it at once."),
            Message("Propose the release without a canary."),
        )
    return canary.plan(workspace).to_json()


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
