"""What stands in the way of an evaluation, found out in seconds before it starts, everything at once."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services import datasets, endpoints, scorers
from services.apps.places import Places
from services.datasets import Row, unfinished
from services.errors import ConsoleError, NotReadyError
from services.evaluations import plan, sources
from services.evaluations.sources import ENDPOINT, TRACES, Source
from services.messages import Message, mark
from services.playground.reach import ask_again, reach

if TYPE_CHECKING:
    from datetime import datetime

    from services.agents import AgentVersion
    from services.evaluations.plan import Choice
    from services.scorers import ScorerSpec
    from services.workspace import Workspace

OK, NOTE, STOP = "ok", "note", "stop"
SECONDS = 3.0
KEPT_SECONDS, FAILED_SECONDS, FOUND_SECONDS = 30.0, 10.0, 10.0
MOST_KEPT = 8
EXPECTED: dict[str, str] = {
    "answer": mark("{scorer}: {n} of {rows} {rows:question has|questions have} no expected answer to compare with."),
    "facts": mark("{scorer}: {n} of {rows} {rows:question has|questions have} no expected facts to compare with."),
    "answer or facts": mark(
        "{scorer}: {n} of {rows} {rows:question has|questions have} neither an expected answer nor expected facts."
    ),
    "guidelines": mark("{scorer}: {n} of {rows} {rows:question has|questions have} no guidelines of their own."),
}


@dataclass(frozen=True)
class Order:
    """An evaluation as somebody is about to start it; `agent` only where an agent version is asked."""

    source: Source
    agent: "AgentVersion | None"
    prompt_version: int | None
    dataset_id: str
    scorer_names: tuple[str, ...]
    choice: "Choice"
    repeats: int = 1
    per_minute: int | None = None
    where: str = plan.HERE

    @property
    def model_id(self) -> str:
        return self.agent.model_id if self.agent else ""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at; `stop` forbids the start. `screen` is where it is mended."""

    level: str
    found: Message
    mend: Message | None = None
    screen: str = ""


def look(workspace: "Workspace", order: Order) -> list[Check]:
    """Every check, those that stop the start first."""
    specs = [spec for spec in scorers.all(workspace) if spec.name in order.scorer_names]
    rows = asked(workspace, order)
    made = [
        *_who(workspace, order),
        *_saved(workspace, order),
        *_rows(order, rows),
        *_judge(workspace, specs),
        *_needs(specs, rows),
    ]
    if not specs:
        made.append(Check(STOP, Message("No scorer is chosen."), Message("Choose at least one scorer."), "scorers"))
    return sorted(made, key=lambda check: (STOP, NOTE, OK).index(check.level))


def forget(workspace: "Workspace") -> None:
    """Ask the model server and the judge anew at the next look, and look for answers anew."""
    ask_again(workspace)
    _judged.clear()
    _found.clear()


def asked(workspace: "Workspace", order: Order) -> list[Row]:
    """The rows that would be asked, or whose answers exist."""
    if order.source.kind == TRACES:
        return _answers(workspace, order.source)
    return order.choice.of(content(workspace, order.dataset_id)) if order.dataset_id else []


def _answers(workspace: "Workspace", source: Source) -> list[Row]:
    """The answers that exist, read again after FOUND_SECONDS: looking and estimating ask for them at every click."""
    key = (workspace.settings.tracking_uri, workspace.app.experiment_id, workspace.app.places, source)
    at, known = _found.get(key, (float("-inf"), []))
    if time.monotonic() - at < FOUND_SECONDS:
        return known
    found = [Row(info.trace_id, info.request_preview or "") for info in sources.infos(workspace, source)]
    if len(_found) >= MOST_KEPT:
        _found.clear()
    _found[key] = time.monotonic(), found
    return found


_found: "dict[tuple[str, str, Places, Source], tuple[float, list[Row]]]" = {}


def model_of(workspace: "Workspace", agent: "AgentVersion | None") -> str:
    """The model that answers: an agent version names its own."""
    return (agent.llm_model if agent else "") or workspace.usual_model


def content(workspace: "Workspace", dataset_id: str) -> list[Row]:
    """A dataset's rows, read again only after a change."""
    key = (workspace.settings.tracking_uri, dataset_id, datasets.get(workspace, dataset_id).updated_at)
    if key not in _read:
        if len(_read) >= MOST_KEPT:
            _read.clear()
        _read[key] = datasets.rows(workspace, dataset_id)
    return _read[key]


_read: "dict[tuple[str, str, datetime], list[Row]]" = {}


def _saved(workspace: "Workspace", order: Order) -> Iterator[Check]:
    try:
        if order.dataset_id:
            unfinished.refuse_half(workspace, order.dataset_id)
    except NotReadyError as error:
        yield Check(STOP, error.message, error.remedy, "datasets")


