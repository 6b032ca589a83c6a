"""What the form for a new agent asks, and what an agent's name and file must be."""

from dataclasses import dataclass

from services.errors import InvalidInputError
from services.messages import Message

LONGEST_NAME = 100
LONGEST_SOURCE = 1_000_000


@dataclass(frozen=True)
class AgentForm:
    """What the form asks for; without `source` the built-in agent is logged, with it that Python file."""

    name: str
    prompt_name: str
    first_version: int
    pinned: bool
    llm_model: str
    source: str | None = None
    temperature: float | None = None
    max_output_tokens: int | None = None


def check(form: AgentForm) -> None:
    """Raise InvalidInputError for a name that MLflow refuses, or a file that cannot be an agent."""
    if not form.name.strip():
        raise InvalidInputError(Message("The agent has no name."), Message("Type one that says what it does."))
    if len(form.name) > LONGEST_NAME:
        raise InvalidInputError(
            Message("The agent's name has {n} characters; {limit} are allowed.", n=len(form.name), limit=LONGEST_NAME),
            Message("Shorten it."),
        )
    if set(form.name) & set("/:.%\"'"):
        raise InvalidInputError(
            Message("“{name}” cannot be an agent's name.", name=form.name),
            Message("Use letters, digits, blanks and hyphens."),
        )
    if not form.llm_model.strip():
        raise InvalidInputError(Message("No model is named."), Message("Type the name of the model that answers."))
    if form.source is not None:
        _check_source(form.source)


def _check_source(source: str) -> None:
    try:
        compile(source, "agent.py", "exec")
    except SyntaxError as error:
        raise InvalidInputError(
            Message(
                "Line {line} of the agent's file is not Python: {reason}.", line=error.lineno or 0, reason=error.msg
            ),
            Message("Correct that line and choose the file again."),
        ) from error
    if "set_model(" not in source:
        raise InvalidInputError(
            Message("The agent's file does not say which object is the agent."),
            Message("End it with mlflow.models.set_model(…) and choose it again."),
        )
    if len(source) > LONGEST_SOURCE:
        raise InvalidInputError(Message("The agent's file is too large."), Message("Keep data out of the file."))
