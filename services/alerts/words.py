"""What an alert says: what was seen, what was changed before it, what it means for people, and one thing to do."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from services.alerts.rules import OF_SCORERS, SHARES, Baseline, Rule, Series, Way
from services.alerts.seen import Found, Seen
from services.messages import Message, mark
from services.money import Currency
from services.monitoring import Marker
from services.monitoring.markers import markers
from services.readmodel.facts import SLOT_MS

if TYPE_CHECKING:
    from services.workspace import Workspace

LOOK_BACK = timedelta(days=7)
MANY = 99.95

FACT = {
    Series.PASSED: mark("“{scorer}” passed {now} of {n} judged answers"),
    Series.ERRORS: mark("{now} of {n} questions got no answer"),
    Series.LATENCY: mark("95 of 100 answers came within {now}"),
    Series.VOLUME: mark("{now} {now:question was|questions were} asked"),
    Series.TOKENS: mark("{now} tokens were used"),
    Series.COST: mark("{now} were spent"),
    Series.DISAGREEMENT: mark("people disagreed with “{scorer}” on {now} of {n} answers"),
    Series.DRIFT: mark("{what}: changed by {now} in a sample of {n} answers"),
    Series.SILENCE: mark("“{scorer}” gave no verdict on {n} {n:answer|answers}"),
}
TITLE = {
    Series.PASSED: mark("Pass rate of “{scorer}”"),
    Series.ERRORS: mark("Share of failed questions"),
    Series.LATENCY: mark("Time within which 95 of 100 answers come"),
    Series.VOLUME: mark("Number of questions"),
    Series.TOKENS: mark("Tokens used"),
    Series.COST: mark("Cost of all answers"),
    Series.DISAGREEMENT: mark("Disagreement of people with “{scorer}”"),
    Series.DRIFT: mark("What people ask and are answered"),
}
MOVES = {
    Way.RISES: mark("{what} rises more than chance in {window}"),
    Way.FALLS: mark("{what} falls more than chance in {window}"),
    Way.CHANGES: mark("{what} changes more than chance in {window}"),
}
WINDOW = {15: mark("15 minutes"), 60: mark("1 hour"), 360: mark("6 hours"), 1440: mark("24 hours")}
GROWS = mark("The bill grows with it.")
CONSEQUENCE = {
    Series.PASSED: mark("People may be reading answers that are not good enough."),
    Series.ERRORS: mark("Whoever asked these questions got no answer."),
    Series.LATENCY: mark("People wait longer, and some give up."),
    Series.VOLUME: mark("Cost and waiting times may follow."),
    Series.TOKENS: GROWS,
    Series.COST: GROWS,
    Series.DISAGREEMENT: mark("What the scorer says cannot be relied on until it is corrected."),
    Series.DRIFT: mark("Scores may move without a release, and the dataset may no longer look like what people ask."),
    Series.SILENCE: mark("A worse answer would not be noticed now."),
}
LESS = {
    Series.PASSED: mark("More answers pass than before: nothing is broken, but something was changed."),
    Series.ERRORS: mark("Fewer questions fail than before: nothing is broken, but something was changed."),
    Series.LATENCY: mark("Answers come faster than before, and may have become shorter."),
    Series.VOLUME: mark("People may not reach the assistant, or have turned away from it."),
    Series.TOKENS: mark("Answers may have become shorter, or fewer."),
    Series.COST: mark("Answers may have become shorter, or fewer."),
    Series.DISAGREEMENT: mark("People agree with the scorer more than before."),
}


@dataclass(frozen=True)
class Step:
    """One thing to do; `page` and `query` are where."""

    what: Message
    page: str
    query: dict[str, str]


@dataclass(frozen=True)
class Text:
    """An alert in words. `suspect`: the newest change before the window's end; `changed_at`: when that was."""

    what: Message
    since: datetime
    until: datetime
    suspect: Message
    changed_at: datetime | None
    consequence: Message
    step: Step

    def to_json(self) -> dict[str, Any]:
        said = {name: getattr(self, name).to_json() for name in ("what", "suspect", "consequence")}
        step = {"what": self.step.what.to_json(), "page": self.step.page, "query": self.step.query}
        changed = self.changed_at.isoformat() if self.changed_at else None
        times = {"since": self.since.isoformat(), "until": self.until.isoformat(), "changed_at": changed}
        return {**said, **times, "step": step}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Text":
        changed, step = stored["changed_at"], stored["step"]
        return cls(
            what=Message.from_json(stored["what"]),
            since=datetime.fromisoformat(stored["since"]),
            until=datetime.fromisoformat(stored["until"]),
            suspect=Message.from_json(stored["suspect"]),
            changed_at=datetime.fromisoformat(changed) if changed else None,
            consequence=Message.from_json(stored["consequence"]),
            step=Step(Message.from_json(step["what"]), step["page"], step["query"]),
        )


def of(workspace: "Workspace", rule: Rule, seen: Seen) -> Text:
    """The words of one look that fires."""
    until = datetime.fromtimestamp(seen.end * SLOT_MS / 1000, UTC)
    since = until - timedelta(minutes=rule.minutes)
    found = [one for one in markers(workspace, since - LOOK_BACK) if one.at < until]
    changed = found[-1] if found else None
    return Text(
        what=said(rule, seen, workspace.app.money),
        since=since,
        until=until,
        suspect=_suspect(changed),
        changed_at=changed.at if changed else None,
        consequence=_consequence(rule, seen),
        step=_step(rule, seen, changed, (since, until)),
    )


