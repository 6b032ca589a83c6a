"""What a rule sees at the end of a window: the same for the alert that is told and for its preview."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from services import readmodel
from services.alerts import chance, drifting
from services.alerts.rules import SHARES, TOTALS, Baseline, Rule, Series, Way
from services.alerts.seen import DAY, DAYS, Found, Seen, same_hours
from services.errors import ConsoleError
from services.readmodel import Slots, sketch

if TYPE_CHECKING:
    from services.workspace import Workspace

Numbers = npt.NDArray[Any]
SLOW = 0.95
# A scorer is called silent when so many answers without a verdict are this unlikely beside those of the week before.
UNLIKELY = 0.001
# The newest answers may have come all at once, and wait for their verdicts together.
FEWEST = 5
WEEK = DAYS * DAY


@dataclass(frozen=True)
class Compared:
    """Columns, one row per look; `low` and `high`: how likely chance goes so far down, or up."""

    now: Numbers
    before: Numbers
    n: Numbers
    n_before: Numbers
    low: Numbers
    high: Numbers


def at(workspace: "Workspace", rule: Rule, ends: list[int]) -> list[Seen]:
    """Look at the windows that end at these quarter hours, ascending."""
    if rule.series is Series.DRIFT:
        return drifting.at(workspace, rule, ends)
    held = readmodel.slots(
        workspace, _oldest(rule, ends[0]), ends[-1], rule.scorer, times=rule.series is Series.LATENCY
    )
    seen = judged(held, rule, np.asarray(ends), workspace.app.time_zone)
    if rule.series is Series.SILENCE and rule.scorer and any(one.found is Found.FIRES for one in seen):
        return judged(held, rule, np.asarray(ends), workspace.app.time_zone, _rate(workspace, rule.scorer))
    return seen


def judged(held: Slots, rule: Rule, ends: Numbers, zone: str = "UTC", rate: float = 1.0) -> list[Seen]:
    """The same from the numbers themselves; `rate`: the share of answers that the scorer judges now."""
    compared = _compared(held, rule, ends, same_hours(rule, ends, zone))
    found = _silent(rule, compared, rate) if rule.series is Series.SILENCE else _found(rule, compared)
    columns = (ends, found, compared.now, compared.before, compared.n, compared.n_before)
    return [
        Seen(int(end), one, float(now), float(then), int(n), int(n_before))
        for end, one, now, then, n, n_before in zip(*columns, strict=True)
    ]


def _oldest(rule: Rule, ends: Any) -> Any:
    """The first quarter hour that a look needs to know."""
    return ends - 2 * rule.slots - WEEK - DAY


def _rate(workspace: "Workspace", scorer: str) -> float:
    """The share that somebody chose; of a scorer that was stopped, or cannot be asked about, all."""
    try:
        running = [one for one in workspace.platform.scoring.status(workspace) if one.running]
    except ConsoleError:
        return 1.0
    return next((one.rate for one in running if one.name == scorer), 1.0)


def _compared(held: Slots, rule: Rule, ends: Numbers, days: Numbers) -> Compared:
    before = days if rule.baseline is Baseline.SAME_HOURS else (ends - rule.slots)[:, None]
    if rule.series in TOTALS:
        return _totals(held, rule, ends, days)
    if rule.series is Series.LATENCY:
        return _latency(held, rule, ends, before)
    if rule.series is Series.SILENCE:
        return _verdicts(held, rule, ends)
    return _shares(held, rule, ends, before)


def _shares(held: Slots, rule: Rule, ends: Numbers, before: Numbers) -> Compared:
    names = {
        Series.PASSED: (held.passed, held.judged),
        Series.ERRORS: (held.errors, held.count),
        Series.DISAGREEMENT: (held.differ, held.both),
    }
    hits, of = (_windows(column, held.first, rule.slots) for column in names[rule.series])
    hit, n, hit_before, n_before = hits(ends), of(ends), hits(before).sum(axis=1), of(before).sum(axis=1)
    low, high = chance.shares(hit, n, hit_before, n_before)
    return Compared(_part(hit, n), _part(hit_before, n_before), n, n_before, low, high)


def _totals(held: Slots, rule: Rule, ends: Numbers, days: Numbers) -> Compared:
    """Tokens and cost are counted in questions of the usual size, so that each counts as one event."""
    column = {Series.VOLUME: held.count, Series.TOKENS: held.tokens, Series.COST: held.cost}[rule.series]
    total, of = _windows(column, held.first, rule.slots), _windows(held.count, held.first, rule.slots)
    value, n, usual, asked = total(ends), of(ends), total(days), of(days).sum(axis=1)
    size = np.ones(len(ends)) if rule.series is Series.VOLUME else _part(usual.sum(axis=1), asked)
    size = np.where(size > 0, size, 1.0)[:, None]
    if rule.baseline is Baseline.SAME_HOURS:
        before = usual.mean(axis=1)
        low, high = chance.totals(value / size[:, 0], usual / size)
    else:
        before = total(ends - rule.slots)
        low, high = chance.steps(value / size[:, 0], before / size[:, 0], usual / size, total(days - rule.slots) / size)
    if rule.series is Series.COST:
        priced = _windows(held.costed, held.first, rule.slots)(ends)
        value = np.where((n > 0) & (priced == 0), np.nan, value)
    young = _young(held, rule, ends, days[:, 0])
    return Compared(value, before, n, np.where(young, 0, asked), low, high)


def _young(held: Slots, rule: Rule, ends: Numbers, first: Numbers) -> Numbers:
    """Whether nothing was asked before the first of the days: then they say nothing of how many there usually are.

    Each look knows what the tick would read for it, and no more.
    """
    return np.asarray(_windows(held.count, held.first, first - _oldest(rule, ends))(first) == 0)


def _latency(held: Slots, rule: Rule, ends: Numbers, before: Numbers) -> Compared:
    used = np.flatnonzero(held.slow.any(axis=0))
    times = _windows(held.slow[:, used], held.first, rule.slots)
    now, past = times(ends), times(before).sum(axis=1)
    counts = chance.slower(now, past, SLOW)
    low, high = chance.shares(*counts)
    value, then = (_quantile(one, sketch.VALUES[used] / 1000) for one in (now, past))
    return Compared(value, then, counts[1], counts[3], low, high)


def _quantile(counts: Numbers, values: Numbers) -> Numbers:
    """The value that SLOW of the counts do not exceed, for each row; nan without any."""
    running = counts.cumsum(axis=1)
    if not running.shape[1]:
        return np.full(len(counts), np.nan)
    beyond = (running <= np.floor(SLOW * (running[:, -1:] - 1))).sum(axis=1)
    return np.where(running[:, -1] > 0, values[np.minimum(beyond, len(values) - 1)], np.nan)


def _verdicts(held: Slots, rule: Rule, ends: Numbers) -> Compared:
    """Of a scorer: verdicts on answers, and how many there were in the week before; else the questions themselves."""
    answered = held.count - held.errors
    given = held.given if rule.scorer else held.count
    now, asked = _windows(given, held.first, rule.slots)(ends), _windows(answered, held.first, rule.slots)(ends)
    week = np.maximum(ends - rule.slots, held.first + WEEK)
    usual, usual_asked = _windows(given, held.first, WEEK)(week), _windows(answered, held.first, WEEK)(week)
    n = asked if rule.scorer else now
    # An answer may get two verdicts, as after a correction.
    low, high = chance.shares(np.minimum(now, n), n, np.minimum(usual, usual_asked), usual_asked)
    return Compared(now, usual * rule.slots / WEEK, n, usual, low, high)


def _silent(rule: Rule, compared: Compared, rate: float) -> list[Found]:
    quiet = compared.now == 0
    if rule.scorer:
        likely = np.maximum(compared.low, (1 - rate) ** compared.n)
        quiet = quiet & (compared.n >= FEWEST) & (likely <= UNLIKELY)
    known = compared.n_before > 0
    return [
        Found.NO_BASELINE if not there else Found.FIRES if one else Found.CALM
        for one, there in zip(quiet, known, strict=True)
    ]


def _found(rule: Rule, compared: Compared) -> list[Found]:
    total = rule.series in TOTALS
    few = np.isnan(compared.now) if total else compared.n < rule.least
    if rule.changing:
        fires, new = _moved(rule, compared), compared.n_before < rule.least
    else:
        value = compared.now
        fires, new = value > rule.limit if rule.way is Way.ABOVE else value < rule.limit, few & False
    return [
        Found.NO_BASELINE if young else Found.NO_DATA if thin else Found.FIRES if one else Found.CALM
        for one, thin, young in zip(fires, few, new, strict=True)
    ]


def _moved(rule: Rule, compared: Compared) -> Numbers:
    """More than chance would move it, and by enough to matter: in points of a share, else in parts of what it was."""
    apart = np.abs(compared.now - compared.before)
    whole = 1.0 if rule.series in SHARES else compared.before
    return np.asarray(_unlikely(rule, compared) & (apart >= rule.limit * whole))


def _unlikely(rule: Rule, compared: Compared) -> Numbers:
    if rule.way is Way.RISES:
        return np.asarray(compared.high <= rule.alpha)
    if rule.way is Way.FALLS:
        return np.asarray(compared.low <= rule.alpha)
    return np.asarray(np.minimum(compared.low, compared.high) <= rule.alpha / 2)


def _windows(column: Numbers, first: int, slots: int) -> Any:
    """Sums of the windows that end at given quarter hours."""
    added = np.concatenate([np.zeros((1, *column.shape[1:])), column.cumsum(axis=0)])

    def between(ends: Numbers) -> Numbers:
        last = np.clip(ends - first, 0, len(column))
        return np.asarray(added[last] - added[np.clip(ends - slots - first, 0, len(column))])

    return between


def _part(hit: Numbers, n: Numbers) -> Numbers:
    return np.where(n > 0, hit / np.maximum(n, 1), np.nan)
