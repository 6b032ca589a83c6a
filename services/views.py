"""Choices of what a screen shows, kept under a name for everyone who works on the app."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from services import apps, audit
from services.audit import Verb
from services.errors import InvalidInputError
from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace

LONGEST_NAME, LONGEST_CHOICE, MOST = 60, 2000, 50

Choice = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class View:
    """A choice under a name: what the screen's address says, without what it is about (the evaluation, the trace)."""

    name: str
    choice: Choice
    actor: str


def all(workspace: "Workspace", screen: str) -> list[View]:
    """Those of one screen, by name."""
    found = [View(one["name"], one["asked"], one["actor"]) for one in _read(workspace, screen)[1]]
    return sorted(found, key=lambda one: one.name.casefold())


def save(workspace: "Workspace", screen: str, name: str, choice: Choice) -> None:
    """Keep a choice; one of the same name is replaced. Raises InvalidInputError or ConflictError."""
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME:
        raise InvalidInputError(
            Message("A view needs a name of at most {n} characters.", n=LONGEST_NAME), Message("Type a short name.")
        )
    if len(str(dict(choice))) > LONGEST_CHOICE:
        raise InvalidInputError(
            Message("This choice is too long to be kept."), Message("Choose fewer things, or shorter words.")
        )
    read, stored = _read(workspace, screen)
    others = [one for one in stored if one["name"] != name]
    if len(others) >= MOST:
        raise InvalidInputError(
            Message("There are {n} saved views already.", n=MOST), Message("Delete one that nobody needs.")
        )
    made = {"name": name, "asked": dict(choice), "actor": workspace.actor.id}
    with audit.change(workspace, Verb.SAVE_VIEW, name, before=_named(stored, name), after=made["asked"]):
        apps.save_setting(workspace, _setting(screen), [*others, made], read)


def remove(workspace: "Workspace", screen: str, name: str) -> None:
    """Forget a view; what it shows stays as it is. Raises ConflictError."""
    read, stored = _read(workspace, screen)
    with audit.change(workspace, Verb.SAVE_VIEW, name, before=_named(stored, name)):
        apps.save_setting(workspace, _setting(screen), [one for one in stored if one["name"] != name], read)


def _named(stored: Sequence[dict[str, Any]], name: str) -> Any:
    return next((one["asked"] for one in stored if one["name"] == name), None)


def _read(workspace: "Workspace", screen: str) -> tuple[int, Sequence[dict[str, Any]]]:
    """With the number of the setting's own version."""
    version, stored = apps.load_version(workspace, _setting(screen))
    return version, stored or []


def _setting(screen: str) -> str:
    return f"{screen}_views"
