"""Writing a version of a prompt, and changing its labels."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

import mlflow
from mlflow.entities.model_registry import PromptVersion as MlflowPromptVersion

from services import audit
from services.audit import Verb
from services.errors import ConflictError, InvalidInputError, existing
from services.messages import Message
from services.prompts import registered
from services.prompts.checks import check
from services.prompts.content import AUTHOR_TAG, Content, Origin
from services.prompts.versions import APP_TAG, BASE_TAG, TRASH_TAG, PromptVersion, version

if TYPE_CHECKING:
    from services.workspace import Workspace

SAVING_TAG = "signalbox.saving"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")


def save(
    workspace: "Workspace",
    name: str,
    content: Content | str,
    note: str,
    base: int | None = None,
    origin: Origin | None = None,
) -> PromptVersion:
    """Register a new version of `name`; raises InvalidInputError with what to mend, before the registry sees it.

    `base` is the version the author started from. A version that someone else saved meanwhile stays; the result's
    `overtook` names it, so that both authors can be told. `origin` is who wrote it, if somebody else did elsewhere.
    """
    content = Content(content) if isinstance(content, str) else content
    check(content)
    check_name(workspace, name)
    labels = {label: value.strip() for label, value in content.labels.items() if value.strip()}
    tags = (
        labels
        | (origin or Origin()).tags
        | {APP_TAG: workspace.app.id, AUTHOR_TAG: workspace.actor.id, SAVING_TAG: uuid4().hex}
    )
    if base is not None:
        tags[BASE_TAG] = str(base)
    with audit.change(workspace, Verb.SAVE_PROMPT, name, why=note) as change:
        made = mlflow.genai.register_prompt(
            workspace.full_name(name),
            content.registered,
            commit_message=note,
            tags=tags,
            response_format=dict(content.response_format) if content.response_format else None,
            model_config=content.settings.to_json() or None,
        )
        change.after = number = int(made.version)
        _claim(workspace, name, made)
        if base is None or number != base + 1:
            change.after = number = _saved_once(workspace, name, number, tags[SAVING_TAG])
    return version(workspace, name, number)


def label(workspace: "Workspace", name: str, number: int, labels: Mapping[str, str]) -> PromptVersion:
    """Change these labels of a version that is saved already; an empty value takes a label away, others stay."""
    found = version(workspace, name, number)
    full, before = workspace.full_name(name), dict(found.content.labels)
    wanted = {key: value.strip() for key, value in labels.items()}
    check(replace(found.content, labels={key: value for key, value in {**before, **wanted}.items() if value}))
    with audit.change(workspace, Verb.LABEL_PROMPT, f"{name} {number}", before=before, after=wanted):
        for key, value in wanted.items():
            if value and value != before.get(key):
                workspace.client.set_prompt_version_tag(full, str(number), key, value)
            if not value and key in before:
                workspace.client.delete_prompt_version_tag(full, str(number), key)
    return version(workspace, name, number)


def check_name(workspace: "Workspace", name: str) -> None:
    """Raise InvalidInputError or ConflictError for a name that no new version of this app can go under."""
    if not NAME.fullmatch(name):
        raise InvalidInputError(
            Message("“{name}” cannot be a prompt's name.", name=name),
            Message("Use letters, digits, hyphens and underscores, such as customer-support."),
        )
    found = registered.prompt(workspace, name)
    if found is not None and found.tags.get(APP_TAG) != workspace.app.id:
        raise _taken(name)
    if found is not None and TRASH_TAG in found.tags:
        raise ConflictError(
            Message("The prompt “{name}” is in the trash.", name=name),
            Message("Restore it first, or choose another name."),
        )


def _saved_once(workspace: "Workspace", name: str, number: int, saving: str) -> int:
    """The version of this saving; where an answer was lost MLflow asked again, and its twins are taken away."""
    full = workspace.full_name(name)
    while number > 1 and _saving_of(workspace, full, number - 1) == saving:
        workspace.client.delete_prompt_version(full, str(number))
        number -= 1
    return number


def _saving_of(workspace: "Workspace", full: str, number: int) -> str | None:
    found = existing(workspace.client.get_prompt_version, full, str(number))
    return found.tags.get(SAVING_TAG) if found else None


def _claim(workspace: "Workspace", name: str, made: MlflowPromptVersion) -> None:
    """Make a new prompt this app's own; another app that took the same name a moment before keeps it."""
    found = registered.prompt(workspace, name)
    owner = found.tags.get(APP_TAG) if found else None
    if owner is None:
        workspace.client.set_prompt_tag(workspace.full_name(name), APP_TAG, workspace.app.id)
    elif owner != workspace.app.id:
        workspace.client.delete_prompt_version(workspace.full_name(name), str(made.version))
        raise _taken(name)


def _taken(name: str) -> ConflictError:
    return ConflictError(
        Message("The prompt name “{name}” is already used outside this app.", name=name),
        Message("Choose another name, for example one that begins with the app's short name."),
    )
