"""The steps of the release train; each can be repeated, and reads the platform's state before it changes it."""

import time
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from services import agents, audit, interlocks, monitoring, production, prompts
from services.agents import AgentVersion
from services.audit import Verb
from services.database import now
from services.errors import ConsoleError, PlatformError, translated
from services.interlocks import Light
from services.messages import Message, mark
from services.monitoring import markers
from services.platforms import MonitoredScorer, Served, ServedState
from services.releases import (
    approving,
    asking,
    circumstances,
    overriding,
    records,
    registering,
    sharing,
    shifting,
)
from services.releases.facts import Kind, Release
from services.releases.plan import watched
from services.scorers import watching

if TYPE_CHECKING:
    from services.jobs import Work
    from services.workspace import Workspace

DOING = {
    "preflight": mark("Checking the interlocks"),
    "register": mark("Registering the agent version"),
    "scorers": mark("Starting the production scorers"),
    "deploy": mark("Deploying the agent version"),
    "ready": mark("Waiting until the version is ready"),
    "smoke": mark("Asking the smoke questions"),
    "watch": mark("Comparing the two versions"),
    "shift": mark("Moving the pointer"),
    "proof": mark("Looking for the proof"),
}


def take(workspace: "Workspace", work: "Work", id: int, name: str) -> None:
    """Do one step and record how it went; raises what the step raises."""
    records.set_step(workspace, id, name, state="running", started_at=now(), ended_at=None, detail=None)
    try:
        with translated(Message(DOING["watch" if watched(name) else name])):
            _hold_before(workspace, id, name)
            detail = _do(workspace, work, records.get(workspace, id), name)
    except ConsoleError as error:
        records.set_step(workspace, id, name, state="failed", ended_at=now(), detail=error.message.to_json())
        raise
    records.set_step(workspace, id, name, state="done", ended_at=now(), detail=detail.to_json())


def _do(workspace: "Workspace", work: "Work", release: Release, name: str) -> Message:
    if watched(name):
        return sharing.take(workspace, work, release, name)
    return STEP[name](workspace, work, release)


def _hold_before(workspace: "Workspace", id: int, name: str) -> None:
    """The interlocks that protect a step are asked right before it: something may have changed since the preflight."""
    release = records.get(workspace, id)
    protecting = "shift" if watched(name) else name
    if release.judged and protecting in interlocks.PROTECTED:
        found = interlocks.check(candidate(workspace, release), before=protecting)
        interlocks.hold(overriding.applied(workspace, release, found))


def basis(candidate: interlocks.Candidate) -> dict[str, Any]:
    """What the interlocks judged by, as the release keeps it: evaluations, verdict and gate change later."""
    return {
        "evaluation": candidate.evaluation.run_id if candidate.evaluation else None,
        "baseline": candidate.baseline.run_id if candidate.baseline else None,
        "verdict": candidate.verdict.to_json() if candidate.verdict else None,
        "gate": asdict(candidate.workspace.app.gate),
        "state": dict(candidate.circumstances.then) or candidate.state,
    }


def candidate(workspace: "Workspace", release: Release) -> interlocks.Candidate:
    """The facts about what a release wants to make live, as they are now."""
    agent = agents.get(workspace, str(release.after.model_id))
    prompt = prompts.version(workspace, release.prompt_name, release.prompt_version) if release.prompted else None
    replaced = (release.before.model_id, release.before.prompt_version)
    return interlocks.candidate(workspace, agent, prompt, replaced, circumstances.of(workspace, release))


def looked_at_anew(workspace: "Workspace", release: Release) -> interlocks.Candidate:
    """The same facts for somebody who looks again: what had changed before is no change any more."""
    found = candidate(workspace, release)
    return replace(found, circumstances=replace(found.circumstances, then={}))


def _preflight(workspace: "Workspace", work: "Work", release: Release) -> Message:
    today = candidate(workspace, release)
    findings = overriding.applied(workspace, release, interlocks.check(today))
    records.set_findings(workspace, release, findings, basis(today))
    # Before anything is deployed: a newer evaluation than the approved one needs another look.
    approving.hold(workspace, records.get(workspace, release.id), started=True)
    interlocks.hold(findings)
    idle, amber = (sum(one.light is light for one in findings) for light in (Light.NOT_APPLICABLE, Light.AMBER))
    if idle or amber:
        return Message(
            "Interlocks that are clear: {n}. Worth knowing: {amber}. Not applicable: {idle}.",
            n=len(findings) - idle - amber,
            amber=amber,
            idle=idle,
        )
    return Message("All {n} interlocks are clear.", n=len(findings))


def _register(workspace: "Workspace", work: "Work", release: Release) -> Message:
    name, version = registering.register(workspace, release)
    _set_agent_version(workspace, release, version)
    return Message("Registered as {name}, version {version}.", name=name, version=version)


