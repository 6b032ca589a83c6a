"""What was live when: every move of a prompt's alias, also the ones made outside the console and found by comparing.

MLflow keeps no history of an alias. Releases leave an audit line for each move; what differs from the last line was
moved elsewhere, between the last time that the console looked and now.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, select

from services import audit, jobs, production
from services.audit import Verb
from services.database import event_log, now, writing
from services.errors import translated
from services.messages import Message
from services.people import CONSOLE
from services.prompts import registered

if TYPE_CHECKING:
    from services.workspace import Workspace

LOOKING = "tend_prompts"
POINTER = (Verb.MOVE_ALIAS.value, Verb.NOTICE_MOVE.value)
BY_RELEASE = re.compile(r"release (\d+)\b")


@dataclass(frozen=True)
class Move:
    """One move of the alias to `version` (None: to nowhere).

    A move made outside happened between `at` (None: nobody knows) and `noticed_at`; nobody knows by whom. `deleted`
    says that the alias vanished together with its version.
    """

    at: datetime | None
    before: int | None
    version: int | None
    actor: str | None
    why: str = ""
    outside: bool = False
    noticed_at: datetime | None = None
    deleted: bool = False

    @property
    def release(self) -> int | None:
        """The release that made the move."""
        found = BY_RELEASE.match(self.why)
        return int(found[1]) if found else None

    @property
    def sure_at(self) -> datetime:
        """From when on it had surely happened."""
        sure = self.noticed_at or self.at
        assert sure is not None
        return sure


@dataclass(frozen=True)
class Period:
    """A time in which a version was live, from one move until the next; None: it still is."""

    version: int
    start: Move
    end: Move | None


def history(workspace: "Workspace", name: str) -> list[Move]:
    """Every known move of the alias `production`, newest first."""
    return _moves(_lines(workspace, name))[::-1]


def by_whom(workspace: "Workspace") -> Message:
    """Who made a move outside the console, as far as anybody records that."""
    table = workspace.platform.serving.rules.recorded_by
    if table is None:
        return Message("Neither MLflow nor the endpoint records who moved it: ask those who may write there.")
    return Message(
        "Neither MLflow nor the endpoint says who moved it; the workspace's audit log does, in the table {table}.",
        table=table,
    )


def periods(workspace: "Workspace", name: str) -> dict[int, list[Period]]:
    """When each version was live, the newest time first; a version that never was is missing."""
    found: dict[int, list[Period]] = {}
    later: Move | None = None
    for move in history(workspace, name):
        if move.version is not None:
            found.setdefault(move.version, []).append(Period(move.version, move, later))
        later = move
    return found


def live_at(workspace: "Workspace", name: str, time: datetime) -> tuple[int | None, ...]:
    """What was live at `time`, None for nothing; more than one where a move made outside was not seen in time."""
    moves = history(workspace, name)
    certain = next((move.version for move in moves if move.sure_at <= time), None)
    open = [move.version for move in moves if (move.at is None or move.at <= time) and time < move.sure_at]
    return tuple(dict.fromkeys([certain, *open[::-1]]))


def notice(workspace: "Workspace", name: str) -> Move | None:
    """Record a move made outside since the console looked last, once, whoever looks; None when there was none.

    A release that is moving the alias right now is left to record its own move.
    """
    known = _lines(workspace, name)
    current = production.alias(workspace, name)
    moves = _moves(known)
    last = moves[-1] if moves else None
    if current == (last.version if last else None) or _under_way(known):
        return None
    found = _found(workspace, name, known, last, current)
    with writing(workspace.engine) as connection:
        # Another look, or a release, may have written meanwhile: then what was read above is old.
        if [line.id for line in _read(connection, workspace, name)] != [line.id for line in known]:
            return None
        console = replace(workspace, actor=CONSOLE)
        audit.record(connection, console, Verb.NOTICE_MOVE, name, _before(found), _after(found))
    return replace(found, noticed_at=now()) if found.outside else found


def notice_all(workspace: "Workspace", current: dict[str, int]) -> bool:
    """Compare every prompt's alias, read a moment ago, with its records; False when one cannot be told yet."""
    recorded: dict[str, list[Row[Any]]] = {}
    for line in _lines(workspace):
        recorded.setdefault(line.subject, []).append(line)
    known = {name: moves[-1].version for name, lines in recorded.items() if (moves := _moves(lines))}
    moved = [name for name in {**known, **current} if known.get(name) != current.get(name)]
    told = [notice(workspace, name) is not None for name in moved]
    return all(told)


def under_way(connection: Connection, workspace: "Workspace", name: str) -> bool:
    """Whether something has said that it moves the alias, and not yet how it went."""
    return _under_way(_read(connection, workspace, name))


