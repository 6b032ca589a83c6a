"""What a list of traces shows of each: read without spans, newest first."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from mlflow.entities import AssessmentSourceType, Feedback, Span, Trace, TraceInfo, TraceState

from services import database
from services.apps.places import Places
from services.errors import translated
from services.jsons import parsed
from services.messages import Message, mark

if TYPE_CHECKING:
    from services.workspace import Workspace

ORIGIN_TAG = "signalbox.origin"
ENVIRONMENT_TAG = "signalbox.environment"
PAIR_TAG = "signalbox.pair"
LINKS, USAGE, COST = "mlflow.linkedPrompts", "mlflow.trace.tokenUsage", "mlflow.trace.cost"
DEAREST = 1e6
MOST = 1 << 53
ORIGINS: dict[str, str] = {
    "live": mark("Live traffic"),
    "staging": mark("Asked in staging"),
    "development": mark("Asked in development"),
    "try": mark("Tried by hand"),
    "smoke": mark("Smoke test"),
    "probe": mark("Probe of a release"),
    "evaluation": mark("Evaluation"),
    "shadow": mark("Shadow traffic"),
    "rehearsal": mark("Rehearsal"),
}
PAGE = 200
# As long as MLflow makes them.
LONGEST_PREVIEW = 1_000
ELSEWHERE = ("staging", "development")
SAID = {"true": True, "yes": True, "false": False, "no": False}


@dataclass(frozen=True)
class TraceRow:
    """One trace in a list; question and answer may be cut. `scores` holds each scorer's newest verdict."""

    trace_id: str
    time: datetime
    origin: str
    question: str
    answer: str
    ok: bool
    finished: bool
    seconds: float | None
    model_id: str | None
    prompts: tuple[tuple[str, int], ...]
    tokens: int | None
    scores: dict[str, bool] = field(default_factory=dict)
    session: str | None = None

    @property
    def failed(self) -> tuple[str, ...]:
        return tuple(name for name, passed in self.scores.items() if not passed)


def origin(info: TraceInfo) -> str:
    """Where the request came from, as `origin_of` tells it."""
    return origin_of(info.tags, "mlflow.sourceRun" in info.trace_metadata)


def origin_of(tags: Mapping[str, str], evaluated: bool) -> str:
    """What the trace's tags say; without our own and outside an evaluation run it is live traffic.

    What people ask in another environment than production is no live traffic: it goes by the environment's name.
    """
    told, environment = tags.get(ORIGIN_TAG, "live"), tags.get(ENVIRONMENT_TAG)
    if told != "live":
        return told if told in ORIGINS else "live"
    if evaluated:
        return "evaluation"
    return environment if environment in ELSEWHERE else "live"


def is_live(workspace: "Workspace", info: TraceInfo) -> bool:
    """Whether it counts as production's: in the practice copy of a rehearsal, what is asked for practice does."""
    return origin(info) == workspace.app.traffic


def is_bare(info: TraceInfo) -> bool:
    """Whether only the spans were stored, by a process that died or has not come to the rest yet."""
    return not info.trace_metadata and ORIGIN_TAG not in info.tags


def read_infos(
    workspace: "Workspace", hours: float, most: int, more: str = "", *, words: bool = False
) -> Iterator[TraceInfo]:
    """The window's traces without their spans, newest first, `most` at most.

    With `words` their previews are what was asked and answered at the app's places, for which spans must be read.
    """
    since = int((database.now() - timedelta(hours=hours)).timestamp() * 1000)
    places = workspace.app.places if words else Places()
    found = each(workspace, f"timestamp_ms > {since}{more}", most, spans=bool(places))
    return (previewed(trace, places) for trace in found)


