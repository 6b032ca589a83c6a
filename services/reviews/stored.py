"""Queues, their answers and everybody's turns as the console's database keeps them."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from services.database import new_id, now, review_item, review_queue, review_turn
from services.errors import NotFoundError
from services.messages import Message
from services.reviews.records import Form, Item, Label, Queue, Rule, Turn

if TYPE_CHECKING:
    from services.workspace import Workspace


def queues(workspace: "Workspace") -> list[Queue]:
    """The app's queues, the open ones first, each group newest first."""
    query = select(review_queue).where(review_queue.c.app_id == workspace.app.id).order_by(review_queue.c.id.desc())
    with workspace.engine.connect() as connection:
        found = [_queue(row._mapping) for row in connection.execute(query)]
    return sorted(found, key=lambda one: not one.open)


def queue(workspace: "Workspace", id: int) -> Queue:
    """One queue of this app; raises NotFoundError."""
    with workspace.engine.connect() as connection:
        return queue_in(connection, workspace, id)


def queue_in(connection: Connection, workspace: "Workspace", id: int) -> Queue:
    chosen = (review_queue.c.id == id) & (review_queue.c.app_id == workspace.app.id)
    row = connection.execute(select(review_queue).where(chosen)).one_or_none()
    if row is None:
        raise NotFoundError(
            Message("There is no review queue {id} in this app.", id=id), Message("Choose one from the list.")
        )
    return _queue(row._mapping)


def make(connection: Connection, workspace: "Workspace", form: Form) -> int:
    row = {
        "app_id": workspace.app.id,
        "name": form.name,
        "rule": form.rule.to_json(),
        "labels": [label.to_json() for label in form.labels],
        "reviewers": list(form.reviewers),
        "referee": form.referee if form.double else "",
        "seats": 2 if form.double else 1,
        "blind": form.blind,
        "actor": workspace.actor.id,
    }
    return new_id(connection.execute(insert(review_queue).values(**row)))


def change(connection: Connection, id: int, **values: Any) -> None:
    connection.execute(update(review_queue).where(review_queue.c.id == id).values(**values))


def items(workspace: "Workspace", queue_id: int) -> list[Item]:
    """The answers of a queue in the order in which they came."""
    with workspace.engine.connect() as connection:
        return items_in(connection, queue_id)


def items_in(connection: Connection, queue_id: int) -> list[Item]:
    mine = select(review_item).where(review_item.c.queue_id == queue_id).order_by(review_item.c.id)
    at = select(review_turn).join(review_item).where(review_item.c.queue_id == queue_id).order_by(review_turn.c.at)
    turns: dict[int, list[Turn]] = {}
    for row in connection.execute(at):
        turns.setdefault(row.item_id, []).append(Turn(**row._mapping))
    return [Item(row.id, row.trace_id, row.settled, tuple(turns.get(row.id, ()))) for row in connection.execute(mine)]


def item_in(connection: Connection, queue_id: int, id: int) -> Item:
    """One answer of the queue; raises NotFoundError."""
    chosen = (review_item.c.id == id) & (review_item.c.queue_id == queue_id)
    row = connection.execute(select(review_item).where(chosen)).one_or_none()
    if row is None:
        raise NotFoundError(
            Message("This answer is not in the queue any more."), Message("Go on with the next answer.")
        )
    found = connection.execute(select(review_turn).where(review_turn.c.item_id == id).order_by(review_turn.c.at))
    return Item(row.id, row.trace_id, row.settled, tuple(Turn(**one._mapping) for one in found))


def add(connection: Connection, queue_id: int, trace_ids: Iterable[str]) -> int:
    """Append the answers that are not in the queue yet, and say how many."""
    mine = select(review_item.c.trace_id).where(review_item.c.queue_id == queue_id)
    there = set(connection.execute(mine).scalars())
    new = [id for id in dict.fromkeys(trace_ids) if id not in there]
    if new:
        connection.execute(insert(review_item), [{"queue_id": queue_id, "trace_id": id} for id in new])
    return len(new)


def hold(connection: Connection, item: Item, actor: str, seat: int, until: Any) -> None:
    """Give a person a seat at an answer for some minutes; whoever let theirs lie loses it."""
    left = (review_turn.c.item_id == item.id) & (review_turn.c.state == "held")
    stale = left & ((review_turn.c.actor == actor) | (review_turn.c.until <= now()))
    connection.execute(delete(review_turn).where(stale))
    row = {"item_id": item.id, "actor": actor, "seat": seat, "state": "held", "until": until, "marks": {}}
    connection.execute(insert(review_turn).values(**row))


def let_go(connection: Connection, queue_id: int, actor: str, but: int | None = None) -> None:
    """Free what a person has in hand in this queue, except for one answer."""
    ours = select(review_item.c.id).where(review_item.c.queue_id == queue_id)
    mine = (review_turn.c.actor == actor) & (review_turn.c.state == "held") & review_turn.c.item_id.in_(ours)
    connection.execute(delete(review_turn).where(mine if but is None else mine & (review_turn.c.item_id != but)))


def end(connection: Connection, turn: Turn, state: str, **values: Any) -> bool:
    """Close a turn; False when it is this person's no more."""
    ended = connection.execute(update(review_turn).where(_is(turn)).values(state=state, until=None, at=now(), **values))
    return ended.rowcount == 1


def forget(connection: Connection, turn: Turn) -> bool:
    """Strike a turn out; False when it is this person's no more."""
    return connection.execute(delete(review_turn).where(_is(turn))).rowcount == 1


def settle(connection: Connection, item_id: int, how: str | None) -> None:
    connection.execute(update(review_item).where(review_item.c.id == item_id).values(settled=how))


def _is(turn: Turn) -> ColumnElement[bool]:
    """A database gives the number of a turn that was struck out to the next one, at whatever answer and whoever's."""
    c = review_turn.c
    return (c.id == turn.id) & (c.item_id == turn.item_id) & (c.actor == turn.actor)


def _queue(row: Any) -> Queue:
    kept = {name: value for name, value in row.items() if name != "app_id"}
    kept["rule"] = Rule.from_json(kept["rule"])
    kept["labels"] = tuple(Label.from_json(one) for one in kept["labels"])
    kept["reviewers"] = tuple(kept["reviewers"])
    return Queue(**kept)
