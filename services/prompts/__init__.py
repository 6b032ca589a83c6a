"""Prompts: write versions, read their history, see what a change means."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import mlflow
from mlflow.entities.model_registry import PromptVersion as MlflowPromptVersion
from mlflow.exceptions import MlflowException

from services import audit, production
from services.audit import Verb
from services.errors import ConflictError, InvalidInputError, NotFoundError, is_missing, translated
from services.messages import Message
from services.prompts.difference import VARIABLE, Piece, PromptChange, difference, variables

if TYPE_CHECKING:
    from services.workspace import Workspace

__all__ = [
    "Piece",
    "PromptChange",
    "PromptVersion",
    "aliases",
    "check",
    "difference",
    "history",
    "live",
    "names",
    "render",
    "save",
    "variables",
    "version",
]

APP_TAG = "signalbox.app"
AUTHOR_TAG = "author"
LONGEST = 100_000
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
BRACES = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)


@dataclass(frozen=True)
class PromptVersion:
    """One version of a prompt; `template` of a chat prompt is its messages as text, `source` what the registry holds."""

    name: str
    version: int
    template: str
    note: str
    author: str
    created_at: datetime
    live: bool
    source: str = ""

    @property
    def variables(self) -> frozenset[str]:
        return variables(self.template)


def names(workspace: "Workspace") -> list[str]:
    """The app's prompts, by name."""
    with translated(Message("Reading the prompts")):
        found = mlflow.genai.search_prompts(filter_string=f"tags.`{APP_TAG}` = '{workspace.app.id}'")
    return sorted(prompt.name for prompt in found)


def history(workspace: "Workspace", name: str) -> list[PromptVersion]:
    """Every version, newest first; raises NotFoundError for a prompt of another app."""
    _require_own(workspace, name)
    with translated(Message("Reading the prompt {name}", name=name)):
        found = _all_versions(workspace, name)
        live = production.alias(workspace, name)
    return sorted((_from_mlflow(one, live) for one in found), key=lambda one: one.version, reverse=True)


def version(workspace: "Workspace", name: str, number: int) -> PromptVersion:
    """One version; raises NotFoundError."""
    _require_own(workspace, name)
    try:
        found = workspace.client.get_prompt_version(workspace.full_name(name), number)
    except MlflowException as error:
        if is_missing(error):
            raise _missing(name) from error
        with translated(Message("Reading from MLflow")):
            raise
    live = production.alias(workspace, name)
    return _from_mlflow(found, live)


def live(workspace: "Workspace", name: str) -> PromptVersion | None:
    """The version that the alias `production` names now, read past every cache."""
    number = production.alias(workspace, name)
    return None if number is None else version(workspace, name, number)


def aliases(workspace: "Workspace", name: str) -> dict[str, int]:
    """Every alias of the prompt with its version; MLflow's version search leaves them out, so each one is asked."""
    with translated(Message("Reading the aliases of {name}", name=name)):
        full = workspace.full_name(name)
        found = [workspace.client.get_prompt_version(full, one.version) for one in _all_versions(workspace, name)]
    return {alias: int(one.version) for one in found if one for alias in one.aliases}


def save(workspace: "Workspace", name: str, template: str, note: str) -> PromptVersion:
    """Register a new version of `name`; raises InvalidInputError with what to mend, before the registry sees it."""
    check(template)
    _check_name(workspace, name)
    tags = {APP_TAG: workspace.app.id, AUTHOR_TAG: workspace.actor.id}
    with audit.change(workspace, Verb.SAVE_PROMPT, name, why=note) as change:
        made = mlflow.genai.register_prompt(workspace.full_name(name), template, commit_message=note, tags=tags)
        mlflow.genai.set_prompt_tag(workspace.full_name(name), APP_TAG, workspace.app.id)
        change.after = made.version
    return version(workspace, name, int(made.version))


def check(template: str) -> None:
    """Raise InvalidInputError for what MLflow would accept and an operator would regret."""
    if not template.strip():
        raise InvalidInputError(Message("The prompt is empty."), Message("Write what the assistant is told."))
    if len(template) > LONGEST:
        raise InvalidInputError(
            Message("The prompt has {n} characters; {limit} are allowed.", n=len(template), limit=LONGEST),
            Message("Shorten it, or move long material into a document."),
        )
    if "{%" in template or "%}" in template:
        raise InvalidInputError(
            Message("“{mark}” switches the registry to another template language.", mark="{%"),
            Message("Write the text without it; only variables in double braces are filled in."),
        )
    _check_braces(template)


def render(template: str, values: Mapping[str, str]) -> str:
    """The template with its variables filled in; one without a value stays as it is written."""
    return VARIABLE.sub(lambda found: values.get(found[1], found[0]), template)


def _all_versions(workspace: "Workspace", name: str) -> list[MlflowPromptVersion]:
    found, token = [], None
    while True:
        page = workspace.client.search_prompt_versions(workspace.full_name(name), page_token=token)
        found += page
        if not (token := page.token):
            return found


def _check_braces(template: str) -> None:
    for inside in BRACES.findall(template):
        if not VARIABLE.fullmatch("{{" + inside + "}}"):
            raise InvalidInputError(
                Message(
                    "“{name}” cannot be a variable; it would reach the model as it is written.",
                    name=inside.strip()[:40],
                ),
                Message("Use letters, digits and underscores, such as {example}.", example="{{company_name}}"),
            )
    if "{{" in (rest := BRACES.sub("", template)) or "}}" in rest:
        raise InvalidInputError(
            Message("A pair of double braces is not closed."),
            Message("Write each variable as {example}.", example="{{company_name}}"),
        )


def _check_name(workspace: "Workspace", name: str) -> None:
    if not NAME.fullmatch(name):
        raise InvalidInputError(
            Message("“{name}” cannot be a prompt's name.", name=name),
            Message("Use letters, digits, hyphens and underscores, such as customer-support."),
        )
    with translated(Message("Reading the prompts")):
        found = workspace.client.get_prompt(workspace.full_name(name))
    if found is not None and found.tags.get(APP_TAG) != workspace.app.id:
        raise ConflictError(
            Message("The prompt name “{name}” is already used outside this app.", name=name),
            Message("Choose another name, for example one that begins with the app's short name."),
        )


def _require_own(workspace: "Workspace", name: str) -> None:
    with translated(Message("Reading the prompts")):
        found = workspace.client.get_prompt(workspace.full_name(name))
    if found is None or found.tags.get(APP_TAG) != workspace.app.id:
        raise _missing(name)


def _missing(name: str) -> NotFoundError:
    return NotFoundError(
        Message("There is no prompt “{name}” of that version in this app.", name=name),
        Message("Choose one from the list of prompts."),
    )


def _from_mlflow(found: MlflowPromptVersion, live: int | None) -> PromptVersion:
    template = found.template if isinstance(found.template, str) else _as_text(found.template)
    made = datetime.fromtimestamp((found.creation_timestamp or 0) / 1000, UTC)
    return PromptVersion(
        found.name,
        int(found.version),
        template,
        found.commit_message or "",
        found.tags.get(AUTHOR_TAG, ""),
        made,
        int(found.version) == live,
        found.template if isinstance(found.template, str) else json.dumps(found.template, ensure_ascii=False),
    )


def _as_text(messages: list[dict[str, str]]) -> str:
    return "\n\n".join(f"{message['role']}:\n{message['content']}" for message in messages)
