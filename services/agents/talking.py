"""The answer of a tried agent as it grows, and what is asked after it in the same conversation."""

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import mlflow

from services.jobs import Cancelled, Superseded
from services.kinds import AskedAgent, ToolStep, steps

if TYPE_CHECKING:
    from services.jobs import Job, Work

SAID, TRACE = "said", "trace_id"
SECONDS_BETWEEN = 0.3
USED = ("function_call", "function_call_output", "mcp_call")


def said(job: "Job") -> str:
    """What the agent of a try has said so far; of one that failed, what it had said until then."""
    return str(job.checkpoint.get(SAID, ""))


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
            if event.get("type") == "response.output_item.done":
                items.append(event["item"])
            facts = event.get("custom_outputs") or facts
            if time.monotonic() - kept >= SECONDS_BETWEEN:
                kept = time.monotonic()
                work.save(work.checkpoint | {SAID: "".join(pieces)})
        whole = True
    finally:
        # Without it nobody could read what had been said, nor why it ended there.
        broken = {} if whole else {TRACE: mlflow.get_last_active_trace_id(thread_local=True)}
        with suppress(Cancelled, Superseded):
            work.save(work.checkpoint | {SAID: "".join(pieces)} | broken)
    return {"object": "response", "output": items, "custom_outputs": facts}
