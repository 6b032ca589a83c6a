"""The request of a PythonModel or a function, by its signature."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import BAD_REQUEST, INVALID_PARAMETER_VALUE, ErrorCode

from services.kinds.answers import plain_text
from services.kinds.fields import Field, Fields
from services.kinds.refusal import Misfit

Form = Callable[[Mapping[str, Any]], Any]
# What Python raises when code is given a form that it does not know; DOUBTFUL may have another reason, which passes.
UNFORESEEN = (IndexError, TypeError, AttributeError)
DOUBTFUL = (KeyError, ValueError, MlflowException)
REFUSED = (ErrorCode.Name(BAD_REQUEST), ErrorCode.Name(INVALID_PARAMETER_VALUE))
LINE = re.compile(r"^\s*([A-Za-z_]\w*)\s*[:=]\s*(.*)$")
FORM_KEY = "signalbox_form"
USUAL_FORMS: dict[str, Form] = {
    "messages": lambda asked: {"messages": talk(asked)},
    "input": lambda asked: {"input": talk(asked)},
    "question": lambda asked: {"question": question(asked)},
    "query": lambda asked: {"query": question(asked)},
    "prompt": lambda asked: {"prompt": question(asked)},
    "list": lambda asked: [question(asked)],
    "text": lambda asked: question(asked),
}
MISSING = (("messages",), ("input",), ("question",), ("query",), ("prompt",), (0,))


def talk(asked: Mapping[str, Any]) -> list[dict[str, str]]:
    """What was said, without tools."""
    said = [one for one in asked.get("input") or [] if one.get("type", "message") == "message"]
    return [{"role": str(one.get("role", "user")), "content": plain_text(one.get("content"))} for one in said]


def question(asked: Mapping[str, Any]) -> str:
    """The last that a person said."""
    return next((one["content"] for one in reversed(talk(asked)) if one["role"] == "user"), "")


def native(fields: Fields, asked: Mapping[str, Any]) -> Any:
    """The request in the signature's own form; raises Misfit for a field that is missing or cannot be read."""
    if not fields.named:
        return [question(asked)]
    if fields.listed and {one.name for one in fields.all} == {"role", "content"}:
        return talk(asked)
    row = {one.name: _value(fields, one, asked) for one in fields.all}
    row = {name: value for name, value in row.items() if value is not None}
    return [row] if fields.listed else pd.DataFrame([row])


def _value(fields: Fields, field: Field, asked: Mapping[str, Any]) -> Any:
    if field.name == fields.question:
        return question(asked)
    if field.name == fields.conversation:
        return talk(asked)
    given = (asked.get("custom_inputs") or {}).get(field.name)
    if given is None and not fields.asks:
        given = written(question(asked)).get(field.name)
        if given is None and field.required:
            raise Misfit(f"“{field.name}” is missing.")
    if given is None:
        return fields.usual(field)
    try:
        return field.value_of(given)
    except ValueError as error:
        raise Misfit(f"“{field.name}” is {str(given)[:50]!r}, not of the type {field.type}.") from error


def fits(fields: Fields, text: str) -> bool:
    """Whether a text is a request of its own to an agent that takes no question."""
    try:
        native(fields, {"input": [{"role": "user", "content": text}]})
    except Misfit:
        return False
    return True


def written(text: str) -> dict[str, str]:
    """Fields that stand in a text, one per line: `amount: 3`; a line without a name goes on with the one before."""
    found: dict[str, str] = {}
    last = ""
    for line in text.splitlines():
        named = LINE.match(line)
        if named:
            last = named[1]
            found[last] = named[2].strip()
        elif last:
            found[last] += f"\n{line}"
    return found


def first_taken(ask: Callable[[Any], Any], asked: Mapping[str, Any]) -> tuple[Any, Form | None]:
    """The answer to the first of the usual forms that is taken, and that form to keep: None after a doubtful failure.

    Raises what has nothing to do with the form at once; when no form is taken, the first doubtful failure.
    """
    failures: list[Exception] = []
    for form in USUAL_FORMS.values():
        try:
            answered = ask(form(asked))
        except (*UNFORESEEN, *DOUBTFUL) as error:
            if isinstance(error, MlflowException) and error.error_code not in REFUSED:
                raise
            failures.append(error)
        else:
            return answered, None if any(map(_is_doubtful, failures)) else form
    raise next(filter(_is_doubtful, failures), failures[-1])


def _is_doubtful(error: Exception) -> bool:
    """Whether something else than the form may have failed; a usual field or a first place that is missing is the form's."""
    if isinstance(error, KeyError):
        return error.args[:1] not in MISSING
    return isinstance(error, DOUBTFUL)
