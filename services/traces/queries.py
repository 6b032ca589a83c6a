"""What is asked of the traces, and what a list shows of them."""

from dataclasses import dataclass
from datetime import datetime

from services.traces.rows import TraceRow


@dataclass(frozen=True)
class TraceQuery:
    """Which traces; `version` is an agent version's model id, `prompt` a prompt's name and version.

    Of the last `hours`, or from `since` to before `until`. `scorer` gave the verdict `passed` in production or an
    evaluation; `opinion` is what people said. `text`: every word of it stands in question or answer. `before` and
    `after` are positions that a list returned: older and newer than that.
    """

    hours: float = 24.0
    since: datetime | None = None
    until: datetime | None = None
    origin: str | None = "live"
    state: str | None = None
    scorer: str | None = None
    passed: bool = False
    opinion: bool | None = None
    version: str | None = None
    prompt: tuple[str, int] | None = None
    user: str | None = None
    session: str | None = None
    text: str | None = None
    limit: int = 50
    before: int | None = None
    after: int | None = None


@dataclass(frozen=True)
class Found:
    """Traces newest first, with the positions that lead on where there are `older` or `newer` ones."""

    rows: tuple[TraceRow, ...]
    older: int | None
    newer: int | None

    @property
    def more(self) -> bool:
        return self.older is not None


@dataclass(frozen=True)
class Conversation:
    """The traces of one session, by its first and newest."""

    session: str
    user: str | None
    turns: int
    first: TraceRow
    newest: TraceRow
