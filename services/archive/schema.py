"""One archived trace: the columns of the table, and the row that a trace of MLflow becomes.

The table is read by other tools for years: a column may be added (VERSION goes up by one), never renamed or given another
meaning. docs/archive.md describes each.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
from mlflow.entities import Assessment, TraceInfo

from services.readmodel.facts import NANO, SOURCE_RUN, Fact, readable

VERSION = 1
DAY = 86_400_000
MOMENT = pa.timestamp("us", "UTC")
ENDPOINT = "mlflow.modelServing.endpointName"
INPUTS, OUTPUTS = "mlflow.spanInputs", "mlflow.spanOutputs"
ASSESSMENT = pa.struct(
    [
        pa.field("id", pa.string()),
        pa.field("name", pa.string()),
        pa.field("kind", pa.string()),
        pa.field("value", pa.string()),
        pa.field("error", pa.string()),
        pa.field("rationale", pa.string()),
        pa.field("source_type", pa.string()),
        pa.field("source", pa.string()),
        pa.field("valid", pa.bool_()),
        pa.field("overrides", pa.string()),
        pa.field("span_id", pa.string()),
        pa.field("metadata", pa.string()),
        pa.field("created", MOMENT),
        pa.field("updated", MOMENT),
    ]
)
PROMPT = pa.struct([pa.field("name", pa.string()), pa.field("version", pa.int64())])
WORDS = pa.map_(pa.string(), pa.string())
SCHEMA = pa.schema(
    [
        pa.field("day", pa.date32(), nullable=False),
        pa.field("trace_id", pa.string(), nullable=False),
        pa.field("time", MOMENT, nullable=False),
        pa.field("duration_ms", pa.int64()),
        pa.field("state", pa.string()),
        pa.field("origin", pa.string()),
        pa.field("request", pa.string()),
        pa.field("response", pa.string()),
        pa.field("request_preview", pa.string()),
        pa.field("response_preview", pa.string()),
        pa.field("client_request_id", pa.string()),
        pa.field("model_id", pa.string()),
        pa.field("endpoint", pa.string()),
        pa.field("prompts", pa.list_(PROMPT)),
        pa.field("run_id", pa.string()),
        pa.field("user", pa.string()),
        pa.field("session", pa.string()),
        pa.field("tokens_in", pa.int64()),
        pa.field("tokens_out", pa.int64()),
        pa.field("tokens", pa.int64()),
        pa.field("cost_usd", pa.float64()),
        pa.field("tags", WORDS),
        pa.field("metadata", WORDS),
        pa.field("assessments", pa.list_(ASSESSMENT)),
        pa.field("spans", pa.string()),
        pa.field("digest", pa.string(), nullable=False),
    ]
)
COLUMNS = tuple(SCHEMA.names)


def day_of(at_ms: int) -> date:
    return datetime.fromtimestamp(at_ms / 1000, UTC).date()


def start_of(day: date) -> int:
    """The first millisecond of a day of UTC."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)


def moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def row(info: TraceInfo, fact: Fact, spans: Sequence[Mapping[str, Any]] | None) -> dict[str, Any]:
    """What is archived of a trace; `spans` None when MLflow has none of it, or none that can be read."""
    root = _root(spans)
    told = {
        "day": day_of(fact.at),
        "trace_id": fact.trace_id,
        "time": moment(fact.at),
        "request": _said(root.get(INPUTS)) or fact.question,
        "response": _said(root.get(OUTPUTS)) or fact.answer,
        "request_preview": info.request_preview,
        "response_preview": info.response_preview,
        "client_request_id": info.client_request_id,
        "run_id": info.trace_metadata.get(SOURCE_RUN),
        "endpoint": info.tags.get(ENDPOINT) or info.trace_metadata.get(ENDPOINT),
        "prompts": [{"name": name, "version": version} for name, version in fact.prompts],
        "tags": sorted(info.tags.items()),
        "metadata": sorted(info.trace_metadata.items()),
        "assessments": sorted(map(_assessment, info.assessments), key=lambda one: (one["created"], one["id"])),
        "spans": _json(list(spans)) if spans is not None else None,
        **_counted(fact),
    }
    return told | {"digest": digest(told)}


def digest(told: Mapping[str, Any]) -> str:
    """The same for the same content, read from MLflow or from the table."""
    content = [[name, told[name]] for name in COLUMNS if name != "digest"]
    written = json.dumps(content, ensure_ascii=False, sort_keys=True, default=_canonical)
    return hashlib.blake2b(written.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def table_of(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist([dict(one) for one in rows], schema=SCHEMA)


def _counted(fact: Fact) -> dict[str, Any]:
    return {
        "duration_ms": fact.millis,
        "state": fact.state,
        "origin": fact.origin,
        "model_id": fact.model_id or None,
        "user": fact.user or None,
        "session": fact.session or None,
        "tokens_in": fact.tokens_in,
        "tokens_out": fact.tokens_out,
        "tokens": fact.tokens,
        "cost_usd": None if fact.cost is None else fact.cost / NANO,
    }


def _root(spans: Sequence[Mapping[str, Any]] | None) -> Mapping[str, Any]:
    """The attributes of the span that has no parent; MLflow keeps each value as JSON."""
    root = next((one for one in spans or [] if not one.get("parent_span_id")), {})
    attributes = root.get("attributes")
    return attributes if isinstance(attributes, Mapping) else {}


def _said(stored: Any) -> str:
    """The words of what went in or came out; what has none stays as JSON."""
    if not isinstance(stored, str):
        return ""
    try:
        plain = json.loads(stored)
    except ValueError:
        return stored
    return plain if isinstance(plain, str) else readable(stored)


def _assessment(one: Assessment) -> dict[str, Any]:
    feedback, expected = one.feedback, one.expectation
    return {
        "id": one.assessment_id or "",
        "name": one.name,
        "kind": "feedback" if feedback else "expectation",
        "value": _json(feedback.value if feedback else expected.value if expected else None),
        "error": _json(feedback.error.to_dictionary()) if feedback and feedback.error else None,
        "rationale": one.rationale,
        "source_type": str(one.source.source_type),
        "source": one.source.source_id,
        "valid": one.valid is not False,
        "overrides": one.overrides,
        "span_id": one.span_id,
        "metadata": _json(dict(one.metadata)) if one.metadata else None,
        "created": moment(one.create_time_ms or 0),
        "updated": moment(one.last_update_time_ms or one.create_time_ms or 0),
    }


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _canonical(value: Any) -> str:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)
