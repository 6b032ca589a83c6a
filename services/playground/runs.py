"""Runs: every variant asked every question at the same time, kept in memory for the person who began it."""

import asyncio
import logging
import threading
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import openai
from openai.types.chat import ChatCompletionChunk

from services import audit
from services.audit import Verb
from services.errors import BlockedError, ConsoleError, NotReadyError, PlatformError, translated
from services.messages import Message
from services.playground import calls, loop
from services.playground.answer import Answer, State
from services.playground.desk import Desk, Question, new_id
from services.playground.prices import price
from services.playground.variants import Variant, blockers, same

if TYPE_CHECKING:
    from services.workspace import Workspace

log = logging.getLogger("signalbox.web")

AT_ONCE = 8
MOST_LIVE = 5
MOST_KEPT = 30
KEPT_SECONDS = 2 * 3600.0
LONGEST_SECONDS = 300.0


@dataclass
class Cell:
    """One variant asked one question; `answer` grows in the loop's thread, screens read its `now`."""

    call: Mapping[str, Any]
    answer: Answer
    future: "Future[None] | None" = None


@dataclass
class Run:
    """What was asked when; `variants` and `questions` stay as they were, whatever the desk shows meanwhile."""

    actor: str
    app: str
    prompt: str
    client: openai.AsyncOpenAI
    variants: Mapping[str, Variant]
    questions: Mapping[str, Question]
    values: Mapping[str, str]
    cells: dict[tuple[str, str], Cell]
    id: str = field(default_factory=new_id)
    begun: float = field(default_factory=time.monotonic)
    gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    @property
    def live(self) -> bool:
        return any(cell.answer.live for cell in self.cells.values())

    @property
    def done(self) -> int:
        return sum(not cell.answer.live for cell in self.cells.values())


_runs: dict[str, Run] = {}
_lock = threading.Lock()


def start(workspace: "Workspace", desk: Desk, variants: Iterable[Variant], before: Run | None = None) -> Run:
    """Ask everything at once, AT_ONCE at a time; raises BlockedError for the first thing that must be mended.

    With `before`, answers that would be asked for in exactly the same way are taken over from that run.
    """
    audit.require(workspace, Verb.TRY_AGENT)
    variants = list(variants)
    for blocker in blockers(workspace, desk, variants):
        if blocker.blocking:
            raise BlockedError(blocker.message, blocker.remedy)
    values = _values(workspace, desk)
    cells = {
        (variant.slot.id, question.id): _cell(workspace, variant, question, values)
        for question in desk.questions
        for variant in variants
    }
    run = Run(
        workspace.actor.id,
        workspace.app.id,
        desk.prompt,
        calls.async_client(workspace.settings),
        {one.slot.id: one for one in variants},
        {one.id: one for one in desk.questions},
        values,
        _with_known(cells, before),
    )
    _register(run)
    for cell in run.cells.values():
        if cell.answer.live:
            _ask(run, cell)
    return run


def retry(workspace: "Workspace", run: Run, slot: str, question: str) -> None:
    """Ask one cell again; the others stay as they are."""
    audit.require(workspace, Verb.TRY_AGENT)
    cell = run.cells[slot, question]
    if not cell.answer.live:
        run.cells[slot, question] = again = Cell(cell.call, Answer(cell.answer.sent, cell.answer.price))
        _ask(run, again)


def cancel(run: Run) -> None:
    """Close every open stream at once; what came so far stays."""
    for cell in run.cells.values():
        if cell.future is not None:
            cell.future.cancel()


def find(workspace: "Workspace", id: str) -> Run | None:
    """A run of this person in this app; None when it is over for long, or of somebody else."""
    run = _runs.get(id)
    return run if run and (run.actor, run.app) == (workspace.actor.id, workspace.app.id) else None


def latest(workspace: "Workspace", prompt: str) -> Run | None:
    """The person's newest run of this prompt."""
    with _lock:
        newest = [run for run in reversed(_runs.values()) if run.prompt == prompt and find(workspace, run.id)]
    return newest[0] if newest else None


