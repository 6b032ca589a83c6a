"""The steps of the release train; each can be repeated, and reads the platform's state before it changes it."""

import time
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from services import agents, audit, interlocks, monitoring, production, prompts, traces
from services.audit import Verb
from services.database import now
from services.errors import ConflictError, ConsoleError, NotFoundError, PlatformError, translated
from services.messages import Message, mark
from services.platforms import Answer, MonitoredScorer, Served, ServedState
from services.releases import approving, circumstances, overriding, proving, records, registering, sharing
from services.releases.plan import STEP as CANARY
from services.releases.pointer import live
from services.releases.records import Kind, Proof, Release, State
from services.scorers import watching

if TYPE_CHECKING:
    from services.jobs import Work
    from services.workspace import Workspace

SECONDS_TO_SMOKE = 60
SECONDS_TO_PROOF = 45
PROBE = "Hello"
DOING = {
    "preflight": mark("Checking the interlocks"),
    "register": mark("Registering the agent version"),
    "scorers": mark("Starting the production scorers"),
    "deploy": mark("Deploying the agent version"),
    "ready": mark("Waiting until the version is ready"),
    "smoke": mark("Asking the smoke questions"),
    "shift": mark("Moving the pointer"),
    "proof": mark("Looking for the proof"),
}


def take(workspace: "Workspace", work: "Work", id: int, name: str) -> None:
    """Do one step and record how it went; raises what the step raises."""
    records.set_step(workspace, id, name, state="running", started_at=now(), ended_at=None, detail=None)
    try:
        with translated(Message(DOING["shift" if name.startswith(CANARY) else name])):
            _hold_before(workspace, id, name)
            detail = _do(workspace, work, records.get(workspace, id), name)
    except ConsoleError as error:
        records.set_step(workspace, id, name, state="failed", ended_at=now(), detail=error.message.to_json())
        raise
    records.set_step(workspace, id, name, state="done", ended_at=now(), detail=detail.to_json())


def _do(workspace: "Workspace", work: "Work", release: Release, name: str) -> Message:
    if name.startswith(CANARY):
        return sharing.take(workspace, work, release, name)
    return STEP[name](workspace, work, release)


def _hold_before(workspace: "Workspace", id: int, name: str) -> None:
    """The interlocks that protect a step are asked right before it: something may have changed since the preflight."""
    release = records.get(workspace, id)
    protecting = "shift" if name.startswith(CANARY) else name
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
    prompt = prompts.version(workspace, release.prompt_name, _prompt_version(release))
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
    return Message("All {n} interlocks are clear.", n=len(findings))


def _register(workspace: "Workspace", work: "Work", release: Release) -> Message:
    name, version = registering.register(workspace, release)
    _set_agent_version(workspace, release, version)
    return Message("Registered as {name}, version {version}.", name=name, version=version)


def _scorers(workspace: "Workspace", work: "Work", release: Release) -> Message:
    """Every scorer that can judge live answers watches production, as it gated, before anything is deployed."""
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
        with audit.change(
            workspace, Verb.START_SCORERS, "production scorers", after=[one.name for one in wanted], why=why
        ):
            workspace.platform.scoring.apply(workspace, wanted)
    return Message("Production scorers running: {n}.", n=len(wanted))


def _deploy(workspace: "Workspace", work: "Work", release: Release) -> Message:
    """Before a first deployment nothing reads the alias, so it is set here; later it stays where it is."""
    agent, version = agents.get(workspace, str(release.after.model_id)), _version(release)
    if agent.pinned is None and release.before.model_id is None:
        now = production.alias(workspace, release.prompt_name)
        handle = next(one.handle for one in release.steps if one.name == "deploy") or {"alias": now}
        records.set_step(workspace, release.id, "deploy", handle=handle)
        production.move_alias(workspace, release.prompt_name, now, _prompt_version(release), f"release {release.id}")
    production.deploy(
        workspace, version, agent.model_id, _model_config(workspace, agent.pinned_number), f"release {release.id}"
    )
    if release.before.agent_version is None and workspace.platform.serving.rules.first_takes_all:
        return Message("Version {version} is the first one: the endpoint opens when it is ready.", version=version)
    return Message("Version {version} stands at 0 % traffic.", version=version)


