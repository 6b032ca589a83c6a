"""What one agent version changes in another: what it was logged with, its requirements, its code, its scores."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
from mlflow.models import Model

from services import evaluations
from services.agents import requirements, shipping
from services.agents.facts import facts
from services.agents.records import AgentVersion
from services.errors import translated
from services.evaluations import Evaluation
from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace

CODE, TOOLS_FILE = "model_code_path", "tools.py"


@dataclass(frozen=True)
class Change:
    """One fact before and after; None where there is none."""

    name: Message | str
    before: Any
    after: Any


@dataclass(frozen=True)
class AgentComparison:
    """`settings` and `requirements` hold only what differs; `evaluations` are the newest finished ones of each."""

    settings: tuple[Change, ...]
    requirements: tuple[Change, ...]
    code: tuple[str, str]
    evaluations: tuple[Evaluation | None, Evaluation | None]

    @property
    def scores(self) -> tuple[Change, ...]:
        """The score of every scorer that judged either of them."""
        old, new = (one.scores if one else {} for one in self.evaluations)
        return tuple(Change(name, old.get(name), new.get(name)) for name in dict.fromkeys([*old, *new]))


def compare(workspace: "Workspace", old: AgentVersion, new: AgentVersion) -> AgentComparison:
    """Everything that differs between two agent versions that are ready; raises ConsoleError when files are missing."""
    done = [one for one in evaluations.all(workspace) if one.finished]
    newest = tuple(next((one for one in done if one.model_id == agent.model_id), None) for agent in (old, new))
    return AgentComparison(
        settings=_changes(*(facts(workspace, agent) for agent in (old, new))),
        requirements=_changes(*(requirements_of(workspace, agent) for agent in (old, new))),
        code=(code_of(workspace, old), code_of(workspace, new)),
        evaluations=(newest[0], newest[1]),
    )


def code_of(workspace: "Workspace", agent: AgentVersion) -> str:
    """The code inside its files; empty for an agent that has none of its own. Raises ConsoleError when files are missing."""
    with translated(Message("Reading the agents"), foreign=True):
        return _code(workspace.settings.tracking_uri, agent.model_id)


def requirements_of(workspace: "Workspace", agent: AgentVersion) -> dict[str, str]:
    """Its packages by name with the version each is held to, empty where it is none; raises ConsoleError."""
    listed = requirements.of(workspace.settings.tracking_uri, agent.model_id)
    split = [line.partition("==") for line in listed]
    return {name.strip(): version.strip() for name, _, version in split}


@functools.lru_cache(maxsize=100)
def _code(tracking_uri: str, model_id: str) -> str:
    """The code inside a LoggedModel's files, which never change; empty where there is none."""
    address = mlflow.get_logged_model(model_id).artifact_location
    flavor = Model.load(f"models:/{model_id}").flavors.get("python_function", {})
    # MLflow keeps the path that the code had when it was logged; inside the model only its name counts.
    file = Path(flavor[CODE]).name if flavor.get(CODE) else ""
    code = mlflow.artifacts.load_text(f"{address}/{file}") if file else ""
    if (flavor.get("artifacts") or {}).get(shipping.TOOLS):
        code += f"\n\n# {TOOLS_FILE}\n" + mlflow.artifacts.load_text(f"{address}/artifacts/{TOOLS_FILE}")
    return code


def _changes(before: Mapping[Any, Any], after: Mapping[Any, Any]) -> tuple[Change, ...]:
    names = dict.fromkeys([*before, *after])
    return tuple(
        Change(name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)
    )
