"""How a new version meets questions before all of them are its own: in the shadow, step by step, or in an A/B test."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from services.messages import mark


class Way(StrEnum):
    """What the new version gets: a share of the traffic, the same until people decide, or copies of questions only."""

    CANARY = "canary"
    TEST = "test"
    SHADOW = "shadow"


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
    """One step: `percent` of the traffic, or of copies, until that many answers and minutes have passed, both."""

    percent: int
    answers: int
    minutes: int = 0
    way: Way = Way.CANARY

    @property
    def step(self) -> str:
        return f"{self.way.value} {self.percent}"

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Part":
        return cls(**{**stored, "way": Way(stored.get("way", Way.CANARY))})


@dataclass(frozen=True)
class Plan:
    """The parts before all the traffic moves, what harm leads to, and the chance of a false alarm among all tests.

    `shadow` and `test` are how the app's shadows and A/B tests go; a release has those that it takes among its parts.
    """

    parts: tuple[Part, ...] = (Part(5, 50), Part(25, 100))
    action: Action = Action.ROLL_BACK
    alarm: float = 0.05
    shadow: Part = Part(20, 100, way=Way.SHADOW)
    test: Part = Part(50, 500, way=Way.TEST)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Plan":
        parts = tuple(Part.from_json(one) for one in stored["parts"])
        own = {name: Part.from_json(stored[name]) for name in ("shadow", "test") if name in stored}
        return cls(parts, Action(stored["action"]), float(stored["alarm"]), **own)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def watched(step: str) -> bool:
    """Whether two versions are compared in that step of a release."""
    return step.partition(" ")[0] in set(Way)


def split(step: str) -> bool:
    """Whether two versions share the traffic in that step of a release."""
    return watched(step) and not step.startswith(Way.SHADOW)
