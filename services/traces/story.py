"""One trace, told: the question, what happened, the answer, and what was thought of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mlflow.entities import (
    AssessmentSource,
    AssessmentSourceType,
    Feedback,
    Span,
    SpanStatusCode,
    SpanType,
    Trace,
    TraceInfo,
)

from services import kinds, scorers, streaming, unfinished
from services.apps.places import Places
from services.jsons import sound
from services.kinds import ToolStep
from services.messages import Message, stored
from services.settings import PRACTICE
from services.traces.prompt_use import MODEL_CALLS
from services.traces.rows import COST, DEAREST, TraceRow, json_of, newest_feedback, opinions, previewed, root_of, row_of

VERSION_KEY = "signalbox.version"
REASON_KEY = "signalbox.reason"


@dataclass(frozen=True)
class Step:
    """One thing that happened; `depth` says inside what; `tool`: what a tool was given, and what came back."""

    what: Message
    seconds: float
    depth: int
    error: str | None
    tool: ToolStep | None = None


@dataclass(frozen=True)
class Verdict:
    """What a scorer or a person thought of the answer; `value` is None when the scorer failed or gave none."""

    scorer: str
    value: Any
    reason: Message | str
    source: Message | str
    version: str | None
    error: str | None
    at: datetime

    @property
    def own_words(self) -> str:
        """What a scorer that failed said itself; empty of one that judged, or that told a reason to read instead."""
        return "" if self.reason else self.error or ""


@dataclass(frozen=True)
class TraceStory:
    """One trace, told. `abandoned`: the caller hung up. `cut`: the token limit ended the answer in the middle.

    `tools`: those that the answer names where no step of the trace does. `first`: seconds to the first words of an answer
    that was streamed, None where no stream is known. `cost`: US dollars by MLflow's price list, None where it has no price.
    `archived`: told from the archive, because MLflow has lost it by its age.
    """

    row: TraceRow
    question: str
    answer: str
    steps: tuple[Step, ...]
    verdicts: tuple[Verdict, ...]
    model: str | None
    session: str | None
    user: str | None
    abandoned: bool
    cut: bool
    tools: tuple[ToolStep, ...] = ()
    first: float | None = None
    cost: float | None = None
    archived: bool = False

    @property
    def practice(self) -> bool:
        """Whether the built-in practice model answered."""
        return self.model == PRACTICE


def model_of(span: Span) -> str:
    """The model that a call asked; empty where the span does not tell."""
    asked = span.inputs if isinstance(span.inputs, dict) else {}
    return str(span.attributes.get("mlflow.llm.model") or asked.get("model") or "")


def told(trace: Trace, places: Places) -> TraceStory:
    info, root = trace.info, root_of(trace)
    row = row_of(previewed(trace, places))
    calls = [span for span in trace.data.spans if span.span_type in MODEL_CALLS]
    outputs: Any = root.outputs if root else None
    abandoned = isinstance(outputs, dict) and "abandoned_after" in outputs
    return TraceStory(
        row=row,
        question=sound(_question(trace, places)) or row.question,
        answer=sound(str(outputs["abandoned_after"]) if abandoned else answer_of(trace, places)) or row.answer,
        steps=tuple(_steps(trace)),
        verdicts=tuple(_verdicts(info)),
        model=next((_model(span) for span in calls), None),
        session=info.trace_metadata.get("mlflow.trace.session"),
        user=info.trace_metadata.get("mlflow.trace.user"),
        abandoned=abandoned,
        cut=any(span.attributes.get("finish_reason") == "length" or unfinished.was_cut(span.outputs) for span in calls)
        or unfinished.was_cut(outputs),
        tools=_tools(trace, outputs),
        first=_first(trace, root),
        cost=_cost(info),
    )


def _cost(info: TraceInfo) -> float | None:
    told = json_of(info.trace_metadata.get(COST))
    spent = told.get("total_cost") if isinstance(told, dict) else None
    return float(spent) if isinstance(spent, int | float) and 0 <= spent <= DEAREST else None


def _first(trace: Trace, root: Span | None) -> float | None:
    said = streaming.told(trace.info.trace_metadata.get(streaming.FIRST))
    if said is None and root is not None:
        said = streaming.of_span(root.to_dict())
    return None if said is None else said / 1000


def _verdicts(info: TraceInfo) -> list[Verdict]:
    """The scorers' verdicts by name, then what each person said."""
    said = opinions(info)
    by_scorers = [one for one in newest_feedback(info).values() if one not in said]
    return [*sorted(map(_verdict, by_scorers), key=lambda one: one.scorer), *map(_verdict, said)]


