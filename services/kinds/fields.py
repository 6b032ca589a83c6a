"""The fields of an agent's request, as its signature lists them: what the question fills, and what is asked beside it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import Model

Scalar = str | bool | int | float
QUESTION = ("question", "query", "prompt", "user_input", "input", "request", "message", "text", "content")
CONVERSATION = ("messages", "history", "conversation", "input")
NUMBERS = {"integer": int, "long": int, "float": float, "double": float}
USUAL: dict[str, Any] = {"boolean": False, "integer": 0, "long": 0, "float": 0.0, "double": 0.0, "string": ""}


@dataclass(frozen=True)
class Field:
    """`type` is MLflow's: string, long, double, boolean, datetime, or array, object, map; `of` is an array's inner type."""

    name: str
    type: str
    required: bool = True
    of: str = ""

    @property
    def plain(self) -> bool:
        """Whether a person can fill it: a text, a number, yes or no, or a list of texts with one per line."""
        return self.type not in ("array", "object", "map", "any", "binary") or (self.type, self.of) == (
            "array",
            "string",
        )

    def value_of(self, given: Any) -> Any:
        """What was typed, as the signature's type; raises ValueError."""
        if not isinstance(given, str):
            return given
        if self.type in NUMBERS:
            return NUMBERS[self.type](given)
        if self.type == "boolean":
            if given.strip().lower() not in ("true", "false"):
                raise ValueError(given)
            return given.strip().lower() == "true"
        return [line for line in given.splitlines() if line.strip()] if self.type == "array" else given


@dataclass(frozen=True)
class Fields:
    """`question` and `conversation` name the fields that a conversation fills; `listed`: requests come as a list.

    `example` is the request that was logged with the agent, if it was one with names.
    """

    all: tuple[Field, ...] = ()
    question: str = ""
    conversation: str = ""
    listed: bool = False
    known: bool = True
    example: Mapping[str, Any] | None = None

    @property
    def named(self) -> bool:
        return bool(self.all)

    @property
    def asks(self) -> bool:
        """Whether it takes a question."""
        return bool(self.question or self.conversation)

    @property
    def others(self) -> tuple[Field, ...]:
        """What is given beside the question."""
        return tuple(one for one in self.all if one.name not in (self.question, self.conversation))

    def usual(self, field: Field) -> Any:
        """The example's value, or nothing much."""
        found = (self.example or {}).get(field.name)
        return USUAL.get(field.type, "") if found is None and field.required else found


def fields_of(model: Model) -> Fields:
    """From the signature, where there is one; `known` is False where nothing says what a request looks like."""
    signature = model.signature
    if signature is None or signature.inputs is None:
        return Fields(known=False)
    columns = json.loads(signature.to_dict()["inputs"])
    example = _example(model)
    if len(columns) == 1 and not columns[0].get("name"):
        return _of_one(columns[0], example)
    return _sorted([_field(one["name"], one) for one in columns if one.get("name")], False, example)


def _of_one(column: Mapping[str, Any], example: Mapping[str, Any] | None) -> Fields:
    """What stands in a list without a name of its own: a text, an object, or a dictionary."""
    if column["type"] == "object":
        inner = [_field(name, told) for name, told in column["properties"].items()]
        return _sorted(inner, True, example)
    if column["type"] == "map":
        names = example or {"question": ""}
        return _sorted([_guessed(name, value) for name, value in names.items()], True, example)
    return Fields(listed=True)


def _sorted(fields: list[Field], listed: bool, example: Mapping[str, Any] | None) -> Fields:
    conversation = next((one.name for one in fields if one.name in CONVERSATION and one.of == "object"), "")
    texts = [one for one in fields if one.type == "string"]
    question = next((name for name in QUESTION if any(one.name == name for one in texts)), "")
    needed = [one for one in fields if one.required]
    if not question and not conversation and len(needed) == 1 and needed[0].type == "string":
        question = needed[0].name
    return Fields(tuple(fields), "" if conversation else question, conversation, listed, True, example)


def _field(name: str, told: Mapping[str, Any]) -> Field:
    of = told["items"]["type"] if told["type"] == "array" else ""
    return Field(name, told["type"], told.get("required", True), of)


def _guessed(name: str, value: Any) -> Field:
    """A field of a dictionary, by its value in the example."""
    if isinstance(value, list):
        return Field(name, "array", of="object" if value and isinstance(value[0], dict) else "string")
    kinds = ((bool, "boolean"), (int, "long"), (float, "double"), (dict, "map"))
    return Field(name, next((kind for of, kind in kinds if isinstance(value, of)), "string"))


def _example(model: Model) -> Mapping[str, Any] | None:
    """The logged example's one row, where it has names."""
    if not model.saved_input_example_info:
        return None
    try:
        found: Any = model.load_input_example()
    except (OSError, MlflowException):  # the agent can be asked without it
        return None
    return next(_rows(found), None)


def _rows(found: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(found, pd.DataFrame):
        found = found.to_dict("records")
    yield from (one for one in (found if isinstance(found, list) else [found]) if isinstance(one, dict))
