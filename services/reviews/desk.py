"""One person's way through a queue: take an answer in hand, judge it, skip it, take it back."""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from services import audit
from services.audit import Verb
from services.database import now, writing
from services.errors import ConflictError, InvalidInputError
from services.messages import Message
from services.reviews import forms, marks, stored
from services.reviews.records import (
    DIFFER,
    DONE,
    FIRST,
    HELD,
    REFEREE,
    REFEREED,
    SAME,
    SECOND,
    SINGLE,
    SKIPPED,
    Item,
    Label,
    Queue,
    Turn,
    seat_for,
)

if TYPE_CHECKING:
    from services.workspace import Workspace

IN_HAND = timedelta(minutes=15)
LONGEST_WHY = 2_000


def take(workspace: "Workspace", queue: Queue, id: int) -> Item:
    """Have an answer in hand for IN_HAND, so that nobody else gets it by mistake; frees what one had before.

    Raises ConflictError when somebody else has it. An answer that this person judged or skipped is only shown.
    """
    audit.require(workspace, Verb.REVIEW_ANSWER)
    with writing(workspace.engine) as connection:
        workspace.fence(connection)
        stored.let_go(connection, queue.id, workspace.actor.id, but=id)
        item = stored.item_in(connection, queue.id, id)
        mine = item.of(workspace.actor.id)
        if queue.open and (mine is None or mine.state == HELD):
            _hold(connection, workspace, queue, item)
        return stored.item_in(connection, queue.id, id)


def asked(workspace: "Workspace", queue: Queue, item: Item) -> tuple[Label, ...]:
    """What this person is asked about the answer: a referee only that on which the two others differ."""
    mine = item.of(workspace.actor.id)
    if mine is None or mine.seat != REFEREE:
        return queue.labels
    info = marks.read(workspace, [item.trace_id]).get(item.trace_id)
    one, other = (marks.said(info, item.at(seat)) for seat in (FIRST, SECOND))
    return tuple(marks.differ(queue.labels, one, other)) or queue.labels


def judge(workspace: "Workspace", queue: Queue, id: int, values: Mapping[str, Any], why: str = "") -> None:
    """Keep what this person says of an answer; said again, it takes the place of what they said before.

    Raises InvalidInputError for what is missing, ConflictError when the answer is not theirs any more.
    """
    audit.require(workspace, Verb.REVIEW_ANSWER)
    item = _mine(workspace, queue, id)
    turn = item.of(workspace.actor.id)
    assert turn is not None and turn.seat is not None
    said = forms.check_values(asked(workspace, queue, item), values)
    why = _short(why)
    told = {"queue": queue.name, "seat": turn.seat, "said": said}
    with audit.change(workspace, Verb.REVIEW_ANSWER, item.trace_id, before=dict(turn.marks), after=told, why=why):
        made = marks.log(workspace, queue, item, turn.seat, said, why)
        with writing(workspace.engine) as connection:
            workspace.fence(connection)
            kept = stored.end(connection, turn, DONE, marks=made, why="")
        marks.remove(item, turn.marks if kept else made)
        if not kept:
            raise _lost()
    settle(workspace, queue, id)


def skip(workspace: "Workspace", queue: Queue, id: int, why: str) -> None:
    """Leave an answer to others and say why; it is not offered to this person again until they take it back."""
    audit.require(workspace, Verb.SKIP_ANSWER)
    item = _mine(workspace, queue, id)
    turn = item.of(workspace.actor.id)
    assert turn is not None
    if not why.strip():
        raise InvalidInputError(Message("A skipped answer needs a reason."), Message("Choose one, or write it."))
    if turn.state == DONE:
        raise ConflictError(Message("You have judged this answer."), Message("Take your review back first."))
    with (
        audit.change(workspace, Verb.SKIP_ANSWER, item.trace_id, after={"queue": queue.name}, why=_short(why)),
        writing(workspace.engine) as connection,
    ):
        workspace.fence(connection)
        if not stored.end(connection, turn, SKIPPED, seat=None, why=_short(why)):
            raise _lost()


