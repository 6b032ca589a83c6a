"""MLflow's SQL store as the read model reads it: what changed by one aggregate, facts by four plain queries."""

import functools
import json
from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from mlflow.tracing.constant import SpanAttributeKey
from sqlalchemy import Connection, Engine, Select, case, column, create_engine, exists, func, inspect, select, table

from services import streaming
from services.errors import ConsoleError, PlatformError, translated
from services.jsons import parsed
from services.messages import Message
from services.readmodel.facts import (
    FINALIZED,
    LATEST_MS,
    MODEL,
    RUN_OF_VERDICT,
    SESSION,
    SLOT_MS,
    SOURCE_RUN,
    USER,
    Fact,
    Given,
    described,
    nano,
    placed,
    readable,
)
from services.traces.rows import ENVIRONMENT_TAG, LINKS, ORIGIN_TAG, root_of

if TYPE_CHECKING:
    from services.workspace import Workspace

INFO = (
    "request_id experiment_id timestamp_ms execution_time_ms status request_preview response_preview session_id "
    "input_tokens output_tokens total_tokens total_cost"
)
GIVEN = (
    "trace_id experiment_id trace_timestamp_ms name assessment_type value error valid source_type source_id run_id "
    "assessment_metadata created_timestamp last_updated_timestamp"
)
info = table("trace_info", *map(column, INFO.split()))
tag = table("trace_tags", *map(column, ("request_id", "key", "value")))
metadata = table("trace_request_metadata", *map(column, ("request_id", "key", "value")))
assessment = table("assessments", *map(column, GIVEN.split()))
span = table("spans", *map(column, ("trace_id", "parent_span_id", "start_time_unix_nano", "content")))
KEPT = (FINALIZED, MODEL, SESSION, SOURCE_RUN, USER, streaming.FIRST)
PRIME = 1_000_003
SPANS_PLACE, IN_THE_STORE = "mlflow.trace.spansLocation", "TRACKING_STORE"
Root = tuple[Any, Any]


@functools.cache
def engine_of(uri: str) -> Engine | None:
    """MLflow's database; None when it is reached otherwise, or when its tables are not those that this program knows."""
    if not uri.startswith(("sqlite:", "postgresql", "mysql")):
        return None
    engine = create_engine(uri)
    known = inspect(engine)
    fits = all(
        {one.name for one in wanted.columns} <= {one["name"] for one in known.get_columns(wanted.name)}
        for wanted in (info, tag, metadata, assessment, span)
        if known.has_table(wanted.name)
    )
    return engine if fits and known.has_table("trace_info") else None