def missing(workspace: "Workspace", desk: Desk, variants: Iterable[Variant], run: Run | None) -> int:
    """How many answers of the desk `run` does not hold in exactly this form."""
    variants, held = list(variants), _done(run)
    all = len(variants) * len(desk.questions)
    if run is None or run.values != _values(workspace, desk):
        return all
    return all - sum(
        (variant.slot.id, question.id) in held and run.questions[question.id].text == question.text
        for variant in variants
        for question in desk.questions
        if asked_with(run, variant)
    )


def asked_with(run: Run, variant: Variant) -> bool:
    """Whether the run asked this variant as it is now."""
    asked = run.variants.get(variant.slot.id)
    return asked is not None and same(asked.content, variant.content)


def _done(run: Run | None) -> set[tuple[str, str]]:
    cells = run.cells if run else {}
    return {key for key, cell in cells.items() if cell.answer.now.state is State.DONE}


def _values(workspace: "Workspace", desk: Desk) -> dict[str, str]:
    """What fills the variables; a value typed here never replaces one of the app's."""
    return {**desk.values, **workspace.app.variables}


def _cell(workspace: "Workspace", variant: Variant, question: Question, values: Mapping[str, str]) -> Cell:
    messages = calls.assembled(variant.content, values, question.text)
    sent = calls.estimated_tokens("".join(message["content"] for message in messages))
    listed = None if workspace.settings.practice else price(variant.model)
    return Cell({**variant.call, "messages": messages}, Answer(sent, listed))


def _with_known(cells: dict[tuple[str, str], Cell], before: Run | None) -> dict[tuple[str, str], Cell]:
    known = before.cells if before else {}
    kept = _done(before)
    return {key: known[key] if key in kept and known[key].call == cell.call else cell for key, cell in cells.items()}


def _register(run: Run) -> None:
    now = time.monotonic()
    with _lock:
        over = [id for id, one in _runs.items() if not one.live]
        surplus = len(over) - MOST_KEPT + 1
        for position, id in enumerate(over):
            if position < surplus or now - _runs[id].begun > KEPT_SECONDS:
                del _runs[id]
        if sum(one.live for one in _runs.values()) >= MOST_LIVE:
            raise NotReadyError(
                Message("Others are asking in the playground now."), Message("Wait until they have their answers.")
            )
        _runs[run.id] = run


def _ask(run: Run, cell: Cell) -> None:
    cell.future = loop.submit(_stream(run, cell))
    cell.future.add_done_callback(lambda future: _end(cell.answer, future))


async def _stream(run: Run, cell: Cell) -> None:
    """One answer, piece by piece; what the SDK raises becomes a ConsoleError."""
    call: dict[str, Any] = {**cell.call, "stream": True, "stream_options": {"include_usage": True}}
    async with run.gate:
        if not cell.answer.begin():
            return
        with translated(Message("Asking the model {model}", model=cell.call["model"])):
            try:
                async with asyncio.timeout(LONGEST_SECONDS), await run.client.chat.completions.create(**call) as chunks:
                    async for chunk in chunks:
                        if not _take(cell.answer, chunk):
                            return
            except TimeoutError as error:
                raise PlatformError(
                    Message("The answer was not finished after {n} s.", n=round(LONGEST_SECONDS)),
                    Message("Set a token limit, or choose a faster model."),
                ) from error


def _take(answer: Answer, chunk: ChatCompletionChunk) -> bool:
    """Whether more may come."""
    choice = chunk.choices[0] if chunk.choices else None
    if chunk.usage:
        answer.count(chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
    if choice and choice.finish_reason:
        answer.finish_reason = choice.finish_reason
    return answer.add(choice.delta.content or "") if choice else True


def _end(answer: Answer, future: "Future[None]") -> None:
    if future.cancelled():
        answer.end(State.CANCELLED)
        return
    error = future.exception()
    if error is None:
        answer.end(State.DONE)
    elif isinstance(error, ConsoleError):
        answer.end(State.FAILED, error)
    else:
        log.error("a playground answer failed", exc_info=error)
        answer.end(
            State.FAILED,
            PlatformError(
                Message("The answer failed in a way that the console did not foresee."),
                Message("Try again; if it stays, show the log to an engineer."),
            ),
        )