def each(workspace: "Workspace", words: str, most: int | None = None, spans: bool = False) -> Iterator[Trace]:
    """The traces that `words` of MLflow's filters choose, newest first, each once.

    MLflow's pages are counted from the newest: what arrives meanwhile moves the others to a later page, where they
    stand again.
    """
    token, known = None, set[str]()
    while most is None or len(known) < most:
        with translated(Message("Reading the traces")):
            page = workspace.client.search_traces(
                locations=[workspace.app.experiment_id],
                filter_string=words,
                max_results=PAGE if most is None else min(PAGE, most - len(known)),
                order_by=["timestamp_ms DESC"],
                page_token=token,
                include_spans=spans,
            )
        for trace in page:
            if trace.info.trace_id not in known:
                known.add(trace.info.trace_id)
                yield trace
        token = page.token
        if not token:
            return


def previewed(trace: Trace, places: Places) -> TraceInfo:
    """What describes the trace, with the question and the answer at the app's places as its previews."""
    root = root_of(trace) if places else None
    if root is None:
        return trace.info
    return replace(
        trace.info,
        request_preview=places.asked(root.inputs)[:LONGEST_PREVIEW] or trace.info.request_preview,
        response_preview=places.answered(root.outputs)[:LONGEST_PREVIEW] or trace.info.response_preview,
    )


def root_of(trace: Trace) -> Span | None:
    return next((span for span in trace.data.spans if span.parent_id is None), None)


def row_of(info: TraceInfo) -> TraceRow:
    return TraceRow(
        trace_id=info.trace_id,
        time=datetime.fromtimestamp(info.request_time / 1000, UTC),
        origin=origin(info),
        question=info.request_preview or "",
        answer=info.response_preview or "",
        ok=info.state != TraceState.ERROR,
        finished=info.state != TraceState.IN_PROGRESS,
        seconds=None if info.execution_duration is None else info.execution_duration / 1000,
        model_id=info.trace_metadata.get("mlflow.modelId"),
        prompts=tuple(linked_prompts(info)),
        tokens=count(json_of(info.trace_metadata.get(USAGE)), "total_tokens"),
        scores=_scores(info),
        session=info.trace_metadata.get("mlflow.trace.session"),
    )


def _scores(info: TraceInfo) -> dict[str, bool]:
    """The verdicts that passed or failed; judges of a workspace say so in words."""
    said = {name: SAID.get(str(one.value).lower()) for name, one in newest_feedback(info).items()}
    return {name: passed for name, passed in said.items() if passed is not None}


def opinions(info: TraceInfo) -> list[Feedback]:
    """Each person's newest valid feedback of each name."""
    given = [
        one
        for one in info.assessments
        if isinstance(one, Feedback) and one.valid is not False and one.source.source_type == AssessmentSourceType.HUMAN
    ]
    given.sort(key=lambda one: one.create_time_ms or 0)
    return list({(one.name, one.source.source_id): one for one in given}.values())


def newest_feedback(info: TraceInfo) -> dict[str, Feedback]:
    """Each scorer's newest valid verdict or error; a person's word under its name stands beside it, not in its place."""
    given = [one for one in info.assessments if isinstance(one, Feedback) and one.valid is not False]
    given.sort(key=lambda one: (one.source.source_type != AssessmentSourceType.HUMAN, one.create_time_ms or 0))
    return {one.name: one for one in given}


def linked_prompts(info: TraceInfo) -> list[tuple[str, int]]:
    return links(json_of(info.tags.get(LINKS)))


def json_of(stored: str | None) -> Any:
    """What a tag or metadata says in JSON: any program may write there, so that None stands for what cannot be read."""
    try:
        return parsed(stored) if stored else None
    except ValueError:
        return None


def links(listed: Any) -> list[tuple[str, int]]:
    """The prompt versions of a list of links; what has another shape is left out."""
    found = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return [
        (str(one["name"]), int(one["version"])) for one in found if one.get("name") and _is_version(one.get("version"))
    ]


def count(usage: Any, name: str) -> int | None:
    """A number of tokens; None where none is told."""
    number = usage.get(name) if isinstance(usage, dict) else None
    return number if isinstance(number, int) and not isinstance(number, bool) and 0 <= number < MOST else None


def _is_version(told: Any) -> bool:
    written = str(told)
    return written.isdecimal() and len(written) < 10
