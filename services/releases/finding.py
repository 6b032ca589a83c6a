"""Finds releases by what was said about them, without reading each one whole."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy import select

from services.database import release as table
from services.releases import records
from services.releases.facts import Release

if TYPE_CHECKING:
    from services.workspace import Workspace


def find(
    workspace: "Workspace", says: Callable[[str], bool], numbers: set[int], limit: int
) -> tuple[list[Release], int]:
    """The newest `limit` whose prompt, reason and person `says` takes, and how many there are.

    `numbers`: only the release that has all of them.
    """
    if len(numbers) > 1:
        return [], 0
    said = select(table.c.id, table.c.moves["prompt"].as_string().label("prompt"), table.c.why, table.c.actor)
    mine = said.where(table.c.app_id == workspace.app.id, *(table.c.id == one for one in numbers))
    with workspace.engine.connect() as connection:
        rows = connection.execute(mine.order_by(table.c.id.desc()))
        found = [row.id for row in rows if says(f"{row.prompt}\n{row.why}\n{row.actor}")]
    return records.some(workspace, found[:limit]), len(found)
