"""Who is acting: identity from the environment or trusted proxy headers, roles from one file."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, and_, delete, insert, select

from services.database import draft, writing
from services.errors import ForbiddenError, InvalidInputError
from services.messages import Message, mark
from services.settings import Settings

if TYPE_CHECKING:
    from services.workspace import Workspace


class Role(StrEnum):
    """What a person may do; an admin may do everything, everyone signed in may look."""

    VIEWER = "viewer"
    REVIEWER = "reviewer"
    AUTHOR = "author"
    APPROVER = "approver"
    ADMIN = "admin"


ALL_ROLES = frozenset(Role)
# The word of the roles file, which other languages explain.
ROLE_NAME = {
    Role.VIEWER: mark("viewer"),
    Role.REVIEWER: mark("reviewer"),
    Role.AUTHOR: mark("author"),
    Role.APPROVER: mark("approver"),
    Role.ADMIN: mark("admin"),
}


@dataclass(frozen=True)
class Actor:
    """A person, or the console itself, as the audit log names it."""

    id: str
    roles: frozenset[Role]
    groups: tuple[str, ...] = ()


CONSOLE = Actor("signalbox", ALL_ROLES)


def identify(settings: Settings, headers: Mapping[str, str]) -> Actor:
    """The person behind a request; raises ForbiddenError in proxy mode when the proxy named nobody."""
    if settings.identity == "local":
        return Actor(settings.operator, ALL_ROLES)
    email = (headers.get(settings.email_header) or "").strip().lower()
    if not email:
        raise ForbiddenError(
            Message("The sign-in proxy did not say who you are."),
            Message("Open the console through your organisation's address, not directly."),
        )
    if email == CONSOLE.id or email.startswith("group:"):
        raise ForbiddenError(
            Message("The name “{name}” is reserved.", name=email),
            Message("Ask an admin to sign you in by your e-mail."),
        )
    groups = tuple(part.strip() for part in (headers.get(settings.groups_header) or "").split(",") if part.strip())
    return with_roles(settings, email, groups)


def with_roles(settings: Settings, id: str, groups: Iterable[str] = ()) -> Actor:
    """The actor with today's roles; a job that was submitted earlier runs with these, not with yesterday's."""
    if id == CONSOLE.id:
        return CONSOLE
    if settings.identity == "local":
        return Actor(id, ALL_ROLES)
    names = {id, *(f"group:{group.lower()}" for group in groups)}
    listed = _roles_file(settings.roles_file) if settings.roles_file else {}
    roles = {role for role, members in listed.items() if names & members}
    if Role.ADMIN in roles:
        roles = set(ALL_ROLES)
    return Actor(id, frozenset(roles | {Role.VIEWER}), tuple(groups))


def reviewers(settings: Settings) -> list[str]:
    """Who the roles file names one by one as a reviewer or admin; members of groups are not known by name."""
    if settings.identity == "local" or settings.roles_file is None:
        return [settings.operator] if settings.identity == "local" else []
    listed = _roles_file(settings.roles_file)
    named = listed.get(Role.REVIEWER, set()) | listed.get(Role.ADMIN, set())
    return sorted(one for one in named if not one.startswith("group:"))


def remembered(workspace: "Workspace", what: str) -> str | None:
    """What this person chose last time (language, app); None when nothing was chosen."""
    with workspace.engine.connect() as connection:
        return connection.execute(select(draft.c.value).where(_choice(workspace, what))).scalar()


def remember(workspace: "Workspace", what: str, value: str) -> None:
    """Keep a choice of how the console looks to this person; it changes nothing for others, so no audit line."""
    with writing(workspace.engine) as connection:
        connection.execute(delete(draft).where(_choice(workspace, what)))
        connection.execute(insert(draft).values(app_id="", actor=workspace.actor.id, subject=what, value=value))


def _choice(workspace: "Workspace", what: str) -> ColumnElement[bool]:
    return and_(draft.c.app_id == "", draft.c.actor == workspace.actor.id, draft.c.subject == what)


def _roles_file(path: Path) -> dict[Role, set[str]]:
    try:
        listed = tomllib.loads(path.read_text("utf-8")).get("roles", {})
        return {Role(role): {str(member).lower() for member in members} for role, members in listed.items()}
    except (tomllib.TOMLDecodeError, ValueError) as error:
        raise InvalidInputError(
            Message("The roles file {path} cannot be read: {reason}.", path=str(path), reason=str(error)),
            Message("It needs a [roles] table such as: approver = [“ada@example.com”, “group:support-leads”]."),
        ) from error