def undo(workspace: "Workspace", queue: Queue) -> int:
    """Take back the last thing that this person did in the queue, and say at which answer; raises ConflictError."""
    audit.require(workspace, Verb.UNDO_REVIEW)
    found = [(item, item.of(workspace.actor.id)) for item in stored.items(workspace, queue.id)]
    ended = [(item, turn) for item, turn in found if turn and turn.state in (DONE, SKIPPED)]
    if not ended:
        raise ConflictError(Message("There is nothing to take back."), Message("Go on with the next answer."))
    item, turn = max(ended, key=lambda one: one[1].at)
    take_back(workspace, queue, item, turn)
    return item.id


def take_back(workspace: "Workspace", queue: Queue, item: Item, turn: Turn) -> None:
    """Take back one's own review or skip of an answer; not after a referee has decided about it."""
    if item.settled == REFEREED and turn.seat != REFEREE and turn.state == DONE:
        raise _decided()
    before = {"queue": queue.name, "state": turn.state, "why": turn.why}
    with audit.change(workspace, Verb.UNDO_REVIEW, item.trace_id, before=before):
        marks.remove(item, turn.marks)
        with writing(workspace.engine) as connection:
            workspace.fence(connection)
            stored.forget(connection, turn)
            if turn.state == DONE:
                stored.settle(connection, item.id, DIFFER if turn.seat == REFEREE else None)


def settle(workspace: "Workspace", queue: Queue, id: int) -> None:
    """Say how the reviews of an answer ended, from what stands in MLflow; does nothing while one is missing."""
    with workspace.engine.connect() as connection:
        item = stored.item_in(connection, queue.id, id)
    done = {turn.seat for turn in item.turns if turn.state == DONE}
    if REFEREE in done:
        how = REFEREED
    elif queue.seats == 1 and FIRST in done:
        how = SINGLE
    elif {FIRST, SECOND} <= done:
        info = marks.read(workspace, [item.trace_id]).get(item.trace_id)
        one, other = (marks.said(info, item.at(seat)) for seat in (FIRST, SECOND))
        how = DIFFER if marks.differ(queue.labels, one, other) else SAME
    else:
        return
    if how != item.settled:
        with writing(workspace.engine) as connection:
            stored.settle(connection, item.id, how)


def settle_left(workspace: "Workspace", queue: Queue) -> None:
    """Settle what a process left that died between a review and its end."""
    for item in stored.items(workspace, queue.id):
        if item.settled is None and sum(turn.state == DONE for turn in item.turns) >= queue.seats:
            settle(workspace, queue, item.id)


def _hold(connection: Connection, workspace: "Workspace", queue: Queue, item: Item) -> None:
    seat = seat_for(queue, item, workspace.actor)
    if seat is None:
        raise _lost()
    stored.hold(connection, item, workspace.actor.id, seat, now() + IN_HAND)


def _mine(workspace: "Workspace", queue: Queue, id: int) -> Item:
    """The answer with this person's turn at it, which is taken up again when it ran out and nobody has it."""
    if not queue.open:
        raise ConflictError(Message("This queue is closed."), Message("Open it again to go on."))
    item = take(workspace, queue, id)
    turn = item.of(workspace.actor.id)
    if turn is None or turn.state == SKIPPED:
        raise ConflictError(Message("You have skipped this answer."), Message("Take that back first."))
    if item.settled == REFEREED and turn.seat != REFEREE:
        raise _decided()
    return item


def _short(why: str) -> str:
    if len(why.strip()) > LONGEST_WHY:
        raise InvalidInputError(
            Message("The comment has {n} characters; {limit} are allowed.", n=len(why.strip()), limit=LONGEST_WHY),
            Message("Shorten it."),
        )
    return why.strip()


def _lost() -> ConflictError:
    return ConflictError(
        Message("Somebody else has this answer in hand or has judged it."), Message("Go on with the next answer.")
    )


def _decided() -> ConflictError:
    return ConflictError(
        Message("A referee has decided about this answer."), Message("Ask the referee to take that back first.")
    )
