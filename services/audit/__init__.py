"""Every write passes here: it is authorised, recorded before and after, and chained by hashes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from services import people
from services.audit.chain import LONGEST_CHANGE, append, broken_at, reconcile
from services.audit.doing import DOING
from services.audit.reading import Event, about, events, of_verbs
from services.audit.verbs import ROLE_OF, Verb
from services.database import writing
from services.errors import ForbiddenError, translated
from services.messages import Message
from services.people import ROLE_NAME

if TYPE_CHECKING:
    from services.workspace import Workspace

__all__ = [
    "DOING",
    "LONGEST_CHANGE",
    "ROLE_OF",
    "Event",
    "Verb",
    "about",
    "allowed",
    "broken_at",
    "change",
    "events",
    "of_verbs",
    "reconcile",
    "record",
    "require",
]


@dataclass
class Change:
    """A write under way; set `after` when its result is known only at the end."""

    after: Any = None


def require(workspace: "Workspace", verb: Verb) -> None:
    """Raise ForbiddenError unless the actor's roles allow `verb`, also now: a screen may have been open for long."""
    needed = ROLE_OF[verb]
    if needed not in people.check_still_signed_in(workspace.settings, workspace.engine, workspace.actor):
        raise ForbiddenError(
            Message(
                "{doing} needs the role “{role}”, which {person} does not have.",
                doing=Message(DOING[verb]),
                role=Message(ROLE_NAME[needed]),
                person=workspace.actor.id,
            ),
            Message("Ask {whom} to add you to the roles file.", whom=people.whom_to_ask(workspace.settings)),
        )


def allowed(workspace: "Workspace", verb: Verb) -> bool:
    return ROLE_OF[verb] in workspace.actor.roles


@contextmanager
def change(
    workspace: "Workspace", verb: Verb, subject: str, before: Any = None, after: Any = None, why: str = ""
) -> Iterator[Change]:
    """Authorise `verb` on `subject`, record the intent, translate what fails inside, record the outcome."""
    require(workspace, verb)
    line = {
        "app_id": workspace.app.id,
        "actor": workspace.actor.id,
        "verb": verb.value,
        "subject": subject,
        "before": before,
        "why": why,
    }
    with writing(workspace.engine) as connection:
        workspace.fence(connection)
        intent = append(connection, line | {"outcome": "intent", "after": after, "intent_id": None})
    made = Change(after)
    outcome = "failed"
    try:
        with translated(Message(DOING[verb])):
            yield made
        outcome = "done"
    finally:
        with writing(workspace.engine) as connection:
            append(connection, line | {"outcome": outcome, "after": made.after, "intent_id": intent})


def record(
    connection: Connection, workspace: "Workspace", verb: Verb, subject: str, before: Any = None, after: Any = None
) -> None:
    """Add one line about something that was found, not done, inside the caller's own transaction."""
    require(workspace, verb)
    workspace.fence(connection)
    line = {"app_id": workspace.app.id, "actor": workspace.actor.id, "verb": verb.value, "subject": subject}
    append(connection, line | {"before": before, "after": after, "why": "", "outcome": "done", "intent_id": None})
