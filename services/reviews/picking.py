"""Which answers a rule picks: read newest first without their spans, and no further than needed."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from mlflow.entities import AssessmentSourceType, TraceInfo

from services import evaluations, scorers
from services.evaluations import Evaluation, reading
from services.reviews.records import Pick, Queue, Rule
from services.scorers import ScorerSpec, health
from services.scorers.health.measuring import measure, passed
from services.traces.opinions import OPINION
from services.traces.rows import newest_feedback, opinions, read_infos, row_of

if TYPE_CHECKING:
    from services.workspace import Workspace

MOST = 500
MOST_READ = 2_000


def pick(workspace: "Workspace", rule: Rule, seed: str, known: Collection[str], n: int) -> list[str]:
    """At most `n` traces that fit the rule and are not `known`; reading ends with the last one needed."""
    new = (id for id in _found(workspace, rule, seed) if id not in known)
    return list(islice(_once(new), n))


def drawn(trace_id: str, share: float, seed: str) -> bool:
    """Whether a trace belongs to the random share: the same answer every time, whoever asks."""
    number = int.from_bytes(hashlib.sha256(f"{seed} {trace_id}".encode()).digest()[:8], "big")
    return number < share * 2**64


def newest_with_critical(workspace: "Workspace") -> Evaluation | None:
    """The newest finished evaluation that asked a critical question."""
    finished = (one for one in evaluations.all(workspace, 20) if one.finished)
    return next((one for one in finished if reading.rows(workspace, one)["critical"].astype(bool).any()), None)


def seed(queue: Queue) -> str:
    """A random share stays the same whenever it is looked for, also in a queue that was made without a seed."""
    return queue.rule.seed or f"{queue.id} {queue.created_at:%Y-%m-%dT%H:%M:%S}"


def _once(ids: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for id in ids:
        if id not in seen:
            seen.add(id)
            yield id


def _found(workspace: "Workspace", rule: Rule, seed: str) -> Iterator[str]:
    if rule.pick is Pick.DISAGREE:
        return _disagreements(workspace, rule)
    if rule.pick is Pick.CRITICAL:
        made = newest_with_critical(workspace)
        return _rows(workspace, made, rule, critical=True) if made else iter(())
    if rule.pick is Pick.EVALUATION:
        return _rows(workspace, evaluations.get(workspace, rule.run_id), rule, critical=rule.critical)
    return _traces(workspace, rule, seed)


def _traces(workspace: "Workspace", rule: Rule, seed: str) -> Iterator[str]:
    specs = {spec.name: spec for spec in scorers.all(workspace)}
    fits: dict[Pick, Callable[[TraceInfo], bool]] = {
        Pick.FAILED: lambda info: _failed(info, rule.scorer, specs),
        Pick.COMPLAINT: lambda info: any(one.name == OPINION and one.value is False for one in opinions(info)),
        Pick.RANDOM: lambda info: drawn(info.trace_id, rule.share, seed),
    }
    for info in read_infos(workspace, rule.hours, MOST_READ):
        row = row_of(info)
        if row.finished and row.ok and (row.origin == "live" or not rule.live_only) and fits[rule.pick](info):
            yield info.trace_id


def _failed(info: TraceInfo, scorer: str, specs: Mapping[str, ScorerSpec]) -> bool:
    """Whether a scorer did not pass it; what people said is another rule."""
    given = newest_feedback(info)
    by_scorers = {name: one for name, one in given.items() if one.source.source_type != AssessmentSourceType.HUMAN}
    failed = {name for name, one in by_scorers.items() if _not_good(one.value, specs.get(name))}
    return scorer in failed if scorer else bool(failed)


def _not_good(value: Any, spec: ScorerSpec | None) -> bool:
    """Whether a verdict is a failure: no pass, or a number below the middle of the scorer's scale."""
    return value is False if spec is None else passed(spec, value) is False


def _disagreements(workspace: "Workspace", rule: Rule) -> Iterator[str]:
    """Where people and a scorer differ, as the scorers' health counts it."""
    answers = health.reading.read(workspace)
    for spec in scorers.all(workspace):
        if rule.scorer in ("", spec.name):
            yield from (one.trace_id for one in measure(spec, answers, None).disagreements)


def _rows(workspace: "Workspace", made: Evaluation, rule: Rule, *, critical: bool) -> Iterator[str]:
    table = reading.rows(workspace, made)
    chosen = table[table["state"].eq("OK") & table["trace_id"].astype(bool)]
    if critical:
        chosen = chosen[chosen["critical"].astype(bool)]
    if rule.scorer and rule.scorer in chosen:
        spec = next((one for one in scorers.all(workspace) if one.name == rule.scorer), None)
        judged = chosen[chosen[rule.scorer].notna()]
        chosen = judged[[_not_good(value, spec) for value in judged[rule.scorer]]]
    elif rule.scorer:
        chosen = chosen.iloc[:0]
    yield from chosen["trace_id"].map(str)
