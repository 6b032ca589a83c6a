"""Traces found by what is known of them and by the words in question and answer, newest first, all from indexes."""

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from services import database
from services.readmodel import file
from services.readmodel.facts import EVALUATION, PEOPLE, PRODUCTION
from services.readmodel.filling import ID_BITS, folded
from services.traces.queries import Conversation, Found, TraceQuery
from services.traces.rows import TraceRow

if TYPE_CHECKING:
    from services.workspace import Workspace

KINDS = (PRODUCTION, EVALUATION, PEOPLE)
TRIGRAM = 3
ABOVE_ALL = "\U0010ffff"
COLUMNS = "trace.id, trace_id, origin, state, model_id, millis, tokens, prompts, user, session, question, answer"


def find(workspace: "Workspace", query: TraceQuery) -> Found:
    with file.reading(workspace) as connection:
        return find_in(connection, query)


def find_in(connection: sqlite3.Connection, query: TraceQuery) -> Found:
    """One more than asked for is read, which tells whether there is more."""
    upwards = query.after is not None
    ids = _ids(connection, query, query.limit + 1, "ASC" if upwards else "DESC")
    more, ids = len(ids) > query.limit, ids[: query.limit]
    if not ids:
        return Found((), None, None)
    if upwards:
        ids.reverse()
    older = ids[-1] if upwards or more else None
    newer = ids[0] if query.before is not None or (upwards and more) else None
    return Found(tuple(_rows(connection, ids)), older, newer)


def count(workspace: "Workspace", query: TraceQuery, most: int) -> tuple[int, bool]:
    """How many match, counted up to `most`, and whether there are more."""
    with file.reading(workspace) as connection:
        found = len(_ids(connection, query, most + 1, "DESC"))
    return min(found, most), found > most


def known(workspace: "Workspace", trace_ids: list[str]) -> set[str]:
    """Those of these that MLflow had when it was last read."""
    held = "SELECT trace_id FROM trace WHERE trace_id IN (SELECT value FROM json_each(?))"
    with file.reading(workspace) as connection:
        return {id for (id,) in connection.execute(held, (json.dumps(trace_ids),))}


def some(workspace: "Workspace", trace_ids: list[str]) -> list[TraceRow]:
    """The traces of these ids that MLflow had when it was last read, newest first."""
    held = "SELECT id FROM trace WHERE trace_id IN (SELECT value FROM json_each(?))"
    with file.reading(workspace) as connection:
        return list(_rows(connection, [id for (id,) in connection.execute(held, (json.dumps(trace_ids),))]))


def unjudged(workspace: "Workspace", scorers: list[str], hours: float, most: int) -> int:
    """How many live answers of the last `hours` none of these scorers has judged in production, counted up to `most`."""
    names = ", ".join("?" * len(scorers))
    judged = f"SELECT 1 FROM mark WHERE mark.id = trace.id AND kind = ? AND name IN ({names}) AND value IS NOT NULL"
    query = (
        "SELECT count(*) FROM (SELECT 1 FROM trace WHERE id >= ? AND origin = 'live' AND state = 'OK' "
        f"AND NOT EXISTS ({judged}) LIMIT ?)"
    )
    since = position(database.now() - timedelta(hours=hours))
    with file.reading(workspace) as connection:
        return int(connection.execute(query, (since, PRODUCTION, *scorers, most)).fetchone()[0])


def conversations(workspace: "Workspace", query: TraceQuery) -> list[Conversation]:
    """The conversations in which the newest matching traces stand, newest first, `limit` at most.

    A shadow's answers were given to nobody: they are no turns, and stand alone where they are asked for.
    """
    turns = "trace.origin = 'shadow'" if query.origin == "shadow" else "trace.origin != 'shadow'"
    with file.reading(workspace) as connection:
        source, where, values = _asked(connection, query)
        where += ["trace.session != ''", turns]
        words = f"SELECT session FROM {source[0]} WHERE {' AND '.join(where)} ORDER BY {source[1]} DESC"
        sessions: dict[str, None] = {}
        for (session,) in connection.execute(words, values):
            sessions[session] = None
            if len(sessions) == query.limit:
                break
        return [_conversation(connection, session, turns) for session in sessions]


def _conversation(connection: sqlite3.Connection, session: str, counted: str) -> Conversation:
    query = f"SELECT count(*), min(id), max(id), max(user) FROM trace WHERE session = ? AND {counted}"
    turns, first, last, user = connection.execute(query, (session,)).fetchone()
    opened = next(_rows(connection, [first]))
    newest = opened if first == last else next(_rows(connection, [last]))
    return Conversation(session, user or None, turns, opened, newest)


def _ids(connection: sqlite3.Connection, query: TraceQuery, limit: int, order: str) -> list[int]:
    source, where, values = _asked(connection, query)
    words = f"SELECT {source[1]} FROM {source[0]} WHERE {' AND '.join(where)} ORDER BY {source[1]} {order} LIMIT ?"
    return [id for (id,) in connection.execute(words, [*values, limit])]


