"""One look at a workspace: who asks, where, and what a refusal means."""

from collections.abc import Callable
from dataclasses import dataclass

import httpx2

from services.connection.lines import Light, Line, silent
from services.errors import PlatformError
from services.messages import Message
from services.platforms.databricks import grants
from services.platforms.databricks.access import Access
from services.platforms.databricks.place import Place
from services.platforms.databricks.reach import Identity
from services.platforms.databricks.rest import Refused, Rest

NOT_CHOSEN = Message("Not chosen yet.")


@dataclass(frozen=True)
class Ground:
    """Who asks, about which place, with which client."""

    access: Access
    place: Place
    experiment_id: str
    rest: Rest
    me: Identity


Look = Callable[[str, Ground], Line]


def bound(look: Look, name: str, ground: Ground) -> Callable[[], Line]:
    def ask() -> Line:
        try:
            return look(name, ground)
        except Refused as error:
            return refused(name, error)
        except httpx2.TimeoutException:
            return silent(name)
        except httpx2.HTTPError as error:
            raise PlatformError(
                Message("The workspace could not be asked."), Message("Check again in a minute.")
            ) from error

    return ask


def refused(name: str, error: Refused) -> Line:
    """A red line in the workspace's words, with the GRANT when a privilege is what is missing."""
    statement = grants.statement(error.sentence) or ""
    if statement:
        remedy = Message("Ask the owner of the catalog to run:")
    elif error.forbidden:
        remedy = Message("Ask an admin of the workspace for permission.")
    else:
        remedy = Message("Check again in a minute; if it stays, show this sentence to an engineer.")
    values = {"status": error.status, "reason": error.sentence or error.code}
    return Line(name, Light.RED, Message("The workspace refused ({status}): {reason}", **values), remedy, statement)


def absent(name: str, what: str, remedy: Message, statement: str = "") -> Line:
    return Line(name, Light.RED, Message("“{name}” does not exist.", name=what), remedy, statement)
