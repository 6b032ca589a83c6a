"""Where an evaluation runs: by the console's own worker, or, when it is large, as a run on the workspace."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services import apps, audit
from services.audit import Verb
from services.errors import InvalidInputError
from services.evaluations import preflight
from services.evaluations.plan import AWAY, HERE
from services.evaluations.preflight import Order
from services.evaluations.sources import TRACES
from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace

__all__ = ["AWAY", "HERE", "Offer", "large_from", "offer", "save_large_from"]
SETTING = "large_evaluation"
# With three judges and three seconds for each answer and verdict about half an hour.
USUAL, MOST = 500, 1_000_000


@dataclass(frozen=True)
class Offer:
    """An order that counts as large; `refused` says why it has to run here all the same."""

    lines: int
    refused: Message | None = None


def offer(workspace: "Workspace", order: Order) -> Offer | None:
    """The choice that an order gives; None for one that is not large, and where nothing but the console runs it."""
    compute = workspace.platform.compute
    if compute is None:
        return None
    lines = len(preflight.asked(workspace, order)) * (1 if order.source.kind == TRACES else order.repeats)
    return Offer(lines, compute.refuses(workspace)) if lines >= large_from(workspace) else None


def large_from(workspace: "Workspace") -> int:
    """From how many questions on, each counted as often as it is asked, an evaluation is large."""
    return int(apps.load_setting(workspace, SETTING) or USUAL)


def save_large_from(workspace: "Workspace", lines: int) -> None:
    """Change it for this app; raises InvalidInputError."""
    audit.require(workspace, Verb.SAVE_LARGE)
    read, before = apps.load_version(workspace, SETTING)
    if not 1 <= lines <= MOST:
        raise InvalidInputError(
            Message("An evaluation can be large from 1 to {n} questions on.", n=MOST),
            Message("Choose a number in between."),
        )
    with audit.change(workspace, Verb.SAVE_LARGE, workspace.app.name, before=before or USUAL, after=lines):
        apps.save_setting(workspace, SETTING, lines, read)
