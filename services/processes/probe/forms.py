"""How a question is written for a PythonModel, by the type hint of what it takes."""

import functools
import inspect
import re
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pydantic
from mlflow.pyfunc import PythonModel

Talk = list[dict[str, Any]]


@dataclass(frozen=True)
class Form:
    """One way to write a question; `name` is the one that is kept with the agent when no signature tells it."""

    write: Callable[[Talk], Any]
    name: str = ""


ROWS: dict[str, Callable[[Talk], dict[str, Any]]] = {
    "messages": lambda talk: {"messages": talk},
    "input": lambda talk: {"input": talk},
    "question": lambda talk: {"question": talk[-1]["content"]},
    "query": lambda talk: {"query": talk[-1]["content"]},
    "prompt": lambda talk: {"prompt": talk[-1]["content"]},
}
EXAMPLE = "example"
MODULE = re.compile(r"\b(typing|code_model_\w+)\.")
QUESTION_NAMES = ("question", "query", "prompt", "user_input", "input", "request", "message", "text", "content")


def hints(agent: Any) -> tuple[Any, Any]:
    """What predict takes and gives, by its type hints; None where it does not say."""
    function = agent.predict if isinstance(agent, PythonModel) else agent
    known = typing.get_type_hints(inspect.unwrap(function))
    names = [name for name in inspect.signature(function).parameters if name not in ("self", "context", "params")]
    takes = known.get(names[0]) if names else None
    gives = known.get("return")
    return takes, None if gives in (Any, type(None)) or gives is pd.DataFrame else gives


def forms(hint: Any) -> list[Form]:
    """Ways to write a question for this hint, the likeliest first."""
    inner = (typing.get_args(hint) or (Any,))[0]
    several = typing.get_origin(hint) is list
    if hint is str:
        return [Form(text, "text")]
    if several and inner is str:
        return [Form(listed(text))]
    if is_model(hint):
        return [Form(functools.partial(filled, hint))]
    if several and is_model(inner):
        return [Form(listed(functools.partial(filled, inner)))]
    if several:
        return [Form(lambda talk: talk), *(Form(listed(row)) for row in ROWS.values())]
    tables = [Form(table(row)) for row in ROWS.values()]
    if hint is pd.DataFrame:
        return tables
    named = [Form(row, name) for name, row in ROWS.items()]
    return [*named, Form(listed(text), "list"), Form(text, "text"), *tables]


def text(talk: Talk) -> str:
    return str(talk[-1]["content"])


def listed(form: Callable[[Talk], Any]) -> Callable[[Talk], Any]:
    return lambda talk: [form(talk)]


def table(row: Callable[[Talk], dict[str, Any]]) -> Callable[[Talk], Any]:
    return lambda talk: pd.DataFrame([row(talk)])


def is_model(hint: Any) -> bool:
    return isinstance(hint, type) and not typing.get_args(hint) and issubclass(hint, pydantic.BaseModel)


def filled(model: type[pydantic.BaseModel], talk: Talk) -> dict[str, Any]:
    """A dictionary that fits a pydantic model, with the question in its texts."""
    fields = {name: field.annotation for name, field in model.model_fields.items() if field.is_required()}
    texts = [name for name, hint in fields.items() if hint is str]
    asked = next((name for name in QUESTION_NAMES if name in texts), texts[0] if len(texts) == 1 else "")
    return {
        name: EXAMPLE if hint is str and asked and name not in (asked, "role") else value_for(name, hint, talk)
        for name, hint in fields.items()
    }


def value_for(name: str, hint: Any, talk: Talk) -> Any:
    inner = (typing.get_args(hint) or (Any,))[0]
    if typing.get_origin(hint) is list:
        turns = [[turn] for turn in talk] if talk else []
        return [value_for(name, inner, turn) for turn in turns]
    if is_model(hint):
        return filled(hint, talk)
    if typing.get_origin(hint) is dict:
        return talk[-1]
    simple = {int: 1, float: 1.0, bool: True}
    return simple.get(hint, talk[-1]["role"] if name == "role" else talk[-1]["content"])


def name_of(hint: Any) -> str:
    """As the file writes it: MLflow runs the file as a module with a name of its own."""
    plain = isinstance(hint, type) and not typing.get_args(hint)
    return hint.__name__ if plain else MODULE.sub("", str(hint))