class SqlHistory:
    """Reads only."""

    tells_changes = True

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def prints(self, workspace: "Workspace", since_ms: int) -> dict[int, str]:
        slot, given_slot = info.c.timestamp_ms // SLOT_MS, assessment.c.trace_timestamp_ms // SLOT_MS
        lengths = func.sum(func.length(info.c.response_preview))
        traces = _sums(slot, func.sum(info.c.execution_time_ms), func.sum(info.c.total_tokens), lengths).where(
            *_where(workspace, info, info.c.timestamp_ms, since_ms)
        )
        # Not every database knows FILTER.
        finished = func.sum(case((info.c.status == "OK", 1), else_=0))
        updated = func.sum(assessment.c.last_updated_timestamp % PRIME)
        given = _sums(given_slot, updated, func.sum(case((assessment.c.valid.is_(True), 1), else_=0)))
        given = given.where(*_where(workspace, assessment, assessment.c.trace_timestamp_ms, since_ms))
        with translated(Message("Reading the traces")), self.engine.connect() as connection:
            found = {row[0]: list(row[1:]) for row in connection.execute(traces.add_columns(finished))}
            for row in connection.execute(given):
                found.setdefault(row[0], []).append(list(row[1:]))
        return {int(one): json.dumps(held, default=str) for one, held in found.items()}

    def touched(self, workspace: "Workspace", updated_since_ms: int) -> set[int]:
        query = (
            select(assessment.c.trace_timestamp_ms // SLOT_MS)
            .distinct()
            .where(*_where(workspace, assessment, assessment.c.last_updated_timestamp, updated_since_ms))
        )
        with translated(Message("Reading the traces")), self.engine.connect() as connection:
            return {int(one) for one in connection.execute(query).scalars() if one is not None}

    def facts(self, workspace: "Workspace", from_ms: int, to_ms: int) -> list[Fact]:
        mine = (*_where(workspace, info, info.c.timestamp_ms, from_ms), info.c.timestamp_ms < to_ms)
        with translated(Message("Reading the traces")), self.engine.connect() as connection:
            rows = connection.execute(select(info).where(*mine)).all()
            where = (SPANS_PLACE,) if workspace.app.places else ()
            tags = _words(connection, tag, mine, (ENVIRONMENT_TAG, LINKS, ORIGIN_TAG, *where))
            told = _words(connection, metadata, mine, KEPT)
            given = _given(connection, mine)
            for trace_id, millis in _streamed(connection, mine):
                told[trace_id][streaming.FIRST] = str(millis)
            roots: dict[str, Root | None] = dict(_roots(connection, mine)) if workspace.app.places else {}
        facts = [_fact(row, tags[row.request_id], told[row.request_id], given[row.request_id]) for row in rows]
        if not workspace.app.places:
            return facts
        for one in facts:
            if one.trace_id not in roots and tags[one.trace_id].get(SPANS_PLACE) != IN_THE_STORE:
                roots[one.trace_id] = _root_in_files(workspace, one.trace_id)
        return [placed(one, workspace.app.places, roots.get(one.trace_id)) for one in facts]

    def spans(self, workspace: "Workspace", from_ms: int, to_ms: int) -> dict[str, list[dict[str, Any]]]:
        mine = (*_where(workspace, info, info.c.timestamp_ms, from_ms), info.c.timestamp_ms < to_ms)
        # MLflow empties what it has moved to files of its own.
        stored = select(span).join(info, info.c.request_id == span.c.trace_id).where(*mine, span.c.content != "")
        ordered = stored.order_by(span.c.parent_span_id.is_not(None), span.c.start_time_unix_nano)
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        with translated(Message("Reading the traces")), self.engine.connect() as connection:
            for row in connection.execute(ordered):
                found[row.trace_id].append(_json(row.content))
        return found


def _json(content: str) -> dict[str, Any]:
    """One span; what is no JSON is kept as it is."""
    try:
        told = parsed(content)
    except ValueError:
        told = None
    return told if isinstance(told, dict) else {"malformed": content}


def _where(workspace: "Workspace", source: Any, time: Any, since_ms: int) -> tuple[Any, ...]:
    return source.c.experiment_id == int(workspace.app.experiment_id), time >= since_ms, time < LATEST_MS


def _sums(slot: Any, *sums: Any) -> Select[Any]:
    return select(slot, func.count(), *sums).group_by(slot)


def _words(connection: Connection, source: Any, mine: Iterable[Any], keys: Iterable[str]) -> dict[str, dict[str, str]]:
    query = select(source).join(info, info.c.request_id == source.c.request_id).where(*mine, source.c.key.in_(keys))
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for id, key, value in connection.execute(query).all():
        found[id][key] = value
    return found


def _streamed(connection: Connection, mine: Iterable[Any]) -> Iterable[tuple[str, int]]:
    """When the first words left, of the streams that MLflow traced and of which the trace itself does not say it."""
    says = exists().where(metadata.c.request_id == info.c.request_id, metadata.c.key == streaming.FIRST)
    query = (
        select(span.c.trace_id, span.c.content)
        .join(info, info.c.request_id == span.c.trace_id)
        .where(*mine, span.c.parent_span_id.is_(None), span.c.content.contains(streaming.PIECE, autoescape=True), ~says)
    )
    for row in connection.execute(query):
        millis = streaming.of_span(_json(row.content))
        if millis is not None:
            yield row.trace_id, millis


def _roots(connection: Connection, mine: Iterable[Any]) -> dict[str, Root]:
    """What each trace's first root was given and gave back, where MLflow's database has it."""
    stored = select(span.c.trace_id, span.c.content).join(info, info.c.request_id == span.c.trace_id)
    query = stored.where(*mine, span.c.parent_span_id.is_(None), span.c.content != "")
    found: dict[str, Root] = {}
    for row in connection.execute(query.order_by(span.c.start_time_unix_nano)):
        told = _json(row.content).get("attributes")
        attributes = told if isinstance(told, dict) else {}
        given, returned = (attributes.get(name) for name in (SpanAttributeKey.INPUTS, SpanAttributeKey.OUTPUTS))
        found.setdefault(row.trace_id, (_value(given), _value(returned)))
    return found


def _value(stored: Any) -> Any:
    """An attribute, which MLflow keeps as JSON; what is none is a text."""
    try:
        return parsed(stored) if isinstance(stored, str) else stored
    except ValueError:
        return stored


def _root_in_files(workspace: "Workspace", trace_id: str) -> Root | None:
    try:
        with translated(Message("Reading the trace")):
            root = root_of(workspace.client.get_trace(trace_id))
    except ConsoleError as error:
        if isinstance(error, PlatformError) and error.retryable:
            raise
        return None
    return (root.inputs, root.outputs) if root else None


def _given(connection: Connection, mine: Iterable[Any]) -> dict[str, list[Given]]:
    query = select(assessment).join(info, info.c.request_id == assessment.c.trace_id).where(*mine)
    found: dict[str, list[Given]] = defaultdict(list)
    for row in connection.execute(query).all():
        told = json.loads(row.assessment_metadata) if row.assessment_metadata else {}
        found[row.trace_id].append(
            Given(
                name=row.name,
                value=json.loads(row.value),
                failed=row.error is not None,
                valid=bool(row.valid),
                feedback=row.assessment_type == "feedback",
                human=row.source_type == "HUMAN",
                source=row.source_id or "",
                from_run=bool(told.get(RUN_OF_VERDICT) or row.run_id),
                at=row.created_timestamp,
            )
        )
    return found


def _fact(row: Any, tags: dict[str, str], told: dict[str, str], given: list[Given]) -> Fact:
    return described(
        row.request_id,
        tags,
        told | ({SESSION: row.session_id} if row.session_id else {}),
        given,
        at=row.timestamp_ms,
        millis=row.execution_time_ms,
        state=row.status,
        question=readable(row.request_preview),
        answer=readable(row.response_preview),
        tokens_in=row.input_tokens,
        tokens_out=row.output_tokens,
        tokens=row.total_tokens,
        cost=nano(row.total_cost),
    )
