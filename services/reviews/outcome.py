"""What a queue found: what people said, how far they agree with each other, and with every scorer."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlflow.entities import AssessmentSourceType, Feedback, TraceInfo

from services import scorers
from services.reviews import marks, stored
from services.reviews.records import DIFFER, FIRST, REFEREE, SECOND, SKIPPED, Item, Kind, Label, Queue
from services.scorers.health.measuring import WORDS, passed
from services.verdicts import agreement
from services.verdicts.agreement import Agreement

if TYPE_CHECKING:
    from services.workspace import Workspace


@dataclass(frozen=True)
class Said:
    """One label: on `n` answers people ended with a value, `between` is how far the two reviewers agreed."""

    label: Label
    n: int
    counts: tuple[tuple[Any, int], ...]
    mean: float | None
    between: Agreement | None


@dataclass(frozen=True)
class ByScorer:
    """A scorer's own verdicts on these answers, and how far it agrees with what people said under `label`."""

    name: str
    passed: int
    judged: int
    label: str
    agreement: Agreement


@dataclass(frozen=True)
class Outcome:
    """What the queue found so far; `values` holds what people ended with for each answer, by label."""

    labels: tuple[Said, ...]
    scorers: tuple[ByScorer, ...]
    skipped: tuple[tuple[str, int], ...]
    open_disagreements: int
    refereed: int
    gone: int
    values: Mapping[str, Mapping[str, Any]]

    def failed(self, name: str) -> list[str]:
        """The answers that people did not pass under this label."""
        return [id for id, said in self.values.items() if said.get(name) is False]


def of(workspace: "Workspace", queue: Queue) -> Outcome:
    """Read what people said from MLflow, in a few requests whatever the queue's length."""
    items = stored.items(workspace, queue.id)
    infos = marks.read(workspace, [item.trace_id for item in items])
    ended = {item.trace_id: final(infos.get(item.trace_id), item) for item in items}
    values = {id: said for id, said in ended.items() if said}
    return Outcome(
        labels=tuple(_said(label, queue, items, infos, values) for label in queue.labels),
        scorers=tuple(_by_scorers(workspace, queue, infos, values)),
        skipped=tuple(_skipped(items)),
        open_disagreements=sum(item.settled == DIFFER for item in items),
        refereed=sum(item.at(REFEREE) is not None and item.complete for item in items),
        gone=sum(item.trace_id not in infos for item in items),
        values=values,
    )


def final(info: TraceInfo | None, item: Item) -> dict[str, Any]:
    """What people ended with: what both said, and the referee's word where they differ; empty while that is open.

    Of what is not compared, such as the right answer, the second person's counts where the first wrote nothing.
    """
    if not item.complete:
        return {}
    second, first, referee = (marks.said(info, item.at(seat)) for seat in (SECOND, FIRST, REFEREE))
    return second | first | referee


def _said(
    label: Label,
    queue: Queue,
    items: Sequence[Item],
    infos: Mapping[str, TraceInfo],
    values: Mapping[str, Mapping[str, Any]],
) -> Said:
    given = [said[label.name] for said in values.values() if label.name in said]
    numbers = given if label.kind is Kind.NUMBER and given else []
    counts = Counter(given if label.compared else ())
    both = [item for item in items if item.at(FIRST) and item.at(SECOND)] if queue.seats > 1 else []
    pairs = [[marks.said(infos.get(item.trace_id), item.at(seat)).get(label.name) for item in both] for seat in (1, 2)]
    return Said(
        label=label,
        n=len(given),
        counts=tuple(sorted(counts.items(), key=lambda one: (-one[1], str(one[0])))),
        mean=sum(numbers) / len(numbers) if numbers else None,
        between=agreement.measure(*pairs) if label.compared and queue.seats > 1 else None,
    )


def _by_scorers(
    workspace: "Workspace", queue: Queue, infos: Mapping[str, TraceInfo], values: Mapping[str, Mapping[str, Any]]
) -> list[ByScorer]:
    """Each scorer beside what was asked under its own name, as passed or failed, else beside the first pass label."""
    own = {label.name for label in queue.labels if label.compared}
    first = next((label.name for label in queue.labels if label.kind is Kind.PASS), "")
    specs = {spec.name: spec for spec in scorers.all(workspace)}
    found: dict[str, dict[str, bool]] = {}
    for id, info in infos.items():
        for name, one in _newest(info).items():
            verdict = None if one.error else _passed(one.value, specs.get(name))
            if verdict is not None:
                found.setdefault(name, {})[id] = verdict
    made = []
    for name, verdicts in sorted(found.items()):
        label = name if name in own else first
        people = [_passed(values.get(id, {}).get(label), specs.get(name)) for id in verdicts]
        both = agreement.measure(verdicts.values(), people)
        made.append(ByScorer(name, sum(verdicts.values()), len(verdicts), label, both))
    return made


def _newest(info: TraceInfo) -> dict[str, Feedback]:
    """Each scorer's newest verdict or error, also one that a person put right since."""
    given = [
        one
        for one in info.assessments
        if isinstance(one, Feedback) and one.source.source_type != AssessmentSourceType.HUMAN
    ]
    return {one.name: one for one in sorted(given, key=lambda one: one.create_time_ms or 0)}


def _passed(value: Any, spec: scorers.ScorerSpec | None) -> bool | None:
    if spec is not None:
        return passed(spec, value)
    return value if isinstance(value, bool) else WORDS.get(str(value).strip().lower())


def _skipped(items: Sequence[Item]) -> list[tuple[str, int]]:
    """The reasons for which answers were set aside, the most frequent first."""
    whys = [turn.why for item in items if item.aside for turn in item.turns if turn.state == SKIPPED]
    return Counter(whys).most_common()
