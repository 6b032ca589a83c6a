"""One question to everything that an app remembers: its prompts, its releases and its traces."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services import traces
from services.errors import NotFoundError
from services.prompts import library
from services.prompts.library import words
from services.releases import Release, finding
from services.traces import TraceQuery, TraceRow

if TYPE_CHECKING:
    from services.workspace import Workspace

MOST = 5
EVER = 87_600.0
# No longer than a database counts.
NUMBER = re.compile(r"#*[0-9]{1,15}")
TRACE = re.compile(r"tr-[0-9a-f]{32}")


@dataclass(frozen=True)
class Results:
    """What has every word of the question, newest first and at most MOST of each kind; the totals count all."""

    prompts: tuple[library.Row, ...] = ()
    prompts_total: int = 0
    releases: tuple[Release, ...] = ()
    releases_total: int = 0
    traces: tuple[TraceRow, ...] = ()
    more_traces: bool = False

    @property
    def empty(self) -> bool:
        return not (self.prompts or self.releases or self.traces)


def find(workspace: "Workspace", text: str) -> Results:
    """Prompts by all they say, releases by number, prompt, reason and person, traces by words or by their id."""
    asked = words.asked(text)
    if not asked:
        return Results()
    prompts = library.find(workspace, library.Query(text, archived=True))
    found, number = _releases(workspace, asked)
    rows, more = _traces(workspace, text.strip())
    return Results(prompts.rows[:MOST], prompts.total, tuple(found), number, rows, more)


def _releases(workspace: "Workspace", asked: list[str]) -> tuple[list[Release], int]:
    """A number alone means the release of that number, not any text with that digit."""
    numbers = {one for one in asked if NUMBER.fullmatch(one)}
    spoken = [one for one in asked if one not in numbers]

    def says(text: str) -> bool:
        said = words.fold(text)
        return all(one in said for one in spoken)

    return finding.find(workspace, says, {int(one.lstrip("#")) for one in numbers}, MOST)


def _traces(workspace: "Workspace", text: str) -> tuple[tuple[TraceRow, ...], bool]:
    if TRACE.fullmatch(text):
        try:
            return (traces.get(workspace, text).row,), False
        except NotFoundError:
            return (), False
    found = traces.find(workspace, TraceQuery(hours=EVER, origin=None, text=text[: words.LONGEST_QUERY], limit=MOST))
    return found.rows, found.more
