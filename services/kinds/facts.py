"""Which kind of agent a LoggedModel is, by the task and the signature that MLflow keeps with it."""

from enum import StrEnum

from mlflow.models import Model

from services.kinds.fields import fields_of

TASKS = {
    "agent/v1/responses": "ResponsesAgent",
    "agent/v2/chat": "ChatAgent",
    "agent/v1/chat": "ChatAgent",
    "llm/v1/chat": "ChatAgent",
}


class Kind(StrEnum):
    """FORM is an agent that takes no question but fields; the others hold a conversation."""

    RESPONSES = "ResponsesAgent"
    CHAT = "ChatAgent"
    PYTHON = "PythonModel"
    FORM = "form"


def kind_of(model: Model) -> Kind:
    task = TASKS.get(str((model.metadata or {}).get("task")))
    if task:
        return Kind(task)
    fields = fields_of(model)
    return Kind.FORM if fields.named and not fields.asks else Kind.PYTHON
