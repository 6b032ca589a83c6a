"""What each chart says, in one or two sentences from its numbers."""

from pages.components import session
from services.money import DOLLARS
from services.monitoring import Overview, Score
from services.readmodel import Part

_ = session.text

SAME = 0.01
PER = 1000


def volume(found: Overview) -> str:
    total, parts = found.total, found.series.buckets
    busiest = max(range(len(parts)), key=lambda position: parts[position].count)
    said = [
        _("{n} questions, {change}.", n=_number(total.count), change=_change(total.count, found.before.count)),
        _(
            "Most from {since} to {until}: {n}.",
            since=session.moment(found.times[busiest]),
            until=session.moment(found.times[busiest + 1]),
            n=_number(parts[busiest].count),
        ),
    ]
    if total.errors:
        share = session.percent(total.errors / total.count)
        said.append(_("{n} got no answer ({share}).", n=_number(total.errors), share=share))
    return session.joined(*said)


def seconds(found: Overview) -> str:
    median, _ninety, most, nearly_all = (_seconds(value) for value in found.total.millis)
    if found.total.millis[0] != found.total.millis[0]:
        return _("No question was answered.")
    said = _("Half of the answers came within {p50}, 95 of 100 within {p95}, 99 of 100 within {p99}.",
             p50=median, p95=most, p99=nearly_all)  # fmt: skip
    before = found.before.millis[0]
    if before != before:
        return said
    return session.joined(said, _("Half came within {p50} in the time before.", p50=_seconds(before)))


def first_words(found: Overview) -> str:
    """Of the answers that were streamed; an answer that comes whole has no first words before it."""
    total = found.total
    if not total.streamed:
        return _("No answer of this time says that it was streamed, so nothing is known of its first words.")
    median, ninety, _most, _nearly_all = (_seconds(value) for value in total.first)
    said = _("The first words came within {p50} for half of the {n} streamed {n:answer|answers}, within {p90} for 90 of 100.",
             p50=median, p90=ninety, n=_number(total.streamed))  # fmt: skip
    before = found.before.first[0]
    if before != before:
        return said
    return session.joined(said, _("Half began within {p50} in the time before.", p50=_seconds(before)))


def scores(given: tuple[Score, ...]) -> str:
    """About the scorer that passed the smallest share."""
    shares = [one for one in given if one.now.judged]
    if not shares:
        return _("Only numbers were given; the table tells their means.")
    lowest = min(shares, key=lambda one: one.now.passed / one.now.judged)
    low, high = lowest.interval
    said = _("The lowest is “{scorer}”: {passed} of {n} judged answers passed, which stands for {low} to {high}.",
             scorer=session.escape(lowest.now.name), passed=_number(lowest.now.passed), n=_number(lowest.now.judged),
             low=session.percent(low), high=session.percent(high))  # fmt: skip
    return session.joined(said, _against(lowest))


def opinions(one: Score) -> str:
    share = session.percent(one.now.passed / one.now.judged)
    said = _("People judged {n} answers; {helped} helped ({share}).",
             n=_number(one.now.judged), helped=_number(one.now.passed), share=share)  # fmt: skip
    return session.joined(said, _against(one))


def tokens(found: Overview) -> str:
    total = found.total
    return _("{n} tokens, {change}; {each} for each question.",
             n=_number(total.tokens), change=_change(total.tokens, found.before.tokens),
             each=_number(round(total.tokens / total.count)))  # fmt: skip


def cost(found: Overview) -> str:
    """By MLflow's price list, in the app's currency at today's rate of its settings; without a price nothing is claimed."""
    spent = found.total.cost
    if spent is None:
        return _("No cost is known: MLflow has no price for this model.")
    said = _("{cost} by MLflow's price list, {change}; {each} for {n} questions.",
             cost=found.money.written(spent), change=_change(spent, found.before.cost or 0),
             each=found.money.written(spent / found.total.count * PER), n=_number(PER))  # fmt: skip
    if found.money.code == DOLLARS:
        return session.escape(said)
    rate = _("One US dollar is counted as {rate}.", rate=found.money.written(1))
    return session.escape(session.joined(said, rate))


def in_all(part: Part) -> str:
    return _("{n} questions", n=_number(part.count))


def _against(one: Score) -> str:
    if one.before is None or not one.before.judged:
        return ""
    share = session.percent(one.before.passed / one.before.judged)
    if one.more_than_chance:
        return _("It was {share} in the time before: more than chance would change it.", share=share)
    return _("It was {share} in the time before; chance alone could make this difference.", share=share)


def _change(now: float, before: float) -> str:
    """Against the stretch of the same length before."""
    if not before:
        return _("none in the time before")
    share = now / before - 1
    if abs(share) < SAME:
        return _("as in the time before")
    if share > 0:
        return _("{share} above the time before", share=session.percent(share))
    return _("{share} below the time before", share=session.percent(-share))


def _number(value: float) -> str:
    return f"{value:,.0f}"


def _seconds(millis: float) -> str:
    return session.seconds(millis / 1000)
