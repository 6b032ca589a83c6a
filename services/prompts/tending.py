"""What the worker does about prompts by itself: it notices moves made elsewhere and empties the trash."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from services import prompts
from services.database import now
from services.prompts import bin, moves

if TYPE_CHECKING:
    from services.jobs import Work
    from services.workspace import Workspace

EMPTIED_EVERY = timedelta(hours=1)


def run(workspace: "Workspace", work: "Work") -> dict[str, Any]:
    """The handler of the recurring job “tend_prompts”; its checkpoint keeps when every alias was last where it should be."""
    looked = now()
    if moves.notice_all(workspace, moves.pointers(workspace, prompts.APP_TAG)):
        work.save(work.checkpoint | {"at": looked.isoformat()})
    erased = 0
    emptied = work.checkpoint.get("emptied_at")
    if emptied is None or datetime.fromisoformat(emptied) < looked - EMPTIED_EVERY:
        erased = bin.erase_expired(workspace)
        work.save(work.checkpoint | {"emptied_at": looked.isoformat()})
    return {"erased": erased}
