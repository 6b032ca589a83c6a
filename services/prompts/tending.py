"""What the worker does about prompts by itself: it keeps their index, notices moves, also of what answers, and empties the trash."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from services.database import now
from services.prompts import bin, library, moves
from services.releases import noticing

if TYPE_CHECKING:
    from services.jobs import Work
    from services.workspace import Workspace

EMPTIED_EVERY = timedelta(hours=1)


def run(workspace: "Workspace", work: "Work") -> dict[str, Any]:
    """The handler of the recurring job “tend_prompts”; its checkpoint keeps when every alias was last where it should be."""
    looked = now()
    library.refresh_all(workspace)
    if moves.notice_all(workspace, library.pointers(workspace)):
        work.save(work.checkpoint | {"at": looked.isoformat()})
    noticing.notice_all(workspace)
    library.read_on(workspace)
    erased = 0
    emptied = work.checkpoint.get("emptied_at")
    if emptied is None or datetime.fromisoformat(emptied) < looked - EMPTIED_EVERY:
        erased = bin.erase_expired(workspace)
        work.save(work.checkpoint | {"emptied_at": looked.isoformat()})
    return {"erased": erased}
