"""What follows from a scorer's kind: what it needs, what it gives, and where it can run."""

import re
from dataclasses import replace

from services.messages import Message
from services.scorers import catalogue, suites
from services.scorers.entries import Needs
from services.scorers.records import ScorerSpec
from services.scorers.source import needs_expectations

VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
# A verdict that a scorer could not give because something to judge was missing; not a failure of the scorer.
NOTHING_TO_JUDGE = frozenset({"NO_DOCUMENTS", "NO_EXPECTATION", "NO_CONVERSATION", "NO_TOOLS"})


def needs(spec: ScorerSpec) -> Needs:
    """What must be there for a verdict; a judge of one's own needs what its instructions name."""
    known = catalogue.of(spec).needs
    if spec.kind == "code" and needs_expectations(spec.settings):
        return replace(known, expected="answer or facts")
    if spec.kind != "judge":
        return known
    named = set(VARIABLE.findall(str(spec.settings["instructions"])))
    expected = "answer or facts" if "expectations" in named else ""
    return replace(known, expected=expected, session="conversation" in named)


def needs_judge(spec: ScorerSpec) -> bool:
    """Whether a language model gives the verdict."""
    return needs(spec).judge


def kind_of_value(spec: ScorerSpec) -> str:
    """“pass” when it says passed or failed, “number” when it gives a number."""
    if spec.kind == "judge":
        return "number" if spec.settings["answer"] == "number" else "pass"
    if spec.kind == "code":
        return str(spec.settings["gives"])
    return catalogue.of(spec).gives


def scale(spec: ScorerSpec) -> tuple[float, float] | None:
    """The worst and the best number that it can give; None when it says passed or failed."""
    if kind_of_value(spec) == "pass":
        return None
    if spec.kind in ("judge", "code"):
        return float(spec.settings["low"]), float(spec.settings["high"])
    return 0.0, 1.0


def not_in_production(spec: ScorerSpec) -> Message | None:
    """Why it cannot judge live answers on this platform; None when it can."""
    needed = needs(spec)
    if spec.kind == "suite" and not (suite := suites.of(str(spec.settings["scorer"]).partition(".")[0])).installed:
        return Message("{name} is not installed.", name=suite.name)
    if needed.expected:
        return Message("Live answers have no expected answer to compare with.")
    if needed.session:
        return Message("It judges whole conversations, and live answers are judged one by one.")
    return None


def remark(spec: ScorerSpec) -> Message | None:
    """What to know about its verdicts on live answers; None when there is nothing to say."""
    needed = needs(spec)
    if needed.documents:
        return Message("Live answers that looked nothing up get no verdict.")
    if needed.tools:
        return Message("Live answers that used no tool get no verdict.")
    return None
