"""Every interlock in its order, and which of them are asked once more right before a step of the train.

A new interlock is one function in CHECKS and its messages. `docs/interlocks.md` lists them for operators.
"""

from collections.abc import Callable

from services.interlocks.content import aliases_known, evaluated, uses_prompt, variables_supplied
from services.interlocks.facts import Candidate, Finding
from services.interlocks.gate import gate
from services.interlocks.movement import agreed_by_another, not_frozen, nothing_moved, way_back
from services.interlocks.python import python_served
from services.interlocks.served import can_be_served
from services.interlocks.staged import proven_in_staging
from services.interlocks.surroundings import (
    names_fit,
    rights_declared,
    room_left,
    secrets_by_reference,
    settings_known,
    traces_kept,
)
from services.interlocks.watching import judges_fit, scorers_ready

Check = Callable[[Candidate], Finding | list[Finding]]

CHECKS: tuple[Check, ...] = (
    evaluated,
    gate,
    uses_prompt,
    variables_supplied,
    aliases_known,
    scorers_ready,
    names_fit,
    settings_known,
    secrets_by_reference,
    traces_kept,
    rights_declared,
    judges_fit,
    way_back,
    room_left,
    agreed_by_another,
    nothing_moved,
    not_frozen,
    python_served,
    proven_in_staging,
    can_be_served,
)

PROTECTED: dict[str, tuple[Check, ...]] = {
    "register": (names_fit, nothing_moved),
    "deploy": (
        scorers_ready,
        names_fit,
        settings_known,
        secrets_by_reference,
        traces_kept,
        rights_declared,
        room_left,
        nothing_moved,
        can_be_served,
    ),
    "shift": CHECKS,
}
