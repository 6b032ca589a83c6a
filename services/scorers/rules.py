"""The rules of the code checks: each reads an answer and says passed, failed or a number, and why."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # Streamlit's altair brings it, without types
import pyarrow as pa
import pyarrow.compute as pc
from jsonschema.exceptions import SchemaError  # type: ignore[import-untyped]  # as above
from referencing import Registry
from referencing.exceptions import Unresolvable

from services import wording
from services.messages import Message, mark
from services.wording import Finding

LONGEST = 20_000
# One value of each type, to try out what a schema refers to.
SAMPLES: tuple[Any, ...] = (None, True, 0, "", [], {})
VALUES = ("const", "enum", "default", "examples")
NGRAMS, BETA = 6, 2
TYPES: dict[str, str] = {
    "string": mark("text"),
    "number": mark("number"),
    "integer": mark("whole number"),
    "boolean": mark("yes or no"),
    "array": mark("list"),
    "object": mark("group of fields"),
}


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


def pattern(answer: str, settings: Mapping[str, Any]) -> Finding:
    """RE2 reads the pattern: its time grows with the text only, whatever the pattern is."""
    if not answer.strip():
        return Finding(False, Message("It says nothing."))
    written = str(settings["pattern"])
    fits = matches(written, answer, whole=bool(settings.get("whole")), ignore_case=bool(settings.get("ignore_case")))
    said = (
        Message("It fits the pattern “{pattern}”.", pattern=written)
        if fits
        else Message("It does not fit the pattern “{pattern}”.", pattern=written)
    )
    return Finding(fits is not bool(settings.get("forbidden")), said)


def matches(written: str, text: str, *, whole: bool = False, ignore_case: bool = False) -> bool:
    """Raises pyarrow's ArrowInvalid for a pattern that RE2 cannot read."""
    anchored = rf"\A(?:{written})\z" if whole else written
    return bool(pc.match_substring_regex(pa.scalar(text), pattern=anchored, ignore_case=ignore_case).as_py())


def problem_of_pattern(written: str) -> str | None:
    """What is wrong with a pattern, as the engine says it; None when it can be used."""
    try:
        matches(written, "")
    except pa.ArrowInvalid as error:
        return str(error).removeprefix("Invalid regular expression: ")
    return None


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


def json_form(answer: str, settings: Mapping[str, Any]) -> Finding:
    """JSON, with or without a code fence around it, that keeps the form."""
    try:
        read = json.loads(_unfenced(answer))
    except (ValueError, RecursionError):
        return Finding(False, Message("It is not JSON."))
    try:
        problem = next(iter(_validator(schema_of(settings)).iter_errors(read)), None)
    except RecursionError:
        return Finding(False, Message("It is nested too deeply to be checked."))
    if problem is None:
        return Finding(True, Message("It is JSON of the wanted form."))
    place = ".".join(str(part) for part in problem.absolute_path)
    if problem.validator == "required":
        gone = [one for one in problem.validator_value if one not in problem.instance]
        return Finding(
            False, Message("The JSON lacks “{name}”.", name=".".join(part for part in (place, gone[0]) if part))
        )
    return Finding(
        False, Message("“{name}” of the JSON is wrong: {reason}", name=place or "·", reason=problem.message[:200])
    )


def schema_of(settings: Mapping[str, Any]) -> Any:
    """The schema that was pasted, or one made from the listed fields; raises ValueError when it is no JSON."""
    if str(settings.get("schema") or "").strip():
        return json.loads(settings["schema"])
    fields = settings.get("fields") or []
    return {
        "type": "object",
        "properties": {one["name"]: {"type": one["type"]} for one in fields},
        "required": [one["name"] for one in fields if one["required"]],
    }


def problem_of_schema(settings: Mapping[str, Any]) -> str | None:
    """What is wrong with a JSON schema; None when it can be used."""
    try:
        schema = schema_of(settings)
        jsonschema.Draft202012Validator.check_schema(schema)
    except (ValueError, RecursionError) as error:
        return str(error)
    except SchemaError as error:
        return error.message[:200]
    if '"patternProperties"' in json.dumps(schema):
        return "patternProperties"
    wrong = [problem_of_pattern(one) for one in _patterns(schema)]
    return next((one for one in wrong if one), None) or _problem_of_references(schema)


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


def _unfenced(answer: str) -> str:
    text = answer.strip()
    if not (text.startswith("```") and text.endswith("```")):
        return text
    return text[3:-3].removeprefix("json").strip()


def _validator(schema: Any) -> Any:
    """Patterns inside a schema are read by RE2 too, and nothing is fetched from the network."""
    bounded = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"pattern": _fits})
    return bounded(schema, registry=Registry())


def _problem_of_references(schema: Any) -> str | None:
    """The first reference that leads nowhere, to another document, or in a circle without end."""
    whole = _validator(schema)
    for part in _referring(schema):
        try:
            for sample in SAMPLES:
                list(whole.evolve(schema=part).iter_errors(sample))
        except (Unresolvable, RecursionError):
            return f"$ref {part.get('$ref', part.get('$dynamicRef'))}"[:200]
    return None


def _referring(schema: Any) -> Iterable[dict[str, Any]]:
    """The parts with a reference; a part with an $id of its own is a document by itself, and is left out."""
    if isinstance(schema, list):
        for one in schema:
            yield from _referring(one)
    if not isinstance(schema, dict):
        return
    if isinstance(schema.get("$ref"), str) or isinstance(schema.get("$dynamicRef"), str):
        yield schema
    for name, value in schema.items():
        if name not in VALUES and not (isinstance(value, dict) and isinstance(value.get("$id"), str)):
            yield from _referring(value)


def _fits(validator: Any, written: str, instance: Any, schema: Any) -> Iterable[jsonschema.ValidationError]:
    if isinstance(instance, str) and not matches(written, instance):
        yield jsonschema.ValidationError(f"{instance!r} does not fit {written!r}")


def _patterns(schema: Any) -> Iterable[str]:
    if isinstance(schema, list):
        for one in schema:
            yield from _patterns(one)
    if not isinstance(schema, dict):
        return
    for name, value in schema.items():
        if name == "pattern" and isinstance(value, str):
            yield value
        yield from _patterns(value)
