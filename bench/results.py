"""What was measured, one line of JSON each, in the file that BENCH_RESULTS names: scripts keep, `python -m bench` reports."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

VARIABLE = "BENCH_RESULTS"


@dataclass(frozen=True)
class Measured:
    """One number and the peer or floor it was measured beside, in the same run.

    `more`: whether a larger number is better, as a rate is. `goal` is the highest `cost` that is good enough, None
    where none was set.
    """

    what: str
    size: str
    ours: float
    beside: float
    peer: str
    unit: str
    goal: float | None = None
    more: bool = False

    @property
    def named(self) -> str:
        return f"{self.what}, {self.size}" if self.size else self.what

    @property
    def cost(self) -> float:
        """How many times the peer's cost ours is; less is better, 1 is the same."""
        return self.beside / self.ours if self.more else self.ours / self.beside

    @property
    def met(self) -> bool | None:
        return None if self.goal is None else self.cost <= self.goal


def keep(measured: Measured) -> None:
    """For the report, where one is written."""
    if file := os.environ.get(VARIABLE):
        with Path(file).open("a") as kept:
            kept.write(json.dumps(asdict(measured)) + "\n")


def read(file: Path) -> list[Measured]:
    """What a script kept, also one that failed later."""
    lines = file.read_text("utf-8").splitlines() if file.exists() else []
    return [Measured(**json.loads(line)) for line in lines]
