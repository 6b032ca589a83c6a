"""The gate's minimum scores: reached, on the scale they were set for, by scorers that may decide."""

from collections.abc import Mapping
from dataclasses import replace

from services import scorers
from services.apps.gate import Gate
from services.evaluations import Evaluation
from services.interlocks.facts import Candidate
from services.interlocks.limits import AT_THE_GATE, Broken
from services.messages import Message
from services.scorers import health
from services.verdicts.numbers import percent


def broken(candidate: Candidate, found: Evaluation, asks: Mapping[str, str]) -> list[Broken]:
    """The minimum and the judged rows of each scorer that gates, and whether a judge among them may.

    `asks` opens the evaluation.
    """
    wanted, told = candidate.workspace.app.gate, list[Broken]()
    today = {spec.name: scorers.scale(spec) for spec in scorers.all(candidate.workspace)}
    for name, minimum in wanted.minimum.items():
        if name in today and not wanted.measures(name, today[name]):
            told.append(_other_scale(name))
            continue
        problem = _unjudged(name, wanted, found) or _too_low(name, minimum, wanted, found)
        if problem is not None:
            told.append(replace(problem, asks=asks))
        unfit = health.may_gate(candidate.workspace, name)
        if unfit is not None:
            why = Message(
                "A judge that people disagree with, or that often fails, cannot say whether answers are good."
            )
            mend = Message("Mend the judge on the Scorers screen, or choose another scorer for the gate.")
            told.append(Broken(unfit, why, mend, "scorers"))
    return told


def _other_scale(name: str) -> Broken:
    return Broken(
        Message("“{name}” is measured on another scale than when its minimum was set.", name=name),
        Message("A minimum says nothing about answers that are measured on another scale."),
        Message("Set its minimum again on the Apps screen."),
        "apps",
        AT_THE_GATE,
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
        score=percent(mean),
        minimum=percent(minimum),
    )
    return Broken(low, why, mend)
