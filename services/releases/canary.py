"""The canary: a new agent version meets a part of the live traffic, and more of it only while it does no harm."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from mlflow.entities import TraceInfo, TraceState

from services import apps, audit, verdicts
from services.audit import Verb
from services.database import now
from services.errors import InvalidInputError
from services.messages import Message, mark
from services.releases.facts import Release
from services.releases.plan import Part, Plan, split
from services.traces.rows import is_live, newest_feedback, read_infos
from services.verdicts import sequential
from services.verdicts.sequential import Capital, Seen

if TYPE_CHECKING:
    from services.workspace import Workspace

SETTING = "canary"
MOST_READ = 20_000
SECONDS_TO_VERDICT = 45
SLOWER, DEARER = 0.2, 0.2
SESSION = "mlflow.trace.session"


@dataclass(frozen=True)
class Measure:
    """One thing that both versions are compared in; `evidence` against the new one shows harm from `line` on.

    The shares are of good answers: passed, without an error, or not above what four of five answers keep to. `low` to
    `high` is the interval of their change, which holds at every look; None in a canary, which asks for harm alone.
    """

    name: str
    answers: int
    share: float | None
    other_answers: int
    other_share: float | None
    evidence: float
    line: float
    low: float | None = None
    high: float | None = None

    @property
    def harmful(self) -> bool:
        return self.evidence >= self.line

    @property
    def word(self) -> str:
        """In the words of every verdict: better, worse, or that it cannot be told yet."""
        if self.harmful:
            return verdicts.WORSE
        return verdicts.BETTER if self.low is not None and self.low > 0 else verdicts.UNSURE


@dataclass(frozen=True)
class Compared:
    """What answers are compared in, with the value of each by its trace; of amounts, more by `tolerance` is no harm."""

    name: str
    tolerance: float | None
    values: dict[str, float]


ERRORS, SECONDS, PRICE, TOKENS = mark("answers without an error"), mark("speed"), mark("cost"), mark("tokens")
NAMED = (ERRORS, SECONDS, PRICE, TOKENS)
AMOUNTS = {SECONDS: SLOWER, PRICE: DEARER, TOKENS: DEARER}


def plan(workspace: "Workspace") -> Plan:
    """How the app's canaries go; the usual one until somebody saves another."""
    stored = apps.load_setting(workspace, SETTING)
    return Plan.from_json(stored) if stored else Plan()


def save_plan(workspace: "Workspace", wanted: Plan) -> None:
    """Store how canaries go from the next proposal on; raises InvalidInputError."""
    percents = [one.percent for one in wanted.parts]
    every = (*wanted.parts, wanted.shadow, wanted.test)
    if not percents or percents != sorted(set(percents)) or not 1 <= percents[0] <= percents[-1] <= 95:
        raise InvalidInputError(
            Message("The shares of a canary must grow, from at least 1 % to at most 95 %."),
            Message("Correct the shares, such as 5 and 25."),
        )
    if not (1 <= wanted.shadow.percent <= 100 and 5 <= wanted.test.percent <= 95):
        raise InvalidInputError(
            Message("A shadow gets copies of 1 to 100 % of the questions, and an A/B test's new version 5 to 95 %."),
            Message("Correct the shares."),
        )
    if any(one.answers < 1 or one.minutes < 0 for one in every) or not 0.001 <= wanted.alarm <= 0.2:
        raise InvalidInputError(
            Message("Every share needs at least one answer, and the chance of a false alarm is 0.1 % to 20 %."),
            Message("Correct the numbers."),
        )
    with audit.change(workspace, Verb.SAVE_GATE, "canary", asdict(plan(workspace)), asdict(wanted)):
        apps.save_setting(workspace, SETTING, asdict(wanted))


def part_of(release: Release, step: str) -> Part:
    """The part of the release's plan that a step of it takes."""
    return next(one for one in (release.canary or Plan()).parts if one.step == step)


def began(release: Release) -> list[tuple[datetime, int]]:
    """Since when which share of the traffic has gone to the new version, oldest first."""
    given = [one for one in release.steps if split(one.name) and "at" in one.handle]
    shares = [(one.handle["at"], part_of(release, one.name).percent) for one in given]
    return sorted((datetime.fromisoformat(at), percent) for at, percent in shares)


def measures(release: Release, infos: list[TraceInfo]) -> list[Measure]:
    """What the `answers` of the canary say about the new version beside the old one."""
    shares = began(release)
    told = dict(_capitals(infos, shares, release)) if shares else {}
    line = sequential.line((release.canary or Plan()).alarm, len(told))
    return [_measure(name, capital, line) for name, capital in told.items()]


