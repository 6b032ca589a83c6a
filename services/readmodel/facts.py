"""What the read model keeps of a trace: facts that charts add up and lists show, without spans."""

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mlflow.entities import Assessment, AssessmentSourceType, Feedback, TraceInfo

from services import streaming
from services.apps.places import Places
from services.jsons import sound
from services.scorers.built import answer_text, question_text, turns
from services.traces.rows import (
    COST,
    DEAREST,
    LINKS,
    LONGEST_PREVIEW,
    ORIGIN_TAG,
    USAGE,
    count,
    json_of,
    links,
    origin_of,
)

SLOT_MS = 15 * 60_000
# Times are counted in 43 bits, which end in the year 2248: a trace that is said to be later is not charted.
LATEST_MS = (1 << 43) // SLOT_MS * SLOT_MS
NANO = 1_000_000_000
PRODUCTION, EVALUATION, PEOPLE, EXPECTATION = "production", "evaluation", "people", "expectation"
SOURCE_RUN, MODEL, SESSION, USER = "mlflow.sourceRun", "mlflow.modelId", "mlflow.trace.session", "mlflow.trace.user"
FINALIZED = "mlflow.trace.infoFinalized"
RUN_OF_VERDICT = "mlflow.assessment.sourceRunId"
WORDS = {"yes": 1.0, "no": 0.0}


@dataclass(frozen=True, slots=True)
class Mark:
    """One assessment. `value` is 0 or 1 where `binary`; None for words and for a scorer's error.

    `newest`: no later one of the same name (and person) stands beside it. `counted`: the value in MLflow's metrics.
    """

    name: str
    kind: str
    value: float | None
    binary: bool
    failed: bool
    newest: bool
    counted: float | None
    person: str


@dataclass(frozen=True, slots=True)
class Fact:
    """One trace. `cost` is in billionths, so that sums stay exact; `settled`: what describes it has arrived.

    `first`: milliseconds to the first words of an answer that was streamed, None where no stream is known.
    """

    trace_id: str
    at: int
    millis: int | None
    state: str
    origin: str
    model_id: str
    prompts: tuple[tuple[str, int], ...]
    user: str
    session: str
    question: str
    answer: str
    tokens_in: int | None
    tokens_out: int | None
    tokens: int | None
    cost: int | None
    settled: bool
    marks: tuple[Mark, ...]
    first: int | None = None

    @property
    def slot(self) -> int:
        return self.at // SLOT_MS

    @property
    def prompt(self) -> str:
        """The first prompt it loaded, as name/version."""
        return "/".join(map(str, self.prompts[0])) if self.prompts else ""

    @property
    def digest(self) -> int:
        """Changes whenever anything kept of the trace does."""
        return int.from_bytes(hashlib.blake2b(repr(self).encode(), digest_size=8).digest(), signed=True)


@dataclass(frozen=True, slots=True)
class Given:
    """An assessment as a store keeps it, before it is compared with those beside it."""

    name: str
    value: Any
    failed: bool
    valid: bool
    feedback: bool
    human: bool
    source: str
    from_run: bool
    at: int


def described(
    trace_id: str, tags: dict[str, str], metadata: dict[str, str], given: Iterable[Given], **known: Any
) -> Fact:
    """The fact from what stores keep of a trace as words."""
    origin = origin_of(tags, SOURCE_RUN in metadata)
    return Fact(
        trace_id=trace_id,
        origin=origin,
        model_id=metadata.get(MODEL, ""),
        prompts=tuple(links(json_of(tags.get(LINKS)))),
        user=metadata.get(USER, ""),
        session=metadata.get(SESSION, ""),
        settled=FINALIZED in metadata or ORIGIN_TAG in tags,
        marks=marks(list(given), origin),
        first=streaming.told(metadata.get(streaming.FIRST)),
        **known,
    )


