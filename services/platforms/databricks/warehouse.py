"""One question in SQL to the chosen warehouse, within seconds; a stopped warehouse is told, never started by a look."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from services import audit, connection
from services.audit import Verb
from services.errors import ConsoleError, NotFoundError, NotReadyError, PlatformError
from services.messages import Message
from services.platforms.databricks import access as access_to
from services.platforms.databricks import links, refusals, rest
from services.platforms.databricks.rest import Rest
from services.secrets import masked

if TYPE_CHECKING:
    from services.workspace import Workspace

WAIT = 25  # what the workspace takes as a wait is 5 to 50 seconds
NO_TABLE = "TABLE_OR_VIEW_NOT_FOUND"
NO_RIGHT = "INSUFFICIENT_PERMISSIONS"
RUNNING, STARTING = "RUNNING", "STARTING"


@dataclass(frozen=True)
class Warehouse:
    """The warehouse chosen on the Connection screen."""

    id: str
    name: str
    state: str
    page: str

    @property
    def running(self) -> bool:
        return self.state == RUNNING

    @property
    def starting(self) -> bool:
        return self.state == STARTING


@dataclass(frozen=True)
class Rows:
    """What a statement answered: every value a text, or None."""

    columns: tuple[str, ...]
    values: tuple[tuple[str | None, ...], ...]

    def column(self, name: str) -> list[str | None]:
        at = self.columns.index(name)
        return [row[at] for row in self.values]


def state(workspace: "Workspace") -> Warehouse | None:
    """The chosen warehouse as it is now; None where none is chosen."""
    id = connection.place(workspace).warehouse_id
    if not id:
        return None
    access = access_to.of(workspace)
    with rest.asking(access, Message("Reading the SQL warehouse")) as there:
        found = there.get(f"2.0/sql/warehouses/{quote(id, safe='')}")
    return Warehouse(id, str(found.get("name") or id), str(found.get("state")), links.warehouse(access, id))


def start(workspace: "Workspace", warehouse: Warehouse) -> None:
    """Begin to start it; it takes some minutes and costs as long as it runs."""
    with (
        audit.change(workspace, Verb.START_WAREHOUSE, warehouse.name),
        rest.asking(access_to.of(workspace), Message("Starting the SQL warehouse")) as there,
    ):
        there.post(f"2.0/sql/warehouses/{quote(warehouse.id, safe='')}/start", {})


def ask(workspace: "Workspace", statement: str) -> Rows:
    """The answer to one SELECT; raises NotReadyError while no warehouse runs, NotFoundError for a table that is missing."""
    warehouse = state(workspace)
    if warehouse is None:
        raise NotReadyError(
            Message("No SQL warehouse is chosen."), Message("Choose one on the Connection screen, then draw again.")
        )
    if not warehouse.running:
        raise NotReadyError(
            Message("The SQL warehouse {name} is not running.", name=warehouse.name),
            Message("Start it, wait some minutes, then draw again."),
        )
    doing = Message("Asking the SQL warehouse")
    with rest.asking(access_to.of(workspace), doing, seconds=WAIT + 5) as there:
        body = {
            "statement": statement.rstrip().rstrip(";"),
            "warehouse_id": warehouse.id,
            "wait_timeout": f"{WAIT}s",
            "on_wait_timeout": "CANCEL",
        }
        told = there.post("2.0/sql/statements", body)
        _refuse(told.get("status") or {}, doing)
        return _rows(there, told)


def _refuse(status: dict[str, Any], doing: Message) -> None:
    if status.get("state") == "SUCCEEDED":
        return
    if status.get("state") != "FAILED":
        raise PlatformError(
            Message("The SQL warehouse did not answer within {n} s.", n=WAIT),
            Message("Try again, or run the query in Databricks, where it may take longer."),
            retryable=True,
        )
    raise _failed(masked(str((status.get("error") or {}).get("message") or "?"))[:300], doing)


def _failed(reason: str, doing: Message) -> ConsoleError:
    if NO_TABLE in reason:
        return NotFoundError(
            Message("The table is not there (any more): {reason}", reason=reason),
            Message("It comes with the first run of the archive's job. If it was there before, somebody dropped it."),
        )
    return refusals.forbidden(doing, reason) if NO_RIGHT in reason else refusals.unexpected(doing, reason)


def _rows(there: Rest, told: dict[str, Any]) -> Rows:
    """All chunks; the caller's statement is limited."""
    columns = tuple(str(one["name"]) for one in told["manifest"]["schema"].get("columns") or [])
    chunk, values = told.get("result") or {}, []
    while True:
        values += [tuple(row) for row in chunk.get("data_array") or []]
        following = chunk.get("next_chunk_internal_link")
        if not following:
            return Rows(columns, tuple(values))
        chunk = there.get(str(following).removeprefix("/api/"))
