"""Who was seen here, with which roles and by which line of the roles file; what each role may do."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from services import audit, people
from services.audit import DOING, ROLE_OF, Verb
from services.database import person
from services.people.roles import Entry, Role

if TYPE_CHECKING:
    from services.workspace import Workspace

MOST = 500


@dataclass(frozen=True)
class Seen:
    """A person as the last sign-in told of them; `entries` are those of today's roles file that name them."""

    id: str
    groups: tuple[str, ...]
    first_seen: datetime
    last_seen: datetime
    roles: frozenset[Role]
    entries: tuple[Entry, ...]


def known(workspace: "Workspace") -> tuple[Seen, ...]:
    """Everyone who was at a screen, the last one first, up to MOST; raises ForbiddenError for others than admins."""
    audit.require(workspace, Verb.READ_PEOPLE)
    columns = (person.c.id, person.c.groups, person.c.first_seen, person.c.last_seen)
    with workspace.engine.connect() as connection:
        rows = connection.execute(select(*columns).order_by(person.c.last_seen.desc()).limit(MOST)).all()
    listed = people.roles_file(workspace.settings)
    return tuple(
        Seen(
            id,
            tuple(groups),
            first,
            last,
            people.with_roles(workspace.settings, id, groups).roles,
            listed.matching(id, groups),
        )
        for id, groups, first, last in rows
    )


def unseen(workspace: "Workspace") -> tuple[Entry, ...]:
    """Entries of the roles file that name a person nobody has seen yet: new people, or names that are mistyped."""
    audit.require(workspace, Verb.READ_PEOPLE)
    with workspace.engine.connect() as connection:
        seen = set(connection.execute(select(person.c.id)).scalars())
    listed = people.roles_file(workspace.settings)
    return tuple(
        one
        for one in listed.entries
        if one.member != people.EVERYONE and not one.member.startswith("group:") and one.member not in seen
    )


def allowed_to(role: Role) -> tuple[str, ...]:
    """What the role is needed for, as message ids."""
    return tuple(DOING[verb] for verb, needed in ROLE_OF.items() if needed is role)
