"""Durations as counts in bins that grow by 2 %: sums of sketches are sketches, and percentiles are within 1 %.

The bins of DDSketch (Masson, Rim, Lee 2019, "DDSketch: a fast and fully-mergeable quantile sketch", VLDB 12:2195), kept
as counts of (bin, n). A library's objects would have to be merged one by one; these are added up for a whole window at once.
"""

from collections.abc import Iterable, Sequence
from itertools import chain, pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

ERROR = 0.01
GROWTH = (1 + ERROR) / (1 - ERROR)
LOG = float(np.log(GROWTH))
LONGEST_MS = 7 * 24 * 3_600_000
BINS = int(np.ceil(np.log(LONGEST_MS) / LOG)) + 2
ENTRY = np.dtype([("bin", "<u2"), ("n", "<u4")])
# Bin 0 holds zero alone; the others are told by the value that is within ERROR of everything in them.
VALUES = np.concatenate([[0.0], 2 * GROWTH ** np.arange(BINS - 1) / (GROWTH + 1)])


def pack(groups: Sequence[Sequence[int]]) -> list[bytes]:
    """The sketch of each group of durations in milliseconds; all at once, as most groups of a filling are small."""
    lengths = [len(millis) for millis in groups]
    bins = _bins(np.fromiter(chain.from_iterable(groups), dtype=float, count=sum(lengths)))
    found, counts = np.unique(np.repeat(np.arange(len(groups)), lengths) * BINS + bins, return_counts=True)
    entries = _packed(found % BINS, counts)
    ends = np.searchsorted(found, np.arange(len(groups) + 1) * BINS) * ENTRY.itemsize
    return [entries[start:end] for start, end in pairwise(ends.tolist())]


def merged(sketches: Iterable[bytes]) -> bytes:
    filled = [one for one in sketches if one]
    if len(filled) < 2:
        return b"".join(filled)
    counts = grouped(filled, [0], 1)[0]
    return _packed(used := np.flatnonzero(counts), counts[used])


def grouped(sketches: Sequence[bytes], groups: Sequence[int] | npt.NDArray[Any], many: int) -> npt.NDArray[Any]:
    """The counts per group and bin, where `groups` says to which of `many` groups each sketch belongs."""
    entries = np.frombuffer(b"".join(sketches), dtype=ENTRY)
    lengths = np.array([len(one) // ENTRY.itemsize for one in sketches], dtype=np.int64)
    of = np.repeat(np.resize(np.asarray(groups, dtype=np.int64), len(lengths)), lengths)
    flat = np.bincount(of * BINS + entries["bin"], weights=entries["n"], minlength=many * BINS)
    return flat.reshape(many, BINS)


def percentiles(counts: npt.NDArray[Any], shares: Sequence[float]) -> npt.NDArray[Any]:
    """Milliseconds for each row of counts and each share, between the neighbouring ranks as SQL's percentile_cont; nan
    where nothing was counted."""
    running = counts.cumsum(axis=1)
    total = running[:, -1]
    found = np.full((len(counts), len(shares)), np.nan)
    for row in np.flatnonzero(total):
        at = np.asarray(shares) * (total[row] - 1)
        low = VALUES[np.searchsorted(running[row], np.floor(at), side="right")]
        high = VALUES[np.searchsorted(running[row], np.ceil(at), side="right")]
        found[row] = low + (high - low) * (at - np.floor(at))
    return found


def _bins(millis: npt.NDArray[Any]) -> npt.NDArray[Any]:
    grown = np.ceil(np.log(np.maximum(millis, 1)) / LOG - 1e-9).astype(np.int64) + 1
    return np.where(millis < 1, 0, np.minimum(grown, BINS - 1))


def _packed(bins: npt.NDArray[Any], counts: npt.NDArray[Any]) -> bytes:
    entries = np.empty(len(bins), dtype=ENTRY)
    entries["bin"], entries["n"] = bins, counts
    return entries.tobytes()
