"""The answer of a tried agent as it grows, and what is asked after it in the same conversation."""

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import mlflow

from services.jobs import Cancelled, Superseded
from services.kinds import AskedAgent, ToolStep, steps
from services.platforms import wire

if TYPE_CHECKING:
    from services.jobs import Job, Work

SAID, TRACE, STEPS, PROGRESS = "said", "trace_id", "steps", "progress"
SECONDS_BETWEEN = 0.3
USED = ("function_call", "function_call_output", "mcp_call")


def said(job: "Job") -> str:
    """What the agent of a try has said so far; of one that failed, what it had said until then."""
    return str(job.checkpoint.get(SAID, ""))


def tools_now(job: "Job") -> tuple[tuple[ToolStep, ...], str]:
    """The tools that the agent has used so far, and how far the one at work has come."""
    used = tuple(ToolStep(**one) for one in job.checkpoint.get(STEPS, []))
    return used, str(job.checkpoint.get(PROGRESS, ""))


def failed_trace(job: "Job") -> str | None:
    """The trace of an answer that broke off."""
    found = job.checkpoint.get(TRACE)
    return str(found) if found else None


def tools_before(job: "Job") -> tuple[ToolStep, ...]:
    """The tools that the agent used for this question before it waited for a person's yes or no."""
    talk = list(job.args.get("talk") or [])
    asked = [at for at, one in enumerate(talk) if one.get("role") == "user"]
    return steps(one for one in talk[asked[-1] if asked else 0 :] if one.get("type") in USED)


def hear(agent: AskedAgent, request: Mapping[str, Any], work: "Work") -> dict[str, Any]:
    """The whole answer; what was said is kept with the job as it grows, also when it breaks off."""
    if not agent.streams:
        return agent.predict(request)
    items, facts, pieces, kept = list[Any](), dict[str, Any](), list[str](), 0.0
    whole = False
    try:
        for event in agent.predict_stream(request):
            pieces.append(str(event.get("delta") or ""))
            facts = event.get("custom_outputs") or facts
            ended = event.get("type") == "response.output_item.done"
            if ended:
                items.append(event["item"])
            # A tool may work for long before the next event: what is known of it is kept at once.
            of_tool = event.get("type") == wire.AT_WORK or (ended and event["item"].get("type") != "message")
            if of_tool or time.monotonic() - kept >= SECONDS_BETWEEN:
                kept = time.monotonic()
                work.save(work.checkpoint | _so_far(pieces, items, wire.progress(event)))
        whole = True
    finally:
        # Without it nobody could read what had been said, nor why it ended there.
        broken = {} if whole else {TRACE: mlflow.get_last_active_trace_id(thread_local=True)}
        with suppress(Cancelled, Superseded):
            work.save(work.checkpoint | {SAID: "".join(pieces)} | broken)
    return {"object": "response", "output": items, "custom_outputs": facts}


def _so_far(pieces: list[str], items: list[Any], progress: str) -> dict[str, Any]:
    return {SAID: "".join(pieces), STEPS: [one.to_json() for one in steps(items)], PROGRESS: progress}
