"""What people's verdicts teach a judge: half of the answers to learn from, half to measure on."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.scorers import aligning, health, kinds, samples
from services.scorers.health.facts import Opinion
from services.scorers.records import ScorerSpec
from services.scorers.samples import Sample

if TYPE_CHECKING:
    from services.jobs import Work
    from services.workspace import Workspace


@dataclass(frozen=True)
class Lesson:
    """One answer as the judge is given it, and what people say of it."""

    sample: Sample
    passed: bool
    why: str

    @property
    def trace_id(self) -> str:
        return str(self.sample.trace.info.trace_id)


def halves(workspace: "Workspace", base: ScorerSpec, work: "Work") -> tuple[list[Lesson], list[Lesson]]:
    """What to learn from and what to measure on, the same for every attempt whatever people judge meanwhile."""
    if "halves" not in work.checkpoint:
        told = _chosen(health.people(workspace, base))
        made = split(_lessons(workspace, base, told))
        work.save(work.checkpoint | {"halves": [[one.trace_id for one in half] for half in made]})
        return made
    learned, measured = (set(ids) for ids in work.checkpoint["halves"])
    told = [one for one in health.people(workspace, base) if one.info.trace_id in learned | measured]
    found = {one.trace_id: one for one in _lessons(workspace, base, told)}
    return [found[id] for id in found if id in learned], [found[id] for id in found if id in measured]


def split(lessons: Sequence[Lesson]) -> tuple[list[Lesson], list[Lesson]]:
    """Half to learn from and half to measure on, each with passed and failed ones; the same question is in one half only."""
    halves: tuple[list[Lesson], list[Lesson]] = ([], [])
    by_question: dict[str, list[Lesson]] = {}
    for one in lessons:
        by_question.setdefault(one.sample.question.strip().casefold(), []).append(one)
    groups = [by_question[key] for key in sorted(by_question)]
    random.Random(len(groups)).shuffle(groups)
    groups.sort(key=lambda group: group[0].passed)
    for place, group in enumerate(groups):
        halves[place % 2].extend(group)
    return halves


def _chosen(told: Sequence[Opinion]) -> list[Opinion]:
    """The newest answers that people judged, rare verdicts before frequent ones."""
    each = aligning.MOST // 2
    rare = min((True, False), key=health.counted(told).__getitem__)
    few = [one for one in told if one.passed is rare][:each]
    return few + [one for one in told if one.passed is not rare][: aligning.MOST - len(few)]


def _lessons(workspace: "Workspace", spec: ScorerSpec, chosen: Sequence[Opinion]) -> list[Lesson]:
    """The answers that the judge can be given."""
    needed = kinds.needs(spec)
    return [
        Lesson(sample, one.passed, one.why)
        for one, sample in zip(chosen, samples.of(workspace, [one.info for one in chosen]), strict=True)
        if sample is not None and (sample.expectations or not needed.expected)
    ]
