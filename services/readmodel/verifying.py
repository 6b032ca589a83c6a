"""Whether the read model says what MLflow's own metrics say of the same window."""

import math
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from mlflow.entities.trace_metrics import AggregationType, MetricAggregation, MetricDataPoint, MetricViewType
from mlflow.tracing.client import TracingClient

from services.errors import translated
from services.messages import Message
from services.readmodel import file, sketch
from services.readmodel.facts import NANO, SLOT_MS
from services.readmodel.sums import DIM_BITS

if TYPE_CHECKING:
    from services.workspace import Workspace

SHARES = (0.5, 0.9, 0.95, 0.99)
LATENCY = "latency"


@dataclass(frozen=True)
class Difference:
    """Something counted here and by MLflow, where the two do not agree."""

    what: str
    here: float
    there: float


@dataclass(frozen=True)
class Check:
    """How the comparison went: what differs, of how many `compared`; `worst`: the largest relative error of a percentile."""

    compared: int
    worst: float
    differences: list[Difference] = field(default_factory=list)

    @property
    def fine(self) -> bool:
        return not self.differences


def verify(workspace: "Workspace", from_ms: int, to_ms: int) -> Check:
    """Compare every sum with `query_trace_metrics` from `from_ms` to before `to_ms`, both on quarter hours.

    Counts, tokens and verdicts must be equal, costs to the billionth per trace, percentiles within the sketch's error.
    """
    first, end = from_ms // SLOT_MS, to_ms // SLOT_MS
    with file.reading(workspace) as connection:
        here = _sums(connection, first, end) | _scores(connection, first, end)
        times = _percentiles(connection, first, end)
    there, slow = _mlflow(workspace, first * SLOT_MS, end * SLOT_MS)
    found = [Difference(what, here.get(what, 0), there.get(what, 0)) for what in sorted(here.keys() | there.keys())]
    wrong = [one for one in found if not _equal(one, int(here.get("traces", 0)))]
    errors = {what: abs(times.get(what, 0) - value) / max(value, 1) for what, value in slow.items()}
    late = [Difference(what, times.get(what, 0), slow[what]) for what, error in errors.items() if error > sketch.ERROR]
    return Check(len(found) + len(slow), max(errors.values(), default=0.0), wrong + late)


def _equal(one: Difference, traces: int) -> bool:
    if one.what == "cost":
        return abs(one.here - one.there) <= traces / NANO + 1e-9
    return math.isclose(one.here, one.there, rel_tol=1e-9, abs_tol=1e-9)


def _sums(connection: sqlite3.Connection, first: int, end: int) -> dict[str, float]:
    query = (
        "SELECT state, sum(n), sum(tokens_in), sum(tokens_out), sum(tokens), sum(cost) FROM quarter_sum "
        "JOIN dim ON dim.id = dim WHERE quarter_sum.id >= ? AND quarter_sum.id < ? GROUP BY state"
    )
    found: dict[str, float] = defaultdict(float)
    for state, n, sent, got, tokens, cost in connection.execute(query, (first << DIM_BITS, end << DIM_BITS)):
        found[f"traces {state}"] = n
        for what, value in (("traces", n), ("tokens in", sent), ("tokens out", got), ("tokens", tokens)):
            found[what] += value
        found["cost"] += cost / NANO
    return dict(found)


def _scores(connection: sqlite3.Connection, first: int, end: int) -> dict[str, float]:
    query = (
        "SELECT name, sum(every_n), sum(every_value), sum(every_total) FROM quarter_score "
        "WHERE slot >= ? AND slot < ? GROUP BY name"
    )
    found: dict[str, float] = {}
    for name, given, valued, total in connection.execute(query, (first, end)):
        found[f"verdicts {name}"] = given
        if valued:
            found[f"mean {name}"] = total / valued
    return found


def _percentiles(connection: sqlite3.Connection, first: int, end: int) -> dict[str, float]:
    query = "SELECT sketch FROM quarter_sum WHERE id >= ? AND id < ?"
    held = [one for (one,) in connection.execute(query, (first << DIM_BITS, end << DIM_BITS))]
    found = sketch.percentiles(sketch.grouped(held, np.zeros(len(held), dtype=np.int64), 1), SHARES)[0]
    return {f"p{share * 100:g}": float(value) for share, value in zip(SHARES, found, strict=True) if value == value}


def _mlflow(workspace: "Workspace", from_ms: int, to_ms: int) -> tuple[dict[str, float], dict[str, float]]:
    """MLflow's sums and its percentiles of the time an answer took."""
    ask = _asking(workspace, from_ms, to_ms)
    traces, spans, given = MetricViewType.TRACES, MetricViewType.SPANS, MetricViewType.ASSESSMENTS
    count, total, mean = AggregationType.COUNT, AggregationType.SUM, AggregationType.AVG
    found = {f"traces {key}": value for key, value in ask(traces, "trace_count", count, "trace_status")}
    if found:
        found["traces"] = sum(found.values())
        found["cost"] = sum(value for _, value in ask(spans, "total_cost", total))
        for what, metric in (
            ("tokens in", "input_tokens"),
            ("tokens out", "output_tokens"),
            ("tokens", "total_tokens"),
        ):
            found[what] = sum(value for _, value in ask(traces, metric, total))
    found |= {f"verdicts {key}": value for key, value in ask(given, "assessment_count", count, "assessment_name")}
    found |= {f"mean {key}": value for key, value in ask(given, "assessment_value", mean, "assessment_name")}
    slow = {
        f"p{share * 100:g}": value
        for share in SHARES
        for _, value in ask(traces, LATENCY, AggregationType.PERCENTILE, percentile=share * 100)
    }
    return found, slow


def _asking(workspace: "Workspace", from_ms: int, to_ms: int) -> Callable[..., Iterator[tuple[str, float]]]:
    store = TracingClient(workspace.settings.tracking_uri).store

    def ask(
        view: MetricViewType,
        metric: str,
        kind: AggregationType,
        dimension: str | None = None,
        percentile: float | None = None,
    ) -> Iterator[tuple[str, float]]:
        wanted: dict[str, Any] = {"start_time_ms": from_ms, "end_time_ms": to_ms - 1}
        with translated(Message("Asking MLflow for its metrics")):
            points: list[MetricDataPoint] = store.query_trace_metrics(
                experiment_ids=[workspace.app.experiment_id],
                view_type=view,
                metric_name=metric,
                aggregations=[MetricAggregation(kind, percentile)],
                dimensions=[dimension] if dimension else None,
                **wanted,
            )
        for point in points:
            value = next(iter(point.values.values()))
            if value is not None:
                yield point.dimensions.get(dimension or "", ""), float(value)

    return ask
