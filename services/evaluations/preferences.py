"""Which of two answers people prefer when they do not know whose is whose."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, delete, insert, select

from services import audit
from services.audit import Verb
from services.database import preference as table
from services.database import writing
from services.errors import InvalidInputError
from services.messages import Message
from services.verdicts.paired import mcnemar

if TYPE_CHECKING:
    from services.workspace import Workspace

FIRST, SECOND, SAME = "first", "second", "same"
SURE = 0.05


@dataclass(frozen=True)
class Result:
    """On how many questions more people preferred the new evaluation's answer, the old one's, or as many either.

    `p_value`: how often two equally good versions would differ at least as much (exact sign test; questions on which
    neither is preferred are left out, as in Dixon and Mood 1946). People who judge the same question are no further
    evidence, so each question counts once. `said` counts every single choice of these `people`.
    """

    now: int
    before: int
    same: int
    people: int
    p_value: float
    said: int = 0


def order(workspace: "Workspace", now: str, before: str, row_ids: Sequence[str]) -> list[str]:
    """The questions in an order of this person's own."""
    return sorted(row_ids, key=lambda id: _drawn(workspace, now, before, id, "order"))


def swapped(workspace: "Workspace", now: str, before: str, row_id: str) -> bool:
    """Whether the new answer stands second: drawn for each person and question, the same after a reload."""
    return _drawn(workspace, now, before, row_id, "side")[-1] in "02468ace"


def prefer(workspace: "Workspace", now: str, before: str, row_id: str, choice: str | None) -> None:
    """Keep that the actor prefers the answer of run `choice`, or neither (None); the newest word counts."""
    if choice not in (now, before, None):
        raise InvalidInputError(Message("This answer is not one of the two."), Message("Reload the page."))
    first, second = sorted((now, before))
    word = SAME if choice is None else FIRST if choice == first else SECOND
    key = {"app_id": workspace.app.id, "first_run": first, "second_run": second, "row_id": row_id}
    key |= {"actor": workspace.actor.id}
    mine = [table.c[name] == value for name, value in key.items()]
    with (
        audit.change(workspace, Verb.PREFER_ANSWER, row_id, after={**key, "choice": word}),
        writing(workspace.engine) as connection,
    ):
        workspace.fence(connection)
        connection.execute(delete(table).where(*mine))
        connection.execute(insert(table).values(**key, choice=word))


def judged(workspace: "Workspace", now: str, before: str) -> set[str]:
    """The questions on which the actor has said something."""
    query = select(table.c.row_id).where(*_pair(workspace, now, before), table.c.actor == workspace.actor.id)
    with workspace.engine.connect() as connection:
        return set(connection.execute(query).scalars())


def result(workspace: "Workspace", now: str, before: str) -> Result:
    """What everyone said so far."""
    with workspace.engine.connect() as connection:
        query = select(table.c.row_id, table.c.choice, table.c.actor).where(*_pair(workspace, now, before))
        found = connection.execute(query).all()
    mine = FIRST if sorted((now, before))[0] == now else SECOND
    signs: Counter[str] = Counter()
    for row in found:
        signs[row.row_id] += 0 if row.choice == SAME else 1 if row.choice == mine else -1
    wins, losses = sum(sign > 0 for sign in signs.values()), sum(sign < 0 for sign in signs.values())
    p_value = mcnemar(wins, losses)
    return Result(wins, losses, len(signs) - wins - losses, len({row.actor for row in found}), p_value, said=len(found))


def sentence(result: Result) -> Message:
    """The result as an operator reads it."""
    counts = {"now": result.now, "before": result.before, "same": result.same}
    if not result.now + result.before:
        return Message("On no question is one of the two preferred yet.")
    if result.p_value > SURE:
        return Message(
            "Cannot tell: the new answer is preferred on {now} questions, the old one on {before}, neither on {same}. "
            "That may be chance.",
            **counts,
        )
    if result.now > result.before:
        return Message(
            "People prefer the new answers: on {now} questions, the old ones on {before}, neither on {same}. "
            "That is unlikely to be chance.",
            **counts,
        )
    return Message(
        "People prefer the old answers: on {before} questions, the new ones on {now}, neither on {same}. "
        "That is unlikely to be chance.",
        **counts,
    )


def _pair(workspace: "Workspace", now: str, before: str) -> list[ColumnElement[bool]]:
    first, second = sorted((now, before))
    return [table.c.app_id == workspace.app.id, table.c.first_run == first, table.c.second_run == second]


def _drawn(workspace: "Workspace", now: str, before: str, row_id: str, what: str) -> str:
    words = [workspace.actor.id, *sorted((now, before)), row_id, what]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()
