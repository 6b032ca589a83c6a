"""Ask an agent that need not be deployed, under any version of its prompt."""

import logging
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import mlflow
from sqlalchemy import select, update

from services import audit, jobs, kinds, production, sources
from services.agents import inputs, offers, talking
from services.agents.checking.findings import Finding
from services.agents.records import get, model_config
from services.audit import Verb
from services.database import job as table
from services.database import writing
from services.errors import ConflictError, InvalidInputError, PlatformError, translated
from services.jobs import State
from services.kinds import AskedAgent
from services.messages import Message

if TYPE_CHECKING:
    from services.jobs import Job, Work
    from services.workspace import Workspace

log = logging.getLogger("signalbox.worker")


def try_out(
    workspace: "Workspace",
    model_id: str,
    prompt_version: int | None,
    question: str,
    custom_inputs: Mapping[str, Any] | None = None,
) -> "Job":
    """Queue one question to an agent that need not be deployed; the result has answer, steps, trace_id, seconds."""
    audit.require(workspace, Verb.TRY_AGENT)
    agent, given = get(workspace, model_id), dict(custom_inputs or {})
    inputs.check({"question": question, **given})
    follows = bool(agent.prompt_name) and agent.pinned is None
    if prompt_version is None and follows and production.alias(workspace, agent.prompt_name) is None:
        raise InvalidInputError(Message("No prompt version is live yet."), Message("Choose the prompt version to try."))
    args = {
        "model_id": model_id,
        "prompt_version": prompt_version,
        "question": question,
        "custom_inputs": given,
        "conversation": uuid.uuid4().hex,
    }
    return jobs.submit(workspace, "try_agent", args)


def go_on(workspace: "Workspace", job: "Job", allowed: bool) -> "Job":
    """Queue the person's yes or no to the tools that the agent of an ended try wants to use; it counts once."""
    audit.require(workspace, Verb.TRY_AGENT)
    asking = kinds.approvals(job.result.get("items") or [])
    if not asking:
        raise InvalidInputError(Message("The agent asks for nothing."), Message("Read its answer."))
    said = kinds.responses(job.result["items"], allowed)
    after = {"allowed": allowed, "tools": [one.name for one in asking]}
    with audit.change(workspace, Verb.TRY_AGENT, f"try_agent {job.id}", after=after):
        _decide(workspace, job.id, allowed)
        return jobs.submit(workspace, "try_agent", job.args | {"talk": [*_talk(job.args), *job.result["items"], *said]})


def ask_on(workspace: "Workspace", job: "Job", question: str) -> "Job":
    """Queue a further question of the conversation that an answered try began; raises ConflictError before its answer."""
    audit.require(workspace, Verb.TRY_AGENT)
    if not question.strip():
        raise InvalidInputError(Message("The question is empty."), Message("Write one first."))
    inputs.check({"question": question})
    if job.state is not State.DONE or job.result.get("items"):
        raise ConflictError(
            Message("The agent has not answered yet."), Message("Wait for its answer, or say yes or no to its tool.")
        )
    turns = [{"role": "assistant", "content": job.result["answer"]}, {"role": "user", "content": question.strip()}]
    told = {"question": question.strip(), "talk": [*_talk(job.args), *turns]}
    return jobs.submit(workspace, "try_agent", job.args | told)


def _decide(workspace: "Workspace", id: int, allowed: bool) -> None:
    """Write the decision on the ended try; raises ConflictError for the second one."""
    with writing(workspace.engine) as connection:
        result = connection.execute(select(table.c.result).where(table.c.id == id)).scalar_one()
        if "allowed" in result:
            raise ConflictError(
                Message("This was already allowed or refused."), Message("Ask the agent again to decide anew.")
            )
        connection.execute(update(table).where(table.c.id == id).values(result=result | {"allowed": allowed}))


def _talk(args: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list(args.get("talk") or [{"role": "user", "content": args["question"]}])


def run_try(workspace: "Workspace", work: "Work") -> dict[str, Any]:
    """The job behind `try_out`; its trace has the origin “try”."""
    args = work.args
    agent = get(workspace, args["model_id"])
    loaded = load(workspace, args["model_id"], args["prompt_version"])
    # An agent with a memory of its own must not take two tries for one conversation.
    context = {"conversation_id": args.get("conversation") or uuid.uuid4().hex, "user_id": workspace.actor.id}
    request: dict[str, Any] = {"input": _talk(args), "context": context}
    if args.get("custom_inputs"):
        request["custom_inputs"] = args["custom_inputs"]
    tags = {"signalbox.origin": "try", "signalbox.app": workspace.app.id}
    _once(work, request["input"])
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(offers.changed, agent.servers, agent.tools)
        begun = time.monotonic()
        with translated(Message("Trying the agent"), foreign=True), mlflow.tracing.context(tags=tags):
            answer = talking.hear(loaded, request, work)
            trace_id = mlflow.get_last_active_trace_id(thread_local=True)
        seconds = round(time.monotonic() - begun, 2)
    mlflow.flush_trace_async_logging()
    return {
        "answer": kinds.answer_text(answer),
        "items": answer["output"] if kinds.approvals(answer["output"]) else [],
        "steps": [one.to_json() for one in kinds.steps(answer["output"])],
        "sources": [asdict(one) for one in sources.read(answer.get("custom_outputs"))],
        "trace_id": trace_id,
        "prompt_version": args["prompt_version"],
        "seconds": seconds,
        "findings": [one.to_json() for one in _changes(asked)],
    }


def _changes(asked: "Future[tuple[Finding, ...]]") -> tuple[Finding, ...]:
    """What the servers changed; a failure to ask them costs no answer, for its tools may have acted."""
    error = asked.exception()
    if error is not None:
        log.warning("asking the MCP servers failed: %s", type(error).__name__)
        return ()
    return asked.result()


def _once(work: "Work", talk: list[dict[str, Any]]) -> None:
    """A tool that somebody allowed once runs once: an attempt after an interrupted one asks the agent no more."""
    if not any(one.get("approve") for one in talk):
        return
    if work.checkpoint.get("asked"):
        raise PlatformError(
            Message("It was interrupted, and whether the tool ran is not known."),
            Message("Look where the tool would have acted, then ask the agent again."),
        )
    work.save(work.checkpoint | {"asked": True})


def load(workspace: "Workspace", model_id: str, prompt_version: int | None) -> AskedAgent:
    """Load an agent of any kind in a job's child; with `prompt_version` it answers with that one, and no alias moves."""
    known = model_config(workspace.settings.tracking_uri, model_id)
    # Before its release, only its number names the version that an agent is pinned to.
    version = prompt_version or known.get("pinned_version")
    # A version never changes, so it may be kept; what an alias names is looked up for every question.
    override = {"prompt_version": str(version)} if version else {"prompt_cache_seconds": 0}
    with translated(Message("Loading the agent"), foreign=True):
        return kinds.load(f"models:/{model_id}", {name: value for name, value in override.items() if name in known})
