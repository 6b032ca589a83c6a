"""Agent versions as MLflow keeps them: LoggedModels, their links to a prompt, their number in the registry."""

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import mlflow
from mlflow.entities import LoggedModel
from mlflow.models import Model
from mlflow.utils.mlflow_tags import MLFLOW_RUN_NOTE, MLFLOW_USER

from services.errors import ConsoleError, NotFoundError, existing, translated
from services.jsons import parsed
from services.kinds import Fields, Kind, fields_of, kind_of
from services.messages import Message, stored
from services.prompts.content import AUTHOR_TAG

if TYPE_CHECKING:
    from services.workspace import Workspace

ERROR_TAG = "signalbox.error"
JOB_TAG = "signalbox.job"
LINKED = "mlflow.linkedPrompts"


@dataclass(frozen=True)
class Links:
    """The prompt that an agent version names in three places: its `prompts`, its tags, its model config."""

    from_prompts: str | None
    from_tags: str | None
    from_config: str | None

    @property
    def agree(self) -> bool:
        return self.from_prompts is not None and self.from_prompts == self.from_tags == self.from_config

    @property
    def none(self) -> bool:
        """Whether it names a prompt nowhere: its instructions are in its code."""
        return not (self.from_prompts or self.from_tags or self.from_config)

    @property
    def sentence(self) -> Message:
        return Message(
            "it was logged with {from_prompts}, its tags say {from_tags}, its settings say {from_config}",
            **{place: name or "–" for place, name in vars(self).items()},
        )


@dataclass(frozen=True)
class Described:
    """`fields` are those of a request that is neither a ResponsesAgent's nor a ChatAgent's."""

    config: dict[str, Any]
    kind: Kind
    fields: Fields
    python: str = ""


@dataclass(frozen=True)
class AgentVersion:
    """One LoggedModel with its model config; `status` is READY, PENDING or FAILED, `registered` its registry number.

    `linked` is the prompt version that it was logged with, `pinned` the one it always answers with, `python` what logged
    it, `author` who: as the console knows them, or outside of it as MLflow does. `description` is what a person says of
    it. `prompt_name` is empty for one that asks no prompt.
    """

    model_id: str
    name: str
    created_at: datetime
    status: str
    llm_model: str
    prompt_name: str
    prompt_alias: str
    pinned: int | None
    registered: int | None
    links: Links
    error: Message | str | None
    config: Mapping[str, Any]
    linked: int | None = None
    kind: Kind = Kind.RESPONSES
    fields: Fields = field(default_factory=Fields)
    python: str = ""
    author: str = ""
    description: str = ""

    @property
    def tools(self) -> Sequence[Mapping[str, Any]]:
        """The tools that the built-in agent was logged with: name, description, whether it asks first."""
        told = self.config.get("tools")
        # The config of an agent made elsewhere may call something else by this name.
        return (
            [one for one in told if isinstance(one, dict) and {"name", "asks"} <= one.keys()]
            if isinstance(told, list)
            else []
        )

    @property
    def servers(self) -> Sequence[Mapping[str, Any]]:
        """The MCP servers whose tools it calls."""
        return list(self.config.get("mcp_servers") or []) if self.tools else []

    @property
    def model_told(self) -> bool:
        """Whether the model that answers is known: its own, or the app's, which one with a prompt asks."""
        return bool(self.llm_model or self.prompt_name)

    @property
    def pinned_number(self) -> int | None:
        """The version that it loads by its number; one that is pinned by an alias loads none so."""
        return _number(self.config.get("prompt_version"))


def versions(workspace: "Workspace") -> list[AgentVersion]:
    """The app's agent versions, newest first, also the ones that failed to log."""
    with translated(Message("Reading the agents")):
        found = workspace.client.search_logged_models(experiment_ids=[workspace.app.experiment_id], max_results=200)
        registered = _registered(workspace)
    made = [_from_mlflow(workspace, one, registered.get(one.model_id)) for one in found]
    return sorted(made, key=lambda one: one.created_at, reverse=True)


def of_prompt(workspace: "Workspace", name: str) -> list[AgentVersion]:
    """Every agent version that names the prompt in its link or its tags, newest first."""
    full = workspace.full_name(name)
    found: dict[str, LoggedModel] = {}
    with translated(Message("Reading the agents")):
        registered = _registered(workspace)
        for words in (f"tags.`{LINKED}` LIKE '%\"{full}\"%'", f"tags.`prompt_name` = '{full}'"):
            found |= {one.model_id: one for one in pages(workspace, words)}
    made = [_from_mlflow(workspace, one, registered.get(one.model_id)) for one in found.values()]
    naming = [one for one in made if full in (one.links.from_prompts, one.links.from_tags)]
    return sorted(naming, key=lambda one: one.created_at, reverse=True)


