"""What the steps that compare two versions see at a look: in a canary, in an A/B test, in the shadow."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from mlflow.entities import TraceInfo, TraceState

from services import production, readmodel
from services.database import now
from services.releases import canary
from services.releases.canary import Compared, Measure
from services.releases.facts import Release, Step
from services.releases.plan import Part, Plan, Way
from services.traces.rows import PAIR_TAG, TraceRow, origin, read_infos
from services.verdicts import betting, sequential
from services.verdicts.betting import Change, Told

if TYPE_CHECKING:
    from services.workspace import Workspace

FIRST_SHOWN = 20
MOST_UNANSWERED = 0.05


@dataclass(frozen=True)
class Look:
    """How many answers of the new version there are, and what they are compared in; `more` is kept beside them.

    `holds`: too many copies were never answered, so that the part does not lead on however many were.
    """

    answers: int
    measures: list[Measure]
    more: dict[str, Any] = field(default_factory=dict)
    holds: bool = False


@dataclass(frozen=True)
class Copied:
    """The `couples` of answers to copied questions, the first of each conversation, oldest first.

    `answered` counts all of them, `unanswered` the copies that were overtaken by later ones: who answered them died.
    """

    couples: list[tuple[TraceInfo, TraceInfo]]
    answered: int
    unanswered: int

    @property
    def holds(self) -> bool:
        return self.unanswered > MOST_UNANSWERED * self.answered


@dataclass(frozen=True)
class Couple:
    """The live answer and the shadow's to one question, as a list shows them."""

    live: TraceRow
    new: TraceRow


def look(workspace: "Workspace", release: Release, part: Part) -> Look:
    """What there is to see of the part under way."""
    began = datetime.fromisoformat(next(one.handle["at"] for one in release.steps if one.name == part.step))
    if part.way is Way.SHADOW:
        return _shadow(workspace, release, began)
    infos = canary.answers(workspace, release)
    answers = canary.answered(release, infos, began)
    if part.way is Way.CANARY:
        return Look(answers, canary.measures(release, infos))
    mine = [info for info in infos if info.request_time >= began.timestamp() * 1000]
    return Look(answers, _tested(release, part, mine))


def copied(workspace: "Workspace", release: Release, since: datetime) -> Copied:
    """What has become of the questions that were copied since then: as in a canary, a conversation counts once."""
    hours = (now() - since + timedelta(seconds=1)).total_seconds() / 3600
    live, new = dict[str, TraceInfo](), dict[str, TraceInfo]()
    read = list(read_infos(workspace, hours, 2 * canary.MOST_READ, " AND metadata.`mlflow.sourceRun` IS NULL"))
    for info in reversed(read):
        mark = info.tags.get(PAIR_TAG)
        if mark and info.state != TraceState.IN_PROGRESS and info.request_time >= since.timestamp() * 1000:
            if origin(info) == "live":
                live[mark] = info
            elif canary.is_new(info, release):
                new[mark] = info
    both = [(asked, new[mark]) for mark, asked in live.items() if mark in new]
    newest = both[-1][0].request_time if both else 0
    unanswered = sum(1 for mark, asked in live.items() if mark not in new and asked.request_time < newest)
    first: dict[str, tuple[TraceInfo, TraceInfo]] = {}
    for pair in both:
        first.setdefault(pair[0].trace_metadata.get(canary.SESSION) or pair[0].trace_id, pair)
    return Copied(list(first.values()), len(both), unanswered)


def couples(workspace: "Workspace", step: Step) -> list[Couple]:
    """What the newest look at a shadow shows side by side, as it is kept now: without what was deleted since."""
    kept = step.handle.get("couples", [])
    readmodel.catch_up(workspace)
    rows = {row.trace_id: row for row in readmodel.some(workspace, [id for pair in kept for id in pair])}
    return [Couple(rows[live], rows[new]) for live, new in kept if live in rows and new in rows]


def _shadow(workspace: "Workspace", release: Release, since: datetime) -> Look:
    seen = copied(workspace, release, since)
    both = seen.couples
    found = list(canary.compared([info for pair in both for info in pair]))

    def rounds(one: Compared) -> Iterator[list[tuple[bool, float]]]:
        for pair in both:
            if all(info.trace_id in one.values for info in pair):
                yield [(info is pair[1], one.values[info.trace_id]) for info in pair]

    measures = _measures(release, found, rounds, betting.of_pairs)
    standing = production.standing(workspace, release.agent_version)
    given = {"copied": standing.copied, "dropped": standing.dropped} if standing else {"copied": 0, "dropped": 0}
    copies = given | {"answered": seen.answered, "unanswered": seen.unanswered}
    # Their ids alone: who has an answer deleted for good has its words deleted here, too.
    more = {"copies": copies, "couples": [[info.trace_id for info in pair] for pair in _shown(both)]}
    return Look(len(both), measures, more, seen.holds)


def _shown(both: list[tuple[TraceInfo, TraceInfo]]) -> list[tuple[TraceInfo, TraceInfo]]:
    """The newest ones; those in which only one of the two failed come first."""
    newest = both[::-1]
    return sorted(newest, key=lambda pair: pair[0].state == pair[1].state)[:FIRST_SHOWN]


def _tested(release: Release, part: Part, infos: list[TraceInfo]) -> list[Measure]:
    def rounds(one: Compared) -> Iterator[list[tuple[bool, float]]]:
        for info in infos:
            if info.trace_id in one.values:
                yield [(canary.is_new(info, release), one.values[info.trace_id])]

    def judged(told: Sequence[Sequence[Told]], line: float) -> Change:
        return betting.of_split(told, part.percent / 100, line)

    return _measures(release, list(canary.compared(infos)), rounds, judged)


def _measures(
    release: Release,
    found: list[Compared],
    rounds: Callable[[Compared], Iterator[list[tuple[bool, float]]]],
    judged: Callable[[Sequence[Sequence[Told]], float], Change],
) -> list[Measure]:
    line = sequential.line((release.canary or Plan()).alarm, len(found))
    measures = []
    for one in found:
        if one.tolerance is None:
            told = [[Told(new, value > 0, value > 0) for new, value in each] for each in rounds(one)]
        else:
            told = betting.within(rounds(one), one.tolerance)
        change = judged(told, line)
        share = {new: [answer.good for each in told for answer in each if answer.new is new] for new in (True, False)}
        new, other = ((len(side), sum(side) / len(side) if side else None) for side in share.values())
        measures.append(Measure(one.name, *new, *other, change.evidence, line, change.low, change.high))
    return measures
