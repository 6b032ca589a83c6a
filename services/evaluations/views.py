"""Choices of rows kept under a name, for everyone who works on the app."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from services import apps, audit
from services.audit import Verb
from services.errors import InvalidInputError
from services.evaluations.browsing import RowFilter
from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace

SETTING = "evaluation_views"
LONGEST_NAME, MOST = 60, 50


@dataclass(frozen=True)
class View:
    """A choice of rows under a name; it fits every evaluation of the app."""

    name: str
    asked: RowFilter
    actor: str


def all(workspace: "Workspace") -> list[View]:
    """By name."""
    found = [View(one["name"], RowFilter.from_address(one["asked"]), one["actor"]) for one in _stored(workspace)]
    return sorted(found, key=lambda one: one.name.casefold())


def save(workspace: "Workspace", name: str, asked: RowFilter) -> View:
    """Keep a choice; one of the same name is replaced. Raises InvalidInputError or ConflictError."""
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME:
        raise InvalidInputError(
            Message("A view needs a name of at most {n} characters.", n=LONGEST_NAME), Message("Type a short name.")
        )
    read, stored = _read(workspace)
    others = [one for one in stored if one["name"] != name]
    if len(others) >= MOST:
        raise InvalidInputError(
            Message("There are {n} saved views already.", n=MOST), Message("Delete one that nobody needs.")
        )
    made = {"name": name, "asked": asked.to_address(), "actor": workspace.actor.id}
    with audit.change(workspace, Verb.SAVE_VIEW, name, before=_named(stored, name), after=made["asked"]):
        apps.save_setting(workspace, SETTING, [*others, made], read)
    return View(name, asked, workspace.actor.id)


def remove(workspace: "Workspace", name: str) -> None:
    """Forget a view; the evaluations stay as they are. Raises ConflictError."""
    read, stored = _read(workspace)
    with audit.change(workspace, Verb.SAVE_VIEW, name, before=_named(stored, name)):
        apps.save_setting(workspace, SETTING, [one for one in stored if one["name"] != name], read)


def _named(stored: Sequence[dict[str, Any]], name: str) -> Any:
    return next((one["asked"] for one in stored if one["name"] == name), None)


def _stored(workspace: "Workspace") -> Sequence[dict[str, Any]]:
    return _read(workspace)[1]


def _read(workspace: "Workspace") -> tuple[int, Sequence[dict[str, Any]]]:
    """With the number of the setting's own version."""
    version, stored = apps.load_version(workspace, SETTING)
    return version, stored or []
