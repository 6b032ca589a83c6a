"""One person's way through a queue: take an answer in hand, judge it, skip it, take it back."""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from services import audit
from services.audit import Verb
from services.database import now, writing
from services.errors import ConflictError, InvalidInputError, translated
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
        taken = stored.item_in(connection, queue.id, id)
    if mine is None and queue.open:
        # Whoever takes an answer anew has said nothing of it: a process died before it could note what it logged.
        with translated(Message("Reading the traces")):
            marks.remove(item, marks.by(workspace, queue, item))
    return taken


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
    # Names and numbers only: what people wrote must not outlive the answer that it is about.
    told: dict[str, Any] = {"queue": queue.name, "seat": turn.seat, "said": list(said)}
    with audit.change(workspace, Verb.REVIEW_ANSWER, item.trace_id, before=dict(turn.marks), after=told) as change:
        old = marks.named(turn) | marks.by(workspace, queue, item)
        if turn.seat == REFEREE:
            # An opinion counts again when what overrode it goes, so that has to go first.
            marks.remove(item, old)
        made = marks.log(workspace, queue, item, turn.seat, said, why)
        change.after = told | {"assessments": made}
        kept = _end(workspace, queue, turn, made)
        marks.remove(item, old if kept else [id for ids in made.values() for id in ids])
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
    if not stored.queue(workspace, queue.id).open:
        raise _closed()
    if item.settled == REFEREED and turn.seat != REFEREE and turn.state == DONE:
        raise _decided()
    before = {"queue": queue.name, "state": turn.state, "why": turn.why}
    with audit.change(workspace, Verb.UNDO_REVIEW, item.trace_id, before=before):
        marks.remove(item, marks.named(turn))
        with writing(workspace.engine) as connection:
            workspace.fence(connection)
            if not stored.forget(connection, turn):
                raise ConflictError(Message("This was taken back meanwhile."), Message("Go on with the next answer."))
            if turn.state == DONE:
                stored.settle(connection, item.id, DIFFER if turn.seat == REFEREE else None)


def settle(workspace: "Workspace", queue: Queue, id: int) -> None:
    """Say how the reviews of an answer ended, from what stands in MLflow; does nothing while one is missing."""
    with workspace.engine.connect() as connection:
        item = stored.item_in(connection, queue.id, id)
    how = _ended(workspace, queue, item)
    if how is None or how == item.settled:
        return
    with writing(workspace.engine) as connection:
        workspace.fence(connection)
        if _said(stored.item_in(connection, queue.id, id)) == _said(item):
            stored.settle(connection, item.id, how)


def settle_left(workspace: "Workspace", queue: Queue) -> None:
    """Settle what a process left that died between a review and its end."""
    audit.require(workspace, Verb.REVIEW_ANSWER)
    for item in stored.items(workspace, queue.id):
        done = _said(item)
        open_end = item.settled is None and len(done) >= queue.seats
        if open_end or (REFEREE in done and item.settled != REFEREED):
            settle(workspace, queue, item.id)


def _said(item: Item) -> dict[int | None, Mapping[str, list[str]]]:
    """Who said what; while this is the same, an answer ends the same way."""
    return {turn.seat: turn.marks for turn in item.turns if turn.state == DONE}


def _ended(workspace: "Workspace", queue: Queue, item: Item) -> str | None:
    """How the reviews of an answer ended; None while one is missing or cannot be read."""
    done = _said(item)
    if REFEREE in done:
        return REFEREED
    if queue.seats == 1:
        return SINGLE if FIRST in done else None
    if not {FIRST, SECOND} <= done.keys():
        return None
    info = marks.read(workspace, [item.trace_id]).get(item.trace_id)
    both = [item.at(seat) for seat in (FIRST, SECOND)]
    if not all(marks.whole(info, turn) for turn in both):
        return None
    one, other = (marks.said(info, turn) for turn in both)
    return DIFFER if marks.differ(queue.labels, one, other) else SAME


def _end(workspace: "Workspace", queue: Queue, turn: Turn, made: Mapping[str, list[str]]) -> bool:
    """Close the turn with what was said; whether two people agree is open again from here on."""
    with writing(workspace.engine) as connection:
        workspace.fence(connection)
        kept = stored.end(connection, turn, DONE, marks=made, why="")
        if kept and queue.seats > 1:
            stored.settle(connection, turn.item_id, REFEREED if turn.seat == REFEREE else None)
    return kept


def _hold(connection: Connection, workspace: "Workspace", queue: Queue, item: Item) -> None:
    seat = seat_for(queue, item, workspace.actor)
    if seat is None:
        raise _lost()
    stored.hold(connection, item, workspace.actor.id, seat, now() + IN_HAND)


def _mine(workspace: "Workspace", queue: Queue, id: int) -> Item:
    """The answer with this person's turn at it, which is taken up again when it ran out and nobody has it."""
    if not queue.open:
        raise _closed()
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


def _closed() -> ConflictError:
    return ConflictError(Message("This queue is closed."), Message("Open it again to go on."))


def _lost() -> ConflictError:
    return ConflictError(
        Message("Somebody else has this answer in hand or has judged it."), Message("Go on with the next answer.")
    )


def _decided() -> ConflictError:
    return ConflictError(
        Message("A referee has decided about this answer."), Message("Ask the referee to take that back first.")
    )