def answered(release: Release, infos: list[TraceInfo], since: datetime) -> int:
    """How many of them the new version has given since then."""
    return sum(1 for info in infos if is_new(info, release) and info.request_time >= since.timestamp() * 1000)


def answers(workspace: "Workspace", release: Release) -> list[TraceInfo]:
    """The first live answer of each conversation since the canary began by one of the two versions, oldest first."""
    shares = began(release)
    return list(_answers(workspace, release, shares[0][0])) if shares else []


def _answers(workspace: "Workspace", release: Release, since: datetime) -> Iterator[TraceInfo]:
    """A conversation stays with its version: what follows its first answer is no new draw."""
    hours = (now() - since + timedelta(seconds=1)).total_seconds() / 3600
    both, known = {release.before.model_id, release.after.model_id}, set[str]()
    read = list(read_infos(workspace, hours, MOST_READ, " AND metadata.`mlflow.sourceRun` IS NULL"))
    for info in reversed(read):
        conversation = info.trace_metadata.get(SESSION) or info.trace_id
        if not is_live(workspace, info) or info.request_time < since.timestamp() * 1000 or conversation in known:
            continue
        if info.trace_metadata.get("mlflow.modelId") in both and info.state != TraceState.IN_PROGRESS:
            known.add(conversation)
            yield info


def _capitals(
    infos: list[TraceInfo], shares: list[tuple[datetime, int]], release: Release
) -> Iterator[tuple[str, Capital]]:
    def seen(info: TraceInfo, value: float) -> Seen:
        share = [percent for at, percent in shares if at.timestamp() * 1000 <= info.request_time][-1]
        return Seen(is_new(info, release), share / 100, value)

    for one in compared(infos):
        told = [seen(info, one.values[info.trace_id]) for info in infos if info.trace_id in one.values]
        amounts = one.tolerance is not None
        yield one.name, sequential.of_amounts(told, one.tolerance or 0) if amounts else sequential.of_verdicts(told)


def compared(infos: list[TraceInfo]) -> Iterator[Compared]:
    """What these answers can be compared in: errors first, then seconds, cost, and every scorer that judged them."""
    fine = [info for info in infos if info.state == TraceState.OK]
    yield Compared(ERRORS, None, {info.trace_id: float(info.state == TraceState.OK) for info in infos})
    timed = [info for info in fine if info.execution_duration is not None]
    yield Compared(SECONDS, SLOWER, {info.trace_id: float(info.execution_duration or 0) for info in timed})
    yield from _prices(fine)
    for name, given in _verdicts(fine).items():
        passes = all(isinstance(value, bool) for value in given.values())
        values = {id: float(value) if passes else -float(value) for id, value in given.items()}
        yield Compared(name, None if passes else 0.0, values)


def _prices(fine: list[TraceInfo]) -> Iterator[Compared]:
    """In money when every answer's is known, else in tokens."""
    costs = [(info.cost or {}).get("total_cost") for info in fine]
    priced = {info.trace_id: float(cost) for info, cost in zip(fine, costs, strict=True) if cost is not None}
    if fine and len(priced) == len(fine):
        yield Compared(PRICE, DEARER, priced)
        return
    counted = {info.trace_id: (info.token_usage or {}).get("total_tokens") for info in fine}
    known = {id: float(tokens) for id, tokens in counted.items() if tokens is not None}
    if known:
        yield Compared(TOKENS, DEARER, known)


def _verdicts(fine: list[TraceInfo]) -> dict[str, dict[str, Any]]:
    """The production scorers' verdicts by name and trace, of answers old enough that theirs has come."""
    ripe, told = (now() - timedelta(seconds=SECONDS_TO_VERDICT)).timestamp() * 1000, dict[str, Any]()
    for info in fine:
        for name, given in newest_feedback(info).items():
            judged = given.source.source_type != "HUMAN" and isinstance(given.value, (bool, int, float))
            if judged and info.request_time <= ripe:
                told.setdefault(name, {})[info.trace_id] = given.value
    return told


def is_new(info: TraceInfo, release: Release) -> bool:
    return bool(info.trace_metadata.get("mlflow.modelId") == release.after.model_id)


def _measure(name: str, capital: Capital, line: float) -> Measure:
    counts = capital.answers
    return Measure(
        name, counts[True], capital.rate(True), counts[False], capital.rate(False), round(capital.peak, 3), line
    )
