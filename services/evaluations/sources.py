"""What is evaluated: an agent version, what answers at the endpoint now, or answers that exist."""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from mlflow.entities import Trace, TraceState

from services import endpoints
from services.apps.places import Places
from services.datasets import Row
from services.datasets.row import with_id
from services.errors import InvalidInputError
from services.evaluations.plan import Slot
from services.messages import Message
from services.traces import stored
from services.traces.prompt_use import texts
from services.traces.rows import origin, read_infos
from services.traces.story import request_of

if TYPE_CHECKING:
    from mlflow.entities import TraceInfo

    from services.workspace import Workspace

AGENT, ENDPOINT, TRACES = "agent", "endpoint", "traces"
MOST_TRACES = 500
MOST_READ = 5_000


@dataclass(frozen=True)
class Source:
    """Where the answers come from. The other fields choose among answers that exist: the newest `newest` of the last
    `hours` of one origin, of one conversation or holding `words`."""

    kind: str = AGENT
    hours: int = 24
    newest: int = 50
    origin: str = "live"
    session: str = ""
    words: str = ""

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind} if self.kind != TRACES else asdict(self)


AGENT_SOURCE = Source()


def live(workspace: "Workspace") -> str:
    """Which versions the endpoint asks, as far as it is known before the first question."""
    found = endpoints.current(workspace)
    return ", ".join(f"{one.version} ({one.weight} %)" for one in found.live) if found else ""


def infos(workspace: "Workspace", source: Source) -> "list[TraceInfo]":
    """The answers that a choice means, the newest first; without spans."""
    more = f" AND metadata.`mlflow.trace.session` = '{_quoted(source.session)}'" if source.session else ""
    found = []
    for info in read_infos(workspace, source.hours, MOST_READ, more, words=True):
        if _fits(info, source):
            found.append(info)
        if len(found) >= min(source.newest, MOST_TRACES):
            break
    return found


def slots(workspace: "Workspace", source: Source) -> tuple[Slot, ...]:
    """One line for each answer, the oldest first; a question asked again is a repeat. Raises InvalidInputError."""
    asked: Counter[str] = Counter()
    made = []
    for info in reversed(infos(workspace, source)):
        trace = stored(workspace, info.trace_id)
        row = _row(trace, workspace.app.places) if trace else None
        if row:
            asked[row.id] += 1
            made.append(Slot(row, asked[row.id], info.trace_id))
    if not made:
        raise InvalidInputError(
            Message("No answer fits this choice."), Message("Choose a longer time, or leave out the words.")
        )
    return tuple(made)


def _fits(info: "TraceInfo", source: Source) -> bool:
    if info.state == TraceState.IN_PROGRESS or (source.origin and origin(info) != source.origin):
        return False
    said = f"{info.request_preview or ''}\n{info.response_preview or ''}".casefold()
    return source.words.casefold() in said


def _row(trace: Trace, places: Places) -> Row | None:
    """What was asked, as a row; None when the trace tells no question."""
    asked = request_of(trace, places)
    messages = asked.get("input") if isinstance(asked, dict) else None
    told = [_turn(one) for one in messages or [] if isinstance(one, dict)]
    said = [one for one in told if one["role"] == "user" and one["content"]]
    if not said:
        return None
    return with_id(Row("", said[-1]["content"], messages=tuple(told) if len(told) > 1 else ()))


def _turn(message: dict[str, Any]) -> dict[str, str]:
    return {"role": str(message.get("role") or "user"), "content": " ".join(texts(message.get("content")))}


def _quoted(text: str) -> str:
    return text.replace("\\", "").replace("'", "")
