"""What the registry holds now: the only part of the index that asks MLflow.

MLflow's time of the last update moves when a version is made or deleted. It does not move when an alias or a tag is set,
but one search brings those along, so a fingerprint of everything in its answer tells what changed.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from mlflow.entities.model_registry import ModelVersion, RegisteredModel
from mlflow.prompt.registry_utils import model_version_to_prompt_version
from mlflow.store.entities import PagedList

from services import production, prompts
from services.errors import translated
from services.messages import Message
from services.prompts import PromptVersion
from services.prompts.library import catalog
from services.prompts.library.seen import Seen

if TYPE_CHECKING:
    from services.workspace import Workspace

IS_PROMPT = "`mlflow.prompt.is_prompt` = 'true'"
TEXT = "mlflow.prompt.text"
LARGEST_PAGE = 1000


def last_changed(workspace: "Workspace", most: int) -> tuple[list[Seen], bool]:
    """The prompts whose versions changed last, in one call of one page, and whether these are all there are."""
    page = _search(workspace, _own(workspace), most)
    return [_seen(one) for one in page], not page.token


def named(workspace: "Workspace", names: Iterable[str]) -> list[Seen]:
    """These prompts, in one call; one that is gone, or another app's, is missing from the answer."""
    wanted = [workspace.full_name(name) for name in names if "'" not in name]
    if workspace.namespace or not wanted:
        return catalog.named(workspace, wanted)
    among = ", ".join(f"'{name}'" for name in wanted)
    found = _search(workspace, f"name IN ({among})", LARGEST_PAGE)
    return [_seen(one) for one in found if one.tags.get(prompts.APP_TAG) == workspace.app.id]


def every(workspace: "Workspace") -> Iterator[Seen]:
    """All prompts of the app, in one call for each LARGEST_PAGE of them."""
    if workspace.namespace:
        yield from catalog.every(workspace)
        return
    token = None
    while True:
        page = _search(workspace, _own(workspace), LARGEST_PAGE, token)
        yield from map(_seen, page)
        if not (token := page.token):
            return


def versions(workspace: "Workspace", one: Seen, most: int | None) -> tuple[list[PromptVersion], bool]:
    """The newest versions, up to `most`, and whether these are all there are."""
    if workspace.namespace:
        return catalog.versions(workspace, one, most)
    words = f"name = '{workspace.full_name(one.name)}' AND tag.{IS_PROMPT}"
    found: list[ModelVersion] = []
    token = None
    with translated(Message("Reading the prompt {name}", name=one.name)):
        while True:
            page = workspace.client.search_model_versions(
                words, max_results=most or LARGEST_PAGE, order_by=["version_number DESC"], page_token=token
            )
            found += page
            if not (token := page.token) or most:
                return _versions(found, one.live), not token


def _own(workspace: "Workspace") -> str:
    return f"tags.`{prompts.APP_TAG}` = '{workspace.app.id}'"


def _search(workspace: "Workspace", which: str, most: int, token: str | None = None) -> PagedList[RegisteredModel]:
    """Those whose versions changed last come first."""
    words, order = f"tags.{IS_PROMPT} AND {which}", ["last_updated_timestamp DESC"]
    with translated(Message("Reading the prompts")):
        return workspace.client.search_registered_models(words, most, order, token)


def _seen(found: RegisteredModel) -> Seen:
    alias = found.aliases.get(production.ALIAS)
    live = None if alias is None else int(alias)
    newest = [(one.version, one.description, sorted(one.tags.items())) for one in found.latest_versions]
    written = json.dumps([found.last_updated_timestamp, live, sorted(found.tags.items()), newest])
    return Seen(
        name=found.name,
        archived=prompts.ARCHIVE_TAG in found.tags,
        trashed=prompts.TRASH_TAG in found.tags,
        live=live,
        fingerprint=hashlib.sha256(written.encode()).hexdigest(),
        read=lambda: _versions(found.latest_versions, live),
    )


def _versions(found: Iterable[ModelVersion], live: int | None) -> list[PromptVersion]:
    """Without what another tool put there that is no prompt: it must not keep the others from being listed."""
    return [one for one in (_readable(one, live) for one in found) if one]


def _readable(found: ModelVersion, live: int | None) -> PromptVersion | None:
    if TEXT not in found.tags:
        return None
    try:
        return prompts.from_mlflow(model_version_to_prompt_version(found), live)
    except ValueError:  # a tag that holds no JSON
        return None
