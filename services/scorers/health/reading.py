"""The answers that a judge's health is counted from: the newest ones, and those that people judged."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlflow.entities import TraceInfo

from services import audit
from services.audit import Verb
from services.traces.opinions import OPINION
from services.traces.rows import read_infos

if TYPE_CHECKING:
    from services.workspace import Workspace

DAYS = 90
MOST_READ = 1000
AT_ONCE = 100
KEPT_SECONDS = 15.0
_READ: dict[tuple[str, str], "tuple[float, Answers]"] = {}


@dataclass(frozen=True)
class Answers:
    """`newest` whoever judged them; `judged` are the others that people judged, since busy traffic pushes those out."""

    newest: tuple[TraceInfo, ...]
    judged: tuple[TraceInfo, ...] = ()

    @property
    def all(self) -> tuple[TraceInfo, ...]:
        return self.newest + self.judged


def read(workspace: "Workspace") -> Answers:
    """At most MOST_READ of each kind, of the last DAYS.

    MLflow finds verdicts by their name, not by who gave them: thumbs have a name of their own, and what people said under
    a scorer's name stands in the audit log, as does what was taken in from labeling sessions. What was said so outside the
    console is found among the newest only.
    """
    newest = tuple(read_infos(workspace, 24.0 * DAYS, MOST_READ))
    known = {one.trace_id for one in newest}
    older = {one.trace_id: one for one in _judged(workspace)} if len(newest) == MOST_READ else {}
    answers = Answers(newest, tuple(one for id, one in older.items() if id not in known))
    _READ.clear()
    _READ[_key(workspace)] = (time.monotonic(), answers)
    return answers


def kept(workspace: "Workspace") -> Answers:
    """As they were KEPT_SECONDS ago at most: a list that is drawn at every click does not read them each time."""
    read_at, answers = _READ.get(_key(workspace), (0.0, Answers(())))
    return answers if time.monotonic() - read_at <= KEPT_SECONDS else read(workspace)


def _key(workspace: "Workspace") -> tuple[str, str]:
    return workspace.settings.tracking_uri, workspace.app.experiment_id


def _judged(workspace: "Workspace") -> Iterator[TraceInfo]:
    yield from read_infos(workspace, 24.0 * DAYS, MOST_READ, f" AND feedback.{OPINION} IS NOT NULL")
    verbs = [Verb.CORRECT_JUDGE, Verb.REVIEW_ANSWER, Verb.TAKE_LABELS]
    done = [one for one in audit.of_verbs(workspace, verbs) if one.outcome == "done"]
    said = [id for one in done for id in (one.after["traces"] if one.verb == Verb.TAKE_LABELS else [one.subject])]
    newest = list(dict.fromkeys(reversed(said)))[:MOST_READ]
    for start in range(0, len(newest), AT_ONCE):
        listed = ", ".join(f"'{id}'" for id in newest[start : start + AT_ONCE])
        yield from read_infos(workspace, 24.0 * DAYS, AT_ONCE, f" AND trace.request_id IN ({listed})")
