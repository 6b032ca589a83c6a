"""Who was at this console, and which sign-ins were ended."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Engine, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from services.database import ended_sign_in, now, person, writing
from services.errors import translated
from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace

WRITTEN_EVERY = timedelta(minutes=5)


def note(workspace: "Workspace") -> None:
    """Remember that this person is here, every few minutes at most."""
    who, time = workspace.actor, now()
    told = {"groups": list(who.groups), "last_seen": time}
    with workspace.engine.connect() as connection:
        before = connection.execute(select(person).where(person.c.id == who.id)).first()
    if before is not None and tuple(before.groups) == who.groups and time - before.last_seen < WRITTEN_EVERY:
        return
    try:
        with writing(workspace.engine) as connection:
            if before is None:
                connection.execute(insert(person).values(id=who.id, first_seen=time, **told))
            else:
                connection.execute(update(person).where(person.c.id == who.id).values(told))
    except IntegrityError:  # another tab of the same person came first
        return


def groups_of(engine: Engine, id: str, before: tuple[str, ...]) -> tuple[str, ...]:
    """The groups of the last sign-in, which a job that waited had not seen; `before` for who never was at a screen."""
    with engine.connect() as connection:
        found = connection.execute(select(person.c.groups).where(person.c.id == id)).scalar()
    return before if found is None else tuple(found)


def end(engine: Engine, key: str, until: datetime) -> None:
    """From now on this sign-in counts nowhere, also where somebody copied it; it would have ended at `until`."""
    with writing(engine) as connection:
        connection.execute(delete(ended_sign_in).where(ended_sign_in.c.until < now()))
        connection.execute(delete(ended_sign_in).where(ended_sign_in.c.key == key))
        connection.execute(insert(ended_sign_in).values(key=key, until=until))


def ended(engine: Engine, key: str) -> bool:
    """Raises PlatformError while the database does not answer."""
    with translated(Message("Looking up your sign-in")), engine.connect() as connection:
        return connection.execute(select(ended_sign_in.c.key).where(ended_sign_in.c.key == key)).first() is not None
