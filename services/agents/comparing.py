"""What one agent version changes in another: what it was logged with, its requirements, its code, its scores."""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
from mlflow.models import Model

from services import evaluations
from services.agents import config_files, servers, shipping
from services.agents.records import AgentVersion
from services.errors import translated
from services.evaluations import Evaluation
from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace

USUAL = {"llm_api": config_files.APIS[0], "pinned_version": ""}
CODE, REQUIREMENTS, TOOLS_FILE = "model_code_path", "requirements.txt", "tools.py"


@dataclass(frozen=True)
class Change:
    """One fact before and after; None where there is none."""

    name: str
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
        settings=_changes(_settings(old), _settings(new)),
        requirements=_changes(*(_pins(requirements) for requirements, _ in files)),
        code=(files[0][1], files[1][1]),
        evaluations=(newest[0], newest[1]),
    )


def code_of(workspace: "Workspace", agent: AgentVersion) -> str:
    """The code inside its files; empty for an agent that has none of its own. Raises ConsoleError when files are missing."""
    with translated(Message("Reading the agents"), foreign=True):
        return _files(workspace.settings.tracking_uri, agent.model_id)[1]


def _settings(agent: AgentVersion) -> dict[str, Any]:
    """The model config, tool by tool; an agent that was logged before a setting existed has what was usual then."""
    config = USUAL | dict(agent.config)
    told = {
        f"tool {one['name']}": str(one["description"]).splitlines()[0] + (" (asks first)" if one.get("asks") else "")
        for one in agent.tools
    }
    if agent.tools:
        config.pop(shipping.TOOLS)
        config.pop(shipping.SERVERS, None)
    told |= {f"MCP server {one['name']}": servers.told(one) for one in agent.servers}
    return {**config, **told, "linked prompt version": agent.linked, "Python": agent.python or None}


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
    return {name.strip(): version.strip() or "any" for name, _, version in split}


def _changes(before: dict[str, Any], after: dict[str, Any]) -> tuple[Change, ...]:
    names = dict.fromkeys([*before, *after])
    return tuple(
        Change(name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)
    )
