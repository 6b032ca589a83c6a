"""An evaluation that a run on the workspace carries out: the job here hands it over, follows it, and ends with it."""

import json
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.agents import requirements
from services.errors import ConsoleError, NotFoundError, NotReadyError, PlatformError, translated
from services.evaluations import plan, remote
from services.evaluations.plan import Plan
from services.evaluations.records import HANDED_TAG
from services.evaluations.table import STOPPED_TAG, SUMMARY_TAG
from services.jobs import Cancelled
from services.messages import Message
from services.platforms.compute import Compute, Errand, Run, RunState

if TYPE_CHECKING:
    from services.jobs import Work
    from services.workspace import Workspace

FIRST_LOOK, LONGEST_PAUSE, LONGER = 0.5, 10.0, 1.5
SECONDS_TO_END = 60.0
BEAT = 0.25


class Away:
    """One attempt of the console's job; the work itself is done once, however many attempts follow it."""

    def __init__(self, workspace: "Workspace", work: "Work", run_id: str, whole: Plan) -> None:
        self.workspace, self.work, self.run_id, self.plan = workspace, work, run_id, whole
        self.compute = compute(workspace)
        self.shown: dict[str, Any] = {}

    def go(self, again: bool) -> None:
        """Wait for the rows of the run; `again`: what failed before is asked again, too."""
        try:
            self.work.progress(0, 0, Message("Handing the work over to the workspace"))
            ended = self._followed(self._handed(again))
        except Cancelled:
            self._cancelled()
            raise
        if ended.state is not RunState.DONE or not self._tag(SUMMARY_TAG):
            self._close("FAILED")
            raise self._failure(ended)

    def _handed(self, again: bool) -> int:
        """The number of the run: the one that has the evaluation already, or a new one.

        Its token is kept before it is asked for, so that a lost answer is asked for again and never makes two.
        """
        mine, told = f"{self.run_id}-{self.work.job.id}", self._tag(HANDED_TAG)
        if (followed := self.work.checkpoint.get("follows")) is not None:
            return int(followed)
        if told.get("token") == mine and "id" in told:
            return int(told["id"])
        if told and told["token"] != mine:
            earlier = int(told.get("id") or self._submit(told["token"], again))
            if not self._is_over(earlier):
                self.work.save({**self.work.checkpoint, "run_id": self.run_id, "follows": earlier})
                return earlier
        return self._submit(mine, again)

    def _submit(self, token: str, again: bool) -> int:
        with translated(Message("Keeping what the evaluation asks")):
            plan.keep(self.run_id, self.plan)
            self._keep_place()
            tags = self.workspace.client.get_run(self.run_id).data.tags
            for name in (remote.SHOWN_TAG, remote.FAILED_TAG):
                if name in tags:
                    self.workspace.client.delete_tag(self.run_id, name)
            self._set(HANDED_TAG, {"token": token})
            self.workspace.client.update_run(self.run_id, status="RUNNING")
        arguments = (self.run_id, *((remote.AGAIN,) if again else ()))
        errand = Errand(f"Signalbox · {self.workspace.app.name}", token, arguments, self._packages())
        id = self.compute.submit(self.workspace, errand)
        self._set(HANDED_TAG, {"token": token, "id": id})
        return id

    def _is_over(self, id: int) -> bool:
        try:
            return self.compute.look(self.workspace, id).ended
        except NotFoundError:
            return True

    def _followed(self, id: int) -> Run:
        """The run when it has ended; an outage of the workspace is waited out, for the run knows nothing of it."""
        pause = FIRST_LOOK
        while True:
            try:
                found = self.compute.look(self.workspace, id)
                self._note(found.page)
                if found.ended:
                    return found
                self._show(found)
            except NotFoundError as error:
                return Run(RunState.FAILED, reason=str(error.message), page=str(self.work.checkpoint.get("page", "")))
            except PlatformError as error:
                if not error.retryable:
                    raise
                self._tell(Message("The workspace does not answer now; the run there goes on."))
            self._rest(pause)
            pause = min(pause * LONGER, LONGEST_PAUSE)

    def _note(self, page: str) -> None:
        """Keep where the run's own page is: with the evaluation, and with the job for who watches it now."""
        if self.work.checkpoint.get("page") != page:
            self._set(HANDED_TAG, {**self._tag(HANDED_TAG), "page": page})
            self.work.save({**self.work.checkpoint, "run_id": self.run_id, "page": page})

    def _show(self, found: Run) -> None:
        if found.state is RunState.WAITING:
            self._tell(Message("Waiting for compute on the workspace ({state}).", state=found.said))
            return
        self.shown = self._tag(remote.SHOWN_TAG)
        note = self.shown.get("note")
        self._tell(
            Message.from_json(note) if note else Message("It begins on the workspace ({state}).", state=found.said)
        )

    def _tell(self, note: Message) -> None:
        total = len(self.plan.slots)
        self.work.progress(min(int(self.shown.get("done", 0)), total - 1), total, note)

    def _rest(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.work.check()
            time.sleep(min(left, BEAT))

    def _cancelled(self) -> None:
        """End the run there, so that nothing is asked or paid for any more when this is called cancelled."""
        id = self._tag(HANDED_TAG).get("id")
        if id is not None:
            self.compute.cancel(self.workspace, int(id))
            end = time.monotonic() + SECONDS_TO_END
            while not self._is_over(int(id)) and time.monotonic() < end:
                time.sleep(BEAT)
        done = int(self._tag(remote.SHOWN_TAG).get("done", 0))
        self._set(STOPPED_TAG, {"done": done, "rows": len(self.plan.slots)})
        self._close("KILLED")

    def _close(self, status: str) -> None:
        with translated(Message("Writing to MLflow")):
            self.workspace.client.set_terminated(self.run_id, status)

    def _failure(self, ended: Run) -> ConsoleError:
        """In the words of our own code where it ended by itself, else in the workspace's."""
        page = Message("Its page on Databricks tells more: {page}", page=ended.page)
        told = self._tag(remote.FAILED_TAG)
        if told:
            return PlatformError(
                Message.from_json(told["message"]), Message.from_json(told["remedy"]) if told["remedy"] else page
            )
        reason = ended.reason or ended.said
        return PlatformError(Message("The run on the workspace failed: {reason}", reason=reason), page)

    def _packages(self) -> tuple[str, ...]:
        """What the agent was logged with."""
        id = self.plan.asked.model_id
        return requirements.of(self.workspace.settings.tracking_uri, id) if id else ()

    def _keep_place(self) -> None:
        with tempfile.TemporaryDirectory() as folder, translated(Message("Keeping what the evaluation asks")):
            file = Path(folder) / Path(remote.PLACE_FILE).name
            file.write_text(json.dumps(remote.place_of(self.workspace), ensure_ascii=False), "utf-8")
            self.workspace.client.log_artifact(self.run_id, str(file), str(Path(remote.PLACE_FILE).parent))

    def _tag(self, name: str) -> dict[str, Any]:
        with translated(Message("Reading from MLflow")):
            return dict(json.loads(self.workspace.client.get_run(self.run_id).data.tags.get(name) or "{}"))

    def _set(self, name: str, value: dict[str, Any]) -> None:
        with translated(Message("Writing to MLflow")):
            self.workspace.client.set_tag(self.run_id, name, json.dumps(value, ensure_ascii=False))


def compute(workspace: "Workspace") -> Compute:
    """What runs evaluations besides this console; raises NotReadyError where nothing does."""
    if workspace.platform.compute is None:
        raise _only_here(Message("Nothing but this console can run evaluations here."))
    return workspace.platform.compute


def check(workspace: "Workspace") -> None:
    """Raise NotReadyError where evaluations can be run by this console alone."""
    if refused := compute(workspace).refuses(workspace):
        raise _only_here(refused)


def _only_here(reason: Message) -> NotReadyError:
    return NotReadyError(reason, Message("Choose “Run it here”."))
