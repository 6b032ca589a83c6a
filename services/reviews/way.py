"""What one person can step through in a queue, and how far the queue is."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.reviews import stored
from services.reviews.records import DONE, SKIPPED, Item, Queue, waits_for

if TYPE_CHECKING:
    from services.workspace import Workspace


@dataclass(frozen=True)
class Way:
    """What this person can step through, in the queue's order, and how far the queue is."""

    items: tuple[Item, ...]
    waiting: tuple[int, ...]
    mine: int
    complete: int
    aside: int
    total: int

    @property
    def ids(self) -> list[int]:
        return [item.id for item in self.items]

    @property
    def finished(self) -> bool:
        """Whether every answer was judged to the end or set aside."""
        return self.total > 0 and self.complete + self.aside == self.total

    def beside(self, id: int | None, step: int) -> int | None:
        """The neighbour of an answer; None at the ends."""
        at = self.ids.index(id) + step if id in self.ids else -1
        return self.ids[at] if 0 <= at < len(self.ids) else None

    def next(self, after: int | None = None) -> int | None:
        """The next answer that waits for this person, from `after` on and round again; None when none does."""
        later = [id for id in self.waiting if after is None or id > after]
        return next(iter(later or self.waiting), None)


def of(workspace: "Workspace", queue: Queue) -> Way:
    """The answers that wait for this person and those they dealt with."""
    actor, items = workspace.actor, stored.items(workspace, queue.id)
    waiting = [item.id for item in items if waits_for(queue, item, actor)]
    mine = [item for item in items if (turn := item.of(actor.id)) and turn.state in (DONE, SKIPPED)]
    shown = {*waiting, *(item.id for item in mine)}
    return Way(
        items=tuple(item for item in items if item.id in shown),
        waiting=tuple(waiting),
        mine=len(mine),
        complete=sum(item.complete for item in items),
        aside=sum(item.aside for item in items),
        total=len(items),
    )