def pointers(workspace: "Workspace", tag: str) -> dict[str, int]:
    """Where `production` points, for all prompts of the app that have it, in one read per page of prompts.

    Unity Catalog is asked for each prompt.
    """
    if workspace.namespace:
        every = [
            workspace.short_name(one.name)
            for one in registered.every(workspace, f"tags.`{tag}` = '{workspace.app.id}'")
        ]
        asked = {name: production.alias(workspace, name) for name in every}
        return {name: version for name, version in asked.items() if version is not None}
    words = f"tags.`mlflow.prompt.is_prompt` = 'true' AND tags.`{tag}` = '{workspace.app.id}'"
    found: dict[str, int] = {}
    token = None
    with translated(Message("Reading the prompts")):
        while True:
            page = workspace.client.search_registered_models(words, max_results=1000, page_token=token)
            aliased = {one.name: one.aliases.get(production.ALIAS) for one in page}
            found |= {name: int(version) for name, version in aliased.items() if version is not None}
            if not (token := page.token):
                return found


def _lines(workspace: "Workspace", name: str | None = None) -> list[Row[Any]]:
    with workspace.engine.connect() as connection:
        return _read(connection, workspace, name)


def _read(connection: Connection, workspace: "Workspace", name: str | None) -> list[Row[Any]]:
    """The audit lines about the prompt's pointer, oldest first; a prompt deleted for good takes its own with it."""
    asked = event_log.c.verb.in_((*POINTER, Verb.ERASE_PROMPT.value))
    query = select(event_log).where(event_log.c.app_id == workspace.app.id, asked).order_by(event_log.c.id)
    found = list(connection.execute(query if name is None else query.where(event_log.c.subject == name)))
    erased = {line.subject: line.id for line in found if line.verb == Verb.ERASE_PROMPT and line.outcome == "done"}
    return [line for line in found if line.verb in POINTER and line.id > erased.get(line.subject, 0)]


def _moves(lines: Sequence[Row[Any]]) -> list[Move]:
    """The moves that the lines tell, oldest first, with what must have happened unseen between two of them."""
    moves: list[Move] = []
    for line in lines:
        if line.outcome != "done":
            continue
        move = _from_release(line) if line.verb == Verb.MOVE_ALIAS else _from_notice(line)
        last = moves[-1] if moves else None
        if move.before != (last.version if last else None):
            unseen = last.sure_at if last else None
            moves.append(Move(unseen, last.version if last else None, move.before, None, "", True, move.at or line.at))
        moves.append(move)
    return moves


def _from_release(line: Row[Any]) -> Move:
    return Move(line.at, line.before, line.after, line.actor, line.why)


def _from_notice(line: Row[Any]) -> Move:
    seen = datetime.fromisoformat(line.before["at"]) if line.before["at"] else None
    before, after = line.before["version"], line.after["version"]
    if line.after["actor"]:
        return Move(seen, before, after, line.after["actor"], line.after["why"])
    return Move(seen, before, after, None, "", True, line.at, line.after["deleted"])


def _before(found: Move) -> dict[str, Any]:
    return {"version": found.before, "at": found.at.isoformat() if found.at else None}


def _after(found: Move) -> dict[str, Any]:
    return {"version": found.version, "actor": found.actor, "why": found.why, "deleted": found.deleted}


def _under_way(lines: Sequence[Row[Any]]) -> bool:
    """Whether a release has said that it moves the alias, and not yet how it went."""
    ended = {line.intent_id for line in lines}
    started = [line for line in lines if line.outcome == "intent" and line.id not in ended]
    return any(line.at > now() - audit.LONGEST_CHANGE for line in started)


def _found(
    workspace: "Workspace", name: str, lines: Sequence[Row[Any]], last: Move | None, current: int | None
) -> Move:
    """Whose move it was: a release's that could not record its end any more, or somebody else's."""
    before = last.version if last else None
    recorded = max((line.id for line in lines if line.outcome == "done"), default=0)
    own = [line for line in lines if line.outcome == "intent" and line.id > recorded and line.after == current]
    if own:
        return Move(own[-1].at, before, current, own[-1].actor, own[-1].why)
    target = registered.version(workspace, name, int(current or before or 0))
    made = registered.made_at(target) if target and current else None
    seen = [one for one in (last.sure_at if last else None, _looked_at(workspace), made) if one is not None]
    return Move(max(seen, default=None), before, current, None, outside=True, deleted=not current and target is None)


def _looked_at(workspace: "Workspace") -> datetime | None:
    """When the worker last found every alias where the records say."""
    looks = [job.checkpoint["at"] for job in jobs.recent(workspace, LOOKING, 5) if "at" in job.checkpoint]
    return datetime.fromisoformat(looks[0]) if looks else None
