"""A rehearsal as it is kept: a setting of the practice copy, and its outcome with the app it was a copy of."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from services import apps
from services.apps.records import REHEARSAL

if TYPE_CHECKING:
    from services.workspace import Workspace

OUTCOMES = "rehearsals"
MOST_KEPT = 20
TIMES = ("injected_at", "noticed_at", "mended_at", "ended_at")


@dataclass(frozen=True)
class Course:
    """How it went with one fault. `memory` is what tells whether it is mended; `kept`: it was taken over for good;
    `gone`: what it is about was removed.

    `noticed_at`: when somebody said what it is, or did something about it. `misses`: how often they said what it is not.
    `coming`: it is being brought in, since `injected_at`, and is there perhaps in part.
    """

    fault: str
    injected_at: datetime
    memory: Mapping[str, Any] = field(default_factory=dict)
    noticed_at: datetime | None = None
    mended_at: datetime | None = None
    ended_at: datetime | None = None
    kept: bool = False
    gone: bool = False
    helped: bool = False
    misses: int = 0
    coming: bool = False

    @property
    def seconds_to_notice(self) -> float | None:
        return (self.noticed_at - self.injected_at).total_seconds() if self.noticed_at else None

    @property
    def seconds_to_mend(self) -> float | None:
        return (self.mended_at - self.injected_at).total_seconds() if self.mended_at else None


@dataclass(frozen=True)
class Rehearsal:
    """`of`: the app from which it was started, by `actor`; `order`: the faults that come. `ready_at` once the copy answers."""

    app_id: str
    of: str
    actor: str
    order: tuple[str, ...]
    started_at: datetime
    ready_at: datetime | None = None
    ending: bool = False
    courses: tuple[Course, ...] = ()

    @property
    def open(self) -> Course | None:
        """The fault that waits to be mended."""
        last = self._last
        return last if last and not last.coming and last.ended_at is None else None

    @property
    def coming(self) -> Course | None:
        """The fault that is being brought in."""
        return self._last if self._last and self._last.coming else None

    @property
    def come(self) -> tuple[Course, ...]:
        """How it went with each fault that was all there."""
        return tuple(one for one in self.courses if not one.coming)

    @property
    def _last(self) -> Course | None:
        return self.courses[-1] if self.courses else None

    @property
    def over(self) -> bool:
        """Whether every fault has come and gone."""
        return len(self.come) == len(self.order) and self.open is None


def load(workspace: "Workspace") -> tuple[int, Rehearsal | None]:
    """The rehearsal whose practice copy the workspace's app is, after the number of its version; None for any other app."""
    version, stored = apps.load_version(workspace, REHEARSAL)
    return version, _from_json(stored) if stored else None


def save(workspace: "Workspace", rehearsal: Rehearsal, read: int | None = None) -> int:
    """The number of the version stored; raises ConflictError when somebody changed it since version `read`."""
    return apps.save_setting(workspace, REHEARSAL, _json(rehearsal), read)


def keep_outcome(workspace: "Workspace", rehearsal: Rehearsal) -> None:
    """With the app that it was a copy of; once, however often it is called."""
    version, stored = apps.load_version(workspace, OUTCOMES)
    told = _json(replace(rehearsal, courses=rehearsal.come))
    others = [one for one in stored or [] if one["app_id"] != rehearsal.app_id]
    apps.save_setting(workspace, OUTCOMES, [told, *others][:MOST_KEPT], version)


def outcomes(workspace: "Workspace") -> list[Rehearsal]:
    """The newest ones that are over, newest first."""
    return [_from_json(one) for one in apps.load_setting(workspace, OUTCOMES) or []]


def _json(rehearsal: Rehearsal) -> dict[str, Any]:
    return _plain(asdict(rehearsal))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value.isoformat() if isinstance(value, datetime) else value


def _from_json(stored: Mapping[str, Any]) -> Rehearsal:
    times = {name: _time(stored[name]) for name in ("started_at", "ready_at")}
    courses = tuple(Course(**one | {name: _time(one[name]) for name in TIMES}) for one in stored["courses"])
    return Rehearsal(**{**stored, **times, "order": tuple(stored["order"]), "courses": courses})


def _time(told: str | None) -> datetime | None:
    return datetime.fromisoformat(told) if told else None
