"""What an operator has done with the archive once, as a job: compare it, tidy it, bring traces back."""

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from services import audit, jobs
from services.archive import keeping, plan, table, verifying
from services.archive.plan import load
from services.audit import Verb
from services.errors import InvalidInputError, NotReadyError
from services.messages import Message, mark

if TYPE_CHECKING:
    from services.archive.copying import Told
    from services.jobs import Job, Work
    from services.workspace import Workspace

ACT = "tend_archive"
CHECK, COMPACT, PUT_BACK = "check", "compact", "put_back"
ACTIONS = {
    CHECK: mark("Comparing the archive with MLflow"),
    COMPACT: mark("Putting small files together"),
    PUT_BACK: mark("Bringing traces back to MLflow"),
}


def check(workspace: "Workspace") -> "Job":
    """Compare every trace with MLflow, as a job."""
    return _act(workspace, Verb.CHECK_ARCHIVE, CHECK)


def compact(workspace: "Workspace") -> "Job":
    return _act(workspace, Verb.CHECK_ARCHIVE, COMPACT)


def put_back(workspace: "Workspace", first: date, last: date) -> "Job":
    """Bring the traces of these days back to MLflow, as a job."""
    if last < first:
        raise InvalidInputError(Message("The last day is before the first one."), Message("Change one of the days."))
    return _act(workspace, Verb.PUT_TRACES_BACK, PUT_BACK, first=str(first), last=str(last))


def run_action(workspace: "Workspace", work: "Work") -> dict[str, Any]:
    """The handler of what an operator asks for once."""
    return {"action": work.args["action"]} | _run_action(workspace, work.args, telling(work, _doing(work.args)))


def _run_action(workspace: "Workspace", args: Mapping[str, Any], told: "Told") -> dict[str, Any]:
    chosen = load(workspace)
    if args["action"] == COMPACT:
        return {"days": keeping.tidy(workspace, every=True)}
    if args["action"] == CHECK:
        return verifying.verify(workspace, chosen, told).to_json()
    first, last = (date.fromisoformat(args[one]) for one in ("first", "last"))
    with audit.change(workspace, Verb.PUT_TRACES_BACK, f"{first} – {last}") as change:
        # First, so that what is brought back is not taken away at once.
        held = [one for one in keeping.days(workspace) if first <= one <= last]
        plan.change(workspace, lambda now: plan.hold(now, held))
        made = keeping.put_back(workspace, first, last, told)
        change.after = {"traces": made}
    return {"traces": made}


def _doing(args: Mapping[str, Any]) -> Message:
    return Message(ACTIONS[args["action"]])


def _act(workspace: "Workspace", verb: Verb, action: str, **args: str) -> "Job":
    audit.require(workspace, verb)
    if table.read(workspace) is None:
        raise NotReadyError(Message("Nothing is archived yet."), Message("Start the archive first."))
    with audit.change(workspace, verb, action, after=args):
        return jobs.submit(workspace, ACT, {"action": action, **args}, exclusive=f"{ACT}:{workspace.app.id}")


def telling(work: "Work", note: Message) -> "Told":
    def told(done: int, total: int) -> None:
        work.progress(done, total, note)

    return told
