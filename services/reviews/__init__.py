"""Reviews: answers wait in queues for people, who judge them; what they say stands in MLflow in their name."""

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from services import audit
from services.audit import Verb
from services.database import now, writing
from services.people import Role
from services.reviews import desk, forms, picking, stored, way
from services.reviews.records import Form, Kind, Label, Pick, Queue, Rule
from services.reviews.way import Way

if TYPE_CHECKING:
    from services.workspace import Workspace

__all__ = [
    "Form",
    "Kind",
    "Label",
    "Pick",
    "Queue",
    "Rule",
    "Way",
    "all",
    "close",
    "fill",
    "get",
    "make",
    "refresh",
    "waiting",
]

LOOK_AGAIN = timedelta(minutes=10)


def all(workspace: "Workspace") -> list[tuple[Queue, Way]]:
    """The app's queues, the open ones first, each with how far it is."""
    return [(queue, way.of(workspace, queue)) for queue in stored.queues(workspace)]


def get(workspace: "Workspace", id: int) -> Queue:
    """One queue of this app; raises NotFoundError."""
    return stored.queue(workspace, id)


def waiting(workspace: "Workspace") -> list[tuple[Queue, int]]:
    """The open queues with answers that wait for this person, and how many; empty for who may not review."""
    if Role.REVIEWER not in workspace.actor.roles:
        return []
    found = [(queue, len(way.of(workspace, queue).waiting)) for queue in stored.queues(workspace) if queue.open]
    return [(queue, n) for queue, n in found if n]


def make(workspace: "Workspace", form: Form) -> Queue:
    """Make a queue of its first answers; raises InvalidInputError. It may be empty when nothing fits yet."""
    audit.require(workspace, Verb.SAVE_QUEUE)
    form = replace(form, name=form.name.strip(), rule=replace(form.rule, seed=uuid4().hex))
    forms.check(form)
    # Looked for first: where that fails there is no queue, so that trying again does not make a second one.
    found = picking.pick(workspace, form.rule, form.rule.seed, (), form.rule.most)
    with audit.change(workspace, Verb.SAVE_QUEUE, form.name, after=_told(form)) as change:
        with writing(workspace.engine) as connection:
            workspace.fence(connection)
            id = stored.make(connection, workspace, form)
            n = stored.add(connection, id, found)
            stored.change(connection, id, looked_at=now())
        change.after = {"queue": id, "answers": n, **_told(form)}
    return get(workspace, id)


def fill(workspace: "Workspace", queue: Queue) -> int:
    """Look for answers that fit and are not in the queue yet, as many as it has room for; says how many came."""
    audit.require(workspace, Verb.FILL_QUEUE)
    known = {item.trace_id for item in stored.items(workspace, queue.id)}
    found = picking.pick(workspace, queue.rule, picking.seed(queue), known, max(queue.rule.most - len(known), 0))
    if not found:
        with writing(workspace.engine) as connection:
            stored.change(connection, queue.id, looked_at=now())
        return 0
    with audit.change(workspace, Verb.FILL_QUEUE, queue.name) as change, writing(workspace.engine) as connection:
        workspace.fence(connection)
        change.after = stored.add(connection, queue.id, found)
        stored.change(connection, queue.id, looked_at=now())
    return int(change.after)


def refresh(workspace: "Workspace", queue: Queue) -> int:
    """Bring a queue up to date when it is opened; one that takes new answers as they come, after LOOK_AGAIN."""
    if not audit.allowed(workspace, Verb.REVIEW_ANSWER):
        return 0
    desk.settle_left(workspace, queue)
    looked = queue.looked_at or queue.created_at
    if not (queue.open and queue.rule.grows) or now() - looked < LOOK_AGAIN:
        return 0
    return fill(workspace, queue)


def close(workspace: "Workspace", queue: Queue, closed: bool = True) -> None:
    """End a queue, or open it again; what was said in it stays."""
    with (
        audit.change(workspace, Verb.CLOSE_QUEUE, queue.name, after={"queue": queue.id, "closed": closed}),
        writing(workspace.engine) as connection,
    ):
        workspace.fence(connection)
        stored.change(connection, queue.id, closed_at=now() if closed else None)


def _told(form: Form) -> dict[str, object]:
    return {
        "rule": form.rule.to_json(),
        "labels": [label.name for label in form.labels],
        "reviewers": list(form.reviewers),
        "referee": form.referee,
        "double": form.double,
    }
