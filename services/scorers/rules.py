"""The rules of the code checks: each reads an answer and says passed, failed or a number, and why."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services import wording
from services.messages import Message
from services.scorers.json_form import json_form
from services.scorers.patterns import pattern
from services.wording import Finding

LONGEST = 20_000
NGRAMS, BETA = 6, 2


@dataclass(frozen=True)
class Measure:
    """A number that a rule found, and what it means."""

    value: float
    reason: Message


def decide(kind: str, settings: Mapping[str, Any], answer: str, question: str = "") -> Finding:
    """What a rule that says passed or failed found in the answer."""
    if kind == "length":
        return wording.length(answer, int(settings["shortest"]), int(settings["longest"]))
    if kind == "mentions":
        return mentions(answer, *phrases(settings))
    if kind == "pattern":
        return pattern(answer, settings)
    if kind == "language":
        return language(answer, str(settings["language"]), question)
    if kind == "json_schema":
        return json_form(answer, settings)
    return wording.polite(answer) if kind == "polite" else wording.safe(answer)


def phrases(settings: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """What must and what must not be mentioned; older settings hold a single phrase."""
    must = settings["must"] if "must" in settings else [settings["phrase"]]
    return list(must), list(settings.get("must_not", []))


def mentions(answer: str, must: list[str], must_not: list[str]) -> Finding:
    """Every phrase of `must` and none of `must_not`; the first that is wrong is named."""
    found = [wording.mentions(answer, one) for one in must]
    missing = next((one for one in found if not one.passed), None)
    if missing or not answer.strip():
        return missing or Finding(False, Message("It says nothing."))
    folded = wording.plain(answer)
    wrong = next((one for one in must_not if wording.plain(one) in folded), None)
    if wrong is not None:
        return Finding(False, Message("It mentions “{phrase}”, which it must not.", phrase=wrong))
    if not must:
        return Finding(True, Message("It mentions nothing that it must not."))
    if len(must) == 1:
        return found[0]
    return Finding(True, Message("It mentions all {n} {n:phrase|phrases} that it must.", n=len(must)))


def language(answer: str, wanted: str, question: str) -> Finding:
    """In `wanted`, or in the question's own language."""
    asked = (wording.language(question) if question else None) if wanted == "same" else wanted
    spoken = wording.language(answer)
    if spoken is None:
        return Finding(False, Message("It says nothing."))
    if asked is None:
        return Finding(True, Message("The language of the question is not known."))
    names = {"ja": Message("Japanese"), "en": Message("English")}
    if spoken == asked:
        return Finding(True, Message("It is in {language}.", language=names[spoken]))
    return Finding(
        False, Message("It is in {language} instead of {wanted}.", language=names[spoken], wanted=names[asked])
    )


def similarity(answer: str, expected: str) -> Measure:
    """chrF of Popović (2015) as sacreBLEU computes it: F2 over character n-grams of 1 to 6, blanks left out; 0 to 1."""
    said, wanted = ("".join(wording.plain(text)[:LONGEST].split()) for text in (answer, expected))
    precisions, recalls = [], []
    for n in range(1, NGRAMS + 1):
        ours, theirs = _ngrams(said, n), _ngrams(wanted, n)
        if not ours or not theirs:
            continue
        shared = (ours & theirs).total()
        precisions.append(shared / ours.total())
        recalls.append(shared / theirs.total())
    value = _f_score(_mean(precisions), _mean(recalls))
    return Measure(
        value, Message("It shares {n} % of its short letter runs with the expected answer.", n=round(value * 100))
    )


def _f_score(precision: float, recall: float) -> float:
    weighted = BETA**2 * precision + recall
    return round((1 + BETA**2) * precision * recall / weighted, 4) if weighted else 0.0


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _ngrams(text: str, n: int) -> Counter[str]:
    return Counter(text[at : at + n] for at in range(len(text) - n + 1))
