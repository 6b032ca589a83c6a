"""What one agent version changes in another: what it was logged with, its requirements, its code, its scores."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
from mlflow.models import Model

from services import evaluations
from services.agents import shipping
from services.agents.facts import facts
from services.agents.records import AgentVersion
from services.errors import translated
from services.evaluations import Evaluation
from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace

CODE, REQUIREMENTS, TOOLS_FILE = "model_code_path", "requirements.txt", "tools.py"


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
    uri = workspace.settings.tracking_uri
    with translated(Message("Reading the agents"), foreign=True):
        files = [_files(uri, agent.model_id) for agent in (old, new)]
    return AgentComparison(
        settings=_changes(*(facts(workspace, agent) for agent in (old, new))),
        requirements=_changes(*(_pins(requirements) for requirements, _ in files)),
        code=(files[0][1], files[1][1]),
        evaluations=(newest[0], newest[1]),
    )


def code_of(workspace: "Workspace", agent: AgentVersion) -> str:
    """The code inside its files; empty for an agent that has none of its own. Raises ConsoleError when files are missing."""
    with translated(Message("Reading the agents"), foreign=True):
        return _files(workspace.settings.tracking_uri, agent.model_id)[1]


def requirements_of(workspace: "Workspace", agent: AgentVersion) -> dict[str, str]:
    """Its packages by name with the version each is held to, empty where it is none; raises ConsoleError."""
    with translated(Message("Reading the agents"), foreign=True):
        return _pins(_files(workspace.settings.tracking_uri, agent.model_id)[0])


@functools.lru_cache(maxsize=100)
def _files(tracking_uri: str, model_id: str) -> tuple[str, str]:
    """Requirements and code inside a LoggedModel's files, which never change; empty for what it does not have."""
    address = mlflow.get_logged_model(model_id).artifact_location
    flavor = Model.load(f"models:/{model_id}").flavors.get("python_function", {})
    requirements = mlflow.artifacts.load_text(f"{address}/{REQUIREMENTS}")
    # MLflow keeps the path that the code had when it was logged; inside the model only its name counts.
    file = Path(flavor[CODE]).name if flavor.get(CODE) else ""
    code = mlflow.artifacts.load_text(f"{address}/{file}") if file else ""
    if (flavor.get("artifacts") or {}).get(shipping.TOOLS):
        code += f"\n\n# {TOOLS_FILE}\n" + mlflow.artifacts.load_text(f"{address}/artifacts/{TOOLS_FILE}")
    return requirements, code


def _pins(requirements: str) -> dict[str, str]:
    """Package by name, with the version it is held to."""
    lines = [line.split("#")[0].strip() for line in requirements.splitlines()]
    split = [line.partition("==") for line in lines if line]
    return {name.strip(): version.strip() for name, _, version in split}


def _changes(before: Mapping[Any, Any], after: Mapping[Any, Any]) -> tuple[Change, ...]:
    names = dict.fromkeys([*before, *after])
    return tuple(
        Change(name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)
    )
