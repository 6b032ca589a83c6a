"""Interlocks: the checks that a release must pass, each with what it found, why it matters and how to mend it."""

from dataclasses import replace

from services.errors import BlockedError
from services.interlocks.facts import Candidate, Circumstances, Finding, Light, candidate
from services.interlocks.movement import agreement, freeze
from services.interlocks.rules import CHECKS, PROTECTED
from services.messages import Message

# Evaluated, the gate, the scorers that gated, and their judges.
JUDGING = frozenset({1, 2, 6, 12})
__all__ = [
    "CHECKS",
    "PROTECTED",
    "Candidate",
    "Circumstances",
    "Finding",
    "Light",
    "agreement",
    "candidate",
    "check",
    "freeze",
    "hold",
]


def check(candidate: Candidate, before: str | None = None) -> list[Finding]:
    """Every interlock's findings, in order; the gate has one for each of its rules that does not hold.

    `before` a step of the train, those alone that protect it.
    """
    asked = CHECKS if before is None else PROTECTED.get(before, ())
    found = [interlock(candidate) for interlock in asked]
    return [_as_strict(candidate, one) for each in found for one in (each if isinstance(each, list) else [each])]


def _as_strict(candidate: Candidate, found: Finding) -> Finding:
    """Where an environment asks for no judgement, what the gate would have held is said and let pass."""
    if candidate.workspace.app.environment.judged or found.light is not Light.RED or found.number not in JUDGING:
        return found
    told = Message("Skipped, since this environment asks for no evaluation: {found}", found=found.found)
    return replace(found, light=Light.AMBER, found=told)


def hold(findings: list[Finding]) -> None:
    """Raise BlockedError naming the first red interlock."""
    red = [finding for finding in findings if finding.light is Light.RED]
    if red:
        raise BlockedError(
            Message(
                "Blocked by interlock {number}, {title}: {found}",
                number=red[0].number,
                title=red[0].title,
                found=red[0].found,
            ),
            red[0].mend,
        )
