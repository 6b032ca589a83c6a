"""The index of an app's prompts, brought up to date by looking at what changed.

A look at the registry costs one call, however many prompts and versions there are. It reads the prompts that changed
last; the console's own writes to older ones are known from the audit log. Everything else that was changed elsewhere is
found by the worker's look at all of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from services.audit import Verb
from services.database import event_log, now
from services.prompts import PromptVersion
from services.prompts.library import registry, stored
from services.prompts.library.seen import Seen
from services.prompts.library.stored import Reading

if TYPE_CHECKING:
    from services.workspace import Workspace

# A page of the list, and some more that a search may leave out.
NEWEST = 25
GLANCE = 5
WINDOW = 20
MOST_READ = 10
REREAD = 20
AT_ONCE = 100
FRESH = timedelta(seconds=30)
WRITES = (
    Verb.SAVE_PROMPT,
    Verb.LABEL_PROMPT,
    Verb.ARCHIVE_PROMPT,
    Verb.TRASH_PROMPT,
    Verb.ERASE_PROMPT,
    Verb.MOVE_ALIAS,
)


@dataclass(frozen=True)
class Own:
    """The console's own writes since the last look; of `older`, a version was changed that need not be the newest."""

    event_id: int
    names: frozenset[str] = frozenset()
    older: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Look:
    """What a look tells: everything is known as of `as_of`, and `sure` are the prompts as they are right now."""

    as_of: datetime
    sure: frozenset[str]


def refresh(workspace: "Workspace", listed: bool = False) -> Look:
    """Take in what changed; `listed`: what changed last will be shown, so that one call sees all that it would ask for."""
    begun, cursor = now(), stored.cursor(workspace)
    if cursor is None:
        return Look(refresh_all(workspace), frozenset())
    own = _own_writes(workspace, cursor.event_id)
    if workspace.namespace:
        # Nothing there tells what changed, so all of it is read, and not at every click.
        stale = own.event_id > cursor.event_id or begun - cursor.looked_at > FRESH
        as_of = refresh_all(workspace) if stale else cursor.looked_at
        return Look(as_of, frozenset(stored.names(workspace)))
    few = not listed and stored.count(workspace) > NEWEST
    seen, complete, certain = _last_changed(workspace, (GLANCE, NEWEST) if few else (NEWEST,))
    if len(own.names) > NEWEST or not certain:
        return Look(refresh_all(workspace), frozenset(one.name for one in seen))
    seen += registry.named(workspace, own.names - {one.name for one in seen})
    names = frozenset(one.name for one in seen)
    changed = _changed(seen, stored.fingerprints(workspace, names), own)
    gone = (stored.names(workspace) if complete else own.names) - names
    if changed or gone or own.event_id > cursor.event_id:
        stored.put(workspace, _read(workspace, changed, own), gone, begun, own.event_id)
    return Look(begun if complete else cursor.looked_at, names)


def look_again(workspace: "Workspace", names: Iterable[str]) -> bool:
    """Compare these prompts with the registry, in one call; whether something was different."""
    begun, wanted = now(), set(names)
    seen = registry.named(workspace, wanted)
    changed = _changed(seen, stored.fingerprints(workspace, wanted))
    gone = wanted - {one.name for one in seen}
    if changed or gone:
        stored.put(workspace, _read(workspace, changed), gone, begun)
    return bool(changed or gone)


def refresh_all(workspace: "Workspace") -> datetime:
    """Compare every prompt with the registry; returns the time as of which everything is known."""
    begun, cursor = now(), stored.cursor(workspace)
    own = _own_writes(workspace, cursor.event_id if cursor else None)
    seen = list(registry.every(workspace))
    names = {one.name for one in seen}
    readings = _read(workspace, _changed(seen, stored.fingerprints(workspace, names), own), own)
    # In parts, so that nobody else who writes waits long.
    for start in range(0, len(readings), AT_ONCE):
        stored.put(workspace, readings[start : start + AT_ONCE], (), begun)
    stored.put(workspace, (), stored.names(workspace) - names, begun, own.event_id, begun)
    return begun


def read_on(workspace: "Workspace") -> None:
    """Read all versions of the prompts that were not read to their end yet, else of a few, the oldest readings first.

    A tag that somebody sets on an older version leaves no trace in any search; it is found here.
    """
    chosen = stored.unread(workspace) or stored.oldest(workspace, REREAD)
    for start in range(0, len(chosen), REREAD):
        begun = now()
        seen = registry.named(workspace, chosen[start : start + REREAD])
        stored.put(workspace, [_read_all(workspace, one) for one in seen], (), begun)


def _last_changed(workspace: "Workspace", pages: tuple[int, ...]) -> tuple[list[Seen], bool, bool]:
    """What changed last, whether these are all prompts, and whether nothing else can have changed its versions."""
    seen: list[Seen] = []
    for most in pages:
        seen, complete = registry.last_changed(workspace, most)
        # Where the oldest of the page has changed too, there may be more behind it.
        if complete or not _changed(seen[-1:], stored.fingerprints(workspace, [seen[-1].name])):
            return seen, complete, True
    return seen, False, False


def _own_writes(workspace: "Workspace", after: int | None) -> Own:
    """A write that has begun and not ended is seen when it ends; with nothing to follow, only where to begin."""
    if after is None:
        newest = select(func.max(event_log.c.id)).where(event_log.c.app_id == workspace.app.id)
        with workspace.engine.connect() as connection:
            return Own(connection.execute(newest).scalar() or 0)
    query = select(event_log.c.id, event_log.c.verb, event_log.c.subject).where(
        event_log.c.app_id == workspace.app.id,
        event_log.c.id > after,
        event_log.c.verb.in_([verb.value for verb in WRITES]),
        event_log.c.outcome != "intent",
    )
    with workspace.engine.connect() as connection:
        rows = connection.execute(query.order_by(event_log.c.id)).all()
    named = [row.subject.partition(" ") for row in rows]
    older = frozenset(name for name, _, number in named if number)
    return Own(max((row.id for row in rows), default=after), frozenset(name for name, *_ in named), older)


def _changed(seen: Iterable[Seen], known: Mapping[str, str], own: Own | None = None) -> list[Seen]:
    mine = own.names if own else frozenset()
    return [one for one in seen if one.fingerprint != known.get(one.name) or one.name in mine]


def _read(workspace: "Workspace", changed: Sequence[Seen], own: Own | None = None) -> list[Reading]:
    """The newest versions of what changed; what the search brought along is enough of a next version, or of many prompts."""
    readings = []
    known = stored.newest(workspace, [one.name for one in changed[:MOST_READ]])
    for number, one in enumerate(changed):
        next_one = one.name in known and [made.version for made in one.newest] == [known[one.name] + 1]
        if own and one.name in own.older:
            readings.append(_read_all(workspace, one))
        elif number < MOST_READ and not next_one:
            found, complete = registry.versions(workspace, one, WINDOW)
            readings.append(Reading(one, found, _lowest(found, complete), complete))
        else:
            readings.append(Reading(one, list(one.newest), _lowest(one.newest, False), False))
    return readings


def _read_all(workspace: "Workspace", one: Seen) -> Reading:
    found, complete = registry.versions(workspace, one, None)
    return Reading(one, found, 0, complete)


def _lowest(found: Sequence[PromptVersion], complete: bool) -> int:
    return 0 if complete else min((one.version for one in found), default=0)
