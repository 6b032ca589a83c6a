"""Making what a chosen place lacks: the catalog, the schema and the folder of the experiments."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2

from services.connection.experiments import git_folder
from services.errors import ConsoleError, ForbiddenError, InvalidInputError, PlatformError
from services.messages import Message
from services.platforms.databricks import grants
from services.platforms.databricks.access import Access
from services.platforms.databricks.place import Place
from services.platforms.databricks.rest import Refused, Rest

NAME = re.compile(r"[^\s./`\x00-\x1f]{1,255}")


def make_missing(access: Access, place: Place) -> None:
    """Raises InvalidInputError before anything is made, ForbiddenError with the GRANT when a right is missing."""
    for name in (place.catalog, place.schema):
        if name and not NAME.fullmatch(name):
            raise InvalidInputError(
                Message("“{name}” cannot be the name of a catalog or schema.", name=name),
                Message("Leave out spaces, periods and slashes."),
            )
    with _in_words(), Rest(access) as rest:
        _refuse_git(rest, place.experiments)
        _make_catalog(rest, place.catalog)
        _make_schema(rest, place)
        rest.post("2.0/workspace/mkdirs", {"path": place.experiments})


def refuse_git_folder(access: Access, path: str) -> None:
    """Raises InvalidInputError when `path` lies in a Git folder."""
    with _in_words(), Rest(access) as rest:
        _refuse_git(rest, path)


@contextmanager
def _in_words() -> Iterator[None]:
    """What the workspace refuses, and silence, as errors for the screen."""
    try:
        yield
    except Refused as error:
        raise _refusal(error) from error
    except httpx2.HTTPError as error:
        raise PlatformError(
            Message("The workspace could not be asked."), Message("Check again in a minute."), retryable=True
        ) from error


def _refuse_git(rest: Rest, folder: str) -> None:
    if (inside := git_folder(rest, folder)) is not None:
        raise InvalidInputError(
            Message("“{folder}” lies in the Git folder “{inside}”: an experiment there goes with the branch, and the live traces of a served agent get lost.", folder=folder, inside=inside),
            Message("Choose a folder outside of Git folders, such as /Shared/signalbox."),
        )  # fmt: skip


def _make_catalog(rest: Rest, catalog: str) -> None:
    if catalog and not _there(rest, f"2.1/unity-catalog/catalogs/{catalog}"):
        rest.post("2.1/unity-catalog/catalogs", {"name": catalog})


def _make_schema(rest: Rest, place: Place) -> None:
    if place.full_schema and not _there(rest, f"2.1/unity-catalog/schemas/{place.full_schema}"):
        rest.post("2.1/unity-catalog/schemas", {"name": place.schema, "catalog_name": place.catalog})


def _there(rest: Rest, path: str) -> bool:
    try:
        rest.get(path)
    except Refused as error:
        if not error.missing:
            raise
        return False
    return True


def _refusal(error: Refused) -> ConsoleError:
    told = Message("The workspace refused ({status}): {reason}", status=error.status, reason=error.sentence)
    statement = grants.statement(error.sentence)
    if statement:
        return ForbiddenError(told, Message("Ask the owner of the catalog to run: {statement}", statement=statement))
    if error.forbidden:
        return ForbiddenError(told, Message("Ask an admin of the workspace for permission."))
    return PlatformError(told, Message("Try again; if it stays, show this sentence to an engineer."))