def marks(given: Sequence[Given], origin: str) -> tuple[Mark, ...]:
    """The valid assessments, oldest first; the newest of each name and voice is marked as such."""
    valid = sorted((one for one in given if one.valid), key=lambda one: one.at)
    voices = {(one.name, _kind(one, origin), one.source if one.human else ""): one for one in valid}
    newest = {id(one) for one in voices.values()}
    return tuple(_mark(one, _kind(one, origin), id(one) in newest) for one in valid)


def from_info(info: TraceInfo) -> Fact:
    """The fact of a trace that MLflow's API returned."""
    usage, cost = (json_of(info.trace_metadata.get(name)) for name in (USAGE, COST))
    return described(
        info.trace_id,
        dict(info.tags),
        dict(info.trace_metadata),
        [_given(one) for one in info.assessments],
        at=info.request_time,
        millis=info.execution_duration,
        state=str(info.state),
        question=readable(info.request_preview),
        answer=readable(info.response_preview),
        tokens_in=count(usage, "input_tokens"),
        tokens_out=count(usage, "output_tokens"),
        tokens=count(usage, "total_tokens"),
        cost=nano(cost.get("total_cost") if isinstance(cost, dict) else None),
    )


def placed(fact: Fact, places: Places, root: tuple[Any, Any] | None) -> Fact:
    """The fact with what was asked and answered at the app's places in what the root was given and gave back.

    Without a root (None) it may still arrive.
    """
    if not places:
        return fact
    if root is None:
        return replace(fact, settled=False)
    asked, answered = places.asked(root[0])[:LONGEST_PREVIEW], places.answered(root[1])[:LONGEST_PREVIEW]
    return replace(fact, question=asked or fact.question, answer=answered or fact.answer)


def nano(cost: Any) -> int | None:
    """Billionths; None for what is no price."""
    known = number(cost) if isinstance(cost, int | float) else None
    return round(known * NANO) if known is not None and 0 <= known <= DEAREST else None


def readable(preview: str | None) -> str:
    """The words of a preview; what is JSON of a text or of an answer is told by its text, and an empty question by none."""
    if not preview or not preview.startswith(("{", '"')):
        return preview or ""
    said = json_of(preview)  # None where MLflow has cut a long one
    if isinstance(said, str):
        return sound(said)
    if not isinstance(said, dict):
        return preview
    asked = said.get("request", said)
    told = sound(answer_text(said) or question_text(asked))
    return told or ("" if any(one["role"] == "user" for one in turns(asked)) else preview)


def number(value: Any) -> float | None:
    """What MLflow's metrics make of a value: yes and true are one, no and false are nought."""
    if isinstance(value, str):
        return WORDS.get(value.strip().lower())
    if not isinstance(value, bool | int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:  # a whole number without end
        return None


def _kind(given: Given, origin: str) -> str:
    if not given.feedback:
        return EXPECTATION
    if given.human:
        return PEOPLE
    return EVALUATION if given.from_run or origin == "evaluation" else PRODUCTION


def _mark(given: Given, kind: str, newest: bool) -> Mark:
    counted = number(given.value)
    value = None if given.failed else counted
    return Mark(
        name=given.name,
        kind=kind,
        value=value,
        binary=value is not None and isinstance(given.value, bool | str),
        failed=given.failed,
        newest=newest,
        counted=counted,
        person=given.source if given.human else "",
    )


def _given(one: Assessment) -> Given:
    feedback = isinstance(one, Feedback)
    return Given(
        name=one.name,
        value=one.feedback.value if one.feedback else one.expectation.value if one.expectation else None,
        failed=bool(one.feedback and one.feedback.error),
        valid=one.valid is not False,
        feedback=feedback,
        human=one.source.source_type == AssessmentSourceType.HUMAN,
        source=one.source.source_id or "",
        from_run=bool((one.metadata or {}).get(RUN_OF_VERDICT) or one.run_id),
        at=one.create_time_ms or 0,
    )
