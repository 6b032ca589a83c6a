"""Interlock 2, the gate: what an evaluation must reach before its version may go live."""

from dataclasses import replace

import pandas as pd

from services import scorers, verdicts
from services.apps.gate import ALL_PASS, BETTER, WITHIN, Gate
from services.evaluations import Evaluation
from services.interlocks import limits
from services.interlocks.facts import Candidate, Finding, Light
from services.interlocks.limits import Broken
from services.messages import Message
from services.scorers import health

TITLE = Message("Gate")
WHY = Message("The gate is the promise that a change may not make answers worse than agreed.")


def gate(candidate: Candidate) -> list[Finding]:
    """2: one red finding for each rule of the gate that does not hold, or one green finding."""
    wanted, found = candidate.workspace.app.gate, candidate.evaluation
    if not wanted.minimum:
        mend = Message("Set the minimum scores on the Apps screen.")
        return [_red(Broken(Message("The gate asks for nothing yet."), WHY, mend, "apps"))]
    if found is None:
        mend = Message("Run the evaluation first.")
        missing = Message("There is nothing to judge yet.")
        return [_red(Broken(missing, WHY, mend, "evaluations", candidate.to_evaluate))]
    broken = [*_rows(candidate, wanted, found), *_scores(candidate, wanted, found), *_critical(candidate, wanted)]
    broken += [*_verdict(candidate, wanted), *limits.broken(candidate.rows, wanted, _open(candidate, found))]
    if candidate.live_agent is not None and candidate.baseline is None:
        broken.append(_uncompared(candidate))
    return [_red(one) for one in broken] or [Finding(2, TITLE, Light.GREEN, _clear(candidate), WHY)]


def _red(one: Broken) -> Finding:
    return Finding(2, TITLE, Light.RED, one.found, one.why, one.mend, one.screen, one.asks)


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


def _scores(candidate: Candidate, wanted: Gate, found: Evaluation) -> list[Broken]:
    """The minimum score and the judged rows of each scorer that gates, and whether a judge among them may."""
    broken = []
    today = {spec.name: scorers.scale(spec) for spec in scorers.all(candidate.workspace)}
    for name, minimum in wanted.minimum.items():
        if name in today and not wanted.measures(name, today[name]):
            broken.append(_other_scale(name))
            continue
        problem = _unjudged(name, wanted, found) or _too_low(name, minimum, wanted, found)
        if problem is not None:
            broken.append(replace(problem, asks=_open(candidate, found)))
        unfit = health.may_gate(candidate.workspace, name)
        if unfit is not None:
            why = Message(
                "A judge that people disagree with, or that often fails, cannot say whether answers are good."
            )
            mend = Message("Mend the judge on the Scorers screen, or choose another scorer for the gate.")
            broken.append(Broken(unfit, why, mend, "scorers"))
    return broken


def _other_scale(name: str) -> Broken:
    return Broken(
        Message("“{name}” is measured on another scale than when its minimum was set.", name=name),
        Message("A minimum says nothing about answers that are measured on another scale."),
        Message("Set its minimum again on the Apps screen."),
        "apps",
    )


def _unjudged(name: str, wanted: Gate, found: Evaluation) -> Broken | None:
    score = found.scores.get(name)
    why = Message("A score says nothing of the answers that it left out.")
    mend = Message("Open the evaluation and read why the scorer gave no verdict, then run it again.")
    if score is None or score.mean is None:
        return Broken(Message("The scorer {name} judged no row.", name=name), why, mend)
    fewest = wanted.judged.get(name) or found.rows - found.failed
    if score.judged >= fewest:
        return None
    if name in wanted.judged:
        few = Message(
            "The scorer {name} judged {judged} {judged:row|rows}; the gate asks for at least {fewest}.",
            name=name,
            judged=score.judged,
            fewest=fewest,
        )
        return Broken(few, why, mend)
    part = Message(
        "The scorer {name} judged only {judged} of {rows} {rows:row|rows}.",
        name=name,
        judged=score.judged,
        rows=found.rows,
    )
    return Broken(part, why, mend)


def _too_low(name: str, minimum: float, wanted: Gate, found: Evaluation) -> Broken | None:
    mean = found.scores[name].mean
    if mean is None or mean >= minimum:
        return None
    why = Message("Below the agreed minimum, customers get answers that you said you would not give.")
    mend = Message("Open the evaluation, look at the failed rows, and write a better prompt version.")
    if name in wanted.scales:
        low = Message(
            "“{name}” has a mean of {score}; the gate asks for at least {minimum}.",
            name=name,
            score=f"{mean:.2f}",
            minimum=f"{minimum:g}",
        )
        return Broken(low, why, mend)
    low = Message(
        "“{name}” passed {score} of the rows; the gate asks for at least {minimum}.",
        name=name,
        score=_percent(mean),
        minimum=_percent(minimum),
    )
    return Broken(low, why, mend)


def _critical(candidate: Candidate, wanted: Gate) -> list[Broken]:
    why = Message("A critical question is one that may never be answered wrongly.")
    mend = Message("Open the evaluation, look at the critical questions that fail, and write a better prompt version.")
    asks = _open(candidate, candidate.evaluation)
    if wanted.critical == ALL_PASS:
        failing = _failing_critical(candidate.rows, list(wanted.minimum))
        if not failing:
            return []
        found = Message("Critical questions that fail: {n}. Every one must pass.", n=failing)
        return [Broken(found, why, mend, asks=asks)]
    if candidate.verdict is None or not candidate.verdict.new_critical:
        return []
    found = Message("Critical questions that pass today would fail: {n}.", n=len(candidate.verdict.new_critical))
    return [Broken(found, why, mend, asks=asks)]


def _failing_critical(rows: pd.DataFrame, scorers: list[str]) -> int:
    critical = set(rows["row_id"][rows["critical"].astype(bool)]) if len(rows) else set()
    passed = verdicts.passes(rows, scorers)
    return int((~passed[passed.index.isin(critical)]).sum())


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
        mend = Message("Open the comparison, look at what got worse, and write a better prompt version.")
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
        else f"{name} {_percent(scores[name].mean or 0.0)} ≥ {_percent(least)}"
        for name, least in wanted.minimum.items()
    )


def _open(candidate: Candidate, found: Evaluation | None) -> dict[str, str]:
    """The evaluation to read, beside what is live when the two were compared."""
    if found is None:
        return {}
    against = {"against": candidate.baseline.run_id} if candidate.baseline and candidate.verdict else {}
    return {"run": found.run_id, **against}


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %".replace(".0 %", " %")
