"""Interlock 2, the gate: what an evaluation must reach before its version may go live."""

import pandas as pd

from services import verdicts
from services.apps.gate import ALL_PASS, BETTER, WITHIN, Gate
from services.evaluations import Evaluation
from services.interlocks import limits, minimums
from services.interlocks.facts import Candidate, Finding, Light
from services.interlocks.limits import AT_THE_GATE, Broken
from services.messages import Message, mark
from services.verdicts.numbers import percent

TITLE = Message("Gate")
NAMED, LONGEST_QUESTION = 3, 90
FAILING = {
    True: mark("Critical questions that fail: {n}. Every one must pass. {questions}"),
    False: mark("Critical questions that pass today would fail: {n}. {questions}"),
}
WHY = Message("The gate is the promise that a change may not make answers worse than agreed.")


def gate(candidate: Candidate) -> list[Finding]:
    """2: one red finding for each rule of the gate that does not hold, or one green finding."""
    wanted, found = candidate.workspace.app.gate, candidate.evaluation
    if not wanted.minimum:
        mend = Message("Set the minimum scores on the Apps screen.")
        return [_red(Broken(Message("The gate asks for nothing yet."), WHY, mend, "apps", AT_THE_GATE))]
    if found is None:
        mend = Message("Run the evaluation first.")
        missing = Message("There is nothing to judge yet.")
        return [_red(Broken(missing, WHY, mend, "evaluations", candidate.to_evaluate))]
    asks = _open(candidate, found)
    broken = [*_rows(candidate, wanted, found), *minimums.broken(candidate, found, asks), *_critical(candidate, wanted)]
    broken += [
        *_verdict(candidate, wanted),
        *limits.broken(candidate.rows, wanted, asks, candidate.workspace.app.money),
    ]
    if candidate.live_agent is not None and candidate.baseline is None:
        broken.append(_uncompared(candidate))
    return [_red(one) for one in broken] or [Finding(2, TITLE, Light.GREEN, _clear(candidate), WHY)]


def _red(one: Broken) -> Finding:
    return Finding(2, TITLE, Light.RED, one.found, one.why, one.mend, one.screen, one.asks, one.critical)


def _rows(candidate: Candidate, wanted: Gate, found: Evaluation) -> list[Broken]:
    questions = found.rows // max(found.repeats, 1)
    if questions >= wanted.rows:
        return []
    return [
        Broken(
            Message(
                "The evaluation has {rows} {rows:row|rows}; the gate asks for {wanted}.",
                rows=questions,
                wanted=wanted.rows,
            ),
            Message("With few questions one lucky answer moves the score a lot."),
            Message("Add questions on the Datasets screen, then run the evaluation again."),
            "datasets",
        )
    ]


def _critical(candidate: Candidate, wanted: Gate) -> list[Broken]:
    why = Message("A critical question is one that may never be answered wrongly.")
    mend = Message("Open the evaluation, look at the critical questions that fail, and write a better prompt version.")
    asks = _open(candidate, candidate.evaluation)
    if wanted.critical == ALL_PASS:
        failing = _failing_critical(candidate.rows, list(wanted.minimum))
    else:
        failing = candidate.verdict.new_critical if candidate.verdict else []
    if not failing:
        return []
    named = _named(candidate.rows, failing)
    some = " · ".join([*list(named.values())[:NAMED], *(["…"] if len(named) > NAMED else [])])
    found = Message(FAILING[wanted.critical == ALL_PASS], n=len(named), questions=some)
    return [Broken(found, why, mend, asks=asks, critical=named)]


def _failing_critical(rows: pd.DataFrame, scorers: list[str]) -> list[str]:
    critical = set(rows["row_id"][rows["critical"].astype(bool)]) if len(rows) else set()
    passed = verdicts.passes(rows, scorers)
    return [str(id) for id in passed[passed.index.isin(critical) & ~passed].index]


def _named(rows: pd.DataFrame, ids: list[str]) -> dict[str, str]:
    """The questions of these rows, each in one line and cut."""
    asked = dict(zip(rows["row_id"].astype(str), rows["question"].astype(str), strict=True))
    return {id: _cut(" ".join(asked[id].split())) for id in ids}


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_QUESTION else text[: LONGEST_QUESTION - 1] + "…"


