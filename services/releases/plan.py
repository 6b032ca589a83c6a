"""How a canary goes: which share of the traffic the new version gets, for how long, and what harm leads to."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from services.messages import mark

STEP = "canary "


class Action(StrEnum):
    """What happens when the new version does harm."""

    ROLL_BACK = "roll back"
    PAUSE = "pause"
    RECOMMEND = "recommend"


ACTION = {
    Action.ROLL_BACK: mark("Roll back: the old version answers everyone again, and the release has failed"),
    Action.PAUSE: mark("Pause: the old version answers everyone until somebody decides"),
    Action.RECOMMEND: mark("Recommend: the share stays as it is, and the release's page says that it should go back"),
}


@dataclass(frozen=True)
class Part:
    """One step of a canary: `percent` of the traffic until that many answers and minutes have passed, both."""

    percent: int
    answers: int
    minutes: int = 0

    @property
    def step(self) -> str:
        return f"{STEP}{self.percent}"


@dataclass(frozen=True)
class Plan:
    """The parts before all the traffic moves, what harm leads to, and the chance of a false alarm among all tests."""

    parts: tuple[Part, ...] = (Part(5, 50), Part(25, 100))
    action: Action = Action.ROLL_BACK
    alarm: float = 0.05

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Plan":
        parts = tuple(Part(**one) for one in stored["parts"])
        return cls(parts, Action(stored["action"]), float(stored["alarm"]))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)