def _scorers(workspace: "Workspace", work: "Work", release: Release) -> Message:
    """Every scorer that can judge live answers watches production, as it gated, before anything is deployed."""
    if not workspace.app.environment.live:
        return Message("Production scorers judge production alone: nothing is started here.")
    running = {one.name: one for one in monitoring.production_scorers(workspace)}
    wanted = [
        replace(
            running.get(spec.name, MonitoredScorer(spec.name, spec.version, 1.0, True)),
            version=spec.version,
            running=True,
        )
        for spec in watching.fit(workspace)
    ]
    why = f"release {release.id}"
    if list(running.values()) != wanted:
        shares = {"before": markers.plain(running.values()), "after": markers.plain(wanted)}
        with audit.change(workspace, Verb.START_SCORERS, markers.PRODUCTION, why=why, **shares):
            workspace.platform.scoring.apply(workspace, wanted)
    return Message("Production scorers running: {n}.", n=len(wanted))


def _deploy(workspace: "Workspace", work: "Work", release: Release) -> Message:
    """While nothing live asks a prompt nothing reads the alias, so it is set here; else it stays where it is."""
    agent, version = agents.get(workspace, str(release.after.model_id)), release.agent_version
    if release.prompted and agent.pinned is None and release.before.prompt_version is None:
        now = production.alias(workspace, release.prompt_name)
        handle = next(one.handle for one in release.steps if one.name == "deploy") or {"alias": now}
        records.set_step(workspace, release.id, "deploy", handle=handle)
        production.move_alias(workspace, release.prompt_name, now, release.prompt_version, f"release {release.id}")
    production.deploy(workspace, version, agent.model_id, _model_config(workspace, agent), f"release {release.id}")
    if release.before.agent_version is None and workspace.platform.serving.rules.first_takes_all:
        return Message("Version {version} is the first one: the endpoint opens when it is ready.", version=version)
    return Message("Version {version} stands at 0 % traffic.", version=version)


def _ready(workspace: "Workspace", work: "Work", release: Release) -> Message:
    """A rollback may find its target retired: it is deployed again first."""
    version, begun = release.agent_version, time.monotonic()
    if release.kind is Kind.ROLLBACK:
        agent = agents.get(workspace, str(release.after.model_id))
        production.deploy(workspace, version, agent.model_id, _model_config(workspace, agent), f"release {release.id}")
    rules = workspace.platform.serving.rules
    while (spent := time.monotonic() - begun) < rules.seconds_to_ready:
        slow = spent > rules.usual_seconds
        work.progress(0, 1, Message("It takes longer than usual; the release goes on by itself.") if slow else None)
        found = _standing(workspace, version)
        if found is not None and found.state is ServedState.READY:
            return Message("Version {version} answers.", version=version)
        if found is not None and found.state is ServedState.FAILED:
            raise PlatformError(
                Message("Version {version} could not be started: {reason}", version=version, reason=found.error or "–"),
                Message("Mend the agent, log it again, and propose a new release."),
            )
        time.sleep(min(rules.look_every, 0.2 + spent / 10))
    raise PlatformError(
        Message(
            "Version {version} was not ready after {seconds} s.", version=version, seconds=round(rules.seconds_to_ready)
        ),
        Message("Look at the Endpoints screen; resume the release when the version is ready."),
        retryable=True,
    )


def _standing(workspace: "Workspace", version: int) -> Served | None:
    """A platform that is busy or away for a moment does not end the wait."""
    try:
        return production.standing(workspace, version)
    except PlatformError as error:
        if not error.retryable:
            raise
        return None


STEP: dict[str, Callable[["Workspace", "Work", Release], Message]] = {
    "preflight": _preflight,
    "register": _register,
    "scorers": _scorers,
    "deploy": _deploy,
    "ready": _ready,
    "smoke": asking.smoke,
    "shift": shifting.shift,
    "proof": asking.proof,
}


def _set_agent_version(workspace: "Workspace", release: Release, version: int) -> None:
    after = asdict(replace(release.after, agent_version=version))
    records.set_state(workspace, release.id, release.state, moves=records.moves_of(release) | {"after": after})


def _model_config(workspace: "Workspace", agent: AgentVersion) -> dict[str, Any]:
    """What this environment decides about the agent; the rest stays as it was logged, also an alias that pins it."""
    environment = workspace.app.environment
    own = {"prompt_cache_seconds": workspace.app.prompt_cache_seconds, "prompt_version": str(agent.pinned_number or "")}
    follows = {} if environment.live or agent.pinned else {"prompt_alias": environment.alias}
    return {**environment.config, **own, **follows}