def describe(rule: Rule, money: Currency) -> Message:
    """The rule as one sentence, which is also its name when nobody writes a better one."""
    if rule.way is Way.STOPS:
        silent = (
            mark("No verdict of “{scorer}” within {window}") if rule.scorer else mark("No question within {window}")
        )
        return Message(silent, **({"scorer": rule.scorer} if rule.scorer else {}), window=Message(WINDOW[rule.minutes]))
    what = TITLE[rule.series]
    named = Message(what, **({"scorer": rule.scorer} if "{scorer}" in what else {}))
    window = Message(WINDOW[rule.minutes])
    if rule.changing:
        return Message(MOVES[rule.way], what=named, window=window)
    beyond = (
        mark("{what} above {limit} in {window}") if rule.way is Way.ABOVE else mark("{what} below {limit} in {window}")
    )
    return Message(beyond, what=named, limit=amount(rule.series, rule.limit, money), window=window)


def said(rule: Rule, seen: Seen, money: Currency) -> Message:
    """What was seen, against what it was measured by; `money` as it is at that time."""
    if seen.found in (Found.NO_DATA, Found.NO_BASELINE):
        return Message(
            "Too little to tell: {n} {n:answer|answers} in this time, and the rule needs {least}.",
            n=seen.n,
            least=rule.least,
        )
    if rule.series is Series.SILENCE and not rule.scorer:
        return Message("Nobody asked anything.")
    what = Message(seen.what) if seen.what else ""
    values = {"what": what, "now": amount(rule.series, seen.now, money), "n": number(seen.n), "scorer": rule.scorer}
    fact = Message(FACT[rule.series], **{name: one for name, one in values.items() if f"{{{name}" in FACT[rule.series]})
    if rule.way is Way.STOPS or rule.series is Series.DRIFT:
        return Message("{fact}.", fact=fact)
    if rule.way is Way.ABOVE:
        return Message("{fact}; the limit is at most {limit}.", fact=fact, limit=amount(rule.series, rule.limit, money))
    if rule.way is Way.BELOW:
        return Message(
            "{fact}; the limit is at least {limit}.", fact=fact, limit=amount(rule.series, rule.limit, money)
        )
    before = amount(rule.series, seen.before, money)
    if rule.baseline is Baseline.BEFORE:
        return Message("{fact}; it was {before} in the time before.", fact=fact, before=before)
    return Message("{fact}; it was {before} in the same hours of the last 7 days.", fact=fact, before=before)


def amount(series: Series, value: float, money: Currency) -> Message | str:
    """A number of a series as people read it."""
    if value != value:
        return "–"
    if series in SHARES:
        return Message("{n} %", n=f"{value * 100:.3g}")
    if series is Series.DRIFT:
        return Message("{n} points", n=f"{value * 100:.0f}")
    if series is Series.LATENCY:
        return Message("{seconds} s", seconds=f"{value:.3g}" if value < MANY else number(value))
    if series is Series.COST:
        return money.written(value)
    return number(value)


def number(value: float) -> str:
    return f"{value:,.0f}"


def _suspect(changed: Marker | None) -> Message:
    if changed is None:
        return Message("In the console no release, traffic or scorer was changed in the 7 days before.")
    if changed.release is None:
        return Message("The last change before: {what}", what=changed.what)
    return Message("The last change before, by release {id}: {what}", id=changed.release, what=changed.what)


def _consequence(rule: Rule, seen: Seen) -> Message:
    if seen.found in (Found.NO_DATA, Found.NO_BASELINE):
        return Message("Nobody can say now whether all is well.")
    if rule.series is Series.SILENCE and not rule.scorer:
        return Message("Either nobody needs the assistant now, or nobody reaches it.")
    fell = rule.way is Way.BELOW or (rule.changing and seen.now < seen.before)
    # A pass rate is the one series that is bad when it is low.
    bad = fell if rule.series is Series.PASSED else not fell
    return Message(CONSEQUENCE[rule.series] if bad else LESS[rule.series])


def _step(rule: Rule, seen: Seen, changed: Marker | None, window: tuple[datetime, datetime]) -> Step:
    if rule.series is Series.SILENCE or seen.found is not Found.FIRES:
        return _where_it_stopped(rule, seen)
    if rule.series is Series.DRIFT:
        hours = {"hours": str(rule.minutes // 60)}
        return Step(Message("See under “What people ask” on Monitoring what changed."), "monitoring", hours)
    if rule.series in OF_SCORERS and changed is not None and changed.judging:
        return Step(
            Message("What judges was changed: read some answers before you take them for worse."),
            "traces",
            _traces(rule, window),
        )
    if changed is not None and changed.release is not None:
        return Step(
            Message(
                "Read the answers of this time. If release {id} made them worse, roll it back.", id=changed.release
            ),
            "releases",
            {"release": str(changed.release)},
        )
    if rule.series is Series.DISAGREEMENT:
        return Step(
            Message("See on which answers people differ, and align the scorer."), "scorers", {"scorer": rule.scorer}
        )
    return Step(Message("Read the answers behind it."), "traces", _traces(rule, window))


def _where_it_stopped(rule: Rule, seen: Seen) -> Step:
    if rule.series is Series.SILENCE and not rule.scorer:
        return Step(Message("Ask the assistant something on the Endpoints screen."), "endpoints", {})
    return Step(
        Message("Monitoring says why nothing is judged, or why nothing comes in."), "monitoring", {"hours": "24"}
    )


def _traces(rule: Rule, window: tuple[datetime, datetime]) -> dict[str, str]:
    since, until = (one.strftime("%Y-%m-%dT%H:%MZ") for one in window)
    narrowed = {Series.PASSED: {"failed": rule.scorer}, Series.ERRORS: {"state": "ERROR"}}.get(rule.series, {})
    return {"since": since, "until": until} | narrowed
