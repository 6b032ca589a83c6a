"""What happened in a window, added up from the file: per bucket, per version, and in all."""

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from services.readmodel import file, sketch
from services.readmodel.facts import NANO, SLOT_MS
from services.readmodel.sums import DIM_BITS

if TYPE_CHECKING:
    from services.workspace import Workspace

SUMS = "slot, dim, n, tokens_in, tokens_out, tokens, cost, costed, sketch"
SCORES = "slot, dim, kind, name, n, total, judged, passed"
SHARES = (0.5, 0.9, 0.95, 0.99)
HOUR_MS = 4 * SLOT_MS
FINE_HOURS = 48


@dataclass(frozen=True)
class Window:
    """Which traces: `edges` are the beginnings of the buckets and the end of the last, in milliseconds, ascending, on
    quarter hours. Empty texts mean any."""

    edges: tuple[int, ...]
    origin: str = "live"
    model_id: str = ""
    prompt: str = ""


@dataclass(frozen=True)
class Part:
    """What some traces add up to. `millis`: percentiles at SHARES of the answered ones, nan without any; `cost` in the
    currency that MLflow counts in, None when it is known of none."""

    count: int
    errors: int
    tokens_in: int
    tokens_out: int
    tokens: int
    cost: float | None
    millis: tuple[float, ...]


@dataclass(frozen=True)
class Scored:
    """What one scorer, or people under one name, said of some traces: `passed` of `judged` for yes and no; else the mean
    of `n` numbers."""

    kind: str
    name: str
    judged: int
    passed: int
    n: int
    total: float

    @property
    def rate(self) -> float | None:
        return self.passed / self.judged if self.judged else None

    @property
    def mean(self) -> float | None:
        return self.total / self.n if self.n else None


@dataclass
class Series:
    """Everything of a window; `buckets` in its order, `by_model` and `by_prompt` by the version's id."""

    total: Part
    buckets: list[Part]
    by_model: dict[str, Part]
    by_prompt: dict[str, Part]
    scores: list[Scored]
    bucket_scores: list[list[Scored]]
    model_scores: dict[str, list[Scored]] = field(default_factory=dict)
    prompt_scores: dict[str, list[Scored]] = field(default_factory=dict)


@dataclass(frozen=True)
class Versions:
    """What has answered people so far: agent versions by model id, prompt versions by name/number."""

    agents: tuple[str, ...]
    prompts: tuple[str, ...]


def versions(workspace: "Workspace") -> Versions:
    with file.reading(workspace) as connection:
        rows = connection.execute("SELECT model_id, prompt FROM dim WHERE origin = 'live' ORDER BY id DESC").fetchall()
    return (
        Versions(*(tuple(dict.fromkeys(filter(None, named))) for named in zip(*rows, strict=True)))
        if rows
        else Versions((), ())
    )


def read(workspace: "Workspace", window: Window) -> Series:
    """Add up a window; a long one from hours, as far as its edges allow."""
    with file.reading(workspace) as connection:
        return read_from(connection, window)


def read_from(connection: sqlite3.Connection, window: Window) -> Series:
    edges = np.asarray(window.edges, dtype=np.int64)
    coarse = edges[-1] - edges[0] > FINE_HOURS * HOUR_MS and not (edges % HOUR_MS).any()
    width, millis = ("hour", HOUR_MS) if coarse else ("quarter", SLOT_MS)
    dims = _dims(connection, window)
    first, end = int(edges[0]) // millis, int(edges[-1]) // millis
    sums = f"SELECT {SUMS} FROM {width}_sum WHERE id >= ? AND id < ?"
    scores = f"SELECT {SCORES} FROM {width}_score WHERE slot >= ? AND slot < ?"
    rows = [row for row in connection.execute(sums, (first << DIM_BITS, end << DIM_BITS)) if row[1] in dims]
    scored = [row for row in connection.execute(scores, (first, end)) if row[1] in dims]
    return _added(edges, millis, dims, rows, scored)


