"""What of a workspace can be chosen as the place of prompts, agents and experiments."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx2

from services.errors import ConsoleError
from services.platforms.databricks.rest import Refused, Rest

if TYPE_CHECKING:
    from services.workspace import Workspace

SECONDS = 5.0
MOST = 200


@dataclass(frozen=True)
class Choices:
    """What the workspace offers; a list that could not be read is empty, and names can be typed all the same."""

    catalogs: tuple[str, ...] = ()
    schemas: tuple[str, ...] = ()
    warehouses: dict[str, str] = field(default_factory=dict)
    scopes: tuple[str, ...] = ()


def choices(workspace: "Workspace", catalog: str) -> Choices:
    """The catalogs, the schemas of `catalog`, the warehouses by id, and the secret scopes."""
    access = workspace.settings.databricks
    if access is None:
        return Choices()
    try:
        rest = Rest(access)
    except (Refused, ConsoleError, httpx2.HTTPError):
        return Choices()
    asked: list[Callable[[], dict[str, str]]] = [
        lambda: _named(rest.get("2.1/unity-catalog/catalogs").get("catalogs", []), "name"),
        lambda: _schemas(rest, catalog),
        lambda: _named(rest.get("2.0/sql/warehouses").get("warehouses", []), "id"),
        lambda: _named(rest.get("2.0/secrets/scopes/list").get("scopes", []), "name"),
    ]
    threads = ThreadPoolExecutor(len(asked))
    try:
        futures = [threads.submit(_or_nothing, one) for one in asked]
        catalogs, schemas, warehouses, scopes = (future.result() for future in futures)
    finally:
        threads.shutdown(wait=False)
    return Choices(tuple(catalogs), tuple(schemas), warehouses, tuple(scopes))


def _schemas(rest: Rest, catalog: str) -> dict[str, str]:
    if not catalog:
        return {}
    found = rest.get("2.1/unity-catalog/schemas", catalog_name=catalog, max_results=MOST)
    return {name: name for name in _named(found.get("schemas", []), "name") if name != "information_schema"}


def _named(listed: list[dict[str, str]], key: str) -> dict[str, str]:
    return {str(one[key]): str(one.get("name", one[key])) for one in listed}


def _or_nothing(look: Callable[[], dict[str, str]]) -> dict[str, str]:
    try:
        return look()
    except (Refused, httpx2.HTTPError):
        return {}