def _who(workspace: "Workspace", order: Order) -> Iterator[Check]:
    if order.source.kind == ENDPOINT:
        yield _endpoint(workspace)
    elif order.agent:
        agent = order.agent
        if agent.status != "READY":
            yield Check(STOP, Message("This agent version is not ready."), Message("Choose another one."), "agents")
        if agent.model_told:
            yield _model(workspace, agent.llm_model)
        else:
            yield Check(OK, Message("Which model the agent asks is known only to its code."))


def _endpoint(workspace: "Workspace") -> Check:
    trouble, endpoint = endpoints.trouble(workspace), endpoints.current(workspace)
    if trouble:
        return Check(STOP, trouble, Message("Wait until it is up again."), "endpoints")
    if endpoint is None or not endpoint.live:
        message = Message("Nothing answers at the endpoint now.")
        return Check(STOP, message, Message("Release an agent version first."), "releases")
    return Check(OK, Message("The endpoint {name} answers.", name=endpoint.name))


def _model(workspace: "Workspace", own: str) -> Check:
    """`own`: the model that the agent version was logged with."""
    found, model = reach(workspace, SECONDS), own or workspace.usual_model
    if found.error:
        return Check(STOP, found.error.message, found.error.remedy)
    if found.pending:
        message = Message("The model server did not answer within {n} seconds.", n=int(SECONDS))
        return Check(STOP, message, Message("Check OPENAI_BASE_URL and that the model is running, then try again."))
    if own and not found.lists(own):
        message = Message("The model server does not list the agent version's model {model}.", model=own)
        return Check(NOTE, message, Message("Log an agent version with a model that it lists."), "agents")
    if not found.lists(model):
        message = Message("The model server does not list the app's model {model}.", model=model)
        return Check(NOTE, message, Message("Check the app's model on the Apps screen."), "apps")
    return Check(OK, Message("The model server answers and takes the key."))


def _judge(workspace: "Workspace", specs: "list[ScorerSpec]") -> Iterator[Check]:
    needing = [spec.name for spec in specs if scorers.needs_judge(spec)]
    if not needing:
        return
    error = _judge_error(workspace)
    if error:
        yield Check(STOP, error.message, error.remedy)
    else:
        yield Check(OK, Message("The judge {model} answers.", model=workspace.settings.judge_model))


_judged: dict[tuple[str | None, str, str], tuple[float, ConsoleError | None]] = {}


def _judge_error(workspace: "Workspace") -> ConsoleError | None:
    """Asked again after KEPT_SECONDS, a failed one after FAILED_SECONDS; every question to a judge costs a token."""
    settings = workspace.settings
    key = (settings.llm_base_url, settings.llm_api_key, settings.judge_model)
    at, known = _judged.get(key, (float("-inf"), None))
    if time.monotonic() - at < (FAILED_SECONDS if known else KEPT_SECONDS):
        return known
    error: ConsoleError | None = None
    try:
        scorers.check_judge(workspace)
    except ConsoleError as found:
        error = found
    _judged[key] = time.monotonic(), error
    return error


def _rows(order: Order, rows: list[Row]) -> Iterator[Check]:
    if rows and order.source.kind == TRACES:
        yield Check(OK, Message("Answers that fit: {n}.", n=len(rows)))
    elif rows:
        once = Message("Questions to ask: {n}.", n=len(rows))
        often = Message("Questions to ask: {n}, each {times} times.", n=len(rows), times=order.repeats)
        yield Check(OK, once if order.repeats == 1 else often)
    elif order.source.kind == TRACES:
        yield Check(
            STOP, Message("No answer fits this choice."), Message("Choose a longer time, or leave out the words.")
        )
    else:
        yield Check(
            STOP, Message("No question fits this choice."), Message("Choose another split or topic."), "datasets"
        )


def _needs(specs: "list[ScorerSpec]", rows: list[Row]) -> Iterator[Check]:
    """What the scorers want to compare an answer with and the dataset does not tell."""
    for spec in specs:
        needs = scorers.needs(spec)
        if needs.expected and rows:
            missing = sum(not _tells(row, needs.expected) for row in rows)
            if missing:
                text = EXPECTED.get(needs.expected, EXPECTED["answer or facts"])
                found = Message(text, scorer=spec.name, n=missing, rows=len(rows))
                mend = Message("Add them to the dataset, or leave this scorer out: it cannot judge such a row.")
                yield Check(STOP if missing == len(rows) else NOTE, found, mend, "datasets")
        if needs.session and rows and not any(len(plan.messages_of(row)) > 1 for row in rows):
            found = Message(
                "{scorer} judges whole conversations, and no question here is part of one.", scorer=spec.name
            )
            yield Check(
                NOTE, found, Message("Choose a dataset with conversations, or leave this scorer out."), "datasets"
            )


def _tells(row: Row, expected: str) -> bool:
    told = {"answer": row.expected, "facts": row.expected_facts, "guidelines": row.guidelines}
    return any(bool(value) for name, value in told.items() if name in expected)
