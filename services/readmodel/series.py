"""What happened in a window, added up from the file: per bucket, per version, and in all."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from services.readmodel import file, sketch
from services.readmodel.facts import NANO, SLOT_MS
from services.readmodel.sums import DIM_BITS

if TYPE_CHECKING:
    from services.workspace import Workspace

SUMS = "slot, dim, n, tokens_in, tokens_out, tokens, cost, costed, streamed, sketch, first"
COUNTED = 8
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
    currency that MLflow counts in, None when it is known of none. `first`: the same percentiles of the time to the first
    words, of the `streamed` answers."""

    count: int
    errors: int
    tokens_in: int
    tokens_out: int
    tokens: int
    cost: float | None
    millis: tuple[float, ...]
    streamed: int
    first: tuple[float, ...]


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


def versions(workspace: "Workspace", origin: str = "live") -> Versions:
    """Those that answered what came from `origin`, the newest first."""
    query = "SELECT model_id, prompt FROM dim WHERE origin = ? ORDER BY id DESC"
    with file.reading(workspace) as connection:
        rows = connection.execute(query, (origin,)).fetchall()
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
    """First by bucket and dimension, which are few; then these by bucket, by version and in all."""
    cells = _cells(edges, rows, millis)
    names = [cell[1] for cell in cells]
    sums, counts = _summed(rows, list(cells.values()), len(cells), dims, names)
    buckets = np.fromiter((cell[0] for cell in cells), dtype=np.int64, count=len(cells))
    models, prompts = ([dims[dim][position] for dim in names] for position in (0, 1))
    told = _scored(edges, scored, millis)
    by_bucket = _scores((one[0], *one) for one in told)
    return Series(
        total=_parts(sums, counts, np.zeros(len(cells), dtype=np.int64), 1)[0],
        buckets=_parts(sums, counts, buckets, len(edges) - 1),
        by_model=_named(sums, counts, models),
        by_prompt=_named(sums, counts, prompts),
        scores=_scores((0, *one) for one in told).get(0, []),
        bucket_scores=[by_bucket.get(bucket, []) for bucket in range(len(edges) - 1)],
        model_scores=_scores((dims[one[1]][0], *one) for one in told),
        prompt_scores=_scores((dims[one[1]][1], *one) for one in told),
    )


def _cells(edges: npt.NDArray[np.int64], rows: list[Any], millis: int) -> dict[tuple[int, int], list[int]]:
    """The rows of each bucket and dimension."""
    cells: dict[tuple[int, int], list[int]] = defaultdict(list)
    for row, bucket in enumerate(_positions(edges, rows, millis).tolist()):
        cells[bucket, rows[row][1]].append(row)
    return cells


def _summed(
    rows: list[Any], cells: list[list[int]], many: int, dims: dict[int, Any], names: list[int]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[Any]]:
    """Sums of whole numbers in int64, so that they are exact, and both sketches of what was answered."""
    sums = np.zeros((many, COUNTED), dtype=np.int64)
    if not rows:
        return sums, np.zeros((2, many, sketch.BINS))
    of = np.empty(len(rows), dtype=np.int64)
    for cell, held in enumerate(cells):
        of[held] = cell
    np.add.at(sums, of, _values(rows, dims))
    fine = [position for position, row in enumerate(rows) if dims[row[1]][2] == "OK"]
    times = ([rows[position][column] for position in fine] for column in (9, 10))
    return sums, np.stack([sketch.grouped(one, of[fine], many) for one in times])


def _values(rows: list[Any], dims: dict[int, Any]) -> npt.NDArray[np.int64]:
    state = {dim: told for dim, (_model, _prompt, told) in dims.items()}
    return np.array(
        [(row[2], row[2] * (state[row[1]] == "ERROR"), *row[3:8], row[8] * (state[row[1]] == "OK")) for row in rows],
        dtype=np.int64,
    )


def _positions(edges: npt.NDArray[np.int64], rows: list[Any], millis: int) -> npt.NDArray[Any]:
    times = np.fromiter((row[0] for row in rows), dtype=np.int64, count=len(rows)) * millis
    return np.searchsorted(edges, times, side="right") - 1


def _named(sums: npt.NDArray[np.int64], counts: npt.NDArray[Any], of: list[str]) -> dict[str, Part]:
    names = sorted(set(of))
    places = {name: position for position, name in enumerate(names)}
    groups = np.fromiter((places[one] for one in of), dtype=np.int64, count=len(of))
    return dict(zip(names, _parts(sums, counts, groups, len(names)), strict=True))


def _parts(
    sums: npt.NDArray[np.int64], counts: npt.NDArray[Any], groups: npt.NDArray[np.int64], many: int
) -> list[Part]:
    added = np.zeros((many, COUNTED), dtype=np.int64)
    np.add.at(added, groups, sums)
    millis, first = (_percentiles(one, groups, many) for one in counts)
    return [_part(*one) for one in zip(added.tolist(), millis, first, strict=True)]


def _percentiles(counts: npt.NDArray[Any], groups: npt.NDArray[np.int64], many: int) -> list[tuple[float, ...]]:
    binned = np.zeros((many, sketch.BINS))
    np.add.at(binned, groups, counts)
    return [tuple(one) for one in sketch.percentiles(binned, SHARES).tolist()]


def _part(sums: Sequence[int], millis: tuple[float, ...], first: tuple[float, ...]) -> Part:
    count, errors, tokens_in, tokens_out, tokens, cost, costed, streamed = sums
    spent = cost / NANO if costed else None
    return Part(count, errors, tokens_in, tokens_out, tokens, spent, millis, streamed, first)


def _scored(edges: npt.NDArray[np.int64], rows: list[Any], millis: int) -> list[list[Any]]:
    """The verdicts' sums of each bucket and dimension: bucket, dim, kind, name, judged, passed, n, total."""
    sums: dict[Any, list[Any]] = {}
    for (_slot, dim, kind, name, n, total, judged, passed), bucket in zip(
        rows, _positions(edges, rows, millis).tolist(), strict=True
    ):
        held = sums.setdefault((bucket, dim, kind, name), [bucket, dim, kind, name, 0, 0, 0, 0.0])
        held[4] += judged
        held[5] += passed
        held[6] += n
        held[7] += total
    return list(sums.values())


def _scores(keyed: Iterable[Sequence[Any]]) -> dict[Any, list[Scored]]:
    """The sums of each group's scorers, by kind and name; a group stands before what `_scored` tells."""
    sums: dict[Any, dict[tuple[str, str], list[Any]]] = defaultdict(dict)
    for group, _bucket, _dim, kind, name, *numbers in keyed:
        held = sums[group].setdefault((kind, name), [0, 0, 0, 0.0])
        for position, number in enumerate(numbers):
            held[position] += number
    return {group: [Scored(*key, *held) for key, held in sorted(by_name.items())] for group, by_name in sums.items()}
