"""The versions of a prompt, read from the registry."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from mlflow.entities.model_registry import PromptVersion as MlflowPromptVersion

from services import production
from services.errors import NotFoundError, PlatformError, translated
from services.messages import Message
from services.prompts import registered
from services.prompts.content import AUTHOR_TAG, Content, ModelSettings, Origin, as_template, is_label

if TYPE_CHECKING:
    from services.workspace import Workspace

APP_TAG = "signalbox.app"
BASE_TAG = "signalbox.base"
TRASH_TAG = "signalbox.trashed"
ARCHIVE_TAG = "signalbox.archived"


@dataclass(frozen=True)
class PromptVersion:
    """One version of a prompt; `base` is the version its author started from; one in the trash is in no list.

    `author` saved it here; of an imported one, `origin` tells who wrote it, and `writer` names that person first.
    """

    name: str
    version: int
    content: Content
    note: str
    author: str
    created_at: datetime
    live: bool
    base: int | None = None
    trashed_at: datetime | None = None
    origin: Origin | None = None

    @property
    def trashed(self) -> bool:
        return self.trashed_at is not None

    @property
    def writer(self) -> str:
        """Whose words these are; without an author in the imported file, whoever brought them here."""
        return (self.origin.author if self.origin else "") or self.author

    @property
    def template(self) -> str:
        """The template as one text; a chat prompt's messages follow each other under their roles."""
        return self.content.text

    @property
    def source(self) -> str:
        """The template as the registry stores it: a text, or the messages as JSON."""
        held = self.content.registered
        return held if isinstance(held, str) else json.dumps(held, ensure_ascii=False)

    @property
    def variables(self) -> frozenset[str]:
        return self.content.variables

    @property
    def title(self) -> str:
        return self.content.title

    @property
    def overtook(self) -> tuple[int, ...]:
        """The versions that others saved between this one and the version it started from."""
        return tuple(range(self.base + 1, self.version)) if self.base else ()


def names(workspace: "Workspace") -> list[str]:
    """The app's prompts that are neither archived nor in the trash, by name, from the index of prompts."""
    from services.prompts import library

    return library.names(workspace)


def every_name(workspace: "Workspace") -> dict[str, dict[str, str]]:
    """All prompts of the app with their tags, by name."""
    found = registered.every(workspace, f"tags.`{APP_TAG}` = '{workspace.app.id}'")
    tags = {workspace.short_name(prompt.name): dict(prompt.tags) for prompt in found}
    return dict(sorted(tags.items()))


def history(workspace: "Workspace", name: str) -> list[PromptVersion]:
    """Every version that is not in the trash, newest first; raises NotFoundError for a prompt of another app.

    A version that someone else made live although it is in the trash is shown: what answers people is never hidden.
    """
    return [one for one in every_version(workspace, name) if one.live or not one.trashed]


def every_version(workspace: "Workspace", name: str) -> list[PromptVersion]:
    """Like `history`, with the versions in the trash."""
    _require_own(workspace, name)
    live = production.alias(workspace, name)
    try:
        with translated(Message("Reading the prompt {name}", name=name)):
            made = [from_mlflow(one, live, name) for one in _all_versions(workspace, name)]
    except ValueError as error:  # a tag that holds no JSON, written past this console
        raise PlatformError(
            Message("A version of {name} cannot be read: {reason}.", name=name, reason=str(error)[:200]),
            Message("Mend or delete that version in MLflow."),
        ) from error
    return sorted(made, key=lambda one: one.version, reverse=True)


def version(workspace: "Workspace", name: str, number: int) -> PromptVersion:
    """One version; raises NotFoundError."""
    _require_own(workspace, name)
    found = registered.version(workspace, name, number)
    if found is None:
        raise _missing(name)
    return from_mlflow(found, production.alias(workspace, name), name)


def live(workspace: "Workspace", name: str) -> PromptVersion | None:
    """The version that the alias `production` names now, read past every cache."""
    number = production.alias(workspace, name)
    return None if number is None else version(workspace, name, number)


def aliases(workspace: "Workspace", name: str, version: int | None = None) -> dict[str, int]:
    """Every alias of the prompt, or of one version; MLflow's version search leaves them out, so each one is asked."""
    with translated(Message("Reading the aliases of {name}", name=name)):
        numbers = [version] if version else [int(one.version) for one in _all_versions(workspace, name)]
        found = [registered.version(workspace, name, number) for number in numbers]
    return {alias: int(one.version) for one in found if one for alias in one.aliases}


def from_mlflow(found: MlflowPromptVersion, live: int | None, name: str = "") -> PromptVersion:
    """A version as the registry returned it; `live` is where the alias points, `name` how people know the prompt."""
    labels = {key: value for key, value in found.tags.items() if is_label(key)}
    settings = ModelSettings.from_json(found.model_config)
    base, trashed = found.tags.get(BASE_TAG), found.tags.get(TRASH_TAG)
    return PromptVersion(
        name=name or found.name,
        version=int(found.version),
        content=Content(as_template(found.template), settings, found.response_format, labels),
        note=found.commit_message or "",
        author=found.tags.get(AUTHOR_TAG, ""),
        created_at=registered.made_at(found),
        live=int(found.version) == live,
        base=int(base) if base else None,
        trashed_at=datetime.fromisoformat(trashed) if trashed else None,
        origin=Origin.of(found.tags),
    )


def _all_versions(workspace: "Workspace", name: str) -> list[MlflowPromptVersion]:
    return [one for page in registered.pages(workspace, name) for one in page]


def _require_own(workspace: "Workspace", name: str) -> None:
    found = registered.prompt(workspace, name)
    if found is None or found.tags.get(APP_TAG) != workspace.app.id:
        raise _missing(name)


def _missing(name: str) -> NotFoundError:
    return NotFoundError(
        Message("There is no prompt “{name}” of that version in this app.", name=name),
        Message("Choose one from the list of prompts."),
    )