def _ready(workspace: "Workspace", work: "Work", release: Release) -> Message:
    """A rollback may find its target retired: it is deployed again first."""
    version, begun = _version(release), time.monotonic()
    if release.kind is Kind.ROLLBACK:
        agent = agents.get(workspace, str(release.after.model_id))
        production.deploy(
            workspace, version, agent.model_id, _model_config(workspace, agent.pinned_number), f"release {release.id}"
        )
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


def _smoke(workspace: "Workspace", work: "Work", release: Release) -> Message:
    """Ask the new version itself, while it has no traffic; its answers must come from the released pair."""
    questions = workspace.app.smoke_questions or (PROBE,)
    answers: list[Answer] = []
    for done, question in enumerate(questions):
        work.progress(done, len(questions))
        answers.append(_ask_patiently(workspace, work, question, _version(release)))
    for question, answer in zip(questions, answers, strict=True):
        if not answer.text.strip():
            raise PlatformError(
                Message("The new version answered “{question}” with nothing.", question=question),
                Message("Look at its trace, mend the prompt or the agent, and propose again."),
            )
        doubt = _doubt(workspace, release, answer)
        if doubt is not None:
            raise PlatformError(
                Message("The smoke test failed: {reason}", reason=doubt),
                Message("Look at its trace on the Traces screen."),
            )
    return Message("Questions answered: {n}.", n=len(questions))


def _shift(workspace: "Workspace", work: "Work", release: Release) -> Message:
    """The move itself: the approval once more, then one pointer."""
    why = f"release {release.id}"
    if release.kind is Kind.ADOPTION:
        return _adopted(workspace, release)
    if release.judged:
        approving.hold(workspace, release, started=True)
    if release.before.agent_version != release.after.agent_version:
        before = sharing.last(release)
        if release.kind is Kind.ROLLBACK:
            # The way back leads from whatever stands there, also from shares that somebody has split.
            before = production.traffic(workspace)
        production.move_traffic(workspace, before, {_version(release): 100}, why)
    current = production.alias(workspace, release.prompt_name)
    if current != release.after.prompt_version:
        expected = release.before.prompt_version if _alias_was_read(workspace, release) else current
        production.move_alias(workspace, release.prompt_name, expected, _prompt_version(release), why)
    if release.undoes is not None:
        records.set_state(workspace, release.undoes, State.TAKEN_BACK)
    return _moved(release)


def _alias_was_read(workspace: "Workspace", release: Release) -> bool:
    """Whether what was live before followed the alias; before a first release it may be somebody else's."""
    try:
        agent = agents.get(workspace, release.before.model_id) if release.before.model_id else None
    except NotFoundError:
        return True
    return agent is not None and agent.pinned is None and agent.prompt_name == release.prompt_name


def _adopted(workspace: "Workspace", release: Release) -> Message:
    """Somebody else moved the pointer: nothing is written, but it must still stand where it was found."""
    found = live(workspace).pair
    if found != release.after:
        raise ConflictError(
            Message("What is live has changed since release {id} was proposed.", id=release.id),
            Message("Look at what is live, then adopt it or put it back."),
        )
    return Message("What was moved outside the console is taken over; nothing was moved.")


def _moved(release: Release) -> Message:
    """Which pointer moved: the traffic, the alias, or with a rollback both."""
    agent, prompt = _version(release), _prompt_version(release)
    if release.before.agent_version == agent:
        return Message("The alias production moved to prompt version {version}.", version=prompt)
    if release.kind is Kind.ROLLBACK and release.before.prompt_version != prompt:
        return Message(
            "Agent version {version} gets 100 % of the traffic, and the alias production moved to prompt version "
            "{prompt}.",
            version=agent,
            prompt=prompt,
        )
    return Message("Agent version {version} gets 100 % of the traffic.", version=agent)