def _verdict(candidate: Candidate, wanted: Gate) -> list[Broken]:
    """Whatever the rule: what is shown to be worse, overall or by one scorer, does not pass."""
    verdict = candidate.verdict
    if verdict is None:
        return []
    asks = _open(candidate, candidate.evaluation)
    worse = [one.name for one in verdict.scorers if one.word == verdicts.WORSE]
    if verdict.word == verdicts.WORSE or worse:
        found = Message(
            "It is worse than what is live: {worse} {worse:row|rows} got worse, {better} got better.",
            worse=verdict.worse,
            better=verdict.better,
        )
        if verdict.word != verdicts.WORSE:
            found = Message("It is worse than what is live by {names}.", names=", ".join(worse))
        mend = Message("Open the evaluation, look at what got worse, and write a better prompt version.")
        return [Broken(found, Message("A difference this large is unlikely to be chance."), mend, asks=asks)]
    if wanted.verdict == WITHIN and not _within(verdict):
        found = Message(
            "It is not shown yet that it is not worse than what is live by more than {margin} points.",
            margin=f"{wanted.margin * 100:g}",
        )
        why = Message("The gate asks for proof that no more is lost than agreed; few questions cannot give it.")
        return [Broken(found, why, _more(verdict), "datasets")]
    if wanted.verdict == BETTER and verdict.word != verdicts.BETTER:
        found = Message(
            "It is not shown to be better than what is live: {better} {better:row|rows} got better, {worse} got worse.",
            better=verdict.better,
            worse=verdict.worse,
        )
        if verdict.quiet:
            found = Message("It is not shown to be better: the same version asked twice differs as much as this.")
        why = Message("The gate asks that a change is worth it: better, and not by chance.")
        return [Broken(found, why, _more(verdict), "evaluations", asks)]
    return []


def _within(verdict: verdicts.Verdict) -> bool:
    return verdict.not_worse and all(one.not_worse for one in verdict.scorers)


def _more(verdict: verdicts.Verdict) -> Message:
    if verdict.needed_rows:
        return Message(
            "Add about {n} {n:question|questions} on the Datasets screen and evaluate both again, or write a better prompt version.",
            n=verdicts.about(verdict.needed_rows),
        )
    return Message("Add questions on the Datasets screen and evaluate both again, or write a better prompt version.")


def _uncompared(candidate: Candidate) -> Broken:
    found = Message("What is live was not evaluated on today's dataset with today's scorers: nothing can be compared.")
    asks, version = {"agent": candidate.live_agent or ""}, candidate.live_prompt
    if version is None:
        return Broken(
            found, WHY, Message("Run an evaluation of the live agent on the Evaluations screen."), "evaluations", asks
        )
    mend = Message(
        "Run an evaluation of the live agent with prompt version {version} on the Evaluations screen.", version=version
    )
    return Broken(found, WHY, mend, "evaluations", asks | {"version": str(version)})


def _clear(candidate: Candidate) -> Message:
    if candidate.verdict is None:
        return Message(
            "Every minimum is reached: {scores}. Nothing is live to compare with.", scores=_reached(candidate)
        )
    values = {"better": candidate.verdict.better, "worse": candidate.verdict.worse, "scores": _reached(candidate)}
    if candidate.verdict.quiet:
        return Message(
            "Every minimum is reached: {scores}. Compared with what is live: {better} rows better, {worse} worse; the same version asked twice differs as much as this.",
            **values,
        )
    return Message(
        "Every minimum is reached: {scores}. Compared with what is live: {better} rows better, {worse} worse.", **values
    )


def _reached(candidate: Candidate) -> str:
    """Every score beside its minimum, in signs that need no translation."""
    wanted, scores = candidate.workspace.app.gate, candidate.evaluation.scores if candidate.evaluation else {}
    return ", ".join(
        f"{name} {scores[name].mean or 0:.2f} ≥ {least:g}"
        if name in wanted.scales
        else f"{name} {percent(scores[name].mean or 0.0)} ≥ {percent(least)}"
        for name, least in wanted.minimum.items()
    )


def _open(candidate: Candidate, found: Evaluation | None) -> dict[str, str]:
    """The evaluation to read, beside what is live when the two were compared."""
    if found is None:
        return {}
    against = {"against": candidate.baseline.run_id} if candidate.baseline and candidate.verdict else {}
    return {"run": found.run_id, **against}
