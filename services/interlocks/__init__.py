"""Interlocks: the checks that a release must pass, each with what it found, why it matters and how to mend it."""

from services.errors import BlockedError
from services.interlocks.facts import Candidate, Circumstances, Finding, Light, candidate
from services.interlocks.rules import CHECKS, PROTECTED
from services.messages import Message

__all__ = ["CHECKS", "PROTECTED", "Candidate", "Circumstances", "Finding", "Light", "candidate", "check", "hold"]


def check(candidate: Candidate, before: str | None = None) -> list[Finding]:
    """Every interlock's findings, in order; the gate has one for each of its rules that does not hold.

    `before` a step of the train, those alone that protect it.
    """
    asked = CHECKS if before is None else PROTECTED.get(before, ())
    found = [interlock(candidate) for interlock in asked]
    return [one for each in found for one in (each if isinstance(each, list) else [each])]


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