def _proof(workspace: "Workspace", work: "Work", release: Release) -> Message:
    """Ask the live endpoint until the trace of an answer shows the released pair, which is champion from then on."""
    champion = registering.champion(workspace)
    question = (workspace.app.smoke_questions or (PROBE,))[0]
    begun, probes, doubt = time.monotonic(), 0, Message("no answer yet")
    while (spent := time.monotonic() - begun) < SECONDS_TO_PROOF + workspace.app.prompt_cache_seconds:
        work.progress(0, 1)
        probes += 1
        missing, answer = _probe(workspace, release, question)
        if missing is None and answer is not None:
            seconds = round(time.monotonic() - begun, 1)
            proof = Proof(str(answer.trace_id), _prompt_version(release), str(release.after.model_id), seconds, probes)
            records.set_state(workspace, release.id, release.state, proof=asdict(proof))
            registering.promote(workspace, release, champion)
            return Message(
                "Prompt version {prompt} and agent version {agent} answered after {seconds} s.",
                prompt=_prompt_version(release),
                agent=_version(release),
                seconds=seconds,
            )
        doubt = missing or doubt
        time.sleep(0.5)
    raise PlatformError(
        Message("No proof after {seconds} s: {reason}", seconds=round(spent), reason=doubt),
        Message("Roll back, or resume to look for the proof again."),
    )


def _probe(workspace: "Workspace", release: Release, question: str) -> tuple[Message | None, Answer | None]:
    """One look; a busy or unreachable endpoint is a doubt that may pass, not the end."""
    try:
        # Everyone else gets the fixed message while the endpoint is offline; the version itself can be asked.
        answer = _ask(workspace, question, "probe", _version(release) if production.offline(workspace) else None)
    except PlatformError as error:
        if not error.retryable:
            raise
        return error.message, None
    return _doubt(workspace, release, answer), answer


def _ask_patiently(workspace: "Workspace", work: "Work", question: str, version: int) -> Answer:
    """A smoke question; a model that is busy for a moment does not end a release."""
    begun = time.monotonic()
    while True:
        try:
            return _ask(workspace, question, "smoke", version)
        except PlatformError as error:
            if not error.retryable or time.monotonic() - begun > SECONDS_TO_SMOKE:
                raise
        work.progress(0, 1)
        time.sleep(1)


STEP: dict[str, Callable[["Workspace", "Work", Release], Message]] = {
    "preflight": _preflight,
    "register": _register,
    "scorers": _scorers,
    "deploy": _deploy,
    "ready": _ready,
    "smoke": _smoke,
    "shift": _shift,
    "proof": _proof,
}


def _doubt(workspace: "Workspace", release: Release, answer: Answer) -> Message | None:
    """Why the trace of an answer does not show the released pair; None when it does."""
    trace = traces.wait_for(workspace, answer.trace_id) if answer.trace_id else None
    if trace is None:
        return Message("the answer left no trace.")
    if trace.info.trace_metadata.get("mlflow.modelId") != release.after.model_id:
        return Message("another agent version answered.")
    use = proving.prompt_use(workspace, trace, release.prompt_name)
    if use.version not in (None, release.after.prompt_version):
        return Message("it still answers with prompt version {version}.", version=use.version)
    return use.doubt


def _ask(workspace: "Workspace", question: str, origin: str, version: int | None) -> Answer:
    request: dict[str, Any] = {
        "input": [{"role": "user", "content": question}],
        "custom_inputs": {"signalbox_origin": origin},
    }
    return workspace.platform.serving.ask(workspace, workspace.app.endpoint, request, version)


def _set_agent_version(workspace: "Workspace", release: Release, version: int) -> None:
    after = asdict(replace(release.after, agent_version=version))
    records.set_state(workspace, release.id, release.state, moves=records.moves_of(release) | {"after": after})


def _model_config(workspace: "Workspace", pinned: int | None) -> dict[str, Any]:
    """What this environment decides about the agent; the rest stays as it was logged."""
    own = {"prompt_cache_seconds": workspace.app.prompt_cache_seconds, "prompt_version": str(pinned or "")}
    return {**workspace.app.environment.config, **own}


def _version(release: Release) -> int:
    return int(release.after.agent_version or 0)


def _prompt_version(release: Release) -> int:
    return int(release.after.prompt_version or 0)
