"""What may be given to an agent beside the question: variables that its app leaves open, and inputs of its own."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlflow.models import Model

from services import apps, kinds, production, prompts
from services.agents import shipping
from services.agents.records import AgentVersion
from services.errors import ConsoleError, InvalidInputError, translated
from services.kinds import Kind
from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace

Scalar = str | bool | int | float
LONGEST = 100_000
# The built-in agent reads these itself; the variables of its prompt are asked one by one.
OF_THE_AGENT = ("variables",)


@dataclass(frozen=True)
class Inputs:
    """`variables` of the prompt that nobody fills; `own` inputs by name, each with the value of the input example.

    `asks`: whether it takes a question; one that does not is asked by its own inputs alone. `lines`: those with a list
    of texts, one per line.
    """

    variables: tuple[str, ...] = ()
    own: Mapping[str, Scalar] | None = None
    asks: bool = True
    lines: frozenset[str] = frozenset()

    def request(self, given: Mapping[str, Scalar]) -> dict[str, Any]:
        """The request's `custom_inputs` of what was typed; what stayed empty is left out."""
        typed = {name: value for name, value in given.items() if value != ""}
        variables = {name: str(typed[name]) for name in self.variables if name in typed}
        own = {name: typed[name] for name in self.own or {} if name in typed}
        return own | ({"variables": variables} if variables else {})

    def written(self, given: Mapping[str, Scalar]) -> str:
        """What stands for the question of an agent that takes none: its fields, one per line."""
        return "\n".join(f"{name}: {given[name]}" for name in self.own or {} if given.get(name, "") != "")


def inputs(workspace: "Workspace", agent: AgentVersion, versions: Sequence[int | None]) -> Inputs:
    """What one agent can be given when it answers with these versions of its prompt (None: as the agent has it)."""
    if agent.fields.named:
        fields = [one for one in agent.fields.others if one.plain]
        usual = {one.name: agent.fields.usual(one) for one in fields}
        values = {
            one.name: _shown(False if (one.type, usual[one.name]) == ("boolean", None) else usual[one.name])
            for one in fields
        }
        listed = frozenset(one.name for one in fields if one.type == "array")
        return Inputs((), values, asks=agent.kind is not Kind.FORM, lines=listed)
    variables = _open_variables(workspace, agent, versions)
    own = _own(workspace, agent.model_id)
    return Inputs(variables, {name: value for name, value in own.items() if name not in variables})


def smoke_questions(workspace: "Workspace", agent: AgentVersion) -> tuple[str, ...]:
    """What shows that an agent answers: the app's smoke questions; of one that takes a form, those that fill it.

    Where none of them does, the example that it was logged with. Empty where there is nothing to ask.
    """
    asked = workspace.app.smoke_questions
    if agent.kind is not Kind.FORM:
        return asked
    filling = tuple(one for one in asked if kinds.fits(agent.fields, one))
    known = inputs(workspace, agent, ())
    return filling or tuple(filter(None, [known.written(known.own or {})]))


def check(given: Mapping[str, Any]) -> None:
    """Raises InvalidInputError for a value that is too long to be sent."""
    for name, value in given.items():
        if len(str(value)) > LONGEST:
            raise InvalidInputError(
                Message(
                    "“{name}” has {n} characters; {limit} are allowed.", name=name, n=len(str(value)), limit=LONGEST
                ),
                Message("Shorten it."),
            )


def _open_variables(workspace: "Workspace", agent: AgentVersion, versions: Sequence[int | None]) -> tuple[str, ...]:
    """Only an agent that was logged here tells, by its constants, which variables it fills."""
    if "constants" not in agent.config or agent.prompt_name not in prompts.names(workspace):
        return ()
    numbers = {one or agent.pinned or production.alias(workspace, agent.prompt_name) for one in versions}
    found = {
        name
        for number in numbers
        if number is not None
        for name in prompts.version(workspace, agent.prompt_name, number).variables
    }
    filled = apps.RUNTIME_VARIABLES | {"company_name"} | shipping.variables(agent.config)
    return tuple(sorted(found - filled - set(agent.config["constants"])))


def _own(workspace: "Workspace", model_id: str) -> Mapping[str, Scalar]:
    try:
        with translated(Message("Reading the agents"), foreign=True):
            example = _example(workspace.settings.tracking_uri, model_id)
    except ConsoleError:  # the question alone can be asked of it all the same
        return {}
    custom = example.get("custom_inputs") or {}
    return {
        name: _shown(value)
        for name, value in custom.items()
        if isinstance(value, str | bool | int | float) and name not in OF_THE_AGENT
    }


def _shown(value: Any) -> Scalar:
    """As a field shows it. A browser counts only so far: a longer number is typed as text."""
    if isinstance(value, list | tuple):
        return "\n".join(map(str, value))
    if isinstance(value, int | float) and abs(value) < 2**53:
        return value
    return "" if value is None else str(value)


@functools.lru_cache(maxsize=1000)
def _example(tracking_uri: str, model_id: str) -> dict[str, Any]:
    """The input example inside a LoggedModel's files, which never change."""
    found: Any = Model.load(f"models:/{model_id}").load_input_example()
    return found if isinstance(found, dict) else {}
