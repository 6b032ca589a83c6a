"""A scorer in plain words: what it needs, where it is used, how far it can be trusted."""

from dataclasses import replace

from services import scorers
from services.messages import Message
from services.scorers import kinds
from services.scorers.entries import Entry, Needs
from services.scorers.health import Health, Line, below
from services.scorers.records import ScorerSpec
from services.workspace import Workspace

FAIR, GOOD = 0.4, 0.75
EXPECTED = {
    "answer": Message("an expected answer in the dataset"),
    "answer or facts": Message("an expected answer or expected facts in the dataset"),
    "guidelines": Message("guidelines in each row of the dataset"),
}


def asks(workspace: Workspace, spec: ScorerSpec) -> Message:
    """What it asks of an answer, with the app's own names instead of variables."""
    return scorers.describe(replace(spec, settings=scorers.filled(spec, workspace)))


def needed(needs: Needs) -> list[Message]:
    """What must be there for a verdict; a single entry when the answer is enough."""
    found = [Message("a language model")] if needs.judge else []
    if needs.expected:
        found.append(EXPECTED[needs.expected])
    if needs.documents:
        found.append(Message("documents that the agent looked up"))
    if needs.tools:
        found.append(Message("tools that the agent used"))
    if needs.session:
        found.append(Message("a conversation of several turns"))
    return found or [Message("the answer only")]


def gives(entry: Entry) -> Message:
    if entry.id in ("judge", "code"):
        return Message("passed or failed, or a number")
    return Message("a number") if entry.gives == "number" else Message("passed or failed")


def production(workspace: Workspace, spec: ScorerSpec, running: dict[str, float]) -> Message:
    """Whether it judges live answers, and why not."""
    reason = kinds.not_in_production(spec)
    if reason:
        return Message("Evaluations only. {reason}", reason=reason)
    if spec.name in running:
        return Message("Judges {share} % of the live answers.", share=round(running[spec.name] * 100))
    return Message("Evaluations; not started for live answers.")


def trust(health: Health, wanted: Line) -> tuple[str, Message]:
    """A colour and a word for a judge's health; rules need none."""
    found = health.agreement
    wrong = below(health, wanted)
    if not scorers.needs_judge(health.spec):
        if health.failures:
            return "orange", Message("failed {n} {n:time|times}", n=health.failures)
        return "gray", Message("a rule decides")
    if wrong:
        return "red", Message("may not gate")
    if found.n < wanted.opinions or found.kappa is None:
        return "gray", Message("people judged {n} of {least}", n=found.n, least=wanted.opinions)
    colour = "green" if found.kappa >= GOOD else "orange"
    return colour, Message("agrees with people: {share} %", share=round(found.share * 100))


def strength(kappa: float) -> Message:
    """Kappa in words: the bands of Landis and Koch (1977), joined to three."""
    if kappa >= GOOD:
        return Message("The judge sees answers much as people do.")
    if kappa >= FAIR:
        return Message("The judge agrees with people clearly more than by chance, but not always.")
    return Message("The judge agrees with people little more than by chance.")