def answer_of(trace: Trace, places: Places) -> str:
    return scorers.answer_text(outputs_of(trace, places))


def request_of(trace: Trace, places: Places) -> Any:
    """What was asked, in the shape that an evaluation gives to the same scorers."""
    inputs = inputs_of(trace, places)
    asked = inputs.get("request", inputs) if isinstance(inputs, dict) else inputs
    return {"input": asked["input"]} if isinstance(asked, dict) and "input" in asked else asked


def inputs_of(trace: Trace, places: Places) -> Any:
    """What the root span was given; of an app that says where the question is, that question as a request."""
    root = root_of(trace)
    return places.inputs(root.inputs) if root else None


def outputs_of(trace: Trace, places: Places) -> Any:
    """What the root span gave back; of an app that says where the answer is, that answer's text."""
    root = root_of(trace)
    return places.outputs(root.outputs) if root else None


def _question(trace: Trace, places: Places) -> str:
    return scorers.question_text(request_of(trace, places))


def _steps(trace: Trace) -> Iterator[Step]:
    depths: dict[str | None, int] = {None: -1}
    for span in sorted(trace.data.spans, key=lambda span: span.start_time_ns):
        depths[span.span_id] = depths.get(span.parent_id, -1) + 1
        seconds = ((span.end_time_ns or span.start_time_ns) - span.start_time_ns) / 1e9
        failed = span.status.status_code == SpanStatusCode.ERROR
        yield Step(_what(span), seconds, depths[span.span_id], _failure(span) if failed else None, _tool(span))


def _tools(trace: Trace, outputs: Any) -> tuple[ToolStep, ...]:
    listed = outputs.get("output") if isinstance(outputs, dict) else None
    traced = any(span.span_type == SpanType.TOOL for span in trace.data.spans)
    return kinds.steps(listed) if isinstance(listed, list) and not traced else ()


def _tool(span: Span) -> ToolStep | None:
    if span.span_type != SpanType.TOOL:
        return None
    return kinds.tool(span.name, span.inputs, span.outputs)


def _what(span: Span) -> Message:
    said = span.attributes.get("mlflow.chat.tokenUsage")
    usage = said if isinstance(said, dict) else {}
    if span.span_type in MODEL_CALLS:
        return Message(
            "Asked the model {model}: {sent} tokens in, {got} tokens out.",
            model=_model(span),
            sent=usage.get("input_tokens", "–"),
            got=usage.get("output_tokens", "–"),
        )
    if span.span_type == SpanType.RETRIEVER:
        return Message("Looked something up: {name}.", name=span.name)
    if span.span_type == SpanType.TOOL:
        return Message("Used the tool {name}.", name=span.name)
    if span.parent_id is None and span.status.status_code == SpanStatusCode.ERROR:
        return Message("The agent failed at the question.")
    if span.parent_id is None:
        return Message("The agent answered the question.")
    if span.span_type == SpanType.AGENT:
        return Message("The agent {name} worked on it.", name=span.name)
    return Message("Did “{name}”.", name=span.name)


def _model(span: Span) -> str:
    return model_of(span) or "?"


def _failure(span: Span) -> str:
    said = [str(event.attributes.get("exception.message", "")) for event in span.events if event.name == "exception"]
    return (said[-1] if said and said[-1] else span.status.description)[:500]


def _verdict(given: Feedback) -> Verdict:
    metadata = given.metadata or {}
    told = stored(str(metadata.get(REASON_KEY) or ""))
    return Verdict(
        scorer=given.name,
        value=None if given.error else given.value,
        reason=told or given.rationale or "",
        source=_source(given.source),
        version=metadata.get(VERSION_KEY),
        error=(given.error.error_message or given.error.error_code) if given.error else None,
        at=datetime.fromtimestamp((given.create_time_ms or 0) / 1000, UTC),
    )


def _source(source: AssessmentSource) -> Message | str:
    """Who said it: a rule, a model by its name without the provider, or a person."""
    if source.source_type == AssessmentSourceType.CODE:
        return Message("decided by a rule")
    if source.source_type == AssessmentSourceType.LLM_JUDGE:
        return Message("judged by the model {model}", model=str(source.source_id).rpartition("/")[2])
    if source.source_type == AssessmentSourceType.HUMAN:
        return Message("said by {person}", person=source.source_id)
    return str(source.source_id)
