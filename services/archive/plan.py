"""What an operator chose about an app's archive: a setting of the app, every change a new version."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from services import apps
from services.archive.schema import moment, start_of
from services.database import now
from services.errors import ConflictError, InvalidInputError
from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace

SETTING = "archive"
# Charts and searches read MLflow, and offer up to 90 days.
LEAST_IN_MLFLOW = 90
DAYS_PUT_BACK = 30


@dataclass(frozen=True)
class Plan:
    """`since`: older traces are not copied. `keep_days`: how long the archive has them, None without an end.

    `mlflow_days`: after so many days MLflow loses them, because the archive has them; None leaves MLflow alone.
    `put_back`: until when a day that was brought back to MLflow stays there. `lost_before`: MLflow has lost traces of days
    before, whatever is chosen today.
    """

    on: bool = False
    since: str | None = None
    keep_days: int | None = None
    mlflow_days: int | None = None
    put_back: dict[str, str] = field(default_factory=dict)
    lost_before: str | None = None

    @property
    def begins(self) -> datetime:
        """The time of the oldest trace that is copied, if everything has not been."""
        return moment(self.floor)

    @property
    def floor(self) -> int:
        """The first millisecond that belongs into the archive."""
        chosen = start_of(date.fromisoformat(self.since)) if self.since else 0
        return max(chosen, start_of(self.kept_from)) if self.kept_from else chosen

    @property
    def kept_from(self) -> date | None:
        """Days before are dropped from the archive."""
        return None if self.keep_days is None else today() - timedelta(days=self.keep_days)

    @property
    def in_mlflow_from(self) -> date | None:
        """Days before may be missing in MLflow, and are kept here."""
        return None if self.mlflow_days is None else today() - timedelta(days=self.mlflow_days)

    def outlives(self, day: date) -> bool:
        """Whether the archive keeps of that day what MLflow does not have any more."""
        return self._is_old(day) or (self.lost_before is not None and str(day) < self.lost_before)

    def leaves_mlflow(self, day: date) -> bool:
        """Whether MLflow is to lose that day now."""
        held = self.put_back.get(str(day))
        return self._is_old(day) and (held is None or held <= str(today()))

    def _is_old(self, day: date) -> bool:
        return self.in_mlflow_from is not None and day < self.in_mlflow_from


def load(workspace: "Workspace") -> Plan:
    return _from(apps.load_setting(workspace, SETTING))


def change(workspace: "Workspace", changed: Callable[[Plan], Plan]) -> Plan:
    """Save what `changed` makes of the newest plan, undoing nobody's change; call it inside `audit.change`.

    Raises InvalidInputError.
    """
    while True:
        version, stored = apps.load_version(workspace, SETTING)
        chosen = changed(_from(stored))
        check(chosen)
        try:
            apps.save_setting(workspace, SETTING, asdict(chosen), version)
        except ConflictError:
            continue
        return chosen


def _from(stored: dict[str, Any] | None) -> Plan:
    return Plan(**stored) if stored else Plan()


def check(chosen: Plan) -> None:
    if chosen.keep_days is not None and chosen.keep_days < 1:
        raise InvalidInputError(
            Message("The archive must keep traces for at least a day."), Message("Type a larger number of days.")
        )
    if chosen.mlflow_days is None:
        return
    if chosen.mlflow_days < LEAST_IN_MLFLOW:
        raise InvalidInputError(
            Message("MLflow must keep traces for at least {n} days.", n=LEAST_IN_MLFLOW),
            Message("Charts, searches and reviews read MLflow. Type a larger number of days."),
        )
    if chosen.keep_days is not None and chosen.keep_days <= chosen.mlflow_days:
        raise InvalidInputError(
            Message("The archive would lose traces before MLflow does."),
            Message("Let the archive keep them for longer than MLflow."),
        )


def hold(chosen: Plan, days: list[date]) -> Plan:
    """The plan after these days were brought back to MLflow."""
    until = str(today() + timedelta(days=DAYS_PUT_BACK))
    still = {day: end for day, end in chosen.put_back.items() if end > str(today())}
    return replace(chosen, put_back=still | dict.fromkeys(map(str, days), until))


def lose(chosen: Plan, day: date) -> Plan:
    """The plan once MLflow lost traces of that day by age."""
    return replace(chosen, lost_before=max(chosen.lost_before or "", str(day + timedelta(days=1))))


def today() -> date:
    at: datetime = now()
    return at.date()
