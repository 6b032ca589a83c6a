"""Answered questions spread over a time, found by as many seeks as are asked for, however many traces there are."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from services.readmodel import file
from services.readmodel.finding import position

if TYPE_CHECKING:
    from services.workspace import Workspace


@dataclass(frozen=True)
class Stretch:
    """From `since` to before `until`, of one origin; of one agent version or one prompt's version where given."""

    since: datetime
    until: datetime
    origin: str
    model_id: str = ""
    prompt: str = ""


def sample(workspace: "Workspace", stretch: Stretch, most: int) -> list[tuple[str, str]]:
    """Question and answer of the first answered trace at or after each of `most` even moments, oldest first.

    Even in time, not in number: one burst of questions is not the whole sample. Nor is one long conversation: it gives one.
    """
    source, id, where, values = "trace", "trace.id", ["origin = ?", "state = 'OK'"], [stretch.origin]
    if stretch.prompt:
        source, id = "used CROSS JOIN trace ON trace.id = used.id", "used.id"
        where, values = ["used.prompt = ?", *where], [stretch.prompt, *values]
    if stretch.model_id:
        where, values = [*where, "model_id = ?"], [*values, stretch.model_id]
    narrowed = " AND ".join([*where, f"{id} >= ?", f"{id} < ?"])
    query = (
        f"SELECT found, question, answer, session FROM (SELECT {id} AS found, session FROM {source} WHERE {narrowed} ORDER BY {id} LIMIT 1) "
        "JOIN said ON said.id = found"
    )
    begin, end = position(stretch.since), position(stretch.until)
    step = max((end - begin) // most, 1)
    said, moment = [], begin
    told: set[str] = set()
    with file.reading(workspace) as connection:
        while row := connection.execute(query, [*values, moment, end]).fetchone():
            if not row[3] or row[3] not in told:
                said.append((row[1], row[2]))
            told.add(row[3])
            moment = begin + ((row[0] - begin) // step + 1) * step
    return said
