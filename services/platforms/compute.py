"""What a platform can carry out instead of the console's own worker."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace


class RunState(StrEnum):
    """Where work stands that a platform carries out."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Run:
    """Work as the platform has it: `said` is its own word for the state, `reason` why it failed, `page` its address."""

    state: RunState
    said: str = ""
    reason: str = ""
    page: str = ""

    @property
    def ended(self) -> bool:
        return self.state not in (RunState.WAITING, RunState.RUNNING)


@dataclass(frozen=True)
class Errand:
    """What is to be carried out: an entry point of our own code with its arguments, which hold no secret.

    `packages` are pip's lines for what it needs besides our own code. `token` (64 characters at most) is its name.
    """

    name: str
    token: str
    arguments: tuple[str, ...]
    packages: tuple[str, ...] = ()


class Compute(Protocol):
    """What carries out long work instead of the console's own worker."""

    def refuses(self, workspace: "Workspace") -> Message | None:
        """Why nothing can be carried out there; None when it can."""

    def submit(self, workspace: "Workspace", errand: Errand) -> int:
        """Hand an errand over and return the run's id; the same token always means the same run."""

    def look(self, workspace: "Workspace", id: int) -> Run:
        """How the run stands; raises NotFoundError for one that is not kept any more."""

    def cancel(self, workspace: "Workspace", id: int) -> None:
        """Ask the run to end; one that has ended stays as it is."""
