"""The gate: what an evaluation must reach before a release, kept version by version."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from services.database import setting
from services.errors import InvalidInputError
from services.messages import Message, mark
from services.money import Currency

if TYPE_CHECKING:
    from services.workspace import Workspace

SETTING = "gate"
NO_NEW, ALL_PASS = "no_new", "all"
NOT_WORSE, WITHIN, BETTER = "not_worse", "within", "better"
CRITICAL = {
    NO_NEW: mark("No critical question that passes today may fail"),
    ALL_PASS: mark("Every critical question must pass"),
}
VERDICT = {
    NOT_WORSE: mark("It must not be shown to be worse"),
    WITHIN: mark("It must be shown to be not worse by more than a margin"),
    BETTER: mark("It must be shown to be better"),
}
SHARE = (0.0, 1.0)


@dataclass(frozen=True)
class Gate:
    """What an evaluation must reach before a release.

    `minimum` by scorer's name: a share 0..1 that passes, or a mean on the scale that `scales` keeps for scorers that give
    numbers. `judged`: the fewest rows a scorer must have judged; without one, all that were answered. `critical` and
    `verdict` are rules of CRITICAL and VERDICT, `margin` is a share of the scale. `cost` is US$ per answer on average and
    `seconds` what 95 of 100 answers keep within; None sets no limit.
    """

    minimum: Mapping[str, float] = field(default_factory=dict)
    rows: int = 20
    judged: Mapping[str, int] = field(default_factory=dict)
    scales: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    critical: str = NO_NEW
    verdict: str = NOT_WORSE
    margin: float = 0.05
    cost: float | None = None
    seconds: float | None = None

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Gate":
        """A gate as it was stored, also by earlier versions, which knew fewer rules."""
        known = {one.name for one in fields(cls)}
        kept = {name: value for name, value in stored.items() if name in known}
        scales = {name: (float(low), float(high)) for name, (low, high) in kept.get("scales", {}).items()}
        return cls(**(kept | {"scales": scales}))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def measures(self, name: str, scale: tuple[float, float] | None) -> bool:
        """Whether the scorer's minimum was set on this scale; None stands for passed or failed."""
        return sorted(self.scales.get(name) or ()) == sorted(scale or ())


@dataclass(frozen=True)
class GateVersion:
    """One version of the gate: who set it and when."""

    version: int
    gate: Gate
    actor: str
    at: datetime


def check_gate(gate: Gate) -> None:
    """Raise InvalidInputError with the first rule that cannot be used."""
    for problem in gate_problems(gate):
        raise problem


def gate_problems(gate: Gate) -> list[InvalidInputError]:
    """What cannot be used, each with how to mend it."""
    found = []
    if gate.rows < 1 or any(not _reachable(gate, name) for name in gate.minimum):
        found.append(
            InvalidInputError(
                Message("A minimum score must be between 0 and 100 %, and at least one row is needed."),
                Message("Correct the numbers and save again."),
            )
        )
    if any(count < 0 for count in gate.judged.values()):
        found.append(
            InvalidInputError(
                Message("The fewest judged rows of a scorer cannot be below 0."),
                Message("Correct the numbers and save again."),
            )
        )
    if gate.critical not in CRITICAL or gate.verdict not in VERDICT or not 0 < gate.margin <= 0.5:
        found.append(
            InvalidInputError(
                Message("The margin must be above 0 and at most 50 points."),
                Message("Type how many points worse would not matter, such as 5."),
            )
        )
    limits = [limit for limit in (gate.cost, gate.seconds) if limit is not None]
    if any(not math.isfinite(limit) or limit <= 0 for limit in limits):
        found.append(
            InvalidInputError(
                Message("A limit of cost or seconds must be above 0."), Message("Leave it empty to set no limit.")
            )
        )
    return found


def gate_history(workspace: "Workspace", limit: int = 50) -> list[GateVersion]:
    """The app's gates, newest first, each with who set it and when."""
    query = (
        select(setting.c.version, setting.c.value, setting.c.actor, setting.c.created_at)
        .where(setting.c.app_id == workspace.app.id, setting.c.key == SETTING)
        .order_by(setting.c.version.desc())
        .limit(limit)
    )
    with workspace.engine.connect() as connection:
        return [
            GateVersion(row.version, Gate.from_json(row.value), row.actor, row.created_at)
            for row in connection.execute(query)
        ]


def _reachable(gate: Gate, name: str) -> bool:
    low, high = gate.scales.get(name, SHARE)
    return low <= gate.minimum[name] <= high


def in_words(gate: Gate, money: Currency) -> list[Message]:
    """The gate's rules, one sentence each; costs in the app's currency."""
    told = [Message("At least {n} questions", n=gate.rows)]
    for name, least in gate.minimum.items():
        shown = f"{least:g}" if name in gate.scales else f"{least * 100:g} %"
        told.append(Message("“{name}” at least {minimum}", name=name, minimum=shown))
        if gate.judged.get(name):
            told.append(Message("“{name}” has judged at least {n} rows", name=name, n=gate.judged[name]))
    told.append(Message(CRITICAL[gate.critical]))
    if gate.verdict == WITHIN:
        told.append(Message("Shown to be not worse by more than {n} points", n=f"{gate.margin * 100:g}"))
    else:
        told.append(Message(VERDICT[gate.verdict]))
    if gate.cost is not None:
        told.append(Message("At most {cost} per answer", cost=money.written(gate.cost)))
    if gate.seconds is not None:
        told.append(Message("95 of 100 answers within {n} seconds", n=f"{gate.seconds:g}"))
    return told
