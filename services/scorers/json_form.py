"""Answers in JSON: whether they keep a form, and whether a form can be asked for."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # without types
from jsonschema.exceptions import SchemaError  # type: ignore[import-untyped]  # as above
from referencing import Registry
from referencing.exceptions import Unresolvable

from services.messages import Message, mark
from services.scorers.patterns import matches, problem_of_pattern
from services.wording import Finding

# One value of each type, to try out what a schema refers to.
SAMPLES: tuple[Any, ...] = (None, True, 0, "", [], {})
VALUES = ("const", "enum", "default", "examples")
TYPES: dict[str, str] = {
    "string": mark("text"),
    "number": mark("number"),
    "integer": mark("whole number"),
    "boolean": mark("yes or no"),
    "array": mark("list"),
    "object": mark("group of fields"),
}


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


def _unfenced(answer: str) -> str:
    text = answer.strip()
    if not (text.startswith("```") and text.endswith("```")):
        return text
    return text[3:-3].removeprefix("json").strip()


def _validator(schema: Any) -> Any:
    """Patterns inside a schema are read by RE2 too, and nothing is fetched from the network."""
    bounded = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"pattern": _fits})
    return bounded(schema, registry=Registry())


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
