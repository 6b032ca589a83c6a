"""A verdict in plain words: one sentence for every number."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.messages import Message
from services.verdicts import sizes
from services.verdicts.numbers import chance, change, level, size
from services.verdicts.records import BETTER, PASS, UNSURE, WORSE, ScorerVerdict, Verdict


@dataclass(frozen=True)
class Circumstances:
    """What a scorer's sentences tell besides its verdict; `ranks` is Wilcoxon's chance, for numbers."""

    tests: int
    sure: float
    noise: float
    open: int
    ranks: float | None
    margin_rows: int | None


def sentence(verdict: Verdict) -> Message:
    """The verdict as an operator reads it."""
    counts = {"better": verdict.better, "worse": verdict.worse, "rows": verdict.rows}
    if not verdict.rows:
        return Message("Cannot tell: the two evaluations share no questions.")
    if verdict.mixed:
        return Message("Cannot tell: on the whole it got better, but worse by {names}.", names=", ".join(verdict.mixed))
    if verdict.quiet:
        points = verdict.kind == PASS
        return Message(
            "Cannot tell: it changed by {change}, but the same version asked twice differed by {noise}.",
            change=change(verdict.difference, points),
            noise=size(verdict.noise, points),
        )
    if verdict.repeats > 1 and verdict.word != UNSURE and verdict.kind == PASS:
        return _repeated(verdict)
    if verdict.word == BETTER:
        return Message(
            "Better: {better} of {rows} questions got better, {worse} got worse. That is unlikely to be chance.",
            **counts,
        )
    if verdict.word == WORSE:
        return Message(
            "Worse: {worse} of {rows} questions got worse, {better} got better. That is unlikely to be chance.",
            **counts,
        )
    if not verdict.better and not verdict.worse and not verdict.difference:
        return Message("Cannot tell: all {rows} shared questions came out the same.", **counts)
    return Message(
        "Cannot tell: {better} of {rows} questions got better and {worse} worse, which may be chance.", **counts
    )


def _repeated(verdict: Verdict) -> Message:
    """With repeats most questions change by a part only, so the change itself is told instead of the counts."""
    values = {"rows": verdict.rows, "repeats": verdict.repeats, "change": change(verdict.difference, True)}
    if verdict.word == BETTER:
        return Message(
            "Better: {change} over {rows} questions asked {repeats} times each. That is unlikely to be chance.",
            **values,
        )
    return Message(
        "Worse: {change} over {rows} questions asked {repeats} times each. That is unlikely to be chance.", **values
    )


def of_scorer(found: ScorerVerdict, about: Circumstances) -> tuple[Message, ...]:
    """What each number of a scorer means, the word first."""
    if not found.rows:
        return (Message("Cannot tell: no question was judged by this scorer in both evaluations."),)
    told = [_word(found, about), _means(found), _counts(found), *_interval(found), _chance(found, about)]
    if about.ranks is not None:
        told.append(
            Message(
                "By ranks, which a few extreme questions cannot sway, it would be {share} (Wilcoxon's test).",
                share=chance(about.ranks),
            )
        )
    told += _noise(about.noise, found.points)
    told += [_margin(found, about), *_rows(found.word, found.needed_rows, found.difference), *_open(found, about.open)]
    return tuple(told)


def of_whole(verdict: Verdict) -> tuple[Message, ...]:
    """What the numbers of the whole verdict mean."""
    if not verdict.rows:
        return ()
    points = verdict.kind == PASS
    told = []
    if verdict.interval:
        low, high = verdict.interval
        values = {
            "change": change(verdict.difference, points),
            "low": change(low, points),
            "high": change(high, points),
        }
        told.append(_passing(values) if points else _averaged(values))
    told.append(
        Message(
            "If both versions were equally good, {share} of such comparisons would show a change this large.",
            share=chance(verdict.p_value),
        )
    )
    told += _noise(verdict.noise, points)
    margin = size(verdict.margin, points)
    if verdict.not_worse:
        told.append(Message("Shown: it is not worse by more than {margin}.", margin=margin))
    else:
        told.append(Message("Not shown: that it is not worse by more than {margin}.", margin=margin))
    return (*told, *_rows(verdict.word, verdict.needed_rows, verdict.difference))


def _passing(values: Mapping[str, Message | str]) -> Message:
    return Message(
        "The share of questions that every scorer passes changed by {change}; the true change is most likely between {low} "
        "and {high}.",
        **values,
    )


def _averaged(values: Mapping[str, Message | str]) -> Message:
    return Message("The mean changed by {change}; the true change is most likely between {low} and {high}.", **values)


def _noise(noise: float, points: bool) -> list[Message]:
    if not noise:
        return []
    told = size(noise, points)
    return [Message("The same version asked twice differed by {noise}. A smaller change says nothing.", noise=told)]


def _word(found: ScorerVerdict, about: Circumstances) -> Message:
    if found.word == BETTER:
        return Message("Better: a change this large is unlikely to be chance.")
    if found.word == WORSE:
        return Message("Worse: a change this large is unlikely to be chance.")
    if found.adjusted_p <= about.sure:
        return Message("Cannot tell: the same version asked twice differs as much as this.")
    if found.p_value <= about.sure:
        return Message(
            "Cannot tell: alone it would be clear, but of {n} scorers one may well look changed by chance.",
            n=about.tests,
        )
    if not found.difference:
        return Message("Cannot tell: nothing changed by this scorer.")
    return Message("Cannot tell: a change this large may be chance.")


def _means(found: ScorerVerdict) -> Message:
    values = {
        "now": level(found.now, found.points),
        "before": level(found.before, found.points),
        "change": change(found.difference, found.points),
        "rows": found.rows,
    }
    if found.points:
        return Message("Of {rows} questions {now} pass now and {before} passed before: {change}.", **values)
    return Message("Over {rows} questions the mean is {now} now and was {before} before: {change}.", **values)


def _counts(found: ScorerVerdict) -> Message:
    return Message(
        "{better} {better:question|questions} got better, {worse} got worse, {same} stayed the same.",
        better=found.better,
        worse=found.worse,
        same=found.same,
    )


def _interval(found: ScorerVerdict) -> list[Message]:
    if found.low is None or found.high is None:
        return []
    return [
        Message(
            "The true change is most likely between {low} and {high}: 95 of 100 such ranges hold it.",
            low=change(found.low, found.points),
            high=change(found.high, found.points),
        )
    ]


def _chance(found: ScorerVerdict, about: Circumstances) -> Message:
    if about.tests == 1:
        return Message(
            "If both versions were equally good, {share} of such comparisons would show a change this large.",
            share=chance(found.p_value),
        )
    return Message(
        "If both versions were equally good, {share} of such comparisons would show a change this large; as {n} scorers "
        "are looked at, this counts as {adjusted}.",
        share=chance(found.p_value),
        n=about.tests,
        adjusted=chance(found.adjusted_p),
    )


def _margin(found: ScorerVerdict, about: Circumstances) -> Message:
    margin = size(found.margin, found.points)
    if found.not_worse:
        return Message("Shown: it is not worse by more than {margin}.", margin=margin)
    if about.margin_rows:
        return Message(
            "Not shown yet: that it is not worse by more than {margin}. About {n} more {n:question|questions} would show it.",
            margin=margin,
            n=f"{about.margin_rows:,}",
        )
    return Message("Not shown: that it is not worse by more than {margin}.", margin=margin)


def _rows(word: str, needed: int | None, difference: float) -> list[Message]:
    if word != UNSURE:
        return []
    if needed:
        return [
            Message(
                "About {n} more {n:question|questions} would settle it, if the change stays as it is.",
                n=f"{sizes.about(needed):,}",
            )
        ]
    if not difference:
        return [Message("No change was seen, so there is none that more questions could settle.")]
    return [Message("No number of questions can be given that would settle it.")]


def _open(found: ScorerVerdict, count: int) -> list[Message]:
    if not count:
        return []
    if found.points:
        return [
            Message(
                "{n} {n:question|questions} got no verdict from this scorer and {n:counts|count} as not passed.",
                n=count,
            )
        ]
    return [Message("{n} {n:question|questions} got no number from this scorer and {n:is|are} left out.", n=count)]
