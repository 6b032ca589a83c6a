"""What processes hold while they live, and by how much it grows per hour, with its uncertainty."""

import math
import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from scipy import stats

EVERY, BLOCK = 2.0, 20.0
# Python asks for memory for some minutes after its start; what is shorter than a quarter of an hour says nothing of hours.
WARM, SHORTEST = 300.0, 900.0
HOUR = 3600.0
MEMORY_LIMIT, DESCRIPTORS_LIMIT = 5.0, 1.0
Point = tuple[float, float]


@dataclass(frozen=True)
class Growth:
    """Per hour: of memory in percent of its mean, of descriptors in pieces; `off` is half of the 95 % interval."""

    of: str
    mean: float
    slope: float
    off: float
    limit: float
    blocks: int

    @property
    def verdict(self) -> str:
        if math.isnan(self.slope) or self.blocks * BLOCK < SHORTEST:
            return "cannot tell"
        if self.slope - self.off > self.limit:
            return "grows"
        return "flat" if self.slope + self.off <= self.limit else "cannot tell"


class Watch(threading.Thread):
    """Samples the processes that `pids` names by their role; each life of a process is measured for itself."""

    def __init__(self, pids: Callable[[], Mapping[str, int]]) -> None:
        super().__init__(daemon=True)
        self.pids = pids
        self.stopping = threading.Event()
        self.memory: dict[tuple[str, int], list[Point]] = defaultdict(list)
        self.descriptors: dict[tuple[str, int], list[Point]] = defaultdict(list)

    def run(self) -> None:
        while not self.stopping.wait(EVERY):
            for role, pid in self.pids().items():
                held = holds(pid)
                if held is not None:
                    self.memory[role, pid].append((time.monotonic(), held[0]))
                    self.descriptors[role, pid].append((time.monotonic(), held[1]))

    def growth(self) -> list[Growth]:
        found = []
        for role in sorted({role for role, _ in self.memory}):
            lives = [points for (name, _), points in self.memory.items() if name == role]
            opened = [points for (name, _), points in self.descriptors.items() if name == role]
            found += [memory(f"{role}, memory in MB", lives), pieces(f"{role}, descriptors", opened)]
        return found


def holds(pid: int) -> tuple[float, float] | None:
    """Anonymous memory in MB, open descriptors; None when the process is gone."""
    try:
        told = Path(f"/proc/{pid}/status").read_text()
        opened = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    except OSError:
        return None
    line = next((one for one in told.splitlines() if one.startswith("RssAnon:")), None)
    return (int(line.split()[1]) / 1000, float(opened)) if line else None


def memory(name: str, lives: list[list[Point]]) -> Growth:
    mean, slope, off, n = fitted(lives)
    share = HOUR / mean * 100 if mean else math.nan
    return Growth(name, mean, slope * share, off * share, MEMORY_LIMIT, n)


def pieces(name: str, lives: list[list[Point]]) -> Growth:
    mean, slope, off, n = fitted(lives)
    return Growth(name, mean, slope * HOUR, off * HOUR, DESCRIPTORS_LIMIT, n)


def fitted(lives: list[list[Point]]) -> tuple[float, float, float, int]:
    """Mean, common slope per second, half of its 95 % interval, and how many blocks it rests on.

    Least squares with a level of its own for each life, on means of blocks: neighbouring samples are no news.
    """
    blocks = [found for life in lives if len(found := _blocks(life)) > 1]
    points = [point for life in blocks for point in life]
    if not points:
        return math.nan, math.nan, math.nan, 0
    centred = [one for life in blocks for one in _centred(life)]
    mean = statistics.fmean(value for _, value in points)
    spread, freedom = sum(at * at for at, _ in centred), len(points) - len(blocks) - 1
    if spread == 0 or freedom < 1:
        return mean, math.nan, math.nan, len(points)
    slope = sum(at * value for at, value in centred) / spread
    left = sum((value - slope * at) ** 2 for at, value in centred)
    off = float(stats.t.ppf(0.975, freedom)) * math.sqrt(left / freedom / spread)
    return mean, slope, off, len(points)


def _blocks(life: list[Point]) -> list[Point]:
    """Means of stretches of a life, without its beginning."""
    held = defaultdict(list)
    for at, value in life:
        since = at - life[0][0]
        if since >= WARM:
            held[int((since - WARM) / BLOCK)].append((at, value))
    return [
        (statistics.fmean(at for at, _ in part), statistics.fmean(value for _, value in part)) for part in held.values()
    ]


def _centred(life: list[Point]) -> list[Point]:
    at, level = statistics.fmean(one for one, _ in life), statistics.fmean(value for _, value in life)
    return [(one - at, value - level) for one, value in life]
