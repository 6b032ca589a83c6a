"""Prompts as the registry keeps them: MLflow's own store, or Unity Catalog, which answers in other shapes."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from google.protobuf.timestamp_pb2 import Timestamp  # type: ignore[import-untyped]  # it ships without types
from mlflow.entities.model_registry import Prompt, PromptVersion
from mlflow.store.entities import PagedList

from services.errors import existing, translated
from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace


def prompt(workspace: "Workspace", name: str) -> Prompt | None:
    """The prompt without its versions. MLflow's store answers None when it cannot look, so it is searched there too."""
    full = workspace.full_name(name)
    with translated(Message("Reading the prompts")):
        found = workspace.client.get_prompt(full)
        if found is None and not workspace.namespace and "'" not in full:
            found = next(iter(workspace.client.search_prompts(filter_string=f"name = '{full}'")), None)
    return found


def every(workspace: "Workspace", words: str) -> Iterator[Prompt]:
    """All prompts that the words of a search find; in Unity Catalog those of the console's schema."""
    where = dict(zip(("catalog", "schema"), workspace.namespace, strict=False))
    asked = " AND ".join([*(f"{level} = '{name}'" for level, name in where.items()), words])
    token = None
    while True:
        with translated(Message("Reading the prompts")):
            page = workspace.client.search_prompts(filter_string=asked, page_token=token)
        yield from page
        if not (token := page.token):
            return


def version(workspace: "Workspace", name: str, number: int) -> PromptVersion | None:
    """None when there is no such version."""
    with translated(Message("Reading from MLflow")):
        return existing(workspace.client.get_prompt_version, workspace.full_name(name), number)


def pages(workspace: "Workspace", name: str, most: int | None = None) -> Iterator[list[PromptVersion]]:
    """The versions, newest first in Unity Catalog, `most` in a page."""
    token = None
    while True:
        found: Any = workspace.client.search_prompt_versions(workspace.full_name(name), most, token)
        if isinstance(found, PagedList):
            yield list(found)
            token = found.token
        else:
            yield [_from_catalog(one) for one in found.prompt_versions]
            token = found.next_page_token
        if not token:
            return


def made_at(found: PromptVersion) -> datetime:
    """MLflow counts milliseconds; from Unity Catalog its own message comes through."""
    stamp: Any = found.creation_timestamp
    if isinstance(stamp, Timestamp):
        return datetime.fromtimestamp(stamp.ToMilliseconds() / 1000, UTC)
    return datetime.fromtimestamp((stamp or 0) / 1000, UTC)


def _from_catalog(found: Any) -> PromptVersion:
    # MLflow hands over what the server sent, where its own store gives entities.
    from mlflow.store._unity_catalog.registry.utils import proto_to_mlflow_prompt

    return proto_to_mlflow_prompt(found)