def _dims(connection: sqlite3.Connection, window: Window) -> dict[int, Any]:
    query = (
        "SELECT id, model_id, prompt, state FROM dim WHERE (? = '' OR origin = ?) AND (? = '' OR model_id = ?) "
        "AND (? = '' OR prompt = ?)"
    )
    asked = [one for name in (window.origin, window.model_id, window.prompt) for one in (name, name)]
    return {row[0]: row[1:] for row in connection.execute(query, asked)}


def _added(
    edges: npt.NDArray[np.int64], millis: int, dims: dict[int, Any], rows: list[Any], scored: list[Any]
) -> Series:
    many = len(edges) - 1
    bucket = _positions(edges, rows, millis)
    models, prompts = ([dims[row[1]][position] for row in rows] for position in (0, 1))
    states = [dims[row[1]][2] for row in rows]
    score_bucket = _positions(edges, scored, millis)
    buckets = _parts(rows, states, bucket, many)
    model_names, prompt_names = sorted(set(models)), sorted(set(prompts))
    series = Series(
        total=_parts(rows, states, np.zeros(len(rows), dtype=np.int64), 1)[0],
        buckets=buckets,
        by_model=_named(rows, states, models, model_names),
        by_prompt=_named(rows, states, prompts, prompt_names),
        scores=_scores((0, row) for row in scored).get(0, []),
        bucket_scores=[],
    )
    per_bucket = _scores(zip(score_bucket.tolist(), scored, strict=True))
    series.bucket_scores = [per_bucket.get(position, []) for position in range(many)]
    series.model_scores = _scores((dims[row[1]][0], row) for row in scored)
    series.prompt_scores = _scores((dims[row[1]][1], row) for row in scored)
    return series


def _positions(edges: npt.NDArray[np.int64], rows: list[Any], millis: int) -> npt.NDArray[Any]:
    times = np.fromiter((row[0] for row in rows), dtype=np.int64, count=len(rows)) * millis
    return np.searchsorted(edges, times, side="right") - 1


def _named(rows: list[Any], states: list[str], of: list[str], names: list[str]) -> dict[str, Part]:
    places = {name: position for position, name in enumerate(names)}
    groups = np.fromiter((places[one] for one in of), dtype=np.int64, count=len(of))
    return dict(zip(names, _parts(rows, states, groups, len(names)), strict=True))


def _parts(rows: list[Any], states: list[str], groups: npt.NDArray[Any], many: int) -> list[Part]:
    """Sums are of whole numbers in int64, so that they are exact."""
    sums = np.zeros((many, 7), dtype=np.int64)
    if rows:
        failed = [row[2] if state == "ERROR" else 0 for row, state in zip(rows, states, strict=True)]
        held = [(row[2], error, *row[3:8]) for row, error in zip(rows, failed, strict=True)]
        np.add.at(sums, groups, np.array(held, dtype=np.int64))
    fine = [position for position, state in enumerate(states) if state == "OK"]
    counts = sketch.grouped([rows[position][8] for position in fine], groups[fine], many)
    millis = sketch.percentiles(counts, SHARES)
    return [_part(one, tuple(times)) for one, times in zip(sums.tolist(), millis.tolist(), strict=True)]


def _part(sums: Sequence[int], millis: tuple[float, ...]) -> Part:
    count, errors, tokens_in, tokens_out, tokens, cost, costed = sums
    return Part(count, errors, tokens_in, tokens_out, tokens, cost / NANO if costed else None, millis)


def _scores(keyed: Any) -> dict[Any, list[Scored]]:
    """The sums of each group's scorers, by kind and name."""
    sums: dict[Any, dict[tuple[str, str], list[float]]] = defaultdict(lambda: defaultdict(lambda: [0, 0, 0, 0.0]))
    for group, (_slot, _dim, kind, name, n, total, judged, passed) in keyed:
        held = sums[group][kind, name]
        held[0] += judged
        held[1] += passed
        held[2] += n
        held[3] += total
    return {
        group: [
            Scored(*key, int(held[0]), int(held[1]), int(held[2]), held[3]) for key, held in sorted(by_name.items())
        ]
        for group, by_name in sums.items()
    }
