"""What a scorer's value is worth: a pass or a number, and what a row counts that has none."""

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from services import scorers
from services.scorers import ScorerSpec

PASS, NUMBER = "pass", "number"
WORDS = {"yes": True, "no": False, "true": True, "false": False, "pass": True, "fail": False}


@dataclass(frozen=True)
class Value:
    """`worst` is what a row without a number counts; None where the scale has no end."""

    kind: str = PASS
    worst: float | None = None

    @property
    def failed(self) -> bool | None:
        """The value of a row that was not answered."""
        return False if self.kind == PASS else None

    def read(self, given: Any) -> bool | float | None:
        """A scorer's own value; None when it is neither a verdict nor a number."""
        if self.kind == PASS and isinstance(given, str):
            return WORDS.get(given.strip().lower())
        if not isinstance(given, (bool, int, float)) or math.isnan(given):
            return None
        return bool(given) if self.kind == PASS else float(given)

    def score(self, table: pd.DataFrame, name: str) -> dict[str, Any]:
        """The run's number; a row that failed or got no value counts as not passed, or as the scale's worst."""
        answered = table[table["state"] == "OK"]
        judged = answered[name].notna()
        values = answered.loc[judged, name].astype(float)
        if self.kind == PASS:
            mean: float | None = float(values.sum() / len(table))
        else:
            lines = len(values) if self.worst is None else len(table)
            mean = float((values.sum() + (self.worst or 0.0) * (lines - len(values))) / lines) if lines else None
        return {
            "mean": None if mean is None else round(mean, 4),
            "judged": int(judged.sum()),
            "rows": len(table),
            "kind": self.kind,
            "failed": len(table) - len(answered),
        }


def of(spec: ScorerSpec) -> Value:
    """What a scorer gives, by its own settings; a scale begins with its worst number."""
    ends = scorers.scale(spec)
    return Value(scorers.kind_of_value(spec), ends[0] if ends else None)
