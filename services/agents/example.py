"""The request that is logged with an agent as its example, in the form that its kind takes."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from services import kinds, prompts
from services.agents.checking import Report
from services.agents.checking.probe import QUESTION
from services.agents.form import AgentForm
from services.kinds import FORM_KEY

if TYPE_CHECKING:
    from services.workspace import Workspace

ANY_QUESTION, ANY_TEXT = "Hello!", "example"


def of(workspace: "Workspace", form: AgentForm) -> dict[str, Any] | None:
    """The request that MLflow stores and asks the agent; inputs named like an open variable of the prompt fill it."""
    question = form.example_question.strip() or "".join(workspace.app.smoke_questions[:1])
    if not question and not form.example_inputs:
        return None
    of_prompt = (
        prompts.version(workspace, form.prompt_name, form.first_version).variables
        if form.prompted and form.first_version is not None
        else frozenset[str]()
    )
    variables = {name: value for name, value in form.example_inputs.items() if name in of_prompt}
    own: dict[str, Any] = {name: value for name, value in form.example_inputs.items() if name not in of_prompt}
    custom = own | ({"variables": variables} if variables else {})
    asked = {"input": [{"role": "user", "content": question or ANY_QUESTION}]}
    return asked | ({"custom_inputs": custom} if custom else {})


def of_kind(example: dict[str, Any] | None, report: Report) -> dict[str, Any]:
    """The arguments of `log_model` that tell what a request of this kind looks like."""
    if report.kind == "PythonModel":
        return _of_python(example or {}, report.taken)
    if example is None or report.kind != "ChatAgent":
        return {"input_example": example}
    return {"input_example": {"messages" if name == "input" else name: value for name, value in example.items()}}


def _of_python(example: Mapping[str, Any], taken: Mapping[str, Any]) -> dict[str, Any]:
    """What the check found to be taken, with the form's question and inputs in it.

    MLflow makes a signature of it; where it would then hand over another type than it took, the form's name is kept.
    """
    if "form" in taken:
        return {"input_example": None, "metadata": {FORM_KEY: taken["form"]}}
    question = next((turn["content"] for turn in reversed(example.get("input") or [])), QUESTION)
    question = ANY_TEXT if _takes_none(taken) else question
    custom = example.get("custom_inputs") or {}
    if "table" in taken:
        return {"input_example": pd.DataFrame([_filled(row, question, custom) for row in taken["table"]])}
    return {"input_example": _filled(taken.get("request"), question, custom)}


def _takes_none(taken: Mapping[str, Any]) -> bool:
    """Whether the check put its question into some field, because none of several is meant for one."""
    request = taken.get("table") or taken.get("request")
    row = request[0] if isinstance(request, list) and request else request
    names = set(row) if isinstance(row, dict) else set()
    return len(names) > 1 and not names & {*kinds.QUESTION, *kinds.CONVERSATION}


def _filled(value: Any, question: str, inputs: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        return {
            name: _typed(inputs[name], inner) if name in inputs else _filled(inner, question, inputs)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_filled(one, question, inputs) for one in value]
    return question if value == QUESTION else value


def _typed(text: Any, like: Any) -> Any:
    """What was typed as the type of what the agent took; a text that cannot be one stays a text, which MLflow refuses."""
    if not isinstance(text, str) or isinstance(like, str):
        return text
    if isinstance(like, bool):
        return text.strip().lower() in ("true", "yes", "1")
    try:
        return type(like)(text) if isinstance(like, int | float) else text
    except ValueError:
        return text
