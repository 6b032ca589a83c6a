"""Releases: propose what should go live, run the train, take it back."""

from services.releases import (
    approving,
    beside,
    canary,
    catches,
    consequences,
    evidence,
    offline,
    overriding,
    shutdown,
    telling,
    waiting,
)
from services.releases.circumstances import staged
from services.releases.deciding import check_again, choose, go_on, start, withdraw
from services.releases.facts import KEEP, MOVE, STEPS, Kind, Pair, Proof, Release, State, Step
from services.releases.overriding import standing
from services.releases.pointer import Live, live, newest_moved, rollback_target, successors
from services.releases.proposing import Proposal, preflight, propose, unshadowed
from services.releases.records import all, get, of_prompt, place, pointers
from services.releases.returning import adopt, put_back, roll_back
from services.releases.running import run
from services.releases.stopping import cancel, stop

__all__ = [
    "KEEP",
    "MOVE",
    "STEPS",
    "Kind",
    "Live",
    "Pair",
    "Proof",
    "Proposal",
    "Release",
    "State",
    "Step",
    "adopt",
    "all",
    "approving",
    "beside",
    "canary",
    "cancel",
    "catches",
    "check_again",
    "choose",
    "consequences",
    "evidence",
    "get",
    "go_on",
    "live",
    "newest_moved",
    "of_prompt",
    "offline",
    "overriding",
    "place",
    "pointers",
    "preflight",
    "propose",
    "put_back",
    "roll_back",
    "rollback_target",
    "run",
    "shutdown",
    "staged",
    "standing",
    "start",
    "stop",
    "successors",
    "telling",
    "unshadowed",
    "waiting",
    "withdraw",
]