def _asked(connection: sqlite3.Connection, query: TraceQuery) -> tuple[tuple[str, str], list[str], list[Any]]:
    """The table that leads, the conditions and their values: words lead, then a verdict, then the trace itself."""
    where: list[str] = []
    values: list[Any] = []
    source = ("trace", "trace.id")
    if query.text and query.text.strip():
        source = ("words CROSS JOIN trace ON trace.id = words.rowid", "words.rowid")
        where.append("words MATCH ?")
        values.append(match(connection, query.text))
    elif query.scorer:
        source = ("mark CROSS JOIN trace ON trace.id = mark.id", "mark.id")
        where.append("mark.kind = ? AND mark.name = ? AND mark.value = ? AND mark.newest")
        values += [_kind(query), query.scorer, float(query.passed)]
    for condition, value in _plain(query, source[1]):
        where.append(condition)
        values.append(value)
    if query.scorer and not source[0].startswith("mark"):
        where.append(_given("kind = ? AND name = ? AND value = ?"))
        values += [_kind(query), query.scorer, float(query.passed)]
    if query.opinion is not None:
        where.append(_given("kind = ? AND value = ?"))
        values += [PEOPLE, float(query.opinion)]
    return source, where, values


def _plain(query: TraceQuery, id: str) -> Iterator[tuple[str, Any]]:
    since = query.since or database.now() - timedelta(hours=query.hours)
    yield f"{id} >= ?", position(since)
    if query.until:
        yield f"{id} < ?", position(query.until)
    if query.before is not None:
        yield f"{id} < ?", query.before
    if query.after is not None:
        yield f"{id} > ?", query.after
    named = {"origin": query.origin, "model_id": query.version, "user": query.user, "session": query.session}
    yield from ((f"trace.{name} = ?", value) for name, value in named.items() if value)
    if query.state:
        yield ("trace.state != 'OK' AND trace.state = ?" if query.state != "OK" else "trace.state = ?"), query.state
    if query.prompt:
        used = "trace.id IN (SELECT id FROM used WHERE prompt = ?)"
        yield used, f"{query.prompt[0]}/{query.prompt[1]}"


def _given(words: str) -> str:
    return f"EXISTS (SELECT 1 FROM mark AS given WHERE given.id = trace.id AND given.newest AND {words})"


def _kind(query: TraceQuery) -> str:
    return EVALUATION if query.origin == EVALUATION else PRODUCTION


def position(time: datetime) -> int:
    """The lowest id that a trace of this time can have."""
    return int(time.timestamp() * 1000) << ID_BITS


def match(connection: sqlite3.Connection, text: str) -> str:
    """The index's words for a text: every part between spaces must be there, as it stands."""
    return " AND ".join(_one(connection, part.lower()) for part in folded(text).split())


def _one(connection: sqlite3.Connection, part: str) -> str:
    """What is shorter than the index's three letters is found as any three that begin with it."""
    if len(part) >= TRIGRAM:
        return _quoted(part)
    query = "SELECT term FROM vocabulary WHERE term >= ? AND term < ?"
    terms = [term for (term,) in connection.execute(query, (part, part + ABOVE_ALL))]
    return f"({' OR '.join(map(_quoted, terms))})" if terms else _quoted(ABOVE_ALL * TRIGRAM)


def _quoted(part: str) -> str:
    return '"' + part.replace('"', '""') + '"'


def _rows(connection: sqlite3.Connection, ids: list[int]) -> Iterator[TraceRow]:
    places = ", ".join("?" * len(ids))
    query = f"SELECT {COLUMNS} FROM trace JOIN said USING (id) WHERE trace.id IN ({places}) ORDER BY trace.id DESC"
    scores = _verdicts(connection, ids)
    for (
        id,
        trace_id,
        origin,
        state,
        model_id,
        millis,
        tokens,
        prompts,
        _user,
        session,
        question,
        answer,
    ) in connection.execute(query, ids):
        yield TraceRow(
            trace_id=trace_id,
            time=datetime.fromtimestamp((id >> ID_BITS) / 1000, UTC),
            origin=origin,
            question=question,
            answer=answer,
            ok=state != "ERROR",
            finished=state != "IN_PROGRESS",
            seconds=None if millis is None else millis / 1000,
            model_id=model_id or None,
            prompts=tuple((name, version) for name, version in json.loads(prompts)),
            tokens=tokens,
            scores=scores.get(id, {}),
            session=session or None,
        )


def _verdicts(connection: sqlite3.Connection, ids: list[int]) -> dict[int, dict[str, bool]]:
    """Each scorer's newest yes or no; what people said under a name stands where no scorer did."""
    query = (
        f"SELECT id, name, value FROM mark WHERE id IN ({', '.join('?' * len(ids))}) AND newest AND binary "
        "ORDER BY kind != 'people', position"
    )
    found: dict[int, dict[str, bool]] = {}
    for id, name, value in connection.execute(query, ids):
        found.setdefault(id, {})[name] = bool(value)
    return found
