"""The questions that a release asks: smoke questions before anyone else is answered, then probes until the proof."""

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from services import agents, production, traces
from services.agents import inputs
from services.errors import PlatformError
from services.messages import Message
from services.platforms import Answer
from services.releases import proving, records, registering
from services.releases.facts import Proof, Release
from services.traces.rows import ENVIRONMENT_TAG

if TYPE_CHECKING:
    from services.jobs import Work
    from services.workspace import Workspace

SECONDS_TO_SMOKE = 60
# How long the trace of a smoke answer may take: a busy store writes it late.
SECONDS_TO_TRACE = 60.0
SECONDS_TO_PROOF = 45
PROBE = "Hello"


def smoke(workspace: "Workspace", work: "Work", release: Release) -> Message:
    """Ask the new version itself, while it has no traffic; its answers must come from the released pair."""
    questions = _questions(workspace, release)
    answers: list[Answer] = []
    for done, question in enumerate(questions):
        work.progress(done, len(questions))
        answers.append(_ask_patiently(workspace, work, question, release.agent_version))
    for question, answer in zip(questions, answers, strict=True):
        if not answer.text.strip():
            raise PlatformError(
                Message("The new version answered “{question}” with nothing.", question=question),
                Message("Look at its trace, mend the prompt or the agent, and propose again."),
            )
        doubt = _doubt(workspace, release, answer, SECONDS_TO_TRACE)
        if doubt is not None:
            raise PlatformError(
                Message("The smoke test failed: {reason}", reason=doubt),
                Message("Look at its trace on the Traces screen."),
            )
    return Message("Questions answered: {n}.", n=len(questions))


def proof(workspace: "Workspace", work: "Work", release: Release) -> Message:
    """Ask the live endpoint until the trace of an answer shows the released pair, which is champion from then on."""
    champion = registering.champion(workspace)
    question = _questions(workspace, release)[0]
    begun, probes, doubt = time.monotonic(), 0, Message("no answer yet")
    while (spent := time.monotonic() - begun) < SECONDS_TO_PROOF + workspace.app.prompt_cache_seconds:
        work.progress(0, 1)
        probes += 1
        missing, answer = _probe(workspace, release, question)
        if missing is None and answer is not None:
            seconds = round(time.monotonic() - begun, 1)
            version, model_id = release.after.prompt_version, str(release.after.model_id)
            proof = Proof(str(answer.trace_id), version, model_id, seconds, probes)
            records.set_state(workspace, release.id, release.state, proof=asdict(proof))
            registering.promote(workspace, release, champion)
            return _proven(release, seconds)
        doubt = missing or doubt
        time.sleep(0.5)
    raise PlatformError(
        Message("No proof after {seconds} s: {reason}", seconds=round(spent), reason=doubt),
        Message("Roll back, or resume to look for the proof again."),
    )


def _proven(release: Release, seconds: float) -> Message:
    if not release.prompted:
        return Message(
            "Agent version {agent} answered after {seconds} s. It asks no prompt, so there is none to prove.",
            agent=release.agent_version,
            seconds=seconds,
        )
    return Message(
        "Prompt version {prompt} and agent version {agent} answered after {seconds} s.",
        prompt=release.prompt_version,
        agent=release.agent_version,
        seconds=seconds,
    )


def _questions(workspace: "Workspace", release: Release) -> tuple[str, ...]:
    agent = agents.get(workspace, str(release.after.model_id))
    return inputs.smoke_questions(workspace, agent) or (PROBE,)


def _probe(workspace: "Workspace", release: Release, question: str) -> tuple[Message | None, Answer | None]:
    """One look; a busy or unreachable endpoint is a doubt that may pass, not the end."""
    try:
        # Everyone else gets the fixed message while the endpoint is offline; the version itself can be asked.
        answer = _ask(workspace, question, "probe", release.agent_version if production.offline(workspace) else None)
        return _doubt(workspace, release, answer), answer
    except PlatformError as error:
        if not error.retryable:
            raise
        return error.message, None


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


def _doubt(
    workspace: "Workspace", release: Release, answer: Answer, seconds: float = traces.PATIENCE
) -> Message | None:
    """Why the trace of an answer does not show the released pair; None when it does."""
    trace = traces.wait_for(workspace, answer.trace_id, seconds) if answer.trace_id else None
    if trace is None:
        return Message("the answer left no trace.")
    environment = workspace.app.environment
    if not environment.live and trace.info.tags.get(ENVIRONMENT_TAG) != environment.stage:
        return Message("its trace does not tell the environment, and would count as production's.")
    if trace.info.trace_metadata.get("mlflow.modelId") != release.after.model_id:
        return Message("another agent version answered.")
    if not release.prompted:
        names = sorted({name for name, _version in traces.loaded_prompts(trace)})
        told = Message("it loads a prompt that it was not logged with: {names}.", names=", ".join(names))
        return told if names else None
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