def get(workspace: "Workspace", model_id: str) -> AgentVersion:
    """One agent version of this app; raises NotFoundError."""
    with translated(Message("Reading from MLflow")):
        found = existing(workspace.client.get_logged_model, model_id)
    if found is None or found.experiment_id != workspace.app.experiment_id:
        raise _missing(model_id)
    return _from_mlflow(workspace, found, _registered(workspace).get(model_id))


def registered_name(workspace: "Workspace") -> str:
    """The app's one registered model; prompts and models share one namespace, hence the suffix.

    An environment with a catalog.schema of its own has its registered model there, with its own version numbers.
    """
    name, schema = f"{workspace.app.id}-agent", workspace.app.environment.schema
    return f"{schema}.{name}" if schema and workspace.settings.databricks is not None else workspace.full_name(name)


@functools.lru_cache(maxsize=1000)
def described(tracking_uri: str, model_id: str) -> Described:
    """What a LoggedModel's files say of it; they never change."""
    found = Model.load(f"models:/{model_id}")
    flavor = found.flavors.get("python_function", {})
    kind = kind_of(found)
    fields = fields_of(found) if kind in (Kind.PYTHON, Kind.FORM) else Fields()
    return Described(dict(flavor.get("config") or {}), kind, fields, str(flavor.get("python_version") or ""))


def model_config(tracking_uri: str, model_id: str) -> dict[str, Any]:
    """The model config inside a LoggedModel's files."""
    return described(tracking_uri, model_id).config


def pages(workspace: "Workspace", words: str | None = None) -> Iterator[LoggedModel]:
    """The app's LoggedModels that these words of MLflow's search find, all without any, page after page."""
    token = None
    while True:
        page = workspace.client.search_logged_models([workspace.app.experiment_id], words, page_token=token)
        yield from page
        if not (token := page.token):
            return


def _registered(workspace: "Workspace") -> dict[str, int]:
    """Registered version by model id, of the app's one registered model."""
    name = registered_name(workspace)
    found = workspace.client.search_model_versions(f"name = '{name}'")
    made_of = [(one.model_id or str(one.source).removeprefix("models:/"), int(one.version)) for one in found]
    return dict(sorted(made_of, key=lambda one: one[1]))


def _described(found: LoggedModel) -> tuple[Described, Message | None]:
    """What its files say, or why they cannot be read: one model without its files must not hide the others."""
    nothing = Described({}, Kind.RESPONSES, Fields())
    if found.status.name != "READY":
        return nothing, None
    try:
        with translated(Message("Reading the agents"), foreign=True):
            return described(mlflow.get_tracking_uri(), found.model_id), None
    except ConsoleError as error:
        return nothing, error.message


def _from_mlflow(workspace: "Workspace", found: LoggedModel, registered: int | None) -> AgentVersion:
    tags, status = found.tags or {}, found.status.name
    files, unreadable = _described(found)
    config = files.config
    linked, linked_version = _linked(tags.get(LINKED))
    links = Links(linked, tags.get("prompt_name"), config.get("prompt_name"))
    return AgentVersion(
        model_id=found.model_id,
        name=found.name,
        created_at=datetime.fromtimestamp(found.creation_timestamp / 1000, UTC),
        status=status,
        llm_model=str(config.get("llm_model") or ""),
        prompt_name=workspace.short_name(links.from_tags or linked or ""),
        prompt_alias=str(config.get("prompt_alias") or tags.get("prompt_alias") or ""),
        pinned=_number(config.get("prompt_version")) or _number(config.get("pinned_version")),
        registered=registered,
        links=links,
        error=unreadable or _told(tags.get(ERROR_TAG)),
        config=config,
        linked=linked_version,
        kind=files.kind,
        fields=files.fields,
        python=files.python,
        author=str(tags.get(AUTHOR_TAG) or tags.get(MLFLOW_USER) or ""),
        description=str(tags.get(MLFLOW_RUN_NOTE) or ""),
    )


def _linked(tag: str | None) -> tuple[str | None, int | None]:
    """Name and version of the first prompt in MLflow's tag of linked prompts."""
    try:
        listed = parsed(tag) if tag else []
        return (str(listed[0]["name"]), int(listed[0]["version"])) if listed else (None, None)
    except (ValueError, TypeError, LookupError):
        return None, None


def _number(told: Any) -> int | None:
    return int(told) if str(told or "").isdecimal() else None


def _told(tag: str | None) -> Message | str | None:
    """Why an agent version failed; a text that another tool left there stays as it is."""
    return (stored(tag) or tag) if tag else None


def _missing(model_id: str) -> NotFoundError:
    return NotFoundError(
        Message("There is no agent version {id} in this app.", id=model_id),
        Message("Choose one from the list of agents."),
    )
