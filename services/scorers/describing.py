"""What a scorer asks of an answer, in one plain sentence."""

from typing import Any

from services.messages import Message
from services.scorers import catalogue, rules, suites
from services.scorers.catalogue import LANGUAGES, PII, UNITS
from services.scorers.records import ScorerSpec

LONGEST = 160


def describe(spec: ScorerSpec) -> Message:
    """What the scorer asks of an answer, in one plain sentence."""
    if spec.kind == "builtin":
        return _mlflows(spec)
    if spec.kind == "suite":
        entry = catalogue.of(spec)
        return Message("{suite}: {asks}", suite=suites.of(entry.id.partition(".")[0]).name, asks=Message(entry.asks))
    if spec.kind == "judge":
        return _judge(spec.settings)
    if spec.kind == "code":
        return Message("Own code decides: the function {name}.", name=spec.settings["function"])
    if spec.kind == "grounded":
        return Message("A language model checks that the answer says only what the documents say that it was given.")
    if spec.kind == "guidelines":
        return Message("A language model checks: {guidelines}", guidelines=" · ".join(spec.settings["guidelines"]))
    return _rule(spec)


def _rule(spec: ScorerSpec) -> Message:
    settings = spec.settings
    if spec.kind == "length":
        shortest, longest = settings["shortest"], settings["longest"]
        return Message("The answer has {shortest} to {longest} characters.", shortest=shortest, longest=longest)
    if spec.kind == "mentions":
        return _mentions(*rules.phrases(settings))
    if spec.kind == "pattern":
        if settings.get("forbidden"):
            return Message("The answer does not fit the pattern “{pattern}”.", pattern=settings["pattern"])
        return Message("The answer fits the pattern “{pattern}”.", pattern=settings["pattern"])
    if spec.kind == "language":
        return Message("The answer is in {language}.", language=Message(LANGUAGES[settings["language"]]))
    if spec.kind == "json_schema":
        return Message("The answer is JSON of a form that programs can read.")
    if spec.kind == "similarity":
        return Message("How similar the answer is to the expected one, from 0 to 1.")
    if spec.kind == "polite":
        return Message(
            "The answer is polite: courteous expressions in English, です・ます endings in Japanese. A rule decides, not a model."
        )
    return Message(
        "Word list: the answer uses none of the listed offensive or dangerous words. A list decides, not a model."
    )


def _mentions(must: list[str], must_not: list[str]) -> Message:
    wanted, unwanted = "”, “".join(must), "”, “".join(must_not)
    if not must_not:
        return Message("The answer mentions “{phrase}”.", phrase=wanted)
    if not must:
        return Message("The answer does not mention “{phrase}”.", phrase=unwanted)
    return Message("The answer mentions “{phrase}” and not “{unwanted}”.", phrase=wanted, unwanted=unwanted)


def _mlflows(spec: ScorerSpec) -> Message:
    settings = spec.settings
    if settings["scorer"] == "ResponseLength":
        return Message(
            "The answer has {shortest} to {longest} {unit}.",
            shortest=settings["min_length"],
            longest=settings["max_length"],
            unit=Message(UNITS[settings["unit"]]),
        )
    if settings["scorer"] == "ConversationalGuidelines":
        guidelines = " · ".join(settings["guidelines"])
        return Message("A language model checks every answer of a conversation: {guidelines}", guidelines=guidelines)
    if settings["scorer"] == "PIIDetection" and len(settings["pii_types"]) == 1:
        return Message("The answer contains no {kind}.", kind=Message(PII[settings["pii_types"][0]]))
    return Message(catalogue.of(spec).asks)


def _judge(settings: Any) -> Message:
    asked = " ".join(str(settings["instructions"]).split())
    asked = asked if len(asked) <= LONGEST else f"{asked[:LONGEST]}…"
    if settings["answer"] == "number":
        low, high = settings["low"], settings["high"]
        return Message("A language model gives {low} to {high}: {instructions}", low=low, high=high, instructions=asked)
    return Message("A language model judges: {instructions}", instructions=asked)
