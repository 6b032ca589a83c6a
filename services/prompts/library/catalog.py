"""The prompts of a Unity Catalog schema for the index: no search there tells what changed, so each one is looked at."""

import hashlib
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from services import production, prompts
from services.errors import translated
from services.messages import Message
from services.prompts import PromptVersion, registered
from services.prompts.library.seen import Seen

if TYPE_CHECKING:
    from mlflow.entities.model_registry import Prompt

    from services.workspace import Workspace

PAGE = 20


def every(workspace: "Workspace") -> Iterator[Seen]:
    """All prompts of the app: one search, and two requests for each of them."""
    for one in registered.every(workspace, f"tags.`{prompts.APP_TAG}` = '{workspace.app.id}'"):
        yield _seen(workspace, one)


def named(workspace: "Workspace", names: list[str]) -> list[Seen]:
    found = [registered.prompt(workspace, name) for name in names]
    return [_seen(workspace, one) for one in found if one and one.tags.get(prompts.APP_TAG) == workspace.app.id]


def versions(workspace: "Workspace", one: Seen, most: int | None) -> tuple[list[PromptVersion], bool]:
    """The newest versions, up to `most`, and whether these are all there are."""
    found: list[PromptVersion] = []
    with translated(Message("Reading the prompt {name}", name=one.name)):
        for page in registered.pages(workspace, one.name, most):
            found += [prompts.from_mlflow(made, one.live, one.name) for made in page]
            if most and len(found) >= most:
                return found, len(page) < most
    return found, True


def _seen(workspace: "Workspace", found: "Prompt") -> Seen:
    name = workspace.short_name(found.name)
    live = production.alias(workspace, name)
    with translated(Message("Reading the prompt {name}", name=name)):
        newest = next(iter(registered.pages(workspace, name, PAGE)))
    told = [(one.version, one.commit_message, sorted(one.tags.items())) for one in newest]
    written = json.dumps([live, sorted(found.tags.items()), told])
    return Seen(
        name=name,
        archived=prompts.ARCHIVE_TAG in found.tags,
        trashed=prompts.TRASH_TAG in found.tags,
        live=live,
        fingerprint=hashlib.sha256(written.encode()).hexdigest(),
        read=lambda: [prompts.from_mlflow(one, live, name) for one in newest[:1]],
    )
